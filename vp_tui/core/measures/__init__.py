"""Measures of two sets of embeddings.

In: embeddings of the reference and of the candidate, float arrays [S, D], and the seconds of paired blocks.
Out: plain numbers and Measurements. May import: numpy, scipy, and the vocabulary of core; no torch, no SQL.
"""
