"""Steering served doubles from outside Python, by JSON below `/_double/`."""

from __future__ import annotations

import base64
import json
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_mock import MockerFixture

from fakes import FakeBuildKit, FakeDockerEngine, FakeRegistry
from fakes.engine import FakeDockerEngineCrashError
from imagebuilders import BuildContext, BuildKitImageBuilder
from imagebuilders.exceptions import BuildError

Ask = Callable[..., tuple[int, Any]]


def _asker(connect: Callable[[], socket.socket]) -> Ask:
    """What sends a request, as any program would, and returns the status and the document."""

    def ask(method: str, path: str, document: object = None, **headers: str) -> tuple[int, Any]:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        connection = HTTPConnection("double")
        connection.sock = connect()
        try:
            connection.request(method, path, body if document is not None else None, headers)
            answer = connection.getresponse()
            content = answer.read()
            return answer.status, json.loads(content) if content else None
        finally:
            connection.close()

    return ask


def _reach(address: str, trusted: ssl.SSLContext | None = None) -> Callable[[], socket.socket]:
    def connect() -> socket.socket:
        if address.startswith("unix://"):
            client = socket.socket(socket.AF_UNIX)
            client.connect(address.removeprefix("unix://"))
            return client
        place = urlsplit(address)
        assert place.hostname
        assert place.port
        plain = socket.create_connection((place.hostname, place.port), timeout=10)
        if trusted is None:
            return plain
        return trusted.wrap_socket(plain, server_hostname=place.hostname)

    return connect


@pytest.fixture
def engine() -> FakeDockerEngine:
    """An engine to be steered."""
    return FakeDockerEngine()


@pytest.fixture
def ask_engine(engine: FakeDockerEngine) -> Iterator[Ask]:
    """Asks an engine that is steered."""
    with engine.serve(control=True) as address:
        yield _asker(_reach(address))


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    """A registry that asks for a login, and is steered without one."""
    with FakeRegistry(control=True, auth="basic", users={"ci": "s3cret"}) as registry:
        yield registry


@pytest.fixture
def ask_registry(registry: FakeRegistry) -> Ask:
    """Asks a registry that is steered."""
    return _asker(_reach(registry.url))


_LOGIN = {"Authorization": "Basic " + base64.b64encode(b"ci:s3cret").decode()}


def test_an_engine_is_seeded(ask_engine: Ask, engine: FakeDockerEngine) -> None:
    """With an image of its own or of the hub; bytes are written in base64."""
    binary = {"base64": base64.b64encode(b"\x00\xff").decode()}
    content = {"files": {"/bin/x": binary, "/a": "b"}, "cmd": ["x"]}
    status, made = ask_engine("POST", "/_double/seed", {"name": "base:1", **content})
    assert (status, made) == (200, {"id": engine.image("base:1").id})
    assert engine.image_tree("base:1")["/bin/x"].data == b"\x00\xff"
    status, _ = ask_engine("POST", "/_double/seed", {"name": "python:3.12", "hub": True})
    assert status == 200
    assert ask_engine("GET", "/distribution/python:3.12/json")[0] == 200


def test_an_engine_is_given_rules(ask_engine: Ask, engine: FakeDockerEngine) -> None:
    """By the arguments of its methods, as in a file of rules."""
    engine.seed_image("base:1")
    rules = {"on_container": [{"image": "base*", "exit_code": 7}], "on_run": [{"pattern": "make"}]}
    assert ask_engine("POST", "/_double/rules", rules) == (204, None)
    _, made = ask_engine(
        "POST",
        "/containers/create",
        {"Image": "base:1", "Cmd": ["x"]},
        **{"Content-Type": "application/json"},
    )
    ask_engine("POST", f"/containers/{made['Id']}/start")
    _, waited = ask_engine("POST", f"/containers/{made['Id']}/wait")
    assert waited["StatusCode"] == 7


def test_an_engine_is_broken_and_mended(ask_engine: Ask) -> None:
    """Faults are planned, counted and taken back; none is for what steers."""
    for path in ("/_ping", "*"):
        planned = {"fault": "fail", "endpoint": path, "status": 503, "times": None, "skip": 1}
        assert ask_engine("POST", "/_double/faults", planned) == (204, None)
    assert [ask_engine("GET", "/version")[0] for _ in range(2)] == [200, 503]
    _, told = ask_engine("GET", "/_double/faults")
    shown = [(fault["endpoint"], fault["kind"], fault["hits"]) for fault in told["faults"]]
    assert shown == [("/_ping", "status", 0), ("*", "status", 1)]
    assert ask_engine("DELETE", "/_double/faults") == (204, None)
    assert ask_engine("GET", "/version")[0] == 200
    assert ask_engine("POST", "/_double/faults", {"fault": "no_space_for_context"})[0] == 204


def test_an_engine_tells_what_was_done(ask_engine: Ask, engine: FakeDockerEngine) -> None:
    """Requests, builds and events; no credentials, and nothing of what steers."""
    ask_engine("GET", "/version", **{"X-Registry-Auth": "s3cret"})
    _, records = ask_engine("GET", "/_double/records")
    assert records["builds"] == records["events"] == []
    [request] = records["requests"]
    assert (request["method"], request["path"], request["status"]) == ("GET", "/version", 200)
    assert request["headers"]["x-registry-auth"] == "***"
    assert ask_engine("DELETE", "/_double/records") == (204, None)
    assert engine.requests == []


def test_an_engine_is_reset(ask_engine: Ask, engine: FakeDockerEngine) -> None:
    """Everything is forgotten; it goes on to be steered."""
    engine.seed_image("base:1")
    engine.faults.drop("*", times=None)
    assert ask_engine("POST", "/_double/reset") == (204, None)
    assert engine.images.all() == []
    assert ask_engine("GET", "/images/json") == (200, [])
    _, about = ask_engine("GET", "/_double/")
    assert about == {"double": "engine", "version": engine.version.version, "crashes": []}


@pytest.mark.parametrize(
    ("method", "path", "document", "status", "words"),
    [
        ("GET", "/_double/nothing", None, 404, "known: /_double/, /_double/seed"),
        ("GET", "/_double/seed", None, 405, "/_double/seed takes POST, not GET"),
        ("POST", "/_double/seed", b"{", 400, "no JSON"),
        ("POST", "/_double/seed", [], 400, "a JSON object is expected"),
        ("POST", "/_double/seed", {"name": "UPPER"}, 400, "seed: 'UPPER'"),
        ("POST", "/_double/seed", {}, 400, "seed: .*missing"),
        ("POST", "/_double/seed", {"name": "a:1", "files": {"/a": 1}}, 400, "seed: files"),
        ("POST", "/_double/seed", {"name": "a:1", "cmd": {"base64": "?"}}, 400, "no base64"),
        ("POST", "/_double/rules", {"on_x": []}, 400, "no kind of rule 'on_x'; known: on_run"),
        ("POST", "/_double/rules", {"on_run": {}}, 400, "on_run is a list of tables"),
        ("POST", "/_double/rules", {"on_run": [{}]}, 400, "rule 1 of on_run"),
        ("POST", "/_double/rules", {"on_run": [{"x": 1}]}, 400, "rule 1 of on_run has no x; known"),
        ("POST", "/_double/faults", {}, 400, "fault is one of fail, delay"),
        ("POST", "/_double/faults", {"fault": "clear"}, 400, "fault is one of fail, delay"),
        ("POST", "/_double/faults", {"fault": "fail", "endpoint": "/x"}, 400, "no endpoint '/x'"),
    ],
)
def test_mistakes_are_told(
    ask_engine: Ask, method: str, path: str, document: object, status: int, words: str
) -> None:
    """Each with what is known, and nothing is done."""
    got, told = ask_engine(method, path, document)
    assert got == status
    assert re.search(words, told["message"])


def test_a_json_that_nests_without_end_is_refused(ask_engine: Ask) -> None:
    """It is a mistake of the client's, not a defect of the double."""
    status, told = ask_engine("POST", "/_double/rules", b'{"a":' + b"[" * 200_000)
    assert status == 400
    assert "JSON" in told["message"]


def test_a_defect_of_the_double_is_told_as_one(
    engine: FakeDockerEngine, mocker: MockerFixture
) -> None:
    """To the client, to who looks from outside, and to the test."""
    mocker.patch.object(engine, "reset", side_effect=ZeroDivisionError)
    served = ExitStack()
    ask = _asker(_reach(served.enter_context(engine.serve(control=True))))
    status, told = ask("POST", "/_double/reset")
    assert (status, "defect of the double" in told["message"]) == (500, True)
    assert len(ask("GET", "/_double")[1]["crashes"]) == 1
    with pytest.raises(FakeDockerEngineCrashError, match="POST /_double/reset"):
        served.close()


def test_what_is_not_to_be_steered_is_not(engine: FakeDockerEngine) -> None:
    """Without the option the paths are any other's."""
    with engine.serve() as address:
        assert _asker(_reach(address))("POST", "/_double/reset")[0] == 404
    with FakeRegistry() as plain:
        assert _asker(_reach(plain.url))("POST", "/_double/reset")[0] == 404


def test_a_registry_is_steered(ask_registry: Ask, registry: FakeRegistry) -> None:
    """Seeds, rules, faults and records, without the login that all else needs."""
    image = {"name": "team/app:1", "files": {"/a": "b"}, "labels": {"x": "y"}}
    status, made = ask_registry("POST", "/_double/seed", image)
    assert (status, made) == (200, {"digest": registry.manifest("team/app:1").digest})
    assert ask_registry("GET", "/_double/")[1]["tags"] == {"team/app": ["1"]}
    rule = {"on_repository": [{"pattern": "team/*", "pull": []}]}
    assert ask_registry("POST", "/_double/rules", rule)[0] == 204
    listing = "/v2/team/app/tags/list"
    assert ask_registry("GET", listing, **_LOGIN)[0] == 403
    registry.on_repository("team/*")
    planned = {"fault": "fail", "endpoint": "GET /v2/*", "status": 503}
    assert ask_registry("POST", "/_double/faults", planned)[0] == 204
    assert [ask_registry("GET", listing, **_LOGIN)[0] for _ in range(2)] == [503, 200]
    [fault] = ask_registry("GET", "/_double/faults")[1]["faults"]
    assert (fault["method"], fault["path"], fault["hits"]) == ("GET", "/v2/*", 1)
    records = ask_registry("GET", "/_double/records")[1]["requests"]
    assert [record["status"] for record in records] == [403, 503, 200]
    assert records[0]["operation"] == "list tags"
    assert records[0]["headers"]["authorization"] == "Basic ***"
    assert ask_registry("DELETE", "/_double/records")[0] == 204
    assert ask_registry("DELETE", "/_double/faults")[0] == 204
    assert (registry.requests, len(registry.faults)) == ([], 0)
    assert ask_registry("POST", "/_double/reset")[0] == 204
    assert registry.repositories == []


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"files": {}}, "name is a str as in 'team/app:1', not None"),
        ({"name": "a:1", "files": {"/a": None}}, "seed: files"),
        ({"name": "a:1", "layers": [["/a"]]}, "seed: files is a mapping"),
        ({"name": "a:1", "nothing": 1}, "seed has no nothing; known: files"),
        ({"name": "UPPER"}, "seed: .*UPPER"),
    ],
)
def test_mistakes_in_seeds_of_a_registry(
    ask_registry: Ask, registry: FakeRegistry, document: object, words: str
) -> None:
    """Nothing is put in."""
    status, told = ask_registry("POST", "/_double/seed", document)
    assert status == 400
    assert re.search(words, told["message"])
    assert registry.repositories == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"pattern": 1}, "pattern is a shell pattern"),
        ({"pattern": "*", "push": "ci"}, "push is a list of users"),
        ({"pattern": "*", "immutable_tags": 1}, "immutable_tags is True or False"),
    ],
)
def test_rules_of_a_wrong_type(arguments: dict[str, Any], words: str) -> None:
    """They are refused where they are given."""
    with pytest.raises(TypeError, match=words):
        FakeRegistry().on_repository(**arguments)


def test_an_engine_behind_tls_is_steered(engine: FakeDockerEngine) -> None:
    """With the certificate that the test gave it."""
    pytest.importorskip("cryptography")
    from fakes.http.certificates import make_certificate

    certificate = make_certificate("127.0.0.1")
    context = certificate.server_context()
    with engine.serve("tcp://127.0.0.1:0", control=True, tls=context) as address:
        ask = _asker(_reach(address, certificate.client_context()))
        assert ask("POST", "/_double/seed", {"name": "base:1"})[0] == 200
        assert ask("GET", "/images/json")[1][0]["RepoTags"] == ["base:1"]


def _build(address: str, dockerfile: str = "FROM base:1\nRUN make\n") -> None:
    """Build as a client of a remote worker does."""
    context = BuildContext()
    context.add_file(dockerfile, "Dockerfile")
    BuildKitImageBuilder(addresses=address).build(
        "app:1", context, {"outputs": "type=image,name=app:1"}
    )


@pytest.fixture
def buildkit() -> FakeBuildKit:
    """A BuildKit to be steered."""
    return FakeBuildKit()


@pytest.fixture
def served_buildkit(buildkit: FakeBuildKit) -> Iterator[str]:
    """Its address."""
    with buildkit.serve(control=True) as address:
        yield address


@pytest.fixture
def ask_buildkit(served_buildkit: str) -> Ask:
    """Asks it, by the address at which clients of BuildKit are served."""
    return _asker(_reach(served_buildkit))


def test_a_buildkit_is_seeded_and_given_rules(
    ask_buildkit: Ask, buildkit: FakeBuildKit, served_buildkit: str
) -> None:
    """Builds find what was seeded, and do what the rules say."""
    seed = {"name": "base:1", "files": {"/a": "b"}, "platforms": ["linux/amd64", "linux/arm64"]}
    assert ask_buildkit("POST", "/_double/seed", seed) == (200, {"name": "base:1"})
    rules = {"on_run": [{"pattern": "make", "files": {"/made": "x"}}]}
    assert ask_buildkit("POST", "/_double/rules", rules) == (204, None)
    _build(served_buildkit)
    assert sorted(buildkit.image_tree("app:1")) == ["a", "made"]
    buildkit.assert_all_rules_used()


def test_a_buildkit_is_broken_and_mended(ask_buildkit: Ask, served_buildkit: str) -> None:
    """Faults are planned, counted and taken back."""
    planned = {"fault": "fail", "call": "Solve", "message": "no space left", "times": None}
    assert ask_buildkit("POST", "/_double/faults", planned) == (204, None)
    with pytest.raises(BuildError, match="no space left"):
        _build(served_buildkit, "FROM scratch\nLABEL a=b\n")
    [fault] = ask_buildkit("GET", "/_double/faults")[1]["faults"]
    assert (fault["call"], fault["times"], fault["hits"] > 0) == ("Solve", None, True)
    assert ask_buildkit("DELETE", "/_double/faults") == (204, None)
    _build(served_buildkit, "FROM scratch\nLABEL a=b\n")


def test_a_buildkit_tells_what_was_done_and_is_reset(
    ask_buildkit: Ask, buildkit: FakeBuildKit, served_buildkit: str
) -> None:
    """Builds and requests; forgetting them leaves images, a reset leaves nothing."""
    buildkit.seed_image("base:1")
    _build(served_buildkit)
    _, records = ask_buildkit("GET", "/_double/records")
    [build], [request] = records["builds"], records["requests"]
    assert [step["executed"] for step in build["steps"]] == [None, None]
    assert request["Frontend"] == "dockerfile.v0"
    assert ask_buildkit("DELETE", "/_double/records") == (204, None)
    assert (buildkit.records, buildkit.builds) == ([], [])
    assert "/etc/passwd" in buildkit.image_tree("app:1")
    assert ask_buildkit("POST", "/_double/reset") == (204, None)
    with pytest.raises(LookupError, match="names: none"):
        buildkit.image_tree("app:1")
    _, about = ask_buildkit("GET", "/_double/")
    assert about == {"double": "buildkit", "version": "0.32", "crashes": []}


@pytest.mark.parametrize(
    ("path", "document", "status", "words"),
    [
        ("/_double/rules", {"on_exec": []}, 400, "no kind of rule 'on_exec'; known: on_run"),
        ("/_double/faults", {"fault": "cut"}, 400, "fault is one of fail, delay, drop,"),
        ("/_double/seed", {"name": "a", "platforms": ["mars"]}, 400, "mars"),
        ("/images/json", {}, 404, "steers this double at /_double/"),
    ],
)
def test_mistakes_in_steering_a_buildkit(
    ask_buildkit: Ask, path: str, document: object, status: int, words: str
) -> None:
    """Each is told with what is known."""
    got, told = ask_buildkit("POST", path, document)
    assert (got, words in told["message"]) == (status, True)


def test_who_says_nothing_to_a_buildkit_is_no_client(served_buildkit: str) -> None:
    """A connection that ends before it says what it speaks leaves nothing behind."""
    for begun in (b"", b"P", b"PR"):
        connection = _reach(served_buildkit)()
        connection.sendall(begun)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1024):
            pass
        connection.close()


def test_a_buildkit_is_not_steered_unless_it_is_to_be(buildkit: FakeBuildKit) -> None:
    """It speaks HTTP/2 alone then."""
    with buildkit.serve() as address, pytest.raises((HTTPException, OSError)):
        _asker(_reach(address))("GET", "/_double/")


@contextmanager
def _process(*arguments: str) -> Iterator[str]:
    """A double as a program; its value is the address that it prints."""
    command = [sys.executable, "-m", "fakes", *arguments, "--control"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            yield running.stdout.readline().strip().replace("=", " ").partition(" ")[2]
        finally:
            running.terminate()
            assert running.wait(20) == 0


@pytest.mark.parametrize("way", ["unix", "tls"])
def test_a_buildkit_as_a_program_is_steered(way: str, tmp_path: Path) -> None:
    """Its rules may stand in a file."""
    certificate, rules = tmp_path / "ca.pem", tmp_path / "rules.toml"
    rules.write_text('[[on_run]]\npattern = "make"\nexit_code = 2\n')
    options = ["--listen", f"unix://{tmp_path}/b.sock", "--rules", str(rules)]
    if way == "tls":
        pytest.importorskip("cryptography")
        options = ["--tls", "--certificate", str(certificate)]
    with _process("buildkit", *options) as printed:
        trusted = ssl.create_default_context(cafile=str(certificate)) if way == "tls" else None
        ask = _asker(_reach(printed, trusted))
        assert ask("GET", "/_double/")[1]["double"] == "buildkit"
        if way == "unix":
            assert ask("POST", "/_double/seed", {"name": "base:1"})[0] == 200
            with pytest.raises(BuildError, match="exit code: 2"):
                _build(printed)
            assert ask("GET", "/_double/records")[1]["builds"][0]["error"]


@pytest.mark.parametrize("double", ["engine-unix", "engine-tls", "registry", "registry-tls"])
def test_a_double_as_a_program_is_steered(double: str, tmp_path: Path) -> None:
    """From any language: only sockets and JSON."""
    kind, _, way = double.partition("-")
    certificate = tmp_path / "ca.pem"
    listen = f"unix://{tmp_path}/d.sock" if way == "unix" else "127.0.0.1:0"
    if way == "tls":
        pytest.importorskip("cryptography")
    if kind == "engine" and way == "tls":
        listen = f"tcp://{listen}"
    secure = ["--tls", "--certificate", str(certificate)] if way == "tls" else []
    with _process(kind, "--listen", listen, *secure) as printed:
        trusted = ssl.create_default_context(cafile=str(certificate)) if secure else None
        ask = _asker(_reach(printed, trusted))
        assert ask("POST", "/_double/seed", {"name": "team/app:1"})[0] == 200
        assert ask("GET", "/_double/")[1]["double"] == kind
        path = "/_ping" if kind == "engine" else "/v2/"
        ask("POST", "/_double/faults", {"fault": "fail", "endpoint": path, "status": 503})
        assert ask("GET", path)[0] == 503
        assert len(ask("GET", "/_double/records")[1]["requests"]) == 1
        assert ask("POST", "/_double/reset")[0] == 204
