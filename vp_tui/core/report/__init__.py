"""A run or a comparison as a document: the same numbers in every format."""
