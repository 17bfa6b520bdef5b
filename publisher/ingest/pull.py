"""Run one source once: claim it, read it outside any transaction, record what it brought, keep its bookmark.

A batch is recorded in chunks; the bookmark moves with the last of them. A crash between two leads to a second
reading, in which what was recorded already is found unchanged.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from publisher import clock, telemetry
from publisher.catalog import SourceDefinition
from publisher.errors import Conflict, FetchError, StorageError, advised
from publisher.ingest.absences import MISSES, Absences, settle
from publisher.ingest.duetimes import BY_PACE, Timetable, pace
from publisher.ingest.provenance import accounted
from publisher.ingest.recorder import Definitions, Recorder, prepared, touches
from publisher.model import EventType, SourceState
from publisher.model import refusals as refused
from publisher.model.change import Outcome
from publisher.model.observed import Batch, ObservedArticle, Problem
from publisher.model.source import FAILING_AFTER
from publisher.redaction import redacted
from publisher.sources.base import Source
from publisher.storage.configuration import sources
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.turns import Urgency, writing_as
from publisher.storage.items import record
from publisher.storage.log import events

log = telemetry.logger(__name__)

CHUNK = 100
"""Articles recorded in one transaction, and so what a push waits for at most: 25 to 50 ms of one core. A load of 1,000
takes about as long as it does with 500, which held the writer five times as long; with 50 it takes a third more.
"""

LEASE_SECONDS = 45
"""How long a source stays taken after its reader was last heard of: that of one that was killed is read on in time."""

RENEW_SECONDS = 15.0
"""How often a reading under way renews its lease; two may fail before another process takes the source over."""

LONGEST_BACKOFF = timedelta(hours=1)


@dataclass(slots=True)
class Report:
    """What one run of a source did.

    ``error`` is set where the source as a whole could not be read, ``skipped`` where it was left alone, and why;
    ``taken`` where that is since another process reads it, or has just done so.
    ``origins``: for each article that was read from a page, where each of its fields came from. ``refusals`` is all
    that is refused of the source now: also what an earlier run met, in what this one did not read again.
    """

    source: str
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    events: int = 0
    problems: list[Problem] = field(default_factory=list)
    origins: dict[str, Mapping[str, str]] = field(default_factory=dict)
    error: str | None = None
    skipped: str | None = None
    taken: bool = False
    refusals: refused.Refusals = field(default_factory=refused.Refusals)

    @property
    def items(self) -> int:
        """How many items were seen."""
        return self.outcomes.total()

    @property
    def ok(self) -> bool:
        """Whether the source was read and nothing in it is refused."""
        return self.error is None and not self.refusals.count


@dataclass(slots=True)
class _Run:
    """A reading under way: ``state`` is how the source stood when it began, at ``began`` by the database's clock.

    ``released``: its lease is given back already, in the transaction that ended it.
    """

    definition: SourceDefinition
    lease: str
    state: SourceState
    began: datetime
    released: bool = False


class Puller:
    """Runs sources.

    ``timetable`` says when each is due again, ``node`` is the name of this node, and ``process`` an id of this process:
    with it begins every lease that it holds.
    """

    def __init__(
        self,
        db: Database,
        definitions: Definitions,
        timetable: Timetable = BY_PACE,
        *,
        node: str | None = None,
        process: str = "",
    ) -> None:
        self._db = db
        self._definitions = definitions
        self._timetable = timetable
        self._node = node
        self._process = process
        self._told: dict[str, frozenset[Problem]] = {}

    async def run(
        self, definition: SourceDefinition, source: Source, *, forced: bool = False, due: bool = False
    ) -> Report:
        """Run one source once. Never raises for what the source did; the report says what went wrong.

        ``due``: only if it is. Otherwise it is read also before its time, but a source that failed lately is left alone
        until its back-off has passed, unless ``forced``. What somebody waits for is written before it.
        """
        with writing_as(Urgency.READING):
            return await self._run(definition, source, forced=forced, due=due)

    async def _run(self, definition: SourceDefinition, source: Source, *, forced: bool, due: bool) -> Report:
        report = Report(definition.name)
        lease = f"{self._process}.{secrets.token_hex(8)}"
        if not await self._claim(definition, lease, due):
            report.taken = True
            report.skipped = "another process is reading it" + (", or has done so" if due else "")
            report.refusals = (await self._db.read(sources.state, definition.name)).refusals
            return report
        run: _Run | None = None
        try:
            state, now = await self._db.read(lambda tx: (sources.state(tx, definition.name), tx.now))
            report.refusals = state.refusals
            again = state.next_run_at if state.failures else None
            if again and not forced and clock.from_micros(now) < again:
                report.skipped = f"failed {state.failures} times; tried again after {clock.rfc3339(again)}"
            else:
                run = _Run(definition, lease, state, clock.from_micros(now))
                async with self._renewed(definition.name, lease):
                    await self._read(run, source, report)
        except Conflict as error:
            report.skipped = str(error)
        finally:
            if run is None or not run.released:
                await self._db.write(sources.release, definition.name, lease)
        return report

    async def _claim(self, one: SourceDefinition, lease: str, due: bool) -> bool:
        by = self._timetable.timing(one) if due else None
        with writing_as(Urgency.UPKEEP):  # what has begun ends before more begins
            return await self._db.write(sources.claim, one.name, lease, LEASE_SECONDS, node=self._node, due=by)

    @contextlib.asynccontextmanager
    async def _renewed(self, name: str, lease: str) -> AsyncIterator[None]:
        """The lease is renewed for as long as this is open."""
        over = asyncio.Event()
        renewing = asyncio.create_task(self._renew(name, lease, over), name=f"lease of {name}")
        try:
            yield
        finally:
            over.set()  # and not cancelled: a transaction that is torn apart takes its connection with it
            await renewing

    async def _renew(self, name: str, lease: str, over: asyncio.Event) -> None:
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), RENEW_SECONDS)
                return
            # One that was taken over is not renewed; what this reading brings is refused at its end. Where storage
            # does not answer, it has told so itself.
            with contextlib.suppress(StorageError), writing_as(Urgency.PROMISE):
                await self._db.write(sources.renew, name, lease, LEASE_SECONDS)

    async def _read(self, run: _Run, source: Source, report: Report) -> None:
        definition, state = run.definition, run.state
        # Read differently, everything may come out differently: begin anew, and take it for no change.
        reread = state.loaded and state.profile_digest != definition.profile_digest
        known = {key: value for key, value in state.bookmark.items() if key != MISSES}
        try:
            batch = await source.read({} if reread else known)
        except Exception as error:  # a source kind may be anyone's code; none may take the service down
            await self._failed(run, error, report)
            return
        report.origins = {one.identity: one.origins for one in batch.articles if one.origins}
        quiet = not state.loaded and definition.backfill == "quiet"
        recorder = Recorder(self._definitions, definition.name, quiet=quiet, rebaseline=reread)
        for piece, is_last in _chunks(batch):
            articles = await asyncio.to_thread(_prepared, piece.articles, source.origin, batch.problems)
            chunk = replace(piece, articles=articles)
            if not is_last:
                await self._db.write(_record_piece, recorder, chunk, run)
                continue
            reading = record.Reading(
                source=definition.name,
                lease=run.lease,
                bookmark=batch.bookmark,
                profile_digest=definition.profile_digest,
                items=len(batch.articles) + len(batch.indicators),
                events=recorder.tally.events,
                timing=self._timetable.timing(definition),
            )
            absences, report.refusals = await self._db.write(self._finish, recorder, chunk, reading, run)
            run.released = True
            report.error = absences.held
        tally = recorder.tally
        report.outcomes, report.events = tally.outcomes, tally.events
        report.problems = [*batch.problems, *tally.problems]
        # A source with nothing new is read every few seconds, and that is no news.
        say = log.info if report.items or report.events or report.problems else log.debug
        say("source.read", source=definition.name, items=report.items, events=report.events)
        self._tell(definition.name, report.problems, unchanged=batch.unchanged)

    def _tell(self, name: str, problems: Sequence[Problem], *, unchanged: bool) -> None:
        """Log what is wrong. A doubt that the reading before had as well is no news: some sources are read every few
        seconds.
        """
        before = self._told.get(name, frozenset())
        for problem in problems:
            say = log.debug if problem in before else log.warning
            told = advised(str(problem), problem.advice)
            say("source.problem", source=name, severity=problem.severity, problem=told)
        if not unchanged:
            self._told[name] = frozenset(one for one in problems if one.severity == "warning")

    def _finish(
        self, tx: Tx, recorder: Recorder, batch: Batch, reading: record.Reading, run: _Run
    ) -> tuple[Absences, refused.Refusals]:
        events.lock(tx)
        state = run.state
        name, misses = reading.source, state.bookmark.get(MISSES, {})
        due = None if state.failures else state.next_run_at
        due = self._timetable.following(run.definition, due, run.began, clock.from_micros(tx.now))
        found = settle(tx, recorder, name, batch, misses)
        bookmark = {**batch.bookmark, MISSES: found.misses} if found.misses else batch.bookmark
        ended = replace(reading, bookmark=bookmark, events=recorder.tally.events, next_run_at=due)
        recorder.apply(tx, batch, ended)
        refusals = refused.after(state.refusals, batch, [*batch.problems, *recorder.tally.problems])
        if refusals != state.refusals:
            sources.refused(tx, name, refusals)
        if found.held:
            # What it still has is taken all the same, and read on at its pace.
            more = max(FAILING_AFTER, state.failures + 1)
            failures = sources.failed(tx, name, found.held, due, failures=more, timing=reading.timing)
            if state.failures < FAILING_AFTER:
                self._note(tx, EventType.SOURCE_FAILING, name, failures=failures, error=found.held)
        elif state.failures >= FAILING_AFTER:
            self._note(tx, EventType.SOURCE_RECOVERED, name, failures=state.failures)
        sources.release(tx, name, run.lease)
        return found, refusals

    async def _failed(self, run: _Run, error: Exception, report: Report) -> None:
        definition, state = run.definition, run.state
        expected = isinstance(error, FetchError)
        report.error = str(error) if expected else redacted(f"{type(error).__name__}: {error}")
        wait = _backoff(pace(definition), state.failures + 1)
        if isinstance(error, FetchError) and error.retry_after is not None:
            wait = max(wait, timedelta(seconds=error.retry_after))
        report.refusals = state.refusals.model_copy(update={"advice": getattr(error, "advice", None)})
        said = {"advice": report.refusals.advice} if report.refusals.advice else {}
        log.warning("source.failed", source=definition.name, error=report.error, exc_info=not expected, **said)
        refusals = report.refusals if report.refusals != state.refusals else None
        await self._db.write(self._record_failure, run, report.error, wait, refusals)
        run.released = True

    def _record_failure(
        self, tx: Tx, run: _Run, reason: str, wait: timedelta, refusals: refused.Refusals | None
    ) -> None:
        definition, name = run.definition, run.definition.name
        events.lock(tx)
        sources.hold(tx, name, run.lease)  # who has taken it over may read it well
        timing = self._timetable.timing(definition)
        again = self._timetable.retried(definition, clock.from_micros(tx.now) + wait)
        failures = sources.failed(tx, name, reason, again, timing=timing)
        if refusals is not None:
            sources.refused(tx, name, refusals)
        if failures == FAILING_AFTER:
            self._note(tx, EventType.SOURCE_FAILING, name, failures=failures, error=reason)
        sources.release(tx, name, run.lease)

    def _note(self, tx: Tx, type_: EventType, name: str, **said: object) -> None:
        events.lock(tx)
        self._definitions.check(tx)
        event = events.new(tx, type_, source=name, subject=name, data={"source": name, **said})
        record.record(tx, events=[event], touches=touches(self._definitions.feeds(), [event]))


def _record_piece(tx: Tx, recorder: Recorder, piece: Batch, run: _Run) -> None:
    """Record what is not the end of a reading, unless another process has taken the source over meanwhile: that one may
    have read what is newer."""
    events.lock(tx)
    sources.hold(tx, run.definition.name, run.lease)
    recorder.apply(tx, piece)


def _prepared(
    articles: Sequence[ObservedArticle], origin: str, problems: Sequence[Problem]
) -> tuple[ObservedArticle, ...]:
    return prepared(accounted(articles, origin, problems))


def _chunks(batch: Batch) -> Iterator[tuple[Batch, bool]]:
    """The batch in pieces, each with whether it is the last; an empty batch is one piece.

    Indicators come first: there are few, and they are what ages fastest.
    """
    rest = batch.articles
    indicators = batch.indicators
    while len(rest) > CHUNK:
        yield Batch(articles=rest[:CHUNK], indicators=indicators, shown=batch.shown), False
        rest, indicators = rest[CHUNK:], ()
    yield replace(batch, articles=rest, indicators=indicators), True


def _backoff(every: float, failures: int) -> timedelta:
    """Doubles with each failure, from the source's own pace up to an hour, ±10 %."""
    seconds = min(every * 2 ** min(failures - 1, 12), LONGEST_BACKOFF.total_seconds())
    return timedelta(seconds=max(every, seconds) * random.uniform(0.9, 1.1))
