"""One conditional request for a document, and what a response without the document means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from publisher import retryafter
from publisher.content import absolute
from publisher.errors import AddressRefused, FetchError, Overrun, ReadError
from publisher.model.observed import Problem
from publisher.sources.base import Response, SourceContext

OVERRUN_WAIT = 300.0
"""Seconds that a source rests after one of its documents took more than it may."""

_CHALLENGE = re.compile(
    rb"just a moment\.\.\.|attention required|cf-browser-verification|challenge-platform|cf_chl_|captcha"
    rb"|verify(?:ing)? (?:that )?you are (?:a )?human|are you a robot|access denied|pardon our interruption",
    re.IGNORECASE,
)


def web_address(value: str) -> str:
    """An absolute http or https URL; raises ValueError."""
    if absolute(value, None) is None:
        raise ValueError(f'"{value}" is no absolute http or https URL')
    return value


async def get(
    context: SourceContext, url: str, bookmark: Mapping[str, Any], limit: int, headers: Mapping[str, str] | None = None
) -> Response:
    """The response with the document, or 304 where it has not changed. Raises FetchError for any other status."""
    conditions = {"If-None-Match": bookmark.get("etag"), "If-Modified-Since": bookmark.get("last_modified")}
    sent = {**(headers or {}), **{name: value for name, value in conditions.items() if value}}
    try:
        response = await context.http.get(url, sent, limit)
    except AddressRefused as error:
        raise FetchError(f"refused: {error}", advice=error.advice) from error
    except TimeoutError as error:
        raise FetchError("did not answer in time") from error
    if response.status == 304 and any(conditions.values()):
        return response
    if response.status == 200:
        if len(response.body) > limit:
            raise FetchError(f"is too large: the limit is {limit:,} bytes")
        return response
    raise refusal(response, context.now())


def refusal(response: Response, now: datetime) -> FetchError:
    """What a status other than 200 and 304 means, in words, with the ``Retry-After`` of the response if it has one."""
    status = response.status
    said = f"answered {status}"
    challenged = header(response, "cf-mitigated").lower() == "challenge" or _CHALLENGE.search(response.body[:65_536])
    if status in (401, 403, 429, 503) and challenged:
        said += " with a challenge page: blocked"
    elif status in (404, 410):
        said += ": there is no such page"
    elif status == 429:
        said += ": asked too often"
    wait = retryafter.read(header(response, "retry-after"), now)
    if wait.ignored:
        said += f" ({wait.ignored})"
    return FetchError(said, status=status, retry_after=wait.seconds)


def unreadable(error: ReadError, status: int, url: str | None = None) -> FetchError:
    """The error for a document that cannot be parsed. After one that took too much, its source rests for a while.

    ``url`` is said where a source has several.
    """
    wait = OVERRUN_WAIT if isinstance(error, Overrun) else None
    return FetchError(f"{url}: {error}" if url else str(error), status=status, retry_after=wait)


def moved(response: Response, url: str) -> list[Problem]:
    """A warning where the source's own address has moved for good."""
    to = getattr(response, "moved", None)
    message = f"has moved for good to {to}; correct the url of the source"
    return [Problem(url, message, field="url", severity="warning")] if to else []


def header(response: Response, name: str) -> str:
    """A header's value, whatever the case of its name; empty where there is none."""
    return next((value for key, value in response.headers.items() if key.lower() == name), "")


def validators(response: Response) -> dict[str, str]:
    """What a conditional request for the same document sends back."""
    named = {"etag": header(response, "etag"), "last_modified": header(response, "last-modified")}
    return {name: value for name, value in named.items() if value}
