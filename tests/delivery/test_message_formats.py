"""Messages for people: what stands in them, in which language, and that nothing of an item is taken for markup."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser
from support.items import an_article, an_event

from publisher.delivery.transports import FORMATS
from publisher.delivery.transports.base import Content, Ping, SingleEvent, Site
from publisher.delivery.transports.writing.fitting import utf8, utf16
from publisher.delivery.transports.writing.messages import MessageFormat
from publisher.model import Change, EventType, Options, article_json

MESSAGES = {name: one for name, one in FORMATS.items() if isinstance(one, MessageFormat)}
INDONESIAN = Site("Kabar", "https://kabar.example", "id", "Asia/Jakarta")
ENGLISH = Site("News", "https://news.example", "en-GB", "Europe/London")
HOSTILE = (
    "<!channel> <@U1> <https://evil.example|klik> @everyone <@&1> [klik](https://evil.example) "
    "*tebal* _miring_ ~coret~ `kode` || # > - 1. <b>x</b> <a href='x'>y</a> &lt; &amp; \\ \\* <at>semua</at>"
)
RATE = {
    "symbol": "USD/IDR", "name": "Dolar AS", "value": "16199.00", "change": "95.00", "percent": "0.58", "unit": "IDR",
    "as_of": "2026-11-22T08:00:00Z", "observed_at": "2026-11-22T08:00:05Z",
}  # fmt: skip

every_message = pytest.mark.parametrize("name", MESSAGES)


def content(
    type_: EventType, data: dict[str, Any], change: Change = Change.STAYED, site: Site = ENGLISH
) -> SingleEvent:
    return SingleEvent.of(an_event(type_, data=data), type_, change, site=site)


def sent(name: str, told: Content, **parameters: Any) -> dict[str, Any]:
    format = MESSAGES[name]
    asked = Options(parameters={**format.example.parameters, **parameters})
    fields = {one: getattr(told, one) for one in type(told).__dataclass_fields__}
    body: dict[str, Any] = json.loads(format.body(type(told)(**{**fields, "asked": asked})))
    return body


def article(**fields: Any) -> dict[str, Any]:
    return {**article_json(an_article("a1")), **fields}


def headline(name: str, body: dict[str, Any]) -> str:
    """The headline as people see it there."""
    match name:
        case "slack":
            text: str = body["blocks"][0]["elements"][0]["elements"][0]["text"]
            return text
        case "discord":
            return unescaped(body["embeds"][0]["title"])
        case "telegram":
            return seen(body.get("text") or body["caption"]).split("\n")[0]
        case "teams":
            return str(card(body)["body"][0]["inlines"][0]["text"])
        case _:
            return str(body["title"])


def rest(name: str, body: dict[str, Any]) -> list[str]:
    """What stands below the headline, line for line."""
    match name:
        case "slack":
            found = "".join(one["text"] for one in body["blocks"][0]["elements"][0]["elements"][1:])
        case "discord":
            found = unescaped(body["embeds"][0].get("description", ""))
        case "telegram":
            found = "\n".join(seen(body.get("text") or body["caption"]).split("\n")[2:])
        case "teams":
            found = "\n".join(one["inlines"][0]["text"] for one in card(body)["body"][1:-1] if "inlines" in one)
        case _:
            found = body["message"]
    return found.strip("\n").splitlines()


def link(name: str, body: dict[str, Any]) -> str | None:
    match name:
        case "slack":
            return body["blocks"][0]["elements"][0]["elements"][0].get("url")
        case "discord":
            return body["embeds"][0].get("url")
        case "telegram":
            found = LexborHTMLParser(body.get("text") or body["caption"]).css_first("a")
            return None if found is None else found.attributes["href"]
        case "teams":
            return next((one["url"] for one in card(body).get("actions", ())), None)
        case _:
            return body.get("click")


def image(name: str, body: dict[str, Any]) -> str | None:
    match name:
        case "slack":
            return next((one["image_url"] for one in body["blocks"] if one["type"] == "image"), None)
        case "discord":
            return body["embeds"][0].get("image", {}).get("url")
        case "telegram":
            return body.get("photo")
        case "teams":
            return next((one["url"] for one in card(body)["body"] if one["type"] == "Image"), None)
        case _:
            return body.get("attach")


def card(body: dict[str, Any]) -> dict[str, Any]:
    (attachment,) = body["attachments"]
    assert (body["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    found: dict[str, Any] = attachment["content"]
    assert (found["type"], found["version"]) == ("AdaptiveCard", "1.4")
    return found


def unescaped(text: str) -> str:
    """Discord's Markdown, of which every mark has to be escaped."""
    bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", text)
    assert not re.search(r"[*_~`|<>\[\]()\\]|^\s*(?:[-+#]|\d+[.)])", bare, re.MULTILINE), text
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)


def seen(text: str) -> str:
    """Telegram's HTML, in which nothing but one link and one <b> may be markup."""
    tags = re.findall(r"<[^>]*>", text)
    assert [re.sub(r' href="[^"<>]*"', "", tag) for tag in tags] in (["<a>", "<b>", "</b>", "</a>"], ["<b>", "</b>"])
    return html.unescape(re.sub(r"<[^>]*>", "", text))


@every_message
def test_an_article_is_its_headline_its_summary_its_link_and_its_picture(name: str) -> None:
    images = [{"url": None}, {"url": "https://news.example/p.jpg?a=1&b=2", "caption": "Beans"}]
    data = article(title="Coffee is dearer", summary="By a tenth.", url="https://news.example/a?x=1&y=2", images=images)
    body = sent(name, content(EventType.ARTICLE_PUBLISHED, data))
    assert headline(name, body) == "Coffee is dearer"
    assert rest(name, body) == ["By a tenth."]
    assert link(name, body) == "https://news.example/a?x=1&y=2"
    assert image(name, body) == "https://news.example/p.jpg?a=1&b=2"


@every_message
def test_a_picture_can_be_left_out(name: str) -> None:
    told = content(EventType.ARTICLE_PUBLISHED, article(images=[{"url": "https://news.example/p.jpg"}]))
    assert image(name, sent(name, told, images=False)) is None


@every_message
def test_a_hostile_headline_and_text_are_seen_as_they_are_and_mention_nobody(name: str) -> None:
    told = content(EventType.ARTICLE_PUBLISHED, article(title=HOSTILE, summary="- " + HOSTILE))
    body = sent(name, told)
    assert headline(name, body) == HOSTILE
    assert rest(name, body) == ["- " + HOSTILE]


def test_slack_parses_nothing_of_a_headline() -> None:
    body = sent("slack", content(EventType.ARTICLE_PUBLISHED, article(title=HOSTILE)))
    assert not set("<>") & set(body["text"])
    assert html.unescape(body["text"]) == html.unescape(HOSTILE.replace("&", "&amp;"))
    assert body["mrkdwn"] is False
    elements = body["blocks"][0]["elements"][0]["elements"]
    assert {one["type"] for one in elements} <= {"text", "link"}  # rich_text: none of them is parsed
    assert not [one for one in body["blocks"][1:] if one["type"] not in ("image", "context")]


def test_discord_mentions_nobody_and_teams_parses_no_markdown() -> None:
    told = content(EventType.ARTICLE_PUBLISHED, article(title="@everyone <@1>"))
    assert sent("discord", told)["allowed_mentions"] == {"parse": []}
    assert "content" not in sent("discord", told)
    assert {one["type"] for one in card(sent("teams", told))["body"]} <= {"RichTextBlock", "Image"}


def test_marks_that_turn_the_direction_of_a_line_are_taken_out() -> None:
    told = content(EventType.ARTICLE_PUBLISHED, article(title="Kopi \u202enaik\u202c \u2066turun\u2069"))
    assert headline("ntfy", sent("ntfy", told)) == "Kopi naik turun"


@every_message
def test_everything_has_room_where_it_is_sent(name: str) -> None:
    long = "📰*_<&>" * 4000
    data = article(title=long, summary=long, images=[{"url": "https://news.example/p.jpg", "caption": long}])
    for images in (True, False):
        body = sent(name, content(EventType.ARTICLE_UPDATED, data), images=images)
        whole = json.dumps(body, ensure_ascii=False)
        match name:
            case "slack":
                elements = body["blocks"][0]["elements"][0]["elements"]
                assert sum(len(one["text"]) for one in elements) <= 3000
                assert all(len(one.get("alt_text", "")) <= 2000 for one in body["blocks"])
            case "discord":
                (embed,) = body["embeds"]
                sizes = [utf16(embed["title"]), utf16(embed["description"]), utf16(embed["footer"]["text"])]
                assert sizes[0] <= 256
                assert sizes[1] <= 4096
                assert sum(sizes) <= 6000
            case "telegram":
                text = html.unescape(re.sub(r"<[^>]*>", "", body.get("text") or body["caption"]))
                assert utf16(text) <= (1024 if images else 4096)
            case "teams":
                assert utf8(whole) <= 28_000
            case _:
                assert utf8(body["message"]) <= 4096
                assert utf8(body["title"]) <= 250


@every_message
@pytest.mark.parametrize(
    ("type_", "change", "site", "says"),
    [
        (EventType.ARTICLE_UPDATED, Change.STAYED, ENGLISH, "Updated: Kopi"),
        (EventType.ARTICLE_UPDATED, Change.STAYED, INDONESIAN, "Diperbarui: Kopi"),
        (EventType.ARTICLE_WITHDRAWN, Change.LEFT, ENGLISH, "Withdrawn: Kopi"),
        (EventType.ARTICLE_WITHDRAWN, Change.LEFT, INDONESIAN, "Ditarik: Kopi"),
        (EventType.ARTICLE_UPDATED, Change.LEFT, ENGLISH, "Withdrawn: Kopi"),
        (EventType.ARTICLE_PUBLISHED, Change.ENTERED, Site(language="de"), "Kopi"),
        (EventType.ARTICLE_WITHDRAWN, Change.LEFT, Site(language="de"), "Withdrawn: Kopi"),
    ],
)
def test_what_became_of_an_article_is_said_in_the_sites_language(
    name: str, type_: EventType, change: Change, site: Site, says: str
) -> None:
    assert headline(name, sent(name, content(type_, article(title="Kopi"), change, site))) == says


@every_message
def test_what_was_withdrawn_is_neither_linked_nor_shown(name: str) -> None:
    data = article(title="Kopi", summary="Marked.", images=[{"url": "https://news.example/p.jpg"}])
    body = sent(name, content(EventType.ARTICLE_WITHDRAWN, data, Change.LEFT))
    assert (link(name, body), image(name, body)) == (None, None)
    assert "Marked" not in json.dumps(body)


@every_message
def test_an_erased_article_is_named_by_its_id(name: str) -> None:
    told = content(EventType.ARTICLE_WITHDRAWN, {"id": "a1", "erased": True}, Change.LEFT, INDONESIAN)
    assert headline(name, sent(name, told)) == "Ditarik: artikel a1"


@every_message
def test_the_follower_may_choose_another_language_than_the_sites(name: str) -> None:
    told = content(EventType.INDICATOR_CORRECTED, RATE)
    assert headline(name, sent(name, told, language="id")).startswith("Dikoreksi: USD/IDR 16.199,00 ▲ 0,58% (+95,00)")
    assert headline(name, sent(name, told)).startswith("Corrected: USD/IDR 16,199.00 ▲ 0.58% (+95.00)")


@every_message
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "USD/IDR 16,199.00 ▲ 0.58% (+95.00)"),
        ({"change": "-95.00", "percent": "-0.58"}, "USD/IDR 16,199.00 ▼ 0.58% (-95.00)"),
        ({"change": "0.00", "percent": "0.00"}, "USD/IDR 16,199.00 ▬ 0.00% (0.00)"),
        ({"value": "16199.0000", "change": None, "percent": None}, "USD/IDR 16,199.0000"),
    ],
)
def test_an_indicator_is_its_value_and_change_with_the_sources_digits(
    name: str, fields: dict[str, Any], says: str
) -> None:
    body = sent(name, content(EventType.INDICATOR_UPDATED, {**RATE, **fields}))
    assert headline(name, body).startswith(says + " – ")
    assert rest(name, body)[0].endswith(f"{fields.get('value', '16199.00')} IDR".replace("16199", "16,199"))
    assert link(name, body) == "https://news.example/#indicator-usd-idr"


def test_which_way_it_went_can_be_seen_at_a_glance() -> None:
    up, down = RATE, {**RATE, "change": "-95.00", "percent": "-0.58"}
    flat = {**RATE, "change": "0.00", "percent": "0.00"}
    colours, tags = [], []
    for data in (up, down, flat):
        told = content(EventType.INDICATOR_UPDATED, data)
        colours.append(sent("discord", told)["embeds"][0].get("color"))
        tags += sent("ntfy", told)["tags"]
    assert len(set(colours)) == 3
    assert tags == ["chart_with_upwards_trend", "chart_with_downwards_trend", "bar_chart"]


@every_message
@pytest.mark.parametrize(
    ("type_", "data", "says", "below"),
    [
        (EventType.INDICATOR_HELD, RATE, "Held for checking: USD/IDR", "Not published until a second reading agrees."),
        (EventType.SOURCE_FAILING, {"source": "desk", "error": "no answer"}, "Source failing: desk", "no answer"),
        (EventType.WEBHOOK_DISABLED, {"id": "wh_1", "host": "r.example", "reason": "no feed"},
         "Webhook disabled: wh_1 · r.example", "no feed"),
    ],
)  # fmt: skip
def test_what_is_held_or_fails_is_said(
    name: str, type_: EventType, data: dict[str, Any], says: str, below: str
) -> None:
    body = sent(name, content(type_, data))
    assert headline(name, body).startswith(says)
    assert rest(name, body)[0] == below


@every_message
def test_a_test_says_who_will_be_heard_here(name: str) -> None:
    ping = Ping("evt_test_1", an_event().timestamp, "wh_1", site=INDONESIAN)
    assert headline(name, sent(name, ping)) == "Uji coba: Kabar dari Kabar sampai di sini."


def test_telegram_sends_a_photo_where_there_is_one() -> None:
    telegram = FORMATS["telegram"]
    asked = Options(parameters={"chat_id": -100123, "thread": 5, "silent": True})
    for images, path in (([{"url": "https://news.example/p.jpg"}], "/sendPhoto"), ([], "/sendMessage")):
        event = an_event(EventType.ARTICLE_PUBLISHED, data=article(images=images))
        request = telegram.request(SingleEvent.of(event, event.type, Change.ENTERED, asked=asked))
        body = json.loads(request.body)
        assert request.path == path
        assert (body["chat_id"], body["message_thread_id"], body["disable_notification"]) == (-100123, 5, True)
        assert body["parse_mode"] == "HTML"


def test_ntfy_publishes_to_the_topic_with_the_priority_that_was_asked_for() -> None:
    failing = content(EventType.SOURCE_FAILING, {"source": "desk"})
    news = content(EventType.ARTICLE_PUBLISHED, article())
    assert sent("ntfy", failing)["priority"] == 4
    assert "priority" not in sent("ntfy", news)
    assert sent("ntfy", news, priority=1)["priority"] == 1
    assert sent("ntfy", news, topic="lain")["topic"] == "lain"
