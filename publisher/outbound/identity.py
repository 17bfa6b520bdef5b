"""A client certificate (mutual TLS): checked where it is given, and presented to one endpoint alone."""

from __future__ import annotations

import os
import ssl
import tempfile
from datetime import datetime
from typing import TYPE_CHECKING

from publisher.errors import CertificateRefused
from publisher.model.credentials import ShownCertificate

if TYPE_CHECKING:
    from cryptography import x509

LONGEST = 64 * 1024
"""Characters of a certificate with its chain, or of a key."""


class Identity:
    """A certificate and its key, for the connections of one webhook.

    ``name`` tells its connections and sessions from all others: a connection that was made with it serves no other
    request. Two with the same certificate have different names.
    """

    __slots__ = ("_certificate", "_key", "name")

    def __init__(self, name: str, certificate: str, key: str) -> None:
        self.name = name
        self._certificate = certificate
        self._key = key

    def context(self, trust: ssl.SSLContext) -> ssl.SSLContext:
        """A context that trusts whom ``trust`` does and presents this certificate; raises ssl.SSLError, OSError."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.options = trust.options
        made.minimum_version = trust.minimum_version
        made.verify_flags = trust.verify_flags
        made.check_hostname, made.verify_mode = trust.check_hostname, trust.verify_mode
        made.set_alpn_protocols(["http/1.1"])
        if known := trust.get_ca_certs(binary_form=True):
            made.load_verify_locations(cadata=b"".join(known))
        else:
            made.load_default_certs()
        _load(made, self._certificate, self._key)
        return made


def checked(certificate: str, key: str, now: datetime) -> ShownCertificate:
    """What is shown of a certificate that can be presented; raises CertificateRefused, which says why not."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    for name, given in (("certificate", certificate), ("key", key)):
        if len(given) > LONGEST:
            raise CertificateRefused(f"has more than {LONGEST:,} characters", name)
    found = _leaf(certificate)
    try:
        private = load_pem_private_key(key.encode(), None)
    except TypeError as error:
        raise CertificateRefused("is encrypted; give it without a password, it is stored sealed", "key") from error
    except Exception as error:  # the library has an error of its own for each way to be no key
        raise CertificateRefused("is no private key as PEM, as in -----BEGIN PRIVATE KEY-----", "key") from error
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*form) != found.public_key().public_bytes(*form):
        raise CertificateRefused("is not the key of this certificate", "key")
    if found.not_valid_after_utc <= now:
        raise CertificateRefused(f"has expired on {found.not_valid_after_utc:%Y-%m-%d}", "certificate")
    if found.not_valid_before_utc > now:
        raise CertificateRefused(f"is not valid before {found.not_valid_before_utc:%Y-%m-%d}", "certificate")
    try:
        uses = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        uses = None
    if uses is not None and x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH not in uses:
        raise CertificateRefused("is not for clients: its extended key usage lacks clientAuth", "certificate")
    try:
        _load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certificate, key)
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise CertificateRefused(f"cannot be used: {reason}", "certificate") from error
    return certificate_shown(certificate)


def certificate_shown(certificate: str) -> ShownCertificate:
    """What may be shown of a certificate; raises CertificateRefused for what is none."""
    from cryptography.hazmat.primitives.hashes import SHA256

    found = _leaf(certificate)
    return ShownCertificate(
        subject=found.subject.rfc4514_string()[:500],
        sha256=found.fingerprint(SHA256()).hex(),
        expires_at=found.not_valid_after_utc,
    )


def _leaf(certificate: str) -> x509.Certificate:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(certificate.encode())[0]
    except ValueError as error:
        said = "is no certificate as PEM, as in -----BEGIN CERTIFICATE-----"
        raise CertificateRefused(said, "certificate") from error


def _load(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Python's ssl takes files alone: one in memory where the system has that, else one that is deleted at once."""
    both = f"{key.strip()}\n{certificate.strip()}\n".encode()

    def no_password() -> bytes:  # else OpenSSL would ask at the terminal
        return b""

    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(both)
            context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=no_password)
        finally:
            os.close(descriptor)
        return
    with tempfile.NamedTemporaryFile() as named:  # mode 0600
        named.write(both)
        named.flush()
        context.load_cert_chain(named.name, password=no_password)
