"""Where what an event is about can be looked at: by people, and by programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from publisher.delivery.transports.base import Content, Ping, SingleEvent
from publisher.imports import later
from publisher.model.uri import uri

identity = later("publisher.render.identity")

LONGEST_URL = 2000
"""Characters of an address in a message; receivers refuse the whole message for a longer one."""


def page_url(content: Content) -> str:
    """The item's own URL, else its page here, as where that is too long for a message; the site where it has none."""
    site, data = content.site.url, _data(content)
    if data.get("url") and len(own := uri(data["url"])) <= LONGEST_URL:
        return own
    if data.get("symbol"):
        return f"{site}/#indicator-{identity.symbol_slug(data['symbol'])}"
    return f"{site}/articles/{quote(data['id'])}" if _is_article(content) else f"{site}/"


def api_url(content: Content) -> str:
    """Where the API shows it as it is at present, to who may see it."""
    root, data = f"{content.site.url}/api/v1", _data(content)
    if data.get("symbol"):
        return f"{root}/indicators/{quote(data['symbol'])}"
    if _is_article(content):
        return f"{root}/articles/{quote(data['id'])}"
    webhook = content.webhook if isinstance(content, Ping) else data.get("id")
    return f"{root}/webhooks/{quote(webhook)}" if webhook else f"{root}/sources"


def _data(content: Content) -> Mapping[str, Any]:
    return content.data if isinstance(content, SingleEvent) else {}


def _is_article(content: Content) -> bool:
    return isinstance(content, SingleEvent) and content.type.items == "articles" and bool(content.data.get("id"))
