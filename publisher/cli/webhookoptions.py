"""What ``publisher webhooks add`` takes besides: how the body is written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from publisher.errors import PublisherError

if TYPE_CHECKING:
    from publisher.delivery.transports.base import Format, Site
    from publisher.model import Options
    from publisher.storage.engine.database import Tx


def asked(content: str, template: Path | None, parameters: list[str]) -> Options:
    """The options as they are given; raises PublisherError, which names each that is wrong."""
    from pydantic import ValidationError

    from publisher.configfile import explain
    from publisher.model import Options

    given = {"content": content, "template": _template(template), "parameters": dict(map(_parameter, parameters))}
    try:
        return Options.model_validate(given)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        told = [f"--{fault['loc'][0]}: {explain(fault, Options)}" for fault in faults]
        raise PublisherError("; ".join(told)) from error


def refuse_unwritable(format: Format, url: str, options: Options) -> None:
    """Raise PublisherError where the format cannot be sent there, or written by these options."""
    refusals = [f"{one.field}: {one.said}" for one in format.refusals(url, options)]
    if refusals:
        raise PublisherError("; ".join(refusals))


def telling_site(tx: Tx) -> Site:
    """The site that tells, by the definitions in force."""
    from publisher.delivery.transports.base import SITE, Site
    from publisher.storage.configuration import definitions

    known = definitions.standing(tx)
    return (
        SITE if known is None else Site(**{name: known.site[name] for name in ("title", "url", "language", "timezone")})
    )


def _template(path: Path | None) -> str | None:
    import orjson

    from publisher.model.options import template_text

    if path is None:
        return None
    try:
        return template_text(orjson.loads(path.read_bytes()))
    except OSError as error:
        raise PublisherError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:  # also of what is no JSON
        raise PublisherError(f"{path}: {error}") from error


def _parameter(text: str) -> tuple[str, str]:
    name, there, value = text.partition("=")
    if not there:
        raise PublisherError(f'--parameter {text}: write it as NAME=VALUE, such as "chat_id=@news"')
    return name, value
