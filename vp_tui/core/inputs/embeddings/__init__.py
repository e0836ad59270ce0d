"""Embedding files that other programs wrote: readers by format, one view on all of them, and matching by id."""
