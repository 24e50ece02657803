"""Finding a Docker Engine."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path

import pytest
from ports import Proxy, accepting
from pytest_mock import MockerFixture

from fakes import FakeDockerEngine, ScriptedBuildKit
from fakes.http.certificates import Certificate
from imagebuilders.connections.candidates import usual_sockets
from imagebuilders.connections.discovery import find_engine
from imagebuilders.connections.probe import FoundEngine, _LimitedStream
from imagebuilders.connections.streams import SocketStream
from imagebuilders.events import Event, Notice, listen
from imagebuilders.exceptions import AttemptFailure, ConfigurationError, EngineNotFoundError

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


def _find(
    environ: dict[str, str], *, sockets: list[Path] | None = None, ping_timeout: float = 5
) -> FoundEngine:
    """The engine that is found; its connection is closed."""
    found = find_engine(environ=environ, sockets=sockets or [], ping_timeout=ping_timeout)
    if found.connection is not None:
        found.connection.close()
    return found


def _failure(environ: dict[str, str]) -> tuple[str, AttemptFailure]:
    """What came of the one attempt."""
    with pytest.raises(EngineNotFoundError) as caught:
        _find(environ)
    [attempt] = caught.value.attempts
    return attempt.outcome, attempt.failure


def _attempts(error: EngineNotFoundError) -> list[tuple[str, str, str]]:
    return [(one.source, one.address, one.outcome) for one in error.attempts]


@pytest.fixture
def answering(serve_bytes: Callable[[bytes], int]) -> Callable[[bytes], str]:
    """Serve the same bytes to everybody; the value is the address."""
    return lambda answer: f"tcp://localhost:{serve_bytes(answer)}"


def test_docker_host_wins(serve: Serve, environ: dict[str, str]) -> None:
    """What it answered comes along, and the connection that it answered on."""
    path = serve("a.sock")
    _context(environ["HOME"], "other", "unix:///nowhere", current=True)
    found = find_engine(environ={**environ, "DOCKER_HOST": f" unix://{path} "}, sockets=[])
    assert str(found.endpoint.address) == f"unix://{path}"
    assert found.version.api_version == "1.41"
    assert str(found.version) == "Docker Engine 20.10.24 (linux/amd64)"
    assert found.connection is not None
    assert found.connection.getpeername() == str(path)
    found.connection.close()


def test_a_connection_that_the_engine_closes_is_not_kept(
    environ: dict[str, str], answering: Callable[[bytes], str]
) -> None:
    """Nobody would notice before the next request."""
    body = b'{"ApiVersion":"1.41"}'
    environ["DOCKER_HOST"] = answering(b"HTTP/1.0 200 OK\r\n\r\n" + body)
    assert find_engine(environ=environ, sockets=[]).connection is None


def test_a_dead_docker_host_is_the_end(serve: Serve, environ: dict[str, str]) -> None:
    """Who sets `DOCKER_HOST` does not want another engine."""
    other = serve("a.sock")
    environ["DOCKER_HOST"] = "unix:///no/such.sock"
    with pytest.raises(EngineNotFoundError) as caught:
        _find(environ, sockets=[other])
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
    _find(environ)


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
        _find(environ, sockets=[other])
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
            _find(environ, sockets=[other])
        [notice] = told
        assert isinstance(notice, Notice)
        text = notice.message
    else:
        _find(environ, sockets=[other])
        [text] = caplog.messages
    assert "current Docker context 'desktop' (unix:///no/such.sock) does not answer" in text
    assert f"Using the engine at unix://{other} instead" in text


def test_the_default_context_means_the_usual_sockets(serve: Serve, environ: dict[str, str]) -> None:
    """`default` is the name of having no context."""
    path = serve("a.sock")
    environ["DOCKER_CONTEXT"] = "default"
    _find(environ, sockets=[Path("/no/such.sock"), path])


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
        _find(environ, sockets=sockets)
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
            _find(environ, sockets=[path], ping_timeout=0.01)
    assert caught.value.attempts[0].outcome == "no answer within 0.01 s"


@pytest.mark.parametrize(
    ("address", "outcome", "failure"),
    [
        ("fd://3", "the address cannot be used: fd:// is not", AttemptFailure.ADDRESS),
        ("npipe:////./pipe/docker", "named pipes are only there", AttemptFailure.ADDRESS),
        ("tcp://host:x", "malformed", AttemptFailure.ADDRESS),
        (f"tcp://{'x' * 70}.example", "the address cannot be used", AttemptFailure.ADDRESS),
        (f"unix:///{'x' * 200}", "path too long", AttemptFailure.NOT_RUNNING),
        ("localhost:1", "connection refused", AttemptFailure.NOT_RUNNING),
    ],
)
def test_an_address_that_cannot_be_used(
    environ: dict[str, str], address: str, outcome: str, failure: AttemptFailure
) -> None:
    """It is reported as the other troubles are."""
    told = _failure({**environ, "DOCKER_HOST": address})
    assert outcome in told[0]
    assert told[1] is failure


def test_a_host_that_is_not_known(environ: dict[str, str], mocker: MockerFixture) -> None:
    """The name service is not the engine."""
    error = socket.gaierror(-2, "Name or service not known")
    mocker.patch("socket.getaddrinfo", side_effect=error)
    told = _failure({**environ, "DOCKER_HOST": "tcp://no.example"})
    assert told == (
        "the host name is not known (Name or service not known)",
        AttemptFailure.ADDRESS,
    )


def test_a_socket_of_others(environ: dict[str, str], mocker: MockerFixture) -> None:
    """Who may not connect is told so."""
    mocker.patch("socket.socket.connect", side_effect=PermissionError(13, "Permission denied"))
    told = _failure({**environ, "DOCKER_HOST": "unix:///run/x.sock"})
    assert told == ("permission denied", AttemptFailure.NOT_ALLOWED)


def test_an_engine_that_wants_tls(
    environ: dict[str, str], answering: Callable[[bytes], str]
) -> None:
    """Its words say so."""
    words = b"Client sent an HTTP request to an HTTPS server."
    environ["DOCKER_HOST"] = answering(b"HTTP/1.0 400 Bad Request\r\n\r\n" + words + b"\n")
    assert _failure(environ) == (
        f"answered with HTTP status 400: {words.decode()}",
        AttemptFailure.ANSWER,
    )


@pytest.mark.parametrize("listen_at", ["unix://{folder}/b.sock", "tcp://127.0.0.1:0"])
def test_buildkit_s_own_daemon_is_not_an_engine(
    environ: dict[str, str], tmp_path: Path, listen_at: str
) -> None:
    """It gives no answer to HTTP/1; the error says what builds with it."""
    with ScriptedBuildKit().serve(listen_at.format(folder=tmp_path)) as address:
        environ["DOCKER_HOST"] = address
        with pytest.raises(EngineNotFoundError, match="BuildKitImageBuilder") as caught:
            _find(environ)
    (attempt,) = caught.value.attempts
    assert attempt.failure is AttemptFailure.ANSWER


def test_an_endless_answer(environ: dict[str, str], answering: Callable[[bytes], str]) -> None:
    """No more than an engine would say is read."""
    environ["DOCKER_HOST"] = answering(b"HTTP/1.0 200 OK\r\n\r\n" + b" " * 2_000_000)
    assert _failure(environ)[1] is AttemptFailure.ANSWER


@pytest.fixture
def tls_folder(tmp_path: Path, certificate: Certificate) -> Path:
    """The files of TLS, in a folder of their own."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    (folder / "ca.pem").write_bytes(certificate.certificate)
    (folder / "cert.pem").write_bytes(certificate.certificate)
    (folder / "key.pem").write_bytes(certificate.key)
    return folder


@pytest.mark.parametrize("verify", ["1", ""])
@pytest.mark.parametrize("named", [True, False])
def test_tls_of_the_environment(
    environ: dict[str, str], tls_folder: Path, tls_port: int, verify: str, named: bool
) -> None:
    """The variables mean what they mean to docker; the files may be those of Docker's settings."""
    if named:
        environ["DOCKER_CERT_PATH"] = str(tls_folder)
    else:
        environ["DOCKER_CONFIG"] = str(tls_folder)
        environ["DOCKER_TLS_VERIFY"] = "1"
    environ.update(
        {
            "DOCKER_HOST": f"tcp://localhost:{tls_port}",
            **({"DOCKER_TLS_VERIFY": verify} if verify else {}),
        }
    )
    assert _find(environ).endpoint.is_secure


def test_tls_of_a_context(environ: dict[str, str], tls_folder: Path, tls_port: int) -> None:
    """Its files lie beside it."""
    _context(environ["HOME"], "far", f"tcp://localhost:{tls_port}")
    key = hashlib.sha256(b"far").hexdigest()
    folder = Path(environ["HOME"], ".docker/contexts/tls", key)
    folder.mkdir(parents=True)
    tls_folder.rename(folder / "docker")
    environ["DOCKER_CONTEXT"] = "far"
    assert _find(environ).endpoint.is_secure
    (folder / "docker/key.pem").unlink()
    outcome, failure = _failure(environ)
    assert "cert.pem needs" in outcome
    assert failure is AttemptFailure.CONFIGURATION


def test_a_certificate_that_is_not_trusted(environ: dict[str, str], tls_port: int) -> None:
    """The reason is OpenSSL's."""
    environ["DOCKER_HOST"] = f"https://localhost:{tls_port}"
    outcome, failure = _failure(environ)
    assert outcome == "TLS failed: self-signed certificate"
    assert failure is AttemptFailure.TLS


@pytest.mark.parametrize(
    ("variables", "missing"),
    [
        ({"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "{0}"}, "ca.pem"),
        ({"DOCKER_TLS_VERIFY": "1", "DOCKER_CONFIG": "{0}"}, "ca.pem"),
        ({"DOCKER_CERT_PATH": "{0}"}, "cert.pem"),
        ({"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "{0}/no/such"}, "no/such/ca.pem"),
    ],
)
def test_missing_tls_files(
    environ: dict[str, str], tmp_path: Path, variables: dict[str, str], missing: str
) -> None:
    """They are named, and nobody is asked."""
    environ.update({name: value.format(tmp_path) for name, value in variables.items()})
    outcome, failure = _failure({**environ, "DOCKER_HOST": "tcp://localhost:1"})
    assert outcome == f"the TLS file {tmp_path}/{missing} cannot be read: no such file or directory"
    assert failure is AttemptFailure.CONFIGURATION


def test_tls_does_not_concern_a_socket(serve: Serve, environ: dict[str, str]) -> None:
    """Its files are not looked for."""
    environ.update({"DOCKER_HOST": f"unix://{serve('a.sock')}", "DOCKER_TLS_VERIFY": "1"})
    assert not _find(environ).endpoint.is_secure


@pytest.mark.parametrize(
    ("host", "tls", "port"),
    [("tcp://far.example", False, 2375), ("tcp://far.example", True, 2376), ("far:1", False, 1)],
)
def test_the_port_that_is_meant(
    environ: dict[str, str],
    mocker: MockerFixture,
    tls_folder: Path,
    host: str,
    tls: bool,
    port: int,
) -> None:
    """A port that is left out is Docker's."""
    connect = mocker.patch("socket.create_connection", side_effect=ConnectionRefusedError)
    if tls:
        environ.update({"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tls_folder)})
    _failure({**environ, "DOCKER_HOST": host})
    assert connect.call_args.args[0][1] == port


def test_a_proxy_of_the_environment(
    environ: dict[str, str], tcp_port: int, proxied: Callable[[int], Proxy]
) -> None:
    """An engine elsewhere is asked through it, one on this machine is not."""
    proxy = proxied(tcp_port)
    environ["HTTP_PROXY"] = f"http://127.0.0.1:{proxy.port}"
    _find({**environ, "DOCKER_HOST": "tcp://engine.example"})
    assert len(proxy.heads) == 1
    _find({**environ, "DOCKER_HOST": f"tcp://127.0.0.1:{tcp_port}"})
    assert len(proxy.heads) == 1


@pytest.mark.parametrize(
    ("variable", "value", "host"),
    [
        ("HTTP_PROXY", "socks5://me:s3cret@proxy", "tcp://engine.example"),
        ("HTTPS_PROXY", "https://proxy", "https://engine.example"),
    ],
)
def test_a_proxy_that_cannot_be_used(
    environ: dict[str, str], variable: str, value: str, host: str
) -> None:
    """Its variable is named."""
    outcome, failure = _failure({**environ, variable: value, "DOCKER_HOST": host})
    assert f"the proxy in {variable}" in outcome
    assert "s3cret" not in outcome
    assert failure is AttemptFailure.CONFIGURATION


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("ssh://me:s3cret@far", "ssh://me:***@far"),
        ("tcp://me:s3cret@far:2375", "tcp://me:***@far:2375"),
        ("me:s3cret@far", "me:***@far"),
        ("https://me:s3cret/@/s3cret@far", "https://me:***@far"),
        ("tcp://:s3cret@far", "tcp://:***@far"),
    ],
)
def test_a_password_in_an_address(environ: dict[str, str], host: str, shown: str) -> None:
    """It is not supported, and not shown."""
    with pytest.raises(EngineNotFoundError) as caught:
        _find({**environ, "DOCKER_HOST": host})
    [attempt] = caught.value.attempts
    assert attempt.address == shown
    assert "s3cret" not in f"{caught.value} {attempt}"


def test_an_engine_that_answers_without_end(environ: dict[str, str], mocker: MockerFixture) -> None:
    """The time limit is that of the whole answer, although each piece comes in time."""
    mocker.patch("imagebuilders.connections.probe.time").monotonic.side_effect = count()

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                connection.sendall(b" ")

    with accepting(answer) as port:
        outcome, failure = _failure({**environ, "DOCKER_HOST": f"tcp://127.0.0.1:{port}"})
    assert outcome == "no answer within 5 s"
    assert failure is AttemptFailure.NOT_RUNNING


@pytest.mark.parametrize(
    ("variable", "scheme", "host"),
    [
        ("HTTP_PROXY", "http", "tcp://engine.example"),
        ("http_proxy", "https", "tcp://engine.example"),
        ("HTTPS_PROXY", "http", "https://engine.example"),
    ],
)
def test_a_proxy_that_cannot_be_reached(
    environ: dict[str, str], variable: str, scheme: str, host: str
) -> None:
    """It is told from the engine behind it, which nobody has asked."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    proxy = f"{scheme}://me:s3cret@127.0.0.1:{port}"
    outcome, failure = _failure({**environ, variable: proxy, "DOCKER_HOST": host})
    named = f"the proxy {scheme}://127.0.0.1:{port} of {variable}"
    assert outcome == f"{named} cannot be reached: connection refused"
    assert failure is AttemptFailure.PROXY


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a script in the place of the command ssh."""

    def install(script: str) -> None:
        program = tmp_path / "bin/ssh"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    return install


def test_an_engine_by_ssh(environ: dict[str, str], ssh: Callable[[str], None]) -> None:
    """What the command carries is spoken to."""
    body = '{"ApiVersion":"1.41"}'
    ssh(f"printf 'HTTP/1.1 200 OK\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n{body}'; exec cat")
    found = _find({**environ, "DOCKER_HOST": "ssh://me@far:22"})
    assert str(found.endpoint.address) == "ssh://me@far:22"
    assert found.connection is not None


def test_ssh_that_fails(environ: dict[str, str], ssh: Callable[[str], None]) -> None:
    """What it said is told."""
    ssh("echo 'Permission denied (publickey).' >&2; exit 255")
    assert _failure({**environ, "DOCKER_HOST": "ssh://far"}) == (
        "the command ssh ended with exit code 255: Permission denied (publickey).",
        AttemptFailure.COMMAND,
    )


def test_ssh_is_not_installed(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is named."""
    monkeypatch.setenv("PATH", "")
    outcome, failure = _failure({**environ, "DOCKER_HOST": "ssh://far"})
    assert outcome == "the command ssh cannot be run: no such file or directory"
    assert failure is AttemptFailure.COMMAND


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
    _find(environ, sockets=[serve("d.sock")])


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
        _find(environ, sockets=[serve("d.sock")])
    assert caught.value.file == str(folder / "config.json")
    assert "s3cret" not in str(caught.value)


def test_a_user_without_a_home_has_the_systems_sockets(serve: Serve, mocker: MockerFixture) -> None:
    """Nobody is asked for a home folder to find an engine."""
    mocker.patch("pwd.getpwuid", side_effect=KeyError)
    assert not [path for path in usual_sockets({}) if "~" in str(path) or ".docker" in str(path)]
    _find({}, sockets=[serve("d.sock")])
    with pytest.raises(EngineNotFoundError, match="you have no home folder"):
        _find({})
    with pytest.raises(EngineNotFoundError, match="the user has no home folder"):
        _find({"DOCKER_CONTEXT": "x"})


@pytest.mark.parametrize(("asked", "longest"), [(None, 60.0), (100.0, 60.0), (0.5, 0.5)])
def test_an_answer_has_a_time_in_all(
    mocker: MockerFixture, asked: float | None, longest: float
) -> None:
    """Each piece may take what is left of it, or less where less is asked for."""
    receive = mocker.patch.object(SocketStream, "receive", return_value=b"x")
    stream = _LimitedStream(mocker.Mock(), 60.0)
    assert stream.receive(10, timeout=asked) == b"x"
    assert 0 < receive.call_args.kwargs["timeout"] <= longest
