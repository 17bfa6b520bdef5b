"""The style sheet, the script and the mark: read once and named by their content, so that browsers keep them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files

from aiohttp import web

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_FOR_GOOD = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of ``static/``; ``version`` changes with its bytes."""

    name: str
    content: bytes
    content_type: str
    version: str

    @property
    def path(self) -> str:
        """Its path, below the site's root."""
        return f"/static/{self.name}?v={self.version}"


def load() -> dict[str, Asset]:
    """Every file of ``static/`` that a browser may request."""
    found = {}
    for file in files("publisher.web.pages").joinpath("static").iterdir():
        content_type = _TYPES.get(file.name.rpartition(".")[2])
        if content_type:
            content = file.read_bytes()
            found[file.name] = Asset(file.name, content, content_type, hashlib.sha256(content).hexdigest()[:12])
    return found


def answer(request: web.Request, asset: Asset) -> web.Response:
    """The response with the file; cached for good where the request names this version."""
    current = request.query.get("v") == asset.version
    response = web.Response(body=asset.content, content_type=asset.content_type, charset="utf-8")
    response.headers["Cache-Control"] = _FOR_GOOD if current else "public, max-age=300"
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.etag = asset.version
    response.enable_compression()
    return response
