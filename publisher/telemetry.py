"""Logging: for people on a terminal, JSON lines otherwise.

``log = telemetry.logger(__name__)`` then ``log.info("source.read", source="desk", items=3)``: an event name and
its values, never a formatted sentence, so that both forms can be searched.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from publisher.imports import without
from publisher.redaction import redacted

# structlog would load rich, and with it pygments, only to print tracebacks in colour: 3 MB in every process.
with without("rich"):
    import structlog


def configure(*, level: str = "info", json: bool | None = None) -> None:
    """Set up logging once per process; ``json=None`` chooses by whether stderr is a terminal."""
    as_json = (not sys.stderr.isatty()) if json is None else json
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
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
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Libraries()], force=True)


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
