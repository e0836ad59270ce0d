"""Very large sets: the input in windows, one file of embeddings per window, a manifest, and the merge of jobs.

No torch: `core.workers.embed_folder` encodes, and this package decides what is whole, what is missing and what fits.
"""
