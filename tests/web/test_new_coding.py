"""A coding is one entry: documents are kept in it, negotiated, tagged, filed and swept as in the others."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import ClientResponse
from support.rights import SITE
from webroom import Newsroom

from publisher.publish import Publications, codings
from publisher.publish.codings import GZIP, IDENTITY, Coding

DEFLATE = Coding("deflate", "zz", zlib.compress, aliases=("x-deflate",))

UNPACKED: dict[str | None, Callable[[bytes], bytes]] = {
    None: lambda body: body,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
}


@pytest.fixture(autouse=True)
def deflate(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is preferred to the others."""
    monkeypatch.setattr(codings, "CODINGS", (DEFLATE, *codings.CODINGS))


async def get(newsroom: Newsroom, **headers: str) -> tuple[ClientResponse, bytes]:
    """The document and its bytes as they came over the wire."""
    url = newsroom.client.make_url("/feeds/news.rss")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with newsroom.client.session.get(url, headers=named, auto_decompress=False) as response:
        return response, await response.read()


async def large(newsroom: Newsroom) -> None:
    for number in range(2):
        await newsroom.push(f"kopi-{number}", body=f"<p>{'kopi ' * 150_000}</p>")


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("deflate", "deflate"),
        ("x-deflate", "deflate"),
        ("DEFLATE;Q=0.5", "deflate"),
        ("gzip, deflate", "deflate"),
        ("gzip, deflate, br, zstd", "deflate"),
        ("gzip;q=0.9, deflate;q=0.8", "gzip"),
        ("x-gzip, deflate;q=0.999", "gzip"),
        ("gzip;q=0.001", "gzip"),
        ("*", "deflate"),
        ("deflate;q=0, *", "gzip"),
        ("x-deflate;q=0, *;q=0.1", "gzip"),
        ("gzip;q=0.5, deflate;q=0.5, identity;q=0.5", "deflate"),
        ("gzip;q=0.5, identity", None),
        ("gzip;q=0.5, deflate;q=0, *;q=0.8", None),
        ("identity;q=0, gzip;q=0.1", "gzip"),
        ("identity;q=0", None),
        ("*;q=0", None),
        ("gzip;q=nan, deflate;q=much", None),
        ("br, zstd", None),
        ("", None),
    ],
)
async def test_the_coding_accepted_best_is_sent(newsroom: Newsroom, accepted: str, coding: str | None) -> None:
    await newsroom.push("kopi-1")
    response, body = await get(newsroom, Accept_Encoding=accepted)
    assert (response.status, response.headers.get("Content-Encoding")) == (200, coding)
    assert response.headers["Vary"] == "Accept-Encoding"
    assert b"Judul kopi-1" in UNPACKED[coding](body)


async def test_several_lines_of_what_is_accepted_count_as_one(newsroom: Newsroom) -> None:
    url = newsroom.client.make_url("/feeds/news.rss")
    lines = [("Accept-Encoding", "gzip;q=0.5"), ("Accept-Encoding", "deflate")]
    async with newsroom.client.session.get(url, headers=lines, auto_decompress=False) as response:
        assert response.headers["Content-Encoding"] == "deflate"


async def test_each_coding_has_a_strong_tag_and_any_of_a_version_is_a_304(newsroom: Newsroom) -> None:
    await newsroom.push("kopi-1")
    found = [await get(newsroom, Accept_Encoding=name) for name in ("identity", "gzip", "deflate")]
    assert len({UNPACKED[response.headers.get("Content-Encoding")](body) for response, body in found}) == 1
    tags = [response.headers["ETag"] for response, _ in found]
    version = tags[0].strip('"')
    assert tags == [f'"{version}"', f'"{version}-gz"', f'"{version}-zz"']
    for accepted in ("identity", "gzip", "deflate"):
        for tag in tags:
            again, body = await get(newsroom, Accept_Encoding=accepted, If_None_Match=f'"old", W/{tag}')
            assert (again.status, body, again.headers["ETag"]) == (304, b"", tag)
    assert (await get(newsroom, If_None_Match=f'"{version}-br"'))[0].status == 200
    await newsroom.push("kopi-1", title="Baru")
    for tag in tags:
        assert (await get(newsroom, Accept_Encoding="deflate", If_None_Match=tag))[0].status == 200


async def test_one_connection_is_sent_each_coding_with_its_own_head(newsroom: Newsroom) -> None:
    await newsroom.push("kopi-1")
    for name in ("gzip", "deflate", "identity", "deflate", "gzip") * 2:
        response, body = await get(newsroom, Accept_Encoding=name)
        assert response.headers.get("Content-Encoding", "identity") == name
        assert int(response.headers["Content-Length"]) == len(body)
        assert b"Judul kopi-1" in UNPACKED[response.headers.get("Content-Encoding")](body)


async def test_a_large_document_has_a_file_of_it_which_is_sent_and_outlives_a_restart(
    newsroom: Newsroom, tmp_path: Path
) -> None:
    await large(newsroom)
    document = await newsroom.services.publications.current("news", "rss")
    paths = [path for path in document.bodies.values() if isinstance(path, Path)]
    stem = f"news.rss.{document.etag}"
    assert [path.name for path in paths] == [f"{stem}.zz", f"{stem}.gz", stem]
    response, body = await get(newsroom, Accept_Encoding="deflate")
    assert (response.headers["Content-Encoding"], response.headers["ETag"]) == ("deflate", f'"{document.etag}-zz"')
    assert body == paths[0].read_bytes()
    assert zlib.decompress(body) == paths[-1].read_bytes()
    again = Publications(newsroom.db, newsroom.catalog.feeds, SITE, tmp_path / "data")
    assert await again.current("news", "rss") == document


async def test_its_files_go_with_their_version(newsroom: Newsroom) -> None:
    await large(newsroom)
    publications = newsroom.services.publications
    before = await publications.current("news", "rss")
    files = [path for path in before.bodies.values() if isinstance(path, Path)]
    for title in ("Naik", "Turun"):
        await newsroom.push("kopi-0", title=title, body=f"<p>{'kopi ' * 150_000}</p>")
        newest = await publications.current("news", "rss")
    assert [path.exists() for path in files] == [False] * 3
    assert len(list(files[0].parent.iterdir())) == 6, "the newest version and the one before it"
    await publications.sweep()
    assert {*files[0].parent.iterdir()} == {*newest.bodies.values()}


async def test_a_release_that_has_it_or_not_uses_what_another_left_on_disk(
    newsroom: Newsroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await large(newsroom)
    with monkeypatch.context() as without:
        without.setattr(codings, "CODINGS", (GZIP,))
        older = await newsroom.services.publications.current("news", "rss")
    assert [*older.bodies] == [GZIP, IDENTITY]
    newer = await Publications(newsroom.db, newsroom.catalog.feeds, SITE, tmp_path / "data").current("news", "rss")
    assert [*newer.bodies] == [DEFLATE, GZIP, IDENTITY]
    monkeypatch.setattr(codings, "CODINGS", (GZIP,))
    await newsroom.push("kopi-0", title="Baru", body=f"<p>{'kopi ' * 150_000}</p>")
    last = Publications(newsroom.db, newsroom.catalog.feeds, SITE, tmp_path / "data")
    document = await last.current("news", "rss")
    assert {*(tmp_path / "data/cache").iterdir()} == {*document.bodies.values()}, "its file is removed all the same"
