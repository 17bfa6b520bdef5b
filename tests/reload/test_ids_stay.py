"""The ids of an installation stay as they were first published, over restarts, other ports and new releases."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from sqlalchemy import text
from support.service import write_installation

from publisher.app.installation import App
from publisher.storage.engine.database import Tx


@pytest.fixture
def home(tmp_path: Path, sqlite_url: str) -> Path:
    assert sqlite_url == "sqlite"
    return write_installation(tmp_path / "home", {})


def at(home: Path, url: str) -> None:
    """Let the site be at this address from now on."""
    path = home / "config/publisher.toml"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("url = ")]
    lines.insert(lines.index("[site]") + 1, f'url = "{url}"')
    path.write_text("\n".join(lines))


async def ids(home: Path) -> str:
    """How ids begin after a start."""
    app = await App.open(home)
    try:
        document = await app.publications.current("news", "json")
        body = document.body
        assert isinstance(body, bytes)
        assert f"{app.site.ids}feed/news".encode() in (await app.publications.current("news", "atom")).body  # type: ignore[operator]
        assert orjson.loads(body)["feed_url"].startswith(app.site.url)
        return app.site.ids
    finally:
        await app.close()


async def as_before_ids_were_kept(home: Path, *, with_definitions: bool, url: str = "") -> None:
    """Leave the database as by a release that kept nothing of ids, with the site's ``url`` as it was written."""

    def forget(tx: Tx) -> None:
        if not with_definitions:
            tx.conn.execute(text("DELETE FROM definitions"))
            return
        site = orjson.loads(tx.conn.execute(text("SELECT site FROM definitions")).scalar_one())
        del site["ids"]
        site["url"] = url or site["url"]
        tx.conn.execute(text("UPDATE definitions SET site = :site"), {"site": orjson.dumps(site).decode()})

    app = await App.open(home)
    try:
        await app.db.write(forget)
    finally:
        await app.close()


async def test_an_installation_that_moves_to_another_port_or_path_keeps_its_ids(home: Path) -> None:
    at(home, "https://example.id:8443/berita")
    first = await ids(home)
    assert first == "tag:example.id,2026:8443/berita:"
    for url in ("https://example.id:9090/berita", "https://example.id", "https://example.id:8443/berita"):
        at(home, url)
        assert await ids(home) == first


@pytest.mark.parametrize("with_definitions", [True, False])
async def test_an_installation_that_published_by_its_host_alone_goes_on_so(home: Path, with_definitions: bool) -> None:
    at(home, "https://example.id:8443/berita")
    await ids(home)
    await as_before_ids_were_kept(home, with_definitions=with_definitions)
    assert await ids(home) == "tag:example.id,2026:"
    at(home, "https://example.id:9090")
    assert await ids(home) == "tag:example.id,2026:"


async def test_an_installation_at_another_host_has_ids_of_that_host(home: Path) -> None:
    at(home, "http://127.0.0.1:8080")
    assert await ids(home) == "tag:127.0.0.1,2026:8080:"
    at(home, "https://example.id/berita")
    assert await ids(home) == "tag:example.id,2026:/berita:"


async def test_an_installation_that_comes_back_to_a_host_has_the_ids_that_it_had_there(home: Path) -> None:
    at(home, "https://example.id:8443")
    await ids(home)
    await as_before_ids_were_kept(home, with_definitions=True)
    at(home, "https://lain.id:8443")
    assert await ids(home) == "tag:lain.id,2026:8443:"
    at(home, "https://example.id:9090")
    assert await ids(home) == "tag:example.id,2026:"
    at(home, "https://lain.id")
    assert await ids(home) == "tag:lain.id,2026:8443:"


async def test_an_installation_at_a_host_that_was_spelt_by_an_older_standard_keeps_its_ids(home: Path) -> None:
    at(home, "https://straße.example")
    assert await ids(home) == "tag:xn--strae-oqa.example,2026:"
    await as_before_ids_were_kept(home, with_definitions=True, url="https://straße.example")
    assert await ids(home) == "tag:strasse.example,2026:"  # IDNA 2003


async def test_ids_stay_where_the_files_are_gone(home: Path) -> None:
    at(home, "https://example.id:8443")
    first = await ids(home)
    (home / "feeds").rename(home / "feeds.bak")
    at(home, "https://example.id:9090")
    assert await ids(home) == first


async def test_a_reload_leaves_the_ids(home: Path) -> None:
    at(home, "https://example.id:8443")
    first = await ids(home)
    (home / "feeds/kopi.toml").write_text('title = "Kopi"\n')
    assert await ids(home) == first
