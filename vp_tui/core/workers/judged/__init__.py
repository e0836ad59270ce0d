"""The worker of `vp-tui judge`: embeddings that another program computed, judged by the measures of a run."""
