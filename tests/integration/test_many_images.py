"""Many images at once on real engines, and what `docker buildx bake` makes of the same files."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from left_threads import left_threads
from pytest_mock import MockerFixture
from testbed.engine import Engine
from testbed.image_reading import read_file
from testbed.tools import ClientTool

from imagebuilders import BuildContext, BuildTask, LocalImageBuilder, Stack
from imagebuilders.artifact_stores import LocalArtifactStore
from imagebuilders.buildkit.build import ImageBuild, build_image
from imagebuilders.buildkit.engine import engine_buildkit
from imagebuilders.buildkit.proto.ops_pb2 import Definition, Input, Op, SourceOp
from imagebuilders.buildkit.session.file_sync import _Sending
from imagebuilders.buildkit.session.synced_folders import PackedFolder, Request
from imagebuilders.cli.main import main
from imagebuilders.context.entries import Entry, EntryType
from imagebuilders.context.folder import Folder
from imagebuilders.context.packing import pack_entries
from imagebuilders.docker.build_engine import GivenEngine
from imagebuilders.events import Event, OneOfMany, StepStarted, listen
from imagebuilders.exceptions import BuildError, DependencyFailedError

pytestmark = pytest.mark.usefixtures("docker_config")

DOCKERFILE = """\
FROM BUSYBOX AS base
ARG WHICH=none
COPY . /src
RUN echo $WHICH > /which
FROM base AS broken
RUN false
FROM base
"""


@pytest.fixture
def context(buildkit_engine: Engine, tmp_path: Path) -> BuildContext:
    """A folder that no daemon has seen."""
    folder = tmp_path / "context"
    folder.mkdir()
    for number in range(20):
        (folder / f"file{number}").write_text(f"{tmp_path} {number}\n" * 100)
    text = DOCKERFILE.replace("BUSYBOX", buildkit_engine.busybox)
    (folder / "Dockerfile").write_text(text)
    return BuildContext(str(folder))


def test_a_context_is_sent_once(
    buildkit_engine: Engine, context: BuildContext, mocker: MockerFixture
) -> None:
    """Several builds of it, one of which fails, have it from one copy."""
    sent: Counter[str] = Counter()
    send = _Sending._send_file

    def count(sending: _Sending, number: int, entry: Entry) -> None:
        sent[entry.path] += 1
        send(sending, number, entry)

    mocker.patch.object(_Sending, "_send_file", count)
    tasks = [
        BuildTask(f"many-{number}:1", context, {"buildargs": {"WHICH": str(number)}})
        for number in range(3)
    ]
    tasks.append(BuildTask("many-broken:1", context, {"target": "broken"}))
    builder = LocalImageBuilder(docker_client=buildkit_engine.client, builder="buildkit")
    results = builder.build_many(tasks)
    assert [result.reference for result in results] == ["many-0:1", "many-1:1", "many-2:1", None]
    assert isinstance(results[3].error, BuildError)
    assert results[3].error.exit_code in (1, None)
    for number in range(3):
        which = read_file(buildkit_engine, f"many-{number}:1", "/which")
        assert which.content.decode() == f"{number}\n"
    assert {path: count for path, count in sent.items() if path.startswith("file")} == {
        f"file{number}": 1 for number in range(20)
    }


def test_each_context_has_a_session(
    buildkit_engine: Engine, context: BuildContext, mocker: MockerFixture
) -> None:
    """Four builds of two contexts need one connection and two sessions, and send each file once."""
    upgrades = mocker.spy(GivenEngine, "upgrade")
    sent = mocker.spy(_Sending, "_send_file")
    other = BuildContext()
    other.add_file("FROM scratch\nARG WHICH\nLABEL which=$WHICH\nCOPY data /\n", "Dockerfile")
    other.add_file(os.urandom(20).hex(), "data")
    tasks = [
        BuildTask(f"many-{name}-{number}:1", each, {"buildargs": {"WHICH": f"{number}"}})
        for name, each in (("one", context), ("other", other))
        for number in range(2)
    ]
    builder = LocalImageBuilder(docker_client=buildkit_engine.client, builder="buildkit")
    assert [result.error for result in builder.build_many(tasks)] == [None] * 4
    opened = Counter(call.args[1] for call in upgrades.call_args_list)
    assert opened == {"/grpc": 1, "/session": 2}
    files = Counter(call.args[2].path for call in sent.call_args_list)
    assert files["data"] == 1
    assert {files[f"file{number}"] for number in range(20)} == {1}


@pytest.mark.parametrize("way", ["contextkey", "inputs"])
def test_why_another_context_needs_another_session(buildkit_engine: Engine, way: str) -> None:
    """One session knows folders by name, and frontends ask for the context by a fixed one.

    The attribute that was meant to change it is passed over. A context that is handed to the
    frontend as an input may have another name, but is asked for as a whole, not for the files
    that the Dockerfile names.
    """
    named = _AskedFolder({"used": b"1", "unused": b"2", "mark": os.urandom(8)})
    fixed = _AskedFolder({"used": b"1", "unused": b"2", "mark": os.urandom(8)})
    dockerfile = _AskedFolder({"Dockerfile": b"FROM scratch\nCOPY used mark /\n"})
    attributes = {"filename": "Dockerfile"}
    inputs = {}
    if way == "contextkey":
        attributes["contextkey"] = "other"
    else:
        attributes["frontend.caps"] = "moby.buildkit.frontend.inputs"
        inputs["context"] = _local_source("other")
    build = ImageBuild(
        "many-named:1",
        attributes,
        {"context": fixed, "other": named, "dockerfile": dockerfile},
        inputs=inputs,
    )
    with engine_buildkit(GivenEngine(buildkit_engine.client)) as client:
        build_image(client, build, lambda _event: None)
    if way == "contextkey":
        assert ("used", "mark") in [tuple(sorted(each, reverse=True)) for each in fixed.follows]
        assert all(each == (".dockerignore",) for each in named.follows)
    else:
        assert fixed.follows == []
        assert named.follows == [()]


class _AskedFolder(PackedFolder):
    """A folder that notes which of its files a daemon follows."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__(
            pack_entries(
                Entry(name, EntryType.FILE, 0o644, len(content), source=content)
                for name, content in sorted(files.items())
            )
        )
        self.follows: list[tuple[str, ...]] = []

    def content(self, request: Request) -> Folder:
        self.follows.append(request.follow)
        return super().content(request)


def _local_source(name: str) -> Definition:
    """Return the definition of a folder of the session."""
    source = Op(source=SourceOp(identifier=f"local://{name}")).SerializeToString()
    last = Op(inputs=[Input(digest=_digest(source))]).SerializeToString()
    definition = Definition()
    getattr(definition, "def").extend([source, last])  # a word of Python's
    for op in (source, last):
        definition.metadata[_digest(op)].SetInParent()
    return definition


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.mark.parametrize("version", ["26.1", "28.5"])
def test_an_image_is_another_builds_context(
    version: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """With its files and its configuration; what needs a failed one is not begun."""
    engine: Engine = request.getfixturevalue(f"engine_{version.replace('.', '_')}")
    base, app = BuildContext(), BuildContext()
    base.add_file(
        f"FROM {engine.busybox}\nENV FROM_BASE=yes\nRUN cat /proc/sys/kernel/random/uuid > /id\n"
        f"LABEL test={tmp_path}\n",
        "Dockerfile",
    )
    app.add_file(
        "FROM base\nCOPY --from=base /id /copied\nRUN echo $FROM_BASE > /env\n", "Dockerfile"
    )
    broken = BuildContext()
    broken.add_file(f"FROM {engine.busybox}\nRUN false\n", "Dockerfile")
    tasks = [
        BuildTask("many-app:1", app, {"build_contexts": {"base": "target:base"}}),
        BuildTask("many-base:1", base, {"nocache": True}, name="base"),
        BuildTask("many-lost:1", app, {"build_contexts": {"base": "target:broken"}}),
        BuildTask("many-broken:1", broken, name="broken"),
    ]
    results = LocalImageBuilder(docker_client=engine.client).build_many(tasks)
    assert isinstance(results[2].error, DependencyFailedError)
    assert [result.reference for result in results[:2]] == ["many-app:1", "many-base:1"]
    # The step was done once, though nothing of it was to come from the cache.
    made = read_file(engine, "many-base:1", "/id").content
    assert read_file(engine, "many-app:1", "/id").content == made
    assert read_file(engine, "many-app:1", "/copied").content == made
    assert read_file(engine, "many-app:1", "/env").content == b"yes\n"


def test_ctrl_c_stops_all(engine_28_5: Engine) -> None:
    """At once, and no thread is left."""
    context = BuildContext()
    context.add_file(
        f"FROM {engine_28_5.busybox}\nARG N\nRUN echo {time.monotonic()} $N && sleep 60\n",
        "Dockerfile",
    )
    tasks = [BuildTask(f"many-slow-{n}:1", context, {"buildargs": {"N": str(n)}}) for n in range(3)]
    running: set[str] = set()

    def interrupt(event: Event) -> None:
        inner = event.event if isinstance(event, OneOfMany) else None
        if isinstance(event, OneOfMany) and isinstance(inner, StepStarted):
            if inner.instruction.startswith("RUN"):
                running.add(event.build)
            if len(running) == len(tasks):
                signal.raise_signal(signal.SIGINT)

    threads = set(threading.enumerate())
    began = time.monotonic()
    with listen(interrupt), pytest.raises(KeyboardInterrupt):
        LocalImageBuilder(docker_client=engine_28_5.client).build_many(tasks)
    assert time.monotonic() - began < 30
    assert left_threads(threads) == []


# --- bake ------------------------------------------------------------------------

COMPOSE = """\
x-defaults: &defaults
  args: {BASE: "${BASE}", VERSION: "${VERSION:-1}"}
services:
  api:
    image: "many-bake/api:${TAG:-1}"
    build:
      <<: *defaults
      context: ./api
      labels: [made=here]
      additional_contexts: {common: ./common}
  web:
    image: many-bake/web:1
    environment: {MODE: production}
    build:
      <<: *defaults
      context: .
      dockerfile: web/Dockerfile
      target: final
      args: [BASE, MODE, "VERSION=2"]
      additional_contexts: {api: "service:api"}
  worker:
    extends: {service: api}
    image: many-bake/worker:1
    profiles: [background]
    build:
      args: {VERSION: "3"}
      tags: ["many-bake/worker:2", "many-bake/worker:3"]
  inline:
    image: many-bake/inline:1
    build:
      context: .
      dockerfile_inline: |
        ARG BASE
        FROM $$BASE
        RUN echo inline > /inline
      args: [BASE]
  database:
    image: postgres
"""
FILES = {
    "compose.yaml": COMPOSE,
    "api/Dockerfile": "ARG BASE\nFROM $BASE\nARG VERSION\nRUN echo $VERSION > /version\n"
    "COPY . /api\nCOPY --from=common . /common\n",
    "api/code": "code\n",
    "common/shared": "shared\n",
    "web/Dockerfile": "ARG BASE\nFROM $BASE AS final\nARG MODE VERSION\n"
    "RUN echo $MODE $VERSION > /mode\nCOPY --from=api /version /api-version\nFROM final\n",
}


def test_bake_builds_what_buildx_builds(
    engine_28_5: Engine,
    client_tool: Callable[[str], ClientTool],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same targets, and the same images under the same names."""
    folder = tmp_path / "project"
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (folder / ".env").write_text(f"BASE={engine_28_5.busybox}\n")
    docker = client_tool("docker")
    docker.put(folder, "/many-bake")
    environment = {"DOCKER_HOST": engine_28_5.docker_host, "BUILDX_CONFIG": "/tmp/many-buildx"}

    def bake(*words: str) -> str:
        return docker.run(
            "buildx", "bake", *words, environment=environment, workdir="/many-bake"
        ).stdout

    printed = json.loads(bake("--print"))
    bake("--metadata-file", "/tmp/many-bake.json")
    theirs = json.loads(docker.fetch("/tmp/many-bake.json"))
    monkeypatch.chdir(folder)
    builder = LocalImageBuilder(docker_client=engine_28_5.client)
    store = LocalArtifactStore(path=str(tmp_path / "store"))
    written = tmp_path / "ours.json"
    with Stack(image_builder=builder, artifact_store=store, name="mine").activate():
        assert main(["bake", "--print", "--list", "targets"]) == 2
        assert main(["bake", "--metadata-file", str(written)]) == 0
    ours = json.loads(written.read_text())
    digest = "containerimage.digest"
    assert {name: said[digest] for name, said in ours.items()} == {
        name: said[digest] for name, said in theirs.items() if name in printed["target"]
    }
    for tag in ("api:1", "web:1", "worker:2", "worker:3", "inline:1"):
        assert engine_28_5.client.images.get(f"many-bake/{tag}").id
