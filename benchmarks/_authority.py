"""A certificate authority of the benchmark's own, and what it certifies: addresses of this machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Benchmark")])


def make_authority(folder: Path) -> Path:
    """Make it in this folder; returns the file that those are given who shall trust it (``SSL_CERT_FILE``)."""
    key = ec.generate_private_key(ec.SECP256R1())
    (folder / "authority.key").write_bytes(_pem(key))
    certified = _certificate(NAME, key.public_key(), key, x509.BasicConstraints(ca=True, path_length=0))
    trusted = folder / "authority.pem"
    trusted.write_bytes(certified)
    return trusted


def certificate_of(folder: Path, address: str) -> Path:
    """The certificate and key of a server at this address."""
    issuer = serialization.load_pem_private_key((folder / "authority.key").read_bytes(), None)
    assert isinstance(issuer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
    path = folder / f"{address}.pem"
    path.write_bytes(_pem(key) + _certificate(name, key.public_key(), issuer, alternative))
    return path


def _certificate(
    name: x509.Name, key: ec.EllipticCurvePublicKey, issuer: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType
) -> bytes:
    now = datetime.now(UTC)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(NAME)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(identifier, critical=False)
    )
    return certificate.sign(issuer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
