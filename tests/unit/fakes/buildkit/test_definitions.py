"""Builds of the BuildKit double without a frontend (LLB), and builds that begin with others."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from fakes import FakeBuildKit
from fakes.shell import Process
from imagebuilders import BuildContext, BuildKitImageBuilder, BuildTask
from imagebuilders.buildkit import ControlClient, connect
from imagebuilders.buildkit.control.client import SERVICE
from imagebuilders.buildkit.proto import control_pb2
from imagebuilders.buildkit.proto.ops_pb2 import (
    CACHE,
    SECRET,
    ChownOpt,
    Definition,
    DiffOp,
    ExecOp,
    FileAction,
    FileActionCopy,
    FileActionMkDir,
    FileActionMkFile,
    FileActionRm,
    FileActionSymlink,
    FileOp,
    Input,
    LowerDiffInput,
    MergeInput,
    MergeOp,
    Meta,
    Mount,
    NamedUserOpt,
    Op,
    OpMetadata,
    SecretEnv,
    SecretOpt,
    SourceOp,
    UpperDiffInput,
    UserOpt,
)
from imagebuilders.buildkit.session.file_sync import FileSync
from imagebuilders.buildkit.session.secrets import Secrets
from imagebuilders.buildkit.session.session import Session
from imagebuilders.buildkit.session.synced_folders import PackedFolder
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.context.entries import Entry, EntryType


class Graph:
    """Writes a definition, operation by operation."""

    def __init__(self) -> None:
        self.definition = Definition()

    def add(self, *inputs: Input, name: str = "", **operation: object) -> Input:
        """Add an operation; return what it makes."""
        content = Op(inputs=inputs, **operation).SerializeToString()  # type: ignore[arg-type]
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        getattr(self.definition, "def").append(content)
        description = {"llb.customname": name} if name else {}
        self.definition.metadata[digest].CopyFrom(OpMetadata(description=description))
        return Input(digest=digest, index=0)

    def source(self, identifier: str, **attributes: str) -> Input:
        """Add a source."""
        attrs = {key.replace("_", "."): value for key, value in attributes.items()}
        return self.add(source=SourceOp(identifier=identifier, attrs=attrs))

    def files(self, *inputs: Input, action: FileAction) -> Input:
        """Add an operation with one action."""
        return self.add(*inputs, file=FileOp(actions=[action]))

    def ending(self, last: Input) -> Definition:
        """Return the definition of what an operation makes."""
        self.add(last)
        return self.definition


@pytest.fixture
def client(fake_buildkit: FakeBuildKit, fake_buildkit_host: str) -> Iterator[ControlClient]:
    """A client of a daemon that knows a base."""
    fake_buildkit.seed_image("base:1", accounts=["app"])
    with connect(fake_buildkit_host) as client:
        yield client


@pytest.fixture
def solve(fake_buildkit: FakeBuildKit, client: ControlClient) -> Callable[..., list[str]]:
    """Build a definition as `made:1`, and return the names of what was done."""

    def solve(definition: Definition, files: Mapping[str, bytes] | None = None) -> list[str]:
        entries = [
            Entry(name, EntryType.FILE, size=len(content), source=content)
            for name, content in (files or {}).items()
        ]
        folders = FileSync({"context": PackedFolder.of(entries)})
        session = Session([folders, Secrets({"token": lambda: b"s3cret"})])
        ref = f"ref{len(fake_buildkit.builds)}"
        request = control_pb2.SolveRequest(Ref=ref, Session=session.id, Definition=definition)
        request.Exporters.append(control_pb2.Exporter(Type="image", Attrs={"name": "made:1"}))
        names: list[str] = []
        with client.attached(session):
            listener = threading.Thread(target=_listen, args=(client, ref, names))
            listener.start()
            try:
                message = request.SerializeToString()
                client.channel.unary(f"{SERVICE}Solve", message, timeout=10)
            finally:
                listener.join(10)
        return names

    return solve


def _listen(client: ControlClient, ref: str, names: list[str]) -> None:
    call = client.channel.call(f"{SERVICE}Status")
    call.send(control_pb2.StatusRequest(Ref=ref).SerializeToString(), last=True)
    while (message := call.receive(10)) is not None:
        told = control_pb2.StatusResponse.FromString(message)
        names += [
            f"{vertex.name}{' (cached)' if vertex.cached else ''}"
            for vertex in told.vertexes
            if vertex.HasField("completed")
        ]


def _copy(source: str, target: str, **more: object) -> FileAction:
    copy = FileActionCopy(src=source, dest=target, mode=-1, timestamp=-1, **more)  # type: ignore[arg-type]
    return FileAction(input=0, secondaryInput=1, copy=copy)


def test_files_of_the_client_are_copied_onto_an_image(
    fake_buildkit: FakeBuildKit, solve: Callable[..., list[str]]
) -> None:
    """By a wildcard, with an owner by name; the same again is in the cache."""
    graph = Graph()
    base = graph.source("docker-image://docker.io/library/base:1")
    local = graph.source("local://context", local_includepattern='["*.txt"]')
    owner = ChownOpt(user=UserOpt(byName=NamedUserOpt(name="app")), group=UserOpt(byID=7))
    action = _copy("/*.txt", "/x/", allowWildcard=True, createDestPath=True, owner=owner)
    definition = graph.ending(graph.files(base, local, action=action))
    files = {"a.txt": b"1", "b.md": b"2"}

    done = solve(definition, files)
    assert done[-2:] == ["copy /*.txt /x/", "exporting to image"]
    tree = fake_buildkit.image_tree("made:1")
    assert tree.read_text("/x/a.txt") == "1"
    assert "/x/b.md" not in tree
    user, group = tree.owner("/x/a.txt")
    assert (user > 0, group) == (True, 7)
    assert "copy /*.txt /x/ (cached)" in solve(definition, files)
    assert "copy /*.txt /x/" in solve(definition, {"a.txt": b"changed"})


def test_a_command_is_what_rules_say(
    fake_buildkit: FakeBuildKit, solve: Callable[..., list[str]]
) -> None:
    """With its environment, secrets, and the mounts of other operations; named as it is named."""
    seen: dict[str, Any] = {}

    def work(process: Process) -> None:
        seen.update(environment=process.environment, files=process.files)
        seen["bound"] = process.files["/src/f"]
        seen["secret"] = process.files["/run/secrets/token"]
        process.files["/made"] = b"1"

    fake_buildkit.on_run("make all", work)
    graph = Graph()
    base = graph.source("docker-image://docker.io/library/base:1")
    local = graph.source("local://context")
    command = ExecOp(
        meta=Meta(args=["/bin/sh", "-c", "make all"], env=["A=b"], cwd="/work"),
        mounts=[
            Mount(input=0, dest="/", output=0),
            Mount(input=1, dest="/src", output=-1, readonly=True),
            Mount(input=-1, dest="/cache", output=-1, mountType=CACHE),
            Mount(
                input=-1,
                dest="/run/secrets/token",
                output=-1,
                mountType=SECRET,
                secretOpt=SecretOpt(ID="token"),
            ),
        ],
        secretenv=[SecretEnv(ID="token", name="TOKEN")],
    )
    definition = graph.ending(graph.add(base, local, exec=command, name="the work"))

    assert "the work" in solve(definition, {"f": b"content"})
    assert fake_buildkit.image_tree("made:1").read_text("/made") == "1"
    assert seen["bound"] == b"content"
    assert seen["secret"] == b"s3cret"
    assert seen["environment"]["A"] == "b"
    assert seen["environment"]["TOKEN"] == "s3cret"


def test_a_command_that_fails(fake_buildkit: FakeBuildKit, solve: Callable[..., list[str]]) -> None:
    """With its exit code and its words."""
    fake_buildkit.on_run("false", exit_code=3)
    graph = Graph()
    root = [Mount(input=-1, dest="/", output=0)]
    command = ExecOp(meta=Meta(args=["/bin/sh", "-c", "false"]), mounts=root)

    with pytest.raises(CallError, match=r"did not complete successfully: exit code: 3"):
        solve(graph.ending(graph.add(exec=command)))


def test_files_are_made_and_removed(
    fake_buildkit: FakeBuildKit, solve: Callable[..., list[str]]
) -> None:
    """Several actions of one operation, each upon what the one before has left."""
    graph = Graph()
    actions = [
        FileAction(
            input=-1,
            secondaryInput=-1,
            output=-1,
            mkdir=FileActionMkDir(path="/a/b", mode=0o750, makeParents=True, timestamp=-1),
        ),
        FileAction(
            input=0,
            secondaryInput=-1,
            output=-1,
            mkfile=FileActionMkFile(path="/a/b/f", mode=0o600, data=b"data", timestamp=10**9),
        ),
        FileAction(
            input=1,
            secondaryInput=-1,
            output=-1,
            symlink=FileActionSymlink(oldpath="b/f", newpath="/a/l", timestamp=-1),
        ),
        FileAction(
            input=2,
            secondaryInput=-1,
            output=-1,
            mkfile=FileActionMkFile(path="/gone", mode=0o600, timestamp=-1),
        ),
        FileAction(
            input=3,
            secondaryInput=-1,
            output=0,
            rm=FileActionRm(path="/gone"),
        ),
    ]
    solve(graph.ending(graph.add(file=FileOp(actions=actions))))

    tree = fake_buildkit.image_tree("made:1")
    assert tree.read_text("/a/b/f") == "data"
    assert tree.mode("/a/b") == 0o750
    assert tree.link("/a/l") == "b/f"
    assert "/gone" not in tree


def test_what_is_removed_has_to_be_there(solve: Callable[..., list[str]]) -> None:
    """Unless the action says that it need not."""
    for allowed in (True, False):
        graph = Graph()
        action = FileAction(
            input=-1,
            secondaryInput=-1,
            output=0,
            rm=FileActionRm(path="/no", allowNotFound=allowed),
        )
        definition = graph.ending(graph.files(action=action))
        if allowed:
            solve(definition)
            continue
        with pytest.raises(CallError, match="lstat /no: no such file or directory"):
            solve(definition)


def _made_file(graph: Graph, path: str, *below: Input) -> Input:
    made = FileActionMkFile(path=path, mode=0o644, data=path.encode(), timestamp=-1)
    action = FileAction(input=0 if below else -1, secondaryInput=-1, output=0, mkfile=made)
    return graph.files(*below, action=action)


def test_results_are_merged_and_compared(
    fake_buildkit: FakeBuildKit, solve: Callable[..., list[str]]
) -> None:
    """What one has more than the other lies upon a third."""
    graph = Graph()
    lower = _made_file(graph, "/lower")
    upper = _made_file(graph, "/upper", lower)
    diff = DiffOp(lower=LowerDiffInput(input=0), upper=UpperDiffInput(input=1))
    more = graph.add(lower, upper, diff=diff)
    other = _made_file(graph, "/other")
    merge = MergeOp(inputs=[MergeInput(input=0), MergeInput(input=1)])
    solve(graph.ending(graph.add(other, more, merge=merge)))

    tree = fake_buildkit.image_tree("made:1")
    assert tree.find() == ["other", "upper"]
    assert len(tree.layers) == 2


def test_repositories_and_urls(
    fake_buildkit: FakeBuildKit, solve: Callable[..., list[str]]
) -> None:
    """What was seeded of other machines is there, and nothing else is."""
    fake_buildkit.seed_repository("https://git.example/app.git", {"src/main.py": "1"}, ref="v1")
    fake_buildkit.seed_download("https://files.example/a.bin?x=1", b"bytes")
    graph = Graph()
    repository = graph.source("git://git.example/app.git#v1:src")
    url = graph.source("https://files.example/a.bin?x=1")
    merge = MergeOp(inputs=[MergeInput(input=0), MergeInput(input=1)])
    solve(graph.ending(graph.add(repository, url, merge=merge)))
    assert fake_buildkit.image_tree("made:1").find() == ["a.bin", "main.py"]

    for identifier, words in (
        ("git://git.example/other.git", "goes to no network"),
        ("git://git.example/app.git#v2", "repository does not contain ref v2"),
        ("https://files.example/other", "no such host"),
        ("nope://x", "unknown scheme nope"),
    ):
        graph = Graph()
        with pytest.raises(CallError, match=words):
            solve(graph.ending(graph.source(identifier)))


def test_definitions_that_are_none(solve: Callable[..., list[str]]) -> None:
    """Without an end, and with an input that is not in it."""
    graph = Graph()
    graph.source("local://context")
    with pytest.raises(CallError, match="failed to load LLB: invalid LLB with no final input"):
        solve(graph.definition)
    graph = Graph()
    with pytest.raises(CallError, match="failed to load LLB: invalid missing input digest"):
        solve(graph.ending(Input(digest="sha256:00", index=0)))


def test_an_image_of_a_definition_says_what_made_its_layers(
    fake_buildkit: FakeBuildKit, solve: Callable[..., list[str]]
) -> None:
    """As nothing else has a configuration for it."""
    graph = Graph()
    solve(graph.ending(_made_file(graph, "/f")))
    (record,) = fake_buildkit.image_tree("made:1").history
    assert record["created_by"] == "mkfile /f"
    assert record["comment"] == "buildkit.exporter.image.v0"


@pytest.mark.parametrize(
    "address", ["https://git.example/team/app.git#main:image", "github.com/team/app#main:image"]
)
def test_a_context_is_a_repository(
    fake_buildkit: FakeBuildKit, client: ControlClient, address: str
) -> None:
    """The Dockerfile is one of its files, too."""
    files = {"image/Dockerfile": "FROM base:1\nCOPY f /\n", "image/f": "of the repository"}
    for url in ("https://git.example/team/app.git", "https://github.com/team/app.git"):
        fake_buildkit.seed_repository(url, files, ref="main")
    _build_with(client, {"context": address})
    assert fake_buildkit.image_tree("made:1").read_text("/f") == "of the repository"


def test_a_context_is_a_dockerfile_at_a_url(
    fake_buildkit: FakeBuildKit, client: ControlClient
) -> None:
    """And one that is not there cannot be had, as without a network."""
    fake_buildkit.seed_download("https://files.example/Dockerfile", "FROM base:1\nLABEL a=b\n")
    _build_with(client, {"context": "https://files.example/Dockerfile"})
    assert fake_buildkit.image_tree("made:1").labels == {"a": "b"}
    with pytest.raises(CallError, match="no such host"):
        _build_with(client, {"context": "https://files.example/other"})


def _build_with(client: ControlClient, attributes: Mapping[str, str]) -> None:
    session = Session([])
    request = control_pb2.SolveRequest(
        Ref=f"ref{attributes}",
        Session=session.id,
        Frontend="dockerfile.v0",
        FrontendAttrs=attributes,
    )
    request.Exporters.append(control_pb2.Exporter(Type="image", Attrs={"name": "made:1"}))
    with client.attached(session):
        client.channel.unary(f"{SERVICE}Solve", request.SerializeToString(), timeout=10)


def test_named_contexts_are_repositories_and_urls(
    fake_buildkit: FakeBuildKit, client: ControlClient, fake_buildkit_host: str
) -> None:
    """Of a URL there is one file, `context`."""
    fake_buildkit.seed_repository("ssh://git@git.example/app.git", {"a": "1"})
    fake_buildkit.seed_download("https://files.example/b.txt", "2")
    context = BuildContext()
    text = "FROM base:1\nCOPY --from=code a /\nCOPY --from=file context /b\n"
    context.add_file(text, "Dockerfile")
    builder = BuildKitImageBuilder(addresses=fake_buildkit_host)
    named = {"code": "https://git.example/app.git", "file": "https://files.example/b.txt"}
    options = {"build_contexts": named, "outputs": "type=image,name=made:1"}
    builder.build("made:1", context, options)
    tree = fake_buildkit.image_tree("made:1")
    assert (tree.read_text("/a"), tree.read_text("/b")) == ("1", "2")


def test_add_takes_what_was_seeded(
    fake_buildkit: FakeBuildKit, client: ControlClient, fake_buildkit_host: str
) -> None:
    """A repository's files, and what lies at a URL."""
    fake_buildkit.seed_repository("https://git.example/app.git", {"dir/a": "1"})
    fake_buildkit.seed_download("https://files.example/b.txt", "2")
    context = BuildContext()
    text = "FROM base:1\nADD https://git.example/app.git /g\nADD https://files.example/b.txt /\n"
    context.add_file(text, "Dockerfile")
    builder = BuildKitImageBuilder(addresses=fake_buildkit_host)
    builder.build("made:1", context, {"outputs": "type=image,name=made:1"})
    tree = fake_buildkit.image_tree("made:1")
    assert (tree.read_text("/g/dir/a"), tree.read_text("/b.txt")) == ("1", "2")


def test_a_layout_of_the_client_is_a_named_context(
    fake_buildkit: FakeBuildKit, client: ControlClient, fake_buildkit_host: str, tmp_path: Path
) -> None:
    """Its images are bases, by the name that they have in it."""
    builder = BuildKitImageBuilder(addresses=fake_buildkit_host)
    context = BuildContext()
    context.add_file("FROM base:1\nENV OF=layout\nCOPY f /\n", "Dockerfile")
    context.add_file("1", "f")
    target = tmp_path / "layout"
    builder.build("given:1", context, {"outputs": f"type=oci,dest={target},tar=false,name=given:1"})

    other = BuildContext()
    other.add_file("FROM lib\nRUN make\n", "Dockerfile")
    named = {"lib": f"oci-layout://{target}"}
    options = {"build_contexts": named, "outputs": "type=image,name=made:1"}
    builder.build("made:1", other, options)
    tree = fake_buildkit.image_tree("made:1")
    assert tree.read_text("/f") == "1"
    assert tree.env["OF"] == "layout"


def test_builds_of_many_begin_with_each_other(
    fake_buildkit: FakeBuildKit, client: ControlClient, fake_buildkit_host: str
) -> None:
    """The files and the configuration of one are the base of the other; nothing is exported."""
    fake_buildkit.on_run("make", files={"/made": "1"})
    builder = BuildKitImageBuilder(addresses=fake_buildkit_host)
    context = BuildContext()
    context.add_file("FROM base:1\nRUN make\nENV OF=first\n", "Dockerfile")
    other = BuildContext()
    other.add_file("FROM first\nCOPY --from=first /made /again\n", "Dockerfile")
    tasks = [
        BuildTask("first", context, {"outputs": "type=cacheonly"}),
        BuildTask(
            "made:1",
            other,
            {"build_contexts": {"first": "target:first"}, "outputs": "type=image,name=made:1"},
        ),
    ]
    for result in builder.build_many(tasks):
        result.result()
    tree = fake_buildkit.image_tree("made:1")
    assert tree.read_text("/again") == "1"
    assert tree.env["OF"] == "first"
    assert [record["created_by"] for record in tree.history][-3:] == [
        "RUN /bin/sh -c make # buildkit",
        "ENV OF=first",
        "COPY /made /again # buildkit",
    ]
