"""What steps are made of: files, variables, settings, stages and images."""

from __future__ import annotations

import pytest

from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.cache_misses.copied_files import ContextFiles, UnknownFilesError
from imagebuilders.cache_misses.dockerfile_inputs import read_inputs
from imagebuilders.cache_misses.fingerprints import Fingerprints
from imagebuilders.cache_misses.step_inputs import BuildInputs, StepInputs, image_key
from imagebuilders.dockerfile import parse

FILES = ContextFiles(
    {
        "a": "644:1",
        "b.txt": "644:2",
        "dir": "755:3",
        "dir/c": "644:4",
        "dir/sub": "755:5",
        "dir/sub/d.txt": "644:6",
        "dirt": "644:7",
        "link": "777:8",
        "up": "777:9",
        "loop": "777:0",
    },
    {"link": "dir/sub", "dir/sub/up": "../../a", "up": "/dir/c", "loop": "loop"},
    {"more": ContextFiles({"a": "644:a", "b": "644:b"}, {})},
)


def _read(*lines: str, **options: object) -> BuildInputs:
    given = DockerBuildOptions.from_any(options)
    arguments = {name: value for name, value in given.buildargs.items() if value is not None}
    dockerfile = parse("\n".join([*lines, ""]).encode())
    return read_inputs(dockerfile, given, arguments, FILES, Fingerprints(b"key"))


def _last(*lines: str, **options: object) -> StepInputs:
    return _read("FROM base", *lines, **options).steps[-1]


@pytest.mark.parametrize(
    ("instruction", "paths"),
    [
        ("COPY a /x", {"a"}),
        ("COPY ./a b.txt /x/", {"a", "b.txt"}),
        ("COPY ../../a /x", {"a"}),
        ("COPY /dir/c /x", {"dir/c"}),
        ("COPY dir /x", {"dir", "dir/c", "dir/sub", "dir/sub/d.txt"}),
        ("COPY --exclude=sub dir /x", {"dir", "dir/c"}),
        ("COPY --exclude=**/*.txt dir /x", {"dir", "dir/c", "dir/sub"}),
        ("COPY *.txt /x/", {"b.txt"}),
        ("COPY d*/c /x/", {"dir/c"}),
        ("COPY [ab]* /x/", {"a", "b.txt"}),
        ("COPY link /x", {"dir/sub", "dir/sub/d.txt"}),
        ("COPY link/d.txt /x", {"dir/sub/d.txt"}),
        ("COPY up /x", {"dir/c"}),
        ("COPY missing /x", set()),
        ("ADD a /x", {"a"}),
        ('COPY ["a", "/x"]', {"a"}),
        ("COPY <<EOF a /x/\ntext\nEOF", {"a"}),
        ("RUN --mount=target=/x,source=dir/sub true", {"dir/sub", "dir/sub/d.txt"}),
        ("RUN --mount=type=bind,src=a,target=/x,ro true", {"a"}),
        ("RUN --mount=type=cache,target=/x true", set()),
        ("RUN --mount=type=secret,id=x true", set()),
        ("COPY --from=more a /x", {"more: a"}),
        ("RUN --mount=from=MORE,source=b,target=/x true", {"MORE: b"}),
        ("RUN true", set()),
        ("WORKDIR /a", set()),
    ],
)
def test_files(instruction: str, paths: set[str]) -> None:
    """Sources are paths, patterns or links; folders stand for all that is in them."""
    step = _last(instruction)
    assert set(step.files) == paths
    assert step.is_known


def test_the_whole_context() -> None:
    """A dot is everything."""
    assert set(_last("COPY . /x").files) >= {"a", "dir/sub/d.txt", "link"}


@pytest.mark.parametrize(
    "instruction",
    [
        "COPY loop /x",
        "RUN --mount=target=/x,rw true",
        "RUN --mount=target=/x,ro=false true",
        'RUN --mount=type=bind,\\"x true',
    ],
)
def test_what_is_not_known(instruction: str) -> None:
    """Of such steps no change of files is told."""
    assert not _last(instruction).is_known


@pytest.mark.parametrize("source", ["https://example.com/x", "git@example.com:a/b.git", "$URL"])
def test_what_is_fetched(source: str) -> None:
    """An address, also in a variable, is not known."""
    step = _last("ARG URL=http://example.com/x", f"ADD {source} /x")
    assert step.fetches
    assert not step.is_known


def test_a_loop_of_links_is_an_error() -> None:
    """It ends."""
    with pytest.raises(UnknownFilesError):
        FILES.copied(["loop"])


def _differs(before: list[str], after: list[str]) -> set[str]:
    """Return in which values the last steps of two Dockerfiles differ."""
    old, new = _last(*before), _last(*after)
    assert old.text == new.text
    names = {*old.values, *new.values} - {"expanded", "order"}
    return {name for name in names if old.values.get(name) != new.values.get(name)}


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        (["ARG A=1", "RUN x"], ["ARG A=2", "RUN x"], {"variable:A"}),
        (["ARG A=1", "COPY a /x"], ["ARG A=2", "COPY a /x"], set()),
        (["ARG A=1", "COPY a /$A"], ["ARG A=2", "COPY a /$A"], {"variable:A"}),
        (["ENV A=1", "RUN x"], ["ENV A='1'", "RUN x"], set()),
        (["ENV A=1", "RUN x"], ["ARG A=1", "RUN x"], set()),
        (["ENV A=1 B=$A", "RUN x"], ["ENV A=2 B=$A", "RUN x"], {"variable:A"}),
        (
            ["ENV A=1", "ENV B=$A", "RUN x"],
            ["ENV A=2", "ENV B=$A", "RUN x"],
            {"variable:A", "variable:B"},
        ),
        (["RUN x", "ENV A=1", "RUN y"], ["RUN x", "RUN y"], {"variable:A"}),
        (["USER 1", "RUN x"], ["USER 2", "RUN x"], {"setting:USER"}),
        (["USER 1", "COPY a /x"], ["USER 2", "COPY a /x"], set()),
        (["USER 1", "WORKDIR /x"], ["USER 2", "WORKDIR /x"], {"setting:USER"}),
        (["WORKDIR /1", "RUN x"], ["WORKDIR /2", "RUN x"], {"setting:WORKDIR"}),
        (["WORKDIR /1", "COPY a x"], ["WORKDIR /2", "COPY a x"], {"setting:WORKDIR"}),
        (["WORKDIR /1", "COPY a /x"], ["WORKDIR /2", "COPY a /x"], set()),
        (["RUN x"], ['SHELL ["sh"]', "RUN x"], {"setting:SHELL"}),
        (["RUN x"], ['SHELL ["/bin/sh", "-c"]', "RUN x"], set()),
        (["RUN x"], ["WORKDIR /", "RUN x"], set()),
        (['RUN ["x"]'], ['SHELL ["sh"]', 'RUN ["x"]'], set()),
        (["LABEL a=1", "RUN x"], ["LABEL a=2", "CMD y", "RUN x"], set()),
        (["RUN \\\n# words\n x"], ["RUN \\\n x"], set()),
        (["COPY  a   /x"], ["copy a /x"], set()),
    ],
)
def test_values(before: list[str], after: list[str], names: set[str]) -> None:
    """A step is known by what it sees of what stands before it."""
    assert _differs(before, after) == names


def test_options_of_steps() -> None:
    """Hosts count by their names; what is no option of a RUN does not."""
    first = _last("RUN x", extra_hosts={"a": "10.0.0.1"}).values
    assert first == _last("RUN x", extra_hosts={"a": "10.0.0.2"}, labels={"a": "b"}).values
    assert first != _last("RUN x", extra_hosts={"b": "10.0.0.1"}).values
    assert _last("COPY a /", ulimit="nofile=1").values == _last("COPY a /").values
    assert _last("RUN x", ulimit="nofile=1").values != _last("RUN x").values


def test_arguments() -> None:
    """Given ones go before defaults; a FROM sees those before the first one."""
    inputs = _read(
        *("ARG TAG=1", "ARG X=global", "FROM a:$TAG", "ARG X", "RUN x", "FROM b", "RUN x"),
        buildargs={"TAG": "2"},
    )
    assert inputs.images == ("docker.io/library/a:2", "docker.io/library/b:latest")
    first, second = inputs.steps
    assert "variable:X" in first.values
    assert "variable:X" not in second.values
    assert first.arguments == {"X"}


def test_stages_and_numbers() -> None:
    """Steps know what they build upon and copy from; FROM counts where it is an image."""
    inputs = _read(
        *("FROM base AS One", "WORKDIR /", "RUN a", "FROM one", "COPY --from=0 /a /b"),
        *("FROM scratch", "COPY --from=oNE /a /", "COPY --from=tool:1 /a /"),
        *("RUN --mount=from=one,target=/x y", "FROM --platform=linux/arm64 base", "RUN z"),
    )
    found = [(step.stage, step.number, step.parent, step.sources) for step in inputs.steps]
    base = "docker.io/library/base:latest"
    tool = "docker.io/library/tool:1"
    assert found == [
        ("one", 2, base, ()),
        ("stage-1", 1, 0, (0,)),
        ("stage-2", 1, "scratch", (0,)),
        ("stage-2", 2, 2, (tool,)),
        ("stage-2", 3, 3, (0,)),
        ("stage-3", 2, f"{base} linux/arm64", ()),
    ]
    assert inputs.images == (base, tool)


def test_named_contexts_take_the_place_of_images() -> None:
    """What they hold is not known."""
    inputs = _read("FROM base", "COPY --from=extra /a /", build_contexts={"extra": "/x"})
    assert not inputs.steps[0].is_known
    replaced = _read("FROM base", "RUN x", build_contexts={"base": "docker-image://other"})
    assert str(replaced.steps[0].parent).startswith("context:")
    # BuildKit counts a FROM among the steps only where it gets an image by its name.
    assert replaced.steps[0].number == 1
    assert inputs.steps[0].number == 2


def test_the_image_of_another_build_is_known_by_its_name() -> None:
    """What that build comes to is found out elsewhere."""
    inputs = _read("FROM base", "RUN x", build_contexts={"base": "target:other"})
    assert (inputs.images, inputs.steps[0].parent) == (("target:other",), "target:other")


@pytest.mark.parametrize(
    ("options", "end"),
    [({}, 1), ({"target": "first"}, 0), ({"target": "0"}, 0), ({"target": "empty"}, "scratch")],
)
def test_what_a_build_comes_to(options: dict[str, str], end: int | str) -> None:
    """The last step of the stage that is built, of the last one by default."""
    lines = ["FROM base AS first", "RUN a", "FROM scratch AS empty", "FROM first", "RUN b"]
    assert _read(*lines, **options).end == end


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("a", "docker.io/library/a:latest"),
        ("h:5000/a:1", "h:5000/a:1"),
        ("a@sha256:" + "1" * 64, "docker.io/library/a@sha256:" + "1" * 64),
        ("$UNSET", "$UNSET"),
    ],
)
def test_image_key(name: str, key: str) -> None:
    """Names are compared in full."""
    assert image_key(name) == key
