"""A client certificate is presented where it belongs, and no connection or session that has it serves anyone else."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from support.certificates import PEM, Authority
from support.talking import OK, Talk, talking

from publisher.errors import CertificateRefused
from publisher.outbound import Outbound
from publisher.outbound.identity import Identity, checked

LOOPBACK = ["127.0.0.0/8:*"]
NOW = datetime.datetime(2026, 11, 28, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


def made(
    name: str = "client", *, begins: datetime.datetime = NOW - DAY, ends: datetime.datetime = NOW + 3650 * DAY,
    usage: x509.ObjectIdentifier | None = None,
) -> tuple[str, str]:  # fmt: skip
    """A certificate that is signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    secret = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return builder.sign(key, hashes.SHA256()).public_bytes(PEM).decode(), secret.decode()


class Asking:
    """A receiver that asks for a certificate, and notes of each request who came and on which connection."""

    def __init__(self, authority: Authority, *known: str, demands: bool = False) -> None:
        self.context = authority.server("127.0.0.1")
        self.context.verify_mode = ssl.CERT_REQUIRED if demands else ssl.CERT_OPTIONAL
        for one in known:
            self.context.load_verify_locations(cadata=one)
        self.seen: list[tuple[int, str | None]] = []

    async def __call__(self, talk: Talk) -> None:
        while await talk.request():
            peer = talk.writer.get_extra_info("ssl_object").getpeercert()
            name = dict(part for [part] in peer["subject"])["commonName"] if peer else None
            self.seen.append((talk.number, name))
            talk.say(OK)


async def test_it_is_presented_and_its_connections_are_its_own(tmp_path: Path) -> None:
    authority, one, other = Authority(tmp_path), made("one"), made("other")
    asking = Asking(authority, one[0], other[0])
    outbound = Outbound(allow_private=LOOPBACK, tls=authority.trusted())
    identities = [Identity("a", *one), Identity("b", *other), Identity("c", *one), None]
    async with talking(asking, tls=asking.context) as server:
        for _ in range(2):  # the second time on connections that were kept
            for identity in identities:
                result = await outbound.post(server.url(scheme="https"), b"{}", {}, identity=identity)
                assert result.status == 204, result.error
        assert outbound.idle == 4
        exchanged = await outbound.exchange(server.url(scheme="https"), b"{}", {}, 10.0, identities[0])
        assert exchanged.status == 204
        await outbound.close()
    names = ["one", "other", "one", None]
    assert asking.seen == [*enumerate(names), *enumerate(names), (4, "one")]


async def test_no_session_that_was_made_with_it_is_resumed_by_another(tmp_path: Path) -> None:
    authority, one = Authority(tmp_path), made("one")
    asking = Asking(authority, one[0])

    async def hanging_up(talk: Talk) -> None:
        if await talk.request():
            peer = talk.writer.get_extra_info("ssl_object")
            asking.seen.append((int(peer.session_reused), str(bool(peer.getpeercert()))))
            talk.say(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    asking.context.session_stats  # noqa: B018 -- tickets are on by default
    outbound = Outbound(allow_private=LOOPBACK, tls=authority.trusted())
    async with talking(hanging_up, tls=asking.context) as server:
        for identity in (Identity("a", *one), None, Identity("b", *one), None):
            assert (await outbound.post(server.url(scheme="https"), b"{}", {}, identity=identity)).status == 204
        await outbound.close()
    assert [shown for _, shown in asking.seen] == ["True", "False", "True", "False"]
    assert [reused for reused, _ in asking.seen[:3]] == [0, 0, 0]  # the last may go back to the second's


async def test_who_demands_one_is_reached_with_it_alone(tmp_path: Path) -> None:
    authority, one = Authority(tmp_path), made("one")
    asking = Asking(authority, one[0], demands=True)
    asking.context.maximum_version = ssl.TLSVersion.TLSv1_2  # in which it is refused within the handshake
    outbound = Outbound(allow_private=LOOPBACK, tls=authority.trusted())
    async with talking(asking, tls=asking.context) as server:
        refused = await outbound.post(server.url(scheme="https"), b"{}", {})
        taken = await outbound.post(server.url(scheme="https"), b"{}", {}, identity=Identity("a", *one))
        await outbound.close()
    assert (refused.status, taken.status) == (None, 204)
    assert asking.seen == [(1, "one")] or asking.seen == [(0, "one")]


async def test_a_receiver_that_is_not_trusted_is_not_trusted_for_a_certificate(tmp_path: Path) -> None:
    authority, one = Authority(tmp_path), made("one")
    asking = Asking(authority, one[0])
    outbound = Outbound(allow_private=LOOPBACK)
    async with talking(asking, tls=asking.context) as server:
        result = await outbound.post(server.url(scheme="https"), b"{}", {}, identity=Identity("a", *one))
        await outbound.close()
    assert result.status is None and "certificate is not accepted" in (result.error or "")
    assert asking.seen == []


def test_what_can_be_presented_is_shown_without_its_key() -> None:
    certificate, key = made("client-7")
    shown = checked(certificate, key, NOW)
    assert (shown.subject, shown.expires_at, len(shown.sha256)) == ("CN=client-7", NOW + 3650 * DAY, 64)
    assert checked(certificate, key.replace("\n", "\r\n"), NOW) == shown


@pytest.mark.parametrize(
    ("pair", "part", "says"),
    [
        ((made()[0], made()[1]), "key", "not the key of this certificate"),
        (made(ends=NOW), "certificate", "has expired on 2026-11-28"),
        (made(begins=NOW + DAY), "certificate", "not valid before 2026-11-29"),
        (made(usage=ExtendedKeyUsageOID.SERVER_AUTH), "certificate", "not for clients"),
        (("no PEM", made()[1]), "certificate", "no certificate as PEM"),
        ((made()[0], "no PEM"), "key", "no private key as PEM"),
        ((made()[0], made()[0]), "key", "no private key as PEM"),
        ((made()[0], "x" * 70_000), "key", "more than 65,536 characters"),
    ],
)
def test_what_cannot_be_presented_is_refused_with_the_reason(pair: tuple[str, str], part: str, says: str) -> None:
    with pytest.raises(CertificateRefused, match=says) as refused:
        checked(*pair, NOW)
    assert refused.value.part == part


def test_a_key_with_a_password_is_refused() -> None:
    certificate, _ = made()
    key = ec.generate_private_key(ec.SECP256R1())
    locked = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x"))
    with pytest.raises(CertificateRefused, match="without a password"):
        checked(certificate, locked.decode(), NOW)


def test_a_certificate_for_clients_is_taken() -> None:
    assert checked(*made(usage=ExtendedKeyUsageOID.CLIENT_AUTH), NOW).subject == "CN=client"
