"""Where Dockerfiles are cut in two."""

from __future__ import annotations

import pytest

from imagebuilders.daemonless.split import split
from imagebuilders.evaluation import ResolveOptions, UnknownImages, resolve
from imagebuilders.evaluation.steps import Run
from imagebuilders.exceptions import BuildContextError

_USUAL = b"""\
FROM python:3.12
ARG VERSION=1
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
ENV VERSION=$VERSION
CMD ["python", "-m", "app"]
"""


def test_the_usual_dockerfile_is_cut_behind_its_last_command() -> None:
    """Arguments are declared again; the file that the base needs is told."""
    found = split(_USUAL, base="ghcr.io/team/base:deps")
    assert found.base == b"".join(_USUAL.splitlines(keepends=True)[:5]).decode()
    assert found.top == (
        "FROM ghcr.io/team/base:deps\nARG VERSION=1\nCOPY . .\nENV VERSION=$VERSION\n"
        'CMD ["python", "-m", "app"]\n'
    )
    assert (found.commands, found.base_end, found.files_below) == ((5,), 5, (4,))


def test_a_dockerfile_without_commands_is_not_cut() -> None:
    """Commands of stages that are not needed do not matter."""
    content = b"FROM x AS tests\nRUN test\nFROM y\nCOPY a /a\n"
    found = split(content)
    assert not found.needs_daemon
    assert found.top == content.decode()


def test_a_stage_upon_one_with_commands_is_cut_at_its_from() -> None:
    """The base is a stage of the same file."""
    found = split(b"FROM x AS deps\nRUN a\nFROM deps\nCOPY a /a\n")
    assert (found.base_target, found.base) == ("deps", "FROM x AS deps\nRUN a\n")
    assert found.top.endswith("\nCOPY a /a\n")


def test_files_of_a_stage_with_commands_belong_to_the_base() -> None:
    """Those of a stage without any come along with what is on top."""
    found = split(
        b"ARG V=1\nFROM a AS built\nRUN make\nFROM b:$V AS assets\nCOPY css /css\n"
        b"FROM c\nCOPY --from=built /x /x\nCOPY --from=assets /css /css\n"
    )
    assert found.base_end == 7
    assert found.top == (
        "ARG V=1\nFROM b:$V AS assets\nCOPY css /css\nFROM registry.example/base:1\n"
        "COPY --from=assets /css /css\n"
    )


@pytest.mark.parametrize(
    "content",
    [
        _USUAL,
        b"FROM x AS deps\nRUN a\nFROM deps\nCOPY a /a\n",
        b"FROM a\nRUN <<EOF\none\nEOF\nCOPY <<X /x\ntext\nX\n",
        b"FROM a\nADD https://example.com/x.git /x\nCOPY a /a\n",
    ],
)
def test_what_is_on_top_runs_nothing(content: bytes) -> None:
    """Both parts can be resolved."""
    found = split(content)
    options = ResolveOptions(target=found.base_target)
    resolve(found.base.encode(), options, UnknownImages())
    top = resolve(found.top.encode(), ResolveOptions(), UnknownImages())
    assert not any(isinstance(step, Run) for stage in top.stages for step in stage.steps)


def test_a_stage_that_is_not_there() -> None:
    """It is named."""
    with pytest.raises(BuildContextError, match="no stage 'x'"):
        split(_USUAL, target="x")
    with pytest.raises(BuildContextError, match="no stages"):
        split(b"# nothing\n")
