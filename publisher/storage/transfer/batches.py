"""Rows of any table, in batches in the order of its key: read, looked up by key, compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, Connection, Table, Text, and_, bindparam, column, func, select, tuple_
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

Key = tuple[Any, ...]
Rows = Sequence[tuple[Any, ...]]


def count(conn: Connection, table: Table) -> int:
    """How many rows a table has."""
    return int(conn.execute(select(func.count()).select_from(table)).scalar_one())


def read(conn: Connection, table: Table, size: int, after: Key | None = None) -> Iterator[Rows]:
    """The rows above a key, ``size`` at a time, in the order of the key (text byte by byte: this is for SQLite)."""
    columns = _key_columns(table)
    statement = select(table).order_by(*columns)
    if after is not None:
        statement = statement.where(tuple_(*columns) > tuple_(*(bindparam(None, value) for value in after)))
    result = conn.execution_options(yield_per=size).execute(statement)
    for partition in result.partitions():
        yield [tuple(row) for row in partition]


def given_out(conn: Connection) -> dict[str, int]:
    """The highest number that SQLite ever gave out, by table, where none is to be given out again."""
    rows = conn.exec_driver_sql("SELECT name, seq FROM sqlite_sequence")
    return {name: int(seq) for name, seq in rows}


def key_of(table: Table) -> itemgetter[Any]:
    """A function from a row of the table to its key; a key of one column is that value alone."""
    positions = {one.name: place for place, one in enumerate(table.columns)}
    return itemgetter(*(positions[one.name] for one in _key_columns(table)))


def as_key(value: Any) -> Key:
    """What :func:`key_of` gives, as a tuple whatever its length."""
    return value if isinstance(value, tuple) else (value,)


def look_up(conn: Connection, table: Table, rows: Rows) -> dict[Any, tuple[Any, ...]]:
    """Those rows that PostgreSQL holds under the keys of ``rows``, by their key.

    By equality alone: two databases may sort text differently.
    """
    key = key_of(table)
    columns = _key_columns(table)
    keys = zip(*(as_key(key(row)) for row in rows), strict=True)
    arrays = [
        bindparam(None, list(values), postgresql.ARRAY(_plain(one)), unique=True)
        for one, values in zip(columns, keys, strict=True)
    ]
    names = [column(one.name, _plain(one)) for one in columns]
    wanted = func.unnest(*arrays).table_valued(*names, name="wanted").render_derived()
    same = and_(*(one == wanted.c[one.name] for one in columns))
    return {key(row): tuple(row) for row in conn.execute(select(table).join(wanted, same))}


def describe(table: Table, key: Any) -> str:
    """A row as an error names it."""
    named = zip(_key_columns(table), as_key(key), strict=True)
    return f"{table.name} ({', '.join(f'{one.name} {value!r}' for one, value in named)})"


def differing(table: Table, one: Sequence[Any], other: Sequence[Any]) -> str:
    """The names of the columns in which two rows differ. (Not the values: there are secrets among them.)"""
    pairs = zip(table.columns, one, other, strict=True)
    return ", ".join(name.name for name, mine, theirs in pairs if mine != theirs)


def _key_columns(table: Table) -> list[Column[Any]]:
    return list(table.primary_key.columns)


def _plain(one: Column[Any]) -> TypeEngine[Any]:
    """Its type without a collation, which an array has none of."""
    return Text() if isinstance(one.type, Text) else one.type
