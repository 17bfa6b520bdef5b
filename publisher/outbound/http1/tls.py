"""TLS to receivers: verified, and resumed where the receiver gave a ticket (RFC 8446 section 2.2).

A handshake with certificates is most of what a delivery over a new connection costs; a resumed one does without them.
"""

from __future__ import annotations

import socket
import ssl
from collections import OrderedDict
from dataclasses import dataclass

from publisher.outbound.http1.encrypted import Encrypted
from publisher.outbound.identity import Identity

KEPT_CONTEXTS = 64
"""Contexts that present a certificate: each has the trusted authorities for itself, a megabyte."""

KEPT_SESSIONS = 2048
"""Some kilobytes each, for so many origins."""

VERIFIED_SECONDS = 3600.0
"""How long the session of one verified certificate is resumed: one that expired or was revoked is looked at by then."""

TAKE_SECONDS = 30.0
"""How long after a session was taken, or none was given, another one is taken. Python copies a session with its
certificate each time, which is a third of a handshake; so one session is resumed as often as its receiver lets it."""


@dataclass(frozen=True, slots=True)
class _Kept:
    session: ssl.SSLSession | None
    taken_at: float


class Tls:
    """Makes TLS sockets and keeps their sessions by origin. ``context`` decides whom to trust; the system's by default.

    Times are those of the event loop's clock.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context
        self._sessions: OrderedDict[str, _Kept] = OrderedDict()
        self._presenting: OrderedDict[str, ssl.SSLContext] = OrderedDict()

    @property
    def context(self) -> ssl.SSLContext:
        """Whom to trust, and how. Made when it is first asked for: it takes some 20 ms and a megabyte."""
        if self._context is None:
            self._context = ssl.create_default_context()
            self._context.options |= ssl.OP_NO_RENEGOTIATION
            self._context.set_alpn_protocols(["http/1.1"])
        return self._context

    def wrap(
        self, plain: socket.socket, host: str, origin: str, now: float, identity: Identity | None = None
    ) -> Encrypted:
        """TLS over a connected socket that does not block; the handshake is still to be done.

        ``origin`` is that of this ``identity`` alone: sessions are kept by it. Raises OSError or ValueError.
        """
        kept = self._sessions.get(origin)
        if kept is not None and now - kept.taken_at > VERIFIED_SECONDS:
            self.forget(origin)
            kept = None
        context = self.context if identity is None else self._context_of(identity)
        return Encrypted(plain, context, host.rstrip("."), None if kept is None else kept.session)

    def _context_of(self, identity: Identity) -> ssl.SSLContext:
        found = self._presenting.get(identity.name)
        if found is None:
            found = self._presenting[identity.name] = identity.context(self.context)
            if len(self._presenting) > KEPT_CONTEXTS:
                self._presenting.popitem(last=False)
        self._presenting.move_to_end(identity.name)
        return found

    def keep(self, origin: str, wrapped: Encrypted, now: float) -> None:
        """Keep the session of a connection for the next ones; to be called after an answer, since tickets come late."""
        if wrapped.session_reused:
            return
        kept = self._sessions.get(origin)
        if kept is not None and now - kept.taken_at < TAKE_SECONDS:
            return
        session = wrapped.session
        given = session is not None and (session.has_ticket or session.id)
        self._sessions[origin] = _Kept(session if given else None, now)
        self._sessions.move_to_end(origin)
        if len(self._sessions) > KEPT_SESSIONS:
            self._sessions.popitem(last=False)

    def forget(self, origin: str) -> None:
        """Begin anew with this origin: its last handshake failed."""
        self._sessions.pop(origin, None)
