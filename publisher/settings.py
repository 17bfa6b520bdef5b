"""How this installation runs: ``config/publisher.toml``, and what the environment overrides.

``PUBLISHER_SERVER__PORT=9000`` stands above ``[server] port``. Lists in the environment are comma-separated, or JSON.
Only ``app/`` and ``cli/`` see these objects; every other room is given values.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import unquote, urlsplit

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_serializer,
    model_validator,
)

from publisher.configfile import (
    Duration,
    Network,
    PrivateNetwork,
    TomlFile,
    Whole,
    Zone,
    explain,
    nearest,
    read_toml,
    seconds,
    unfit_character,
    written_seconds,
)
from publisher.errors import ConfigError, ConfigErrors, Unreadable
from publisher.model.base import is_blank, no_language
from publisher.model.languages import canonical_tag
from publisher.model.uri import uri

FILE = "config/publisher.toml"
PREFIX = "PUBLISHER_"


_HOST = re.compile(r"(?=.{1,253}\.?$)(?!-)[^\W_](?:[\w-]{0,62})(?:\.[\w-]{1,63})*\.?")


def _host(value: str) -> str:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        if not _HOST.fullmatch(value):
            raise ValueError(f'"{value}" is no address and no name of a machine; write it as "127.0.0.1"') from None
    return value


def _node(value: str) -> str:
    if not re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]{0,62})?", value):
        raise ValueError(f'"{value}" is no name of a node; take up to 63 letters, digits, "-", "_" and ".", as in "a"')
    return value


def _site_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f'"{value}" is no absolute URL; write it as "https://news.example.org"')
    if "?" in value or "#" in value or parts.username is not None:
        raise ValueError(f'"{value}" must be an address alone, without user, query or fragment')
    _host(parts.hostname)
    if not value.isprintable() or set(value) & set(' "<>\\^`{|}') or parts.port == 0:
        raise ValueError(f'"{value}" is no URL that can stand in a document; write it as "https://news.example.org"')
    return uri(value.rstrip("/"))


def _language(value: str) -> str:
    tag = canonical_tag(value)
    if tag is None:
        raise ValueError(no_language(value))
    return tag


_STORAGE = 'use "sqlite", or a URL as in "postgresql+asyncpg://host/database"'


def _storage_url(value: str) -> str:
    """The URL. What is wrong is said without the URL, in which a password may stand."""
    if value == "sqlite":
        return value
    scheme = value.partition("://")[0] if "://" in value else ""
    if scheme == "sqlite+aiosqlite":
        if not re.fullmatch(r"sqlite\+aiosqlite:///[^?#\s][^?#]*", value) or value.endswith((":memory:", "/")):
            raise ValueError('names no file; write it as "sqlite+aiosqlite:////srv/news.db", or take "sqlite"')
    elif scheme == "postgresql+asyncpg":
        _postgresql(value)
    else:
        raise ValueError(f"{f'{scheme}:// ' if scheme else ''}is not served; {_STORAGE}")
    return value


def _postgresql(value: str) -> None:
    try:
        parts = urlsplit(value)
        _ = parts.port
        host = parts.hostname
    except ValueError as error:
        raise ValueError(f"is no URL of a database: its host or port cannot be read; {_STORAGE}") from error
    if not re.fullmatch(r"/[^/?#\s]+", unquote(parts.path)) or any(one.isspace() for one in value):
        raise ValueError(f"names no database, or has white space in it; {_STORAGE}")
    if parts.fragment or (host is None and "host=" not in parts.query):
        raise ValueError(f"names no host; {_STORAGE}, and write # as %23")
    if host is not None and parts.netloc.rpartition("@")[0].count("@"):
        raise ValueError(f"has more than one @; write that of a password as %40: {_STORAGE}")


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


def _title(value: str) -> str:
    if is_blank(value) or value.splitlines() != [value]:
        raise ValueError("should be one line of text, and not empty")
    return value


Networks = Annotated[tuple[Network, ...], BeforeValidator(_listed), Field(max_length=1000)]
PrivateNetworks = Annotated[tuple[PrivateNetwork, ...], BeforeValidator(_listed), Field(max_length=1000)]
Durations = Annotated[tuple[Duration, ...], BeforeValidator(_listed)]


_SHORTEST_KEPT = 3600
"""Seconds: who polls, or looks at what became of a delivery, does so some time later."""

Rate = Annotated[int, Field(ge=1, le=60_000)]
"""So many a minute."""


class Section(BaseModel):
    """One table of the file; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


S = TypeVar("S", bound=Section)


class Site(Section):
    """How the installation names itself. ``url`` is canonical: every link and ``tag:`` id is built from it."""

    title: Annotated[str, AfterValidator(_title), Field(max_length=200)] = "Publisher"
    url: Annotated[str, AfterValidator(_site_url)] = "http://127.0.0.1:8080"
    language: Annotated[str, AfterValidator(_language)] = "en"
    timezone: Zone = "UTC"


class Server(Section):
    """Where requests are answered. Port 0 takes a free one. ``metrics`` is who may read ``/metrics``. ``node`` is what
    this node is called, the machine's name if it is empty.

    ``connections`` are those that clients may have open in all, ``connections_per_address`` those of one address (IPv6:
    one /64 network) that is neither this machine nor a trusted proxy; one is closed that had no request for
    ``idle_timeout``. ``wrong_keys_per_minute`` is how many keys that open nothing are looked up for one address.
    """

    host: Annotated[str, AfterValidator(_host)] = "127.0.0.1"
    port: Annotated[Whole, Field(ge=0, le=65535)] = 8080
    node: Annotated[str, AfterValidator(_node)] = ""
    trusted_proxies: Networks = ()
    metrics: Literal["loopback", "key", "open"] = "loopback"
    connections: Annotated[int, Field(ge=10, le=100_000)] = 1000
    connections_per_address: Annotated[int, Field(ge=1, le=100_000)] = 100
    idle_timeout: Annotated[Duration, Field(ge=1, le=3600)] = 75.0
    wrong_keys_per_minute: Rate = 20


class Storage(Section):
    """Where it is remembered: ``sqlite`` is ``data/publisher.db``. ``keep_events`` is for how long events are."""

    url: Annotated[str, AfterValidator(_storage_url)] = "sqlite"
    keep_events: Annotated[Duration, Field(ge=_SHORTEST_KEPT)] = 365 * 86_400.0

    @property
    def single_node(self) -> bool:
        """Whether every process on this database is on one machine."""
        return self.url.startswith("sqlite")


class Registration(Section):
    """Who may register a webhook: ``key``, anyone who holds an API key; ``open``, anyone whose endpoint echoes a
    challenge; and how many, and how often.

    An unverified host is one that has never answered 2xx. Operators are held to none of it but tests of such hosts.
    """

    mode: Literal["key", "open"] = "key"
    webhooks_per_owner: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    webhooks_per_unverified_host: Annotated[int, Field(ge=1, le=1_000_000)] = 10
    registrations_per_minute: Rate = 30
    registrations_per_address_per_minute: Rate = 5
    tests_per_minute: Rate = 10


class Fetch(Section):
    """How sources are read over the network. ``pause`` is how long a host is left in peace after each request."""

    allow_private_networks: PrivateNetworks = ()
    timeout: Annotated[Duration, Field(gt=0, le=300)] = 20.0
    robots: bool = True
    pause: Annotated[Duration, Field(ge=0, le=60)] = 0.5


class Attempts(Section):
    """How often webhooks are tried. ``schedule`` is the waits between attempts; after the last, a delivery is dead."""

    schedule: Annotated[Durations, Field(min_length=1, max_length=100)] = tuple(
        seconds(wait) for wait in ("5s", "5m", "30m", "2h", "5h", "10h", "14h", "20h", "24h")
    )
    timeout: Annotated[Duration, Field(gt=0, le=120)] = 20.0

    @field_serializer("schedule", when_used="json")
    def _written_schedule(self, value: tuple[float, ...]) -> list[str]:
        return [written_seconds(one) for one in value]

    @field_serializer("timeout", when_used="json")
    def _written_timeout(self, value: float) -> str:
        return written_seconds(value)


class Delivery(Attempts):
    """How webhooks are sent. ``keep_deliveries`` is for how long those are listed that were delivered or cancelled."""

    allow_private_networks: PrivateNetworks = ()
    keep_deliveries: Annotated[Duration, Field(ge=_SHORTEST_KEPT)] = 30 * 86_400.0


def _mail_host(value: str) -> str:
    return _host(value) if value else value


def _mailbox(value: str) -> str:
    if value and not re.fullmatch(r"[^\s@<>,;\"]{1,64}@[^\s@<>,;\"]{1,255}", value):
        raise ValueError(f'"{value}" is no address of mail; write it as "desk@news.example.org"')
    return value


Mailbox = Annotated[str, AfterValidator(_mailbox)]


class Mail(Section):
    """The server by which operators are sent mail, none where ``host`` is empty; ``sender`` and ``to`` are addresses.

    ``tls``: ``starttls``, ``tls`` from the first byte (RFC 8314), or ``none``. Port 0 is the usual one of that.
    """

    host: Annotated[str, AfterValidator(_mail_host)] = ""
    port: Annotated[Whole, Field(ge=0, le=65535)] = 0
    tls: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: Annotated[str, Field(repr=False)] = ""
    sender: Mailbox = ""
    to: Annotated[tuple[Mailbox, ...], BeforeValidator(_listed), Field(max_length=20)] = ()

    @model_validator(mode="after")
    def _complete(self) -> Mail:
        if self.host and not (self.sender and self.to):
            raise ValueError('needs "sender" and "to" beside "host": who sends, and whom to')
        if self.user and self.tls == "none" and self.host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError('sends the password in the clear with tls = "none"; use "starttls" or "tls"')
        return self


class Shared(Section):
    """The settings that hold for all machines of an installation: a part of each version of its definitions."""

    site: Site = Site()
    registration: Registration = Registration()
    delivery: Attempts = Attempts()

    def written(self) -> dict[str, Any]:
        """JSON-ready values; what is as by default is left out, so that a release with another setting reads it."""
        usual = Shared().model_dump(mode="json")
        own = {
            section: {key: value for key, value in values.items() if value != usual[section][key]}
            for section, values in self.model_dump(mode="json").items()
        }
        return {section: values for section, values in own.items() if values}


class Settings(Section):
    """Every setting, with its default."""

    site: Site = Site()
    server: Server = Server()
    storage: Storage = Storage()
    registration: Registration = Registration()
    fetch: Fetch = Fetch()
    delivery: Delivery = Delivery()
    mail: Mail = Mail()

    @property
    def shared(self) -> Shared:
        """Those that hold for all machines."""
        attempts = Attempts.model_construct(schedule=self.delivery.schedule, timeout=self.delivery.timeout)
        return Shared(site=self.site, registration=self.registration, delivery=attempts)

    def under(self, shared: Shared) -> Settings:
        """This node's own settings, with what holds for all machines in the place of what is written here."""
        delivery = self.delivery.model_copy(update=dict(shared.delivery))
        return self.model_copy(update={"site": shared.site, "registration": shared.registration, "delivery": delivery})

    def own(self) -> dict[str, Any]:
        """This node's own settings by ``section.key``."""
        theirs = {f"{name}.{key}" for name, section in self.shared for key in type(section).model_fields}
        every = {f"{name}.{key}": value for name, section in self for key, value in section}
        return {key: value for key, value in every.items() if key not in theirs}


def load(home: Path) -> Settings:
    """The settings of the installation at ``home``; raises ConfigErrors with everything that is wrong in them."""
    file, errors = _file(home)
    variables, faults = _variables(os.environ)
    errors += faults
    try:
        settings = Settings.model_validate(_overridden(file.data, variables))
    except ValidationError as fault:
        errors += _faults(fault, file, variables)
    if errors:
        raise ConfigErrors(sorted(errors, key=lambda error: (error.file, error.line or 0)))
    return settings


def load_storage(home: Path) -> tuple[Storage, tuple[ConfigError, ...]]:
    """``[storage]`` alone, and what is wrong in other sections.

    Raises ConfigErrors for what is wrong in it, and for what leaves in doubt which storage is meant: a file that is no
    TOML, and a section that no one knows, since that may be a slip for this one.
    """
    return _alone(home, "storage", Storage)


def load_delivery(home: Path) -> tuple[Delivery, tuple[ConfigError, ...]]:
    """``[delivery]`` alone, and what is wrong in other sections; raises ConfigErrors as :func:`load_storage` does."""
    return _alone(home, "delivery", Delivery)


def _alone(home: Path, section: str, model: type[S]) -> tuple[S, tuple[ConfigError, ...]]:
    try:
        return model.model_validate(getattr(load(home), section)), ()
    except ConfigErrors as found:
        grave = [error for error in found.errors if not _elsewhere(error.key, section)]
        if grave:
            raise ConfigErrors(grave) from found
        variables, _ = _variables(os.environ)
        data = _overridden(_file(home)[0].data, variables)
        return model.model_validate(data.get(section, {})), found.errors


def _elsewhere(key: str | None, section: str) -> bool:
    """Whether a fault's key stands in a known section other than this one."""
    named = (key or "").removeprefix(PREFIX).lower()
    found = (_with_two_underscores(named) or named).replace("__", ".").split(".")[0]
    return found != section and found in Settings.model_fields


def _file(home: Path) -> tuple[TomlFile, list[ConfigError]]:
    """The file; an empty one, with what is wrong, if it cannot be read: the environment is judged all the same."""
    try:
        return read_toml(home / FILE, FILE), []
    except ConfigErrors as errors:
        return TomlFile(FILE), list(errors.errors)
    except Unreadable as error:
        if isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
            error = Unreadable(FILE, f"is not there; make an installation with: publisher init {home}")
        return TomlFile(FILE), [error]
    except ConfigError as error:
        return TomlFile(FILE), [error]


Variables = Mapping[tuple[str, str], tuple[str, str]]
"""Section and key → the variable that overrides it, and its value."""


def _variables(environment: Mapping[str, str]) -> tuple[Variables, list[ConfigError]]:
    """What overrides the file, and what cannot. Names of other forms are those of other programs."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    errors = []
    for name, value in sorted(environment.items()):
        if not name.upper().startswith(PREFIX):
            continue
        named = name.upper().removeprefix(PREFIX).lower()
        section, separator, key = named.partition("__")
        if separator or section in Settings.model_fields or section.startswith("_"):
            message = _wrong_variable(section, key) or unfit_character(value)
        elif right := _with_two_underscores(named):
            message = f"is not read: between section and key stand two underscores; write {PREFIX}{right.upper()}"
        else:
            continue
        if message:
            errors.append(ConfigError("environment", message, key=name))
        else:
            found[section, key] = name, value
    return found, errors


def _with_two_underscores(name: str) -> str:
    """What ``server_port`` means: ``server__port``; empty for what is no section and key of it."""
    for section, declared in Settings.model_fields.items():
        key = name.removeprefix(f"{section}_")
        if key != name and key in getattr(declared.annotation, "model_fields", ()):
            return f"{section}__{key}"
    return ""


def _wrong_variable(section: str, key: str) -> str | None:
    declared = Settings.model_fields.get(section)
    if declared is None:
        known = [field.upper() for field in Settings.model_fields]
        return f"names no section of {FILE}; {nearest(section.upper(), known)}"
    model = declared.annotation
    assert isinstance(model, type)
    assert issubclass(model, Section)
    if not key:
        first = next(iter(model.model_fields)).upper()
        return f"is a whole section; name a key of it, as in {PREFIX}{section.upper()}__{first}"
    return None if key in model.model_fields else f"is not a known key; {nearest(key, model.model_fields)}"


def _overridden(data: Mapping[str, Any], variables: Variables) -> dict[str, Any]:
    """The file's values with those of the environment in their place."""
    merged = dict(data)
    for (section, key), (_, value) in variables.items():
        table = merged.get(section, {})
        if isinstance(table, dict):  # else it is told of the file
            merged[section] = {**table, key: value}
    return merged


def _faults(fault: ValidationError, file: TomlFile, variables: Variables) -> Iterator[ConfigError]:
    for one in fault.errors():
        at = one["loc"]
        named = variables.get((str(at[0]), str(at[1]))) if len(at) > 1 else None
        told = explain(one, Settings)
        if (at == ("storage", "url") and one["type"] != "value_error") or at == ("mail", "password"):
            told = "should be a text"  # not the value: a password may stand in it
        yield ConfigError("environment", told, key=named[0]) if named else file.error(told, at)


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
