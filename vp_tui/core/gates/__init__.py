"""The table of gates: every gate with its limits, kind, calibration note and texts, each written once.

In: nothing. Out: Gate records. May import: nothing of the project.
"""
