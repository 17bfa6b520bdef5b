"""Items given as JSON."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.effort import QUADRATIC, growth

from publisher.clock import rfc3339
from publisher.model import IndicatorSpec, identity_id
from publisher.model.article import Image
from publisher.sources.json.pushed import read_article_json, read_indicator_json

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
STORY: dict[str, Any] = {"title": "Judul", "body": "<p>Isi</p>", "published": "2024-02-08T23:31:00Z"}
RATE: dict[str, Any] = {"symbol": "USD/IDR", "value": "16199", "change": "95.00", "percent": "0.58"}


def article(payload: object, **options: Any) -> Any:
    return read_article_json(payload, origin="PUT", language="id", **options)


def indicator(payload: object, **options: Any) -> Any:
    spec = IndicatorSpec(symbol="USD/IDR", slug="usd-idr", name="US dollar", unit="IDR")
    return read_indicator_json(payload, specs={"USD/IDR": spec}, now=NOW, origin="POST", **options)


def test_an_article_is_taken_under_its_pushed_id_with_its_body_sanitised() -> None:
    body = '<p onclick="x()">Isi <a href="/2">lanjut</a></p><script>x()</script>'
    found, problems = article(STORY | {"body": body, "url": "https://contoh.id/1"}, article_id="n-1")
    assert [(one.field, one.message, one.severity) for one in problems] == [("body", "<script> is left out", "warning")]
    assert (found.article.id, found.identity, found.article.language) == ("n-1", "n-1", "id")
    assert found.article.body == '<p>Isi <a href="https://contoh.id/2" rel="noopener noreferrer">lanjut</a></p>'


def test_a_relative_link_of_an_article_without_an_address_is_left_out_and_told() -> None:
    body = '<p>Isi <a href="/2">lanjut</a></p><p><a href="/2">lagi</a></p><p><img src="x.png"></p>'
    found, problems = article(STORY | {"body": body}, article_id="n-1")
    assert found.article.body == "<p>Isi lanjut</p>\n<p>lagi</p>"
    assert [(one.field, one.message, one.severity) for one in problems] == [
        ("body", "a link to '/2' is left out: it has no base to stand on (2 times)", "warning"),
        ("body", "a picture to 'x.png' is left out: it has no base to stand on", "warning"),
    ]


def test_a_body_that_is_only_a_film_is_the_link_to_it() -> None:
    body = '<iframe src="https://film.example/1" title="Panen"></iframe>'
    found, _ = article(STORY | {"body": body}, article_id="n-1")
    assert found.article.body == '<p><a href="https://film.example/1" rel="noopener noreferrer">Panen</a></p>'


def test_the_white_space_of_a_title_is_folded() -> None:
    assert article(STORY | {"title": " Satu\n  dua\ttiga "}, article_id="n-1")[0].article.title == "Satu dua tiga"


def test_an_article_without_a_pushed_id_is_known_by_its_own_id_then_its_url() -> None:
    url = "https://contoh.id/1?utm_source=x"
    assert article(STORY | {"id": "n-1", "url": url})[0].identity == "n-1"
    found = article(STORY | {"url": url})[0]
    assert (found.identity, found.article.id) == ("https://contoh.id/1", identity_id("https://contoh.id/1"))


@pytest.mark.parametrize(
    ("payload", "fields"),
    [
        ([], [None]),
        (None, [None]),
        ("text", [None]),
        ({}, ["title", "body"]),
        ({"title": "", "body": "<p></p>"}, ["title", "body"]),
        ({"title": 5, "body": ["x"]}, ["title", "body"]),
        ({"title": "x", "body": "<script>x()</script>"}, ["body"]),
        (STORY | {"id": "other"}, ["id"]),
        (STORY | {"body": "<div>" * 1000}, ["body"]),
    ],
)
def test_an_article_that_lacks_what_makes_it_one_is_refused_whole_and_each_fault_is_told(
    payload: object, fields: list[str | None]
) -> None:
    found, problems = article(payload, article_id="n-1")
    assert found is None
    assert [one.field for one in problems if one.severity == "error"] == fields


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"published": 1707435060}, "published", "is no RFC 3339 time with a zone"),
        ({"published": "2024-02-09"}, "published", "is no RFC 3339 time with a zone"),
        ({"updated": "2024-02-09T06:31:00"}, "updated", "is no RFC 3339 time with a zone"),
        ({"published": "2024-13-09T06:31:00Z"}, "published", "month"),
        ({"published": "0001-01-01T00:00:00+14:00"}, "published", "outside the years 1900 to 2100"),
        ({"language": 5}, "language", "should be a valid string"),
        ({"authors": "Nadia"}, "authors", "should be a list"),
        ({"authors": ["Nadia", 5]}, "authors[1]", "should be a valid string"),
        ({"images": [{"url": "data:image/png;base64,x"}]}, "images[0].url", "is no absolute http or https URL"),
        ({"images": [{"href": "https://contoh.id/1.jpg"}]}, "images[0].href", "is not a known key"),
        ({"related": [{}]}, "related[0].title", "is missing"),
        ({"images": [{"url": "https://contoh.id/1.jpg", "width": True}]}, "images[0].width", "must be a number"),
        ({"attachments": [{"url": "https://contoh.id/1.mp3", "duration": True}]}, "attachments[0].duration", "number"),
        ({"attachments": [{"url": None}]}, "attachments[0].url", "must not be empty"),
        ({"attachments": [{"url": " "}]}, "attachments[0].url", "must not be empty"),
        ({"url": "https://contoh.id:99999/"}, "url", "has a port outside 1 to 65535"),
        ({"url": "javascript:alert(1)"}, "url", "is no absolute http or https URL"),
        ({"tilte": "x"}, "tilte", 'did you mean "title"?'),
    ],
)
def test_a_value_that_cannot_be_is_told_by_its_json_path_and_left_out(
    values: dict[str, Any], field: str, said: str
) -> None:
    found, problems = article(STORY | values, article_id="n-1")
    assert found is not None
    [problem] = [one for one in problems if one.severity == "error"]
    assert problem.field == field
    assert said in problem.message


@pytest.mark.parametrize(
    ("values", "left", "field", "said"),
    [
        ({"language": "Bahasa Indonesia"}, {"language": None}, "language", "is no language tag"),
        ({"language": "jp"}, {"language": None}, "language", "is no language tag"),
        ({"authors": ["Nadia", "N/A"]}, {"authors": ("Nadia",)}, "authors[1]", "what a program writes for no name"),
        ({"authors": ["x" * 201]}, {"authors": ()}, "authors[0]", "has 201 characters, and a name at most 200"),
        ({"topics": ["undefined"]}, {"topics": ()}, "topics[0]", "what a program writes for no name"),
        ({"agency": "null"}, {"agency": None}, "agency", "what a program writes for no name"),
        ({"dateline": "N/A"}, {"dateline": None}, "dateline", "what a program writes for no name"),
        ({"section": "null"}, {"section": None}, "section", "what a program writes for no name"),
        (
            {"images": [{"url": "https://contoh.id/1.jpg", "credit": "undefined"}]},
            {"images": (Image(url="https://contoh.id/1.jpg"),)},
            "images[0].credit",
            "what a program writes for no name",
        ),
        (
            {"related": [{"title": " ", "url": "https://contoh.id/2"}]},
            {"related": ()},
            "related[0]",
            "has no words to follow it by",
        ),
        ({"editor": "y" * 999}, {"editor": None}, "editor", "has 999 characters, and a name at most 200"),
    ],
)
def test_a_value_that_says_nothing_is_left_out_of_an_article_that_is_taken_all_the_same(
    values: dict[str, Any], left: dict[str, Any], field: str, said: str
) -> None:
    found, problems = article(STORY | values, article_id="n-1")
    [problem] = problems
    assert {key: getattr(found.article, key) for key in left} == left
    assert (problem.field, problem.severity) == (field, "warning")
    assert said in problem.message


def test_a_link_to_another_article_that_has_no_words_is_left_out() -> None:
    related = [{"title": " \u200b", "url": "https://contoh.id/1"}, {"title": "Lagi", "url": "https://contoh.id/2"}]
    assert [one.title for one in article(STORY | {"related": related}, article_id="n-1")[0].article.related] == ["Lagi"]


@pytest.mark.parametrize("key", ["authors", "topics"])
def test_names_without_anything_to_read_and_those_that_stand_twice_are_left_out_without_a_word(key: str) -> None:
    names = ["", "  ", "-", "–", "\u200b", "...", " Nadia\n Putri ", "NADIA PUTRI", "K2", "☕", "山田"]
    found, problems = article(STORY | {key: names, "editor": " – ", "agency": "|"}, article_id="n-1")
    assert getattr(found.article, key) == ("Nadia Putri", "K2", "☕", "山田")
    assert (found.article.editor, found.article.agency, problems) == (None, None, [])


@pytest.mark.parametrize(
    ("given", "language"), [("in", "id"), ("en_US", "en-US"), ("eng", "en"), ("", None), (None, "id")]
)
def test_a_language_is_kept_in_its_canonical_form(given: str | None, language: str | None) -> None:
    assert article(STORY | {"language": given}, article_id="n-1")[0].article.language == language


def test_what_no_url_may_hold_is_percent_encoded() -> None:
    found, _ = article(
        STORY | {"url": "https://contoh.id/a?b=<c> d", "images": [{"url": "https://contoh.id/{1} 2.jpg"}]}
    )
    assert found.article.url == "https://contoh.id/a?b=%3Cc%3E%20d"
    assert found.article.images[0].url == "https://contoh.id/%7B1%7D%202.jpg"


def test_an_article_without_a_date_is_kept_with_a_warning() -> None:
    found, problems = article({"title": "Judul", "body": "Isi"}, article_id="n-1")
    assert found.article.published is None
    assert [(one.field, one.severity) for one in problems] == [("published", "warning")]


def test_a_change_before_the_publication_is_told_since_feeds_say_otherwise() -> None:
    found, problems = article(STORY | {"updated": "2020-01-01T00:00:00+07:00"}, article_id="n-1")
    assert found.article.updated == datetime(2019, 12, 31, 17, tzinfo=UTC)
    [problem] = problems
    assert (problem.field, problem.severity, problem.text) == ("updated", "warning", "2020-01-01T00:00:00+07:00")


def test_plain_text_as_a_body_becomes_a_paragraph() -> None:
    assert article(STORY | {"body": "Satu &lt; dua"}, article_id="n-1")[0].article.body == "<p>Satu &lt; dua</p>"


def test_an_observation_is_named_by_the_registry_and_observed_now_unless_it_says_otherwise() -> None:
    found, problems = indicator(RATE)
    assert problems == []
    assert (found.name, found.unit, found.observed_at, found.as_of) == ("US dollar", "IDR", NOW, None)
    assert [str(one) for one in (found.value, found.change, found.percent)] == ["16199", "95.00", "0.58"]
    own, _ = indicator({"symbol": "X", "value": 5, "name": "Own", "as_of": "2024-02-09T06:31:00+07:00"})
    assert (own.name, str(own.value), own.as_of.isoformat()) == ("Own", "5", "2024-02-08T23:31:00+00:00")
    assert indicator({"symbol": "X", "value": "1"})[0].name == "X"


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"value": 16199.5}, "value", "is a JSON float, which has lost its own digits"),
        ({"change": 95.0}, "change", "is a JSON float"),
        ({"value": "16.199,50"}, "value", "is no plain decimal"),
        ({"value": "1e5"}, "value", "is no plain decimal"),
        ({"value": "NaN"}, "value", "is no plain decimal"),
        ({"value": " 1"}, "value", "is no plain decimal"),
        ({"value": True}, "value", "is no plain decimal"),
        ({"value": None}, "value", ""),
        ({"symbol": ""}, "symbol", ""),
        ({"symbol": 5}, "symbol", ""),
        ({"symbol": None}, "symbol", ""),
        ({"observed_at": 1707435060}, "observed_at", "is no RFC 3339 time"),
        ({"percentage": "1"}, "percentage", 'did you mean "percent"?'),
    ],
)
def test_an_observation_with_anything_wrong_is_refused_and_the_field_named(
    values: dict[str, Any], field: str, said: str
) -> None:
    found, problems = indicator(RATE | values, path="[3]")
    assert found is None
    assert [one.field for one in problems] == [f"[3].{field}"]
    assert said in problems[0].message


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"percent": "-0.58"}, "the change 95.00 and the percent -0.58 have opposite signs"),
        ({"value": "16.199"}, "give a previous close of -78.801 and -120.56 per cent, not 0.58"),
        ({"percent": "0.0058"}, "give a previous close of 16104.00 and +0.59 per cent, not 0.0058"),
        ({"change": "0.58", "percent": "95.00"}, "give a previous close of 16198.42 and +0.00 per cent, not 95.00"),
    ],
)
def test_an_observation_that_contradicts_itself_is_refused_with_what_its_numbers_give(
    values: dict[str, Any], said: str
) -> None:
    found, [problem] = indicator(RATE | values, path="[3]")
    assert (found, problem.field) == (None, "[3].percent")
    assert said in problem.message


@pytest.mark.parametrize("field", ["as_of", "observed_at"])
def test_a_time_that_has_not_come_is_refused_but_for_a_clock_that_is_a_little_ahead(field: str) -> None:
    found, [problem] = indicator(RATE | {field: "2999-01-01T00:00:00Z"})
    assert (found, problem.field) == (None, field)
    found, [problem] = indicator(RATE | {field: rfc3339(NOW + timedelta(minutes=6))})
    assert (found, problem.field) == (None, field)
    assert "lies in the future" in problem.message
    found, problems = indicator(RATE | {field: rfc3339(NOW + timedelta(minutes=4))})
    assert (getattr(found, field), problems) == (NOW + timedelta(minutes=4), [])


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"unit": "USD"}, "unit", 'is "USD", and that of this indicator is "IDR"'),
        ({"value": "16.1", "percent": None}, "change", "give a previous close of -78.90, of another sign"),
        ({"value": "16.199", "change": None, "percent": None}, "value", "is it 16199?"),
    ],
)
def test_an_observation_that_is_odd_is_taken_with_a_warning(values: dict[str, Any], field: str, said: str) -> None:
    found, [problem] = indicator(RATE | values)
    assert found is not None
    assert (problem.field, problem.severity) == (field, "warning")
    assert said in problem.message


@pytest.mark.parametrize("payload", [None, [], "x", 5])
def test_an_observation_that_is_no_object_is_refused(payload: object) -> None:
    found, [problem] = indicator(payload)
    assert (found, problem.message) == (None, "must be an object")


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda size: {"images": [1] * min(size // 3, 1000 * size // 32_768)}, id="wrong images"),
        pytest.param(lambda size: {f"key{n}": 1 for n in range(size // 12)}, id="unknown keys"),
        pytest.param(lambda size: {"images": [{f"k{n}": 1} for n in range(size // 40)]}, id="unknown keys of images"),
        pytest.param(lambda size: {"x" * size: 1}, id="an unknown key of great length"),
    ],
)
def test_collecting_faults_takes_time_in_step_with_their_number(wrong: Any) -> None:
    def read(payload: Any) -> None:
        assert article(payload, article_id="n-1")[1]

    assert growth(lambda size: STORY | wrong(size), read) < QUADRATIC


def test_of_many_faults_a_hundred_are_told_and_the_rest_counted() -> None:
    found, problems = article(STORY | {"images": [1] * 900}, article_id="n-1")
    assert len(problems) == 101
    assert problems[99].field == "images[99]"
    assert problems[100].message.startswith("800 more faults are not told")
    assert found.article.images == ()


@pytest.mark.parametrize(
    ("wrong", "field", "message"),
    [
        ({f"key{n}": 1 for n in range(101)}, None, "has 101 unknown keys, 'key0' the first of them; known: id, url,"),
        ({"topics": ["x"] * 1001}, "topics", "has 1,001 entries, the limit is 1,000"),
        ({"related": [{f"k{n}": 1 for n in range(11)}]}, "related[0]", "has 11 keys, the limit is 10"),
    ],
)
def test_what_is_too_much_is_refused_in_one_fault_that_names_the_limit(
    wrong: Any, field: str | None, message: str
) -> None:
    _, (problem,) = article(STORY | wrong, article_id="n-1")
    assert (problem.field, problem.message[: len(message)]) == (field, message)


def test_what_might_have_been_meant_is_looked_for_a_few_times_only() -> None:
    _, problems = article(STORY | {f"titl{n}": 1 for n in range(9)}, article_id="n-1")
    assert ["did you mean" in one.message for one in problems] == [True] * 5 + [False] * 4
