"""Building blocks of the tables: one metadata with named constraints, and short column constructors.

Tables are STRICT, times are INTEGER microseconds UTC, JSON is checked TEXT. NaN is never stored: a missing number is
NULL, and a counter column holds the count.
"""

from typing import Any

from sqlalchemy import INTEGER, TEXT, CheckConstraint, Column, ForeignKey, MetaData, Table
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def table(name: str, *items: SchemaItem) -> Table:
    """Return a STRICT table with the primary key `id`."""
    return Table(name, metadata, Column("id", INTEGER, primary_key=True), *items, sqlite_strict=True)


def keyed_table(name: str, *items: SchemaItem) -> Table:
    """Return a STRICT table without row ids; `items` hold its primary key."""
    return Table(name, metadata, *items, sqlite_strict=True, sqlite_with_rowid=False)


def need(kind: type[TypeEngine[Any]], *names: str) -> list[Column[Any]]:
    """Return NOT NULL columns."""
    return [Column(name, kind, nullable=False) for name in names]


def may(kind: type[TypeEngine[Any]], *names: str) -> list[Column[Any]]:
    """Return nullable columns."""
    return [Column(name, kind, nullable=True) for name in names]


def unique_text(name: str) -> Column[Any]:
    return Column(name, TEXT, nullable=False, unique=True)


def owned_by_run() -> Column[Any]:
    """Return `run_id` of a row that is deleted with its run."""
    return Column("run_id", INTEGER, ForeignKey("run.id", ondelete="CASCADE"), nullable=False)


def points_to(name: str, table: str, *, nullable: bool = True) -> Column[Any]:
    """Return a reference that prevents the deletion of its target."""
    return Column(name, INTEGER, ForeignKey(f"{table}.id", ondelete="RESTRICT"), nullable=nullable)


def is_json(name: str) -> CheckConstraint:
    """Return a check for JSON or NULL; json_valid(NULL) is 0 in SQLite 3.40."""
    return CheckConstraint(f"{name} IS NULL OR json_valid({name})", name=f"{name}_is_json")


def one_of(name: str, values: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f"{name} IN ({listed(values)})", name=name)


def listed(values: tuple[str, ...]) -> str:
    """Return `values` as an IN list: 'a', 'b'."""
    return ", ".join(f"'{value}'" for value in values)
