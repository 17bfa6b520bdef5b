"""Secrets at rest: sealed with AES-256-GCM under a key that has an id, so that the key can be changed.

``data/secret-storage.key`` holds one key a line, ``ID BASE64``. The first seals, all of them open: to change the key,
put a new line on top and leave the old ones until nothing is sealed with them. A sealed secret is
``1 | length of ID | ID | nonce (12 bytes) | ciphertext and tag``, and the part before the nonce is authenticated.
"""

from __future__ import annotations

import hmac
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.errors import SecretError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_FILE = "secret-storage.key"

_RETURN = (
    "put back the right file, from a backup or from another node. Where it is lost for good, `publisher secrets renew` "
    "gives every webhook a new secret"
)

_FORMAT = 1
_KEY_BYTES = 32
_NONCE_BYTES = 12


class Sealer:
    """Seals with its first key and opens with any. Make it with :meth:`open`."""

    def __init__(self, keys: Mapping[str, bytes], *, place: str = KEY_FILE) -> None:
        if not keys:
            raise SecretError(f"{place} holds no key; put the lost one back, or remove the file if nothing was sealed")
        self._keys = dict(keys)
        self._place = place
        self._ciphers: dict[str, AESGCM] = {}
        self._sealing = next(iter(self._keys))

    @classmethod
    def open(cls, data: Path, *, proof: bytes | None = None, sealed: Collection[bytes] = ()) -> Sealer:
        """The sealer of an installation's ``data`` folder.

        ``proof`` is what :meth:`proof` gave, ``sealed`` something that was sealed. With either, a missing key file is
        an error; without, it is made, mode 0600. Raises SecretError if the file cannot be read as keys, or they are not
        those of the proof and of what was sealed.
        """
        path = data / KEY_FILE
        if not path.exists():
            if proof is not None or sealed:
                raise SecretError(f"{path} is not there, and the webhooks' secrets are sealed with it; {_RETURN}")
            _make(path)
        sealer = cls(_read(path), place=str(path))
        sealer.check(proof, sealed)
        return sealer

    def check(self, proof: bytes | None, sealed: Collection[bytes] = ()) -> None:
        """Raise SecretError, which says what to do, if these were made with other keys.

        With a proof it is enough that the keys are known by their ids: opening something takes a library of 8 MB.
        """
        for one in (*([] if proof is None else [proof]), *sealed):
            key_id = _key_id(one)
            if key_id is not None and key_id not in self._keys:
                raise SecretError(f"{self._place} lacks the key {key_id!r} of what is stored; {_RETURN}")
        if proof is not None and (key_id := _key_id(proof)) and not hmac.compare_digest(proof, self._proof(key_id)):
            raise SecretError(f"the key {key_id!r} in {self._place} is not that of what is stored; {_RETURN}")
        if proof is None:
            for one in sealed:
                self._try(one)

    def _try(self, sealed: bytes) -> None:
        try:
            if _key_id(sealed) is not None:
                self.unseal(sealed)
        except SecretError as error:
            raise SecretError(f"{error}. {self._place} is not the key of what is stored; {_RETURN}") from error

    def proof(self) -> bytes:
        """A proof that shows later whether the present first key is at hand, and reveals nothing of it."""
        return self._proof(self._sealing)

    def _proof(self, key_id: str) -> bytes:
        name = key_id.encode()
        return bytes((_FORMAT, len(name))) + name + hmac.digest(self._keys[key_id], b"publisher", "sha256")

    def seal(self, secret: bytes) -> bytes:
        """The secret, encrypted; every call returns different bytes."""
        name = self._sealing.encode()
        head = bytes((_FORMAT, len(name))) + name
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return head + nonce + self._cipher(self._sealing).encrypt(nonce, secret, head)

    def unseal(self, sealed: bytes) -> bytes:
        """The secret again; raises SecretError if its key is missing or the bytes were altered."""
        from cryptography.exceptions import InvalidTag

        head, key_id = _head(sealed)
        if key_id not in self._keys:
            raise SecretError(
                f"a secret was sealed with key {key_id!r}, which is not in {self._place}; put that line back"
            )
        nonce, rest = sealed[len(head) : len(head) + _NONCE_BYTES], sealed[len(head) + _NONCE_BYTES :]
        try:
            return self._cipher(key_id).decrypt(nonce, rest, head)
        except (InvalidTag, ValueError) as error:
            raise SecretError(f"a secret does not open with key {key_id!r}: it or the key was altered") from error

    def derived(self, purpose: str) -> bytes:
        """32 bytes for one purpose, derived from the sealing key; they reveal nothing of it (HKDF, RFC 5869)."""
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(self._keys[self._sealing])

    def _cipher(self, key_id: str) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if key_id not in self._ciphers:
            self._ciphers[key_id] = AESGCM(self._keys[key_id])
        return self._ciphers[key_id]


def new_key_line() -> str:
    """A line for the key file: a new id and a new key."""
    return f"{secrets.token_hex(4)} {b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}\n"


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Written aside and linked, so that of two processes that start at once both end up with the same whole file.
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(new_key_line())
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()


def _read(path: Path) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise SecretError(f"{path} is no text; it must hold lines of an id and a key in base64") from error
    except OSError as error:
        raise SecretError(f"{path} cannot be read: {error.strerror}") from error
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            key_id, encoded = line.split()
            key = b64decode(encoded, validate=True)
        except ValueError as error:
            raise SecretError(f"{path}:{number}: each line must be an id and a key in base64") from error
        if len(key) != _KEY_BYTES or not 1 <= len(key_id.encode()) <= 255 or key_id in keys:
            raise SecretError(f"{path}:{number}: a key has 32 bytes, and each id stands once")
        keys[key_id] = key
    return keys


def _key_id(sealed: bytes) -> str | None:
    try:
        return _head(sealed)[1]
    except SecretError:
        return None


def _head(sealed: bytes) -> tuple[bytes, str]:
    if len(sealed) < 2 or sealed[0] != _FORMAT or len(sealed) < 2 + sealed[1] + _NONCE_BYTES:
        raise SecretError("what is stored is no sealed secret")
    head = sealed[: 2 + sealed[1]]
    return head, head[2:].decode("utf-8", "replace")
