"""Mail to operators, by the server that they have named (RFC 5321, RFC 8314)."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as FORM
from email.utils import format_datetime
from typing import Literal

from publisher.errors import MailRefused
from publisher.redaction import redacted

TIMEOUT_SECONDS = 30.0
"""For each step with the server."""

PORTS = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent. ``id`` is the same however often it is tried, and names one letter for good."""

    id: str
    subject: str
    text: str
    at: datetime


Post = Callable[[Letter], Awaitable[None]]
"""Gives the server one letter; raises MailRefused."""


class Mailer:
    """Sends letters to ``to``. ``port`` 0 is the usual one; ``context`` says whom to trust, the system by default."""

    def __init__(
        self,
        host: str,
        *,
        sender: str,
        to: Sequence[str],
        port: int = 0,
        tls: Literal["starttls", "tls", "none"] = "starttls",
        user: str = "",
        password: str = "",
        timeout: float = TIMEOUT_SECONDS,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._host = host
        self._port = port or PORTS[tls]
        self._tls = tls
        self._user = user
        self._password = password
        self._sender = sender
        self._to = tuple(to)
        self._timeout = timeout
        self._context = context

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Post]:
        """A connection by which letters can be given to the server; raises MailRefused where there is none.

        The server has taken none of them before.
        """
        import aiosmtplib

        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            use_tls=self._tls == "tls",
            start_tls=self._tls == "starttls",
            username=self._user or None,
            password=self._password if self._user else None,
            timeout=self._timeout,
            tls_context=self._context,
        )

        async def post(letter: Letter) -> None:
            message = self._written(letter)
            try:
                await client.send_message(message, sender=self._sender, recipients=list(self._to))
            except aiosmtplib.SMTPRecipientsRefused as error:
                codes = {one.code for one in error.recipients}
                said = "; ".join(str(one.message) for one in error.recipients)
                raise MailRefused(_shown(said), lasting=min(codes, default=0) >= 500) from error
            except aiosmtplib.SMTPResponseException as error:
                # 5yz is for good (RFC 5321 section 4.2.1); a connection that closed has a code of the library's, -1.
                taken = None if error.code < 400 else False
                raise MailRefused(_shown(f"{error.code} {error.message}"), error.code >= 500, taken) from error
            except (aiosmtplib.SMTPException, OSError) as error:
                raise MailRefused(_shown(str(error)), taken=None) from error

        try:
            await client.connect()
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            raise MailRefused(_shown(f"{self._host}:{self._port}: {error}")) from error
        try:
            yield post
        finally:
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit()
            client.close()

    def _written(self, letter: Letter) -> EmailMessage:
        message = EmailMessage(FORM)
        message["From"] = self._sender
        message["To"] = ", ".join(self._to)
        message["Subject"] = " ".join(letter.subject.split())
        message["Date"] = format_datetime(letter.at)
        message["Message-ID"] = f"<{letter.id}@{self._sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notices, please
        message.set_content(letter.text)
        return message


def _shown(text: str) -> str:
    return redacted(" ".join(text.split())[:300])
