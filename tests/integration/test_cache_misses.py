"""Why steps were not cached, on real engines: changes one by one, and at random."""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from pathlib import Path

import pytest
from cache_scenarios import DOCKERFILE, SCENARIOS, Expected, State
from cache_walk import Judge, Program, edited, first_program
from comparison_size import WHOLE, size
from testbed.buildkit_gateway import BuildKitGateway
from testbed.engine import Engine

from imagebuilders import (
    BuildContext,
    BuildKitImageBuilder,
    BuildKitImageBuilderConfig,
    BuildTask,
    LocalImageBuilder,
)
from imagebuilders.events import CacheMissed, Event, OneOfMany, StepAdded, StepFinished, listen

pytestmark = pytest.mark.usefixtures("docker_config", "records")

SERIES = ("26.1", "28.5")
_TAKEN = SCENARIOS if WHOLE else random.Random(1130).sample(SCENARIOS, 8)


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own for what is remembered."""
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(params=SERIES)
def described_engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn that misses are promised to be explained on."""
    name = f"engine_{request.param.replace('.', '_')}"
    engine: Engine = request.getfixturevalue(name)
    return engine


def _build(engine: Engine, context: BuildContext, options: object = None) -> list[Event]:
    told: list[Event] = []
    builder = LocalImageBuilder(docker_client=engine.client, builder="buildkit")
    with listen(told.append):
        builder.build("reasons:1", context, options, explain_cache=True)  # type: ignore[arg-type]
    return told


def _bases(engine: Engine, salt: str) -> tuple[str, str]:
    """Return two base images of different layers."""
    names = (f"reasons-base:{salt}-1", f"reasons-base:{salt}-2")
    for name in names:
        context = BuildContext()
        context.add_file(f"FROM {engine.busybox}\nRUN echo {name} > /base\n", "Dockerfile")
        LocalImageBuilder(docker_client=engine.client).build(name, context)
    return names


def test_one_change_each(described_engine: Engine, root: Path) -> None:
    """The right reason for the first steps that miss; for all others an earlier step."""
    engine, salt = described_engine, uuid.uuid4().hex
    bases = _bases(engine, salt)
    first = State(DOCKERFILE.format(base=bases[0], salt=salt))
    problems = []
    for scenario in _TAKEN:
        first.write(root)
        _build(engine, BuildContext(str(root)), first.options)
        changed = scenario.change(first).with_base("OTHER", bases[1])
        changed.write(root)
        told = _build(engine, BuildContext(str(root)), changed.options)
        found = _first_reasons(told)
        if not _is_as_expected(found, scenario.expected):
            problems.append(f"{scenario.name}: {found}, not {scenario.expected}")
    assert problems == []


def _first_reasons(told: list[Event]) -> dict[int, set[tuple[str, tuple[str, ...]]]]:
    found: dict[int, set[tuple[str, tuple[str, ...]]]] = defaultdict(set)
    for event in told:
        if isinstance(event, CacheMissed) and event.kind != "earlier-step":
            found[event.line].add((event.kind, event.subjects))
    return dict(found)


def _is_as_expected(found: dict[int, set[tuple[str, tuple[str, ...]]]], expected: Expected) -> bool:
    if found.keys() != expected.keys():
        return False
    for line, (kind, subjects) in expected.items():
        if subjects == ("",):
            subjects = next(iter(found[line]))[1]
        if found[line] != {(kind, subjects)}:
            return False
    return True


def test_random_edits(described_engine: Engine, root: Path) -> None:
    """No reason is ever wrong, each step that ran has one, and most of them are known."""
    engine, salt = described_engine, uuid.uuid4().hex
    bases = _bases(engine, salt)
    rng = random.Random(1130)
    program = first_program(salt, rng)
    judge = Judge()
    problems: list[str] = []
    for _ in range(size(10, 100)):
        told = _build(engine, _context(program, bases), program.options)
        missed = [event for event in told if isinstance(event, CacheMissed)]
        problems += judge.wrong(program, missed)
        if {event.step_id for event in missed} != _executed(told):
            problems.append(f"not explained: {told}")
        judge.note(program)
        program = edited(program, rng)
    assert problems == []
    assert judge.uncertain < judge.told / 2


def _context(program: Program, bases: tuple[str, str]) -> BuildContext:
    context = BuildContext()
    for path, content in program.files.items():
        context.add_file(content, path)
    context.add_file(program.dockerfile(bases), "Dockerfile")
    return context


def _executed(told: list[Event]) -> set[str]:
    """Return the steps of the Dockerfile that did not come from the cache, without FROM."""
    steps = {
        event.step_id
        for event in told
        if isinstance(event, StepAdded) and event.number and event.instruction[:5] != "FROM "
    }
    ended = {event.step_id: event.cached for event in told if isinstance(event, StepFinished)}
    return {step for step in steps if ended.get(step) is False}


def test_a_build_upon_another(described_engine: Engine, tmp_path: Path) -> None:
    """The steps of the other build are told of, too, and are not taken for its own."""
    salt = uuid.uuid4().hex
    for name, lines in {
        "base": [f"FROM {described_engine.busybox}", "COPY a /a", f"RUN echo {salt}"],
        "app": ["FROM base", "COPY a /b", f"RUN echo {salt}"],
        "named": ["FROM other", "COPY a /b", f"RUN echo {salt} named"],
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text("\n".join([*lines, ""]))
    tasks = [
        BuildTask("upon-base:1", BuildContext(str(tmp_path / "base")), name="base"),
        BuildTask(
            "upon-app:1",
            BuildContext(str(tmp_path / "app")),
            {"build_contexts": {"base": "target:base"}},
            name="app",
        ),
        BuildTask(
            "upon-named:1",
            BuildContext(str(tmp_path / "named")),
            {"build_contexts": {"other": f"docker-image://{described_engine.busybox}"}},
            name="named",
        ),
    ]
    builder = LocalImageBuilder(docker_client=described_engine.client, builder="buildkit")

    def reasons(*changed: str) -> dict[str, list[tuple[int, str]]]:
        for name in changed:
            (tmp_path / name / "a").write_text(f"{name} {uuid.uuid4()}")
        told: dict[str, list[tuple[int, str]]] = defaultdict(list)

        def note(event: Event) -> None:
            if isinstance(event, OneOfMany) and isinstance(event.event, CacheMissed):
                told[event.build].append((event.event.line, event.event.kind))

        with listen(note):
            for result in builder.build_many(tasks, explain_cache=True):
                result.result()
        return told

    all_new = [(2, "no-record"), (3, "no-record")]
    assert reasons("base", "app", "named") == dict.fromkeys(("base", "app", "named"), all_new)
    assert reasons() == {}
    file_changed = [(2, "file"), (3, "earlier-step")]
    assert reasons("app") == {"app": file_changed}
    assert reasons("named") == {"named": file_changed}
    assert reasons("base") == {"base": file_changed, "app": [(2, "base"), (3, "earlier-step")]}
    assert reasons() == {}


@pytest.mark.parametrize("store", ["engine_26_1", "engine_28_5", "containerd_engine"])
def test_a_copy_with_link(request: pytest.FixtureRequest, store: str, root: Path) -> None:
    """It follows what stands before it: where the store can link, the link is what is made anew."""
    engine: Engine = request.getfixturevalue(store)
    salt = uuid.uuid4().hex
    (root / "a").write_text(salt)
    told: list[Event] = []
    for number in range(2):
        (root / "Dockerfile").write_text(
            f"FROM {engine.busybox}\nRUN echo {salt} {number}\nCOPY --link a /{salt}\n"
        )
        told = _build(engine, BuildContext(str(root)))
    found = [(event.line, event.kind) for event in told if isinstance(event, CacheMissed)]
    assert found == [(2, "instruction"), (3, "earlier-step")]


def test_the_buildkit_builder(engine_28_5: Engine, root: Path, tmp_path: Path) -> None:
    """It explains the same, of a daemon that no Docker client speaks to."""
    salt = uuid.uuid4().hex
    told: list[Event] = []
    with BuildKitGateway(engine_28_5.docker_host) as gateway:
        config = BuildKitImageBuilderConfig.model_validate({"addresses": [gateway.address]})
        for content in "12":
            (root / "a").write_text(content)
            (root / "Dockerfile").write_text(
                f"FROM {engine_28_5.busybox}\nRUN echo {salt}\nCOPY a /a\n"
            )
            told.clear()
            with listen(told.append):
                BuildKitImageBuilder(config).build(
                    "reasons:2",
                    BuildContext(str(root)),
                    {"outputs": f"type=tar,dest={tmp_path / 'image.tar'}"},
                    explain_cache=True,
                )
    assert [event for event in told if isinstance(event, CacheMissed)] == [
        CacheMissed(3, "COPY a /a", "file", "a changed")
    ]
