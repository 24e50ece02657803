"""`imagebuilders bake`: what the builder is asked for, and what is told of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from imagebuilders import Stack
from imagebuilders.cli.main import main
from imagebuilders.events import Notice
from imagebuilders.exceptions import BuildError

if TYPE_CHECKING:
    from command_line import Call, RecordingBuilder, RecordingRegistry, Run

COMPOSE = """\
services:
  web:
    image: shop/web:1
    build: {context: app, args: {A: "$UNSET"}, tags: ["shop/web:1", "shop/web:2"]}
  worker:
    build: {context: app, dockerfile_inline: "FROM inline\\n"}
"""

pytestmark = pytest.mark.usefixtures("stack")


@pytest.fixture(autouse=True)
def compose(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compose file in the working directory."""
    monkeypatch.delenv("UNSET", raising=False)
    (folder / "compose.yaml").write_text(COMPOSE)


def _calls(builder: RecordingBuilder) -> dict[str, Call]:
    return {str(call.image_name): call for call in builder.calls}


def test_all_services_are_built(run: Run, builder: RecordingBuilder) -> None:
    """By any builder; the names are the result, that of compose where there is none."""
    contents: dict[str, bytes] = {}

    def read(call: Call) -> None:
        if call.options.dockerfile != "Dockerfile":
            assert call.options.dockerfile is not None
            contents[str(call.image_name)] = Path(call.options.dockerfile).read_bytes()

    builder.before_build = read
    result = run("bake")
    assert (result.code, result.out) == (0, "shop/web:1\nshop/web:2\nwork-worker\n")
    calls = _calls(builder)
    assert calls["shop/web:1"].context.root == "app"
    assert calls["shop/web:1"].options.tags == ("shop/web:2",)
    assert calls["shop/web:1"].options.buildargs == {"A": ""}
    assert contents == {"work-worker": b"FROM inline\n"}
    assert "The variable UNSET is not set" in result.err


def test_what_is_told_names_its_target(run: Run, builder: RecordingBuilder) -> None:
    """Each line for people has a label, each record a key."""
    builder.events = [Notice("two\nlines")]
    assert "[web] note: two\n" in run("bake", "web").err
    records = run("bake", "web", "--json").records
    assert [(record["event"], record.get("build")) for record in records] == [
        ("notice", "web"),
        ("image_built", "web"),
        ("result", "web"),
    ]
    assert records[-1]["images"] == ["shop/web:1", "shop/web:2"]


def test_one_that_fails_leaves_the_others_alone(run: Run, builder: RecordingBuilder) -> None:
    """Its error names it; the exit code is its own."""

    def fail(call: Call) -> None:
        if call.image_name == "shop/web:1":
            raise BuildError("It failed.")

    builder.before_build = fail
    result = run("bake")
    assert (result.code, result.out) == (1, "work-worker\n")
    assert "error: web: It failed." in result.err
    (error, done) = run("bake", "--json").records[-2:]
    assert (error["event"], error["build"], error["exit_code"]) == ("error", "web", 1)
    assert (done["event"], done["build"]) == ("result", "worker")


def test_push(run: Run, builder: RecordingBuilder, registry: RecordingRegistry) -> None:
    """To the stack's registry; the digest is the result."""
    result = run("bake", "web", "--push")
    assert result.code == 0
    assert result.out == f"shop/web@sha256:{'2' * 64}\n"
    (call,) = builder.calls
    assert call.container_registry is registry
    assert call.options.push is True


def test_quiet(run: Run, builder: RecordingBuilder) -> None:
    """IDs, and nothing else."""
    result = run("bake", "web", "-q")
    assert (result.out, result.err.count("building")) == (f"sha256:{'1' * 64}\n", 0)


def test_flags_are_said_of_all_targets(capfd: pytest.CaptureFixture[str]) -> None:
    """As `--set` says them."""
    flags = ("--no-cache", "--pull", "--load", "--sbom", "true", "--provenance", "false")
    assert main(["bake", "--print", *flags, "--call", "outline", "--var", "UNSET=v"]) == 0
    printed = json.loads(capfd.readouterr().out)
    for target in printed["target"].values():
        assert target["no-cache"] is target["pull"] is True
        assert target["output"] == [{"type": "docker"}]
        assert target["call"] == "outline"
        assert target["attest"] == [
            {"type": "sbom"},
            {"type": "provenance", "disabled": True},
        ]
    assert printed["target"]["web"]["args"] == {"A": "v"}


def test_standard_input(run: Run, builder: RecordingBuilder) -> None:
    """A file may come from there, in either form."""
    text = b'{"target": {"default": {"context": "app", "tags": ["x:1"]}}}'
    assert run("bake", "-f", "-", stdin=text).out == "x:1\n"
    assert run("bake", "-f", "-", stdin=COMPOSE.encode()).code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--print", "--list", "targets"), "cannot be used together"),
        (("--list", "variables"), "there is 'targets'"),
        (("--var", "x"), "NAME=VALUE"),
        (("nosuch",), "There is no target nosuch. The targets are: web, worker."),
        (("--set", "web.tags"), "the value is missing"),
        (("-f", "nosuch.yaml"), "There is no file nosuch.yaml"),
        (("--call", "bogus"), "there are build, check, outline and targets"),
        (("--push",), "worker is to be pushed, and has no tag"),
        (("--check",), "answers no questions"),
    ],
)
def test_wrong_usage(
    words: tuple[str, ...], message: str, run: Run, builder: RecordingBuilder
) -> None:
    """Nothing is built, and the exit code is 2."""
    result = run("bake", *words)
    assert result.code == 2
    assert message in result.err
    assert builder.calls == []


def test_services_without_a_build(run: Run, folder: Path, stack: Stack) -> None:
    """There is nothing to do, which is told."""
    (folder / "compose.yaml").write_text("services: {db: {image: postgres}}")
    result = run("bake")
    assert result.code == 2
    assert "nothing to build" in result.err


def test_a_metadata_file(run: Run, folder: Path) -> None:
    """What builders say of the targets, by their names; this one says nothing."""
    assert run("bake", "--metadata-file", "said.json").code == 0
    assert json.loads((folder / "said.json").read_text()) == {}
    assert run("bake", "--metadata-file", "no/said.json").code == 2
