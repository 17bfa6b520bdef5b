"""How this installation runs: ``config/publisher.toml``, and what the environment overrides.

``PUBLISHER_SERVER__PORT=9000`` stands above ``[server] port``. Lists in the environment are comma-separated, or JSON.
Only ``app/`` and ``cli/`` see these objects; every other room is given values.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from publisher.configfile import Duration, Network, PrivateNetwork, TomlFile, Zone, explain, nearest, read_toml, seconds
from publisher.errors import ConfigError, ConfigErrors

FILE = "config/publisher.toml"
PREFIX = "PUBLISHER_"


def _site_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f'"{value}" is no absolute URL; write it as "https://news.example.org"')
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError(f'"{value}" must be an address alone, without user, query or fragment')
    _ = parts.port  # raises ValueError where it is no number
    return value.rstrip("/")


def _language(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", value):
        raise ValueError(f'"{value}" is no language tag; write it as "id" or "en-GB"')
    return value


def _storage_url(value: str) -> str:
    if value != "sqlite" and not re.match(r"(sqlite\+aiosqlite|postgresql\+asyncpg)://", value):
        raise ValueError(f'"{value}" is not served; use "sqlite" or a URL that begins "postgresql+asyncpg://"')
    return value


def _listed(value: object) -> object:
    """A list in the environment: comma-separated, or JSON."""
    if not isinstance(value, str):
        return value
    # "[fd00::/8]:443" begins with a bracket too, and is no JSON.
    if value.lstrip().startswith("[") and not re.match(r"\s*\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(/\d+)?\]", value):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise ValueError(f'"{value}" is no JSON list; separate with commas instead') from error
    return [part.strip() for part in value.split(",") if part.strip()]


PrivateNetworks = Annotated[tuple[PrivateNetwork, ...], BeforeValidator(_listed), NoDecode]
Networks = Annotated[tuple[Network, ...], BeforeValidator(_listed), NoDecode]
Durations = Annotated[tuple[Duration, ...], BeforeValidator(_listed), NoDecode]


class Section(BaseModel):
    """One table of the file; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Site(Section):
    """How the installation names itself. ``url`` is canonical: every link and ``tag:`` id is built from it."""

    title: Annotated[str, Field(min_length=1)] = "Publisher"
    url: Annotated[str, AfterValidator(_site_url)] = "http://127.0.0.1:8080"
    language: Annotated[str, AfterValidator(_language)] = "en"
    timezone: Zone = "UTC"


class Server(Section):
    """Where requests are answered. Port 0 takes a free one. ``metrics`` is who may read ``/metrics``."""

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    trusted_proxies: Networks = ()
    metrics: Literal["loopback", "key", "open"] = "loopback"


class Storage(Section):
    """Where it is remembered: ``sqlite`` is ``data/publisher.db``."""

    url: Annotated[str, AfterValidator(_storage_url)] = "sqlite"


class Registration(Section):
    """Who may register a webhook: ``key``, anyone who holds an API key."""

    mode: Literal["key"] = "key"


class Fetch(Section):
    """How sources are read over the network. ``pause`` is how long a host is left in peace after each request."""

    allow_private_networks: PrivateNetworks = ()
    timeout: Annotated[Duration, Field(gt=0, le=300)] = 20.0
    robots: bool = True
    pause: Annotated[Duration, Field(ge=0, le=60)] = 0.5


class Delivery(Section):
    """How webhooks are sent. ``schedule`` is the waits between attempts; after the last, a delivery is dead."""

    allow_private_networks: PrivateNetworks = ()
    schedule: Annotated[Durations, Field(min_length=1, max_length=100)] = tuple(
        seconds(wait) for wait in ("5s", "5m", "30m", "2h", "5h", "10h", "14h", "20h", "24h")
    )
    timeout: Annotated[Duration, Field(gt=0, le=120)] = 20.0


class Settings(BaseSettings):
    """Every setting, with its default."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
    )

    site: Site = Site()
    server: Server = Server()
    storage: Storage = Storage()
    registration: Registration = Registration()
    fetch: Fetch = Fetch()
    delivery: Delivery = Delivery()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment above the file, and nothing else."""
        return env_settings, init_settings


def load(home: Path) -> Settings:
    """The settings of the installation at ``home``; raises ConfigErrors with everything that is wrong in them."""
    if not (home / FILE).is_file():
        raise ConfigErrors([ConfigError(FILE, f"is not there; make an installation with: publisher init {home}")])
    try:
        file = read_toml(home / FILE, FILE)
    except ConfigError as error:
        raise ConfigErrors([error]) from error
    variables = {name.upper() for name in os.environ if name.upper().startswith(PREFIX)}
    errors = list(_unknown_variables(variables))
    try:
        settings = Settings(**file.data)
    except ValidationError as fault:
        errors += _faults(fault, file, variables)
    if errors:
        raise ConfigErrors(sorted(errors, key=lambda error: (error.file, error.line or 0)))
    return settings


def _unknown_variables(variables: Collection[str]) -> Iterator[ConfigError]:
    for name in sorted(variables):
        section, separator, _ = name.removeprefix(PREFIX).partition("__")
        if separator and section.lower() not in Settings.model_fields:
            known = [field.upper() for field in Settings.model_fields]
            yield ConfigError("environment", f"names no section of {FILE}; {nearest(section, known)}", key=name)


def _faults(fault: ValidationError, file: TomlFile, variables: Collection[str]) -> Iterator[ConfigError]:
    for one in fault.errors():
        at = one["loc"]
        variable = PREFIX + "__".join(str(part).upper() for part in at[:2])
        if variable in variables:
            yield ConfigError("environment", explain(one, Settings), key=variable)
        else:
            yield file.error(explain(one, Settings), at)


def notify_socket() -> str | None:
    """Where the service manager wants to be told of our state (sd_notify(3)), None if nothing started us so."""
    return os.environ.get("NOTIFY_SOCKET") or None


def watchdog_usec() -> int | None:
    """How long we may be silent before the service manager restarts us, in microseconds (sd_watchdog_enabled(3)).

    None where no one watches, or where it is another process that is watched.
    """
    watched = os.environ.get("WATCHDOG_PID")
    usec = os.environ.get("WATCHDOG_USEC", "")
    if not usec.isdecimal() or (watched and watched != str(os.getpid())):
        return None
    return int(usec) or None


def user_config_home() -> Path:
    """The user's own configuration folder (XDG Base Directory Specification)."""
    named = os.environ.get("XDG_CONFIG_HOME", "")
    return Path(named) if named.startswith("/") else Path.home() / ".config"
