"""Numerics, models, runs and results; no screen, no printing."""

if __name__ != "vp_tui.core":
    raise ImportError("this folder is the package vp_tui.core; import it by that name")
