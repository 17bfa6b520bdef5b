"""What a webhook is sent with: signatures by key pairs, secrets that overlap, and what is sealed beside them."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import pytest
import standardwebhooks
import svix
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from support.deliveries import append, states
from support.delivering import Bench, endpoint, eventually

from publisher.clock import to_micros
from publisher.delivery import signing
from publisher.delivery.credentials import MOST_PREVIOUS, Credentials, Secret
from publisher.errors import SecretError
from publisher.model import DeliveryState
from publisher.model.credentials import Signature
from publisher.storage.engine.database import Tx
from publisher.storage.subscriptions import credentials

DAY = 86_400.0


def signatures(headers: Mapping[str, str], scheme: str) -> list[bytes]:
    """By the specification's own words: a list, separated by spaces, of scheme, comma and base64."""
    return [
        b64decode(text.partition(",")[2], validate=True)
        for text in headers["webhook-signature"].split(" ")
        if text.partition(",")[0] == scheme
    ]


def verifies(public_key: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether some ``v1a`` signature is that of the pair's private key over ``id.timestamp.body``."""
    key = Ed25519PublicKey.from_public_bytes(b64decode(public_key.removeprefix("whpk_"), validate=True))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    for one in signatures(headers, "v1a"):
        try:
            key.verify(one, signed)
        except InvalidSignature:
            continue
        return True
    return False


def accepted(secret: str, got: Any) -> bool:
    try:
        svix.Webhook(secret).verify(got.body, got.headers)
        standardwebhooks.Webhook(secret).verify(got.body, got.headers)
    except standardwebhooks.WebhookVerificationError:
        return False
    return True


async def test_a_webhook_with_both_schemes_is_verified_by_each(any_bench: Bench) -> None:
    own = Credentials.new(Signature.BOTH)
    assert own.secret is not None and own.public_key is not None
    async with endpoint() as receiver, any_bench.running():
        await any_bench.subscribe(receiver.url(), credentials=own)
        await append(any_bench.db)
        await receiver.until(lambda: len(receiver.taken) == 1)
    [got] = receiver.got
    assert accepted(own.secret, got) and verifies(own.public_key, got.headers, got.body)
    other = Credentials.new(Signature.V1A).public_key
    assert other is not None
    assert not verifies(other, got.headers, got.body) and not verifies(own.public_key, got.headers, got.body + b" ")


async def test_a_webhook_with_v1a_alone_has_no_shared_secret(bench: Bench) -> None:
    own = Credentials.new(Signature.V1A)
    assert (own.secret, own.signature) == (None, Signature.V1A)
    async with endpoint() as receiver, bench.running():
        await bench.subscribe(receiver.url(), credentials=own)
        await append(bench.db)
        await receiver.until(lambda: len(receiver.taken) == 1)
    assert signatures(receiver.got[0].headers, "v1") == []
    assert own.public_key is not None and verifies(own.public_key, receiver.got[0].headers, receiver.got[0].body)


def test_a_private_key_is_the_seed_and_the_public_key_as_others_write_it() -> None:
    # From RFC 8032 section 7.1, test 2.
    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    public = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    private = signing.PRIVATE_PREFIX + b64encode(seed + public).decode()
    assert signing.public_key_of(private) == signing.PUBLIC_PREFIX + b64encode(public).decode()
    headers = signing.headers(private, "evt_1", 1_700_000_000, b"{}")
    assert verifies(signing.public_key_of(private), headers, b"{}")
    with pytest.raises(ValueError, match="second half"):
        signing.opened(signing.PRIVATE_PREFIX + b64encode(seed + bytes(32)).decode())


async def rotate(bench: Bench, id_: str, own: Credentials, overlap: float) -> Credentials:
    def write(tx: Tx) -> Credentials:
        made = own.rotated(tx.now, overlap)
        credentials.replace(tx, id_, bench.sealer.seal(made.written()), made.shown())
        return made

    return await bench.db.write(write)


async def test_both_secrets_verify_until_the_overlap_ends_and_then_the_new_one_alone(any_bench: Bench) -> None:
    bench, old = any_bench, Credentials.new(Signature.BOTH)
    async with endpoint() as receiver, bench.running(now=bench.db.now):
        webhook = await bench.subscribe(receiver.url(), credentials=old)
        new = await rotate(bench, webhook.id, old, DAY)
        await append(bench.db)
        await receiver.until(lambda: len(receiver.taken) == 1)
        bench.clock.advance(DAY - 1)
        await append(bench.db)
        await receiver.until(lambda: len(receiver.taken) == 2)
        bench.clock.advance(1)
        await append(bench.db)
        await receiver.until(lambda: len(receiver.taken) == 3)
    for place, got in enumerate(receiver.got):
        more, pairs = signatures(got.headers, "v1")[1:], signatures(got.headers, "v1a")[1:]
        assert (len(more), len(pairs)) == ((1, 1) if place < 2 else (0, 0))
        for one, counts in ((new, True), (old, place < 2)):
            assert signed_by(one, got) is counts
            assert one.public_key is not None and verifies(one.public_key, got.headers, got.body) is counts


def signed_by(own: Credentials, got: Any) -> bool:
    """As :func:`accepted`, whatever the clock of the machine says."""
    assert own.secret is not None
    signed = signing.sign(own.secret, got.id, int(got.headers["webhook-timestamp"]), got.body)
    return signed in got.headers["webhook-signature"].split()


async def test_others_libraries_accept_either_secret_during_the_overlap(bench: Bench) -> None:
    old = Credentials.new(Signature.V1)
    async with endpoint() as receiver, bench.running():  # signed by the machine's own clock
        webhook = await bench.subscribe(receiver.url(), credentials=old)
        later = old.rotated(to_micros(bench.db.now()), 0)
        assert [one.until for one in later.secrets] == [None]
        made = Credentials((later.secrets[0], Secret(old.secrets[0].text, 4 * 10**15)))
        await bench.db.write(credentials.replace, webhook.id, bench.sealer.seal(made.written()), made.shown())
        await append(bench.db)
        await receiver.until(lambda: len(receiver.taken) == 1)
    assert made.secret is not None and old.secret is not None
    assert accepted(made.secret, receiver.got[0]) and accepted(old.secret, receiver.got[0])
    assert not accepted(signing.new_secret(), receiver.got[0])


async def test_a_rotation_without_overlap_holds_for_what_waits_already(any_bench: Bench) -> None:
    bench, old = any_bench, Credentials.new(Signature.V1)
    running = bench.running(schedule=[60.0] * 3, now=bench.db.now)
    async with endpoint(lambda number: 500 if number == 0 else 204) as receiver, running as deliverer:
        webhook = await bench.subscribe(receiver.url(), credentials=old)
        await append(bench.db)
        await receiver.until(lambda: len(receiver.got) == 1)
        await eventually(lambda: states(bench.db, webhook), [DeliveryState.RETRYING])
        new = await rotate(bench, webhook.id, old, 0)
        bench.clock.advance(120)
        deliverer.wake()
        await receiver.until(lambda: len(receiver.taken) == 1)
    assert [signed_by(old, got) for got in receiver.got] == [True, False]
    assert signed_by(new, receiver.got[1])


def test_rotations_within_an_overlap_are_bounded_and_none_lives_longer_for_another() -> None:
    own, now = Credentials.new(Signature.BOTH), 10**15
    first = own.rotated(now, 3600)
    assert [one.until for one in first.secrets] == [None, None, now + 3600 * 10**6, now + 3600 * 10**6]
    second = first.rotated(now, DAY)
    assert sorted({one.until for one in second.secrets if one.until}) == [now + 3600 * 10**6, now + round(DAY * 1e6)]
    for _ in range(20):
        own = own.rotated(now, DAY)
    assert len(own.secrets) == 2 * (1 + MOST_PREVIOUS)
    assert all(one.until is None for one in own.rotated(now, 0).secrets)
    assert len(own.rotated(now + round(2 * DAY * 1e6), DAY).secrets) == 4


def test_what_is_stored_is_read_again_and_a_plain_secret_stays_plain() -> None:
    plain = Credentials.new(Signature.V1)
    assert plain.written().decode() == plain.secret
    full = Credentials(Credentials.new(Signature.BOTH).rotated(1, DAY).secrets, {"X-Tenant": "a"}, "Bearer x", "C", "K")
    for one in (plain, full):
        assert Credentials.read(one.written()) == one
    with pytest.raises(SecretError):
        Credentials.read(json.dumps({"secrets": [], "later": 1}).encode())


async def test_own_headers_and_an_authorization_go_with_every_attempt_and_replace_none_of_ours(bench: Bench) -> None:
    own = Credentials(
        Credentials.new(Signature.V1).secrets, {"X-Tenant": "kopi", "content-TYPE": "x"}, "Bearer hunter2"
    )
    async with endpoint(lambda number: 500 if number == 0 else 204) as receiver, bench.running():
        await bench.subscribe(receiver.url(), credentials=own)
        await append(bench.db)
        await receiver.until(lambda: len(receiver.taken) == 1)
    for got in receiver.got:
        assert (got.headers["x-tenant"], got.headers["authorization"]) == ("kopi", "Bearer hunter2")
        assert got.headers["content-type"] == "application/json"
