"""Pure functions from a snapshot to widgets, one panel per module."""
