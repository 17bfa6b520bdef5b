"""How a webhook asks to be told: given at registration and by PATCH, shown as it was given."""

from typing import Any

import pytest
from web.conftest import Newsroom
from web.test_web_webhooks import register

from publisher.model import Options
from publisher.web.api.registration import OptionsForm, options_json

ASKED = {
    "ordered": True, "history": True, "throttle": "60s", "batch": {"max": 50, "wait": "2s"}, "max_in_flight": 3,
    "rate_limit": 2.5,
}  # fmt: skip


def test_the_fields_of_a_request_are_those_of_the_options() -> None:
    assert OptionsForm.model_fields.keys() == Options.model_fields.keys()


async def test_what_a_webhook_asks_for_is_shown_as_it_was_given(newsroom: Newsroom) -> None:
    status, body, _ = await register(newsroom, **ASKED)
    assert status == 201
    assert {name: body[name] for name in ASKED} == ASKED
    shown = await newsroom.get(f"/api/v1/webhooks/{body['id']}", "subscriber")
    assert {name: shown[name] for name in ASKED} == ASKED


async def test_one_that_asks_for_nothing_is_told_as_everyone(newsroom: Newsroom) -> None:
    _, body, _ = await register(newsroom)
    assert {name: body[name] for name in Options.model_fields} == options_json(Options())


async def test_a_patch_changes_what_it_gives_and_null_takes_it_back(newsroom: Newsroom) -> None:
    _, made, _ = await register(newsroom, **ASKED)
    path = f"/api/v1/webhooks/{made['id']}"
    fields = {"batch": {"max": 7}, "throttle": None, "ordered": False}
    answer = await newsroom.client.patch(path, json=fields, headers=newsroom.as_("subscriber"))
    assert answer.status == 200, await answer.text()
    shown = await newsroom.get(path, "subscriber")
    changed = {**ASKED, "batch": {"max": 7, "wait": "1s"}, "throttle": None, "ordered": False}
    assert {name: shown[name] for name in ASKED} == changed


@pytest.mark.parametrize(
    ("fields", "path", "says"),
    [
        ({"ordered": "perhaps"}, "ordered", "boolean"),
        ({"throttle": 60}, "throttle", "is no duration"),
        ({"throttle": "0.5s"}, "throttle", "greater than or equal to 1"),
        ({"batch": {"max": 1}}, "batch.max", "greater than or equal to 2"),
        ({"batch": {"size": 2}}, "batch.size", "not known"),
        ({"batch": {"wait": "1h"}}, "batch.wait", "less than or equal to 300"),
        ({"max_in_flight": 0}, "max_in_flight", "greater than or equal to 1"),
        ({"rate_limit": -1}, "rate_limit", "greater than 0"),
    ],
)
async def test_what_cannot_be_asked_for_is_refused_by_its_name(
    newsroom: Newsroom, fields: dict[str, Any], path: str, says: str
) -> None:
    status, body, _ = await register(newsroom, **fields)
    assert status == 422
    assert [(one["path"], says in one["message"]) for one in body["errors"]] == [(path, True)], body
