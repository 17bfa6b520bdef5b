"""What a reading of an article means."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher import changes
from publisher.model import Article, EventType, article_json
from publisher.model.change import ArticleChange, Outcome
from publisher.model.known import KnownArticle
from publisher.model.observed import ObservedArticle

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def observed(**fields: Any) -> ObservedArticle:
    values = {"id": "a1", "title": "Harga emas naik", "body": "<p>Emas naik pada Senin.</p>"} | fields
    return ObservedArticle(Article(**values), identity="https://example.id/a1", origin="a1.html")


def decide(known: KnownArticle | None, seen: ObservedArticle, now: datetime = NOW, **how: Any) -> ArticleChange:
    how = {"source": "desk", "settle": True, "rebaseline": False} | how
    return changes.article(known, seen, now=now, **how)


def stored(change: ArticleChange, known: KnownArticle | None, now: datetime = NOW) -> KnownArticle:
    """What the store knows after carrying a decision out."""
    if change.outcome is Outcome.HELD:
        assert known is not None
        return replace(known, held=article_json(change.article), held_until=change.held_until)
    if change.outcome is Outcome.UNCHANGED:
        assert known is not None
        return known
    return KnownArticle(
        id=change.article.id,
        source=change.source,
        identity=change.identity,
        fingerprint=change.fingerprint,
        revision=change.revision,
        data=article_json(change.article),
        first_seen_at=known.first_seen_at if known else now,
        changed_at=now,
        withdrawn_at=now if change.outcome is Outcome.WITHDRAWN else None,
        recent=change.recent,
    )


def first(seen: ObservedArticle | None = None, now: datetime = NOW) -> KnownArticle:
    return stored(decide(None, seen or observed(), now), None, now)


lines = st.text(alphabet=st.characters(codec="utf-8"), max_size=12)
articles = st.builds(
    lambda **fields: observed(**fields),
    title=st.sampled_from(["Emas naik", "Emas turun", "Rupiah 16.199"]),
    body=st.sampled_from(["<p>Satu.</p>", "<p>Satu.</p><p>Dua.</p>"]),
    summary=st.none() | lines,
    section=st.sampled_from([None, "Investasi", "Nasional"]),
    topics=st.lists(st.sampled_from(["emas", "rusia", "china"]), max_size=2).map(tuple),
    editor=st.sampled_from([None, "Sri", "Budi"]),
    published=st.sampled_from([None, NOW, NOW - timedelta(days=1)]),
)


@given(articles)
def test_the_same_input_twice_is_unchanged(seen: ObservedArticle) -> None:
    known = first(seen)
    again = decide(known, seen, NOW + timedelta(minutes=1))
    assert (again.outcome, again.event, again.changed) == (Outcome.UNCHANGED, None, ())
    assert again.revision == known.revision


@given(articles, articles)
def test_changed_names_exactly_the_fields_that_differ(one: ObservedArticle, other: ObservedArticle) -> None:
    change = decide(first(one), other)
    before, after = article_json(one.article), article_json(other.article)
    squeezed = {key: " ".join(v.split()) if isinstance(v, str) else v for key, v in before.items()}
    differ = {key for key, v in after.items() if (" ".join(v.split()) if isinstance(v, str) else v) != squeezed[key]}
    assert set(change.changed) == differ
    assert (change.outcome is Outcome.CHANGED) == bool(differ)


def test_the_first_sight_of_an_article_publishes_it() -> None:
    change = decide(None, observed())
    assert (change.outcome, change.event, change.revision, change.before) == (
        Outcome.NEW,
        EventType.ARTICLE_PUBLISHED,
        1,
        None,
    )


def test_an_edit_carries_what_was_there_before() -> None:
    known = first()
    change = decide(known, observed(title="Harga emas turun"))
    assert (change.event, change.changed, change.revision) == (EventType.ARTICLE_UPDATED, ("title",), 2)
    assert change.before == known.data


@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        ("url", "https://example.id/a?id=7", "https://example.id/a?utm_source=x&id=7&fbclid=Z#utm_medium=rss"),
        ("body", "<p>Emas naik.</p><p>Dua.</p>", "<p>Emas\xa0 naik.</p>\n  <p>Dua.</p>\n"),
        ("body", "<p>Emas.</p><span>2 Jam 3 Menit lalu</span>", "<p>Emas.</p><span>5 Jam yang lalu</span>"),
        ("body", "<p>Emas, diperbarui 2 menit lalu</p>", "<p>Emas, diperbarui 14 menit yang lalu</p>"),
        ("summary", "Gold rose. 2 minutes ago", "Gold rose. An hour ago"),
        ("summary", "Gold steigt – vor 3 Minuten", "Gold steigt – vor 4 Minuten"),
        (
            "body",
            '<p><a href="https://x.id/b?a=1&amp;utm_source=y">b</a></p>',
            '<p><a href="https://x.id/b?a=1">b</a></p>',
        ),
        (
            "body",
            '<img src="https://foto.example.id/AbCdEfGhIjKlMnOpQrStUv0=/smart/1p.jpg"><p>x</p>',
            '<img src="https://foto.example.id/zZyYxXwWvVuUtTsSrRqQ91x=/smart/1p.jpg"><p>x</p>',
        ),
        (
            "images",
            [{"url": "https://foto.example.id/AbCdEfGhIjKlMnOpQrStUv0=/smart/2024/02/08/1p.jpg?v=1"}],
            [{"url": "https://foto.example.id/zZyYxXwWvVuUtTsSrRqQ91x=/smart/2024/02/08/1p.jpg?v=2"}],
        ),
        (
            "images",
            [{"url": "https://cdn.example.id/foto/emas-3f2a9c1be8d0.jpg?w=700", "credit": "ANTARA"}],
            [{"url": "https://cdn.example.id/foto/emas-99bb12acfe01.jpg?w=1200", "credit": "ANTARA "}],
        ),
        ("related", [{"title": "B", "url": "https://x.id/b?gclid=1"}], [{"title": "B", "url": "https://x.id/b"}]),
    ],
)
def test_the_noise_of_a_reading_is_no_event(field: str, one: Any, other: Any) -> None:
    assert decide(first(observed(**{field: one})), observed(**{field: other})).outcome is Outcome.UNCHANGED


@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        ("url", "https://example.id/a?id=7", "https://example.id/a?id=8"),
        ("body", "<p>Perang itu pecah 30 tahun lalu di sana.</p>", "<p>Perang itu pecah 31 tahun lalu di sana.</p>"),
        ("images", [{"url": "https://x.id/2024/02/08/1p.jpg"}], [{"url": "https://x.id/2024/02/09/1p.jpg"}]),
        ("images", [{"url": "https://x.id/i.php?id=1"}], [{"url": "https://x.id/i.php?id=2"}]),
        ("images", [{"credit": "ANTARA"}], [{"credit": "Reuters"}]),
        ("topics", ["emas"], ["emas", "dolar"]),
    ],
)
def test_a_real_difference_is_an_event(field: str, one: Any, other: Any) -> None:
    change = decide(first(observed(**{field: one})), observed(**{field: other}))
    assert (change.outcome, change.changed) == (Outcome.CHANGED, (field,))


def flap(known: KnownArticle, times: int, start: datetime, step: timedelta) -> tuple[KnownArticle, list[Outcome]]:
    """Take the article from A to B and back ``times`` times; returns what each return to A was."""
    returns = []
    now = start
    for _ in range(times):
        for title in ("B", "A"):
            now += step
            change = decide(known, observed(title=title), now)
            known = stored(change, known, now)
        returns.append(change.outcome)
    return known, returns


def test_the_fourth_return_within_an_hour_waits_and_is_settled_once() -> None:
    known, returns = flap(first(observed(title="A")), 4, NOW, timedelta(minutes=5))
    assert returns == [Outcome.CHANGED, Outcome.CHANGED, Outcome.CHANGED, Outcome.HELD]
    assert known.held_until is not None
    assert known.data["title"] == "B"
    change = changes.settled(known, known.held_until)
    assert (change.outcome, change.event, change.article.title) == (Outcome.CHANGED, EventType.ARTICLE_UPDATED, "A")
    known = stored(change, known, known.held_until)
    assert known.held is None
    assert decide(known, observed(title="A"), NOW + timedelta(hours=1)).outcome is Outcome.UNCHANGED


def test_returns_over_more_than_an_hour_are_all_sent() -> None:
    _, returns = flap(first(observed(title="A")), 6, NOW, timedelta(minutes=15))
    assert set(returns) == {Outcome.CHANGED}


def test_what_waits_is_dropped_when_the_article_is_again_as_followers_know_it() -> None:
    known, _ = flap(first(observed(title="A")), 4, NOW, timedelta(minutes=5))
    change = decide(known, observed(title="B"), NOW + timedelta(minutes=41))
    assert (change.outcome, change.event, change.revision) == (Outcome.REBASELINED, None, known.revision)
    assert stored(change, known).held is None


def test_what_waits_and_is_read_again_is_unchanged() -> None:
    known, _ = flap(first(observed(title="A")), 4, NOW, timedelta(minutes=5))
    assert decide(known, observed(title="A"), NOW + timedelta(minutes=41)).outcome is Outcome.UNCHANGED


def test_a_state_never_seen_before_is_sent_while_another_waits() -> None:
    known, _ = flap(first(observed(title="A")), 4, NOW, timedelta(minutes=5))
    change = decide(known, observed(title="C"), NOW + timedelta(minutes=41))
    assert (change.outcome, change.held_until) == (Outcome.CHANGED, None)


def test_a_push_never_waits() -> None:
    known, _ = flap(first(observed(title="A")), 3, NOW, timedelta(minutes=1))
    for number, title in enumerate("BABABA"):
        now = NOW + timedelta(minutes=10 + number)
        change = decide(known, observed(title=title), now, settle=False)
        assert change.outcome is Outcome.CHANGED
        known = stored(change, known, now)


def test_a_changed_way_of_reading_is_stored_in_silence() -> None:
    known = first()
    change = decide(known, observed(body="<p>Dibaca lain.</p>"), rebaseline=True)
    assert (change.outcome, change.event, change.revision) == (Outcome.REBASELINED, None, 2)
    older = replace(known, fingerprint="0:abc")
    assert decide(older, observed(body="<p>Lain.</p>")).outcome is Outcome.REBASELINED
    assert decide(stored(decide(older, observed()), older), observed()).outcome is Outcome.UNCHANGED


def test_the_fingerprint_of_what_is_stored_outlives_an_upgrade() -> None:
    """Else every article would be read anew in silence, and an edit that was made meanwhile with them."""
    body = (
        "<p>Naik 3 &lt; 4 &amp; turun &nbsp; 2 menit lalu."
        ' <a href="https://x.id/a?id=1&amp;utm_source=x">Sini &gt;</a></p>\n'
        '<figure><img src="https://x.id/emas-3f2a9c1be8d0.jpg?w=7&amp;s=1" alt="a &gt; b  &quot;c&quot;"></figure>'
        '<ol start="3" reversed=""><li>satu<br>dua</li></ol><pre>\n  a\n b</pre>'
    )
    assert decide(None, observed(body=body)).fingerprint == "3:90d2ae50f7a2cf43fcecc6c634e3a4786221cb42"


def test_a_withdrawal_keeps_the_article_as_it_last_was_and_happens_once() -> None:
    known = first()
    change = changes.withdrawal(known, source="desk", now=NOW)
    assert (change.outcome, change.event, change.before) == (
        Outcome.WITHDRAWN,
        EventType.ARTICLE_WITHDRAWN,
        known.data,
    )
    assert changes.withdrawal(stored(change, known), source="api", now=NOW).outcome is Outcome.UNCHANGED


def test_a_withdrawn_article_that_comes_back_is_published_anew() -> None:
    known = first()
    known = stored(changes.withdrawal(known, source="desk", now=NOW), known)
    change = decide(known, observed())
    assert (change.outcome, change.event, change.before) == (Outcome.NEW, EventType.ARTICLE_PUBLISHED, None)
    assert change.revision > known.revision


def test_what_another_source_changes_says_where_it_came_from() -> None:
    pushed = decide(first(), observed(title="Dari meja redaksi"), source="api", settle=False)
    assert (pushed.source, pushed.changed) == ("api", ("title",))
    assert pushed.before is not None
    assert pushed.before["source"] == "desk"
    withdrawn = changes.withdrawal(first(), source="api", now=NOW)
    assert (withdrawn.source, (withdrawn.before or {})["source"]) == ("api", "desk")


def test_the_same_text_from_another_source_is_unchanged() -> None:
    change = decide(first(), observed(), source="api", settle=False)
    assert (change.outcome, change.source) == (Outcome.UNCHANGED, "desk")
