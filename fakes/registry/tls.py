"""A certificate made on the spot, for a registry that serves HTTPS."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from imagebuilders.exceptions import ConfigurationError

_LOOPBACK = ("127.0.0.1", "::1")
_LIFETIME = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate and its key, both PEM.

    Attributes:
        certificate: what clients have to trust: it is its own certificate authority.
        key: the private key.
    """

    certificate: bytes
    key: bytes = field(repr=False)

    def server_context(self) -> ssl.SSLContext:
        """A context for the serving side."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # The standard library reads a key from a file only.
        with tempfile.TemporaryDirectory(prefix="fake-registry-") as folder:
            path = Path(folder, "server.pem")
            path.touch(mode=0o600)
            path.write_bytes(self.key + self.certificate)
            context.load_cert_chain(path)
        return context

    def client_context(self) -> ssl.SSLContext:
        """A context for clients in Python that trusts this certificate and no other."""
        return ssl.create_default_context(cadata=self.certificate.decode())

    def write(self, path: str | Path) -> Path:
        """Write the certificate, as in `/etc/docker/certs.d/<address>/ca.crt`.

        Folders that are missing are made.
        """
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.certificate)
        return target


def make_certificate(host: str) -> Certificate:
    """Make a certificate for `localhost`, 127.0.0.1, ::1 and `host`, good for a day.

    Raises:
        ConfigurationError: the package `cryptography` is not installed.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError as error:
        raise ConfigurationError(
            "FakeRegistry(tls=True) makes its certificate with the package `cryptography`: "
            "pip install 'imagebuilders[tls]'",
            key="tls",
        ) from error
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "fake registry")])
    now = datetime.datetime.now(datetime.timezone.utc)
    alternatives: list[x509.GeneralName] = [x509.DNSName("localhost")]
    alternatives += [x509.IPAddress(ipaddress.ip_address(text)) for text in _LOOPBACK]
    if host not in ("localhost", *_LOOPBACK):
        is_number = ":" in host or host.replace(".", "").isdigit()
        alternatives.append(
            x509.IPAddress(ipaddress.ip_address(host)) if is_number else x509.DNSName(host)
        )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Certificate(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
