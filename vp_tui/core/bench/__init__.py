"""Throughput of this engine compared with device limits and with other implementations.

In: a model shape and a mix of sequence lengths. Out: a bench document.
May import: engine, models and what stands below them; no SQL.
"""
