"""Who the builder is at registries, whom it trusts, and which way it goes."""

from __future__ import annotations

import base64
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from fakes import FakeRegistry
from fakes.http.certificates import Certificate, make_certificate
from fakes.http.server import Server
from fakes.registry.manners import Manners
from imagebuilders import BuildContext, DaemonlessImageBuilder, DefaultContainerRegistry
from imagebuilders.exceptions import BuildError, PushError

_USERS = {"ci": "s3cret"}


@pytest.fixture(autouse=True)
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's own configuration out of the tests; return the file in its place."""
    folder = tmp_path / "docker-config"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path / "cache"))
    return folder / "config.json"


def _context(base: str) -> BuildContext:
    context = BuildContext()
    context.add_file(f"FROM {base}\nCOPY a /a\n", "Dockerfile")
    context.add_file("a", "a")
    return context


def _write_helper(config: Path, answer: str, patch: pytest.MonkeyPatch) -> None:
    """Put a credential helper `own` beside the configuration file, and on the path."""
    helper = config.parent / "docker-credential-own"
    helper.write_text(f"#!/bin/sh\necho '{answer}'\n")
    helper.chmod(0o755)
    patch.setenv("PATH", f"{helper.parent}:{os.environ['PATH']}")


@pytest.mark.parametrize("auth", ["basic", "bearer"])
@pytest.mark.parametrize("way", ["component", "config", "variable", "helper"])
def test_credentials(
    auth: str, way: str, docker_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the component, of Docker's configuration file or its helper, and of the environment."""
    with FakeRegistry(auth=auth, users=_USERS) as server:
        server.seed("base:1", files={"a": "a"})
        given: dict[str, Any] = {}
        login = {"auths": {server.address: {"auth": base64.b64encode(b"ci:s3cret").decode()}}}
        if way == "component":
            given = {"username": "ci", "password": "s3cret"}
        elif way == "config":
            docker_config.write_text(json.dumps(login))
        elif way == "helper":
            answer = json.dumps({"Username": "ci", "Secret": "s3cret"})
            _write_helper(docker_config, answer, monkeypatch)
            docker_config.write_text(json.dumps({"credHelpers": {server.address: "own"}}))
        else:
            monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps(login))
        registry = DefaultContainerRegistry(uri=server.address, **given)
        name = f"{server.address}/team/app:1"
        context = _context(f"{server.address}/base:1")
        assert DaemonlessImageBuilder().build(name, context, None, registry)
        assert server.tags("team/app") == ["1"]


def _asked_token(server: FakeRegistry, query: str) -> dict[str, str]:
    """Return what the token service answers to the user."""
    headers = {"Authorization": "Basic " + base64.b64encode(b"ci:s3cret").decode()}
    with server.session() as session:
        answer = session.get(f"http://{server.address}/token?{query}", headers=headers)
    found: dict[str, str] = answer.json()
    return found


@pytest.mark.parametrize("way", ["config", "helper"])
def test_identity_tokens(way: str, docker_config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `docker login` leaves them in the file or in a helper: exchanged, and never sent else."""
    with FakeRegistry(auth="bearer", users=_USERS, identity_tokens=True) as server:
        server.seed("base:1", files={"a": "a"})
        identity = _asked_token(server, "offline_token=true")["refresh_token"]
        if way == "config":
            login = {"auths": {server.address: {"identitytoken": identity}}}
            docker_config.write_text(json.dumps(login))
        else:
            answer = json.dumps({"Username": "<token>", "Secret": identity})
            _write_helper(docker_config, answer, monkeypatch)
            docker_config.write_text(json.dumps({"credHelpers": {server.address: "own"}}))
        registry = DefaultContainerRegistry(uri=server.address)
        name = f"{server.address}/team/app:1"
        server.forget_requests()
        assert DaemonlessImageBuilder().build(
            name, _context(f"{server.address}/base:1"), None, registry
        )
        assert server.tags("team/app") == ["1"]
        asked = [each for each in server.requests if each.path == "/token"]
        assert {each.method for each in asked} == {"POST"}


def test_registry_tokens(docker_config: Path) -> None:
    """A token of the configuration file is sent as it is; the token service is not asked."""
    with FakeRegistry(auth="bearer", users=_USERS) as server:
        scope = "scope=repository:team/app:pull,push"
        token = _asked_token(server, scope)["token"]
        login = {"auths": {server.address: {"registrytoken": token}}}
        docker_config.write_text(json.dumps(login))
        registry = DefaultContainerRegistry(uri=server.address)
        server.forget_requests()
        assert DaemonlessImageBuilder().build(
            f"{server.address}/team/app:1", _context("scratch"), None, registry
        )
        assert [each.path for each in server.requests if each.path == "/token"] == []


def test_an_identity_token_that_is_not_taken_is_no_secret(docker_config: Path) -> None:
    """The error says where it was refused, and not what it is."""
    with FakeRegistry(auth="bearer", users=_USERS, identity_tokens=True) as server:
        login = {"auths": {server.address: {"identitytoken": "made-up-t0ken"}}}
        docker_config.write_text(json.dumps(login))
        registry = DefaultContainerRegistry(uri=server.address)
        with pytest.raises(PushError, match="401") as caught:
            DaemonlessImageBuilder().build(
                f"{server.address}/team/app:1", _context("scratch"), None, registry
            )
        assert "made-up-t0ken" not in str(caught.value) + repr(caught.value)


def test_wrong_credentials_are_no_secret(docker_config: Path) -> None:
    """The error says where they were refused, and not what they are."""
    del docker_config
    with FakeRegistry(auth="basic", users=_USERS) as server:
        registry = DefaultContainerRegistry(uri=server.address, username="ci", password="wr0ng")
        with pytest.raises(PushError) as caught:
            DaemonlessImageBuilder().build(
                f"{server.address}/team/app:1", _context("scratch"), None, registry
            )
        assert "wr0ng" not in str(caught.value) + repr(caught.value)


def test_an_own_authority(tmp_path: Path) -> None:
    """The setting `tls_ca` names it; without it nobody is trusted."""
    with FakeRegistry(tls=True) as server:
        authority = tmp_path / "ca.pem"
        server.certificate.write(authority)
        registry = DefaultContainerRegistry(uri=server.address)
        name = f"{server.address}/team/app:1"
        context = _context("scratch")
        with pytest.raises((PushError, BuildError), match="certificate"):
            DaemonlessImageBuilder().build(name, context, None, registry)
        assert DaemonlessImageBuilder(tls_ca=authority).build(name, context, None, registry)


def test_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registries elsewhere are reached by the proxy that the environment names."""
    asked: list[bytes] = []

    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            asked.append(connection.recv(65536).partition(b"\r\n")[0])
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=answer, args=(listener,))
        thread.start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listener.getsockname()[1]}")
        for name in ("NO_PROXY", "no_proxy", "https_proxy"):
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(BuildError, match=r"registry\.example"):
            DaemonlessImageBuilder().build("app:1", _context("registry.example/base:1"))
        thread.join()
    assert [line.rpartition(b" ")[0] for line in asked] == [b"CONNECT registry.example:443"]


@contextmanager
def _proxy_to(
    registry: FakeRegistry, certificate: Certificate
) -> Iterator[tuple[str, list[bytes]]]:
    """A proxy behind which a registry has a name and a certificate of its own; what it is asked."""
    asked: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(1)
        asked.append(head.partition(b"\r\n")[0])
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        host, port = registry.address.split(":")
        with (
            certificate.server_context().wrap_socket(connection, server_side=True) as inner,
            socket.create_connection((host, int(port))) as outer,
        ):
            back = Thread(target=_pass_on, args=(outer, inner))
            back.start()
            _pass_on(inner, outer)
            back.join()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener, serve, name="proxy")
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        finally:
            server.close()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def test_a_whole_build_by_a_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Base, layers and manifest go through it, and nothing goes past it."""
    certificate = make_certificate("registry.example")
    certificate.write(tmp_path / "ca.pem")
    ways = Manners(relative_locations=True)  # the registry does not know its name there
    with (
        FakeRegistry(auth="basic", users=_USERS, manners=ways) as server,
        _proxy_to(server, certificate) as (proxy, asked),
    ):
        server.seed("base:1", files={"b": "b"})
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        for name in ("NO_PROXY", "no_proxy", "https_proxy"):
            monkeypatch.delenv(name, raising=False)
        registry = DefaultContainerRegistry(
            uri="registry.example/team", username="ci", password="s3cret"
        )
        pushed = DaemonlessImageBuilder(tls_ca=tmp_path / "ca.pem").build(
            "registry.example/team/app:1", _context("registry.example/base:1"), None, registry
        )
        assert pushed.startswith("registry.example/team/app@sha256:")
        assert server.image("team/app:1").read("/a") == b"a"
        assert server.image("team/app:1").read("/b") == b"b"
    assert {line.rpartition(b" ")[0] for line in asked} == {b"CONNECT registry.example:443"}
