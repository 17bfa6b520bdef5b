"""Broken configurations: a sound installation, and one thing wrong with it.

A case changes one file, puts something else in its place, or sets a variable. Each must come to exit code 2, with
nothing on standard error but one line for each fault, which names ``told``: the file (or ``environment``) with its key
or line.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PUBLISHER = "config/publisher.toml"
SOURCES = "config/sources.toml"
INDICATORS = "config/indicators.toml"
PROFILE = "config/profiles/desk.toml"
FEED = "feeds/news.toml"

SOUND: dict[str, str] = {
    PUBLISHER: """
[site]
title = "Meja"
url = "http://127.0.0.1:8080"
language = "id"
timezone = "Asia/Jakarta"
[server]
host = "127.0.0.1"
port = 8080
trusted_proxies = ["10.0.0.0/8"]
metrics = "loopback"
[storage]
url = "sqlite"
[registration]
mode = "key"
[fetch]
allow_private_networks = []
timeout = "20s"
robots = true
pause = "500ms"
[delivery]
allow_private_networks = []
schedule = ["5s", "5m"]
timeout = "20s"
""",
    SOURCES: """
[[source]]
name = "desk"
kind = "folder"
path = "inbox"
pattern = "*"
extensions = [".html"]
recursive = false
identity = "url"
limit = 5000
withdraw = false
gone_after = 2
hold_above = 0.3
profile = "desk"
every = "10s"
backfill = "quiet"
[[source]]
name = "wire"
kind = "feed"
url = "https://example.org/feed"
locale = "en"
timezone = "UTC"
date_order = "dmy"
language = "en"
agency = "A"
cron = "30 6 * * 1-5"
[[source]]
name = "list"
kind = "index"
profile = "desk"
links = "a"
match = "/news/"
recheck = "10m"
allow_hosts = ["cdn.example.org"]
complete = false
url = ["https://example.org/list"]
[[source]]
name = "rates"
kind = "json"
url = "https://example.org/rates"
headers = { accept = "application/json" }
indicators = { items = "data[*]", symbol = "symbol", value = "value" }
""",
    INDICATORS: """
[[indicator]]
symbol = "USD/IDR"
slug = "usd-idr"
name = "Dolar"
names = { en = "Dollar" }
unit = "IDR"
decimals = 2
timezone = "Asia/Jakarta"
""",
    PROFILE: """
kind = "html"
base_url = "https://example.org"
locale = "id"
timezone = "Asia/Jakarta"
language = "id"
date_order = "dmy"
zones = { WIT = "+09:00" }
[article]
title = "h1"
dateline = "[A-Z]+"
[article.body]
select = "article"
junk = ["aside"]
junk_text = ["iklan"]
[index]
links = "a"
[ticker]
rows = "li"
columns = ["symbol", "value"]
pattern = '(?P<symbol>\\w+) (?P<value>\\d+)'
""",
    FEED: """
title = "Berita"
description = "Semua"
items = "articles"
limit = 50
content = "full"
language = "id"
private = false
[select]
sources = ["desk"]
sections = ["a"]
topics = ["b"]
authors = ["c"]
editors = ["d"]
agencies = ["e"]
languages = ["id"]
""",
}


@dataclass(frozen=True)
class Broken:
    """``told`` starts one of the lines. ``change`` is done to the sound installation, ``variables`` are set."""

    name: str
    told: str
    change: Callable[[Path], object] = lambda home: None
    variables: Mapping[str, str] = field(default_factory=dict)


def rewritten(file: str, text: str | bytes) -> Callable[[Path], object]:
    """Puts a file."""
    body = text if isinstance(text, bytes) else text.encode()

    def change(home: Path) -> None:
        (home / file).parent.mkdir(parents=True, exist_ok=True)
        (home / file).write_bytes(body)

    return change


def replaced(file: str, make: Callable[[Path], object]) -> Callable[[Path], object]:
    """Puts something else in the place of a file or folder."""

    def change(home: Path) -> None:
        path = home / file
        if path.exists():
            path.rename(home / "aside")
        make(path)

    return change


WRONG: dict[str, str] = {
    "a NUL": '"a\\u0000b"',
    "a control character": '"a\\u0007b"',
    "an escape sequence": '"\\u001b[2J"',
    "a C1 control": '"a\\u0085b"',
    "a turned direction": '"a\\u202eb"',
    "an isolated direction": '"a\\u2066b"',
    "a noncharacter": '"a\\uFFFFb"',
    "a table": "{ a = 1 }",
    "tables in tables": "{ a = " * 40 + "1" + " }" * 40,
    "lists in lists": "[" * 40 + "]" * 40,
    "a date": "2024-05-21",
    "infinity": "inf",
    "a negative number": "-1",
    "a number without end": "9" * 5000,
    "a great number": "1" + "0" * 30,
    "nothing": "",
}
"""What is wrong in the place of any value at all."""

FITS = {
    # What in this table is no fault of that key.
    ("headers", "a table"), ("names", "a table"), ("zones", "a table"),
}  # fmt: skip


def _mutated() -> Iterator[Broken]:
    """Every key of every file with something wrong in the place of its value; in turn, so that each meets several."""
    kinds = list(WRONG.items())
    turn = 0
    for file, text in SOUND.items():
        lines = text.splitlines()
        for number, line in enumerate(lines):
            key, assigned, _ = line.partition(" = ")
            if not assigned:
                continue
            for _ in range(2):
                name, value = kinds[turn % len(kinds)]
                turn += 1
                if (key, name) in FITS or (name == "a table" and key in ("articles", "indicators")):
                    continue
                wrong = "\n".join([*lines[:number], f"{key} = {value}", *lines[number + 1 :]])
                yield Broken(f"{file} line {number} {key}: {name}", file, rewritten(file, wrong))


def _edited() -> Iterator[Broken]:
    """One value that is of the right type and wrong all the same."""
    table = {
        (PUBLISHER, "title"): ['""', '" "', '"a\\nb"', f'"{"a" * 201}"'],
        (PUBLISHER, "url"): [
            '"http://[::1"', '"http://a b"', '"http://:80"', '"http://a:99999"', '"http://a:b"', '"//a"', '"http://"',
            '"http://u:geheim@a"', '"http://a/?"', '"http://a/<b>"', '"http://-a"', f'"http://{"a" * 300}"',
        ],
        (PUBLISHER, "language"): ['""', '"i"', '"jp"', '"bahasa"'],
        (PUBLISHER, "timezone"): ['""', '"Asia"', '"../../etc/passwd"', f'"{"a" * 5000}"', '"Asia/é"'],
        (PUBLISHER, "host"): ['""', '"a b"', f'"{"a" * 64}.b"', '"http://a"', '"[::1]"', '"☃ "', '"256.0.0.1:80"'],
        (PUBLISHER, "port"): ["65536", "true", "80.5", '"http"'],
        (PUBLISHER, "trusted_proxies"): ['["10.0.0.1/8"]', '["proxy"]', "[1]", '["::/129"]'],
        (PUBLISHER, "metrics"): ['"all"'],
        (PUBLISHER, "mode"): ['"opened"'],
        (PUBLISHER, "robots"): ['"maybe"', "2"],
        (PUBLISHER, "pause"): ['"61s"', '"5"', '"99999999999999999999d"', f'"{"9" * 400}d"'],
        (PUBLISHER, "timeout"): ['"0s"', '"1h"', '"-5s"', "20"],
        (PUBLISHER, "schedule"): ["[]", '["5"]', '["1s"' + ', "1s"' * 100 + "]", '["400d"]', "[5]", '[["5s"]]'],
        (SOURCES, "name"): ['""', '"api"', '"A"', '"a b"', f'"{"a" * 65}"', '"../x"', '"a\\nb"'],
        (SOURCES, "kind"): ['""', '"foldr"', '":"', '"os:path"', '".:a"', '"no.such:A"', '"a b:c"', '"this_is_none:"'],
        (SOURCES, "path"): ['""'],
        (SOURCES, "extensions"): ['[".exe"]'],
        (SOURCES, "limit"): ["0", "true", "200_000_000", "1.5"],
        (SOURCES, "gone_after"): ["0", "101", "true"],
        (SOURCES, "hold_above"): ["0", "1.1", "nan"],
        (SOURCES, "profile"): ['""', '"../desk"', '"none"', '"/etc/passwd"'],
        (SOURCES, "every"): ['"0s"', '"10"', '"10y"', '"99999999999d"', f'"{"9" * 5000}s"', "10", '"-1s"', '""'],
        (SOURCES, "backfill"): ['"loud"'],
        (SOURCES, "cron"): [
            '"0 0 31 2 *"', '"0 0 31 2,4,6,9,11 *"', '""',
            '"* * * *"', '"99 * * * *"', f'"{"1," * 5000}1 * *"', '"*/0 * * * *"',
        ],
        (SOURCES, "match"): ['"("', '"(a+)+"', f'"{"a" * 1001}"'],
        (SOURCES, "links"): ['"a["', '""'],
        (SOURCES, "recheck"): ['"9999d"'],
        (SOURCES, "locale"): ['"xx"', '""'],
        (SOURCES, "headers"): ['{ "a b" = "c" }', '{ a = "b\\r\\nc" }', '{ host = 1 }', '{ "" = "a" }'],
        (SOURCES, "indicators"): ['{ items = "a..b", symbol = "s", value = "v" }', '{ value = "v" }', '"data"'],
        (INDICATORS, "symbol"): ['""', f'"{"A" * 65}"'],
        (INDICATORS, "slug"): ['""', '"A"', '"a/b"', f'"{"a" * 65}"'],
        (INDICATORS, "name"): ['""'],
        (INDICATORS, "decimals"): ["11", "true"],
        (PROFILE, "kind"): ['"xml"', "1", "[]"],
        (PROFILE, "base_url"): ['"example.org"', '"ftp://a"', '"http://[::1"'],
        (PROFILE, "date_order"): ['"dym"'],
        (PROFILE, "zones"): ['{ WIT = "9" }', '{ WIT = "+99:00" }'],
        (PROFILE, "columns"): ['["symbol"]', "[]"],
        (PROFILE, "pattern"): ["'(?P<symbol>'", "'(a*)*'"],
        (PROFILE, "rows"): ['"li["'],
        (FEED, "title"): ['""', '"  "', '"a\\nb"', f'"{"a" * 501}"', '"\\t"'],
        (FEED, "description"): [f'"{"a" * 10_001}"'],
        (FEED, "limit"): ["0", "100_001", "true", "5.5", '"50"'],
        (FEED, "content"): ['"half"'],
        (FEED, "language"): ['"Bahasa"'],
        (FEED, "private"): ['"perhaps"'],
        (FEED, "sources"): ['["none"]', '[""]', '["desk", 1]', '"desk"'],
        (FEED, "topics"): ['[" "]', '["a", ["b"]]', '["a\\u0000"]'],
    }  # fmt: skip
    for (file, key), values in table.items():
        for value in values:
            lines = SOUND[file].splitlines()
            at = next(number for number, line in enumerate(lines) if line.startswith(f"{key} = "))
            wrong = "\n".join([*lines[:at], f"{key} = {value}", *lines[at + 1 :]])
            yield Broken(f"{file} {key} = {value[:40]}", f"{file}:{at + 1}: ", rewritten(file, wrong))


def _storage_urls() -> Iterator[Broken]:
    for url in (
        "", " ", "sqlite3", "postgres", "postgresql://u:geheim@h/d", "postgresql+psycopg://u:geheim@h/d", "mysql://u:geheim@h/d",
        "postgresql+asyncpg:", "postgresql+asyncpg://", "postgresql+asyncpg://h", "postgresql+asyncpg://h/",
        "postgresql+asyncpg://u:geheim@h:port/d", "postgresql+asyncpg://u:geheim@h:99999/d",
        "postgresql+asyncpg://u:geheim@[::1/d", "postgresql+asyncpg://u:ge heim@h/d", "postgresql+asyncpg://u:ge@heim@h/d",
        "postgresql+asyncpg://u:geheim@h/d#x", "postgresql+asyncpg://u:geheim@h/d/e", "postgresql+asyncpg:///d",
        "sqlite+aiosqlite://", "sqlite+aiosqlite:///", "sqlite+aiosqlite:///:memory:", "sqlite+aiosqlite:///a/",
        "sqlite+aiosqlite:///a?mode=ro", "sqlite:///a.db", "sqlite+pysqlite:///a.db", "file:///a", "http://u:geheim@h", "://",
    ):  # fmt: skip
        text = SOUND[PUBLISHER].replace('url = "sqlite"', f'url = "{url}"')
        yield Broken(f"storage url {url}", f"{PUBLISHER}:13: storage.url: ", rewritten(PUBLISHER, text))
    for value in ("1", "true", '["postgresql+asyncpg://u:geheim@h/d"]', '{ a = "postgresql+asyncpg://u:geheim@h/d" }'):
        text = SOUND[PUBLISHER].replace('url = "sqlite"', f"url = {value}")
        yield Broken(f"storage url {value}", f"{PUBLISHER}:13: storage.url: ", rewritten(PUBLISHER, text))
    variables = {"PUBLISHER_STORAGE__URL": "postgresql+psycopg://u:geheim@h/d"}
    yield Broken("storage url by variable", "environment: PUBLISHER_STORAGE__URL: ", variables=variables)


def _variables() -> Iterator[Broken]:
    for name, value in {
        "PUBLISHER_SERVER": "x",
        "PUBLISHER_SITE": '{"title": "x"}',
        "publisher_delivery": "[]",
        "PUBLISHER_SERVER__": "x",
        "PUBLISHER_SERVER__PORT__X": "1",
        "PUBLISHER__X": "1",
        "PUBLISHER__": "1",
        "PUBLISHER_SERVER__PROT": "1",
        "PUBLISHER_SERVERS__PORT": "1",
        "PUBLISHER_SERVER__PORT": "",
        "PUBLISHER_SERVER__HOST": "",
        "PUBLISHER_SERVER__METRICS": "all",
        "PUBLISHER_SERVER__TRUSTED_PROXIES": '["10.0.0.0/8"',
        "PUBLISHER_SITE__TITLE": "a\x1b[2Jb",
        "PUBLISHER_SITE__URL": "http://a\nb",
        "PUBLISHER_SITE__LANGUAGE": os.fsdecode(b"\xff"),
        "PUBLISHER_SITE__TIMEZONE": "Asia\u202e",
        "PUBLISHER_DELIVERY__SCHEDULE": "[" * 100_000,
        "PUBLISHER_FETCH__TIMEOUT": "x" * 100_000,
        "PUBLISHER_FETCH__ROBOTS": "maybe",
        "PUBLISHER_FETCH__ALLOW_PRIVATE_NETWORKS": "10.0.0.0/8,,all",
    }.items():
        yield Broken(f"{name}={value[:20]!r}", f"environment: {name}: ", variables={name: value})


def _whole_files() -> Iterator[Broken]:
    for file, text in SOUND.items():
        sound = text.encode()
        for name, body in {
            "cut off": sound + b'\nx = "',
            "a key twice": sound + b"\nx = 1\nx = 2\n",
            "no TOML": b"<?xml version='1.0'?>",
            "not UTF-8": b'x = "\xff"',
            "UTF-16": "x = 1".encode("utf-16"),
            "raw NUL": b'x = "\0"',
            "a carriage return alone": b"x = 1\ry = 2",
            "too large": b"#" * 1_048_577,
            "an unknown key": b"zzz = 1\n" + sound,
            "an unknown key with a line break": b'"a\\nb" = 1\n' + sound,
            "a control character in a key": b'"a\\u0000b" = 1\n' + sound,
            "a key of 50,000 parts": b"a." * 50_000 + b"a = 1\n",
            "a quoted key of 50,000 parts": b'"a".' * 50_000 + b"a = 1\n",
            "30,000 lists in lists": b"x = " + b"[" * 30_000,
            "30,000 tables in tables": b"x = " + b"{a=" * 30_000,
        }.items():
            yield Broken(f"{file}: {name}", file, rewritten(file, body))
        for name, make in {
            "a folder": lambda path: path.mkdir(),
            "a pipe": lambda path: os.mkfifo(path),
            "a device without end": lambda path: path.symlink_to("/dev/zero"),
            "a link to itself": lambda path: path.symlink_to(path),
            "a link to nothing": lambda path: path.symlink_to("nowhere"),
        }.items():
            yield Broken(f"{file}: {name}", file, replaced(file, make))


def _folders() -> Iterator[Broken]:
    for folder in ("feeds", "config/profiles"):
        for name, make in {
            "a file": lambda path: path.write_text(""),
            "a link to itself": lambda path: path.symlink_to(path),
            "a link to a file": lambda path: path.symlink_to("/etc/hostname"),
        }.items():
            yield Broken(f"{folder}: {name}", folder, replaced(folder, make))
    for name, file, told in (
        ("no configuration", PUBLISHER, f"{PUBLISHER}: is not there"),
        ("no sources", SOURCES, f"{SOURCES}: cannot be read: No such file"),
        ("no profile", PROFILE, f'{SOURCES}:14: source[1].profile: there is no profile "desk"'),
    ):
        yield Broken(name, told, lambda home, file=file: (home / file).unlink())  # type: ignore[misc]
    for stem in ("Top Stories", "a.b", "é", "a\nb", "x" * 65, "-a", "con\x1b[2J"):
        told = "feeds/" + stem.replace("\n", "\\n").replace("\x1b", "\\x1b")
        yield Broken(f"a feed named {stem!r}", told, rewritten(f"feeds/{stem}.toml", 'title = "T"'))
    undecodable = os.fsdecode(b"feeds/\xff.toml")
    yield Broken("a feed of an undecodable name", "feeds/\\udcff.toml", rewritten(undecodable, 'title = "T"'))

    def many(home: Path) -> None:
        for number in range(10_001):
            os.close(os.open(home / f"feeds/f{number}.toml", os.O_CREAT | os.O_WRONLY))

    yield Broken("10,002 feeds", "feeds: has 10,002 files", many)


BROKEN = [case for cases in (_mutated, _edited, _storage_urls, _variables, _whole_files, _folders) for case in cases()]
