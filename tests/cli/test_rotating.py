"""``publisher webhooks rotate``, ``publisher keys rotate`` and the rights of keys, at the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import Publisher


def webhook(home: Path, publisher: Publisher) -> tuple[str, str]:
    made = publisher("webhooks", "add", "https://receiver.example/hook", "--feed", "news", "--home", home)
    assert made.code == 0, made.err
    [id_, secret] = [line.split("\t")[1] for line in made.out.splitlines()]
    return id_, secret


def test_a_webhook_gets_a_new_secret_and_it_is_said_until_when_the_old_one_signs(
    loaded: Path, publisher: Publisher
) -> None:
    id_, secret = webhook(loaded, publisher)
    done = publisher("webhooks", "rotate", id_, "--home", loaded)
    assert done.code == 0 and secret not in done.out
    assert done.out.startswith("secret\twhsec_")
    assert "the old one signs beside it until" in done.err
    done = publisher("webhooks", "rotate", id_, "--overlap", "0s", "--home", loaded)
    assert "the old one signs nothing more" in done.err


@pytest.mark.parametrize("command", ["webhooks", "keys"])
@pytest.mark.parametrize(("overlap", "says"), [("8d", "more than 7 days"), ("soon", "no duration")])
def test_an_overlap_that_is_none_is_refused(
    loaded: Path, publisher: Publisher, command: str, overlap: str, says: str
) -> None:
    done = publisher(command, "rotate", "x", "--overlap", overlap, "--home", loaded)
    assert done.code == 1 and says in done.err


def test_a_webhook_that_is_not_there_is_said_to_be_none(loaded: Path, publisher: Publisher) -> None:
    done = publisher("webhooks", "rotate", "wh_none", "--home", loaded)
    assert done.code == 1 and "there is no webhook 'wh_none'" in done.err


def test_keys_show_their_right_and_rotate_with_an_overlap(loaded: Path, publisher: Publisher) -> None:
    publisher("keys", "create", "--role", "subscriber", "--owner", "inside", "--private-networks", "--home", loaded)
    rows = [line.split("\t") for line in publisher("keys", "list", "--home", loaded).out.splitlines()]
    rights = {row[2]: row[-1] for row in rows}
    assert rights["inside"] == "private networks" and rights["cms"] == ""
    [id_] = [row[0] for row in rows if row[2] == "inside"]
    done = publisher("keys", "rotate", id_, "--overlap", "2h", "--home", loaded)
    assert done.out.startswith("pk_") and "the old one is valid until" in done.err


def test_the_storage_key_is_changed_and_everything_still_opens(loaded: Path, publisher: Publisher) -> None:
    id_, _ = webhook(loaded, publisher)
    path = loaded / "data/secret-storage.key"
    before = path.read_text()
    done = publisher("keys", "rotate-storage", "--home", loaded)
    assert (done.code, done.out) == (0, "") and "1 secrets were sealed anew" in done.err
    assert len(path.read_text().splitlines()) == 1 and path.read_text() != before
    assert publisher("webhooks", "rotate", id_, "--home", loaded).code == 0
    path.write_text(before)
    assert "lacks the key" in publisher("webhooks", "list", "--home", loaded).err


def test_with_several_nodes_it_goes_step_by_step(loaded: Path, publisher: Publisher) -> None:
    webhook(loaded, publisher)
    path = loaded / "data/secret-storage.key"
    for step, says in (("announce", "--step promote"), ("promote", "--step finish"), ("finish", "copy")):
        done = publisher("keys", "rotate-storage", "--step", step, "--home", loaded)
        assert done.code == 0 and says in done.err, done.err
        assert publisher("webhooks", "list", "--home", loaded).code == 0
    assert len(path.read_text().splitlines()) == 1
