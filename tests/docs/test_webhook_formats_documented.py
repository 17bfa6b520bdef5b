"""Every webhook format is in ``docs/webhooks.md`` as it describes itself, and no other is."""

from __future__ import annotations

import re
from pathlib import Path

from publisher.delivery.transports import for_webhooks

TEXT = (Path(__file__).parents[2] / "docs/webhooks.md").read_text()


def test_every_format_is_documented_in_its_own_words_and_no_other() -> None:
    section = TEXT.split("\n## Formats\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([\w-]+)` \| (.*) \|$", section, re.MULTILINE)
    documented = {name: said for name, said in rows if name != "format"}
    assert documented == {name: f"**{one.label}.** {one.about}" for name, one in for_webhooks().items()}
