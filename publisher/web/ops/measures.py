"""What ``/metrics`` shows: counters of this process, and how things stood when the database was last read."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from publisher.model import DeliveryState, EventType
from publisher.render import FORMATS
from publisher.storage.metrics import Present, Totals
from publisher.web.http.limits import Ended

AGES = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 86400.0)


class Metrics:
    """The counters of one process; :meth:`attempted` is the deliverer's observer."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._requests = Counter(
            "publisher_feed_requests", "Requests for feed documents.", ["format", "status"], registry=None
        )
        self._counted: dict[tuple[str, int], Counter] = {}
        self._attempts = Counter(
            "publisher_delivery_attempts",
            "Attempts to deliver, by class of the status that was answered (none: no answer).",
            ["status"],
            registry=None,
        )
        self._age = Histogram(
            "publisher_delivery_event_age_seconds",
            "From the event to its successful delivery.",
            buckets=AGES,
            registry=None,
        )
        self._ended = Counter(
            "publisher_connections_ended", "Connections refused or ended for a limit.", ["reason"], registry=None
        )
        for why in Ended:
            self._ended.labels(why.value)
        self._refused = Counter(
            "publisher_refused_requests",
            "Requests refused for a limit, by its name, and those with a key that opens nothing (wrong_key).",
            ["reason"],
            registry=None,
        )
        self._events = Counter("publisher_events", "Events logged.", ["type"], registry=None)
        for type_ in EventType:
            self._events.labels(type_.value)
        self._standing = _Standing()
        self.registry.register(
            _Plain(self._requests, self._attempts, self._age, self._ended, self._refused, self._events)
        )
        self.registry.register(self._standing)

    def attempted(self, status: int | None, age: float | None) -> None:
        """Count an attempt by its status, and the event's age in seconds where it arrived."""
        self._attempts.labels("none" if status is None else f"{status // 100}xx").inc()
        if age is not None:
            self._age.observe(max(0.0, age))  # clocks may disagree

    def requested(self, path: str, status: int) -> None:
        """Count a request for a feed's document; other paths are passed over."""
        if path.startswith("/feeds/") and "." in path:
            ending = path.rpartition(".")[2]
            label = ending if ending in FORMATS else "other", status
            if label not in self._counted:
                self._counted[label] = self._requests.labels(label[0], str(status))
            self._counted[label].inc()

    def ended(self, why: Ended) -> None:
        """Count a client's connection that was refused or ended."""
        self._ended.labels(why.value).inc()

    def refused(self, reason: str) -> None:
        """Count a request that was refused for a limit, or for a wrong key."""
        self._refused.labels(reason).inc()

    def logged(self, types: dict[str, int]) -> None:
        """Count events that were found in the log."""
        for type_, count in types.items():
            self._events.labels(type_).inc(count)

    def stands(self, present: Present, totals: Totals, definitions: int = 0) -> None:
        """Take the present state; ``definitions`` is the number of the version that this process uses."""
        self._standing.present, self._standing.totals = present, totals
        self._standing.definitions = definitions

    def text(self, accept: str) -> tuple[bytes, str]:
        """All of it in the format that ``accept`` prefers, and that format's content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type


class _Plain(Collector):
    """Collectors without their ``_created`` samples: as many again, which tell only when this process started.

    The library leaves them out for all of a process or for none.
    """

    def __init__(self, *collectors: Collector) -> None:
        self._collectors = collectors

    def collect(self) -> Iterator[Metric]:
        for metric in (metric for collector in self._collectors for metric in collector.collect()):
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


class _Standing(Collector):
    """How things stood when the database was last read."""

    present: Present | None = None
    totals: Totals | None = None
    definitions = 0

    def collect(self) -> Iterator[Metric]:
        yield _one(
            "publisher_definitions", "The number of the definitions that this process goes by.", self.definitions
        )
        if self.present is not None:
            yield from _present(self.present)
        if self.totals is not None:
            yield from _totals(self.totals)


def _present(present: Present) -> Iterator[Metric]:
    age = _gauge("publisher_source_last_success_age_seconds", "Since the source was last read well.", "source")
    failures = _gauge("publisher_source_failures", "Failures in a row; 0 after a success.", "source")
    for name, health in present.sources.items():
        failures.add_metric([name], health.failures)
        if health.age is not None:
            age.add_metric([name], health.age)
    yield age
    yield failures
    yield _one("publisher_nodes", "Processes that run on this database.", present.nodes)
    yield _one("publisher_log_last_seq", "The number of the last event in the log.", present.last_seq)
    lag = present.last_seq - present.fanned_out
    yield _one("publisher_fanout_lag_events", "Events that are not fanned out yet.", lag)
    yield _one("publisher_delivery_overdue_seconds", "How long the oldest due delivery has waited.", present.overdue)


def _totals(totals: Totals) -> Iterator[Metric]:
    items = _gauge("publisher_items", "Items that are stored.", "kind")
    items.add_metric(["article"], totals.articles)
    items.add_metric(["article_withdrawn"], totals.withdrawn)
    items.add_metric(["indicator"], totals.indicators)
    items.add_metric(["held_observation"], totals.held)
    yield items
    deliveries = _gauge("publisher_deliveries", "Deliveries by state.", "state")
    for state in DeliveryState:
        deliveries.add_metric([state.value], totals.deliveries.get(state.value, 0))
    yield deliveries
    subscriptions = _gauge("publisher_subscriptions", "Webhooks by state.", "state")
    for name, count in totals.subscriptions.items():
        subscriptions.add_metric([name], count)
    yield subscriptions
    text = "Events for which an expression of a webhook's filter could not be evaluated, by filter; such are no match."
    yield CounterMetricFamily("publisher_filter_errors", text, value=totals.filter_errors)


def _gauge(name: str, text: str, label: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=[label])


def _one(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
