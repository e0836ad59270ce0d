"""The search for the smallest set of units that must keep a higher precision: the algorithm and its records; no torch.

`algorithm` decides which set is tried next, `records` is what a search leaves on the disk. The trials themselves need
torch (core.workers.search).
"""
