"""The SDK's client for the engine that was found."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
import requests
from pytest_mock import MockerFixture

from fakes import FakeDockerClient, FakeDockerEngine
from imagebuilders.auth.config_file import DockerConfigFile
from imagebuilders.auth.credentials import Credentials
from imagebuilders.docker.client import (
    connect,
    engine_addresses,
    engine_version,
)
from imagebuilders.docker.stream import get
from imagebuilders.exceptions import EngineError


@pytest.fixture(autouse=True)
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's Docker configuration, which is not there yet."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


@pytest.fixture(params=["unix", "tcp"])
def address(
    request: pytest.FixtureRequest, fake_engine: FakeDockerEngine, tmp_path: Path
) -> Iterator[str]:
    """Where the engine listens."""
    listen = "tcp://127.0.0.1:0" if request.param == "tcp" else f"unix://{tmp_path}/d.sock"
    with fake_engine.serve(listen) as address:
        yield address


@pytest.fixture
def found(address: str) -> Iterator[docker.DockerClient]:
    """A client for it."""
    client = connect(environ={"DOCKER_HOST": address})
    yield client
    client.close()


def test_the_sdks_calls_work(found: docker.DockerClient, fake_engine: FakeDockerEngine) -> None:
    """Plain ones, streams, and a connection that is taken over."""
    fake_engine.seed_image("base:1", files={"/a": "x"})
    container = found.containers.create("base:1", ["sh"], tty=True)
    assert found.ping()
    assert found.api.api_version == "1.41"
    assert [image.tags for image in found.images.list()] == [["base:1"]]
    assert b"".join(found.images.get("base:1").save())
    taken = found.api.attach_socket(str(container.id), {"stdin": 1, "stream": 1})
    assert taken.fileno() > 0
    taken._response.close()  # as the SDK leaves it to be found


def test_the_version_is_asked_for_once(
    found: docker.DockerClient, fake_engine: FakeDockerEngine
) -> None:
    """What the search was answered is known."""
    assert str(engine_version(found)) == "Docker Engine 20.10.24 (linux/amd64)"
    assert [one.path for one in fake_engine.requests] == ["/version"]


def test_the_first_connection_is_the_searchs(address: str, mocker: MockerFixture) -> None:
    """By ssh, each costs seconds."""
    dial = mocker.spy(sys.modules["imagebuilders.docker.adapter"], "dial")
    client = connect(environ={"DOCKER_HOST": address})
    client.ping()
    client.ping()
    assert dial.call_count == 0
    client.close()
    client.ping()  # a client that was closed opens connections anew
    assert dial.call_count == 1
    client.close()


def test_the_address_is_known(found: docker.DockerClient, address: str) -> None:
    """In the spellings by which config.json may name it; the SDK's own clients tell theirs, too."""
    assert engine_addresses(found) == (address,)
    given = docker.DockerClient(address, version="1.41")
    assert engine_addresses(given)[0] == address
    given.close()


def test_the_address_as_it_was_written(fake_engine: FakeDockerEngine) -> None:
    """It counts beside what it means."""
    with fake_engine.serve("tcp://127.0.0.1:0") as address:
        client = connect(environ={"DOCKER_HOST": address.removeprefix("tcp://")})
        assert engine_addresses(client) == (address.removeprefix("tcp://"), address)
        client.close()


def test_an_address_that_is_not_told() -> None:
    """Some clients lead by ways that have none."""
    client = docker.DockerClient("unix:///x.sock", version="1.41")
    client.api.mount(client.api.base_url, requests.adapters.HTTPAdapter())
    assert engine_addresses(client) == ()
    client.close()


def test_a_client_that_was_given_is_asked(
    client: FakeDockerClient, fake_engine: FakeDockerEngine
) -> None:
    """Nobody has asked it before."""
    assert str(engine_version(client)) == "Docker Engine 20.10.24 (linux/amd64)"
    fake_engine.faults.answer("GET /version", b'{"ApiVersion":"x"}')
    with pytest.raises(EngineError, match="does not answer as a Docker Engine does"):
        engine_version(client)
    fake_engine.faults.answer("GET /version", b"[]")
    with pytest.raises(EngineError, match="not a stream of JSON messages"):
        engine_version(client)
    fake_engine.faults.drop("GET /version")
    with pytest.raises(EngineError, match="broke off"):
        engine_version(client)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed_by_the_sdk(
    found: docker.DockerClient, fake_engine: FakeDockerEngine, code: int, mocker: MockerFixture
) -> None:
    """Registry credentials would reach another server."""
    send = mocker.spy(type(found.api.get_adapter(found.api.base_url)), "send")
    fake_engine.faults.answer("POST /images/*/push", b"", status=code)
    mocker.patch.object(
        requests.Response, "is_redirect", new_callable=mocker.PropertyMock, return_value=True
    )
    mocker.patch.object(requests.Session, "get_redirect_target", return_value="http://other/x")
    with pytest.raises(requests.TooManyRedirects):
        found.api.push("r.example/app", auth_config={"username": "u", "password": "p"})
    assert send.call_count == 1


def test_nothing_of_the_environment_counts(
    found: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`REQUESTS_CA_BUNDLE`, `.netrc` and proxies are for other servers."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/file")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert found.ping()


def test_the_sdks_own_attributes_are_there(found: docker.DockerClient, address: str) -> None:
    """Its constructor is not used: what it makes, its methods count on."""
    given = docker.APIClient(address, version="1.41")
    missing = {name for name in vars(given) if not hasattr(found.api, name)}
    assert missing == set()
    assert found.api.base_url == given.base_url
    assert found.api.headers == given.headers
    given.close()


def test_docker_s_configuration_is_read_once(
    address: str, docker_config: Path, mocker: MockerFixture
) -> None:
    """And not at all when it was read before."""
    load = mocker.spy(DockerConfigFile, "load")
    connect(environ={"DOCKER_HOST": address}).close()
    assert load.call_count == 1
    docker_config.write_text("{")
    connect(environ={"DOCKER_HOST": address}, docker_config=DockerConfigFile()).close()
    assert load.call_count == 1


def test_the_users_settings_are_the_sdks_own(address: str) -> None:
    """Pulls that a user makes by this client log in, and go through the proxies, as always."""
    config = DockerConfigFile(
        auths={
            "r": Credentials("u", "p"),
            "t": Credentials(identity_token="i"),
            "empty": Credentials(),
        },
        credentials_store="store",
        credential_helpers={"h": "helper"},
        proxies={address: {"httpProxy": "http://p"}, "default": {"httpProxy": "http://d"}},
    )
    client = connect(environ={"DOCKER_HOST": address}, docker_config=config)
    kept = vars(client.api)["_auth_configs"]
    assert kept.auths == {
        "r": {"username": "u", "password": "p", "email": None, "serveraddress": "r"},
        "t": {"IdentityToken": "i"},
        "empty": {},
    }
    assert kept.get_credential_store("h") == "helper"
    assert kept.get_credential_store("r") == "store"
    assert vars(client.api)["_proxy_configs"].http == "http://p"
    client.close()


def test_headers_of_the_user_reach_the_engine(address: str, fake_engine: FakeDockerEngine) -> None:
    """They go with every request, the first one included."""
    config = DockerConfigFile(http_headers={"X-Meta": "caf\u00e9"})
    client = connect(environ={"DOCKER_HOST": address}, docker_config=config)
    client.ping()
    get(client, "/info")
    client.close()
    sent = [request.headers["x-meta"] for request in fake_engine.requests]
    assert sent == ["caf\u00c3\u00a9"] * 3  # UTF-8, shown as Latin-1


def test_a_forked_process_has_connections_of_its_own(
    found: docker.DockerClient, mocker: MockerFixture
) -> None:
    """Answers to parent and child would mix on a shared one."""
    dial = mocker.spy(sys.modules["imagebuilders.docker.adapter"], "dial")
    found.ping()
    assert dial.call_count == 0
    mocker.patch("os.getpid", return_value=os.getpid() + 1)
    found.ping()
    found.ping()
    assert dial.call_count == 1


SSH = """\
import os, socket, sys, threading
with open(sys.argv[2], "a") as log:
    log.write(" ".join(sys.argv[3:]) + "\\n")
engine = socket.socket(socket.AF_UNIX)
engine.connect(sys.argv[1])
def up():
    while data := os.read(0, 65536):
        engine.sendall(data)
    engine.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := engine.recv(65536):
    os.write(1, data)
"""


def test_an_engine_by_ssh(
    fake_engine: FakeDockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One run of ssh serves one request after the other; a second one runs beside it."""
    socket_path, log = tmp_path / "d.sock", tmp_path / "log"
    program = tmp_path / "bin/ssh"
    program.parent.mkdir()
    python = shlex.join([sys.executable, "-S", "-E", "-c", SSH, str(socket_path), str(log)])
    program.write_text(f'#!/bin/sh\nexec {python} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    fake_engine.seed_image("base:1", files={"/a": "x" * 100_000})
    with fake_engine.serve(f"unix://{socket_path}"):
        client = connect(environ={"DOCKER_HOST": "ssh://me@[fe80::1]:2222"})
        assert client.ping()
        assert engine_addresses(client) == ("ssh://me@[fe80::1]:2222",)
        saved = client.images.get("base:1").save()
        assert next(saved)
        assert client.ping()
        assert b"".join(saved)
        client.close()
    command = "-l me -p 2222 -o ConnectTimeout=30 -T -- fe80::1 docker system dial-stdio"
    assert log.read_text().splitlines() == [command] * 2
