"""Numerics, models, runs and results; never a screen, never a print."""
