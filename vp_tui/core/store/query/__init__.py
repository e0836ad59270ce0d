"""Query language of the history: text to tree; core.store.filters converts the tree to SQL."""
