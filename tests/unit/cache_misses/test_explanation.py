"""What is told of misses, and what is kept of builds."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from imagebuilders import BuildContext
from imagebuilders.auth.keychain import Keychain
from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.job import BuildJob
from imagebuilders.cache_misses.base_image import BaseImage
from imagebuilders.cache_misses.explanation import CacheExplanation
from imagebuilders.cache_misses.records import MAX_BUILDS
from imagebuilders.events import (
    CacheMissed,
    Event,
    Notice,
    StepAdded,
    StepCached,
    StepFinished,
    StepStarted,
)

DOCKERFILE = """\
FROM base:1
ARG TOKEN
RUN first
COPY src /src
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of what is remembered."""
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A context."""
    (tmp_path / "app" / "src").mkdir(parents=True)
    (tmp_path / "app" / "src" / "a.py").write_text("a")
    (tmp_path / "app" / "Dockerfile").write_text(DOCKERFILE)
    return tmp_path / "app"


class Build:
    """One build, step by step as a daemon tells it."""

    def __init__(
        self,
        root: Path,
        options: Mapping[str, object] | None = None,
        base: str | None = "1",
        dockerfile: str | None = None,
    ) -> None:
        self.told: list[Event] = []
        self.explanation = CacheExplanation(self.told.append, clock=lambda: 1000.0)
        given = DockerBuildOptions.from_any(options)
        snapshot = BuildContext(str(root)).build_snapshot(dockerfile)
        job = BuildJob(snapshot, given, ("app:1",), Keychain({}))
        self.explanation.begin(
            job,
            daemon="here",
            find_base=lambda _: (base and BaseImage(f"sha256:{base}", (base,), "{}")) or None,
        )

    def step(
        self, number: int, name: str, *, cached: bool = False, error: str = "", stage: str = ""
    ) -> Build:
        """Tell a step."""
        id_ = f"{stage}{number}"
        self.explanation(StepAdded(number, 9, name, step_id=id_, stage=stage))
        self.explanation(StepStarted(number, 9, name, step_id=id_, stage=stage))
        if cached:
            self.explanation(StepCached(number, step_id=id_))
        self.explanation(StepFinished(number, cached, error, step_id=id_))
        return self

    def finish(self) -> list[CacheMissed]:
        """End the build, and return what is told of misses."""
        self.explanation.finish()
        return [event for event in self.told if isinstance(event, CacheMissed)]


def _whole(build: Build, *, cached: int = 0) -> list[CacheMissed]:
    """Tell all steps, of which so many come from the cache."""
    build.step(1, "FROM docker.io/library/base:1")
    build.step(2, "RUN first", cached=cached > 0)
    return build.step(3, "COPY src /src", cached=cached > 1).finish()


def test_the_first_build_has_nothing_to_compare_with(root: Path) -> None:
    """Each step says so."""
    missed = _whole(Build(root))
    assert [(event.number, event.line, event.kind) for event in missed] == [
        (2, 3, "no-record"),
        (3, 4, "no-record"),
    ]


def test_a_changed_file(root: Path) -> None:
    """The event names step, line, kind and file."""
    _whole(Build(root))
    (root / "src" / "a.py").write_text("b")
    assert _whole(Build(root), cached=1) == [
        CacheMissed(3, "COPY src /src", "file", "src/a.py changed"),
    ]


def test_many_files_are_counted(root: Path) -> None:
    """Three are shown; the event has all."""
    _whole(Build(root))
    for name in "bcdef":
        (root / "src" / name).write_text(name)
    (event,) = _whole(Build(root), cached=1)
    assert event.message == ("src/b was added, src/c was added, src/d was added, and 2 more")
    assert len(event.subjects) == 5


def test_names_that_are_no_utf8(root: Path) -> None:
    """They are recorded, compared and shown."""
    odd = os.path.join(os.fsencode(root), b"src", b"\xff")
    for content in (b"1", b"2"):
        with open(odd, "wb") as file:
            file.write(content)
        found = _whole(Build(root), cached=1)
    assert [event.message for event in found] == ["src/\\xff changed"]


def test_an_argument_and_what_follows(root: Path) -> None:
    """The argument is the reason of the step, and the step that of the next one."""
    _whole(Build(root, {"buildargs": {"TOKEN": "one"}}))
    first, second = _whole(Build(root, {"buildargs": {"TOKEN": "two"}}))
    assert (first.kind, first.subjects) == ("argument", ("TOKEN",))
    assert (second.kind, second.subjects) == ("earlier-step", ("RUN first",))
    assert "line 3" in second.message


def test_another_base(root: Path) -> None:
    """An image of other layers under the same name."""
    _whole(Build(root))
    first, second = _whole(Build(root, base="2"))
    assert (first.kind, first.message) == (
        "base",
        "its base image docker.io/library/base:1 is another: sha256:2, before sha256:1",
    )
    assert second.kind == "earlier-step"


def test_digests_are_not_compared_with_layers(root: Path) -> None:
    """A base that the engine had, and the same pulled by the build, are not told to differ."""
    _whole(Build(root))
    pulled = Build(root, base=None)
    pulled.step(1, f"FROM docker.io/library/base:1@sha256:{'5' * 64}").step(2, "RUN first")
    assert [event.kind for event in pulled.finish()] == ["unknown"]


def test_a_base_that_was_pulled(root: Path) -> None:
    """The digests that the build told are compared."""
    for digit in "56":
        build = Build(root, {"pull": True})
        build.step(1, f"FROM docker.io/library/base:1@sha256:{digit * 64}").step(2, "RUN first")
        found = build.finish()
    assert [event.kind for event in found] == ["base"]
    assert "sha256:666666666666, before sha256:555555555555" in found[0].message


def test_what_was_removed_from_the_cache_is_not_known(root: Path) -> None:
    """Nothing differs, and nothing is made up."""
    _whole(Build(root))
    assert [event.kind for event in _whole(Build(root))] == ["unknown", "unknown"]


def test_a_step_that_failed_before(root: Path) -> None:
    """It was never built to its end; what behind it never began is told of likewise."""
    Build(root).step(1, "FROM docker.io/library/base:1").step(
        2, "RUN first", error="exit code: 1"
    ).finish()
    assert [event.kind for event in _whole(Build(root))] == ["not-built-before"] * 2


def test_a_build_between_others_counts_no_more_than_they_do(root: Path) -> None:
    """The build is compared with the one on record that is most like it."""
    _whole(Build(root, {"buildargs": {"TOKEN": "one"}}))
    _whole(Build(root, {"buildargs": {"TOKEN": "two"}}))
    (root / "src" / "a.py").write_text("b")
    (event,) = _whole(Build(root, {"buildargs": {"TOKEN": "one"}}), cached=1)
    assert (event.kind, event.subjects) == ("file", ("src/a.py",))


def test_steps_that_do_not_agree_are_not_explained(root: Path) -> None:
    """As those that a base image adds."""
    build = Build(root).step(1, "FROM docker.io/library/base:1").step(2, "COPY of a trigger /")
    assert build.finish() == []


@pytest.mark.parametrize(
    ("foreign", "told"), [("FROM docker.io/library/other:1", ["file"]), ("COPY src /other", [])]
)
def test_steps_of_other_builds_may_be_told(root: Path, foreign: str, told: list[str]) -> None:
    """One that cannot be the own one is passed over; of two that can, none is taken."""
    _whole(Build(root))
    (root / "src" / "a.py").write_text("b")
    build = Build(root)
    build.explanation(StepStarted(3, 9, foreign, step_id="foreign"))
    build.explanation(StepFinished(3, False, "", step_id="foreign"))
    assert [event.kind for event in _whole(build, cached=1)] == told


def test_a_dockerfile_without_a_name(root: Path) -> None:
    """One in an open file, as from standard input, makes builds that are compared."""
    (root / "Dockerfile").unlink()
    kinds: list[set[str]] = []
    for _ in range(2):
        with ExitStack() as opened:
            for _ in range(2 if kinds else 1):  # another number for the same content
                file = opened.enter_context(tempfile.TemporaryFile())
            file.write(DOCKERFILE.encode())
            file.flush()
            path = f"/proc/{os.getpid()}/fd/{file.fileno()}"
            if not os.path.exists(path):
                pytest.skip("this system has no such paths")
            kinds.append({event.kind for event in _whole(Build(root, dockerfile=path))})
    assert kinds == [{"no-record"}, {"unknown"}]


def test_another_target_is_another_build(root: Path) -> None:
    """And so is another Dockerfile or platform."""
    _whole(Build(root))
    assert _whole(Build(root, {"platform": "linux/arm64"}))[0].kind == "no-record"


@pytest.mark.parametrize(
    ("options", "words"), [({"platform": "linux/amd64,linux/arm64"}, "several platforms")]
)
def test_what_cannot_be_explained(root: Path, options: dict[str, object], words: str) -> None:
    """A notice says why, and the build goes on."""
    build = Build(root, options)
    assert _whole(build) == []
    (notice,) = [event for event in build.told if isinstance(event, Notice)]
    assert words in notice.message


@pytest.mark.parametrize("failed", [False, True])
def test_other_builders_are_not_explained(failed: bool) -> None:
    """A notice says so of a build that BuildKit has not begun, unless it failed."""
    told: list[Event] = []
    explanation = CacheExplanation(told.append)
    explanation(StepStarted(1, 2, "FROM base:1", step_id="1"))
    explanation.finish(failed=failed)
    notices = [event.message for event in told if isinstance(event, Notice)]
    assert ["not done by BuildKit" in notice for notice in notices] == [True] * (not failed)


def test_no_value_is_kept(root: Path, folder: Path) -> None:
    """Neither arguments nor instructions stand in the record, and only the user can read it."""
    secret = "hunter2-in-clear"
    (root / "Dockerfile").write_text(f"FROM base:1\nARG TOKEN\nENV KEY={secret}\nRUN first\n")
    build = Build(root, {"buildargs": {"TOKEN": secret}})
    build.step(1, "FROM docker.io/library/base:1").step(2, f"RUN first {secret}").finish()
    files = [path for path in folder.rglob("*") if path.is_file() and "digests" not in path.parts]
    assert {path.name for path in files if path.suffix != ".json"} == {"record-key"}
    assert len(files) == 2
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        content = path.read_bytes()
        assert secret.encode() not in content
        assert b"first" not in content


def test_a_key_that_others_can_read_is_replaced(root: Path, folder: Path) -> None:
    """What was recorded under it counts no more."""
    _whole(Build(root))
    key = folder / "record-key"
    before = key.read_bytes()
    key.chmod(0o644)
    assert _whole(Build(root))[0].kind == "no-record"
    assert key.read_bytes() != before
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"format": 1}'])
def test_a_damaged_record_is_none(root: Path, folder: Path, content: bytes) -> None:
    """The build is told of as the first one."""
    _whole(Build(root))
    (record,) = (folder / "builds").glob("*.json")
    record.write_bytes(content)
    assert _whole(Build(root))[0].kind == "no-record"


def test_so_many_builds_are_kept(root: Path, folder: Path) -> None:
    """Files that they share stand in the record once."""
    for number in range(MAX_BUILDS + 3):
        _whole(Build(root, {"buildargs": {"TOKEN": str(number)}}))
    (record,) = (folder / "builds").glob("*.json")
    document = json.loads(record.read_bytes())
    assert len(document["builds"]) == MAX_BUILDS
    assert len(document["file_sets"]) == 2  # those of the COPY, and of what copies none


def test_a_folder_that_cannot_be_written(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notice says so, and the build goes on."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path / "file"))
    build = Build(root)
    assert _whole(build) == []
    assert [event for event in build.told if isinstance(event, Notice)]
