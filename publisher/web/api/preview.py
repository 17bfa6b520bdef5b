"""``POST /api/v1/webhooks/preview``: what a webhook would be sent, tried on events that have happened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from publisher.clock import rfc3339
from publisher.delivery.transports import preview_body
from publisher.delivery.transports.base import SingleEvent, Site
from publisher.errors import Unwritable
from publisher.model import Event, EventType, Filter, Match, Role
from publisher.model.options import DEFAULT, Options
from publisher.selection import Judge, Shown
from publisher.storage.configuration import in_force
from publisher.storage.engine.database import Tx
from publisher.storage.log import events
from publisher.web.access.auth import require
from publisher.web.api.registration import Registration, checked, read
from publisher.web.http.request import json_object
from publisher.web.http.response import Fault, invalid, json_response
from publisher.web.services import services_of

routes = web.RouteTableDef()

PATH = "/api/v1/webhooks/preview"

TOLD = 100
"""Events that a preview is of: the last that the feeds tell of."""

SCANNED = 5_000
"""Events of the log that are looked at for them."""

BATCH = 25
"""Events loaded at once; each holds its item."""


class Preview(Registration):
    """The body of ``POST /api/v1/webhooks/preview``: a webhook's, of which ``url`` may be left out.

    ``event`` is the id of the event to show the request of; left out, it is the newest that the filter takes.
    """

    url: str = ""
    event: Annotated[str, Field(max_length=200)] | None = None


@routes.post(PATH)
async def preview(request: web.Request) -> web.Response:
    """Try a webhook on the last 100 events of its feeds: which of them its filter takes, and the request that would be
    sent for one. Nothing is registered or sent.
    """
    key = await require(request, Role.SUBSCRIBER, to="preview webhooks")
    wanted = read(Preview, await json_object(request))
    services = services_of(request)
    values = checked(wanted, key, services)
    services.limits.previewing(key)
    filter, options = values["filter"], values.get("options", DEFAULT)
    trial = Trial(filter, public=key.role is not Role.OPERATOR)
    await services.db.read(trial.run, wanted.event)
    if wanted.event is not None and trial.chosen is None:
        raise invalid(Fault("event", "is no event that this filter takes, or one that is kept no longer"))
    return json_response(
        {
            "events": trial.told,
            "taken": sum(one["taken"] for one in trial.told),
            "filter_errors": trial.errors,
            "last_filter_error": trial.error,
            "request": None
            if trial.chosen is None
            else _request_json(values["format"], trial.chosen, options, services.deliverer.site),
        }
    )


def _request_json(format: str, chosen: tuple[Event, Match], options: Options, site: Site) -> dict[str, Any]:
    """The request that carries an event in a format, before it is signed. 422 where a template makes too much of it."""
    event, match = chosen
    told = SingleEvent.of(event, match.type, match.change, summary=match.summary, site=site)
    try:
        written = preview_body(format, options, told)
    except Unwritable as error:
        raise invalid(Fault("template", f"event {event.id}: {error}")) from error
    headers = {"webhook-id": written.id, **written.headers}
    return {"event": event.id, "headers": headers, "body": written.body.decode()}


@dataclass(slots=True)
class Trial:
    """A filter tried on the log. ``public``: it is told nothing of private feeds.

    ``told`` are the events that its feeds tell of, newest first, as the API shows them; ``chosen`` is that whose
    request is to be shown. ``error`` is the newest of the expression's ``errors``.
    """

    filter: Filter
    public: bool
    told: list[dict[str, Any]] = field(default_factory=list)
    chosen: tuple[Event, Match] | None = None
    errors: int = 0
    error: str | None = None

    def run(self, tx: Tx, event: str | None) -> None:
        """Try it; ``event`` is the id of the event to choose, None for the newest that is taken."""
        last = events.last_seq(tx)
        standing = in_force.standing(tx, 0)
        judge = Judge(in_force.present(tx), standing.removed, standing.closed, standing.opened)
        if event is not None:
            self._choose(tx, event, judge)
        feeds = self.filter.model_copy(update={"events": (), "where": (), "expression": None})
        for one in self._newest(tx, last, judge):
            match, error = self._ask(judge, one)
            if match is None and judge.follow(feeds, one, public=self.public) is None:
                continue
            self.told.append(_told_json(one, match, error))
            if error is not None:
                self.errors, self.error = self.errors + 1, self.error or error
            if event is None and self.chosen is None and match is not None:
                self.chosen = one, match
            if len(self.told) == TOLD:
                break

    def _choose(self, tx: Tx, id: str, judge: Judge) -> None:
        found = events.get(tx, id) if id.isascii() and id.isprintable() else None
        match = None if found is None or found.erased else self._ask(judge, found)[0]
        self.chosen = None if found is None or match is None else (found, match)

    def _newest(self, tx: Tx, last: int, judge: Judge) -> Iterator[Event]:
        """The events of the log that its feeds can tell of, newest first."""
        kinds = judge.kinds(self.filter.feeds)
        types = [type for type in EventType if type.items in kinds]
        scanned = 0
        while types and scanned < SCANNED and last > 0:
            batch = events.after(tx, 0, BATCH, until=last, types=types, newest_first=True)
            yield from (one for one in batch if not one.erased)
            if len(batch) < BATCH:
                return
            scanned, last = scanned + len(batch), batch[-1].seq - 1

    def _ask(self, judge: Judge, event: Event) -> tuple[Match | None, str | None]:
        shown = Shown(event)
        return judge.follow(self.filter, event, public=self.public, shown=shown), shown.fault()


def _told_json(event: Event, match: Match | None, error: str | None) -> dict[str, Any]:
    """An event, and what the filter makes of it: ``type`` and ``change`` are null where it is not taken."""
    return {
        "seq": event.seq,
        "id": event.id,
        "timestamp": rfc3339(event.timestamp),
        "taken": match is not None,
        "type": None if match is None else match.type.value,
        "change": None if match is None else match.change.value,
        "error": error,
    }
