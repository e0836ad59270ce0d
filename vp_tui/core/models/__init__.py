"""The language models as torch modules, and the one place that lowers their precision.

In: a ModelSpec and its weights. Out: a loaded model that maps packed token ids to token outputs [N, D].
May import: inputs and what stands below it, torch, transformers; no SQL.
"""
