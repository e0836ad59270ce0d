"""The comparison rule: samples of two configurations to one verdict with its sentence.

In: per-run and per-sequence numbers of a baseline and a candidate. Out: EQUIVALENT, REGRESSED and the like, per metric.
May import: measures, verdict and the vocabulary of core; no torch, no SQL, no clock.
"""
