"""What holds where the author of a test says nothing."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry, InMemoryArtifactStore
from fakes.artifact_store.attempts import StoreFault, StoreOperation
from fakes.buildkit import ScriptedBuild, ScriptedBuildKit, SentEntry, SessionPeer
from fakes.clock import ManualClock
from fakes.code_build import Fault as CodeBuildFault
from fakes.code_build.faults import Faults as CodeBuildFaults
from fakes.code_build.models import Call, ServiceError
from fakes.engine.builder.options import BuildOptions
from fakes.engine.client import connect
from fakes.engine.containers.container import Exec
from fakes.engine.containers.effects import ContainerEffect
from fakes.http.messages import BadRequestError
from fakes.http.server import Server
from fakes.http.socket_pairs import SocketPairAdapter
from fakes.images.config import ImageDocument, RunConfig
from fakes.images.reference import parse
from fakes.images.seeds import described_files
from fakes.records import RequestRecord
from fakes.registry.errors import OciError
from fakes.shell.run_rules import RunEffect

_ONCE: dict[str, object] = {"times": 1, "skip": 0}
_ENGINE, _REGISTRY, _BUILDKIT = FakeDockerEngine(), FakeRegistry(), ScriptedBuildKit()

DEFAULTS: list[tuple[Callable[..., Any], dict[str, object]]] = [
    (FakeDockerEngine, {"run_policy": "record", "hub_is_real": False}),
    (
        FakeDockerEngine.on_container,
        {
            "image": "*",
            "command": "*",
            "output": "",
            "exit_code": 0,
            "delay": 0.0,
            "service": False,
        },
    ),
    (FakeDockerEngine.on_exec, {"command": "*", "image": "*", "exit_code": 0, "delay": 0.0}),
    (FakeDockerEngine.on_run, {"output": "", "error_output": "", "exit_code": 0}),
    (FakeDockerClient, {"timeout": 60}),
    (_ENGINE.faults.answer, {"status": 200, **_ONCE}),
    (_ENGINE.faults.cut, {"after_bytes": 0, **_ONCE}),
    (_ENGINE.faults.delay, _ONCE),
    (_ENGINE.faults.deny_push, {"times": 1}),
    (_ENGINE.faults.drop, _ONCE),
    (_ENGINE.faults.fail, {"status": 500, **_ONCE}),
    (_ENGINE.faults.no_space_at_step, {"keyword": "copy"}),
    (
        FakeRegistry,
        {
            "anonymous_pull": False,
            "read_only": False,
            "deletes": True,
            "referrers_api": True,
            "verify_references": True,
            "manifest_limit": 4 * 1024 * 1024,
            "token_lifetime": 300.0,
            "tls": False,
            "host": "127.0.0.1",
            "port": 0,
        },
    ),
    (_REGISTRY.faults.corrupt, _ONCE),
    (_REGISTRY.faults.cut, _ONCE),
    (_REGISTRY.faults.delay, _ONCE),
    (_REGISTRY.faults.expire_token, _ONCE),
    (_REGISTRY.faults.status, _ONCE),
    (_REGISTRY.faults.too_many_requests, {"retry_after": 1, **_ONCE}),
    (_REGISTRY.faults.fail, {"endpoint": "*", "status": 500, **_ONCE}),
    (_REGISTRY.faults.drop, {"endpoint": "*", **_ONCE}),
    (FakeRegistry.on_repository, {"immutable_tags": False}),
    (InMemoryArtifactStore, {"name": "in-memory", "attempts": 5}),
    (InMemoryArtifactStore.fail, {"path": "*", "call": 1, **_ONCE}),
    (InMemoryArtifactStore.cut_write, {"path": "*", "call": 1, **_ONCE}),
    (InMemoryArtifactStore.publish, {"replace": True}),
    (StoreFault, {"delay": 0.0, **_ONCE, "hits": 0}),
    (StoreOperation, {"bytes_written": 0}),
    (ScriptedBuildKit, {"containerd_store": False, "session_seconds": 5.0}),
    (_BUILDKIT.faults.fail, _ONCE),
    (_BUILDKIT.faults.delay, _ONCE),
    (_BUILDKIT.faults.drop, {"call": "*", **_ONCE}),
    (ScriptedBuild.step, {"cached": False}),
    (ScriptedBuild.log, {"stream": 1}),
    (ScriptedBuild.end_step, {"cached": False, "error": ""}),
    (ScriptedBuild.fail_step, {"exit_code": 1, "has_details": True}),
    (ScriptedBuild.wait_cancelled, {"timeout": 30.0}),
    (SessionPeer.wait_closed, {"timeout": 30.0}),
    (SessionPeer.send_file, {"exporter": 0}),
    (SessionPeer.send_folder, {"exporter": 0}),
    (SessionPeer.read_content, {"offset": 0, "size": 0}),
    (SentEntry, {"mode": 0o644, "mtime_ns": 0}),
    (CodeBuildFaults.add, {"times": 1, "seconds": 0.0}),
    (CodeBuildFault, {"times": 1, "seconds": 0.0}),
    (ServiceError, {"message": "", "status": 400}),
    (Call, {"is_cbor": False}),
    (ManualClock, {"start": 0.0}),
    (RunEffect, {"exit_code": 0}),
    (ContainerEffect, {"exit_code": 0, "delay": 0.0, "service": False}),
    (connect, {"version": None, "timeout": 60}),
    (FakeDockerEngine.serve_connection, {"control": False}),
    (
        BuildOptions,
        {"no_cache": False, "pull": False, "quiet": False, "remove": True, "force_remove": False},
    ),
    (
        RunConfig,
        {
            "attach_stdin": False,
            "attach_stdout": False,
            "attach_stderr": False,
            "tty": False,
            "open_stdin": False,
            "stdin_once": False,
        },
    ),
    (
        Exec,
        {
            "tty": False,
            "attach_stdin": False,
            "attach_stdout": True,
            "attach_stderr": True,
            "privileged": False,
            "running": False,
            "pid": 0,
        },
    ),
    (ImageDocument, {"created": 0}),
    (described_files, {"mtime": 0}),
    (parse, {"capitals": True}),
    (Server, {"patience": 5}),
    (SocketPairAdapter, {"timeout": 60}),
    (BadRequestError, {"status": 400}),
    (RequestRecord, {"request_size": 0}),
]


@pytest.mark.parametrize(
    ("call", "expected"), DEFAULTS, ids=[call.__qualname__ for call, _ in DEFAULTS]
)
def test_defaults(call: Callable[..., Any], expected: dict[str, object]) -> None:
    """A fault happens once and at once, a command ends well, and nothing is allowed by chance."""
    parameters = inspect.signature(call).parameters
    found = {name: parameters[name].default for name in expected}
    assert found == expected
    assert list(map(type, found.values())) == list(map(type, expected.values()))


@pytest.mark.parametrize(
    ("code", "status", "message"),
    [
        ("BLOB_UNKNOWN", 404, "blob unknown to registry"),
        ("BLOB_UPLOAD_INVALID", 400, "blob upload invalid"),
        ("BLOB_UPLOAD_UNKNOWN", 404, "blob upload unknown to registry"),
        ("DENIED", 403, "requested access to the resource is denied"),
        ("DIGEST_INVALID", 400, "provided digest did not match uploaded content"),
        (
            "MANIFEST_BLOB_UNKNOWN",
            400,
            "manifest references a manifest or blob unknown to registry",
        ),
        ("MANIFEST_INVALID", 400, "manifest invalid"),
        ("MANIFEST_UNKNOWN", 404, "manifest unknown to registry"),
        ("NAME_INVALID", 400, "invalid repository name"),
        ("NAME_UNKNOWN", 404, "repository name not known to registry"),
        ("PAGINATION_NUMBER_INVALID", 400, "invalid number of results requested"),
        ("RANGE_INVALID", 416, "invalid content range"),
        ("SIZE_INVALID", 400, "provided length did not match content length"),
        ("TAG_INVALID", 400, "manifest tag did not match URI"),
        ("TOOMANYREQUESTS", 429, "too many requests"),
        ("UNAUTHORIZED", 401, "authentication required"),
        ("UNSUPPORTED", 405, "the operation is unsupported"),
    ],
)
def test_error_codes_of_a_registry(code: str, status: int, message: str) -> None:
    """Statuses and words are those of the distribution specification, unless a test has others."""
    error = OciError(code, "x")
    assert (error.status, error.message, error.details) == (status, message, ("x",))
    assert error.response().status == status
    other = OciError(code, message="else", status=HTTPStatus.IM_A_TEAPOT, more=("y",))
    assert (other.status, other.message, other.details) == (418, "else", (None, "y"))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "UNAUTHORIZED"),
        (403, "DENIED"),
        (404, "NAME_UNKNOWN"),
        (405, "UNSUPPORTED"),
        (429, "TOOMANYREQUESTS"),
    ],
)
def test_codes_of_planned_statuses(status: int, code: str) -> None:
    """Who plans a status gets the code that registries give with it."""
    with FakeRegistry() as registry:
        registry.faults.status(status)
        answer = registry.session().get(f"{registry.url}/v2/")
        assert answer.status_code == status
        assert answer.json()["errors"][0]["code"] == code
        assert registry.session().get(f"{registry.url}/v2/").status_code == 200


def test_containers_of_an_image_are_counted() -> None:
    """Where the API tells how many were made from it; older ones tell that they do not say."""
    engine = FakeDockerEngine(version="28.5")
    engine.seed_image("used")
    engine.seed_image("unused", files={"x": "x"})
    for version, expected in [("1.51", {"used:latest": 2, "unused:latest": 0}), ("1.50", None)]:
        client = FakeDockerClient(engine, version=version)
        if expected:
            for _ in range(2):
                client.api.create_container("used", "x")
        listed = {image["RepoTags"][0]: image["Containers"] for image in client.api.images()}
        assert listed == (expected or {"used:latest": -1, "unused:latest": -1})
        client.close()
