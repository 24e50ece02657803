"""Questions to a frontend: the checks of a Dockerfile, what a stage takes from outside, stages."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping

import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.buildkit import ScriptedBuild, ScriptedBuildKit, SourceLines, solve_status
from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.buildkit.control.failure import SourceRange
from imagebuilders.buildkit.frontend_answers import (
    BuildTarget,
    LintWarning,
    OutlineArgument,
    OutlineCache,
    OutlineMount,
)
from imagebuilders.buildkit.frontend_reading import read_check, read_outline, read_targets
from imagebuilders.buildkit.proto.gateway_pb2 import SolveRequest
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.events import listen
from imagebuilders.exceptions import BuildError, BuildKitError

DOCKERFILE = "FROM base:1 AS first\nARG WHO=you\nFROM first\nMAINTAINER me\n"


class _Engine:
    """An engine whose frontend answers what a test sets."""

    def __init__(self) -> None:
        self.answer: Mapping[str, object] = {}
        self.status: CallError | None = None
        self.seen: list[str] = []
        self.buildkit = ScriptedBuildKit(frontend=self._frontend)
        self.engine = FakeDockerEngine("28.5", buildkit=self.buildkit)
        self.client = FakeDockerClient(self.engine)
        self.builder = LocalImageBuilder(docker_client=self.client)

    def _frontend(self, build: ScriptedBuild, question: SolveRequest) -> Mapping[str, bytes]:
        build.step("[internal] load build definition from Dockerfile")
        self.seen.append((build.session.copy("dockerfile")["Dockerfile"].content or b"").decode())
        if self.status is not None:
            raise self.status
        return _metadata(self.answer, f"the answer to {question.FrontendOpt['requestid']}\n")


def _metadata(answer: object, text: str = "") -> dict[str, bytes]:
    return {
        "result.json": json.dumps(answer).encode(),
        "result.txt": text.encode(),
        "version": b"1.0.0",
    }


def _at(line: int) -> dict[str, object]:
    return {"ranges": [{"start": {"line": line}, "end": {"line": line}}]}


@pytest.fixture
def engine() -> Iterator[_Engine]:
    """Give an engine; its frontend's script must not have failed at the end."""
    engine = _Engine()
    yield engine
    engine.client.close()
    engine.buildkit.check()


def _context(dockerfile: str = DOCKERFILE) -> BuildContext:
    context = BuildContext()
    context.add_file(dockerfile, "Dockerfile")
    return context


def test_targets_of_a_dockerfile_that_was_sent(engine: _Engine) -> None:
    """The frontend reads the Dockerfile from the session; nothing is built, no record is left."""
    engine.answer = {
        "targets": [
            {"name": "first", "base": "base:1", "description": "the first", "location": _at(1)},
            {"default": True, "base": "first", "platform": "linux/arm64", "location": _at(3)},
        ]
    }
    found = engine.builder.targets(_context(), {"buildargs": {"WHO": "me"}})
    assert found.targets == (
        BuildTarget("first", False, "base:1", "", "the first", (SourceRange(1, 1),)),
        BuildTarget("", True, "first", "linux/arm64", "", (SourceRange(3, 3),)),
    )
    assert found.text == "the answer to frontend.targets"
    assert json.loads(found.json) == engine.answer
    assert engine.seen == [DOCKERFILE]
    (held,) = engine.buildkit.requests
    assert held.Internal
    assert not held.Frontend
    assert not held.Exporters
    (question,) = engine.buildkit.gateway.questions
    assert question.Frontend == "dockerfile.v0"
    assert question.FrontendOpt["build-arg:WHO"] == "me"
    assert question.FrontendOpt["frontend.caps"] == "moby.buildkit.frontend.subrequests+forward"


def test_a_build_that_ends_before_its_end_is_confirmed(engine: _Engine) -> None:
    """The daemon may answer the build before the call that ended it, which is then not awaited."""
    engine.buildkit.gateway.answers_return = False
    engine.answer = {"targets": [{"name": "first", "base": "base:1"}]}
    assert [target.name for target in engine.builder.targets(_context()).targets] == ["first"]
    engine.status = CallError(solve_status("no such stage"))
    with pytest.raises(BuildError, match="no such stage"):
        engine.builder.targets(_context())


def test_an_outline_of_a_stage(engine: _Engine) -> None:
    """The stage is the option `target`; capabilities of other options stay."""
    engine.answer = {
        "name": "first",
        "description": "the first",
        "args": [{"name": "WHO", "value": "you", "description": "whom", "location": _at(2)}],
        "secrets": [{"name": "token", "required": True, "location": _at(3)}],
        "ssh": [{"name": "default"}],
        "cache": [{"ID": "/c", "location": _at(4)}],
    }
    options = {
        "target": "first",
        "build_contexts": {"base": "docker-image://other:1"},
        "outputs": ["type=tar,dest=never.tar"],
        "cache_to": ["type=inline"],
    }
    found = engine.builder.outline(_context(), options)
    assert (found.target, found.description) == ("first", "the first")
    assert found.arguments == (OutlineArgument("WHO", "you", "whom", (SourceRange(2, 2),)),)
    assert found.secrets == (OutlineMount("token", True, (SourceRange(3, 3),)),)
    assert found.ssh == (OutlineMount("default"),)
    assert found.caches == (OutlineCache("/c", (SourceRange(4, 4),)),)
    (question,) = engine.buildkit.gateway.questions
    assert question.FrontendOpt["target"] == "first"
    assert question.FrontendOpt["frontend.caps"].split(",") == [
        "moby.buildkit.frontend.contexts+forward",
        "moby.buildkit.frontend.subrequests+forward",
    ]


def test_a_check_with_warnings(engine: _Engine) -> None:
    """Warnings come in the order of the file; the text counts them."""
    rule = {
        "ruleName": "MaintainerDeprecated",
        "description": "Use a label",
        "url": "https://docs.example/rule",
        "detail": "Maintainer instruction is deprecated",
    }
    engine.answer = {
        "warnings": [{**rule, "location": _at(4)}, {**rule, "ruleName": "X", "location": _at(2)}],
        "sources": [],
    }
    found = engine.builder.check(_context())
    assert [warning.rule for warning in found.warnings] == ["X", "MaintainerDeprecated"]
    assert found.warnings[1] == LintWarning(
        "MaintainerDeprecated",
        "Use a label",
        "Maintainer instruction is deprecated",
        "https://docs.example/rule",
        (SourceRange(4, 4),),
    )
    assert not found.is_clean
    assert found.text == (
        "Check complete, 2 warnings have been found!\n\nthe answer to frontend.lint"
    )


def test_a_check_of_a_file_that_cannot_be_built(engine: _Engine) -> None:
    """It is no failure of the check; the error and its line are told."""
    engine.answer = {
        "warnings": None,
        "buildError": {"message": "unknown instruction: NOPE", "location": _at(2)},
    }
    found = engine.builder.check(_context("FROM base:1\nNOPE\n"))
    assert (found.error, found.error_lines) == ("unknown instruction: NOPE", (SourceRange(2, 2),))
    assert not found.is_clean
    assert found.text.endswith(
        "Dockerfile cannot be built: unknown instruction: NOPE\n  1 | FROM base:1\n> 2 | NOPE"
    )


def test_a_check_without_findings() -> None:
    """The text says so."""
    metadata = _metadata({"warnings": [], "sources": []})
    found = read_check(metadata, dockerfile="Dockerfile", content=b"FROM base:1\n")
    assert found.is_clean
    assert found.text == "Check complete, no warnings found."


def test_a_frontend_that_refuses(engine: _Engine) -> None:
    """Its words stand in the error, with the lines that they are about."""
    status = solve_status(
        "target stage could not be found", source=SourceLines(DOCKERFILE.encode(), [(3, 3)])
    )
    engine.status = CallError(status)
    with pytest.raises(BuildError, match="target stage could not be found") as caught:
        engine.builder.outline(_context(), {"target": "nope"})
    assert str(caught.value).startswith("Dockerfile could not be read")
    assert "> 3 | FROM first" in str(caught.value)


@pytest.mark.parametrize(
    ("dockerfile", "named"),
    [
        (DOCKERFILE, "The frontend of Docker Engine 28.5"),
        (f"# syntax=mine:1\n{DOCKERFILE}", "The frontend mine:1"),
    ],
)
def test_a_frontend_that_does_not_know_the_question(
    dockerfile: str, named: str, events: list[object]
) -> None:
    """Older ones do not: the error names the frontend, the question, and what would do."""
    buildkit = ScriptedBuildKit()
    engine = FakeDockerEngine("28.5", buildkit=buildkit)
    client = FakeDockerClient(engine)
    try:
        with pytest.raises(BuildKitError, match="does not know the call 'check'") as caught:
            LocalImageBuilder(docker_client=client).check(_context(dockerfile))
    finally:
        client.close()
    assert str(caught.value).startswith(named)
    buildkit.check()


def test_an_engine_without_buildkit() -> None:
    """There is nothing to ask, whatever builder is set."""
    engine = FakeDockerEngine(buildkit=False)
    client = FakeDockerClient(engine)
    try:
        with pytest.raises(BuildKitError, match="offers no BuildKit"):
            LocalImageBuilder(docker_client=client, builder="classic").targets(_context())
    finally:
        client.close()


def test_an_interrupt_ends_the_question(engine: _Engine) -> None:
    """The build that is held open for it is ended at the daemon."""
    broken_off: list[bool] = []
    done = threading.Event()

    def frontend(build: ScriptedBuild, question: SolveRequest) -> Mapping[str, bytes]:
        build.step("[internal] load build definition from Dockerfile")
        broken_off.append(build.wait_cancelled())
        done.set()
        return {}

    def interrupt(event: object) -> None:
        raise KeyboardInterrupt

    engine.buildkit.gateway.script = frontend
    with listen(interrupt), pytest.raises(KeyboardInterrupt):
        engine.builder.targets(_context())
    assert done.wait(10)
    assert broken_off == [True]


@pytest.mark.parametrize(
    "metadata",
    [{}, {"result.json": b"[]"}, {"result.json": b"{"}, {"result.json": b"[" * 100_000}],
)
def test_an_answer_that_cannot_be_read(metadata: Mapping[str, bytes]) -> None:
    """It is an error of this package that says what to do."""
    with pytest.raises(BuildKitError, match="gave no answer that can be read"):
        read_targets(metadata)


@pytest.mark.parametrize("value", [None, 1, "x", [None], [{"name": 5, "location": {"ranges": 1}}]])
def test_odd_values_in_an_answer_are_passed_over(value: object) -> None:
    """What is of another type than it should be counts as missing."""
    ranges = {"ranges": [None, {"start": {"line": "2"}}, {"start": {"line": 0}}]}
    found = read_outline(_metadata({"args": value, "secrets": [{"location": ranges}]}))
    assert [argument.name for argument in found.arguments] in ([], [""])
    assert found.secrets == (OutlineMount(""),)
