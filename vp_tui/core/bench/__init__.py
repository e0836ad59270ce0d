"""`vp-tui bench`: how fast this engine is here, beside what the device can do and what others reach on it."""
