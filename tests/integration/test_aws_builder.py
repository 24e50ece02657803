"""One application by each image builder: what CodeBuild runs is run by a real docker and buildx.

CodeBuild is the double, S3 and CloudWatch are moto's, the registry is a real one that wants the
credentials of ECR's tokens, and the engine is Docker-in-Docker.
"""

from __future__ import annotations

import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from authority import Authority
from testbed.buildkit_gateway import BuildKitGateway
from testbed.engine import Engine
from testbed.registry import Credentials, Registry
from testbed.tools import run_in

from fakes import FakeAWS
from fakes.code_build.programs.host import Command
from imagebuilders import (
    AWSImageBuilder,
    BaseImageBuilder,
    BuildContext,
    BuildKitImageBuilder,
    BuildKitImageBuilderConfig,
    Client,
    ECRContainerRegistry,
    LocalImageBuilder,
    S3ArtifactStore,
    Stack,
)
from imagebuilders.events import CacheMissed, Event, StepStarted, listen
from imagebuilders.exceptions import BuildError

pytestmark = pytest.mark.usefixtures("docker_config")

PASSWORD = "correct horse"


class EngineDocker:
    """The `docker` command in an engine's own container, with its buildx."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, command: Command) -> int:
        """Copy the build's folder there, run the command in it, and copy what it wrote back."""
        home = command.environment["HOME"]
        names = [name for name in command.environment if name.startswith(("BUILDX_", "IMAGEB"))]
        environment = {name: command.environment[name] for name in names}
        container = self._engine.container.get_wrapped_container()
        container.put_archive("/", _packed(command.folder, home, command.input))
        script = 'in=$1; shift; exec docker "$@" < "$in"'
        ended = run_in(
            self._engine.container,
            ["sh", "-c", script, "sh", f"{home}/input", *command.arguments],
            environment={**environment, "HOME": home},
            workdir=str(command.folder),
            check=False,
        )
        command.tell(ended.stdout)
        command.complain(ended.stderr)
        if "--metadata-file" in command.arguments and not ended.returncode:
            path = command.arguments[command.arguments.index("--metadata-file") + 1]
            chunks, _ = container.get_archive(f"{command.folder}/{path}")
            with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
                found = archive.extractfile(archive.getmembers()[0])
                assert found is not None
                command.path(path).write_bytes(found.read())
        return ended.returncode


def _packed(folder: Path, home: str, data: bytes) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.GNU_FORMAT) as archive:
        archive.add(folder, arcname=str(folder).lstrip("/"))
        member = tarfile.TarInfo(f"{home}/input".lstrip("/"))
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return output.getvalue()


@pytest.fixture(scope="module")
def ecr(containerd_engine: Engine) -> Registry:
    """A registry that is entered as one of ECR is."""
    return containerd_engine.new_registry(Credentials("AWS", PASSWORD))


@pytest.fixture
def aws(containerd_engine: Engine) -> Iterator[FakeAWS]:
    """The services, whose builds run on the engine."""
    with FakeAWS(docker=EngineDocker(containerd_engine), ecr_password=PASSWORD) as made:
        made.make_bucket("contexts")
        made.code_build.add_project("images")
        yield made


@pytest.fixture
def registry(aws: FakeAWS, ecr: Registry, containerd_engine: Engine) -> ECRContainerRegistry:
    """The registry, with ECR's settings."""
    settings: dict[str, Any] = {**aws.registry_settings, "uri": ecr.address}
    return ECRContainerRegistry(docker_client=containerd_engine.client, **settings)


@pytest.fixture
def store(aws: FakeAWS) -> Iterator[S3ArtifactStore]:
    """The store."""
    settings: dict[str, Any] = dict(aws.settings)
    made = S3ArtifactStore(path="s3://contexts", addressing_style="path", **settings)
    yield made
    made.close()


@pytest.fixture
def aws_builder(aws: FakeAWS) -> Iterator[AWSImageBuilder]:
    """The builder that uses the services."""
    settings: dict[str, Any] = dict(aws.settings)
    with AWSImageBuilder(project="images", poll_interval=0.2, **settings) as made:
        yield made


@pytest.fixture
def buildkit_builder(containerd_engine: Engine, tmp_path: Path) -> Iterator[BuildKitImageBuilder]:
    """The builder for BuildKit's own daemon, by mutual TLS."""
    folder = tmp_path / "authority"
    folder.mkdir()
    authority = Authority(folder)
    client = authority.issue("client")
    context = authority.server_context(authority.issue("server"))
    with BuildKitGateway(containerd_engine.docker_host, context) as gateway:
        config = BuildKitImageBuilderConfig(
            addresses=gateway.address,
            tls_ca=Path(authority.ca),
            tls_certificate=Path(client.certificate),
            tls_key=Path(client.key),
        )
        yield BuildKitImageBuilder(config)


@pytest.fixture
def context(tmp_path: Path) -> BuildContext:
    """An application with ignore rules, an added file, and steps that run."""
    root = tmp_path / "app"
    (root / "lib").mkdir(parents=True)
    (root / ".dockerignore").write_text("*.log\nDockerfile\nlib/dropped\n")
    (root / "Dockerfile").write_text(
        "FROM busybox:latest\nARG V=none\nWORKDIR /app\nCOPY . .\n"
        'RUN echo "$V" > version && ls > listing\nENV A=b\nCMD ["cat", "version"]\n'
    )
    for name in ("main.py", "debug.log", "lib/kept", "lib/dropped"):
        (root / name).write_text(name)
    made = BuildContext(root=str(root))
    made.add_file("generated", "generated.log")
    return made


def build_application(context: BuildContext, tag: str) -> str:
    """What an application does: it knows nothing but the active stack."""
    stack = Client().active_stack
    registry = stack.container_registry
    assert registry is not None
    options = {"buildargs": {"V": "it's $HOME"}, "labels": {"l": '"quoted" `x`'}}
    name = f"{registry.uri}/application/{tag}:1"
    return stack.image_builder.build(name, context, options, registry)


def test_the_stack_alone_decides(
    context: BuildContext,
    containerd_engine: Engine,
    aws_builder: AWSImageBuilder,
    buildkit_builder: BuildKitImageBuilder,
    store: S3ArtifactStore,
    registry: ECRContainerRegistry,
    ecr: Registry,
) -> None:
    """Three builders make the same files and config, with the digest that the registry reports."""
    builders: dict[str, BaseImageBuilder] = {
        "local": LocalImageBuilder(docker_client=containerd_engine.client),
        "buildkit": buildkit_builder,
        "aws": aws_builder,
    }
    images = {}
    for tag, builder in builders.items():
        with Stack(builder, store, registry).activate():
            digest = build_application(context, tag)
        repository = f"application/{tag}"
        assert digest == f"{ecr.address}/{repository}@{ecr.manifest(repository, '1').digest}"
        config = ecr.image_config(repository, "1")
        layers = ecr.manifest(repository, "1").content["layers"]
        blobs = [ecr.blob(repository, layer["digest"]) for layer in layers]
        images[tag] = (config["config"], config["architecture"], [_files(blob) for blob in blobs])
    assert images["aws"] == images["local"]
    assert images["aws"] == images["buildkit"]
    files = {path for layer in images["aws"][2] for path in layer}
    assert {"app/main.py", "app/generated.log", "app/lib/kept", "app/.dockerignore"} <= files
    assert not {"app/debug.log", "app/lib/dropped", "app/Dockerfile"} & files


def _files(layer: bytes) -> dict[str, tuple[int, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        found = {}
        for member in archive.getmembers():
            opened = archive.extractfile(member) if member.isreg() else None
            content = b"" if opened is None else opened.read()
            found[member.name.rstrip("/")] = (member.mode, content)
        return found


def test_steps_and_failures_of_the_real_buildx(
    context: BuildContext,
    aws_builder: AWSImageBuilder,
    store: S3ArtifactStore,
    registry: ECRContainerRegistry,
) -> None:
    """Its progress becomes steps; a command that fails is told with code, output and lines."""
    failing = BuildContext()
    failing.add_file("FROM busybox:latest\nRUN echo before; exit 7\n", "Dockerfile")
    told: list[Event] = []
    name = f"{registry.uri}/application/failing:1"
    with Stack(aws_builder, store, registry).activate():
        with listen(told.append), pytest.raises(BuildError) as caught:
            aws_builder.build(name, failing, None, registry)
        error = caught.value
        assert error.exit_code == 7
        assert error.instruction == "RUN echo before; exit 7"
        assert "before" in error.output
        assert error.excerpt is not None
        assert "> 2 | RUN echo before; exit 7" in error.excerpt
        assert any(one.number == 2 for one in told if isinstance(one, StepStarted))
        malformed = BuildContext()
        malformed.add_file("FROM busybox:latest\nFETCH x\n", "Dockerfile")
        with pytest.raises(BuildError, match="FETCH"):
            aws_builder.build(name, malformed, None, registry)


def test_why_the_cache_of_the_real_buildx_missed(
    aws_builder: AWSImageBuilder,
    store: S3ArtifactStore,
    registry: ECRContainerRegistry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the project's Docker keeps a cache, the file that changed is named, and no other."""
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path / "cache"))
    missed = []
    for content in ("one", "two"):
        changed = BuildContext()
        changed.add_file("FROM scratch\nCOPY kept /\nCOPY changed /\n", "Dockerfile")
        changed.add_file("kept by explained builds", "kept")
        changed.add_file(f"{content} of {tmp_path}", "changed")
        told: list[Event] = []
        name = f"{registry.uri}/application/explained:1"
        with Stack(aws_builder, store, registry).activate(), listen(told.append):
            aws_builder.build(name, changed, None, registry, explain_cache=True)
        missed.append([one for one in told if isinstance(one, CacheMissed)])
    assert [(one.instruction, one.subjects) for one in missed[1]] == [
        ("COPY changed /", ("changed",))
    ]


def test_two_clients_upload_once(
    context: BuildContext,
    aws_builder: AWSImageBuilder,
    store: S3ArtifactStore,
    registry: ECRContainerRegistry,
    aws: FakeAWS,
) -> None:
    """Both build the same context at a time: one of the four builds sends it."""
    digests: list[str] = []

    def work(tag: str) -> None:
        with Stack(aws_builder, store, registry).activate():
            digests.append(build_application(context, tag))

    for _ in range(2):
        threads = [threading.Thread(target=work, args=(tag,)) for tag in ("one", "two")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(digests) == 4
    assert len(aws.client("s3").list_objects_v2(Bucket="contexts")["Contents"]) == 1
    assert sum(request.operation == "PutObject" for request in aws.requests) == 1
