"""What the BuildKit of real engines tells beside builds: Dockerfiles, its history, its cache."""

from __future__ import annotations

from secrets import token_hex

import pytest
from testbed.engine import Engine

from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.buildkit import (
    BuildState,
    build_history,
    delete_build,
    disk_usage,
    failure_of,
    find_build,
    pin_build,
    prune,
    replay_build,
)
from imagebuilders.events import Event, StepOutput
from imagebuilders.exceptions import BuildError, BuildKitError

pytestmark = pytest.mark.usefixtures("docker_config")

DOCKERFILE = """\
ARG VERSION=1
FROM {base} AS first
# WHO: whom to greet
ARG WHO=you
RUN --mount=type=secret,id=token,required=true --mount=type=ssh echo $WHO
FROM first
MAINTAINER me
"""


def _context(dockerfile: str) -> BuildContext:
    context = BuildContext()
    context.add_file(dockerfile, "Dockerfile")
    return context


# --- Dockerfiles -------------------------------------------------------------


def test_targets_and_outline(buildkit_engine: Engine) -> None:
    """Values and text are the frontend's; that of 20.10 is refused by name."""
    builder = LocalImageBuilder(docker_client=buildkit_engine.client)
    context = _context(DOCKERFILE.format(base=buildkit_engine.busybox))
    if buildkit_engine.series == "20.10":
        for ask in (builder.targets, builder.outline, builder.check):
            with pytest.raises(BuildKitError, match=r"Docker Engine 20\.10.* does not know"):
                ask(context)
        return
    targets = builder.targets(context)
    assert [(target.name, target.is_default) for target in targets.targets] == [
        ("first", False),
        ("", True),
    ]
    assert "first" in targets.text
    outline = builder.outline(context, {"target": "first", "buildargs": {"WHO": "me"}})
    assert [(argument.name, argument.value) for argument in outline.arguments] == [("WHO", "me")]
    assert [(secret.name, secret.is_required) for secret in outline.secrets] == [("token", True)]
    assert [agent.name for agent in outline.ssh] == ["default"]
    assert "token" in outline.text
    with pytest.raises(BuildError, match="unknown instruction"):
        builder.targets(_context("FROM scratch\nNOPE\n"))


def test_check(engine_28_5: Engine, engine_26_1: Engine) -> None:
    """Broken rules are told with their lines, and what cannot be built is told as such."""
    builder = LocalImageBuilder(docker_client=engine_28_5.client)
    found = builder.check(_context(DOCKERFILE.format(base=engine_28_5.busybox)))
    (warning,) = found.warnings
    assert warning.rule == "MaintainerDeprecated"
    assert [lines.start for lines in warning.lines] == [7]
    assert "Check complete, 1 warning has been found!" in found.text
    assert builder.check(_context("FROM scratch\nCOPY a /a\n")).is_clean
    broken = builder.check(_context("FROM scratch\nNOPE\n"))
    assert "unknown instruction: NOPE" in broken.error
    assert "> 2 | NOPE" in broken.text
    older = LocalImageBuilder(docker_client=engine_26_1.client)
    with pytest.raises(BuildKitError, match=r"26\.1.* does not know the call 'check'"):
        older.check(_context("FROM scratch\n"))


# --- history -----------------------------------------------------------------


def test_a_build_is_remembered(buildkit_engine: Engine) -> None:
    """What it was and what it printed; it can be pinned and forgotten."""
    builder = LocalImageBuilder(docker_client=buildkit_engine.client)
    name, word = f"remembered-{token_hex(4)}:1", token_hex(8)
    with builder.daemons() as (daemon,):
        if buildkit_engine.series == "20.10":
            with pytest.raises(BuildKitError, match=r"20\.10.* keeps no history"):
                build_history(daemon)
            return
        builder.build(name, _context(f"FROM {buildkit_engine.busybox}\nRUN echo {word}\n"))
        record = find_build(daemon)
        names = [] if buildkit_engine.series == "26.1" else [True]  # that one does not tell them
        assert [text.endswith(name) for text in record.image_names] == names
        assert record.digest == buildkit_engine.client.images.get(name).id
        assert record.state is BuildState.COMPLETED
        assert record.completed_steps == record.steps > 0
        assert failure_of(daemon, record.ref) is None
        events: list[Event] = []
        replay_build(daemon, record.ref, events.append)
        assert word in [event.line for event in events if isinstance(event, StepOutput)]
        pin_build(daemon, record.ref)
        assert find_build(daemon, record.ref).is_pinned
        delete_build(daemon, record.ref)
        with pytest.raises(BuildKitError, match="remembers no build"):
            find_build(daemon, record.ref)


def test_why_a_build_failed(engine_26_1: Engine, engine_28_5: Engine) -> None:
    """The error says what the error of the build said."""
    for engine in (engine_26_1, engine_28_5):
        builder = LocalImageBuilder(docker_client=engine.client)
        command = f"echo {token_hex(8)}; exit 6"
        with pytest.raises(BuildError) as raised:
            builder.build("broken:1", _context(f"FROM {engine.busybox}\nRUN {command}\n"))
        with builder.daemons() as (daemon,):
            (ref,) = [one.ref for one in build_history(daemon) if command in one.error]
            failure = failure_of(daemon, ref)
        assert failure is not None
        assert failure.exit_code == raised.value.exit_code == 6
        assert failure.excerpt == raised.value.excerpt
        assert list(failure.output) == list(raised.value.output)


# --- the cache ---------------------------------------------------------------


def test_one_record_of_the_cache_is_removed(buildkit_engine: Engine) -> None:
    """A cache mount is there after its build, and gone when it was removed; others stay."""
    builder = LocalImageBuilder(docker_client=buildkit_engine.client)
    mount = f"mount-{token_hex(8)}"
    builder.build(
        "with-mount:1",
        _context(
            f"FROM {buildkit_engine.busybox}\n"
            f"RUN --mount=type=cache,id={mount},target=/kept echo {mount} > /kept/file\n"
        ),
    )
    with builder.daemons() as (daemon,):
        filters = [f"type==exec.cachemount,description~={mount}"]
        (record,) = disk_usage(daemon, filters).records
        assert record.type == "exec.cachemount"
        assert not record.is_in_use
        before = {one.id for one in disk_usage(daemon).records}
        assert [one.id for one in prune(daemon, filters=filters)] == [record.id]
        assert disk_usage(daemon, filters).records == ()
        after = {one.id for one in disk_usage(daemon).records}
        assert before - after == {record.id}
        if buildkit_engine.series != "28.5":
            with pytest.raises(BuildKitError, match="would remove everything"):
                list(prune(daemon, filters=["id==none"], max_used_space=1))
        with pytest.raises(BuildKitError, match="failed to parse"):
            disk_usage(daemon, ["type=~~("])
