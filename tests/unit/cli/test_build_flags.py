"""The flags of `imagebuilders build`, which are those of `docker buildx build`."""

from __future__ import annotations

import io
import json
import logging
import re
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.buildkit import ScriptedBuildKit
from imagebuilders import ArchiveContext, LocalImageBuilder, RemoteContext, Stack, events
from imagebuilders.build_options import (
    Annotation,
    Attestation,
    BuildCache,
    BuildOutput,
    BuildSecret,
    ContainerLimits,
    HostAddress,
    SSHAgent,
    Ulimit,
)
from imagebuilders.buildkit.dockerfile_questions import DockerfileQuestions, FrontendCall
from imagebuilders.cli.build_flags import BUILDX_FLAGS
from imagebuilders.context.dockerfile_lookup import FoundDockerfile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from command_line import RecordingBuilder, RecordingRegistry, Run

    from imagebuilders import BuildContext, DockerBuildOptions

IN_0_36 = """
add-host allow annotation attest build-arg build-context builder cache-from cache-to call
cgroup-parent check debug file iidfile label load metadata-file network no-cache no-cache-filter
output platform policy progress provenance pull push quiet resource sbom secret shm-size ssh tag
target ulimit
"""


def test_every_flag_is_there() -> None:
    """The 37 that `docker buildx build --help` of 0.36 lists."""
    assert [flag.name.removeprefix("--") for flag in BUILDX_FLAGS] == sorted(IN_0_36.split())
    assert len(BUILDX_FLAGS) == 37


def test_the_table_of_flags_is_whole() -> None:
    """Each flag has its row, with the option that the library has for it."""
    page = (Path(__file__).parents[3] / "docs" / "buildx.md").read_text()
    rows = re.findall(r"^\| `(--[a-z-]+)`.*?\| (.*?) \|", page, re.MULTILINE)
    told = {name: option.strip("`") for name, option in rows}
    expected = {flag.name: flag.option for flag in BUILDX_FLAGS}
    alone = {"--builder", "--check", "--debug"}  # the command itself makes something of them
    assert told.keys() == expected.keys()
    assert {name: told[name] for name in told.keys() - alone} == {
        name: expected[name] for name in expected.keys() - alone
    }


SHOWN_BY = {
    "DOCKER_BUILDKIT": "buildkit/test_builder_choice.py::"
    "test_the_environment_may_ask_for_the_classic_builder",
    "DOCKER_DEFAULT_PLATFORM": "buildkit/test_builder_choice.py::"
    "test_the_environment_has_a_default_platform",
    "SOURCE_DATE_EPOCH": "buildkit/test_builder_choice.py::"
    "test_the_environment_has_the_time_of_the_image",
    "BUILDKIT_PROGRESS": "cli/test_build_flags.py::test_what_is_shown_may_stand_in_the_environment",
    "BUILDX_BUILDER": "test_buildkit_image_builder.py::test_the_environment_names_a_daemon",
    "BUILDKIT_HOST": "test_buildkit_image_builder.py::test_the_environment_names_a_daemon",
    "BUILDKIT_SYNTAX": "buildkit/test_builder_choice.py::"
    "test_a_frontend_in_the_environment_does_not_count",
    "NO_COLOR": "cli/test_build_command.py::test_display_on_a_terminal",
}
"""The test that shows what the table says of a variable."""


def test_the_table_of_surroundings_is_shown() -> None:
    """Each row by a test that is there."""
    unit = Path(__file__).parents[1]
    page = (unit.parents[1] / "docs" / "buildx.md").read_text()
    assert re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE) == list(SHOWN_BY)
    for place in SHOWN_BY.values():
        file, _, name = place.partition("::")
        assert f"\ndef {name}(" in (unit / file).read_text()


GIVEN: list[tuple[list[str], str, Any]] = [
    (["--add-host", "h:1.2.3.4"], "extra_hosts", (HostAddress("h", "1.2.3.4"),)),
    (["--allow", "device", "--allow", ""], "allow", ("device",)),
    (["--annotation", "a=b"], "annotations", (Annotation("a", "b"),)),
    (["--attest", "type=sbom"], "attest", (Attestation("sbom"),)),
    (["--build-context", "a=docker-image://b"], "build_contexts", {"a": "docker-image://b"}),
    (
        ["--cache-from", "a", "--cache-from=type=local,src=b"],
        "cache_from",
        (BuildCache("registry", (("ref", "a"),)), BuildCache("local", (("src", "b"),))),
    ),
    (["--cache-to", "type=inline"], "cache_to", (BuildCache("inline"),)),
    (["--cgroup-parent", "/x"], "cgroup_parent", "/x"),
    (["--iidfile", "iid"], "iidfile", "iid"),
    (["--load"], "load", True),
    (["--load=false"], "load", None),
    (["--load", "--load=false"], "load", None),
    (["--metadata-file", "m"], "metadata_file", "m"),
    (["--network", "host"], "network_mode", "host"),
    (["--no-cache-filter", "a,b", "--no-cache-filter=c"], "no_cache_filter", ("a", "b", "c")),
    (["-o", "out"], "outputs", (BuildOutput("local", (("dest", "out"),)),)),
    (["-oout"], "outputs", (BuildOutput("local", (("dest", "out"),)),)),
    (["-o", ""], "outputs", ()),
    (
        ["--platform", "linux/amd64", "--platform=linux/arm64"],
        "platform",
        "linux/amd64,linux/arm64",
    ),
    (["--policy", "disabled=true"], "policy", ("disabled=true",)),
    (["--progress", "plain"], "progress", "plain"),
    (["--provenance=mode=max"], "provenance", Attestation("provenance", (("mode", "max"),))),
    (["--provenance", "false", "--provenance=true"], "provenance", Attestation("provenance")),
    (["--pull=1"], "pull", True),
    (["--resource", "cpu-quota=5"], "container_limits", ContainerLimits(cpuquota=5)),
    (
        ["-m", "1k", "--resource", "cpu-shares=3"],
        "container_limits",
        ContainerLimits(1024, None, 3),
    ),
    (["--memory-swap", "-1", "-c2"], "container_limits", ContainerLimits(None, -1, 2)),
    (["--sbom", "true"], "sbom", Attestation("sbom")),
    (["--secret", "id=a,src=b"], "secrets", (BuildSecret("a", src="b"),)),
    (["--shm-size", "64k"], "shmsize", 65536),
    (["--ssh", "default"], "ssh", (SSHAgent(),)),
    (["--ulimit", "nofile=1:2"], "ulimit", (Ulimit("nofile", 1, 2),)),
    (["--target=first"], "target", "first"),
    (["--rm=false"], "rm", False),
    (["--force-rm"], "forcerm", True),
    (["--compress"], "gzip", True),
    (["--squash"], "squash", True),
    (["--isolation", "hyperv"], "isolation", "hyperv"),
    (["--call", "build"], "call", None),
    (["--call", "format=json"], "call", None),
]


@pytest.mark.parametrize(("words", "option", "value"), GIVEN)
def test_a_flag_is_an_option(
    run: Run, builder: RecordingBuilder, stack: Stack, words: list[str], option: str, value: Any
) -> None:
    """Read as `docker buildx` reads it."""
    result = run("build", "-t", "shop", *words, "app")
    assert result.code == 0, result.err
    assert getattr(builder.calls[0].options, option) == value


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--load=x"], "neither true nor false"),
        (["--pull="], "neither true nor false"),
        (["--allow", "bogus"], "--allow: there are the entitlements"),
        (["--attest", "x"], "--attest: "),
        (["--policy", "filename=x"], "--policy: policies are programs"),
        (["--progress", "bogus"], "--progress: "),
        (["-q", "--progress=plain"], "exclude each other"),
        (["--json", "--progress=plain"], "--progress and --json cannot be used together"),
        (["--json", "-o", "-"], "--json and an output to standard output"),
        (["--progress=tty"], "not a terminal"),
        (["--call", "bogus"], "there are build, check, outline and targets"),
        (["--call", "check,x=y"], "format=json"),
        (["--check"], "answers no questions"),
        (["--security-opt", "x"], "No such option"),
    ],
)
def test_what_is_wrong(
    run: Run, builder: RecordingBuilder, stack: Stack, words: list[str], says: str
) -> None:
    """It ends with 2, names the flag, and builds nothing."""
    result = run("build", "app", "-t", "shop", *words)
    assert (result.code, builder.calls) == (2, [])
    assert says in result.err or says in result.out


def test_short_switches_may_stand_together(
    run: Run, builder: RecordingBuilder, stack: Stack
) -> None:
    """As in `-qt name`; and a value may stand behind a short flag's `=`."""
    assert run("build", "-qDtshop", "app").out == f"sha256:{'1' * 64}\n"
    assert run("build", "-t=shop:2", "--", "app").code == 0
    assert [call.image_name for call in builder.calls] == ["shop", "shop:2"]


# --- the result ---------------------------------------------------------------


def test_files_need_no_name(run: Run, builder: RecordingBuilder, stack: Stack) -> None:
    """Nothing is called by it, and nothing is printed."""
    for words in (["-o", "out"], ["-o", "type=cacheonly"], ["-o", "type=tar,dest=x"]):
        result = run("build", "app", *words)
        assert (result.code, result.out) == (0, "")
    assert {call.image_name for call in builder.calls} == {None}


def test_an_image_needs_no_name(run: Run, builder: RecordingBuilder, stack: Stack) -> None:
    """Its ID is the result, on a line or as JSON."""
    image_id = "sha256:" + "1" * 64
    assert run("build", "app").out == f"{image_id}\n"
    assert run("build", "app", "-q").out == f"{image_id}\n"
    result = run("build", "app", "--json")
    assert result.records[-1] == {
        "event": "result",
        "image": None,
        "image_id": image_id,
        "reference": None,
        "digest": None,
    }
    assert [call.image_name for call in builder.calls] == [None] * 3


def test_an_output_may_name_the_image(run: Run, builder: RecordingBuilder, stack: Stack) -> None:
    """Where `-t` does not, as with `docker buildx`."""
    assert run("build", "app", "-o", 'type=image,"name=a:1,b",push=true').code == 0
    assert run("build", "app", "-o", "type=image,name=a:1", "-t", "c").code == 0
    assert [call.image_name for call in builder.calls] == ["a:1", "c"]
    assert builder.calls[0].options.tags == ("b",)
    assert [output.keeps_name for call in builder.calls for output in call.options.outputs] == [
        *(True, False)
    ]


def test_a_result_on_standard_output_is_alone_there(
    run: Run, builder: RecordingBuilder, stack: Stack
) -> None:
    """No name stands behind the archive."""
    result = run("build", "app", "-t", "shop", "-o", "type=oci,dest=-")
    assert (result.code, result.out) == (0, "")


def test_a_push_with_outputs_has_the_image_made(
    run: Run, builder: RecordingBuilder, registry: RecordingRegistry
) -> None:
    """As the builder is told of both."""
    result = run("build", "app", "-t", "registry.example/shop:1", "--push", "-o", "out")
    assert result.out.startswith("registry.example/shop@sha256:")
    assert builder.calls[0].options.push is True


def test_what_the_builder_has_pushed_is_not_pushed_again(
    run: Run, builder: RecordingBuilder, registry: RecordingRegistry
) -> None:
    """A builder may push all names by itself; it tells of each."""
    names = ("registry.example/shop:1", "registry.example/other:2")
    builder.events = [events.ImagePushed("registry.example/other@sha256:" + "7" * 64)]
    result = run("build", "app", "-t", names[0], "-t", names[1], "--push")
    assert result.out.splitlines()[1] == "registry.example/other@sha256:" + "7" * 64
    assert builder.calls[0].options.push is True


@pytest.mark.parametrize("name", ["mine", "default", ""])
def test_a_builder_by_its_name(
    run: Run,
    builder: RecordingBuilder,
    stack: Stack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """One that `docker buildx create` made, or the engine; without a name the stack's."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    buildkit = ScriptedBuildKit()
    engine = FakeDockerEngine("28.5", buildkit=buildkit)
    stack.image_builder = local = LocalImageBuilder(docker_client=FakeDockerClient(engine))
    remote = ScriptedBuildKit(containerd_store=True)
    with remote.serve() as address:
        instances = tmp_path / "buildx" / "instances"
        instances.mkdir(parents=True)
        nodes = [{"Name": "mine0", "Endpoint": address}]
        content = {"Name": "mine", "Driver": "remote", "Nodes": nodes}
        (instances / "mine").write_text(json.dumps(content))
        words = ("build", "app", "-t", "shop", "--builder", name, "-o", "type=cacheonly")
        result = run(*words)
    assert result.code == 0, result.err
    assert (len(remote.requests), len(buildkit.requests)) == ((1, 0) if name == "mine" else (0, 1))
    assert stack.image_builder is local


# --- the context ----------------------------------------------------------------


def _tar(mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:  # type: ignore[call-overload]
        info = tarfile.TarInfo("Dockerfile")
        info.size = 5
        tar.addfile(info, io.BytesIO(b"FROM "))
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_an_archive_on_standard_input(
    run: Run, builder: RecordingBuilder, stack: Stack, mode: str
) -> None:
    """It is passed on as it is; `-f` names a file in it."""
    content = _tar(mode)
    sent: list[bytes] = []

    def read(call: Any) -> None:
        assert isinstance(call.context, ArchiveContext)
        source = call.context.build_snapshot(call.options.dockerfile).remote
        assert source is not None
        assert source.archive is not None
        sent.append(b"".join(source.archive))

    builder.before_build = read
    result = run("build", "-", "-t", "shop", "-f", "sub/Dockerfile", stdin=content)
    assert result.code == 0, result.err
    assert sent == [content]
    assert builder.calls[0].options.dockerfile == "sub/Dockerfile"


def test_a_dockerfile_on_standard_input_in_place_of_a_folder(
    run: Run, builder: RecordingBuilder, stack: Stack
) -> None:
    """It is the one file of the context."""
    text = b"FROM scratch\n" + b"# a longer one\n" * 100
    assert run("build", "-", "-t", "shop", stdin=text).code == 0
    snapshot = builder.calls[0].context.build_snapshot(builder.calls[0].options.dockerfile)
    assert snapshot.dockerfile is not None
    assert snapshot.dockerfile.content == text


@pytest.mark.parametrize(
    ("words", "content", "says"),
    [
        (["-f", "-"], b"FROM a\n", "cannot be both"),
        (["-f", "Dockerfile"], b"FROM a\n", "-f names another"),
        ([], b"", "neither an archive nor a Dockerfile"),
        ([], b" " * (17 * 1024 * 1024) + b"FROM", "neither"),
        ([], b"F" * (17 * 1024 * 1024), "more than"),
    ],
)
def test_what_standard_input_cannot_be(
    run: Run, builder: RecordingBuilder, stack: Stack, words: list[str], content: bytes, says: str
) -> None:
    """It ends with 2, and builds nothing."""
    result = run("build", "-", "-t", "shop", *words, stdin=content)
    assert (result.code, builder.calls) == (2, [])
    assert says in result.err


def test_an_address_that_the_daemon_fetches(
    run: Run, builder: RecordingBuilder, stack: Stack, folder: Path
) -> None:
    """`-f` names a file there, or one here by its absolute path or on standard input."""
    address = "https://github.com/me/app.git#main"
    for words in (["-f", "sub/Dockerfile"], ["-f", str(folder / "app/Dockerfile")], ["-f", "-"]):
        assert run("build", "-t", "shop", *words, address, stdin=b"FROM a\n").code == 0
    assert all(isinstance(call.context, RemoteContext) for call in builder.calls)
    files = [call.options.dockerfile for call in builder.calls]
    assert files[:2] == ["sub/Dockerfile", str(folder / "app/Dockerfile")]
    result = run("build", "-t", "shop", "github.com/me/app")
    assert result.code == 2
    assert "Write https://github.com/me/app." in result.err


# --- questions ------------------------------------------------------------------


@pytest.fixture
def questions(stack: Stack, builder: RecordingBuilder) -> list[tuple[FrontendCall, Any]]:
    """What the stack's builder is asked; it answers with one broken rule."""
    asked: list[tuple[FrontendCall, Any]] = []

    class Answering(type(builder), DockerfileQuestions):  # type: ignore[misc]
        def _ask(
            self,
            call: FrontendCall,
            build_context: BuildContext,
            docker_build_options: Mapping[str, object] | DockerBuildOptions | None,
        ) -> tuple[Mapping[str, bytes], FoundDockerfile]:
            asked.append((call, docker_build_options))
            warning = {"ruleName": "Rule", "description": "d", "detail": "broken"}
            answers = {
                FrontendCall.CHECK: {"warnings": [warning], "sources": []},
                FrontendCall.OUTLINE: {"name": "first"},
                FrontendCall.TARGETS: {"targets": [{"name": "first"}]},
            }
            metadata = {
                "result.json": json.dumps(answers[call]).encode(),
                "result.txt": b"the words\n",
            }
            return metadata, FoundDockerfile("Dockerfile", "Dockerfile", b"FROM a\n")

    stack.image_builder = Answering()
    return asked


@pytest.mark.parametrize(
    ("words", "call", "code"),
    [
        (["--check"], FrontendCall.CHECK, 1),
        (["--call", "lint"], FrontendCall.CHECK, 1),
        (["--call=check,ignorestatus=true"], FrontendCall.CHECK, 0),
        (["--call", "outline", "--target", "first"], FrontendCall.OUTLINE, 0),
        (["--print", "frontend.targets"], FrontendCall.TARGETS, 0),
        (["--call", "outline", "--check"], FrontendCall.CHECK, 1),
    ],
)
def test_a_question(
    run: Run,
    questions: list[tuple[FrontendCall, Any]],
    words: list[str],
    call: FrontendCall,
    code: int,
) -> None:
    """The answer goes to standard output; broken rules are a failure, as with `docker buildx`."""
    result = run("build", "app", *words)
    assert result.code == code, result.err
    assert result.out.strip()
    (asked,) = questions
    assert asked[0] is call


def test_an_answer_for_programs(
    run: Run, questions: list[tuple[FrontendCall, Any]], folder: Path
) -> None:
    """As JSON on standard output, and in the file for metadata."""
    result = run("build", "app", "--call", "targets,format=json", "--metadata-file", "m.json")
    assert json.loads(result.out) == {"targets": [{"name": "first"}]}
    said = json.loads((folder / "m.json").read_text())
    assert said["result.json"] == {"targets": [{"name": "first"}]}


# --- surroundings -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "words", "shows"),
    [
        ("quiet", [], "none"),
        ("plain", [], "lines"),
        ("rawjson", [], "json"),
        ("none", ["--progress", "auto"], "none"),
        ("quiet", ["--progress", "plain"], "lines"),
        ("plain", ["-q"], "none"),
        ("", [], "lines"),
    ],
)
def test_what_is_shown_may_stand_in_the_environment(
    run: Run,
    builder: RecordingBuilder,
    stack: Stack,
    monkeypatch: pytest.MonkeyPatch,
    environment: str,
    words: list[str],
    shows: str,
) -> None:
    """`BUILDKIT_PROGRESS` counts where the command line leaves it open."""
    monkeypatch.setenv("BUILDKIT_PROGRESS", environment)
    builder.events = [events.StepStarted(1, 1, "RUN make")]
    result = run("build", "app", "-t", "shop", *words)
    assert result.code == 0
    if shows == "json":
        assert json.loads(result.err.splitlines()[0])["event"] == "step_started"
        assert result.out == "shop\n"
    else:
        assert ("RUN make" in result.err) is (shows == "lines")


def test_an_unknown_display_in_the_environment(
    run: Run, builder: RecordingBuilder, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an error, as with `docker buildx`."""
    monkeypatch.setenv("BUILDKIT_PROGRESS", "bogus")
    result = run("build", "app", "-t", "shop")
    assert (result.code, builder.calls) == (2, [])
    assert "BUILDKIT_PROGRESS: there is no 'bogus'" in result.err


def test_the_log_on_request(run: Run, builder: RecordingBuilder, stack: Stack) -> None:
    """`-D` shows all of it, and leaves nothing behind."""

    def log(_call: object) -> None:
        logging.getLogger("imagebuilders.any").debug("a detail")

    builder.before_build = log
    assert "DEBUG imagebuilders.any: a detail" in run("build", "app", "-t", "shop", "-D").err
    assert "a detail" not in run("build", "app", "-t", "shop").err
