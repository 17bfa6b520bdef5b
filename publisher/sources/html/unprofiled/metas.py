"""The ``meta`` elements of a page: OpenGraph, and the names that news systems use besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser

from publisher.content import absolute
from publisher.model import Attachment, Image
from publisher.sources.html.unprofiled.evidence import OPENGRAPH, PAGE, Claim, distinct, text_value, word_list
from publisher.sources.html.unprofiled.schema import size

_PUBLISHED = word_list(
    "datepublished pubdate publishdate publish-date publish_date publication_date publication-date"
    " published_time published_at parsely-pub-date sailthru.date cxenseparse:recs:publishtime cse-pubdate"
    " article.published og:published_time og:article:published_time og:pubdate dc.date.issued dcterms.issued"
    " dcterms.created dc.created dc.date.created dc.date dcterms.date dc.issued citation_publication_date"
    " citation_date originalpublicationdate rnews:datepublished bt:pubdate datecreated article:published"
    " article_date_original content_published_date displaydate date"
)
_UPDATED = word_list(
    "datemodified og:updated_time lastmod last-modified last_modified dcterms.modified dc.date.modified"
    " dc.modified article.updated modified_time article_date_updated bt:moddate rnews:datemodified revised"
    " og:modified_time"
)
_AUTHORS = word_list(
    "author parsely-author sailthru.author byl dc.creator dcterms.creator article.author cxenseparse:author"
    " citation_author rnews:author dc.contributor"
)


@dataclass(frozen=True, slots=True)
class Metas:
    """What the ``meta`` elements hold, by name in lower case."""

    values: Mapping[str, tuple[str, ...]]
    picture: Mapping[str, str] = field(default_factory=dict)
    """What OpenGraph says of the first picture: what follows on a picture's address is said of that one."""

    def first(self, *names: str) -> str | None:
        """The first value of the first of the names that has one."""
        return next((value for name in names for value in self.values.get(name, ())), None)

    def claims(self, *names: str) -> list[Claim]:
        """The first value of each of the names, with where it stands."""
        return [
            Claim(value, OPENGRAPH if name.startswith(("og:", "article:", "twitter:")) else PAGE)
            for name in names
            if (value := self.first(name))
        ]


def metas_of(tree: LexborHTMLParser) -> Metas:
    """The named ``meta`` elements of a page that hold something."""
    found: dict[str, list[str]] = {}
    picture: dict[str, str] = {}
    pictures = 0
    for node in tree.css("meta[content]"):
        attributes = node.attributes
        value = text_value(attributes.get("content"))
        if value:
            for key in ("property", "name", "itemprop", "http-equiv"):
                # Some give one element several names.
                for name in (attributes.get(key) or "").lower().split():
                    found.setdefault(name, []).append(value)
                    pictures += name == "og:image"
                    if name.startswith("og:image") and pictures <= 1:
                        picture.setdefault(name, value)
    return Metas({name: tuple(values) for name, values in found.items()}, picture)


def published(metas: Metas) -> list[Claim]:
    """When it appeared, the most reliable first."""
    return metas.claims("article:published_time", *_PUBLISHED)


def updated(metas: Metas) -> list[Claim]:
    """When it was changed last, the most reliable first."""
    return metas.claims("article:modified_time", "article:updated_time", *_UPDATED)


def authors(metas: Metas) -> list[tuple[list[str], str]]:
    """The names that each kind of ``meta`` gives, with its origin; the address of a profile is no name."""
    found = [(list(metas.values.get("article:author", ())), OPENGRAPH)]
    found += [(list(metas.values.get(name, ())), PAGE) for name in _AUTHORS]
    named = (([one for one in values if absolute(one, None) is None], origin) for values, origin in found)
    return [(distinct(values), origin) for values, origin in named if values]


def images(metas: Metas, base: str) -> list[Image]:
    """The picture of OpenGraph, else that of a card."""
    said = metas.picture.get
    named = (said("og:image:secure_url"), said("og:image"), said("og:image:url"), metas.first("og:image"))
    url = next((url for one in named if (url := absolute(one, base))), None)
    if url is None:
        other = absolute(metas.first("twitter:image", "twitter:image:src", "thumbnail"), base)
        return [Image(url=other, caption=metas.first("twitter:image:alt"))] if other else []
    return [
        Image(
            url=url,
            caption=said("og:image:alt"),
            type=said("og:image:type"),
            width=size(said("og:image:width")),
            height=size(said("og:image:height")),
        )
    ]


def attachments(metas: Metas, base: str) -> list[Attachment]:
    """Recordings of OpenGraph that are files: with a media type of sound or pictures."""
    found = []
    for name in ("og:audio", "og:video"):
        url = absolute(metas.first(f"{name}:secure_url", name, f"{name}:url"), base)
        kind = (metas.first(f"{name}:type") or "").lower()
        if url and kind.startswith(("audio/", "video/")):
            found.append(Attachment(url=url, type=kind))
    return found
