"""An installation of an older schema is brought up to date with nothing lost."""

import json
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from support.deliveries import append, fan_out, states
from support.rights import a_feed, define, now
from support.schemas import upgrade

from publisher.delivery.followers import permissions
from publisher.model import Role
from publisher.storage.engine.database import Database
from publisher.storage.items import articles, embargoes
from publisher.storage.subscriptions import subscriptions

OWNERS = ("operator", "acme", "former")


def as_it_was(conn: Connection) -> None:
    """Schema 0002: webhooks of an owner without any key, of one with a key, and of one whose key was revoked."""
    upgrade(conn, "0002")
    conn.execute(text('INSERT INTO filters (definition) VALUES (\'{"events":[],"feeds":["news"]}\')'))
    for n, owner in enumerate(OWNERS, start=1):
        conn.execute(
            text(
                "INSERT INTO subscriptions (id, url, filter_id, format, owner, secret, state, from_seq, created_at,"
                " updated_at) VALUES (:owner, 'https://r.example', 1, 'standard', :owner, :secret, 'active',"
                " 1, 1, 1)"
            ),
            {"owner": owner, "secret": b"s"},
        )
        conn.execute(text("INSERT INTO follows (subscription, from_seq, filter_id) VALUES (:n, 1, 1)"), {"n": n})
    for owner, revoked in (("acme", None), ("former", 2)):
        conn.execute(
            text(
                "INSERT INTO keys (id, hash, prefix, role, owner, created_at, revoked_at)"
                " VALUES (:owner, :owner, 'pk_', 'subscriber', :owner, 1, :revoked)"
            ),
            {"owner": owner, "revoked": revoked},
        )
    conn.execute(text("INSERT INTO feed_states (name, digest, version, changed_at) VALUES ('news', 'd', 1, 1)"))
    conn.commit()


async def test_webhooks_from_before_roles_were_kept_go_on_as_they_were(tmp_path: Path, empty_database_url: str) -> None:
    data = tmp_path / "old"
    data.mkdir()
    url = empty_database_url if empty_database_url != "sqlite" else f"sqlite+aiosqlite:///{data / 'publisher.db'}"
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        await connection.run_sync(as_it_was)
    await engine.dispose()

    db = await Database.open(empty_database_url, data)
    try:
        found = await db.read(subscriptions.list_)
        assert [(one.owner, one.granted) for one in found] == [
            ("operator", Role.OPERATOR),
            ("acme", None),
            ("former", None),
        ]
        await append(db)
        await fan_out(db)
        assert [[state.value for state in await states(db, one)] for one in found] == [["pending"]] * 3
        await define(db, a_feed("news"))
        await db.write(permissions.review)
        assert [(await now(db, one)).state.value for one in found] == ["active", "active", "paused"]
    finally:
        await db.close()


async def test_articles_of_before_are_found_by_the_language_that_they_are_in(
    tmp_path: Path, empty_database_url: str
) -> None:
    data = tmp_path / "old"
    data.mkdir()
    url = empty_database_url if empty_database_url != "sqlite" else f"sqlite+aiosqlite:///{data / 'publisher.db'}"
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        await connection.run_sync(lambda conn: with_languages(conn, {"a": "in", "b": "id-ID", "c": "EN-gb", "d": "zz"}))
    await engine.dispose()

    db = await Database.open(empty_database_url, data)
    try:

        async def found(range_: str) -> dict[str, str | None]:
            page = await db.read(lambda tx: articles.page(tx, limit=9, facets={"languages": {range_}}))
            return {one.id: one.data["language"] for one in page}

        assert await found("id") == {"a": "id", "b": "id-ID"}
        assert await found("en") == {"c": "EN-gb"}
        assert (await found("*")).keys() == {"a", "b", "c"}
        assert await found("in") == await found("zz") == {}
        stored = await db.read(lambda tx: articles.get(tx, "d"))
        assert stored is not None
        assert stored.data == {"id": "d", "language": None, "title": "Kopi – ä"}
    finally:
        await db.close()


async def test_texts_of_before_are_cleaned_as_texts_are_today(tmp_path: Path, empty_database_url: str) -> None:
    data = tmp_path / "old"
    data.mkdir()
    url = empty_database_url if empty_database_url != "sqlite" else f"sqlite+aiosqlite:///{data / 'publisher.db'}"
    texts = {
        "a": '<p><a href="/b">Panen</a> <img src="peta.png" alt="Peta" onerror="alert(1)"></p>',
        "b": "<p>as it should be</p>",
        "c": "<script>alert(1)</script>",
        **{f"n{number:04}": f"<p onclick=x>{number}</p>" for number in range(1100)},
    }
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        await connection.run_sync(lambda conn: with_texts(conn, texts))
    await engine.dispose()

    db = await Database.open(empty_database_url, data)
    try:
        stored = await db.read(lambda tx: articles.known(tx, texts))
        found = {id: one.data["body"] for id, one in stored.items()}
        assert found == {
            "a": '<p><a href="https://desk.example/b" rel="noopener noreferrer">Panen</a>'
            ' <img src="https://desk.example/news/peta.png" alt="Peta"></p>',
            "b": texts["b"],
            "c": "<p>Kopi &lt; teh</p>",
            **{f"n{number:04}": f"<p>{number}</p>" for number in range(1100)},
        }
        waiting = await db.read(lambda tx: embargoes.get(tx, "w"))
        assert waiting is not None
        assert waiting.data["body"] == found["a"]
    finally:
        await db.close()


def with_texts(conn: Connection, texts: dict[str, str]) -> None:
    """Schema 0009: articles whose texts were cleaned by an earlier rule."""
    upgrade(conn, "0009")
    rows = [
        {
            "id": id,
            "data": json.dumps({"id": id, "url": "https://desk.example/news/1", "title": "Kopi < teh", "body": body}),
        }
        for id, body in texts.items()
    ]
    conn.execute(
        text(
            "INSERT INTO articles (id, source, identity, fingerprint, revision, ordered_at, first_seen_at,"
            " last_seen_at, changed_at, data) VALUES (:id, 'desk', :id, '2:x', 1, 1, 1, 1, 1, :data)"
        ),
        rows,
    )
    conn.execute(
        text(
            "INSERT INTO embargoes (id, source, identity, edition, until, data) VALUES ('w', 'desk', 'w', 1, 9, :data)"
        ),
        {"data": rows[0]["data"]},
    )
    conn.commit()


def with_languages(conn: Connection, languages: dict[str, str]) -> None:
    """Schema 0007: articles with these languages, as any that had the shape of a tag was stored."""
    upgrade(conn, "0007")
    for id, language in languages.items():
        conn.execute(
            text(
                "INSERT INTO articles (id, source, identity, fingerprint, revision, ordered_at, first_seen_at,"
                " last_seen_at, changed_at, data) VALUES (:id, 'desk', :id, '2:x', 1, 1, 1, 1, 1, :data)"
            ),
            {"id": id, "data": json.dumps({"id": id, "language": language, "title": "Kopi – ä"})},
        )
        conn.execute(
            text("INSERT INTO article_facets (facet, value, article_id) VALUES ('languages', :value, :id)"),
            {"id": id, "value": language.lower()},
        )
    conn.commit()
