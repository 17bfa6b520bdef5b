"""One page without a profile: what it states is gathered, and each field chosen of that."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser

from publisher.content import absolute
from publisher.model import Image
from publisher.sources.documents import dom
from publisher.sources.documents.charset import decode
from publisher.sources.html.body import sanitised
from publisher.sources.html.profiled import base_of, is_whole
from publisher.sources.html.unprofiled import (
    authors,
    edges,
    extracting,
    jsonld,
    languages,
    library,
    markup,
    metas,
    schema,
    texts,
    times,
    titles,
)
from publisher.sources.html.unprofiled.evidence import EXTRACTED, GUESSED, JSONLD, OPENGRAPH, PAGE, Claim, distinct
from publisher.sources.html.unprofiled.junk import is_junk
from publisher.sources.html.unprofiled.own_address import contradicted, own_address
from publisher.sources.html.unprofiled.scripts import documents
from publisher.sources.profiles.profile import conventions
from publisher.sources.reading.draft import Reading
from publisher.sources.reading.soundness import is_closed

_MISSING = (
    "no text could be made out; write a profile for the site, or have a second reading of such pages: "
    'pip install "publisher[extract]"'
)
_CUT = ("…", "...", "[…]", "[...]")
_UNCLEAR = "no text could be made out; write a profile for the site"


def read_any(
    body: bytes,
    *,
    origin: str,
    url: str,
    language: str,
    timezone: str,
    content_type: str | None = None,
    locale: str | None = None,
    assumed: bool = False,
) -> Reading:
    """The article in a page, and in ``origins`` where each of its fields came from.

    ``language`` is that of its dates where the page names none; ``timezone`` holds for dates without a zone, with a
    warning where it is only ``assumed``. ``locale`` is that of its dates, the page's own language where it is not
    given. Raises ReadError for no page.
    """
    decoded = decode(body, content_type)
    tree = dom.parse(decoded.text)
    spoken = _html_lang(tree) or language
    reading = Reading(origin, conventions(url, locale or spoken, timezone), assumed=assumed)
    if decoded.warning:
        reading.warn(decoded.warning, "charset")
    page = _Page(tree, decoded.text, url, reading)
    page.read()
    if not page.fields.get("body"):
        reading.error(_MISSING if library.installed() is None else _UNCLEAR, "body")
        return reading
    reading.complete(page.fields)
    reading.origins = page.origins
    return reading


def _html_lang(tree: LexborHTMLParser) -> str | None:
    node = tree.css_first("html[lang]")
    return languages.tag(node.attributes.get("lang")) if node is not None else None


@dataclass
class _Page:
    """A page being read: what it states, and the fields that were chosen so far."""

    tree: LexborHTMLParser
    text: str
    url: str
    reading: Reading
    fields: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def read(self) -> None:
        """Choose each field; the text last, since making it out changes the tree."""
        self.base = base_of(self.tree, self.url)
        self.metas = metas.metas_of(self.tree)
        self.shown = markup.headlines(self.tree)
        found, faults = documents(self.tree)
        for fault in faults:
            self.reading.warn(fault, "JSON-LD")
        self.graph = jsonld.graph_of(found)
        address = own_address(self.tree, self.base, self.url, self._any_title(), self.reading)
        self.take("url", address.url, address.origin)
        self._choose_node(address.url)
        self.sites = [
            *jsonld.site_names(self.graph),
            *filter(None, map(self.metas.first, ("og:site_name", "application-name"))),
            *filter(None, [urlsplit(self.url).hostname]),
        ]
        self._title()
        self._summary()
        self._times()
        self._authors()
        self._lists()
        self.language = self._language_claims()
        self._body()
        self._guesses()
        self._language()

    def take(self, name: str, value: Any, origin: str) -> None:
        """Set a field, unless it has a value already or the new one is empty."""
        if value and name not in self.fields:
            self.fields[name], self.origins[name] = value, origin

    @cached_property
    def guess(self) -> library.Guess:
        """What the library makes of it; called only where it is needed, since it takes long."""
        return library.guess(self.text, self.url, self.reading)

    def _any_title(self) -> str:
        return " ".join(filter(None, (*self.shown[:1], self.metas.first("og:title"), markup.title(self.tree))))

    def _choose_node(self, address: str) -> None:
        headings = [*self.shown, self.metas.first("og:title") or "", markup.title(self.tree) or ""]
        chosen = jsonld.choose(self.graph, (self.url, address), headings, self.base)
        self.nodes, self.about = chosen.articles, (chosen.page,) if chosen.page else ()
        self.foreign = chosen.foreign
        if not chosen.articles and chosen.foreign:
            self.reading.warn("describes another page; it is ignored", "JSON-LD", chosen.foreign)
        told = [one for node in chosen.articles for one in jsonld.addresses_of(node, self.base)]
        if other := contradicted(address, self.url, [*told, absolute(self.metas.first("og:url"), self.base)]):
            self.reading.warn(f"the page names {other} as its own, too; {address} is taken", "url", address)
        if chosen.uncertain:
            self.reading.warn("describes several articles and not which is this page's; the first is taken", "JSON-LD")

    def _title(self) -> None:
        claims = [
            (schema.headline(self.nodes), JSONLD),
            (self.metas.first("og:title"), OPENGRAPH),
            (self.metas.first("twitter:title"), OPENGRAPH),
            (markup.title(self.tree), PAGE),
        ]
        found = titles.headline(
            [Claim(value, origin) for value, origin in claims if value], self.shown, self.sites, self.url
        )
        if found is not None:
            self.take("title", found.value, found.origin)
            others = (*(value for value, _ in claims if value), *self.shown)
            differing = next(filter(None, (texts.other_number(found.value, one, behind=1) for one in others)), None)
            if differing:
                said = f"the page says {differing[0]} and {differing[1]} in its headlines; {differing[0]} is taken"
                self.reading.warn(said, "title", found.value)

    def _summary(self) -> None:
        self.take("summary", schema.first(self.nodes, "description", "abstract"), JSONLD)
        self.take("summary", self.metas.first("og:description"), OPENGRAPH)
        self.take("summary", self.metas.first("description", "twitter:description"), PAGE)

    def _times(self) -> None:
        claims = {
            "published": [*self._dates("datePublished"), *metas.published(self.metas), *markup.published(self.tree)],
            "updated": [*self._dates("dateModified"), *metas.updated(self.metas), *markup.updated(self.tree)],
        }
        for name, other in (("published", "updated"), ("updated", "published")):
            if found := times.moment(name, claims[name], self.reading, claims[other]):
                self.take(name, *found)
        self.dated = markup.dated_lines(self.tree)
        taken, updated = self.fields.get("published"), self.fields.get("updated")
        said = {one.value for one in claims["published"] if one.firm}
        shown = [*self.dated, *(one.value for one in claims["published"] if one.value not in said)]
        if taken and (line := times.shown_otherwise(taken, updated, shown, self.reading)):
            self.reading.warn(f"the page shows {line!r}, which is another time", "published", line)
        day = times.day_in(self.url)
        if taken and day and times.is_far(taken, day):
            self.reading.warn("the page's address names another day", "published", day)

    def _dates(self, name: str) -> list[Claim]:
        """What JSON-LD says of the article, else of its page."""
        found = schema.dates(self.nodes, name) or schema.dates(self.about, name)
        return [Claim(one, JSONLD) for one in found]

    def _is_told(self, name: str) -> bool:
        """Whether there is a value, or a word on why there is none."""
        return name in self.fields or any(one.field == name for one in self.reading.problems)

    def _authors(self) -> None:
        named = schema.people(self.graph, self.nodes, "author") or schema.people(self.graph, self.nodes, "creator")
        lines = tuple(text for text, _ in named)
        organizations = frozenset(text for text, organized in named if organized)
        stated = (*metas.authors(self.metas), *markup.authors(self.tree))
        besides = [text for text, organized in schema.people(self.graph, self.nodes, "contributor") if not organized]
        if lines and besides:
            shown = (*(" ".join(line) for line, _ in stated), self.metas.first("twitter:data1") or "")
            lines = tuple(authors.together(lines, besides, shown))
        bylines = [authors.Byline(lines, JSONLD, organizations)]
        bylines += [authors.Byline(tuple(found), origin) for found, origin in stated]
        found, origins = authors.chosen(bylines, self.sites)
        self.take("authors", list(found.authors), origins.get("authors", PAGE))
        if not found.editor or origins["editor"] == GUESSED:
            self.take("editor", self._editor(), JSONLD)
        self._credit("editor", found.editor, origins["editor"])
        self._credit("agency", found.agency, origins["agency"])
        for doubt in found.doubts:
            self.reading.warn(doubt, "authors", ", ".join(found.authors))

    def _credit(self, name: str, value: str | None, origin: str) -> None:
        if value and origin == GUESSED and name not in self.fields:
            self.reading.warn(authors.A_GUESS, name, value)
        self.take(name, value, origin)

    def _editor(self) -> str | None:
        return next(
            (text for text, organized in schema.people(self.graph, self.nodes, "editor") if not organized), None
        )

    def _lists(self) -> None:
        self.take("section", schema.section(self.graph, self.nodes), JSONLD)
        self.take("section", self.metas.first("article:section"), OPENGRAPH)
        self.take("section", markup.section(self.tree), PAGE)
        self.take("topics", schema.topics(self.graph, self.nodes), JSONLD)
        self.take("topics", distinct(self.metas.values.get("article:tag", ())), OPENGRAPH)
        self.take("images", self._images(schema.images(self.graph, self.nodes, self.base)), JSONLD)
        self.take("images", metas.images(self.metas, self.base), OPENGRAPH)
        stated = absolute(markup.picture(self.tree), self.base)
        self.take("images", [Image(url=stated)] if stated else [], PAGE)
        self.take("attachments", schema.attachments(self.graph, self.nodes, self.base), JSONLD)
        self.take("attachments", metas.attachments(self.metas, self.base), OPENGRAPH)

    def _images(self, found: list[Image]) -> list[Image]:
        """The pictures, with what OpenGraph says of the same one besides."""
        others = {one.url: one.model_dump(exclude_none=True) for one in metas.images(self.metas, self.base)}
        return [Image.model_validate(others.get(one.url, {}) | one.model_dump(exclude_none=True)) for one in found]

    def _language_claims(self) -> list[Claim]:
        node = self.tree.css_first("html[lang]")
        claims = [
            (schema.language((*self.nodes, *self.about)), JSONLD),
            (node.attributes.get("lang") if node is not None else None, PAGE),
            (self.metas.first("og:locale"), OPENGRAPH),
            (self.metas.first("content-language", "language", "dc.language", "dcterms.language"), PAGE),
        ]
        return [Claim(value, origin) for value, origin in claims if value]

    def _language(self) -> None:
        spoken = languages.decide(self.language, self.shown_text)
        if spoken.claim is not None:
            self.take("language", spoken.claim.value, spoken.claim.origin)
        if spoken.doubt:
            self.reading.warn(spoken.doubt, "language")

    def _body(self) -> None:
        title = self.fields.get("title")
        said = texts.stated(schema.body(self.nodes))
        shown = extracting.extract(self.tree, title)
        self.signatures = edges.bylines(shown)
        own = texts.Text(tuple(edges.trimmed(shown, title)), EXTRACTED)
        choice = texts.choose(said, own, self._second, self.fields.get("summary"))
        self.shown_text = " ".join(block.text for block in choice.text.blocks) if choice.text else ""
        if choice.text is None:
            return
        body = sanitised(edges.unsigned(choice.text.blocks, self.fields.get("authors", ())), self.base)
        self.reading.left_out(body.notes)
        self.take("body", body.html, choice.text.origin)
        if choice.doubt:
            self.reading.warn(choice.doubt, "body")
        last = choice.text.blocks[-1].text
        if last.endswith(_CUT) or not (is_closed(last) or is_whole(self.text)):
            self.reading.warn("breaks off: is something cut off?", "body", last[-160:])
        if schema.is_paid(self.nodes):
            self.reading.warn("the page says that its text is not free: what it shows may be a part of it", "body")

    def _guesses(self) -> None:
        """What the page does not state, as far as something of it can be made out."""
        if "body" not in self.fields:
            return
        if "title" not in self.fields and self.guess.title:
            self.take("title", self.guess.title, GUESSED)
            self.reading.warn("is a guess: the page states none", "title", self.guess.title)
        if not self._is_told("published"):
            self._guessed_day()
        self._signed()
        if not self._is_told("authors") and library.installed() and self.guess.authors:
            found, _ = authors.chosen([authors.Byline(self.guess.authors, GUESSED)], self.sites)
            self.take("authors", list(found.authors), GUESSED)
            for doubt in found.doubts if found.authors else ():
                self.reading.warn(doubt, "authors", ", ".join(found.authors))

    def _signed(self) -> None:
        """Those who sign the text itself, where nothing else names them."""
        found, _ = authors.chosen([authors.Byline(tuple(self.signatures), GUESSED)], self.sites)
        if not self._is_told("authors") and found.authors:
            self.take("authors", list(found.authors), GUESSED)
            for doubt in found.doubts:
                self.reading.warn(doubt, "authors", ", ".join(found.authors))
        self._credit("editor", found.editor, GUESSED)

    def _guessed_day(self) -> None:
        """The day in the address or that the library finds, to the hour where a line on the page shows the same."""
        shown = {line: day for line in self.dated if (day := times.day_of(line, self.reading))}
        day, said = times.day_in(self.url), "the day in the page's address is taken"
        # It looks into the JSON-LD of other pages too.
        if day is None and not self.foreign and self.guess.day:
            day, said = self.guess.day, "the day is a guess"
        line = next((line for line, its in shown.items() if day is None or its == day), None)
        if line is not None:
            said = "that of a line on the page is taken"
        text = line or day
        if text and (value := self.reading.moment("published", text)):
            self.reading.warn(f"the page states no date; {said}", "published", text)
            self.take("published", value, GUESSED)

    def _second(self) -> texts.Text | None:
        blocks = [one for one in self.guess.blocks if not is_junk(one, extracting.linked_text(one.html))]
        return texts.Text(tuple(edges.trimmed(blocks, self.fields.get("title"))), EXTRACTED) if blocks else None
