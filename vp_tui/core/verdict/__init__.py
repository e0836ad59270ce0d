"""Numbers and limits in, findings in words out; nothing here reads a clock, a store or a tensor."""
