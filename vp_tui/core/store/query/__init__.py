"""Query language of the history: text to tree; core.store.history converts the tree to SQL."""
