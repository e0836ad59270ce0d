"""Gates: from measures and limits to findings and PASS, WARN, FAIL or INVALID.

In: Measurements and Thresholds. Out: findings, the result of every gate, the verdict.
May import: measures and the vocabulary of core; no torch, no SQL, no clock.
"""
