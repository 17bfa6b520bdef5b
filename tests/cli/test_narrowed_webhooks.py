"""``publisher webhooks add`` with what a filter narrows by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.commands import Publisher

HOOK = "https://93.184.216.34/hook"


def test_a_webhook_is_narrowed_and_shown_so(installed: Path, publisher: Publisher) -> None:
    narrowed = ("--where", "topic=Rusia", "--where", "topic=-olahraga", "--expression", "data.title != ''")
    done = publisher("webhooks", "add", HOOK, "--feed", "news", *narrowed, "--home", installed)
    assert done.code == 0, done.err
    (one,) = json.loads(publisher("webhooks", "list", "--json", "--home", installed).out)
    assert one["where"] == {"topic": ["-olahraga", "rusia"]}
    assert (one["expression"], one["filter_errors"]) == ("data.title != ''", 0)
    assert "topic=-olahraga topic=rusia" in publisher("webhooks", "show", one["id"], "--home", installed).out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--where", "topik=a"), 'topik: is no key to narrow by; did you mean "topic"?'),
        (("--where", "topic"), "topic[0]: must not be empty"),
        (("--expression", "titel == 1"), "column 1: undeclared reference to 'titel'"),
    ],
)
def test_what_is_no_filter_is_refused(
    options: tuple[str, ...], says: str, installed: Path, publisher: Publisher
) -> None:
    done = publisher("webhooks", "add", HOOK, "--feed", "news", *options, "--home", installed)
    assert done.code != 0
    assert says.replace('"', "") in done.err.replace('"', "").replace("'topic'", "topic")
    assert "Traceback" not in done.err
