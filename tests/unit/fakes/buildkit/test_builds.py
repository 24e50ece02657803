"""Builds of the BuildKit inside an engine double, as the project's own client sees them."""

from __future__ import annotations

import os
import shutil
import socket
import tarfile
from contextlib import closing

import pytest
from buildkit_builds import Build
from docker.errors import APIError

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.http.conversation import Conversation
from fakes.http.messages import Headers, Request, Response
from fakes.http.server import serving
from fakes.shell import Process
from imagebuilders.events import Event, Notice, StepCached, StepOutput, listen
from imagebuilders.exceptions import BuildError


def _steps(engine: FakeDockerEngine) -> dict[str, bool]:
    """Which steps of the last build came from the cache."""
    return {
        step.instruction: step.cached
        for step in engine.builds[-1].steps
        if not step.instruction.startswith("FROM ")
    }


def test_files_configuration_and_history(engine: FakeDockerEngine, build: Build) -> None:
    """The image is what the Dockerfile says, under the name that was asked for."""
    engine.on_run("make *", files={"/out": "made"})
    engine.seed_hub("gcc:14")
    build(
        "FROM gcc:14 AS one\nRUN make it\nFROM base:1\nENV A=b\nWORKDIR /app\nCOPY . .\nCOPY "
        '--from=one /out /o\nCMD ["x"]\n',
        {"f.txt": "hello", ".dockerignore": "Dockerfile\n"},
    )
    tree = engine.image_tree("app:1")
    assert tree.read_text("/app/f.txt") == "hello"
    assert tree.read_text("/o") == "made"
    assert "app/Dockerfile" not in tree.find()
    config = engine.image("app:1").parsed
    assert config["config"]["WorkingDir"] == "/app"
    assert "A=b" in config["config"]["Env"]
    assert [entry["created_by"] for entry in config["history"]][1:] == [
        *("ENV A=b", "WORKDIR /app", "COPY . . # buildkit", "COPY /out /o # buildkit"),
        'CMD ["x"]',
    ]
    assert all(entry["created"] for entry in config["history"])


def test_a_build_is_recorded(engine: FakeDockerEngine, build: Build) -> None:
    """What it was asked for, what it took, and what each step did."""
    engine.on_run("make", files={"/made": ""})
    build(
        "FROM base:1 AS app\nARG V\nRUN make\nRUN other\nCOPY f /\n",
        {"f": "", "g": ""},
        buildargs={"V": "1"},
        target="app",
    )
    (record,) = engine.builds
    assert (record.tags, record.dockerfile, record.target) == (["app:1"], "Dockerfile", "app")
    assert record.build_args["V"] == "1"
    assert record.context_files == ["f"]
    assert [(step.instruction, step.executed) for step in record.steps] == [
        ("FROM base:1 AS app", None),
        ("ARG V=1", None),
        ("RUN make", "rule"),
        ("RUN other", None),
        ("COPY f /", None),
    ]
    assert record.image_id == engine.image("app:1").id


def test_nothing_changed(engine: FakeDockerEngine, build: Build) -> None:
    """Every step comes from the cache, and the image is the same one."""
    text = "FROM base:1\nRUN one\nCOPY f /\nWORKDIR /w\n"
    build(text, {"f": "1"})
    first = engine.image("app:1").id
    os.utime(build.folder / "f", (1, 1))  # content counts, and no time
    told: list[Event] = []
    with listen(told.append):
        build(text, {"f": "1"})
    assert engine.image("app:1").id == first
    assert _steps(engine) == {"RUN one": True, "COPY f /": True, "WORKDIR /w": True}
    assert sum(isinstance(event, StepCached) for event in told) >= 3


def test_what_changed_is_done_anew(engine: FakeDockerEngine, build: Build) -> None:
    """And what stands on it; what was before it is not."""
    text = "FROM base:1\nRUN one\nCOPY f /\nRUN two\n"
    build(text, {"f": "1"})
    build(text, {"f": "22"})
    assert _steps(engine) == {"RUN one": True, "COPY f /": False, "RUN two": False}
    assert engine.image_tree("app:1").read_text("/f") == "22"


def test_without_the_cache(engine: FakeDockerEngine, build: Build) -> None:
    """Everything is done anew, or one stage."""
    text = "FROM base:1 AS one\nRUN one\nFROM base:1\nCOPY --from=one /etc/group /g\nRUN two\n"
    build(text)
    build(text, nocache=True)
    assert not any(_steps(engine).values())
    build(text, no_cache_filter=["one"])
    assert _steps(engine)["RUN one"] is False
    assert _steps(engine)["RUN two"] is True


def test_a_rule_that_comes_later_counts(engine: FakeDockerEngine, build: Build) -> None:
    """What only was recorded is not taken from the cache once there is a rule for it."""
    build("FROM base:1\nRUN make\n")
    engine.on_run("make", files={"/made": "1"})
    build("FROM base:1\nRUN make\n")
    assert engine.image_tree("app:1").read_text("/made") == "1"


def test_an_engine_that_is_reset_knows_no_step(engine: FakeDockerEngine, build: Build) -> None:
    """Its cache is gone with its images."""
    build("FROM scratch\nCOPY f /\n", {"f": ""})
    engine.reset()
    build("FROM scratch\nCOPY f /\n", {"f": ""})
    assert _steps(engine) == {"COPY f /": False}


def test_a_function_does_the_work(engine: FakeDockerEngine, build: Build) -> None:
    """It sees the files, the variables and the account, prints, and writes."""

    def work(process: Process) -> None:
        process.print(f"{process.files['/in'].decode()} {process.environment['A']}")
        process.files["/deep/out"] = b"#!/bin/sh"
        del process.files["/in"]

    engine.on_run("work", work)
    told: list[Event] = []
    with listen(told.append):
        build("FROM base:1\nENV A=b\nCOPY in /in\nRUN work\n", {"in": "text"})
    assert [event.line for event in told if isinstance(event, StepOutput)] == ["text b"]
    tree = engine.image_tree("app:1")
    assert tree.mode("/deep/out") == 0o755
    assert "in" not in tree.find()


def test_variables_of_rules(engine: FakeDockerEngine, build: Build) -> None:
    """Later commands and the image see them, those from the cache as well."""
    seen: list[str] = []
    engine.on_run("setup", env={"B": "c"})
    engine.on_run("work *", lambda process: seen.append(process.environment["B"]))
    build("FROM base:1\nRUN setup\nRUN work 1\n")
    build("FROM base:1\nRUN setup\nRUN work 2\n")
    assert seen == ["c", "c"]
    assert "B=c" in engine.image("app:1").parsed["config"]["Env"]


# --- mounts ------------------------------------------------------------------


def test_a_secret_is_asked_for_and_nothing_leaks(engine: FakeDockerEngine, build: Build) -> None:
    """The command sees it; the record has its name, and the image nothing of it."""
    seen: list[bytes] = []
    engine.on_run("fetch", lambda process: seen.append(process.files["/run/secrets/token"]))
    engine.on_run("env", lambda process: seen.append(process.environment["T"].encode()))
    build(
        "FROM base:1\nRUN --mount=type=secret,id=token fetch\n"
        "RUN --mount=type=secret,id=token,env=T env\n",
        secrets=[{"id": "token", "get": lambda: "s3cret"}],
    )
    assert seen == [b"s3cret", b"s3cret"]
    assert engine.builds[-1].secrets == ["token", "token"]
    image = engine.image("app:1")
    assert b"s3cret" not in image.document + b"".join(layer.content for layer in image.layers)
    assert "s3cret" not in repr(engine.builds)


def test_a_secret_that_the_client_has_not(engine: FakeDockerEngine, build: Build) -> None:
    """The step goes without it, or fails if it is required."""
    build("FROM base:1\nRUN --mount=type=secret,id=token fetch\n")
    assert engine.builds[-1].secrets == []
    with pytest.raises(BuildError, match="secret token: not found"):
        build("FROM base:1\nRUN --mount=type=secret,id=token,required=true fetch\n")


def test_a_required_agent(build: Build) -> None:
    """A client without one makes the step fail."""
    build("FROM base:1\nRUN --mount=type=ssh fetch\n")
    for written, name in (("", ""), (",id=default", "default"), (",id=other", "other")):
        with pytest.raises(BuildError, match=rf"unset ssh forward key {name}(\.|$|\n)"):
            build(f"FROM base:1\nRUN --mount=type=ssh{written},required=true fetch\n")


@pytest.mark.parametrize(
    ("mount", "words"),
    [
        (
            "source=/none,target=/x",
            r'cache key: failed to calc.* ref .*: "/none": not found',
        ),
        ("source=*.txt,target=/x", r'checksum of ref .*: "/\*\.txt": not found'),
        ("from=one,source=/none,target=/x", r"successfully: open /none: no such file or directory"),
        ("type=cache,source=/none,target=/x", r'"/bin/sh -c make" did not .*: open /none: no such'),
        ("type=tmpfs,source=/none,target=/x", r"open /none: no such file or directory"),
        ("type=secret,id=x,target=/", r"invalid mount type SECRET for /"),
        ("type=ssh,target=/", r"invalid mount type SSH for /"),
    ],
)
def test_what_cannot_be_mounted(build: Build, mount: str, words: str) -> None:
    """It is refused before the command would begin."""
    with pytest.raises(BuildError, match=words):
        build(f"FROM base:1 AS one\nFROM base:1\nRUN --mount={mount} make\n")


def test_a_folder_of_another_stage_is_mounted(engine: FakeDockerEngine, build: Build) -> None:
    """A command sees what that stage has made."""
    seen: list[bytes] = []
    engine.on_run("see", lambda process: seen.append(process.files["/x"]))
    engine.on_run("make", files={"/etc/x": "content"})
    build(
        "FROM base:1 AS one\nRUN make\nFROM base:1\n"
        "RUN --mount=from=one,source=/etc/x,target=/x see\n"
    )
    assert seen == [b"content"]


def test_a_cache_mount_stays(engine: FakeDockerEngine, build: Build) -> None:
    """What a command writes there is in no layer, and is there in the next build."""
    seen: list[bool] = []

    def work(process: Process) -> None:
        seen.append("/cache/f" in process.files)
        process.files["/cache/f"] = b""

    engine.on_run("work *", work)
    for number in (1, 2):
        build(f"FROM base:1\nRUN --mount=type=cache,target=/cache work {number}\n")
    assert seen == [False, True]
    assert "cache/f" not in engine.image_tree("app:1").find()


def test_folders_are_mounted(engine: FakeDockerEngine, build: Build) -> None:
    """Those of the context and of other stages; what is written there is lost."""
    seen: list[bytes] = []

    def work(process: Process) -> None:
        seen.extend([process.files["/in/f"], process.files["/etc-of-one/group"][:4]])
        process.files["/in/new"] = b""
        with pytest.raises(PermissionError):
            process.files["/etc-of-one/new"] = b""

    engine.on_run("work", work)
    build(
        "FROM base:1 AS one\nFROM base:1\nRUN --mount=type=bind,source=dir,target=/in,rw "
        "--mount=from=one,source=/etc,target=/etc-of-one --mount=type=tmpfs,target=/tmp work\n",
        {"dir/f": "1", "other": ""},
    )
    assert seen == [b"1", b"root"]
    assert engine.builds[-1].context_files == ["dir", "dir/f"]
    assert "in/new" not in engine.image_tree("app:1").find()


# --- failures ----------------------------------------------------------------


def test_a_command_fails(engine: FakeDockerEngine, build: Build) -> None:
    """The client is told the exit code, the output, and the lines of the Dockerfile."""
    engine.on_run("make *", output="begun\n", error_output="oh no\n", exit_code=7)
    with pytest.raises(BuildError) as caught:
        build("FROM base:1\nRUN make \\\n  it\nRUN never\n")
    assert caught.value.exit_code == 7
    assert caught.value.output == ("begun", "oh no")
    assert caught.value.excerpt is not None
    assert "> 2 | RUN make" in caught.value.excerpt
    assert 'process "/bin/sh -c make   it" did not complete' in str(engine.builds[-1].error)
    assert [step.instruction for step in engine.builds[-1].steps[1:]] == ["RUN make   it"]


@pytest.mark.parametrize(
    ("dockerfile", "words"),
    [
        ("FROM nowhere:1\n", "pull access denied, repository does not exist"),
        ("FROM known:2\n", "docker.io/library/known:2: not found"),
        ("FROM base:1\nCOPY missing /\n", '"/missing": not found'),
        ("FROM base:1\nRUNN x\n", "unknown instruction: RUNN"),
        ("FROM base:1\nRUN --mount=from=nowhere x\n", "pull access denied"),
    ],
)
def test_the_words_of_failures(
    engine: FakeDockerEngine, build: Build, dockerfile: str, words: str
) -> None:
    """They are BuildKit's."""
    engine.seed_hub("known:1")
    with pytest.raises(BuildError, match=words):
        build(dockerfile)
    assert words.replace("\\", "") in str(engine.builds[-1].error)


def test_a_policy_that_refuses(build: Build, engine: FakeDockerEngine) -> None:
    """A RUN without a rule fails, and says why."""
    engine.run_rules.policy = "refuse"
    with pytest.raises(BuildError, match="no on_run"):
        build("FROM base:1\nRUN make\n")


def test_checks_warn(build: Build) -> None:
    """With the rule, as BuildKit does."""
    told: list[Event] = []
    with listen(told.append):
        build("FROM base:1\nMAINTAINER me\n")
    notices = [event.message for event in told if isinstance(event, Notice)]
    assert any("Maintainer instruction is deprecated" in text for text in notices)


# --- options -----------------------------------------------------------------


def test_files_for_the_client(build: Build) -> None:
    """A result can be a folder or an archive."""
    text = "FROM scratch\nCOPY dir /\n"
    target = build.folder.parent
    build(text, {"dir/f": "1"}, outputs=f"type=local,dest={target / 'out'}")
    assert (target / "out" / "f").read_text() == "1"
    build(text, outputs=f"type=tar,dest={target / 'out.tar'}")
    with tarfile.open(target / "out.tar") as archive:
        assert archive.getnames() == ["f"]


def test_a_named_context(engine: FakeDockerEngine, build: Build) -> None:
    """A folder of the client, with an ignore file of its own, and an image."""
    extra = build.folder.parent / "extra"
    extra.mkdir()
    for name in ("f", "g", ".dockerignore"):
        (extra / name).write_text("g\n")
    build(
        "FROM image\nCOPY --from=extra . /x/\n",
        build_contexts={"extra": str(extra), "image": "docker-image://base:1"},
    )
    assert engine.image_tree("app:1").find("x/*") == ["x/.dockerignore", "x/f"]
    shutil.rmtree(extra)


def test_a_folder_as_a_base(engine: FakeDockerEngine, build: Build) -> None:
    """Its files are a layer of the image, and the history has a record for each layer."""
    base = build.folder.parent / "files"
    base.mkdir()
    (base / "f").write_text("of the base")
    build(
        "FROM files\nWORKDIR /w\nCOPY g /g\n",
        {"g": "own"},
        build_contexts={"files": str(base)},
    )
    image = engine.image("app:1")
    assert engine.image_tree("app:1").read_text("/f") == "of the base"
    names = [[member.name for member in layer.members] for layer in image.layers]
    assert names == [["f"], ["w/"], ["g"]]
    history = image.parsed["history"]
    assert [entry["created_by"] for entry in history] == [
        *("WORKDIR /w", "COPY g /g # buildkit", "[2/3] COPY g /g")
    ]
    assert all(entry["created"] for entry in history)


def test_files_are_asked_for_once(engine: FakeDockerEngine, build: Build) -> None:
    """The next build of the same context asks for what has changed."""
    build("FROM scratch\nCOPY . /\n", {"f": "1", "g": "1"})
    build("FROM scratch\nCOPY . /\n", {"f": "1", "g": "2222"})
    assert engine.image_tree("app:1").read_text("/f") == "1"
    assert engine.image_tree("app:1").read_text("/g") == "2222"


def test_modes_and_links_arrive(engine: FakeDockerEngine, build: Build) -> None:
    """As they are in the folder."""
    build("FROM scratch\n", {"f": "1", "tool": "#!"})
    (build.folder / "tool").chmod(0o755)
    (build.folder / "link").symlink_to("f")
    os.link(build.folder / "f", build.folder / "hard")
    build("FROM scratch\nCOPY f hard link tool /\n")
    tree = engine.image_tree("app:1")
    assert tree.mode("/tool") == 0o755
    assert tree.read_text("/hard") == "1"
    assert tree.read_text("/link") == "1"


# --- frontends and downloads -------------------------------------------------


def test_docker_s_own_frontend_is_there(engine: FakeDockerEngine, build: Build) -> None:
    """A version that is asked for counts, in the file or by an argument."""
    text = "FROM base:1\nCOPY --parents dir/f /x/\n"
    with pytest.raises(BuildError, match="parents"):
        build(text, {"dir/f": "1"})
    build(f"# syntax=docker/dockerfile:1\n{text}")
    assert engine.image_tree("app:1").read_text("/x/dir/f") == "1"
    with pytest.raises(BuildError, match="parents"):
        build(f"# syntax=docker/dockerfile:1.7\n{text}")
    build(text, buildargs={"BUILDKIT_SYNTAX": "docker.io/docker/dockerfile:1"})


def test_no_other_frontend_runs(engine: FakeDockerEngine, build: Build) -> None:
    """One that is not there is missed; of one that is, the double says that it does not run it."""
    with pytest.raises(BuildError, match="failed to resolve source metadata for"):
        build("# syntax=team/x:1\nFROM base:1\n")
    engine.seed_hub("team/x:1")
    with pytest.raises(BuildError, match="the BuildKit double runs no frontends"):
        build("# syntax=team/x:1\nFROM base:1\n")


def test_a_download_from_this_machine(engine: FakeDockerEngine, build: Build) -> None:
    """It is fetched, and kept: the image of the next build is the same one."""

    def answer(request: Request) -> Response:
        return Response(200 if request.target == "/file" else 404, Headers(), b"content")

    def serve(connection: socket.socket) -> None:
        with connection:
            Conversation(connection, answer).run()

    with serving(serve, "tcp://127.0.0.1:0", name="files") as address:
        url = address.replace("tcp://", "http://")
        for _ in range(2):
            build(f"FROM base:1\nADD {url}/file /x/\n")
        with pytest.raises(BuildError, match="invalid response status 404"):
            build(f"FROM base:1\nADD {url}/missing /x/\n")
    assert engine.image_tree("app:1").read_text("/x/file") == "content"


def test_a_download_from_elsewhere(build: Build) -> None:
    """A double goes to no network."""
    with pytest.raises(BuildError, match="no such host"):
        build("FROM base:1\nADD https://files.example/x /\n")


def test_a_builder_in_a_container_is_refused(engine: FakeDockerEngine) -> None:
    """With words that name the double, and what does instead."""
    with closing(FakeDockerClient(engine)) as client:
        with pytest.raises(APIError, match="the engine double runs no BuildKit in a container"):
            client.images.pull("moby/buildkit", tag="buildx-stable-1")
        engine.seed_hub("moby/buildkit:buildx-stable-1")
        client.images.pull("moby/buildkit", tag="buildx-stable-1")
