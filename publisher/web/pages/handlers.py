"""The pages for people: the front page, a feed, an article."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from aiohttp import web

from publisher.model import FeedDefinition, IndicatorSpec
from publisher.model.article import ID_PATTERN
from publisher.model.feed import NAME_PATTERN
from publisher.publish import Address
from publisher.publish.items import chosen, shown
from publisher.render import FORMATS
from publisher.selection import wants
from publisher.storage.engine.database import Tx
from publisher.storage.items import indicators
from publisher.storage.items.articles import Position, StoredArticle
from publisher.storage.items.indicators import StoredIndicator
from publisher.web.access.auth import ANYONE
from publisher.web.access.visibility import Sight, in_sight, sight_of
from publisher.web.api import event_types, openapi
from publisher.web.feeds.documents import was_removed
from publisher.web.http.headers import PUBLIC
from publisher.web.http.negotiation import preferred
from publisher.web.http.parameters import for_readers
from publisher.web.http.response import in_pieces
from publisher.web.kept import Handler, kept, prepare
from publisher.web.pages import assets
from publisher.web.pages.texts import LANGUAGE, TEXTS
from publisher.web.pages.views import Headline, Views, in_order
from publisher.web.services import Services, services_of

if TYPE_CHECKING:
    from jinja2 import Environment

ON_FRONT = 11
ON_FEED_PAGE = 50

SAFE: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'self'; img-src https: http: data:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
"""Only our own files run or style a page; pictures may come from any host, as articles have them."""

READABLE = "/api"
"""Where people read what the API is."""

ASSETS: web.AppKey[Mapping[str, assets.Asset]] = web.AppKey("assets", Mapping)


def add_pages(app: web.Application) -> None:
    """Serve the pages, and the files they are styled with."""
    app[ASSETS] = assets.load()
    prepare(app)
    app.router.add_get("/", kept(front))
    app.router.add_get(f"/feeds/{{name:{NAME_PATTERN.strip('^$')}}}", _document_or(kept(feed_page)))
    app.router.add_get(f"/articles/{{id:{ID_PATTERN.strip('^$')}}}", kept(article_page))
    app.router.add_get(READABLE, kept(reference))
    app.router.add_get("/static/{name}", static)
    app.router.add_get("/favicon.ico", favicon)


async def front(request: web.Request) -> web.Response:
    """What is published, the ticker, the feeds, and how to register a webhook."""
    services, views = services_of(request), _views(request)
    catalog = services.catalog()
    sight = sight_of(ANYONE, catalog.feeds)
    # Articles before indicators, and feeds of everything before those that select.
    feeds = sorted(sight.feeds.values(), key=lambda feed: (feed.items, bool(wants(feed.select)), feed.name))
    newest, observed = await services.db.read(_front, feeds, sight, views)
    return _page(
        request,
        "home.html",
        views=views,
        feeds=[views.feed(feed) for feed in feeds],
        headlines=newest,
        quotes=[
            views.quote(item, catalog.indicators.get(item.symbol)) for item in in_order(observed, catalog.indicators)
        ],
        example_feed=next((feed.name for feed in feeds), "news"),
    )


async def feed_page(request: web.Request) -> web.Response:
    """One feed: its items, and every way to follow it."""
    services, views = services_of(request), _views(request)
    catalog = services.catalog()
    feed = catalog.feeds.get(request.match_info["name"])
    if feed is None and await was_removed(request, request.match_info["name"]):
        return _missing(request, 410, "gone_feed", "gone_feed_why")
    if feed is None or not feed.public:
        return _missing(request, 404, "not_found", "not_found_feed")
    sight = sight_of(ANYONE, catalog.feeds)

    def headline(item: StoredArticle) -> Headline:
        return views.headline(sight.seen(item))

    limit = min(feed.limit, ON_FEED_PAGE)
    of_articles = feed.items == "articles"
    headlines = await services.db.read(shown, feed, limit, headline) if of_articles else []
    items = [] if of_articles else await services.db.read(chosen, feed, limit)
    page = _page(
        request,
        "feed.html",
        views=views,
        feed=views.feed(feed),
        headlines=headlines,
        quotes=_quotes(views, [item for item in items if isinstance(item, StoredIndicator)], catalog.indicators),
    )
    page.headers["Vary"] = "Accept, Accept-Encoding"  # feed readers are led to the document
    return page


def _document_or(page: Handler) -> Handler:
    """The page, or a redirect to the document for clients that prefer one, as feed readers do."""

    async def answer(request: web.Request) -> web.Response:
        format = preferred(request, {one.name: one.media_types for one in FORMATS.values()})
        feed = services_of(request).catalog().feeds.get(request.match_info["name"])
        if format is None or feed is None or not feed.public:
            return await page(request)
        path = f"{_views(request).root}{Address(feed.name, format).path}"
        return web.Response(status=302, headers={"Location": path, "Cache-Control": PUBLIC, "Vary": "Accept"})

    return for_readers(answer)


async def article_page(request: web.Request) -> web.Response:
    """One article; 410 for one that was withdrawn, 404 for one that no public feed shows."""
    services, views = services_of(request), _views(request)
    sight = sight_of(ANYONE, services.catalog().feeds)
    item = await services.db.read(in_sight, sight, request.match_info["id"])
    if item is None:
        return _missing(request, 404, "not_found", "not_found_article")
    if item.withdrawn_at is not None:
        return _missing(request, 410, "gone", "gone_why")
    shown_in = [
        feed for feed in sight.feeds.values() if Sight({feed.name: feed}).shows("articles", item.data, item.source)
    ]
    # An article may be millions of characters long.
    article = await asyncio.to_thread(views.article, sight.seen(item))
    return _page(request, "article.html", views=views, article=article, feeds=[views.feed(one) for one in shown_in])


async def reference(request: web.Request) -> web.Response:
    """The API: every operation, and every type of event."""
    from publisher.web.pages.reference import event_types_of, groups_of

    return _page(
        request,
        "api.html",
        views=_views(request),
        groups=groups_of(openapi.described(request)),
        event_types=event_types_of(event_types.event_types_json()),
    )


async def static(request: web.Request) -> web.Response:
    """One of our own files."""
    asset = request.app[ASSETS].get(request.match_info["name"])
    if asset is None:
        return nothing_here(request)
    return assets.answer(request, asset)


async def favicon(request: web.Request) -> web.Response:
    """The icon, for browsers that request it at its customary address."""
    return assets.answer(request, request.app[ASSETS]["mark.svg"])


def nothing_here(request: web.Request) -> web.Response:
    """The page for an address that leads nowhere."""
    return _missing(request, 404, "not_found", "not_found_here")


def not_asked_so(request: web.Request) -> web.Response:
    """The page for a request with a query that its address does not take."""
    return _missing(request, 400, "bad_query", "bad_query_why")


def _front(
    tx: Tx, feeds: list[FeedDefinition], sight: Sight, views: Views
) -> tuple[list[Headline], list[StoredIndicator]]:
    def headline(item: StoredArticle) -> tuple[Position, Headline]:
        return item.position, views.headline(sight.seen(item))

    found: dict[Position, Headline] = {}
    for feed in _widest([feed for feed in feeds if feed.items == "articles"]):
        found.update(shown(tx, feed, ON_FRONT, headline))
    newest = [found[position] for position in sorted(found, reverse=True)[:ON_FRONT]]
    observed = [item for item in indicators.latest(tx) if sight.shows("indicators", item.data, item.source)]
    return newest, observed


def _widest(feeds: list[FeedDefinition]) -> list[FeedDefinition]:
    """The feeds that together hold everything in any of them: one that selects all is enough."""
    return next(([feed] for feed in feeds if not wants(feed.select)), feeds)


def _quotes(views: Views, items: list[StoredIndicator], specs: Mapping[str, IndicatorSpec]) -> list[Any]:
    return [views.quote(item, specs.get(item.symbol)) for item in items]


def _views(request: web.Request) -> Views:
    services: Services = services_of(request)
    site = services.site()
    return Views(site.url, site.language, site.timezone, services.now())


def _missing(request: web.Request, status: int, title: str, reason: str) -> web.Response:
    page = _page(request, "missing.html", status=status, views=_views(request), title=title, reason=reason)
    page.headers["Vary"] = "Accept, Accept-Encoding"  # programs are told the same as JSON
    return page


def _page(request: web.Request, template: str, *, views: Views, status: int = 200, **values: Any) -> web.Response:
    """The template as a response, with a tag by which a browser knows these very bytes."""
    services = services_of(request)
    found = request.app[ASSETS]
    html = (
        _environment()
        .get_template(template)
        .render(
            t=TEXTS,
            ui_language=LANGUAGE,
            site=services.site(),
            views=views,
            today=views.localised.day(views.today),
            assets={name: views.root + asset.path for name, asset in found.items()},
            **values,
        )
    )
    body = html.encode()
    tag = hashlib.sha256(body).hexdigest()[:32]
    response = web.Response(
        body=in_pieces(body),  # so that a large page is packed in pieces, too, with other work between them
        status=status,
        headers={**SAFE, "Cache-Control": PUBLIC if status == 200 else "no-cache", "Vary": "Accept-Encoding"},
        content_type="text/html",
        charset="utf-8",
    )
    response.enable_compression()
    if status == 200:
        response.headers["ETag"] = f'W/"{tag}"'  # weak: compressed or not, the page is the same
    return response


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("publisher.web.pages"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
