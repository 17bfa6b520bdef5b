"""Secrets at rest: sealed with AES-256-GCM under a key that has an id, so that the key can be changed.

``data/secret-storage.key`` (``keyfile.py``) holds the keys. The first seals, all of them open; ``publisher keys
rotate-storage`` changes them. A running process goes by the file as it is when it seals, and reads it again for a key
that it does not know: so it goes on while keys are changed. Whoever seals what is stored does so in the transaction
that stores it, once it holds the log (``events.lock``): then none is missed that was sealed by an older key.

A sealed secret is ``1 | length of ID | ID | nonce (12 bytes) | ciphertext and tag``, and the part before the nonce is
authenticated.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.errors import SecretError
from publisher.storage.access import keyfile
from publisher.storage.access.keyfile import KEY_FILE

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["KEY_FILE", "Sealer", "key_id_of"]

_RETURN = (
    "put back the right file, from a backup or from another node. Where it is lost for good, `publisher secrets renew` "
    "gives every webhook a new secret"
)

_FORMAT = 1
_NONCE_BYTES = 12


class Sealer:
    """Seals with its first key and opens with any. Make it with :meth:`open`.

    With a ``path`` it follows what becomes of the file.
    """

    def __init__(self, keys: Mapping[str, bytes], *, place: str = KEY_FILE, path: Path | None = None) -> None:
        if not keys:
            raise SecretError(f"{place} holds no key; put the lost one back, or remove the file if nothing was sealed")
        self._keys = dict(keys)
        self._place = place
        self._ciphers: dict[str, AESGCM] = {}
        self._sealing = next(iter(self._keys))
        self._path = path
        self._seen = self._mark()

    @property
    def sealing(self) -> str:
        """The id of the key that seals."""
        self._follow()
        return self._sealing

    def _mark(self) -> object:
        """What differs once the file was replaced; None where there is none."""
        with suppress(OSError):
            found = self._path.stat() if self._path is not None else None
            return None if found is None else (found.st_ino, found.st_mtime_ns, found.st_size)
        return None

    def _follow(self) -> None:
        """Go by the file as it is now. Keys that it has no more still open here; one that cannot be read changes
        nothing.
        """
        if self._path is None or (mark := self._mark()) == self._seen or mark is None:
            return
        with suppress(SecretError):
            found = keyfile.read(self._path)
            if found:
                self._keys |= found
                self._sealing, self._seen = next(iter(found)), mark

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
            keyfile.make(path)
        sealer = cls(keyfile.read(path), place=str(path), path=path)
        sealer.check(proof, sealed)
        return sealer

    def check(self, proof: bytes | None, sealed: Collection[bytes] = ()) -> None:
        """Raise SecretError, which says what to do, if these were made with other keys.

        With a proof it is enough that the keys are known by their ids: opening something takes a library of 8 MB.
        """
        for one in (*([] if proof is None else [proof]), *sealed):
            key_id = key_id_of(one)
            if key_id is not None and key_id not in self._keys:
                raise SecretError(f"{self._place} lacks the key {key_id!r} of what is stored; {_RETURN}")
        if proof is not None and (key_id := key_id_of(proof)) and not hmac.compare_digest(proof, self._proof(key_id)):
            raise SecretError(f"the key {key_id!r} in {self._place} is not that of what is stored; {_RETURN}")
        if proof is None:
            for one in sealed:
                self._try(one)

    def _try(self, sealed: bytes) -> None:
        try:
            if key_id_of(sealed) is not None:
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
        self._follow()
        name = self._sealing.encode()
        head = bytes((_FORMAT, len(name))) + name
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return head + nonce + self._cipher(self._sealing).encrypt(nonce, secret, head)

    def unseal(self, sealed: bytes) -> bytes:
        """The secret again; raises SecretError if its key is missing or the bytes were altered."""
        from cryptography.exceptions import InvalidTag

        head, key_id = _head(sealed)
        if key_id not in self._keys:
            self._follow()
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


def key_id_of(sealed: bytes) -> str | None:
    """The id of the key that something was sealed with, or that a proof is of; None for what is neither."""
    try:
        return _head(sealed)[1]
    except SecretError:
        return None


def _head(sealed: bytes) -> tuple[bytes, str]:
    if len(sealed) < 2 or sealed[0] != _FORMAT or len(sealed) < 2 + sealed[1] + _NONCE_BYTES:
        raise SecretError("what is stored is no sealed secret")
    head = sealed[: 2 + sealed[1]]
    return head, head[2:].decode("utf-8", "replace")
