"""Who caused a request to fail, and the message for it."""

from __future__ import annotations

import errno
import os
import ssl

import aiohttp

from publisher.model.subscription import ErrorClass
from publisher.outbound.guard import SocketRefused
from publisher.outbound.results import PostResult
from publisher.outbound.transport import AnswerRefused
from publisher.redaction import redacted

_OURS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS)


def is_ours(error: BaseException) -> bool:
    """Whether this process or machine had no means left, so that no request was sent.

    A resolver without descriptors says only that the name does not resolve; so it is tried whether there are any.
    """
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if _of_this_machine(cause):
        return True
    return isinstance(error, aiohttp.ClientConnectorDNSError) and _without_descriptors()


def explain(error: BaseException, timeout: float) -> str:
    """What went wrong, in words; ``timeout`` in seconds."""
    match error:
        case _ if is_ours(error):
            reason = _ours(error)
        case TimeoutError():
            reason = f"no answer within {timeout:g} s"
        case aiohttp.ClientConnectorDNSError():
            reason = f"the name {error.host!r} does not resolve"
        case aiohttp.ClientConnectorCertificateError():
            reason = f"the certificate is not accepted: {error.certificate_error}"
        case aiohttp.ClientConnectorError() if error.os_error.errno == errno.EACCES:
            reason = f"refused: {error.os_error.strerror}"
        case aiohttp.ClientConnectorError():
            reason = f"cannot connect to {error.host}:{error.port}: {error.os_error.strerror or error.os_error}"
        case aiohttp.ServerDisconnectedError():
            reason = "the server closed the connection without an answer"
        case AnswerRefused():
            reason = f"the answer is cut off: {error}"
        case aiohttp.ClientResponseError():
            reason = f"the answer cannot be read: {error.message}"
        case _:
            reason = f"{type(error).__name__}: {error}"
    return redacted(reason[:300])


def unresolved(host: str, error: BaseException, spent: int) -> PostResult:
    """The outcome of a POST whose host has no address, after ``spent`` milliseconds."""
    ours = _of_this_machine(error) or _without_descriptors()
    reason = _ours(error) if ours else f"the name {host!r} does not resolve"
    return PostResult(None, redacted(reason[:300]), duration_ms=spent, ours=ours, fault=ErrorClass.NAME)


def not_connected(host: str, port: int, error: BaseException, spent: int) -> PostResult:
    """The outcome of a POST for which no connection could be made, after ``spent`` milliseconds."""
    advice, ours, fault = None, _of_this_machine(error), ErrorClass.CONNECTION
    match error:
        case _ if ours:
            reason = _ours(error)
        case SocketRefused():
            reason, advice, fault = f"refused: {error.strerror}", error.advice, ErrorClass.REFUSED
        case ssl.SSLCertVerificationError():
            reason, fault = f"the certificate is not accepted: {error.verify_message or error}", ErrorClass.TLS
        case ssl.SSLError():
            fault = ErrorClass.TLS
            reason = f"cannot connect to {host}:{port}: TLS: {error.reason or error.strerror or error}"
        case TimeoutError():
            reason, fault = f"cannot connect to {host}:{port}: {error.strerror or error}", ErrorClass.TIMEOUT
        case OSError():
            reason = f"cannot connect to {host}:{port}: {error.strerror or error}"
        case _:
            reason = f"cannot connect to {host}:{port}: {error}"
    return PostResult(None, redacted(reason[:300]), duration_ms=spent, ours=ours, advice=advice, fault=fault)


_CLASSES: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], ErrorClass], ...] = (
    (SocketRefused, ErrorClass.REFUSED),
    (aiohttp.ClientConnectorDNSError, ErrorClass.NAME),
    ((aiohttp.ClientSSLError, ssl.SSLError), ErrorClass.TLS),
    (TimeoutError, ErrorClass.TIMEOUT),
    ((AnswerRefused, aiohttp.ClientResponseError, aiohttp.ClientPayloadError), ErrorClass.ANSWER),
    ((OSError, aiohttp.ClientConnectionError), ErrorClass.CONNECTION),
)


def fault_of(error: BaseException) -> ErrorClass:
    """The class of an error of aiohttp's."""
    causes = [error.os_error, error] if isinstance(error, aiohttp.ClientConnectorError) else [error]
    found = (fault for kinds, fault in _CLASSES for cause in causes if isinstance(cause, kinds))
    return next(found, ErrorClass.OTHER)


def advice_of(error: BaseException) -> str | None:
    """How an operator can allow what the guard refused at the socket; None for any other fault."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    return cause.advice if isinstance(cause, SocketRefused) else None


def _of_this_machine(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in _OURS


def _ours(error: BaseException) -> str:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    number = cause.errno if isinstance(cause, OSError) and cause.errno in _OURS else errno.EMFILE
    return f"not sent: this machine has nothing left to connect with ({os.strerror(number)})"


def _without_descriptors() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        return error.errno in _OURS
    return False
