"""Connections: how a registry is reached, kept, shared and left."""

from __future__ import annotations

import os
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from registry_clients import ClientFactory, Login, Logins

from fakes import FakeRegistry
from imagebuilders.distribution import TLSFiles
from imagebuilders.exceptions import RegistryAccessError, RegistryConnectionError


def _proxied(proxy: FakeRegistry, user: str = "") -> dict[str, str]:
    return {"http_proxy": f"http://{user}{proxy.address}"}


def test_a_registry_on_this_machine_is_asked_whether_it_has_tls(
    fake_registry_factory: type[FakeRegistry], new_client: ClientFactory
) -> None:
    """In the clear, without credentials, once."""
    plain = fake_registry_factory(auth="basic", users={"ann": "x"})
    client = new_client(plain, credentials=Logins(Login("ann", "x")))
    client.ping()
    client.ping()
    shown = ["authorization" in sent.headers for sent in plain.requests]
    assert shown == [False, False, True, True]


def test_a_registry_elsewhere_has_tls_unless_it_is_said(new_client: ClientFactory) -> None:
    """No name but this machine's is asked in the clear."""
    with pytest.raises(RegistryConnectionError, match=r"https://127\.0\.0\.1\.example/v2/"):
        new_client("127.0.0.1.example", environ={"HTTPS_PROXY": "http://127.0.0.1:1"}).ping()
    with pytest.raises(RegistryConnectionError, match=r"http://127\.0\.0\.1\.example/v2/"):
        new_client(
            "127.0.0.1.example", plain_http=True, environ={"HTTP_PROXY": "http://127.0.0.1:1"}
        ).ping()


def test_a_proxy_is_asked_for_a_registry_elsewhere(
    fake_registry: FakeRegistry, new_client: ClientFactory
) -> None:
    """The double answers for any host, as a proxy does; the password is for the proxy alone."""
    client = new_client(
        "registry.example", plain_http=True, environ=_proxied(fake_registry, "ann:s3cret@")
    )
    client.ping()
    (sent,) = fake_registry.requests
    assert sent.headers["host"] == "registry.example"
    assert "proxy-authorization" in sent.headers
    assert "authorization" not in sent.headers


def test_no_proxy_is_asked_for_a_registry_on_this_machine(
    fake_registry_factory: type[FakeRegistry], new_client: ClientFactory
) -> None:
    """Whatever the environment says."""
    proxy, registry = fake_registry_factory(), fake_registry_factory()
    new_client(registry, environ=_proxied(proxy)).ping()
    assert proxy.requests == []


def test_connections_are_kept(fake_registry: FakeRegistry, new_client: ClientFactory) -> None:
    """One is enough for one request after the other, refused ones included."""
    before = set(threading.enumerate())
    opened: set[threading.Thread] = set()
    repository = new_client(fake_registry).repository("team/app")
    for number in range(5):
        repository.upload_blob(bytes([number]))
        assert repository.blob_size("sha256:" + "1" * 64) is None
        opened |= set(threading.enumerate()) - before
    assert len(opened) == 1  # the double serves each connection in a thread


def test_several_threads_share_a_client(
    fake_registry_factory: type[FakeRegistry], new_client: ClientFactory
) -> None:
    """And its tokens."""
    registry = fake_registry_factory(auth="bearer", users={"ann": "x"})
    logins = Logins(Login("ann", "x"))
    repository = new_client(registry, credentials=logins).repository("team/app")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: repository.upload_blob(bytes([n] * n)), range(40)))
    assert [repository.read_blob(one.digest) for one in found] == [
        bytes([n] * n) for n in range(40)
    ]
    assert len(logins.asked) == 1
    assert sum(sent.path == "/token" for sent in registry.requests) <= 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_opens_connections_of_its_own(
    fake_registry: FakeRegistry, new_client: ClientFactory
) -> None:
    """Answers are not mixed up with the parent's."""
    client = new_client(fake_registry)
    client.ping()
    pools = client._transport._pools
    child = os.fork()
    if not child:
        status = 1
        try:
            client._transport._pool("http", None)
            status = int(client._transport._pools is pools)
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    client.ping()


def test_a_closed_client_may_be_used_again(
    fake_registry: FakeRegistry, new_client: ClientFactory
) -> None:
    """With new connections."""
    client = new_client(fake_registry)
    client.ping()
    client.close()
    client.ping()


def test_authorities_are_read_when_they_are_needed(
    fake_registry: FakeRegistry, new_client: ClientFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which takes a while, and not for a registry without TLS."""

    def forbidden(_: TLSFiles) -> ssl.SSLContext:
        raise AssertionError("read")

    monkeypatch.setattr(TLSFiles, "client_context", forbidden)
    new_client(fake_registry).ping()


def test_a_client_tells_its_registry(new_client: ClientFactory) -> None:
    """And nothing else."""
    client = new_client("registry.example:5000", credentials=Logins(Login("ann", "s3cret")))
    assert repr(client) == "RegistryClient('registry.example:5000')"
    repository = client.repository("team/app")
    assert str(repository) == "registry.example:5000/team/app"
    assert repr(repository) == "<Repository registry.example:5000/team/app>"


def test_the_catalog_may_be_refused(
    fake_registry_factory: type[FakeRegistry], new_client: ClientFactory
) -> None:
    """It is outside the specification."""
    registry = fake_registry_factory(auth="bearer", users={"ann": "x"}, anonymous_pull=True)
    with pytest.raises(RegistryAccessError, match="were not listed"):
        list(new_client(registry).repositories())
