"""The worker of `vp-tui search`: trials of precision plans on the sequences of a failed run.

data       the run's sequences, reference embeddings, and their division into search set and unseen set
models     one checkpoint in FP32 in memory, and models of any plan made of it
evidence   what a few sequences show of every unit before the first trial
trial      one plan encoded, compared and judged
run        the order of all this, and the records
"""
