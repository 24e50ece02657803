"""The plan of a build: steps, and the files that they take."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import FakeRegistry
from fakes.registry import SeedImage
from imagebuilders import BuildContext
from imagebuilders.evaluation import (
    BuildPlan,
    RegistryImages,
    ResolveOptions,
    UnknownImages,
    plan,
    plan_document,
)
from imagebuilders.evaluation.steps import Copy, ImageOrigin
from imagebuilders.exceptions import BuildContextError, EvaluationError, ImageBuilderError
from imagebuilders.oci.platform import Platform

AMD = Platform("linux", "amd64")


@pytest.fixture
def context() -> BuildContext:
    """A context with files in folders."""
    context = BuildContext()
    for path in ("a.txt", "b.txt", "dir/c.txt", "dir/sub/d.txt"):
        context.add_file(f"{path}\n", path)
    return context


def planned(context: BuildContext, text: str, **options: object) -> BuildPlan:
    """The plan of a Dockerfile, with bases nobody knows."""
    context.add_file(text, "Dockerfile")
    return plan(context, images=UnknownImages(), **options)  # type: ignore[arg-type]


def taken(found: BuildPlan) -> list[tuple[str, str]]:
    """What the first COPY takes, and where it goes."""
    step = next(step for step in found.builds[0].target_stage.steps if isinstance(step, Copy))
    return [(file.path, file.destination) for file in found.files(step)]


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        ("a.txt /srv", [("a.txt", "/srv")]),
        ("a.txt /srv/", [("a.txt", "/srv/a.txt")]),
        ("a.txt .", [("a.txt", "/w/a.txt")]),
        ("*.txt to/", [("a.txt", "/w/to/a.txt"), ("b.txt", "/w/to/b.txt")]),
        ("dir /d", [("dir/c.txt", "/d/c.txt"), ("dir/sub/d.txt", "/d/sub/d.txt")]),
        ("--exclude=sub dir /d", [("dir/c.txt", "/d/c.txt")]),
        ("--parents dir/sub /p/", [("dir/sub/d.txt", "/p/dir/sub/d.txt")]),
        ("--parents dir/./sub /p/", [("dir/sub/d.txt", "/p/sub/d.txt")]),
        ("--from=other dir /d", []),
        ("none.txt /d/", [("none.txt", "/d/none.txt")]),
    ],
)
def test_files_of_a_copy(
    context: BuildContext, arguments: str, files: list[tuple[str, str]]
) -> None:
    """Wildcards, folders, exclusions; of another image nothing is known."""
    found = planned(context, f"FROM base\nWORKDIR /w\nCOPY {arguments}\n")
    if arguments.startswith("none"):
        files = []
    assert taken(found) == files


def test_links_on_the_way_are_followed(tmp_path: Path) -> None:
    """A source may lead through a link."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "x").write_text("x")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY link/x /x\nCOPY link /l\n")
    found = plan(tmp_path, images=UnknownImages())
    steps = [step for step in found.builds[0].target_stage.steps if isinstance(step, Copy)]
    assert [file.path for step in steps for file in found.files(step)] == ["real/x", "real/x"]


def test_links_that_a_wildcard_matches_are_followed(tmp_path: Path) -> None:
    """What they lead to goes there: a file under the link's name, or what is in a folder."""
    for path in ("real/x", "f"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(path)
    (tmp_path / "lfile").symlink_to("f")
    (tmp_path / "lfolder").symlink_to("real")
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY l* /to/\n")
    assert taken(plan(tmp_path, images=UnknownImages())) == [
        ("f", "/to/lfile"),
        ("real/x", "/to/x"),
    ]


def test_ignored_files_are_not_taken(tmp_path: Path) -> None:
    """And BuildKit's warnings are told, each with its line."""
    (tmp_path / "left").write_text("x")
    (tmp_path / ".dockerignore").write_text("left\n")
    (tmp_path / "Dockerfile").write_text("FROM base\nCOPY left /l\nCOPY left /l\nCOPY . /\n")
    found = plan(tmp_path, images=UnknownImages())
    first, _, everything = found.builds[0].target_stage.steps
    assert isinstance(first, Copy)
    assert isinstance(everything, Copy)
    assert found.files(first) == ()
    assert "left" not in {file.path for file in found.files(everything)}
    assert list(map(str, found.warnings)) == [
        f'CopyIgnoredFile: Attempting to Copy file "left" that is excluded by .dockerignore '
        f"(line {line})"
        for line in (2, 3)
    ]


def test_a_plan_for_two_platforms(context: BuildContext) -> None:
    """Each has its own steps; the result is an index."""
    platforms = [AMD, Platform("linux", "arm64")]
    found = planned(context, "FROM base\nARG TARGETARCH\nENV A=$TARGETARCH\n", platforms=platforms)
    assert found.is_index
    envs = [build.target_stage.image.config.env for build in found.builds]
    assert [env[-1] for env in envs if env] == ["A=amd64", "A=arm64"]


def test_one_platform_may_be_an_index(context: BuildContext) -> None:
    """A build argument asks for it; it may not be refused for two."""
    asked = {"BUILDKIT_MULTI_PLATFORM": "1"}
    found = planned(context, "FROM base\n", options=ResolveOptions(build_args=asked))
    assert found.is_index
    for value, count in (("nope", 1), ("0", 2)):
        options = ResolveOptions(build_args={"BUILDKIT_MULTI_PLATFORM": value})
        with pytest.raises(EvaluationError, match="multi"):
            planned(context, "FROM base\n", options=options, platforms=[AMD] * count)


def test_a_context_without_a_dockerfile(tmp_path: Path) -> None:
    """It is told as in a build."""
    with pytest.raises(BuildContextError):
        plan(tmp_path, images=UnknownImages())


def test_the_document_can_be_written(context: BuildContext) -> None:
    """Every kind of step, source and origin; bytes that are no text too."""
    context.add_file(
        b"FROM base AS one\nRUN --mount=type=cache,target=/c <<EOF\n#!/bin/sh\nEOF\n"
        b"ADD https://x.example/f https://x.example/r.git /x/\nCOPY <<'E' /y\n\xff\nE\n"
        b"HEALTHCHECK CMD x\nFROM one\nCOPY --from=one / /\nCOPY --from=scratch / /\n"
        b"COPY . /\nONBUILD ENV x=1\nSTOPSIGNAL 9\n",
        "Dockerfile",
    )
    document = json.loads(json.dumps(plan_document(plan(context, images=UnknownImages()))))
    build = document["builds"][0]
    assert build["target"] == 1
    first, second = build["stages"]
    assert first["base"]["kind"] == "image"
    assert [step["instruction"] for step in first["steps"]] == [
        "RUN",
        "ADD",
        "COPY",
        "HEALTHCHECK",
    ]
    assert first["steps"][0]["lines"] == [2, 4]
    assert first["steps"][0]["script"]["content"] == "#!/bin/sh\n"
    assert first["steps"][2]["sources"][0]["content"] == {"base64": "/wo="}
    kinds = [step["origin"]["kind"] for step in second["steps"] if "origin" in step]
    assert kinds == ["stage", "scratch", "context"]
    assert {file["path"] for file in second["steps"][2]["files"]} >= {"a.txt", "dir/c.txt"}
    assert build["image"]["config"]["StopSignal"] == "9"


@given(names=st.lists(st.from_regex(r"[a-c]{1,2}(/[a-c]{1,2}){0,2}", fullmatch=True), max_size=6))
def test_copying_all_takes_all(names: list[str]) -> None:
    """Every file once, at its own path."""
    context = BuildContext()
    added: list[str] = []
    for name in names:
        around = (f"{one}/" for one in added)
        if not any(f"{name}/".startswith(one) or one.startswith(f"{name}/") for one in around):
            context.add_file("x", name)
            added.append(name)
    context.add_file("FROM scratch\nCOPY . /all/\n", "Dockerfile")
    found = plan(context, images=UnknownImages())
    expected = sorted((name, f"/all/{name}") for name in [*added, "Dockerfile"])
    assert sorted(taken(found)) == expected


# --- registries --------------------------------------------------------------


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    """A registry with an image."""
    with FakeRegistry() as registry:
        registry.seed("team/base:1", SeedImage(files={"/a": "a"}, env={"A": "1"}, user="app"))
        yield registry


def test_bases_are_asked_of_registries(registry: FakeRegistry, context: BuildContext) -> None:
    """Their variables and user count; each is asked for once."""
    name = f"{registry.address}/team/base:1"
    context.add_file(f"FROM {name}\nENV B=$A\nFROM {name}\nCOPY --from=0 a /\n", "Dockerfile")
    with RegistryImages() as images:
        found = plan(context, images=images, platforms=[AMD])
    assert found.builds[0].stages[0].base == ImageOrigin(name, AMD)
    assert found.builds[0].target_stage.image.config.user == "app"
    reads = [request for request in registry.requests if "/blobs/" in request.path]
    assert len(reads) == 1


def test_images_that_are_not_there(registry: FakeRegistry, context: BuildContext) -> None:
    """The error has BuildKit's words, the line and its cause."""
    name = f"{registry.address}/team/none:1"
    context.add_file(f"\nFROM {name}\n", "Dockerfile")
    with RegistryImages() as images, pytest.raises(EvaluationError) as raised:
        plan(context, images=images)
    assert raised.value.message == (
        f"{name}: failed to resolve source metadata for {name}: {name}: not found"
    )
    assert raised.value.line == 2
    assert isinstance(raised.value.__cause__, ImageBuilderError)
