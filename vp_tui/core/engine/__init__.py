"""Model and packed batches to embeddings, with time, memory, telemetry and a view inside.

In: a loaded model and packed batches. Out: embeddings float32 [S, D], seconds, GPU samples, errors per module.
May import: models and what stands below it; no SQL.
"""
