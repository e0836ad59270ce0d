"""The query language of the history: text to a small tree; core.store.filters turns the tree into SQL."""
