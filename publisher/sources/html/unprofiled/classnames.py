"""What the class names and ids of a page's elements tell of what they hold.

Newsrooms name their blocks much alike: a handful of words says what is no part of an article.
"""

from __future__ import annotations

import re
from itertools import pairwise

from selectolax.lexbor import LexborNode

from publisher.sources.html.unprofiled.evidence import word_set

_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")

ASIDE = word_set(
    "related relatedposts relatedarticles recommended recommendation recommendations recirc recirculation"
    " outbrain taboola sidebar widget widgets comment comments disqus share sharing sharebar sharedaddy social"
    " socials addthis newsletter subscribe subscription signup promo promotion advert adverts advertisement ads"
    " adsense sponsor sponsored breadcrumb breadcrumbs pagination pager cookie cookies consent gdpr modal popup"
    " tooltip trending popular mostread footer navigation navbar menu masthead skip toolbar paywall piano"
    " taglist tagcloud bacajuga terkait terpopuler rekomendasi yarpp jp-relatedposts zergnet revcontent"
    " livefyre fyre teaser teasers readmore seealso lireaussi authorbio authorbox aboutauthor copyright"
    " disclaimer playlist reactions rating votes screenreader sronly visuallyhidden donate donation upsell"
    " inlinepromo moreon bagikan langganan berlangganan polling jajakpendapat inread"
)
"""One of these names what stands beside an article, alone or with the word next to it."""

_EXACTLY = frozenset(("hidden", "hide", "print", "d-none", "tags", "tag", "like", "likes"))
"""One of these is the whole name."""

BODY = re.compile(
    r"article-?(?:body|content|text|main)|(?:body|content|text)-?article|entry-?content|post-?(?:content|body|text|entry)"
    r"|story-?(?:body|content|text)|news-?(?:body|content|text|detail)|(?:isi|detail)-?(?:berita|konten|artikel|teks|text)"
    r"|read__content|main-?content|article__|body-?copy|rich-?text|field--name-body|artikel|texte?-?article|detail-?text"
    r"|content__body|td-post-content|paragraph|itp_bodycontent|photo__caption"
)
"""Names of what holds the text."""


def name_words(node: LexborNode) -> list[str]:
    """The class names and the id of an element in lower case, bounded."""
    attributes = node.attributes
    names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
    return names[:400].lower().split()


def is_aside(node: LexborNode) -> bool:
    """Whether an element is named as what stands beside an article."""
    attributes = node.attributes
    names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"[:400]
    for name in names.split():
        if name in _EXACTLY:
            return True
        parts = [part.lower() for part in _PART.findall(name)]
        if any(part in ASIDE for part in parts) or any(one + other in ASIDE for one, other in pairwise(parts)):
            return True
    return False
