"""Every error this program raises on purpose.

PublisherError
├── ConfigError            one fault in a configuration file
│   └── Unreadable         a configuration file or folder that is missing or cannot be read
├── ConfigErrors           all faults found in one reading
├── RemovalRefused         an edit that takes away more than one edit may
├── EditRefused            an edit of files that are older than the definitions in force
├── DefinitionsMoved       another process took other definitions than this one has in hand
├── ReadError              a value or document that cannot be read as what it should be
│   └── Overrun            a document that took more time of the processor, or memory, than one may
├── FetchError             a source that could not be fetched (permanent or retryable is data)
│   └── Unread             a document that was not read, for no reason of its own: it is read again
│       ├── Unready        the process that reads documents could not be started, or ended
│       ├── Overdue        the machine had no time for it
│       └── Faulty         a fault of the program that reads it
├── AddressRefused         a URL or address that the guard does not allow
├── CertificateRefused     a client certificate that cannot be presented
├── MailRefused            a mail that the server did not take, or may not have taken
├── NotFound               a feed, item, subscription or key that does not exist
├── LogPruned              a place in the log from before what is kept of it
├── Conflict               a change that contradicts what is stored
│   └── KeyReused          an Idempotency-Key that came before, with another body
├── Unwritable             an event of which a webhook's template makes more than one body may hold
├── LimitReached           a limit on what one party may have
├── StorageError           the database refused or failed
│   └── NotAdopted         this process cannot go by the definitions in force
└── SecretError            a sealed secret cannot be opened

An error's docstring is its default message; an error says what to do next. Passwords in addresses are taken out of what
it says, whoever made the message.
"""

from __future__ import annotations

from collections.abc import Sequence

from publisher.redaction import redacted

_LONGEST = 500


class PublisherError(Exception):
    """Something went wrong in the publisher."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(redacted(message) if message else (self.__doc__ or "").strip().splitlines()[0])


class ConfigError(PublisherError):
    """A configuration value is wrong.

    It is one line however the value was written, of bounded length, and names no password of an address.
    """

    def __init__(self, file: str, message: str, *, key: str | None = None, line: int | None = None) -> None:
        self.file = _line(file)
        self.key = _line(key) if key else None
        self.line = line
        self.reason = _line(message)
        place = self.file if line is None else f"{self.file}:{line}"
        super().__init__(f"{place}: {self.key}: {self.reason}" if key else f"{place}: {self.reason}")


class Unreadable(ConfigError):
    """A configuration file or folder cannot be read."""


class ConfigErrors(PublisherError):
    """The configuration has errors."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(str(error) for error in errors))


class RemovalRefused(PublisherError):
    """The edit takes away too much at once.

    ``feeds`` are those that it would remove. ``whole``: it is not an edit but a folder that is empty or not there.
    """

    def __init__(self, message: str, *, feeds: Sequence[str], whole: bool) -> None:
        self.feeds = tuple(feeds)
        self.whole = whole
        super().__init__(message)


class EditRefused(PublisherError):
    """Other definitions were taken since these files were last read here."""


class DefinitionsMoved(PublisherError):
    """The definitions in force are not those in hand; adopt them and do it again."""


class ReadError(PublisherError):
    """A value cannot be read."""


class Overrun(ReadError):
    """The document takes too much to be read."""


class FetchError(PublisherError):
    """A source could not be fetched. ``advice`` is what an operator can set, for operators alone."""

    def __init__(
        self, message: str, *, status: int | None = None, retry_after: float | None = None, advice: str | None = None
    ) -> None:
        self.status = status
        self.retry_after = retry_after
        self.advice = advice
        super().__init__(message)


class Unread(FetchError):
    """The document was not read, for no reason of its own; it is read again later."""

    def __init__(self, message: str | None = None, *, retry_after: float | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0], retry_after=retry_after)


class Unready(Unread):
    """The process that reads documents could not be started; see whether memory is left on the machine."""


class Overdue(Unread):
    """The document was not read in time; see whether the machine has more to do than it can."""


class Faulty(Unread):
    """The program that reads documents has a fault; its log has the traceback."""


class AddressRefused(PublisherError):
    """The address guard does not allow this address.

    ``advice`` is how to allow it, for operators alone: how this installation is set up is no stranger's business.
    """

    def __init__(self, message: str | None = None, *, advice: str | None = None) -> None:
        self.advice = advice
        super().__init__(message)

    @property
    def for_operators(self) -> str:
        """The message with the advice."""
        return advised(str(self), self.advice)


class CertificateRefused(PublisherError):
    """A client certificate cannot be presented. ``part`` is what is wrong: ``certificate`` or ``key``."""

    def __init__(self, message: str, part: str) -> None:
        self.part = part
        super().__init__(message)


class MailRefused(PublisherError):
    """A mail was not taken. ``lasting``: it would not be at another time either. ``taken`` is None where nobody knows:
    the connection was lost before the server answered.
    """

    def __init__(self, message: str, lasting: bool = False, taken: bool | None = False) -> None:
        self.lasting = lasting
        self.taken = taken
        super().__init__(message)


class NotFound(PublisherError):
    """There is nothing under this name."""


class LogPruned(PublisherError):
    """The log is not kept that far back; ``begin`` is the last event that is gone."""

    def __init__(self, begin: int) -> None:
        self.begin = begin
        super().__init__(f"the log is kept from event {begin + 1} on")


class Conflict(PublisherError):
    """The change contradicts what is stored."""


class KeyReused(Conflict):
    """This Idempotency-Key came before, with another body; a new request takes a new key."""


class Unwritable(PublisherError):
    """The template makes more of this event than a body may hold."""


class LimitReached(PublisherError):
    """A limit is reached. ``limit`` is the name of its setting."""

    def __init__(self, limit: str, message: str) -> None:
        self.limit = limit
        super().__init__(message)


class StorageError(PublisherError):
    """The database refused or failed."""

    told = False
    """Whether storage itself tells of it, once a minute; who meets one that it does need not."""


class NotAdopted(StorageError):
    """This process cannot go by the definitions in force, so it records nothing; its log says why."""

    told = True


def told(error: BaseException) -> bool:
    """Whether an error is already told of where it came from."""
    return isinstance(error, StorageError) and error.told


class SecretError(PublisherError):
    """A sealed secret cannot be opened with the keys at hand."""


def advised(message: str, advice: str | None) -> str:
    """What went wrong together with what to set, as operators are told it."""
    return f"{message}; {advice}" if advice else message


def _line(text: str) -> str:
    """The text as one line that a terminal shows as it is."""
    shown = "".join(one if one.isprintable() else repr(one)[1:-1] for one in text[: _LONGEST + 1])
    shown = redacted(shown)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
