"""The run store: every SQL statement of the product lives in this package.

In: events of a running validation and queries of the screens. Out: rows, snapshots, stored references.
May import: the rooms below it except models and engine, SQLAlchemy, sqlite3; no torch.
"""
