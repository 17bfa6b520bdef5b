"""The position in a list, as its ``next``: encrypted, since it may be that of something the client may not see.

It holds the log's generation too: after a restore, the same position may be that of something else.

AES-SIV (RFC 5297) under a key derived from the installation's: the same position always gives the same text, so that
repeated requests for a page get the same bytes, and only a text that was given out is accepted.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING

import orjson
from aiohttp import web

from publisher.web.http.response import Fault, Problem, invalid
from publisher.web.services import services_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

Place = list[int | str]

LONGEST = 1024

_CIPHER: web.AppKey[list[AESSIV]] = web.AppKey("cursor cipher", list)


def prepare(app: web.Application) -> None:
    """Make room for the cipher, which is made at the first request for a list."""
    app[_CIPHER] = []


def cursor(request: web.Request, list_: str, place: Place, generation: str | None = None) -> str:
    """The position in the list of this name, to be sent as ``next``.

    ``generation`` is that of the log in which it was found, by default the present one.
    """
    if generation is None:
        generation = services_of(request).db.generation.id
    sealed = _cipher(request).encrypt(orjson.dumps([generation, *place]), _bound_to(list_))
    return urlsafe_b64encode(sealed).decode().rstrip("=")


def place_of(request: web.Request, list_: str) -> Place | None:
    """The place that the request's ``after`` names, None without one; 422 for what is no ``next`` of this list.

    410 for one from before the log was reset.
    """
    text = request.query.get("after")
    if text is None:
        return None
    generation, place = opened(request, list_, text)
    if services_of(request).db.generation.reset_to(generation, 0) is not None:
        raise log_reset("leave `after` out to begin anew", None)
    return place


def opened(request: web.Request, list_: str, text: str, *, others: str = "") -> tuple[str, Place]:
    """What a ``next`` of this list says: the generation of the log, and the place; 422 for any other text.

    ``others`` names what else the list takes, for that error.
    """
    from cryptography.exceptions import InvalidTag

    try:
        if len(text) > LONGEST:
            raise ValueError("longer than any place")
        sealed = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        generation, *place = orjson.loads(_cipher(request).decrypt(sealed, _bound_to(list_)))
    except (ValueError, InvalidTag) as error:
        shown = f"{text[:40]!r}" + ("…" if len(text) > 40 else "")
        wrong = f"must be the `next` of a page of this list{others}, not {shown}; leave it out to begin anew"
        raise invalid(Fault("after", wrong)) from error
    return generation, place


def page_url(request: web.Request, after: str) -> str:
    """The same request from another place on: path and query, to be followed as it is."""
    query = [(name, value) for name, value in request.query.items() if name != "after"]
    return str(request.rel_url.with_query([*query, ("after", after)]))


def log_reset(advice: str, begin: str | None, url: str | None = None) -> Problem:
    """410: numbers were given out anew since, as after a restore. ``begin`` is an ``after`` that misses nothing, and
    ``url`` the request with it.
    """
    said = f"the log was put back to an earlier state, or moved, since this `after` was given out; {advice}"
    return Problem(410, said, more={"code": "log-reset", "begin": begin, "begin_url": url})


def log_pruned(begin: str, url: str) -> Problem:
    """410: what came after this ``after`` is not kept any more. ``begin`` is an ``after`` from which all is, and
    ``url`` the request with it.
    """
    said = (
        "events that came after this `after` are kept no longer; read the articles and indicators anew if you need "
        "what you missed, and go on with `begin`: everything that comes after it is there"
    )
    return Problem(410, said, more={"code": "log-pruned", "begin": begin, "begin_url": url})


def _bound_to(list_: str) -> list[bytes]:
    """What a cursor is sealed with: the list, and the form of what is in it."""
    return [list_.encode(), b"generation, place"]


def _cipher(request: web.Request) -> AESSIV:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    held = request.app[_CIPHER]
    if not held:
        held.append(AESSIV(services_of(request).sealer.derived("publisher list cursors")))
    return held[0]
