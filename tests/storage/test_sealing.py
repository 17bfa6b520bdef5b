import stat
from pathlib import Path

import pytest

from publisher.errors import SecretError
from publisher.storage.access.keyfile import new_line
from publisher.storage.access.sealing import KEY_FILE, Sealer


def test_what_is_sealed_opens_again_after_a_restart(tmp_path: Path) -> None:
    sealed = Sealer.open(tmp_path).seal(b"whsec_x")

    assert b"whsec_x" not in sealed
    assert Sealer.open(tmp_path).unseal(sealed) == b"whsec_x"


def test_the_key_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    Sealer.open(tmp_path / "data")

    assert stat.S_IMODE((tmp_path / "data" / KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == [KEY_FILE]


def test_one_secret_is_sealed_differently_each_time(tmp_path: Path) -> None:
    sealer = Sealer.open(tmp_path)

    assert sealer.seal(b"x") != sealer.seal(b"x")


def test_a_new_key_on_top_seals_and_the_old_one_still_opens(tmp_path: Path) -> None:
    old = Sealer.open(tmp_path)
    before, path = old.seal(b"x"), tmp_path / KEY_FILE
    path.write_text(new_line() + path.read_text())
    both = Sealer.open(tmp_path)

    assert both.unseal(before) == b"x"
    assert old.unseal(both.seal(b"x")) == b"x"  # which has looked at the file again
    path.write_text(new_line())
    with pytest.raises(SecretError, match="put that line back"):
        Sealer.open(tmp_path).unseal(before)


def test_altered_bytes_do_not_open(tmp_path: Path) -> None:
    sealer = Sealer.open(tmp_path)
    sealed = bytearray(sealer.seal(b"x"))
    sealed[-1] ^= 1

    with pytest.raises(SecretError, match="altered"):
        sealer.unseal(bytes(sealed))


@pytest.mark.parametrize("stored", [b"", b"\x01", b"\x02abc", b"\x01\x08abc"])
def test_bytes_that_are_no_sealed_secret_are_named_so(tmp_path: Path, stored: bytes) -> None:
    with pytest.raises(SecretError, match="no sealed secret"):
        Sealer.open(tmp_path).unseal(stored)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no key"),
        ("only-an-id\n", ":1: each line"),
        (f"{new_line()}a !!!\n", ":2: each line"),
        ("a c2hvcnQ=\n", ":1: a key has 32 bytes"),
    ],
    ids=["empty", "one word", "not base64", "too short"],
)
def test_a_faulty_key_file_is_refused_with_the_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / KEY_FILE).write_text(text)

    with pytest.raises(SecretError, match=said):
        Sealer.open(tmp_path)
