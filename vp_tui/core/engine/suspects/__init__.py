"""Suspects: what known faults of pipelines make of a sequence, computed with a loaded checkpoint in FP32.

An embedding of unknown origin is compared with each of them (measures.explained): the one that it agrees with names
the fault.
"""
