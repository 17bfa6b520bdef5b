"""Compare what was observed with what is known, and record what changed.

Both happen inside one transaction that holds the log: what is known is read, the decision made and the result written
before anyone else can write, so two readers of one article cannot both find it new.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from publisher import changes, clock
from publisher.ingest.identity import recognised
from publisher.model import Event, EventType, FeedDefinition, Indicator, IndicatorSpec, article_json, indicator_json
from publisher.model.change import ArticleChange, FeedTouch, IndicatorChange, Outcome
from publisher.model.indicator import HOLD_ABOVE
from publisher.model.known import HeldObservation, KnownArticle, KnownIndicator
from publisher.model.observed import Batch, ObservedArticle, Problem
from publisher.selection import FeedIndex
from publisher.sources.base import CONDITIONS
from publisher.storage.engine.database import Tx
from publisher.storage.items import articles, embargoes, held, indicators, record
from publisher.storage.items.record import Reading
from publisher.storage.log import events

PUSHED = "api"
"""The built-in source of everything that is pushed."""

PUSHED_FOR = timedelta(days=7)
"""How long an indicator is the pushing desk's after its last push; then a source that reads it goes on with it."""


@dataclass(frozen=True, slots=True)
class Definitions:
    """What the configuration says, asked for anew each time, so that a reload shows at once.

    ``check`` is called in a writing transaction once the log is held; it raises DefinitionsMoved, upon which nothing
    may be written, where the definitions are others by now.
    """

    feeds: Callable[[], Mapping[str, FeedDefinition]]
    sources: Callable[[], frozenset[str]]
    indicators: Callable[[], Mapping[str, IndicatorSpec]]
    timezone: Callable[[], str]
    check: Callable[[Tx], None] = lambda _tx: None


@dataclass(slots=True)
class Tally:
    """What recording came to: how many items of each outcome, how many events, and what was left out."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    events: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def items(self) -> int:
        """How many items were seen."""
        return self.outcomes.total()


class Recorder:
    """Compares and records for one source, in as many transactions as its caller likes.

    ``quiet`` events are logged and not pushed (a first load); ``rebaseline`` takes what reads differently for a change
    in our way of reading, without an event.
    """

    def __init__(self, definitions: Definitions, source: str, *, quiet: bool = False, rebaseline: bool = False) -> None:
        self._definitions = definitions
        self._source = source
        self._quiet = quiet
        self._rebaseline = rebaseline
        self.tally = Tally()
        self._holds = False

    def apply(
        self, tx: Tx, batch: Batch, reading: record.Reading | None = None
    ) -> list[ArticleChange | IndicatorChange]:
        """Compare a batch with what is known and record what changed; returns a decision for each item taken.

        Raises DefinitionsMoved before anything is written or counted, so that it can be done again.
        """
        events.lock(tx)
        self._definitions.check(tx)
        found = self._articles(tx, batch.articles, shown=batch.shown)
        observed = self._indicators(tx, batch.indicators)
        self._write(tx, found, observed, reading)
        return [*found, *observed]

    def record(
        self,
        tx: Tx,
        found: Sequence[ArticleChange],
        observed: Sequence[IndicatorChange] = (),
        reading: record.Reading | None = None,
    ) -> None:
        """Write decided changes: items, events, and which feeds must show something else. Raises as :meth:`apply`."""
        events.lock(tx)
        self._definitions.check(tx)
        self._write(tx, found, observed, reading)

    def _write(
        self,
        tx: Tx,
        found: Sequence[ArticleChange],
        observed: Sequence[IndicatorChange],
        reading: Reading | None,
    ) -> None:
        decided: list[ArticleChange | IndicatorChange] = [*found, *observed]
        logged = [self._event(tx, change) for change in decided if change.event]
        # A new baseline is no event, but the feeds that have the item must show it as it now reads.
        silent = [self._event(tx, change) for change in decided if change.outcome is Outcome.REBASELINED]
        self.tally.events += len(logged)
        self.tally.outcomes.update(change.outcome for change in decided)
        record.record(
            tx,
            articles=found,
            indicators=_last_of_each_period([one for one in observed if self._is_ours(one)]),
            holding=observed,
            events=logged,
            touches=touches(self._definitions.feeds(), [*logged, *silent]),
            reading=_to_confirm(reading) if self._holds else reading,
        )

    def _articles(self, tx: Tx, observed: Sequence[ObservedArticle], *, shown: bool) -> list[ArticleChange]:
        recognition = recognised(tx, self._source, observed)
        self.tally.problems += recognition.problems
        observed = recognition.articles
        ids = [one.article.id for one in observed]
        known, waiting = (articles.known(tx, ids), embargoes.among(tx, ids)) if ids else ({}, {})
        now = clock.from_micros(tx.now)
        decided: dict[str, ArticleChange] = {}
        for one in observed:
            before = known.get(one.article.id)
            owner = waiting.get(one.article.id) or before
            if one.article.id in decided:
                message = f"is the same article ({one.identity}) as one read before it; left out"
                self.tally.problems.append(Problem(one.origin, message))
            elif owner is not None and self._belongs_elsewhere(owner.source):
                message = f"is already published from source {owner.source!r} ({owner.identity}); left out here"
                self.tally.problems.append(Problem(one.origin, message, severity="warning"))
            else:
                decided[one.article.id] = self._decided(before, one, now, shown=shown)
        return list(decided.values())

    def _decided(
        self, before: KnownArticle | None, one: ObservedArticle, now: datetime, *, shown: bool
    ) -> ArticleChange:
        if shown:
            one, doubt = changes.as_shown(before, one, now)
            if doubt:
                self.tally.problems.append(Problem(one.origin, doubt, field="published", severity="warning"))
        elif changes.is_early(one.article, now):
            return changes.embargoed(before, one, source=self._source, now=now)
        return changes.article(
            before, one, source=self._source, now=now, settle=self._source != PUSHED, rebaseline=self._rebaseline
        )

    def _belongs_elsewhere(self, owner: str) -> bool:
        # What is pushed wins over what is found; between sources, the first that had it keeps it while it exists.
        if self._source in (owner, PUSHED):
            return False
        return owner == PUSHED or owner in self._definitions.sources()

    def _indicators(self, tx: Tx, observed: Sequence[Indicator]) -> list[IndicatorChange]:
        """Decide about each in turn: one push may hold several of a symbol, each compared with the one before it."""
        if not observed:
            return []
        symbols = {one.symbol for one in observed}
        known = indicators.known(tx, symbols)
        waiting: dict[str, Sequence[HeldObservation]] = {**held.among(tx, symbols)}
        now = clock.from_micros(tx.now)
        decided: list[IndicatorChange] = []
        elsewhere: dict[str, list[str]] = {}
        for one in observed:
            before = known.get(one.symbol)
            if before is not None and self._observed_elsewhere(before, now):
                elsewhere.setdefault(before.source, []).append(one.symbol)
                continue
            change = self._indicator(before, one, waiting.get(one.symbol, ()), now)
            decided.append(change)
            if change.doubt is not None:
                self.tally.problems.append(Problem(one.symbol, change.doubt, field="value", severity="warning"))
            if change.outcome is Outcome.HELD:
                self._holds = True
            elif change.outcome is not Outcome.UNCHANGED:
                known[one.symbol] = _as_known(change, now)
            waiting[one.symbol] = _still_held(waiting.get(one.symbol, ()), change, now)
        self.tally.problems += [_left_out(owner, symbols) for owner, symbols in elsewhere.items()]
        return decided

    def _indicator(
        self, known: KnownIndicator | None, observed: Indicator, waiting: Sequence[HeldObservation], now: datetime
    ) -> IndicatorChange:
        spec = self._definitions.indicators().get(observed.symbol)
        return changes.indicator(
            known,
            observed,
            source=self._source,
            timezone=spec.timezone if spec else self._definitions.timezone(),
            now=now,
            rebaseline=self._rebaseline,
            hold_above=spec.hold_above if spec else HOLD_ABOVE,
            held=waiting,
        )

    def _observed_elsewhere(self, known: KnownIndicator, now: datetime) -> bool:
        # What was pushed once must not stand for ever: a source goes on where nobody has pushed for a while.
        if known.source == PUSHED and now - known.last_seen_at > PUSHED_FOR:
            return False
        return self._belongs_elsewhere(known.source)

    def _is_ours(self, change: IndicatorChange) -> bool:
        # What stands is another's, and that we read the same does not mean that they have said so again.
        return change.outcome is not Outcome.UNCHANGED or change.source == self._source

    def _event(self, tx: Tx, change: ArticleChange | IndicatorChange) -> Event:
        if isinstance(change, ArticleChange):
            default, subject, data = EventType.ARTICLE_UPDATED, change.article.id, article_json(change.article)
        else:
            default, subject = EventType.INDICATOR_UPDATED, change.indicator.symbol
            data = indicator_json(change.indicator)
        return events.new(
            tx,
            change.event or default,
            source=change.source,
            subject=subject,
            data=data,
            before=change.before,
            changed=change.changed,
            quiet=self._quiet,
        )


def _to_confirm(reading: record.Reading | None) -> record.Reading | None:
    """The reading with a bookmark by which the next one is of the whole document, since something of it is held.

    Else a document that stays as it is would be read only once it is another, and never agree with itself.
    """
    if reading is None:
        return None
    return replace(reading, bookmark={key: one for key, one in reading.bookmark.items() if key not in CONDITIONS})


def prepared(observed: Sequence[ObservedArticle]) -> tuple[ObservedArticle, ...]:
    """Articles with their fingerprints, taken before a transaction keeps everybody else waiting."""
    return tuple(
        one if one.fingerprint else replace(one, fingerprint=changes.article_fingerprint(article_json(one.article)))
        for one in observed
    )


def touches(feeds: Mapping[str, FeedDefinition], logged: Sequence[Event]) -> list[FeedTouch]:
    """Which feeds must show something else after these events, and why."""
    index, found = FeedIndex.of(feeds.values()), []
    for event in logged:
        article = event.subject if event.type.items == "articles" else None
        for name, change in index.judge(event).items():
            found.append(FeedTouch(name, change, article))
    return found


def _as_known(change: IndicatorChange, now: datetime) -> KnownIndicator:
    return KnownIndicator(
        symbol=change.indicator.symbol,
        period=change.period,
        source=change.source,
        fingerprint=change.fingerprint,
        revision=change.revision,
        data=indicator_json(change.indicator),
        first_seen_at=now,
        changed_at=now,
        last_seen_at=now,
    )


def _still_held(
    waiting: Sequence[HeldObservation], change: IndicatorChange, now: datetime
) -> Sequence[HeldObservation]:
    kept = [one for one in waiting if one.source not in change.settled]
    if change.outcome is Outcome.HELD:
        symbol, data = change.indicator.symbol, indicator_json(change.indicator)
        kept.append(HeldObservation(symbol, change.source, now, data))
    return kept


def _left_out(owner: str, symbols: Sequence[str]) -> Problem:
    named = ", ".join(sorted(set(symbols)))
    whose = "what is pushed" if owner == PUSHED else f"source {owner!r}"
    return Problem(named, f"published from {whose} already; left out here", severity="warning")


def _last_of_each_period(observed: Sequence[IndicatorChange]) -> list[IndicatorChange]:
    latest: dict[tuple[str, str], IndicatorChange] = {}
    for change in observed:
        key = change.indicator.symbol, change.period
        if change.outcome is Outcome.HELD:
            continue
        if change.outcome is not Outcome.UNCHANGED or key not in latest:
            latest[key] = change
    return list(latest.values())
