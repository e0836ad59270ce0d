"""What each command of the command line does, once it is parsed: one module per family of commands."""
