"""Child processes: everything that needs torch runs in one of them, started by the command line or dashboard.

In: arguments and the store. Out: rows in the store, files, or one JSON document on stdout.
May import: every other package of core.
"""
