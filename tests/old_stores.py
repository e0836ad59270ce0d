"""Questions to a store in SQL."""

import sqlite3


def asked(path, statement):
    """The rows that the store `path` answers."""
    connection = sqlite3.connect(path)
    try:
        with connection:
            return connection.execute(statement).fetchall()
    finally:
        connection.close()


def schema(path):
    """Every statement of the schema, sorted by kind and name, without trailing blanks."""
    found = asked(path, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name")
    return ["\n".join(line.rstrip() for line in sql.split("\n") if line.strip()) for (sql,) in found]
