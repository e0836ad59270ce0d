"""Implementation of the commands, one module per family."""
