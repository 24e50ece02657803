"""What to type next, for the errors of the first hour."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes import FakeDockerEngine, FakeRegistry
from imagebuilders.cli.next_steps import next_step
from imagebuilders.exceptions import (
    AttemptFailure,
    BuildContextError,
    BuildError,
    ConnectionFailure,
    EngineAttempt,
    EngineNotFoundError,
    ImageNameError,
    PushError,
    RegistryConnectionError,
)

if TYPE_CHECKING:
    from command_line import Run

RESOLVE = "app:1 was not built. It failed at [internal] load metadata for"


def _attempt(failure: AttemptFailure) -> EngineAttempt:
    return EngineAttempt("unix:///var/run/docker.sock", "the usual place", "no", failure)


@pytest.mark.parametrize(
    ("error", "step"),
    [
        (
            EngineNotFoundError("No.", attempts=[_attempt(AttemptFailure.NOT_RUNNING)]),
            "imagebuilders doctor   (or build without an engine: --builder daemonless)",
        ),
        (
            EngineNotFoundError("No.", attempts=[_attempt(AttemptFailure.NOT_ALLOWED)]),
            "sudo usermod -aG docker $USER",
        ),
        (BuildError('target stage "nowhere" could not be found'), "--call targets"),
        (BuildError("x: write /var/lib/docker/tmp: no space left on device"), "cache prune"),
        (
            BuildError("x", exit_code=1, output=["tar: write error: No space left on device"]),
            "imagebuilders cache prune",
        ),
        (
            BuildError("x", exit_code=255, output=["exec /bin/sh: exec format error"]),
            "tonistiigi/binfmt --install all",
        ),
        (BuildError("x", exit_code=133, output=["rosetta error: failed to open elf"]), "rosetta"),
        (
            BuildError(
                f"{RESOLVE} docker.io/library/a:1\ntoomanyrequests: You have reached your "
                "unauthenticated pull rate limit."
            ),
            "docker login   (who is logged in may pull more)",
        ),
        (
            BuildError("proxyconnect tcp: dial tcp 10.0.0.1:3128: connect: connection refused"),
            "imagebuilders doctor   (the proxy refuses",
        ),
        (
            BuildError(
                f"{RESOLVE} reg.example/a:1\nfailed to resolve source metadata for "
                "reg.example/a:1: tls: x509: certificate signed by unknown authority"
            ),
            "imagebuilders doctor --registry reg.example   (it says where",
        ),
        (
            BuildError(
                f"{RESOLVE} ghcr.io/me/a:1\nfailed to resolve source metadata for "
                "ghcr.io/me/a:1: 401 Unauthorized"
            ),
            "docker login ghcr.io",
        ),
        (
            BuildError(
                "failed to resolve source metadata for docker.io/library/nowhere:9: "
                "docker.io/library/nowhere:9: not found"
            ),
            "imagebuilders inspect docker://nowhere:9   (see whether its name is right)",
        ),
        (
            BuildError(
                "pull access denied for me/nowhere, repository does not exist or may "
                "require 'docker login': insufficient_scope: authorization failed"
            ),
            "imagebuilders inspect docker://me/nowhere   (if its name is right: docker login)",
        ),
        (
            PushError(
                "ghcr.io/a:1 was not pushed: denied: requested access to the resource is denied",
                image_name="ghcr.io/a:1",
                registry="ghcr.io",
                detail="denied: requested access to the resource is denied",
            ),
            "docker login ghcr.io",
        ),
        (
            BuildError(
                'Head "https://reg.example/v2/": dial tcp: lookup reg.example: no such host'
            ),
            "imagebuilders doctor --registry reg.example",
        ),
        (
            RegistryConnectionError(
                "no", registry="reg.example", failure=ConnectionFailure.CERTIFICATE
            ),
            "imagebuilders doctor --registry reg.example   (it says where the authority's",
        ),
        (
            RegistryConnectionError("no", registry="reg.example", failure=ConnectionFailure.PROXY),
            "imagebuilders doctor --registry reg.example   (the proxy refuses",
        ),
        (RegistryConnectionError("no", failure=ConnectionFailure.TIMEOUT), "imagebuilders doctor"),
    ],
)
def test_first_hour(error: Exception, step: str) -> None:
    """Each says what to type."""
    found = next_step(error)
    assert found is not None
    assert step in found


@pytest.mark.parametrize(
    "error",
    [
        BuildError("x was not built", exit_code=1, output=["npm ERR! 401 Unauthorized"]),
        BuildError(
            'process "/bin/sh -c curl https://a | grep toomanyrequests" failed', exit_code=1
        ),
        BuildError(
            "It failed\nThe step's last output:\n  x509: certificate signed by unknown authority"
        ),
        BuildError("x\n> 2 | RUN echo no such host", excerpt="> 2 | RUN echo no such host"),
        BuildError("COPY nowhere /: not found"),
        ImageNameError("The image name '401' is malformed.", image_name="401"),
        BuildContextError("There is no Dockerfile."),
        ValueError("no such host"),
    ],
)
def test_words_of_others_mislead_nobody(error: Exception) -> None:
    """What a command prints or is called says nothing of the machine."""
    assert next_step(error) is None


def test_causes_count() -> None:
    """A build that failed for want of an engine is about the engine."""
    error = BuildError("The image was not built.")
    error.__cause__ = EngineNotFoundError("No.")
    assert "imagebuilders doctor" in str(next_step(error))


@pytest.fixture
def engine(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeDockerEngine]:
    """An engine that `DOCKER_HOST` leads to."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    engine = FakeDockerEngine("28.5")
    with engine.serve() as docker_host:
        monkeypatch.setenv("DOCKER_HOST", docker_host)
        yield engine


def test_an_engine_that_is_not_there(
    run: Run, engine: FakeDockerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the last line, and a key in JSON."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    result = run("build", "app")
    assert result.err.splitlines()[-1].startswith("next: imagebuilders doctor")
    record = run("build", "app", "--json").records[-1]
    assert str(record["next"]).startswith("imagebuilders doctor")


def test_a_base_that_is_not_there(run: Run, engine: FakeDockerEngine, folder: Path) -> None:
    """The line can be typed as it stands."""
    (folder / "app" / "Dockerfile").write_text("FROM nowhere:9\n")
    result = run("build", "app")
    assert result.err.splitlines()[-1].startswith("next: imagebuilders inspect docker://nowhere:9")


def test_a_registry_that_wants_a_login(run: Run, engine: FakeDockerEngine, folder: Path) -> None:
    """For a push and for a base."""
    with FakeRegistry(auth="basic", users={"ann": "pw"}) as registry:
        name = f"{registry.address}/app:1"
        result = run("build", "app", "-t", name, "--push")
        assert result.code == 1
        last = f"next: docker login {registry.address}"
        assert result.err.splitlines()[-1] == last
        (folder / "app" / "Dockerfile").write_text(f"FROM {name}\nCOPY Dockerfile /\n")
        flags = ("--builder", "daemonless", "-o", "type=oci,dest=a.tar")
        assert run("build", "app", *flags).err.splitlines()[-1] == last
