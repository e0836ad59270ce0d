"""The screen and the command line; never loads torch."""
