"""Checks whether protein and DNA language models may run in reduced precision: core, dashboard, schema migrations."""

__version__ = "0.1.0"
