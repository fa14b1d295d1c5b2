"""A certificate authority of our own, so that clients verify TLS in tests exactly as they do in the field."""

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True, kw_only=True)
class ServerCertificate:
    """PEM files of one server: certificate and private key."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """What a server of ours needs to speak TLS with this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


class Authority:
    """A CA in `folder`; `ca_file` is what clients are told to trust. `server` is valid for 127.0.0.1 and localhost."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca_file = folder / "ca.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Laboratory CA")
        ours = _builder(self._name, self._name, self._key.public_key(), timedelta(days=2))
        ours = ours.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        ours = ours.add_extension(_usage(sign_certificates=True), critical=True)
        ours = ours.add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
        self.ca_file.write_bytes(ours.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        self.server = self.issue("server")

    def issue(
        self, label: str, *, names: tuple[str, ...] = ("localhost", "127.0.0.1"), lasts: timedelta = timedelta(days=1)
    ) -> ServerCertificate:
        """A server certificate for `names`. A negative `lasts` makes one that has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(label), self._name, key.public_key(), lasts)
        builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(n) for n in names]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = builder.add_extension(issuer, critical=False).sign(self._key, hashes.SHA256())
        files = ServerCertificate(certificate=self.folder / f"{label}.pem", key=self.folder / f"{label}.key")
        files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files.key.write_bytes(_private_pem(key))
        return files

    def certify(self, key: CertificatePublicKeyTypes, target: Path, *, lasts: timedelta = timedelta(days=1)) -> Path:
        """A certificate of ours for somebody else's key, as an application signs in with. Returns `target`."""
        builder = _builder(_name("application"), self._name, key, lasts)
        target.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return target


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: CertificatePublicKeyTypes, lasts: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + lasts)
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
