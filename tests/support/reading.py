"""Sources over what tests write: a folder, and a server that answers as it is told."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from publisher.clock import Clock
from publisher.errors import FetchError
from publisher.model import IndicatorSpec
from publisher.sources.base import Source, SourceContext
from publisher.sources.kinds import kind_for
from publisher.sources.profiles.profile import Profile, load_profile

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"


@dataclass
class Answer:
    """One answer of a server; ``url`` is where redirects led, by default where it was asked."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str = ""


class Server:
    """What answers requests in a test: set ``answer``, read ``asked``."""

    def __init__(self, answer: Answer | Exception | None = None) -> None:
        self.answer = answer or Answer()
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def get(self, url: str, headers: Mapping[str, str] | None = None, limit: int = 0) -> Answer:
        """As the guarded client answers: more than ``limit`` bytes are a FetchError."""
        self.asked.append((url, dict(headers or {})))
        if isinstance(self.answer, Exception):
            raise self.answer
        if len(self.answer.body) > limit:
            raise FetchError(f"the document is larger than {limit} bytes")
        answer = self.answer
        return Answer(answer.body, answer.status, answer.headers, answer.url or url)


async def no_pause(seconds: float) -> None:
    """Instead of waiting."""


def open_source(
    kind: str,
    home: Path,
    clock: Clock,
    *,
    profile: str | Profile | None = None,
    http: Server | None = None,
    pause: Callable[[float], Awaitable[None]] = no_pause,
    indicators: Mapping[str, IndicatorSpec] | None = None,
    name: str = "desk",
    **options: Any,
) -> Source:
    """A source of that kind in an installation at ``home``."""
    cls = kind_for(kind)
    context = SourceContext(
        home=home,
        profile=load_profile(profile, home) if isinstance(profile, str) else profile,
        http=http or Server(),
        timezone="Asia/Jakarta",
        language="id",
        indicators=indicators or {},
        now=clock,
        pause=pause,
    )
    return cls(name, cls.Options.model_validate(options), context)
