"""Estimate of a run before it starts: sequences, tokens, seconds, memory. No torch."""
