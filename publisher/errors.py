"""Every error this program raises on purpose.

PublisherError
├── ConfigError            one fault in a configuration file
├── ConfigErrors           all faults found in one reading
├── ReadError              a value or document that cannot be read as what it should be
│   ├── Overrun            a document that took more time or memory than one may
│   └── Unready            the process that reads documents could not be started
├── FetchError             a source that could not be fetched (permanent or retryable is data)
├── AddressRefused         a URL or address that the guard does not allow
├── NotFound               a feed, item, subscription or key that does not exist
├── Conflict               a change that contradicts what is stored
│   └── KeyReused          an Idempotency-Key that came before, with another body
├── StorageError           the database refused or failed
└── SecretError            a sealed secret cannot be opened

An error's docstring is its default message; an error says what to do next.
"""

from __future__ import annotations

from collections.abc import Sequence


class PublisherError(Exception):
    """Something went wrong in the publisher."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])


class ConfigError(PublisherError):
    """A configuration value is wrong."""

    def __init__(self, file: str, message: str, *, key: str | None = None, line: int | None = None) -> None:
        self.file = file
        self.key = key
        self.line = line
        self.reason = message
        place = file if line is None else f"{file}:{line}"
        super().__init__(f"{place}: {key}: {message}" if key else f"{place}: {message}")


class ConfigErrors(PublisherError):
    """The configuration has errors."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(str(error) for error in errors))


class ReadError(PublisherError):
    """A value cannot be read."""


class Overrun(ReadError):
    """The document takes too much to be read."""


class Unready(ReadError):
    """The process that reads documents could not be started; see whether memory is left on the machine."""


class FetchError(PublisherError):
    """A source could not be fetched."""

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        self.status = status
        self.retry_after = retry_after
        super().__init__(message)


class AddressRefused(PublisherError):
    """The address guard does not allow this address."""


class NotFound(PublisherError):
    """There is nothing under this name."""


class Conflict(PublisherError):
    """The change contradicts what is stored."""


class KeyReused(Conflict):
    """This Idempotency-Key came before, with another body; a new request takes a new key."""


class StorageError(PublisherError):
    """The database refused or failed."""


class SecretError(PublisherError):
    """A sealed secret cannot be opened with the keys at hand."""
