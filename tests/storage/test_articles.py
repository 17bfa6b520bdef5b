from datetime import timedelta

import pytest
from sqlalchemy import select
from support.clock import ManualClock
from support.items import MORNING, an_article, article_change
from support.statements import Statements, counting

from publisher.errors import Conflict
from publisher.model import EventType, Image, Related
from publisher.model.article import article_json
from publisher.model.change import Outcome
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import articles as table
from publisher.storage.items import articles
from publisher.storage.items.record import record


def ids(found: list[articles.StoredArticle]) -> list[str]:
    return [article.id for article in found]


async def published(db: Database, id: str, minutes: float, **fields: object) -> None:
    at = MORNING + timedelta(minutes=minutes)
    await db.write(record, articles=[article_change(an_article(id, published=at, **fields))])


async def test_an_article_comes_back_as_it_was_recorded(db: Database, clock: ManualClock) -> None:
    article = an_article(
        "a1",
        url="https://news.example/a1",
        summary="“Naik” – 3 %",
        authors=("Ana", "Budi"),
        editor="Citra",
        topics=("Rusia", "Bank"),
        language="id",
        published=MORNING,
        images=(Image(caption="Foto"),),
        related=(Related(title="Lain"),),
    )
    await db.write(record, articles=[article_change(article, source="desk")])

    stored = await db.read(articles.get, "a1")

    assert stored is not None
    assert stored.data == article_json(article)
    assert (stored.source, stored.revision, stored.withdrawn_at) == ("desk", 1, None)
    assert (stored.ordered_at, stored.first_seen_at, stored.changed_at) == (MORNING, clock(), clock())


async def test_an_article_that_was_never_seen_is_none(db: Database) -> None:
    assert await db.read(articles.get, "nothing") is None
    assert await db.read(articles.known, ["nothing"]) == {}
    assert await db.read(articles.page, limit=5) == []


async def test_what_is_known_holds_what_the_decision_said(db: Database, clock: ManualClock) -> None:
    recent = (("f0", MORNING), ("f1", MORNING + timedelta(microseconds=1)))
    await db.write(record, articles=[article_change("a1", fingerprint="f1", recent=recent)])

    known = (await db.read(articles.known, ["a1", "a2"]))["a1"]

    assert (known.identity, known.fingerprint, known.recent) == ("https://news.example/a1", "f1", recent)
    assert (known.held, known.held_until, known.withdrawn_at) == (None, None, None)
    assert known.data == article_json(an_article("a1"))


async def test_a_page_shows_the_newest_first_and_breaks_ties_by_id_byte_by_byte(db: Database) -> None:
    for id, minutes in (("old", 0), ("a-z", 5), ("aB", 5), ("ab", 5), ("new", 9)):
        await published(db, id, minutes)

    assert ids(await db.read(articles.page, limit=10)) == ["new", "ab", "aB", "a-z", "old"]


async def test_pages_continue_where_the_last_one_ended(db: Database) -> None:
    for number in range(7):
        await published(db, f"a{number}", minutes=number // 3)
    whole = ids(await db.read(articles.page, limit=10))

    paged, before = [], None
    while part := await db.read(articles.page, limit=2, before=before):
        paged += ids(part)
        before = part[-1].position

    assert paged == whole


async def test_an_article_without_a_date_stands_where_it_was_first_seen_even_after_a_change(
    db: Database, clock: ManualClock
) -> None:
    await db.write(record, articles=[article_change("undated")])
    first_seen = clock()
    clock.advance(60)
    change = article_change("undated", Outcome.CHANGED, revision=2, event=EventType.ARTICLE_UPDATED)
    await db.write(record, articles=[change])

    stored = await db.read(articles.get, "undated")

    assert stored is not None
    assert (stored.ordered_at, stored.first_seen_at, stored.changed_at) == (first_seen, first_seen, clock())


@pytest.mark.parametrize(
    ("facets", "expected"),
    [
        ({}, ["c", "b", "a"]),
        ({"topics": {"rusia"}}, ["b", "a"]),
        ({"topics": {"rusia", "bank"}}, ["c", "b", "a"]),
        ({"topics": {"rusia"}, "sections": {"global"}}, ["a"]),
        ({"sources": {"wire"}}, ["c"]),
        ({"authors": {"ana putri"}, "languages": {"id"}}, ["b"]),
        ({"topics": {"none such"}}, []),
        ({"topics": set()}, []),
    ],
)
async def test_facets_narrow_a_page(db: Database, facets: dict[str, set[str]], expected: list[str]) -> None:
    await published(db, "a", 1, topics=("RUSIA",), section="Global")
    await published(db, "b", 2, topics=("Rusia ", "Bank"), section="Lokal", authors=("Ana  Putri",), language="id")
    await db.write(record, articles=[article_change(an_article("c", topics=("bank",)), source="wire")])

    assert ids(await db.read(articles.page, limit=10, facets=facets)) == expected
    assert [head.id for head in await db.read(articles.heads, limit=10, facets=facets)] == expected


async def test_a_changed_article_is_found_by_what_it_says_now(db: Database) -> None:
    await published(db, "a", 1, topics=("Rusia",))
    changed = an_article("a", topics=("Bank",))
    await db.write(record, articles=[article_change(changed, Outcome.CHANGED, revision=2)])

    assert ids(await db.read(articles.page, limit=5, facets={"topics": ["rusia"]})) == []
    assert ids(await db.read(articles.page, limit=5, facets={"topics": ["bank"]})) == ["a"]


async def test_a_withdrawn_article_is_kept_out_of_pages_and_counts_but_can_be_had(
    db: Database, clock: ManualClock
) -> None:
    await published(db, "a", 1, topics=("Rusia",))
    await published(db, "b", 2)
    clock.advance(10)
    article = an_article("a", published=MORNING)
    withdrawal = article_change(article, Outcome.WITHDRAWN, revision=2)
    await db.write(record, articles=[withdrawal])

    assert ids(await db.read(articles.page, limit=5)) == ["b"]
    assert ids(await db.read(articles.page, limit=5, include_withdrawn=True)) == ["b", "a"]
    assert await db.read(articles.count) == 1
    assert (await db.read(articles.known, ["a"]))["a"].withdrawn_at == clock()
    stored = await db.read(articles.get, "a")
    assert stored is not None
    assert stored.withdrawn_at == clock()
    assert stored.data["title"] == "Title of a"


async def test_an_article_that_is_published_again_is_no_longer_withdrawn(db: Database, clock: ManualClock) -> None:
    first_seen = clock()
    await db.write(record, articles=[article_change("a")])
    await db.write(record, articles=[article_change("a", Outcome.WITHDRAWN, revision=2)])
    clock.advance(10)
    await db.write(record, articles=[article_change("a", Outcome.NEW, revision=3)])

    known = (await db.read(articles.known, ["a"]))["a"]
    assert (known.withdrawn_at, known.revision, known.first_seen_at) == (None, 3, first_seen)


async def test_a_held_observation_waits_beside_what_is_published(db: Database, clock: ManualClock) -> None:
    await published(db, "a", 1)
    until = clock() + timedelta(minutes=15)
    held = an_article("a", title="Back and forth")
    await db.write(record, articles=[article_change(held, Outcome.HELD, fingerprint="f2", held_until=until)])

    known = (await db.read(articles.known, ["a"]))["a"]
    assert (known.data["title"], known.fingerprint, known.revision) == ("Title of a", "f1", 1)
    assert (known.held, known.held_until) == (article_json(held), until)


async def test_a_held_observation_is_due_when_its_time_has_come_and_until_something_is_recorded(
    db: Database, clock: ManualClock
) -> None:
    for id, minutes in (("late", 20), ("second", 15), ("first", 10)):
        await published(db, id, 1)
        until = clock() + timedelta(minutes=minutes)
        await db.write(record, articles=[article_change(id, Outcome.HELD, held_until=until)])

    clock.advance(15 * 60 - 1)
    assert [known.id for known in await db.read(articles.due_held)] == ["first"]
    clock.advance(1)
    assert [known.id for known in await db.read(articles.due_held)] == ["first", "second"]
    await db.write(record, articles=[article_change("first", Outcome.CHANGED, revision=2)])
    assert [known.id for known in await db.read(articles.due_held)] == ["second"]


async def test_a_new_baseline_of_the_same_revision_does_not_count_as_a_change(db: Database, clock: ManualClock) -> None:
    await db.write(record, articles=[article_change("a")])
    recorded = clock()
    clock.advance(5)
    await db.write(record, articles=[article_change("a", Outcome.REBASELINED, fingerprint="f9")])

    known = (await db.read(articles.known, ["a"]))["a"]
    assert (known.fingerprint, known.changed_at) == ("f9", recorded)


def last_seen(tx: Tx, id: str) -> int:
    return int(tx.conn.execute(table.select().where(table.c.id == id)).one().last_seen_at)


async def test_seeing_an_article_unchanged_moves_only_when_it_was_last_seen(db: Database, clock: ManualClock) -> None:
    await db.write(record, articles=[article_change("a"), article_change("b")])
    before = await db.read(articles.known, ["a", "b"])
    seen = await db.read(last_seen, "a")
    clock.advance(60)
    await db.write(record, seen=["a"])

    assert await db.read(articles.known, ["a", "b"]) == before
    assert await db.read(last_seen, "a") == seen + 60_000_000
    assert await db.read(last_seen, "b") == seen


async def test_a_decision_about_an_article_that_changed_meanwhile_is_refused(db: Database) -> None:
    await db.write(record, articles=[article_change("a", event=EventType.ARTICLE_PUBLISHED)])

    with pytest.raises(Conflict, match="'a' was changed meanwhile"):
        await db.write(record, articles=[article_change("a", event=EventType.ARTICLE_PUBLISHED)])


async def test_ten_thousand_articles_are_recorded_and_read_in_a_handful_of_statements(db: Database) -> None:
    many = [
        article_change(an_article(f"a{n:05}", topics=("x", f"t{n % 7}"), published=MORNING + timedelta(seconds=n)))
        for n in range(10_000)
    ]
    with counting(db) as recording:
        await db.write(record, articles=many)
    with counting(db) as reading:
        found = await db.read(articles.page, limit=10_000)
        known = await db.read(articles.known, [article.id for article in found])

    assert ids(found) == [f"a{n:05}" for n in reversed(range(10_000))]
    assert len(known) == 10_000
    assert len(recording) <= 8, recording
    assert len(reading) <= 5, reading


def plan(tx: Tx, statements: Statements) -> str:
    explain = "EXPLAIN QUERY PLAN " if tx.dialect.name == "sqlite" else "EXPLAIN "
    if tx.dialect.name == "postgresql":
        tx.conn.exec_driver_sql("SET LOCAL enable_seqscan = off")  # a table of a few rows is quicker read whole
    statement, parameters = statements[-1]
    return "\n".join(str(row) for row in tx.conn.exec_driver_sql(explain + statement, parameters))


async def test_a_page_is_read_from_the_index_of_its_order_without_sorting(db: Database) -> None:
    await published(db, "a", 1, topics=("Rusia",))
    with counting(db) as statements:
        await db.read(articles.page, limit=50, before=(10**18, "x"), facets={"topics": ["rusia"]})

    shown = await db.read(plan, statements)

    assert "ix_articles_ordered_at_id_withdrawn_at" in shown
    assert "TEMP B-TREE" not in shown
    assert "pk_article_facets" in shown or "sqlite_autoindex_article_facets_1" in shown


async def test_a_listing_has_the_places_of_what_may_be_seen_with_their_sizes(db: Database) -> None:
    for number in range(6):
        topic, section = ("Kopi", "Emas", "Rahasia")[number % 3], "Pasar" if number > 2 else "Dunia"
        await published(db, f"a{number}", number, topics=(topic,), section=section, body=f"<p>{'é' * number}</p>")

    async def listed(*seen: articles.Narrowing, limit: int = 10) -> list[str]:
        places, _ = await db.read(articles.listing, limit=limit, seen=seen)
        return [one.position[1] for one in places]

    assert await listed({"topics": {"kopi", "emas"}}) == ["a4", "a3", "a1", "a0"]
    assert await listed({"topics": {"kopi"}}, {"topics": {"rahasia"}, "sections": {"pasar"}}) == ["a5", "a3", "a0"]
    assert await listed({"topics": {"kopi"}}, limit=1) == ["a3"]
    assert await listed() == []
    everything, following = await db.read(articles.listing, limit=10, seen=None)
    stored = await db.read(articles.page, limit=10)
    assert ([one.position for one in everything], following) == ([one.position for one in stored], None)
    rows = await db.read(lambda tx: tx.conn.execute(select(table.c.id, table.c.data, table.c.provenance)).all())
    sizes = {id: len(data.encode()) + len(provenance.encode()) for id, data, provenance in rows}
    assert {one.position[1]: one.size for one in everything} == sizes


async def test_a_listing_goes_on_behind_what_it_looked_at_and_misses_nothing(db: Database) -> None:
    for number in range(20):
        await published(db, f"a{number:02}", number, topics=("kopi" if number in (0, 7, 9, 10) else "rahasia",))
    seen: list[articles.Narrowing] = [{"topics": {"kopi"}}]
    found, pages, position = [], 0, None
    while pages == 0 or position is not None:
        places, position = await db.read(articles.listing, limit=2, before=position, seen=seen, scanned=6)
        found += [one.position[1] for one in places]
        pages += 1
    assert found == ["a10", "a09", "a07", "a00"]
    assert pages == 4


async def test_articles_are_read_in_batches_of_so_many_bytes_and_in_order(db: Database) -> None:
    for number, long in enumerate((10, 10, 5000, 10, 10, 10)):
        await published(db, f"a{number}", number, body=f"<p>{'x' * long}</p>")
    wanted = ["a5", "a0", "a2", "gone", "a1", "a3", "a4"]
    small = (await db.read(articles.sizes, ["a0"]))["a0"]

    def read(tx: Tx, size: int, asked: list[str]) -> list[list[str]]:
        return [ids(batch) for batch in articles.batches(tx, asked, size)]

    assert await db.read(read, 2 * small, wanted) == [["a5", "a0"], ["a2"], ["a1", "a3"], ["a4"]]
    assert await db.read(read, 1 << 20, wanted) == [["a5", "a0", "a2", "a1", "a3", "a4"]]
    assert await db.read(read, 1, ["a2"]) == [["a2"]]
    assert await db.read(read, 1, []) == []
