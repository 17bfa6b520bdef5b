"""Logging: for people on a terminal, JSON lines otherwise.

``log = telemetry.logger(__name__)`` then ``log.info("source.read", source="desk", items=3)``: an event name and
its values, never a formatted sentence, so that both forms can be searched.

What is said over and over, once a second while a database is away, say, is written when it is said first and then once
a minute, with ``repeated=`` and how often.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, TextIO, cast

from publisher.imports import without
from publisher.redaction import redacted

# structlog would load rich, and with it pygments, only to print tracebacks in colour: 3 MB in every process.
with without("rich"):
    import structlog

FOLD_SECONDS = 60.0
"""How long equal lines are counted before their number is told."""

MOST_FOLDED = 1_000
"""Different lines that are remembered at once; of the one that has been longest, the number is then told early."""

NEVER_FOLDED = ("config.",)
"""Events that answer a person, who is to see each: what came of an edit, or of a reload."""

Line = MutableMapping[str, Any]


def configure(*, level: str = "info", json: bool | None = None) -> None:
    """Set up logging once per process; ``json=None`` chooses by whether stderr is a terminal."""
    as_json = (not sys.stderr.isatty()) if json is None else json
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _new_folding(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if as_json:
        processors += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        # The default would print every frame's variables, and with them keys and secrets.
        plain = structlog.dev.plain_traceback
        processors += [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=28, exception_formatter=plain)
        ]
    processors.append(_without_passwords)
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Unfailing(sys.stderr))),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Libraries()], force=True)


@dataclass(slots=True)
class _Repeated:
    """A line that was written, and how often it came again until ``until`` (monotonic seconds)."""

    line: dict[str, Any]
    until: float
    count: int = 0


class Folding:
    """A processor that lets the first of equal lines through and counts those that follow it.

    Lines are equal if all their values are; of an exception its type and its words count. ``write`` is given each line
    that tells a number; nothing is ever left untold. Safe in any thread.
    """

    def __init__(self, write: Callable[[Line], None], *, now: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._now = now
        self._seen: dict[tuple[str, ...], _Repeated] = {}
        # One may log in the midst of this, in the same thread: what the garbage collector finds may have a last word.
        self._lock = threading.RLock()

    def __call__(self, _logger: Any, _method: str, line: Line) -> Line:
        """The line as it came; raises DropEvent for one that is only counted."""
        if "repeated" in line or str(line.get("event")).startswith(NEVER_FOLDED):
            return line
        self.flush()
        words = _plain(line)
        key = tuple(f"{name}={value!r}" for name, value in sorted(words.items()))
        with self._lock:
            known = self._seen.get(key)
            if known is not None:
                known.count += 1
                raise structlog.DropEvent
            self._seen[key] = _Repeated(words, self._now() + FOLD_SECONDS)
            early = [self._seen.pop(next(iter(self._seen)))] if len(self._seen) > MOST_FOLDED else []
        self._tell(early)
        return line

    def flush(self, *, everything: bool = False) -> None:
        """Tell the numbers whose minute is over; with ``everything`` all, as at the end."""
        now = self._now()
        with self._lock:
            # In the order of their ends, since every line is put last that begins a minute.
            known = list(self._seen.items())
            over = list(takewhile(lambda pair: everything or pair[1].until <= now, known))
            for key, one in over:
                self._seen.pop(key, None)
                if one.count and not everything:  # it goes on: the next is counted again, not written at once
                    self._seen[key] = _Repeated(one.line, now + FOLD_SECONDS)
        self._tell([one for _, one in over])

    def _tell(self, those: list[_Repeated]) -> None:
        for one in those:
            if one.count:
                self._write({**one.line, "repeated": one.count})


def _plain(line: Line) -> dict[str, Any]:
    """The line's values, an exception in words: its traceback would keep alive all that it went through."""
    values = {name: value for name, value in line.items() if name != "exc_info"}
    fault = line.get("exc_info")
    if fault is True:
        fault = sys.exc_info()[1]
    elif isinstance(fault, tuple):
        fault = fault[1]
    if isinstance(fault, BaseException):
        values["fault"] = f"{type(fault).__name__}: {fault}"
    return values


def _repeat(line: Line) -> None:
    values = dict(line)
    level, event = values.pop("level", "info"), values.pop("event", "")
    structlog.get_logger().log(logging.getLevelName(str(level).upper()), event, **values)


_foldings: list[Folding] = []
"""That of the present configuration, alone."""


def _new_folding() -> Folding:
    flush(everything=True)
    _foldings[:] = [Folding(_repeat)]
    return _foldings[0]


def flush(*, everything: bool = False) -> None:
    """Tell how often lines came again whose minute is over; to be called now and then, since silence tells nothing."""
    for folding in _foldings:
        folding.flush(everything=everything)


atexit.register(flush, everything=True)


class _Unfailing:
    """A stream for a log: what cannot be written to it is dropped.

    A terminal that was closed, a full disk or a pipe whose reader has ended is no reason for the work to stop that
    wanted to tell of itself.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):  # ValueError: it was closed here
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


def _without_passwords(_logger: Any, _method: str, line: str) -> str:
    """The last net: whatever is to be logged, tracebacks included, names no password that stands in an address."""
    return redacted(line)


class _Libraries(logging.Handler):
    """What libraries log, in the same form as the rest."""

    def emit(self, record: logging.LogRecord) -> None:
        if not _malformed_request(record):
            message, fault = record.getMessage(), record.exc_info
            logger(record.name).log(record.levelno, "library.logged", message=message, exc_info=fault)


def _malformed_request(record: logging.LogRecord) -> bool:
    """Whether aiohttp tells of bytes that are no request: a client's fault, and what it quotes of them may be a key."""
    known = sys.modules.get("aiohttp.http_exceptions")
    fault = record.exc_info[1] if record.exc_info else None
    faults = (fault, fault.__cause__) if fault else ()
    return known is not None and any(isinstance(one, known.HttpProcessingError) for one in faults)


def logger(name: str) -> Any:
    """A structured logger bound to the module's name."""
    return structlog.get_logger(module=name)
