"""The demo: tiny checkpoints and synthetic sequences, made on this machine."""
