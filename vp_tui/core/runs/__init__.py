"""Runs as a user handles them: create, start, stop, repeat, estimate, and the production policy.

In: a RunConfig and the store. Out: run ids, estimates, policy decisions.
May import: store, regression, inputs and what stands below them; no torch, no SQL of its own.
"""
