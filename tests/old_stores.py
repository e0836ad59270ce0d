"""Stores of earlier revisions, made from dumps in tests/data, and a question to a store in SQL."""

import sqlite3

from vp_tui.core.store.home import Home


def home_with(dump, folder, monkeypatch):
    """A home in `folder` whose store is the dump; child processes use it too."""
    monkeypatch.setenv("VP_TUI_HOME", str(folder))
    place = Home(folder)
    place.create()
    connection = sqlite3.connect(place.database)
    connection.executescript(dump.read_text())
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    return place


def asked(path, statement):
    """The rows that the store `path` answers."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()
