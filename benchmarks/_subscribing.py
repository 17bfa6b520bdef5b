"""Webhooks by the hundred thousand.

Making one takes a dozen statements, so that a million would take hours. Where making another does nothing but add a row
to the two tables that are known here and give it the next seat, the rest are added as rows like it and given theirs by
the thousand, as the fan-out does; where it does more, each is made.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, insert, select

from publisher.delivery import signing
from publisher.model import Filter, Role
from publisher.model.subscription import STANDARD, endpoint_host
from publisher.storage.access.sealing import Sealer
from publisher.storage.engine.database import FILE, Tx
from publisher.storage.engine.dialects import dialect_for
from publisher.storage.engine.tables import follows, metadata, seats
from publisher.storage.engine.tables import rosters as rosters_table
from publisher.storage.engine.tables import subscriptions as table
from publisher.storage.subscriptions import lanes, rosters, subscriptions

CHUNK = 2_000

ADDED = {table.name: 1, follows.name: 1, seats.name: 1, rosters_table.name: 1}
LOST: tuple[dict[str, int], ...] = {}, {rosters_table.name: 1}
"""Rows that making another adds, and replaces: its roster is new, or has one member more."""

Contents = dict[str, set[tuple[Any, ...]]]


def subscribe(data: Path, groups: Mapping[str, Sequence[str]]) -> None:
    """Make a webhook for each URL, with a secret of its own and following its group's feed; on SQLite."""
    engine, sealer = create_engine(f"sqlite:///{data / FILE}"), Sealer.open(data)
    dialect = dialect_for("sqlite+aiosqlite://")
    assert dialect is not None
    with engine.begin() as connection:
        tx = Tx(connection, dialect, time.time_ns() // 1000)
        for group, urls in groups.items():
            _subscribe(tx, sealer, group, urls)
    engine.dispose()


def _subscribe(tx: Tx, sealer: Sealer, group: str, urls: Sequence[str]) -> None:
    rest = iter(urls)
    for url in islice(rest, 1):  # which makes what the group has in common
        _create(tx, sealer, group, url)
    for url in islice(rest, 1):
        before = _contents(tx)
        _create(tx, sealer, group, url)
        after = _contents(tx)
        added = {name: rows - before[name] for name, rows in after.items() if rows != before[name]}
        lost = {name: len(rows - after[name]) for name, rows in before.items() if rows - after[name]}
        if lost in LOST and {name: len(rows) for name, rows in added.items()} == ADDED:
            _add_alike(tx, sealer, rest, *added[table.name], *added[follows.name])
    for url in rest:
        _create(tx, sealer, group, url)


def _create(tx: Tx, sealer: Sealer, group: str, url: str) -> None:
    subscriptions.create(
        tx, url=url, filter=Filter(feeds=(group,)), format=STANDARD, description=None, owner="bench",
        sealed_secret=_secret(sealer), granted=Role.OPERATOR,
    )  # fmt: skip


def _contents(tx: Tx) -> Contents:
    return {one.name: {tuple(row) for row in tx.conn.execute(select(one))} for one in metadata.sorted_tables}


def _add_alike(
    tx: Tx, sealer: Sealer, urls: Iterator[str], subscription: tuple[Any, ...], follow: tuple[Any, ...]
) -> None:
    like = dict(zip(table.c.keys(), subscription, strict=True))
    following = {**dict(zip(follows.c.keys(), follow, strict=True)), "rows_from": 0}
    n = like["n"]
    while chunk := list(islice(urls, CHUNK)):
        rows = [
            {**like, "n": n + number, "id": "wh_" + secrets.token_urlsafe(12), "url": url, "host": endpoint_host(url),
             "lane": lanes.lane_of(url), "secret": _secret(sealer)}
            for number, url in enumerate(chunk, start=1)
        ]  # fmt: skip
        tx.conn.execute(insert(table), rows)
        tx.conn.execute(insert(follows), [{**following, "subscription": row["n"]} for row in rows])
        while rosters.fill(tx):
            pass
        n += len(chunk)


def _secret(sealer: Sealer) -> bytes:
    return sealer.seal(signing.new_secret().encode())
