"""What a run would take, told before it starts: sequences, tokens, seconds, memory. No torch."""
