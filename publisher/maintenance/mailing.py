"""Telling operators by mail, beside all other work: at most once of each event, whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from publisher import telemetry
from publisher.errors import MailRefused
from publisher.outbound.mail import Letter, Mailer, Post
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import mails
from publisher.storage.subscriptions.mails import Mail

log = telemetry.logger(__name__)

EVERY = 5.0
"""Seconds between two looks for mail that is due."""


async def send(db: Database, mailer: Mailer, site: Callable[[], tuple[str, str]]) -> int:
    """Send what is due; returns how many were sent. ``site`` is the title and the URL of the installation."""
    if not await db.read(mails.is_due):
        return 0
    claimed = await db.write(mails.claim)
    sent = 0
    try:
        async with mailer.connected() as post:
            while claimed:
                sent += await _send_one(db, post, claimed[0], site())
                del claimed[0]
    except MailRefused as error:
        for mail in claimed:
            await _put_back(db, mail, error)
    return sent


async def _send_one(db: Database, post: Post, mail: Mail, site: tuple[str, str]) -> bool:
    if not await db.write(mails.begin, mail):
        return False
    try:
        await post(letter(mail, site, db.now()))
    except MailRefused as error:
        if error.taken is None or error.lasting:
            await db.write(mails.failed, mail, str(error))
            log.error("mail.failed", event_id=mail.event, error=str(error), unknown=error.taken is None)
        else:
            await _put_back(db, mail, error)
        return False
    await db.write(mails.sent, mail)
    log.info("mail.sent", event_id=mail.event)
    return True


async def _put_back(db: Database, mail: Mail, error: MailRefused) -> None:
    wait = await db.write(mails.put_back, mail, str(error))
    log.warning("mail.not_sent", event_id=mail.event, error=str(error), retry_in=wait)


def letter(mail: Mail, site: tuple[str, str], at: datetime) -> Letter:
    """The words of a mail about a webhook that was disabled. The URL is not in it: it may hold a secret."""
    title, url = site
    about: Mapping[str, Any] = mail.about
    text = f"""\
The webhook {about["id"]} of {about["owner"]} at {about["host"]} was disabled: {about["reason"]}.

It followed {", ".join(about["feeds"])} and is sent nothing until it is enabled again:

    PATCH {url.rstrip("/")}/api/v1/webhooks/{about["id"]}
    {{"state": "active"}}

The event {mail.event} in the log tells of it. Its owner's other webhooks were told, too.
"""
    return Letter(mail.event, f"[{title}] A webhook at {about['host']} was disabled", text, at)
