"""RSS 2.0 with Dublin Core, content, Media RSS and, for indicators, RSS-CB 1.2 elements.

feedgen writes each item. Around its faults: it is given no date (it writes them by changing the process's locale,
which is not safe in a thread), so the dates are added here; nor media or updated elements, of which it knows no
credit and none at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from publisher.model.names import joined
from publisher.render.entry import Entry
from publisher.render.format import GENERATOR, Format, Head, rfc822, zulu
from publisher.render.market import Statistic
from publisher.render.media import SOME_FILE, enclosure
from publisher.render.xml import (
    ATOM,
    CB,
    CONTENT,
    DC,
    MEDIA,
    add,
    add_common,
    blank_entry,
    inner_xml,
    root,
    xml_document,
)

if TYPE_CHECKING:
    from lxml import etree

TTL_MINUTES = 5
_NAMESPACES: dict[str | None, str] = {"atom": ATOM, "content": CONTENT, "dc": DC, "media": MEDIA}
_MARKET_NAMESPACES: dict[str | None, str] = {**_NAMESPACES, "cb": CB}


class Rss(Format):
    """RSS 2.0."""

    name = "rss"
    label = "RSS 2.0"
    short = "RSS"
    content_type = "application/rss+xml; charset=utf-8"
    media_types = ("application/rss+xml",)
    place = 10

    def fragment(self, entry: Entry) -> bytes:
        """The ``<item>``. Its title is plain text, its description HTML, as readers take them."""
        written = blank_entry()
        written.id(entry.id)
        written.title(entry.title)
        written.link(href=entry.url)
        if entry.summary:
            written.description(escape(entry.summary, quote=False))
        if entry.content:
            written.content(entry.content)
        if entry.categories:
            written.category([{"term": name} for name in entry.categories])
        channel = root("channel", _MARKET_NAMESPACES)
        item = written.rss_entry()
        channel.append(item)
        _add_rest(item, entry)
        return inner_xml(channel)

    def document(self, head: Head, fragments: Iterable[bytes]) -> bytes:
        """The ``<rss>`` document."""
        namespaces = _MARKET_NAMESPACES if head.items == "indicators" else _NAMESPACES
        rss = root("rss", namespaces, version="2.0")
        channel = add(rss, "channel")
        add(channel, "title", head.title)
        add(channel, "link", head.home_url)
        add(channel, "description", head.description or head.title)
        add(channel, f"{{{ATOM}}}link", rel="self", type="application/rss+xml", href=head.url)
        add(channel, "language", head.language)
        add(channel, "lastBuildDate", rfc822(head.updated))
        add(channel, "ttl", str(TTL_MINUTES))
        add(channel, "generator", GENERATOR)
        return xml_document(rss, b"</channel></rss>", fragments)


def _add_rest(item: etree._Element, entry: Entry) -> None:
    if entry.published:
        add(item, "pubDate", rfc822(entry.published))
    add(item, f"{{{ATOM}}}updated", zulu(entry.updated))
    if entry.authors:
        # RSS's own author element must hold an address for e-mail; dc:creator is for names. All in one: of several,
        # newsboat and feedparser show the last, rss2email and rss-parser the first. Atom and JSON Feed part them.
        add(item, f"{{{DC}}}creator", joined(entry.authors))
    if entry.editor:
        add(item, f"{{{DC}}}contributor", entry.editor)
    if entry.language:
        add(item, f"{{{DC}}}language", entry.language)
    enclosed = enclosure(entry.pictures, entry.attachments)
    if enclosed:
        # Each attribute must be there; 0 is the length that is not known (RSS Advisory Board, best practices).
        said = {"url": enclosed.url, "length": str(enclosed.length or 0), "type": enclosed.type or SOME_FILE}
        add(item, "enclosure", **said)
    add_common(item, entry)
    if entry.statistic:
        _add_statistic(item, entry.statistic)


def _add_statistic(item: etree._Element, statistic: Statistic) -> None:
    """RSS-CB 1.2: ``cb:exchangeRate`` for a currency pair, ``cb:otherStatistic`` for gold and indices."""
    kind = "exchangeRate" if statistic.base else "otherStatistic"
    parent = add(add(item, f"{{{CB}}}statistics"), f"{{{CB}}}{kind}")
    observation = add(parent, f"{{{CB}}}observation")
    add(observation, f"{{{CB}}}value", statistic.value)
    if statistic.unit:
        add(observation, f"{{{CB}}}unit", statistic.unit)
    add(observation, f"{{{CB}}}decimals", str(statistic.decimals))
    if statistic.base:
        add(parent, f"{{{CB}}}baseCurrency", statistic.base)
        add(parent, f"{{{CB}}}targetCurrency", statistic.target)
    else:
        add(parent, f"{{{CB}}}topic", statistic.topic)
        add(parent, f"{{{CB}}}coverage", statistic.coverage)
    add(add(parent, f"{{{CB}}}observationPeriod", frequency="daily"), f"{{{CB}}}period", statistic.period)
