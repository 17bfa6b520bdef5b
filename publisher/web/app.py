"""The web application: its routes, and what every request goes through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import ClientConnectionError, web

from publisher import telemetry
from publisher.errors import NotAdopted, StorageError, told
from publisher.web.api import (
    articles,
    batches,
    cursors,
    event_types,
    events,
    following,
    holds,
    indicators,
    openapi,
    preview,
    replays,
    rotating,
    sources,
    tests,
    webhooks,
)
from publisher.web.feeds import documents as feeds
from publisher.web.http import parameters
from publisher.web.http.headers import PREFLIGHT, finished, is_open
from publisher.web.http.negotiation import prefers_html
from publisher.web.http.prebuilt import HEADS, STOPPING, Heads
from publisher.web.http.proxies import client_address
from publisher.web.http.request import BODY_LIMIT
from publisher.web.http.response import Problem, problem_response
from publisher.web.ops import health
from publisher.web.pages import handlers as pages
from publisher.web.services import SERVICES, Services

log = telemetry.logger(__name__)

PUBLIC: web.AppKey[bool] = web.AppKey("public", bool)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(services: Services, *, public: bool = True) -> web.Application:
    """The application over these services; it starts and stops none of them.

    Unless it is ``public``, it has only the routes for monitoring, for a process that serves nothing else.
    """
    app = web.Application(middlewares=[_answer], client_max_size=BODY_LIMIT)
    app[SERVICES] = services
    app[STOPPING] = []
    app[HEADS] = Heads()
    app[PUBLIC] = public
    health.add_health(app)
    if public:
        for room in (
            articles, batches, indicators, events, event_types, openapi, sources, preview, webhooks, rotating, tests,
            replays, holds, feeds,
        ):  # fmt: skip
            app.add_routes(room.routes)
        cursors.prepare(app)
        following.prepare(app)
        pages.add_pages(app)
    app.on_response_prepare.append(_finish)
    app.on_shutdown.append(_stopping)
    app.on_cleanup.append(_noted)
    return app


async def _stopping(app: web.Application) -> None:
    app[STOPPING].append(True)


async def _noted(app: web.Application) -> None:
    await app[SERVICES].limits.uses.written()


@web.middleware
async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into a response that says what is wrong; a fault of ours is logged."""
    try:
        parameters.check(request)
        return await handler(request)
    except web.HTTPMethodNotAllowed as refused:
        return _not_allowed(request, refused)
    except (ConnectionError, ClientConnectionError):
        return _abandoned(request)
    except Exception as error:
        if isinstance(error, web.HTTPException) and error.status < 400:
            raise  # a redirect is no error
        return _failed(request, _as_problem(error), error)


def _abandoned(request: web.Request) -> web.Response:
    """The response for a client that has gone, which is not our fault. Nobody reads it; it is counted, as nginx
    does.
    """
    log.debug("request.abandoned", method=request.method, path=request.path)
    return web.Response(status=499, reason="Client Closed Request")


def _as_problem(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case web.HTTPNotFound():
            return Problem(404, "there is nothing at this address")
        case web.HTTPRequestEntityTooLarge():
            return Problem(413, f"a request body may have {BODY_LIMIT} bytes")
        case web.HTTPException():
            return Problem(error.status, error.reason)
        case StorageError():
            what = "this node is not up to date" if isinstance(error, NotAdopted) else "storage does not answer"
            return Problem(503, f"{what}; try again", headers={"Retry-After": "5"})
        case _:
            return Problem(500, "something went wrong here; it has been logged")


def _failed(request: web.Request, problem: Problem, error: Exception) -> web.Response:
    if problem.status >= 500 and not told(error):
        # The query may hold something confidential; the path does not.
        client = client_address(request, request.app[SERVICES].trusted_proxies)
        log.exception("request.failed", status=problem.status, method=request.method, path=request.path, client=client)
    if not request.app[PUBLIC]:
        return problem_response(problem)
    if problem.status == 404 and prefers_html(request) and not request.path.startswith(("/api/", "/feeds/")):
        return pages.nothing_here(request)
    if problem.status == 400 and prefers_html(request) and not request.path.startswith("/api/"):
        return pages.not_asked_so(request)
    return problem_response(problem)


def _not_allowed(request: web.Request, refused: web.HTTPMethodNotAllowed) -> web.Response:
    allowed = ", ".join(sorted({*refused.allowed_methods, "OPTIONS"}))
    if request.method != "OPTIONS":
        return problem_response(
            Problem(405, f"{request.method} is not served here; use {allowed}", headers={"Allow": allowed})
        )
    preflight = PREFLIGHT if is_open(request.path, "GET") else {}
    return web.Response(status=204, headers={"Allow": allowed, **preflight})


async def _finish(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in finished(request.path, request.method, {}).items():
        response.headers.setdefault(name, value)
    if request.app[STOPPING]:
        response.headers["Connection"] = "close"
        response.force_close()
