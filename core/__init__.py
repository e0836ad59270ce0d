"""Numerics, models, runs and results; never a screen, never a print."""

__version__ = "0.1.0"
