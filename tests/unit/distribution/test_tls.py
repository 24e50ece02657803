"""TLS with registries: who is trusted, what is shown, and how failures are told."""

from __future__ import annotations

import ssl
from contextlib import suppress
from pathlib import Path

import pytest
from registry_clients import ClientFactory, Login, Logins

from fakes import FakeRegistry
from imagebuilders.distribution import TLSFiles
from imagebuilders.exceptions import ConfigurationError, RegistryConnectionError


@pytest.fixture
def encrypted(fake_registry_factory: type[FakeRegistry]) -> FakeRegistry:
    """A registry with TLS."""
    return fake_registry_factory(tls=True)


def test_an_authority_is_trusted_as_docker_trusts_it(
    encrypted: FakeRegistry, new_client: ClientFactory, tmp_path: Path
) -> None:
    """From the registry's folder of `certs.d`."""
    encrypted.certificate.write(tmp_path / encrypted.address / "ca.crt")
    files = TLSFiles.find(encrypted.address, tmp_path)
    new_client(encrypted, tls=files).ping()


def test_a_stranger_among_authorities_is_told(
    encrypted: FakeRegistry, new_client: ClientFactory
) -> None:
    """No credentials are sent, nothing is tried again, and the error says what to do."""
    login = Logins(Login("ann", "s3cret"))
    with pytest.raises(RegistryConnectionError, match=r"is not trusted .*ca\.crt") as caught:
        new_client(encrypted, credentials=login).ping()
    assert not caught.value.is_transient
    assert login.asked == []
    assert encrypted.requests == []


def test_another_name_than_the_certificates_is_told(
    encrypted: FakeRegistry, new_client: ClientFactory, tmp_path: Path
) -> None:
    """A certificate for 127.0.0.1 is none for 127.0.0.2."""
    address = encrypted.address.replace("127.0.0.1", "127.0.0.2")
    files = TLSFiles((encrypted.certificate.write(tmp_path / "ca.crt"),))
    registry = new_client(address, tls=files, plain_http=False)
    with pytest.raises(RegistryConnectionError):
        registry.ping()


def test_a_registry_without_tls_is_told(
    fake_registry: FakeRegistry, new_client: ClientFactory
) -> None:
    """When TLS was wanted."""
    with pytest.raises(RegistryConnectionError, match=r"does not speak TLS.*plain_http=True"):
        new_client(fake_registry, plain_http=False).ping()


def test_a_certificate_is_shown(encrypted: FakeRegistry, tmp_path: Path) -> None:
    """To a server that wants one."""
    pair = encrypted.certificate
    folder = tmp_path / encrypted.address
    pair.write(folder / "ca.crt")
    (folder / "client.cert").write_bytes(pair.certificate)
    (folder / "client.key").write_bytes(pair.key)
    wanting = pair.server_context()
    wanting.verify_mode = ssl.CERT_REQUIRED
    wanting.load_verify_locations(cadata=pair.certificate.decode())
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = wanting.wrap_bio(to_server, to_client, server_side=True)
    showing = TLSFiles.find(encrypted.address, tmp_path).client_context()
    client = showing.wrap_bio(to_client, to_server, server_hostname="localhost")
    for side in (client, server, client, server):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    assert server.getpeercert(binary_form=True) == ssl.PEM_cert_to_DER_cert(
        pair.certificate.decode()
    )


@pytest.mark.parametrize(
    ("present", "missing"), [("client.cert", "client.key"), ("client.key", "client.cert")]
)
def test_a_certificate_needs_its_key(tmp_path: Path, present: str, missing: str) -> None:
    """And a key its certificate."""
    (tmp_path / "r.example").mkdir()
    (tmp_path / "r.example" / present).touch()
    with pytest.raises(ConfigurationError, match=f"{present} needs {missing} beside it"):
        TLSFiles.find("r.example", tmp_path)


def test_a_registry_without_a_folder_has_no_files(tmp_path: Path) -> None:
    """The system's authorities count."""
    assert TLSFiles.find("r.example", tmp_path) == TLSFiles()


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        (TLSFiles((Path("missing.crt"),)), "missing.crt cannot be read: No such file"),
        (TLSFiles((Path("empty.crt"),)), "empty.crt does not have certificates in PEM form"),
        (
            TLSFiles(client_certificates=((Path("missing.cert"), Path("empty.crt")),)),
            "missing.cert cannot be read",
        ),
        (
            TLSFiles(client_certificates=((Path("empty.crt"), Path("empty.crt")),)),
            "empty.crt and empty.crt are not a certificate and its key",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    files: TLSFiles,
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    new_client: ClientFactory,
) -> None:
    """At once, without a connection."""
    monkeypatch.chdir(tmp_path)
    Path("empty.crt").touch()
    with pytest.raises(ConfigurationError, match=complaint):
        new_client("127.0.0.1:1", tls=files, plain_http=False).ping()
