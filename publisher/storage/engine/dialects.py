"""What differs between SQLite and PostgreSQL, in one place: the clock, and the text of the hot statements.

The hot statements (fan-out, claim, settle) go to the driver as they stand here: building them with SQLAlchemy Core
cost a quarter of the delivery rate when measured.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from sqlalchemy import ColumnElement, Connection, Integer, LargeBinary, Table, any_, bindparam, case, cast, func, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from publisher import clock
from publisher.errors import ConfigError, StorageError
from publisher.storage.engine.tables import SEATED

if TYPE_CHECKING:
    import aiosqlite
    from sqlalchemy.dialects import postgresql

T = TypeVar("T")

CHANNEL = "publisher_log"
"""The channel on which growth of the log is notified, where the database can notify."""

# Every subscription that follows a matching filter, for a stretch of events (?1 to ?2) and of subscriptions (above ?3,
# up to ?4). A subscription's stretches of the log do not overlap, so it matches an event at most once.
_FOLLOWERS = """
    FROM matches m JOIN follows f
      ON f.filter_id = m.filter_id AND f.from_seq <= m.seq AND (f.until_seq IS NULL OR f.until_seq >= m.seq)
    WHERE m.seq BETWEEN CAST(?1 AS BIGINT) AND CAST(?2 AS BIGINT)
      AND f.subscription > CAST(?3 AS BIGINT) AND f.subscription <= CAST(?4 AS BIGINT)"""

# Whether what an event is to a filter stands as it was judged, so that whoever has a seat is sent it in a parcel.
_TOGETHER = "m.held IS NULL AND m.reason IS NULL"

_ROWS = """
    INSERT INTO deliveries (seq, subscription, filter_id, state, reason, due_at, created_at, settled_at)
    SELECT m.seq, f.subscription, m.filter_id,
      CASE WHEN coalesce(f.reason, m.reason) IS NULL THEN 'pending' ELSE 'cancelled' END, coalesce(f.reason, m.reason),
      CASE WHEN coalesce(f.reason, m.reason) IS NULL THEN CAST(?5 AS BIGINT) END, CAST(?5 AS BIGINT),
      CASE WHEN coalesce(f.reason, m.reason) IS NOT NULL THEN CAST(?5 AS BIGINT) END"""

# A row for each follower without a seat; and for all where no parcel was made, since what the event is to the filter
# stands under a reserve. That is seen by the parcels: it may change while an event is half done.
_FAN_OUT = f"""{_ROWS}
    {_FOLLOWERS} AND f.rows_from < {SEATED} AND f.rows_from <= m.seq
    ON CONFLICT (seq, subscription, run) DO NOTHING"""

_FAN_OUT_APART = f"""{_ROWS}
    {_FOLLOWERS} AND f.rows_from > m.seq
      AND NOT EXISTS (SELECT 1 FROM parcels p WHERE p.seq = m.seq AND p.filter_id = m.filter_id)
    ON CONFLICT (seq, subscription, run) DO NOTHING"""  # noqa: S608

_PARCELS = f"""
    INSERT INTO parcels (seq, roster, lane, filter_id, members, size, created_at)
    SELECT m.seq, r.id, r.lane, r.filter_id, r.members, r.size, CAST(?3 AS BIGINT)
    FROM matches m JOIN rosters r ON r.filter_id = m.filter_id
    WHERE m.seq BETWEEN CAST(?1 AS BIGINT) AND CAST(?2 AS BIGINT) AND r.size > 0 AND {_TOGETHER}
    ORDER BY m.seq, r.id"""  # noqa: S608

# The number matched, counted from the followers and not from the rows that the statement above inserted for them.
# No value is put into a statement's text here or below, hence no S608.
_COUNT_MATCHED = f"""
    UPDATE events SET matched = coalesce(matched, 0) + (SELECT count(*) {_FOLLOWERS} AND m.seq = events.seq)
    WHERE seq BETWEEN CAST(?1 AS BIGINT) AND CAST(?2 AS BIGINT)"""  # noqa: S608

_FRESH = """
    SELECT id, seq, subscription FROM deliveries
    WHERE (seq, subscription) > (CAST(?1 AS BIGINT), CAST(?2 AS BIGINT))
      AND (seq, subscription) <= (CAST(?3 AS BIGINT), CAST(?4 AS BIGINT)) AND due_at IS NOT NULL AND state = 'pending'
    ORDER BY seq, subscription LIMIT CAST(?5 AS BIGINT)"""

_TAKE = """
    UPDATE deliveries SET state = 'sending', lease = ?1, due_at = CAST(?2 AS BIGINT)
    WHERE id {among} AND due_at <= CAST(?3 AS BIGINT) RETURNING id"""

_TAKE_OF = """
    UPDATE deliveries SET state = 'sending', lease = ?1, due_at = CAST(?2 AS BIGINT)
    WHERE id {due} RETURNING id"""

# Of one subscription, by its own index.
_DUE_OF = """
    SELECT id FROM deliveries WHERE subscription = own.value AND due_at <= CAST(?3 AS BIGINT)
    ORDER BY due_at, id LIMIT CAST(?5 AS BIGINT)"""

# Whether a later event of the same item was given to the subscription, in the same run: by a row, or in a parcel, and
# was not cancelled since.
_LATER = """
    SELECT 1 FROM events later JOIN matches lm ON lm.seq = later.seq AND lm.held IS NULL AND lm.reason IS NULL
    WHERE later.subject = e.subject AND later.seq > d.seq AND lm.type IN ({types}) AND (
      EXISTS (SELECT 1 FROM deliveries o WHERE o.subscription = d.subscription AND o.seq = later.seq AND o.run = 0
        AND o.filter_id = lm.filter_id AND o.state <> 'cancelled')
      OR EXISTS (SELECT 1 FROM seats t JOIN parcels p ON p.roster = t.roster AND p.seq = later.seq
        WHERE t.subscription = d.subscription AND t.from_seq <= later.seq
          AND (t.until_seq IS NULL OR t.until_seq >= later.seq) AND p.filter_id = lm.filter_id
          AND NOT EXISTS (SELECT 1 FROM deliveries c WHERE c.subscription = d.subscription AND c.seq = later.seq
            AND c.run = 0 AND c.state = 'cancelled')))"""

_TRUTHS = "'article.published', 'article.updated', 'article.withdrawn', 'indicator.updated', 'indicator.corrected'"

# A later truth overtakes: the retry of an event whose item has changed since is not sent, nor a first attempt once its
# item was withdrawn.
_SUPERSEDED = f"""
    d.run = 0 AND NOT s.history AND m.type IN ({_TRUTHS}) AND (
      (d.attempts > 0 AND EXISTS ({_LATER.format(types=_TRUTHS)}))
      OR (m.type LIKE 'article.%' AND EXISTS ({_LATER.format(types="'article.withdrawn'")})))"""

# All that a sender needs, in the order of Claimed's fields, and whether the event's content was erased. That it is
# disabled or may follow nothing is the one thing that a subscription which is not active is still told.
_CLAIMED = f"""
    SELECT d.id, d.seq, d.subscription, d.lease, d.attempts + 1, s.id, s.url, s.format, s.secret, m.type, m.change,
      coalesce(d.reason, m.reason, CASE
        WHEN s.state = 'deleted' THEN s.state
        WHEN s.state <> 'active' AND m.type NOT IN ('webhook.disabled', 'webhook.access')
        THEN CASE WHEN s.cause = 'access' THEN s.cause ELSE s.state END
        WHEN m.held IS NOT NULL THEN 'paused'
        WHEN {_SUPERSEDED} THEN 'superseded' END),
      m.summary, s.failures, s.options, d.run, e.erased
    FROM deliveries d
      JOIN events e ON e.seq = d.seq
      JOIN subscriptions s ON s.n = d.subscription
      JOIN matches m ON m.seq = d.seq AND m.filter_id = d.filter_id
    WHERE d.id {{among}} ORDER BY d.id"""  # noqa: S608

_NEXT_DUE = """
    SELECT own.value, (
      SELECT due_at FROM deliveries WHERE subscription = own.value AND due_at IS NOT NULL ORDER BY due_at LIMIT 1
    ) FROM {own} AS own{column}"""

_LEASES = "SELECT id, lease FROM deliveries WHERE id {among} AND state = 'sending' ORDER BY id{lock}"

# A delivery that was cancelled while it was under way is not tried again. One that is suspected of ending processes has
# a time of its own when nothing came of it (?8), and is no suspect any more once something did (?9).
_SETTLE = """
    UPDATE deliveries SET
      state = CASE WHEN reason IS NULL OR CAST(?2 AS TEXT) = 'delivered' THEN CAST(?2 AS TEXT) ELSE 'cancelled' END,
      reason = CASE WHEN CAST(?2 AS TEXT) = 'delivered' THEN NULL ELSE coalesce(reason, CAST(?8 AS TEXT)) END,
      due_at = CASE WHEN reason IS NOT NULL THEN NULL WHEN crashes > 1 THEN CAST(?9 AS BIGINT)
        ELSE CAST(?3 AS BIGINT) END,
      crashes = CASE WHEN CAST(?10 AS INTEGER) = 1 THEN 0 ELSE crashes END,
      settled_at = CASE WHEN reason IS NOT NULL OR CAST(?3 AS BIGINT) IS NULL THEN CAST(?4 AS BIGINT) END,
      attempts = attempts + CAST(?5 AS INTEGER),
      last_status = CASE WHEN CAST(?5 AS INTEGER) = 1 THEN CAST(?6 AS INTEGER) ELSE last_status END,
      last_error = CASE WHEN CAST(?5 AS INTEGER) = 1 THEN CAST(?7 AS TEXT) ELSE last_error END,
      lease = NULL
    WHERE id = CAST(?1 AS BIGINT)"""

# What a receiver answered may say what it was sent, and is not kept where that was erased meanwhile.
_ATTEMPT = """
    INSERT INTO attempts (
      delivery_id, number, at, duration_ms, status, error, response, request, digest, answer, address, error_class
    )
    SELECT CAST(?1 AS BIGINT), CAST(?2 AS INTEGER), CAST(?3 AS BIGINT), CAST(?4 AS INTEGER), CAST(?5 AS INTEGER),
      CAST(?6 AS TEXT), CASE WHEN e.erased THEN NULL ELSE CAST(?7 AS TEXT) END, CAST(?8 AS TEXT),
      CASE WHEN e.erased THEN NULL ELSE CAST(?9 AS TEXT) END, CASE WHEN e.erased THEN NULL ELSE CAST(?10 AS TEXT) END,
      CAST(?11 AS TEXT), CAST(?12 AS TEXT)
    FROM deliveries d JOIN events e ON e.seq = d.seq WHERE d.id = CAST(?1 AS BIGINT)"""


_PARCELS_HELD = """
    SELECT p.id, p.created_at, p.moved FROM parcels p JOIN lanes l ON l.n = p.lane AND l.owner = ?2
    WHERE p.id {among} AND p.closed_at IS NULL ORDER BY p.id{lock}"""

_CLOSE_PARCEL = """
    UPDATE parcels SET closed_at = CAST(?2 AS BIGINT), sent = CAST(?3 AS INTEGER), began_at = CAST(?4 AS BIGINT),
      times = ?5, statuses = ?6, moved = ?7
    WHERE id = CAST(?1 AS BIGINT)"""

_ADD_TO_JOURNAL = "INSERT INTO journal (lane, entries) VALUES (CAST(?1 AS INTEGER), ?2) RETURNING id"

_DROP_OF_JOURNAL = "DELETE FROM journal WHERE id {among}"

_REVISION = "SELECT version_num FROM alembic_version"

_NOW = "(extract(epoch from clock_timestamp()) * 1000000)::bigint"

# The tables that a first reading fills.
_LOADED = ("articles", "article_facets", "events")


def _dollars(statement: str) -> str:
    """The statement with its parameters numbered as in PostgreSQL."""
    return statement.replace("?", "$")


class Dialect(ABC):
    """One database engine.

    The hot statements take their parameters by position; what each is stands where they are used, in
    ``fanout.py`` and ``deliveries.py`` of ``storage/subscriptions``.
    """

    name: str
    single_writer: bool
    notifies: bool
    fan_out: str
    fan_out_apart: str
    parcels: str
    parcels_held: str
    close_parcel: str
    add_to_journal: str
    drop_of_journal: str
    count_matched: str
    fresh: str
    take: str
    take_of: str
    claimed: str
    next_due: str
    leases: str
    settle: str
    attempt: str

    @abstractmethod
    def fetch(self, conn: Connection, statement: str, parameters: tuple[Any, ...]) -> Sequence[Sequence[Any]]:
        """Run a hot statement and return its rows."""

    @abstractmethod
    def many(self, conn: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Run a hot statement once for each row of parameters."""

    @abstractmethod
    def begin_claim(self, conn: Connection) -> None:
        """Prepare the transaction for the claim's statement."""

    @abstractmethod
    def announce(self, conn: Connection, seq: int) -> None:
        """Tell other processes, once the transaction is committed, that the log holds events up to ``seq``."""

    @abstractmethod
    def loaded(self, conn: Connection) -> None:
        """Refresh the planner's statistics after a bulk insert."""

    @abstractmethod
    def begin_write(self, conn: Connection) -> tuple[str, int]:
        """The present schema revision, which cannot change before this transaction ends, and the time."""

    @abstractmethod
    def hold(self, conn: Connection, table: Table) -> None:
        """Keep all other transactions from writing to a table, and from locking its rows, until this one ends."""

    @abstractmethod
    def array(self, values: Collection[int]) -> Any:
        """Numbers as the single parameter of a hot statement."""

    @abstractmethod
    def now(self, conn: Connection) -> int:
        """Microseconds since the epoch by the clock that all nodes on this database share."""

    @abstractmethod
    def among(self, column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
        """``column`` is one of ``values``: one parameter however many they are, so that one plan serves all."""

    @abstractmethod
    def bit(self, bitmap: ColumnElement[bytes], seat: ColumnElement[int]) -> ColumnElement[bool]:
        """Whether a seat is in a stored bitmap; see ``subscriptions/bitmaps.py``."""

    @abstractmethod
    def size(self, column: ColumnElement[str]) -> ColumnElement[int]:
        """How many bytes the text in ``column`` takes, without reading it where the engine can do that."""

    @abstractmethod
    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that knows ON CONFLICT."""


class SQLite(Dialect):
    """One file, one writer; every process on it is on one machine, whose clock they share."""

    name = "sqlite"
    single_writer = True
    notifies = False
    fan_out = _FAN_OUT
    fan_out_apart = _FAN_OUT_APART
    parcels = _PARCELS
    parcels_held = _PARCELS_HELD.format(among="IN (SELECT value FROM json_each(?1))", lock="")
    close_parcel = _CLOSE_PARCEL
    add_to_journal = _ADD_TO_JOURNAL
    drop_of_journal = _DROP_OF_JOURNAL.format(among="IN (SELECT value FROM json_each(?1))")
    count_matched = _COUNT_MATCHED
    fresh = _FRESH
    take = _TAKE.format(among="IN (SELECT value FROM json_each(?4))")
    take_of = _TAKE_OF.format(
        due=f"IN (SELECT d.id FROM json_each(?4) AS own JOIN deliveries d ON d.id IN ({_DUE_OF}))"  # noqa: S608
    )
    claimed = _CLAIMED.format(among="IN (SELECT value FROM json_each(?1))")
    next_due = _NEXT_DUE.format(own="json_each(?1)", column="")
    leases = _LEASES.format(among="IN (SELECT value FROM json_each(?1))", lock="")
    settle = _SETTLE
    attempt = _ATTEMPT

    def fetch(self, conn: Connection, statement: str, parameters: tuple[Any, ...]) -> Sequence[Sequence[Any]]:
        async def run(driver: aiosqlite.Connection) -> Sequence[Sequence[Any]]:
            return list(await driver.execute_fetchall(statement, parameters))

        return self._direct(conn, run)

    def many(self, conn: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        async def run(driver: aiosqlite.Connection) -> None:
            async with driver.executemany(statement, rows):
                pass

        self._direct(conn, run)

    def _direct(self, conn: Connection, call: Callable[[aiosqlite.Connection], Awaitable[T]]) -> T:
        """Call the driver itself: each call is a change of thread there and back, and SQLAlchemy makes four of them
        where one does.
        """
        if not conn.in_transaction():
            conn.begin()
        adapted: Any = conn.connection.dbapi_connection
        try:
            result: T = adapted.run_async(call)
        except sqlite3.Error as error:
            raise StorageError(str(error)) from error
        return result

    def begin_write(self, conn: Connection) -> tuple[str, int]:
        # The time comes second: the transaction may have waited for another process to end its own.
        found = self.fetch(conn, _REVISION, ())
        return str(found[0][0]), self.now(conn)

    def begin_claim(self, conn: Connection) -> None:
        pass

    def announce(self, conn: Connection, seq: int) -> None:
        pass

    def loaded(self, conn: Connection) -> None:
        pass

    def hold(self, conn: Connection, table: Table) -> None:
        pass

    def array(self, values: Collection[int]) -> str:
        return orjson.dumps(list(values)).decode()

    def now(self, conn: Connection) -> int:
        return clock.to_micros(clock.now())

    def among(self, column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
        array: ColumnElement[str] = bindparam(None, orjson.dumps(list(values)).decode(), unique=True)
        return column.in_(select(func.json_each(array).table_valued("value").c.value))

    def bit(self, bitmap: ColumnElement[bytes], seat: ColumnElement[int]) -> ColumnElement[bool]:
        # There is no function for it: the half of the byte as a hexadecimal digit, and that as a number.
        byte = func.hex(func.substr(bitmap, seat // 8 + 1, 1))
        digit = func.instr("0123456789ABCDEF", func.substr(byte, 2 - seat % 8 // 4, 1)) - 1
        return func.coalesce(digit.op(">>")(seat % 4).op("&")(1), 0) == 1

    def size(self, column: ColumnElement[str]) -> ColumnElement[int]:
        if sqlite3.sqlite_version_info >= (3, 43):
            return func.octet_length(column)
        return func.length(cast(column, LargeBinary))

    def insert(self, table: Table) -> sqlite.Insert:
        return sqlite.insert(table)


class PostgreSQL(Dialect):
    """Many machines; times are the server's."""

    name = "postgresql"
    single_writer = False
    notifies = True
    fan_out = _dollars(_FAN_OUT)
    fan_out_apart = _dollars(_FAN_OUT_APART)
    parcels = _dollars(_PARCELS)
    parcels_held = _dollars(_PARCELS_HELD.format(among="= ANY(?1::bigint[])", lock=" FOR UPDATE OF p"))
    close_parcel = _dollars(_CLOSE_PARCEL)
    add_to_journal = _dollars(_ADD_TO_JOURNAL)
    drop_of_journal = _dollars(_DROP_OF_JOURNAL.format(among="= ANY(?1::bigint[])"))
    count_matched = _dollars(_COUNT_MATCHED)
    fresh = _dollars(_FRESH)
    take = _dollars(_TAKE.format(among="= ANY(?4::bigint[])"))
    # "id IN (SELECT …)" claimed 2,000 rows for a limit of 32 under a stale plan; an array is made once.
    take_of = _dollars(
        _TAKE_OF.format(
            due="= ANY(ARRAY(SELECT one.id FROM unnest(?4::bigint[]) AS own(value), "  # noqa: S608
            f"LATERAL ({_DUE_OF} FOR UPDATE SKIP LOCKED) AS one))"
        )
    )
    claimed = _dollars(_CLAIMED.format(among="= ANY(?1::bigint[])"))
    next_due = _dollars(_NEXT_DUE.format(own="unnest(?1::bigint[])", column="(value)"))
    leases = _dollars(_LEASES.format(among="= ANY(?1::bigint[])", lock=" FOR UPDATE"))
    settle = _dollars(_SETTLE)
    attempt = _dollars(_ATTEMPT)

    def fetch(self, conn: Connection, statement: str, parameters: tuple[Any, ...]) -> Sequence[Sequence[Any]]:
        return conn.exec_driver_sql(statement, parameters).all()

    def many(self, conn: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        conn.exec_driver_sql(statement, list(rows))

    def begin_write(self, conn: Connection) -> tuple[str, int]:
        found, now = conn.exec_driver_sql(f"SELECT ({_REVISION}), {_NOW}").one()
        return str(found), int(now)

    def begin_claim(self, conn: Connection) -> None:
        # A plan made when the queue was empty crawls once it is long.
        conn.exec_driver_sql("SET LOCAL plan_cache_mode = force_custom_plan")

    def announce(self, conn: Connection, seq: int) -> None:
        conn.exec_driver_sql("SELECT pg_notify($1, $2)", (CHANNEL, str(seq)))

    def loaded(self, conn: Connection) -> None:
        # The server does so by itself within minutes. A table that it is vacuuming just now is skipped.
        conn.exec_driver_sql(f"ANALYZE (SKIP_LOCKED) {', '.join(_LOADED)}")

    def hold(self, conn: Connection, table: Table) -> None:
        # Also from locking rows: a transaction that holds some and waits to write them would be waited for in turn.
        conn.exec_driver_sql(f"LOCK TABLE {table.name} IN EXCLUSIVE MODE")

    def array(self, values: Collection[int]) -> list[int]:
        return list(values)

    def now(self, conn: Connection) -> int:
        return int(conn.exec_driver_sql(f"SELECT {_NOW}").scalar_one())

    def among(self, column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
        from sqlalchemy.dialects import postgresql

        return column == any_(bindparam(None, list(values), postgresql.ARRAY(column.type), unique=True))

    def bit(self, bitmap: ColumnElement[bytes], seat: ColumnElement[int]) -> ColumnElement[bool]:
        inside = func.coalesce(func.octet_length(bitmap), 0) * 8 > seat
        return case((inside, func.get_bit(bitmap, cast(seat, Integer))), else_=0) == 1

    def size(self, column: ColumnElement[str]) -> ColumnElement[int]:
        return func.octet_length(column)

    def insert(self, table: Table) -> postgresql.Insert:
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)


def dialect_for(url: str) -> Dialect | None:
    """The dialect of a SQLAlchemy URL, None if its kind is not supported."""
    try:
        driver = make_url(url).drivername
    except ArgumentError as error:
        # Without the URL itself: a password may stand in it.
        raise ConfigError("config/publisher.toml", "is no URL of a database", key="storage.url") from error
    except ValueError as error:
        raise ConfigError("config/publisher.toml", f"is no URL of a database: {error}", key="storage.url") from error
    return {"sqlite+aiosqlite": SQLite(), "postgresql+asyncpg": PostgreSQL()}.get(driver)
