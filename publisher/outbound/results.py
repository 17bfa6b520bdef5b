"""The outcomes of requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from publisher import retryafter
from publisher.model.subscription import ErrorClass, status_class


@dataclass(frozen=True, slots=True)
class FetchResponse:
    """The response of a server. ``url`` is where the last redirect led; ``headers`` are looked up in any case.

    ``moved`` is where redirects led that are for good (301, 308: RFC 9110 section 15.4); None where none was.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    moved: str | None = None


@dataclass(frozen=True, slots=True)
class PostResult:
    """How one POST went.

    ``status`` is None where no status line came; ``error`` then says why. ``retry_after`` is in seconds from now.
    ``response_excerpt`` is the beginning of an answer that is no success, or was asked for. ``duration_ms`` is
    the time to the status line, or to the fault, from when the request had its turn to be sent.
    ``ours``: no request was sent, since this machine had no descriptor or memory left to connect with.
    ``stopped``: no request was sent, since the caller wished so; it says nothing about the receiver.
    ``advice`` is how an operator can allow what was refused, for no one else. ``ignored`` names a header that was not
    heeded, and its value. ``refused``: the answer says with a status of success that it is none. ``fault`` is the class
    of an error without a status.
    """

    status: int | None
    error: str | None = None
    retry_after: float | None = None
    response_excerpt: str | None = None
    duration_ms: int = 0
    ours: bool = False
    ignored: str | None = None
    advice: str | None = None
    stopped: bool = False
    refused: bool = False
    fault: ErrorClass | None = None

    @property
    def delivered(self) -> bool:
        """Whether the receiver took it: only 2xx; a redirect does not count."""
        return self.status is not None and 200 <= self.status < 300 and not self.refused

    @property
    def error_class(self) -> ErrorClass | None:
        """Why it failed, in one word; None where it did not."""
        if self.status is None or self.refused:
            return self.fault or ErrorClass.OTHER
        return status_class(self.status)

    def but_refused(self, reason: str) -> PostResult:
        """The same, whose answer says in its body that it was not taken."""
        return replace(self, error=reason, refused=True)

    def asking_to_wait(self, seconds: float) -> PostResult:
        """The same, whose answer says in its body when to come back; heeded as ``Retry-After`` is."""
        wait = retryafter.within(seconds)
        if wait.seconds is None:
            return replace(self, ignored=wait.ignored)
        return replace(self, retry_after=wait.seconds, error=self.error or f"asks to wait {wait.seconds:g} s")
