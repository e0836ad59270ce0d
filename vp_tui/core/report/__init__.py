"""A run or a comparison as a document: the same numbers in every format.

In: records read from the store. Out: text, Markdown, CSV, JSON, HTML, JUnit.
May import: runs and what stands below it, jinja2, matplotlib; no torch, no SQL of its own.
"""
