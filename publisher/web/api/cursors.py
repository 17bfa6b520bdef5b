"""Where a list goes on, as its ``next``: encrypted, since the place may be that of something its reader may not see.

AES-SIV (RFC 5297) under a key derived from the installation's: the same place is the same text, so that a page is the
same to the byte however often it is asked for, and no text but one that was given out is taken.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING

import orjson
from aiohttp import web

from publisher.web.http.response import Fault, invalid
from publisher.web.services import services_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

Place = list[int | str]

LONGEST = 1024

_CIPHER: web.AppKey[list[AESSIV]] = web.AppKey("cursor cipher", list)


def prepare(app: web.Application) -> None:
    """Make room for the cipher, which is made when a list is first asked for."""
    app[_CIPHER] = []


def cursor(request: web.Request, list_: str, place: Place) -> str:
    """The place in the list of this name, for whoever asks for the page behind it."""
    sealed = _cipher(request).encrypt(orjson.dumps(place), [list_.encode()])
    return urlsafe_b64encode(sealed).decode().rstrip("=")


def place_of(request: web.Request, list_: str) -> Place | None:
    """The place that the request's ``after`` names, None without one; 422 for what is no ``next`` of this list."""
    from cryptography.exceptions import InvalidTag

    text = request.query.get("after")
    if text is None:
        return None
    try:
        if len(text) > LONGEST:
            raise ValueError("longer than any place")
        sealed = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        place: Place = orjson.loads(_cipher(request).decrypt(sealed, [list_.encode()]))
    except (ValueError, InvalidTag) as error:
        shown = f"{text[:40]!r}" + ("…" if len(text) > 40 else "")
        wrong = f"must be the `next` of a page of this list, not {shown}; leave it out to begin anew"
        raise invalid(Fault("after", wrong)) from error
    return place


def _cipher(request: web.Request) -> AESSIV:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    held = request.app[_CIPHER]
    if not held:
        held.append(AESSIV(services_of(request).sealer.derived("publisher list cursors")))
    return held[0]
