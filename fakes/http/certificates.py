"""A certificate made on the spot, for a double that serves TLS."""

from __future__ import annotations

import datetime
import ipaddress
import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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
        with tempfile.TemporaryDirectory(prefix="fake-server-") as folder:
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
    with _own_datetime():
        return _made(host)


def _made(host: str) -> Certificate:
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError as error:
        raise ConfigurationError(
            "a double makes its certificate with the package `cryptography`: "
            "pip install 'imagebuilders[tls]'",
            key="tls",
        ) from error
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "fake server")])
    now = _machine_time()
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


def _machine_time() -> datetime.datetime:
    """The time by which clients judge a certificate, even where Python's own is frozen.

    Libraries that freeze time in tests change what Python says of it, and not what the file
    system does.
    """
    with tempfile.TemporaryFile() as file:
        moment = os.fstat(file.fileno()).st_mtime
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc)


@contextmanager
def _own_datetime() -> Iterator[None]:
    """Let `datetime.datetime` be Python's own class, which a test's frozen time has replaced.

    The package `cryptography` takes no other, and if it saw another one first it would take
    Python's own no more for as long as the process lives.
    """
    there = datetime.datetime
    own = next(kind for kind in there.__mro__ if kind.__module__ == "datetime")
    setattr(datetime, "datetime", own)  # noqa: B010  (a class is no variable for type checkers)
    try:
        yield
    finally:
        setattr(datetime, "datetime", there)  # noqa: B010
