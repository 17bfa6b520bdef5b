"""A mail server on a real socket (RFC 5321), which takes letters or refuses them as it is told."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message


@dataclass
class MailServer:
    """``answer(number of the letter, from 0)`` is the reply to its data; None hangs up without one."""

    answer: Callable[[int], str | None] = lambda _number: "250 taken"
    rcpt: str = "250 fine"
    password: str = ""
    tls: ssl.SSLContext | None = None
    port: int = 0
    letters: list[Message] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    connections: int = 0
    data: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        secure = False
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            match verb.upper():
                case "EHLO":
                    offers = ["here", *([] if secure or self.tls is None else ["STARTTLS"]), "AUTH PLAIN"]
                    lines = [f"250{' ' if place == len(offers) - 1 else '-'}{one}" for place, one in enumerate(offers)]
                    writer.write("".join(f"{one}\r\n" for one in lines).encode())
                case "STARTTLS":
                    writer.write(b"220 go on\r\n")
                    assert self.tls is not None
                    await writer.start_tls(self.tls)
                    secure = True
                case "AUTH":
                    _, _, given = b64decode(rest.split()[1]).split(b"\0")
                    self.logins.append(given.decode())
                    good = given.decode() == self.password
                    writer.write(b"235 welcome\r\n" if good else b"535 wrong password\r\n")
                case "RCPT":
                    self.recipients.append(rest.partition("<")[2].rstrip(">"))
                    writer.write(f"{self.rcpt}\r\n".encode())
                case "DATA":
                    writer.write(b"354 tell\r\n")
                    text = await reader.readuntil(b"\r\n.\r\n")
                    number, self.data = self.data, self.data + 1
                    reply = self.answer(number)
                    async with self.changed:
                        if reply is not None and reply.startswith("2"):
                            self.letters.append(message_from_bytes(text[:-5].replace(b"\r\n..", b"\r\n.")))
                            self.encrypted.append(secure)
                        self.changed.notify_all()
                    if reply is None:
                        return
                    writer.write(f"{reply}\r\n".encode())
                case "QUIT":
                    writer.write(b"221 bye\r\n")
                    return
                case _:
                    writer.write(b"250 fine\r\n")
            await writer.drain()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a state of what has come; a minute without it is a failure."""
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(condition), 60)


@asynccontextmanager
async def mail_server(**options: object) -> AsyncIterator[MailServer]:
    """A running server."""
    server = MailServer(**options)  # type: ignore[arg-type]
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
