"""One POST on its way: who is told of its outcome, and until when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from publisher.model.subscription import ErrorClass
from publisher.outbound.results import PostResult

if TYPE_CHECKING:
    from publisher.outbound.http1.pool import Pool
    from publisher.outbound.http1.target import Target

TIMEOUT = ErrorClass.TIMEOUT

STOPPED = PostResult(None, "not sent: it was stopped", stopped=True)


class Place(Protocol):
    """Where a request is at present: in a queue, with a connection in the making, or on one."""

    def leave(self, sending: Sending) -> PostResult | None:
        """No one waits for it any longer: let go of it. Returns the outcome where it is known already."""


class Sending:
    """One request, from :meth:`Outbound.send` until its outcome was told."""

    __slots__ = (
        "address", "again", "answered", "began", "begins", "body", "done", "excerpt", "head", "place", "pool", "reads",
        "target", "timeout", "written",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917 -- one is made for each request, in one place
        self,
        pool: Pool,
        target: Target,
        head: bytes,
        body: bytes,
        timeout: float,
        done: Callable[[PostResult], None],
        begins: Callable[[], bool] | None,
        *,
        reads: bool = False,
    ) -> None:
        self.pool = pool
        self.target = target
        self.head = head
        self.body = body
        self.timeout = timeout
        self.done: Callable[[PostResult], None] | None = done
        self.begins = begins
        self.reads = reads
        self.place: Place | None = None
        self.address: str | None = None
        """Where it was sent, once it has a connection."""
        self.answered: Sequence[tuple[bytes, bytes]] = ()
        """The headers of its answer."""
        self.excerpt = b""
        """How the text of its answer begins; of a success as much as had come with the head."""
        self.written = False
        """Whether some of it may have reached the receiver."""
        self.again = False
        """Whether this is its second try, on a new connection."""
        self.began = 0.0
        """When its turn came, by the loop's clock; 0.0 while it waits for that."""

    def cancel(self) -> None:
        """Send it no more, or wait no longer for its answer; ``done`` is then called from the event loop."""
        if self.done is None:
            return
        cancelled = PostResult(None, "cancelled before its answer came", duration_ms=self.spent())
        self.tell_soon(self._leave() or (cancelled if self.written else STOPPED))

    def expire(self) -> None:
        """Its time is over."""
        if self.done is not None:
            late = PostResult(None, f"no answer within {self.timeout:g} s", duration_ms=self.spent(), fault=TIMEOUT)
            self.tell_soon(self._leave() or late)

    def begin(self) -> None:
        """Its turn has come: its time runs from now on."""
        if not self.began:
            self.began = self.pool.time()
            self.pool.deadlines.begin(self, self.timeout)

    def pause(self) -> None:
        """Its time runs no longer: it was answered, or waits for a turn, and that is no time of the receiver's."""
        if self.began:
            self.began = 0.0
            self.pool.deadlines.end(self, self.timeout)

    def spent(self) -> int:
        """Milliseconds since its turn came."""
        return round((self.pool.time() - self.began) * 1000) if self.began else 0

    def may_begin(self) -> bool:
        """Whether it is still wished for, now that there is a connection; if not, it is told so."""
        if self.done is None:
            return False
        if self.begins is None or self.written or self._wished(self.begins):
            return self.done is not None  # it may have been cancelled just now
        self.tell_soon(STOPPED)
        return False

    def _wished(self, begins: Callable[[], bool]) -> bool:
        try:
            return begins()
        except Exception as error:  # a fault of the caller's must not cost the connection
            self.pool.loop.call_exception_handler({"message": "begins raised", "exception": error})
            return False

    def tell(self, result: PostResult) -> None:
        """This is how it went. To be called last: what is told may begin the next request at once."""
        done = self._over()
        if done is not None:
            done(result)

    def tell_soon(self, result: PostResult) -> None:
        """As :meth:`tell`, from the event loop."""
        done = self._over()
        if done is not None:
            self.pool.loop.call_soon(done, result)

    def _over(self) -> Callable[[PostResult], None] | None:
        done, self.done = self.done, None
        self.place = None
        if self.began:
            self.pause()
        return done

    def _leave(self) -> PostResult | None:
        place, self.place = self.place, None
        return None if place is None else place.leave(self)
