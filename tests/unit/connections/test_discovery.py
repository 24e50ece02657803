"""Finding a Docker Engine."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import docker
import pytest
from pytest_mock import MockerFixture

from fakes import FakeDockerClient, FakeDockerEngine
from imagebuilders.auth.config_file import DockerConfigFile
from imagebuilders.connections import discovery as engine
from imagebuilders.connections.discovery import connect, describe_engine, usual_sockets
from imagebuilders.events import Event, Notice, listen
from imagebuilders.exceptions import ConfigurationError, EngineError, EngineNotFoundError

Serve = Callable[..., Path]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Open a socket with an engine behind it; a fault can answer every request instead."""
    with ExitStack() as served:

        def start(
            name: str, content: bytes | None = None, status: int = 200, dropped: bool = False
        ) -> Path:
            engine = FakeDockerEngine("20.10")
            if dropped:
                engine.faults.drop("*", times=None)
            elif content is not None:
                engine.faults.answer("*", content, status=status, times=None)
            path = tmp_path / name
            served.enter_context(engine.serve(f"unix://{path}"))
            return path

        yield start


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment with a home folder and nothing else."""
    return {"HOME": str(tmp_path)}


def _context(home: str, name: str, host: str, *, current: bool = False) -> None:
    config = Path(home, ".docker")
    meta = config / "contexts/meta" / hashlib.sha256(name.encode()).hexdigest()
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Endpoints": {"docker": {"Host": host}}}))
    if current:
        (config / "config.json").write_text(json.dumps({"currentContext": name}))


def _attempts(error: EngineNotFoundError) -> list[tuple[str, str, str]]:
    return [(one.source, one.address, one.outcome) for one in error.attempts]


def test_docker_host_wins(serve: Serve, environ: dict[str, str]) -> None:
    """Its client speaks the API version the engine offers."""
    path = serve("a.sock")
    _context(environ["HOME"], "other", "unix:///nowhere", current=True)
    client = connect(environ={**environ, "DOCKER_HOST": f"unix://{path}"}, sockets=[])
    assert isinstance(client, docker.DockerClient)
    assert client.api.api_version == "1.41"
    assert client.api.timeout == engine.REQUEST_TIMEOUT_SECONDS
    assert describe_engine(client) == "Docker Engine 20.10.24 (linux/amd64)"
    client.close()


def test_a_dead_docker_host_is_the_end(serve: Serve, environ: dict[str, str]) -> None:
    """Who sets `DOCKER_HOST` does not want another engine."""
    other = serve("a.sock")
    environ["DOCKER_HOST"] = "unix:///no/such.sock"
    with pytest.raises(EngineNotFoundError) as caught:
        connect(environ=environ, sockets=[other])
    assert _attempts(caught.value) == [("DOCKER_HOST", "unix:///no/such.sock", "no such socket")]


@pytest.mark.parametrize("chosen_by", ["config", "environment"])
def test_the_docker_context_comes_next(
    serve: Serve, environ: dict[str, str], chosen_by: str
) -> None:
    """`DOCKER_CONTEXT` or the configuration file names it."""
    path = serve("colima.sock")
    _context(environ["HOME"], "colima", f"unix://{path}", current=chosen_by == "config")
    if chosen_by == "environment":
        environ["DOCKER_CONTEXT"] = "colima"
    connect(environ=environ, sockets=[]).close()


@pytest.mark.parametrize("exists", [True, False])
def test_a_dead_context_of_the_environment_is_the_end(
    serve: Serve, environ: dict[str, str], exists: bool
) -> None:
    """It is the user's word, as `DOCKER_HOST` is."""
    other = serve("a.sock")
    environ["DOCKER_CONTEXT"] = "x"
    if exists:
        _context(environ["HOME"], "x", "unix:///no/such.sock")
    with pytest.raises(EngineNotFoundError) as caught:
        connect(environ=environ, sockets=[other])
    [(source, _, outcome)] = _attempts(caught.value)
    assert source == "DOCKER_CONTEXT 'x'"
    assert ("no such socket" if exists else "there is no Docker context 'x'") in outcome


@pytest.mark.parametrize("heard", [True, False])
def test_a_dead_current_context_is_left_with_a_notice(
    serve: Serve, environ: dict[str, str], heard: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Another engine is taken, but not silently."""
    other = serve("a.sock")
    _context(environ["HOME"], "desktop", "unix:///no/such.sock", current=True)
    told: list[Event] = []
    if heard:
        with listen(told.append):
            connect(environ=environ, sockets=[other]).close()
        [notice] = told
        assert isinstance(notice, Notice)
        text = notice.message
    else:
        connect(environ=environ, sockets=[other]).close()
        [text] = caplog.messages
    assert "current Docker context 'desktop' (unix:///no/such.sock) does not answer" in text
    assert f"Using the engine at unix://{other} instead" in text


def test_the_default_context_means_the_usual_sockets(serve: Serve, environ: dict[str, str]) -> None:
    """`default` is the name of having no context."""
    path = serve("a.sock")
    environ["DOCKER_CONTEXT"] = "default"
    connect(environ=environ, sockets=["/no/such.sock", path]).close()


def test_when_nothing_answers_the_error_lists_what_was_tried(
    serve: Serve, environ: dict[str, str], tmp_path: Path
) -> None:
    """In order, each with what it answered, and the two common causes."""
    refused = tmp_path / "refused.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(refused))
    sockets = [
        tmp_path / "missing.sock",
        refused,
        serve("broken.sock", b'{"message":"out of order"}', status=500),
        serve("web.sock", b"<html>"),
        serve("list.sock", b"[]"),
        serve("old.sock", b'{"ApiVersion":"1.10"}'),
        serve("mute.sock", dropped=True),
    ]
    with pytest.raises(RuntimeError) as caught:
        connect(environ=environ, sockets=sockets)
    assert isinstance(caught.value, EngineNotFoundError)
    outcomes = [one.outcome for one in caught.value.attempts]
    assert outcomes[:5] == [
        "no such socket",
        "connection refused",
        "answered with HTTP status 500: out of order",
        "answered, but not as a Docker Engine does",
        "answered, but not as a Docker Engine does",
    ]
    assert "1.24" in outcomes[5]
    assert outcomes[6] in ("connection reset by peer", "closed the connection without an answer")
    text = str(caught.value)
    assert f"  2. unix://{refused} (usual socket): connection refused\n" in text
    assert "The Docker daemon is not running" in text
    assert f"{tmp_path}/.docker/config.json" in text
    assert "set DOCKER_CONFIG to the folder" in text


def test_a_socket_that_does_not_answer_is_given_up(environ: dict[str, str], tmp_path: Path) -> None:
    """An engine that hangs costs the ping's time limit, no more."""
    path = tmp_path / "slow.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with pytest.raises(EngineNotFoundError) as caught:
            connect(environ=environ, sockets=[path], ping_timeout=0.01)
    assert caught.value.attempts[0].outcome == "no answer within 0.01 s"


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (PermissionError(13, "Permission denied"), "permission denied"),
        (socket.gaierror(-2, "Name or service not known"), "the host name is not known"),
        (ValueError("wrapped", ConnectionRefusedError(111, "Refused")), "refused"),
        (OSError("no strerror"), "no strerror"),
        (TypeError("invalid port"), "invalid port"),
        (OSError(ssl.SSLError(1, "wrong version number")), "TLS failed: "),
    ],
)
def test_an_outcome_is_the_innermost_cause(error: Exception, outcome: str) -> None:
    """The layers of the HTTP libraries are left away."""
    assert engine._outcome(error, 5).startswith(outcome)


@pytest.mark.parametrize("address", ["fd://3", "nonsense://x", "npipe:////./pipe/docker"])
def test_an_address_the_sdk_cannot_use_is_an_outcome(environ: dict[str, str], address: str) -> None:
    """It is reported as the other troubles are."""
    with pytest.raises(EngineNotFoundError) as caught:
        connect(environ={**environ, "DOCKER_HOST": address}, sockets=[])
    assert caught.value.attempts[0].outcome


@pytest.mark.parametrize(
    ("variables", "verify"),
    [
        ({"DOCKER_TLS_VERIFY": "1"}, True),
        ({"DOCKER_CERT_PATH": "{home}/.docker"}, False),
        ({"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "{home}/.docker"}, True),
    ],
)
def test_tls_comes_from_the_environment(
    environ: dict[str, str], tmp_path: Path, variables: dict[str, str], verify: bool
) -> None:
    """The variables mean what they mean to the Docker SDKs."""
    (tmp_path / ".docker").mkdir()
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / ".docker" / name).touch()
    environ.update({key: value.format(home=tmp_path) for key, value in variables.items()})
    files = engine._tls_from(environ)
    assert files is not None
    assert files.verify is verify
    config = engine._tls_config(files)
    assert config is not None
    assert config.cert == (str(tmp_path / ".docker/cert.pem"), str(tmp_path / ".docker/key.pem"))
    assert config.ca_cert == str(tmp_path / ".docker/ca.pem")


def test_the_environment_does_not_change_whom_the_engine_trusts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`REQUESTS_CA_BUNDLE` and `.netrc` are for other servers; proxies are for all."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    api = docker.APIClient("tcp://engine:2375", version="1.41")
    engine._shield(api)
    assert api.trust_env is False
    assert api.proxies["http"] == "http://proxy:1"
    api.close()


def test_no_tls_without_its_variables(environ: dict[str, str]) -> None:
    """Plain is the default."""
    assert engine._tls_from(environ) is None
    assert engine._tls_config(None) is None


def test_the_usual_sockets_are_many(environ: dict[str, str]) -> None:
    """The system's comes first, Podman's last."""
    sockets = [str(path) for path in usual_sockets({**environ, "XDG_RUNTIME_DIR": "/run/me"})]
    home = environ["HOME"]
    assert sockets[0] == "/var/run/docker.sock"
    assert sockets[1] == "/run/me/docker.sock"
    assert f"{home}/.docker/run/docker.sock" in sockets
    assert f"{home}/.colima/default/docker.sock" in sockets
    assert "/run/me/podman/podman.sock" in sockets
    assert sockets[-1] == "/run/podman/podman.sock"
    assert str(usual_sockets(environ)[1]) == f"/run/user/{os.getuid()}/docker.sock"


def test_podman_is_called_by_its_name(serve: Serve, environ: dict[str, str]) -> None:
    """The description says which product answers."""
    version = {
        "ApiVersion": "1.41",
        "Version": "5.4.2",
        "Os": "linux",
        "Arch": "amd64",
        "Components": [{"Name": "Podman Engine"}],
    }
    path = serve("p.sock", json.dumps(version).encode())
    client = connect(environ=environ, sockets=[path])
    assert describe_engine(client) == "Podman Engine 5.4.2 (linux/amd64)"
    client.close()


def test_an_engine_that_went_away_cannot_be_described() -> None:
    """The SDK's error does not come through."""
    engine = FakeDockerEngine("20.10")
    engine.faults.drop("GET /version")
    client = FakeDockerClient(engine)
    with pytest.raises(EngineError, match="broke off"):
        describe_engine(client)
    client.close()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b'{"auths": null, "credHelpers": null, "proxies": null, "HttpHeaders": null}',
        b'{"auths": {"r:1": null}}',
        b'{"auths": {"r:1": {"auth": "!!!"}}}',
        b'{"auths": {"r:1": 5}}',
        b'{"auths": {"r:1": {"auth": "dTpw5A=="}}}',
        b"{} and more",
        b'{"proxies": {"default": 5}}',
    ],
)
def test_no_login_of_a_registry_keeps_an_engine_from_being_found(
    serve: Serve, environ: dict[str, str], content: bytes
) -> None:
    """What `docker` takes is taken, and a malformed login is for those who need it."""
    folder = Path(environ["HOME"], ".docker")
    folder.mkdir()
    (folder / "config.json").write_bytes(content)
    connect(environ=environ, sockets=[serve("d.sock")]).close()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not valid JSON"),
        ("[]", "should hold a JSON object"),
        ('{"auths": 5}', "'auths' should be an object"),
        ('{"HttpHeaders": "X-Key: s3cret"}', "'HttpHeaders' should be an object"),
        ('{"HttpHeaders": {"X-Key": ["s3cret"]}}', "'HttpHeaders.X-Key' should be a string"),
        ('{"HttpHeaders": {"X-Key": "s3cret\\n"}}', "'HttpHeaders.X-Key' cannot be sent"),
        ('{"HttpHeaders": {"X Key": "s3cret"}}', "'HttpHeaders.X Key' cannot be sent"),
    ],
)
def test_a_malformed_configuration_is_blamed_on_its_file(
    serve: Serve, environ: dict[str, str], content: str, words: str
) -> None:
    """The engine is not asked, and not blamed."""
    folder = Path(environ["HOME"], ".docker")
    folder.mkdir()
    (folder / "config.json").write_text(content)
    with pytest.raises(ConfigurationError, match=words) as caught:
        connect(environ=environ, sockets=[serve("d.sock")])
    assert caught.value.file == str(folder / "config.json")
    assert "s3cret" not in str(caught.value)


def test_headers_of_the_user_reach_the_engine(tmp_path: Path) -> None:
    """They go with every request."""
    engine = FakeDockerEngine("20.10")
    config = DockerConfigFile(http_headers={"X-Meta": "caf\u00e9"})
    with engine.serve(f"unix://{tmp_path}/d.sock") as address:
        client = connect(environ={"DOCKER_HOST": address}, docker_config=config)
        client.ping()
        client.close()
    sent = [request.headers["x-meta"] for request in engine.requests]
    assert sent == ["caf\u00c3\u00a9"] * 2  # UTF-8, shown as Latin-1


def test_the_engine_is_asked_for_its_version_once(tmp_path: Path) -> None:
    """The answer that finds the engine also describes it."""
    engine = FakeDockerEngine("20.10")
    with engine.serve(f"unix://{tmp_path}/d.sock") as address:
        client = connect(environ={"DOCKER_HOST": address})
        assert describe_engine(client) == "Docker Engine 20.10.24 (linux/amd64)"
        client.close()
    assert [request.path for request in engine.requests] == ["/version"]


def test_a_user_without_a_home_has_the_systems_sockets(serve: Serve, mocker: MockerFixture) -> None:
    """Nobody is asked for a home folder to find an engine."""
    mocker.patch("pwd.getpwuid", side_effect=KeyError)
    assert not [path for path in usual_sockets({}) if "~" in str(path) or ".docker" in str(path)]
    connect(environ={}, sockets=[serve("d.sock")]).close()
    with pytest.raises(EngineNotFoundError, match="you have no home folder"):
        connect(environ={}, sockets=[])
    with pytest.raises(EngineNotFoundError, match="the user has no home folder"):
        connect(environ={"DOCKER_CONTEXT": "x"}, sockets=[])
