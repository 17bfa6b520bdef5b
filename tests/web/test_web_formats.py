"""Registering a webhook in a format: what it needs besides the URL is declared by it, and checked at once."""

from __future__ import annotations

from typing import Any

import pytest
from web.conftest import Newsroom
from web.test_web_webhooks import register

from publisher.delivery.transports import FORMATS, for_webhooks

BOT = "https://api.telegram.example/bot123456:ABC-DEF"


async def change(newsroom: Newsroom, id: str, **fields: Any) -> tuple[int, Any]:
    answer = await newsroom.client.patch(f"/api/v1/webhooks/{id}", json=fields, headers=newsroom.as_("subscriber"))
    return answer.status, await answer.json()


@pytest.mark.parametrize("name", for_webhooks())
async def test_every_format_can_be_registered_and_is_shown_with_what_was_asked(newsroom: Newsroom, name: str) -> None:
    format = FORMATS[name]
    asked: dict[str, Any] = {"parameters": format.example.parameters}
    if format.example.template is not None:
        asked["template"] = {"text": "{{ data.title }}", "n": ["{{ seq }}", 1]}
    status, body, _ = await register(newsroom, url=format.example_url, format=name, **asked)
    assert status == 201, body
    shown = await newsroom.get(f"/api/v1/webhooks/{body['id']}", "subscriber")
    assert (shown["format"], {key: shown[key] for key in asked}) == (name, asked)


@pytest.mark.parametrize(
    ("fields", "path", "says"),
    [
        ({"content": "thick"}, "content", "'full' or 'thin'"),
        ({"format": "slack", "batch": {}}, "batch", "the format 'slack' carries one event a request"),
        ({"format": "template", "template": 1, "batch": {}}, "batch", "several: 'cloudevents', 'standard'"),
        ({"format": "slack", "content": "thin"}, "content", 'the format "slack" has none; leave it out'),
        ({"template": {"a": "{{ data.title }}"}}, "template", 'the format "standard" has none; leave it out'),
        ({"format": "template"}, "template", "is missing"),
        ({"format": "template", "template": {"a": ["{{ data.titel }}"]}}, "template.a[0]",
         'at character 4: there is no path "data.titel"; did you mean "data.title"?'),
        ({"format": "template", "template": "x" * 17_000}, "template", "a template has 16,384 at most"),
        ({"parameters": {"chat_id": 5}}, "parameters.chat_id", "is not a known key"),
        ({"parameters": {"a": {}}}, "parameters.a", "should be a text of up to 200 characters"),
        ({"parameters": [1]}, "parameters", "should be a table of keys and values"),
        ({"parameters": {f"p{n}": 1 for n in range(21)}}, "parameters", "at most 20"),
        ({"format": "telegram", "url": BOT}, "parameters.chat_id",
         "is missing: the chat: its number, or the @name of a channel"),
        ({"format": "telegram", "url": BOT, "parameters": {"chat_id": "news"}}, "parameters.chat_id",
         "should be the number of a chat, or the @name of a channel"),
        ({"format": "telegram", "url": BOT, "parameters": {"chat_id": True}}, "parameters.chat_id",
         "should be the number of a chat, or the @name of a channel"),
        ({"format": "telegram", "url": BOT, "parameters": {"chat_id": 5, "chatid": 5}}, "parameters.chatid",
         'did you mean "chat_id"?'),
        ({"format": "telegram", "url": BOT + "/sendMessage", "parameters": {"chat_id": 5}}, "url",
         "should end with the bot's token"),
        ({"format": "ntfy", "url": "https://ntfy.example/"}, "parameters.topic", "is missing"),
        ({"format": "ntfy", "url": "https://ntfy.example/", "parameters": {"topic": "a b"}}, "parameters.topic",
         '"a b" should match pattern'),
        ({"format": "ntfy", "url": "https://ntfy.example/", "parameters": {"topic": "a", "priority": 6}},
         "parameters.priority", "less than or equal to 5"),
        ({"format": "ntfy", "url": "https://ntfy.example/topic", "parameters": {"topic": "a"}}, "url",
         "should be the ntfy server alone"),
        ({"format": "discord", "parameters": {"language": "klingonese"}}, "parameters.language", "no language tag"),
        ({"format": "discord", "parameters": {"images": "perhaps"}}, "parameters.images", "boolean"),
    ],
)  # fmt: skip
async def test_what_a_format_cannot_be_written_by_is_refused_by_its_name(
    newsroom: Newsroom, fields: dict[str, Any], path: str, says: str
) -> None:
    status, body, _ = await register(newsroom, **fields)
    assert status == 422, body
    assert [(one["path"], says in one["message"]) for one in body["errors"]] == [(path, True)], body


async def test_a_patch_changes_how_it_is_written_and_is_held_to_the_same(newsroom: Newsroom) -> None:
    _, made, _ = await register(newsroom, url=BOT, format="telegram", parameters={"chat_id": 5})
    assert (await change(newsroom, made["id"], parameters={"chat_id": "@kabar", "silent": True}))[0] == 200
    assert (await change(newsroom, made["id"], description="x"))[1]["parameters"] == {
        "chat_id": "@kabar",
        "silent": True,
    }

    for fields, path in (
        ({"parameters": {}}, "parameters.chat_id"),
        ({"parameters": None}, "parameters.chat_id"),
        ({"content": "thin"}, "content"),
        ({"url": "https://receiver.example/hook"}, "url"),
    ):
        status, body = await change(newsroom, made["id"], **fields)
        assert status == 422
        assert [one["path"] for one in body["errors"]] == [path]
    shown = await newsroom.get(f"/api/v1/webhooks/{made['id']}", "subscriber")
    assert (shown["url"], shown["parameters"]) == (BOT, {"chat_id": "@kabar", "silent": True})


async def test_a_template_can_be_replaced_and_not_taken_away(newsroom: Newsroom) -> None:
    _, made, _ = await register(newsroom, format="template", template="{{ seq }}")
    status, body = await change(newsroom, made["id"], template=["{{ type }}", None])
    assert (status, body["template"]) == (200, ["{{ type }}", None])
    status, body = await change(newsroom, made["id"], template=None)
    assert (status, body["errors"][0]["path"]) == (422, "template")
