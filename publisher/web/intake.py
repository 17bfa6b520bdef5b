"""What is pushed, as observations. It is read as the files of a folder are, but refused for any error."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from publisher.errors import Overrun, ReadError, Unready
from publisher.isolation import Runner
from publisher.model import Indicator
from publisher.model.observed import ObservedArticle
from publisher.model.observed import Problem as Doubt
from publisher.sources.batch import ENTRY, Entry, read_entries, read_one
from publisher.sources.parsed import read_back
from publisher.sources.push import read_indicator_json
from publisher.web.answers import Fault, Problem, invalid
from publisher.web.asking import body_of, json_bytes, json_object, loaded
from publisher.web.services import services_of

TAG_WEIGHT = 100
"""Characters of text that take as long to read as one tag does."""

LIGHT = 32_768
"""Characters, tags weighed, that are read where requests are served; more is read in a thread."""

HEAVY = 1_048_576
"""Characters, tags weighed, above which an article is read in a process that can be killed."""

IN_PROCESS = 1_048_576
"""Bytes of a batch above which it is."""


async def read_article(request: web.Request, id_: str) -> tuple[ObservedArticle, list[Fault]]:
    """The article of a PUT, and what is doubtful about it; 422 names each field that is wrong."""
    payload, body = await json_object(request), await body_of(request)
    given = {"origin": request.path, "language": services_of(request).site.language}
    runner = services_of(request).runner
    weight = len(body) + body.count(b"<") * TAG_WEIGHT
    if weight > HEAVY and runner is not None:
        parsed = await read_back(await _run(runner, "pushed", body, {**given, "id": id_}))
        article, problems = next(iter(parsed.articles), None), parsed.problems
    elif weight > LIGHT:
        article, problems = await asyncio.to_thread(lambda: read_one(payload, id_, **given))
    else:
        article, problems = read_one(payload, id_, **given)
    if article is None:
        raise invalid(*_faults(problems))
    return article, _faults(problems)


async def read_batch(request: web.Request, limit: int, most: int) -> list[tuple[Entry, list[Fault]]]:
    """The articles of a POST, each with what is wrong or doubtful about it; 422 for no list of 1 to ``most``."""
    body = await json_bytes(request, limit)
    given = {"origin": request.path, "language": services_of(request).site.language}
    runner = services_of(request).runner
    if len(body) > IN_PROCESS and runner is not None:
        entries = []
        for piece in await _run(runner, "batch", body, {**given, "most": most}):
            entries.append(ENTRY.validate_json(piece))
            await asyncio.sleep(0)  # a thousand large articles take a while: others get their turn
    else:
        payload = loaded(body)
        if not isinstance(payload, list) or not 1 <= len(payload) <= most:
            said = f"a list of {len(payload)}" if isinstance(payload, list) else "no list; send one article with PUT"
            raise Problem(422, f"send a list of 1 to {most} articles, each with its id; this is {said}")
        # Reading and sanitising takes a while: not where all requests are served.
        entries = await asyncio.to_thread(lambda: list(read_entries(payload, **given)))
    return [(entry, _faults(entry.problems)) for entry in entries]


async def _run(runner: Runner, job: str, body: bytes, options: Mapping[str, Any]) -> Sequence[bytes]:
    try:
        return await runner.run(job, body, options)
    except Unready as error:
        raise Problem(503, "this body could not be read now; send it again later") from error
    except Overrun as error:
        raise Problem(422, f"the body {error}") from error
    except ReadError as error:
        if str(error).startswith("is no JSON"):
            raise Problem(400, f"the body {error}") from error
        raise Problem(422, f"send a list of up to a thousand articles, each with its id; this is {error}") from error


def read_indicator(request: web.Request, payload: object, at: str) -> Indicator | list[Fault]:
    """One observation, or what is wrong with it; ``at`` is where it stands in the request.

    ``observed_at`` is now where it is not given; name and unit are those of the registry.
    """
    services = services_of(request)
    indicator, problems = read_indicator_json(
        payload, specs=services.catalog().indicators, now=services.now(), origin=request.path, path=at
    )
    return _faults(problems) if indicator is None else indicator


def _faults(problems: Sequence[Doubt]) -> list[Fault]:
    return [Fault(problem.field or "body", problem.message) for problem in problems]
