"""Questions about a Dockerfile, answered by evaluating it: as real frontends answer them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from imagebuilders import AWSImageBuilder, BuildContext, RemoteContext
from imagebuilders.buildkit.dockerfile_questions import DockerfileQuestions
from imagebuilders.evaluation import RegistryImages
from imagebuilders.exceptions import BuildContextError, BuildError, RegistryError

_FILE = Path(__file__).parents[1] / "data" / "frontend_answers.json.gz"
RECORDED: dict[str, dict[str, dict[str, Any]]] = json.loads(gzip.decompress(_FILE.read_bytes()))

_CALLS = {"lint": "check", "lint-unparsable": "check", "outline": "outline", "targets": "targets"}


@pytest.fixture(autouse=True)
def _no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no registry be in reach."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))

    def config(*_: object) -> bytes:
        raise RegistryError("out of reach", registry="docker.io")

    monkeypatch.setattr(RegistryImages, "config", config)


@pytest.fixture
def builder() -> DockerfileQuestions:
    """A builder that has no daemon at hand."""
    return AWSImageBuilder(project="images")


def _context(dockerfile: str) -> BuildContext:
    context = BuildContext()
    context.add_file(dockerfile, "Dockerfile")
    return context


def _ask(builder: DockerfileQuestions, call: str, dockerfile: str, **options: object) -> Any:
    return getattr(builder, call)(_context(dockerfile), options)


def _known(document: str) -> Mapping[str, object]:
    """Return an answer without what says how the daemon came by the file."""
    answer = json.loads(document)
    for source in answer["sources"]:
        if isinstance(source, dict):
            source.pop("definition", None)
    for warning in answer.get("warnings") or ():
        warning["location"] = json.dumps(warning["location"])
    if answer.get("warnings"):
        answer["warnings"].sort(key=lambda warning: warning["ruleName"])
    return dict(answer)


@pytest.mark.parametrize("daemon", RECORDED)
@pytest.mark.parametrize("scenario", _CALLS)
def test_the_answer_is_that_of_a_real_frontend(
    builder: DockerfileQuestions, daemon: str, scenario: str
) -> None:
    """JSON and text."""
    recorded = RECORDED[daemon][scenario]
    options = {"target": "first"} if scenario == "outline" else {}
    found = _ask(builder, _CALLS[scenario], recorded["dockerfile"], **options)
    assert _known(found.json) == _known(recorded["metadata"]["result.json"])
    assert recorded["metadata"]["result.txt"].strip("\n") in found.text


def test_an_outline_has_descriptions(builder: DockerfileQuestions) -> None:
    """Of the target, and of its arguments; an argument that was given has that value."""
    dockerfile = (
        "# out the end\nFROM scratch AS out\n# WHO is greeted\nARG WHO=you\nRUN greet $WHO\n"
    )
    found = _ask(builder, "outline", dockerfile, buildargs={"WHO": "me"})
    assert found.text == (
        "TARGET:      out\nDESCRIPTION: the end\n\n"
        "BUILD ARG   VALUE   DESCRIPTION\nWHO         me      is greeted"
    )


def test_a_target_that_is_the_default_has_a_name(builder: DockerfileQuestions) -> None:
    """Both are told."""
    found = _ask(builder, "targets", "FROM scratch AS a\n# b is last\nFROM a AS b\n")
    assert found.text == "TARGET      DESCRIPTION\na           \nb (default) is last"


def test_warnings_of_many_lines_and_of_none(builder: DockerfileQuestions) -> None:
    """Lines are shown around the place, each with its number."""
    found = _ask(builder, "check", "FROM scratch\nENV A=1 \\\n  PASSWORD=2\n")
    assert [(line.start, line.end) for line in found.warnings[0].lines] == [(2, 2), (3, 3)]
    assert "   2 | >>> ENV A=1 \\\n   3 | >>>   PASSWORD=2\n   4 |     \n" in found.text
    assert _ask(builder, "check", "FROM scratch\n").is_clean


@pytest.mark.parametrize("call", ["outline", "targets"])
def test_what_cannot_be_read_is_an_error(builder: DockerfileQuestions, call: str) -> None:
    """With the lines; a check tells it in its answer."""
    with pytest.raises(BuildError, match="unknown instruction: NOPE") as caught:
        _ask(builder, call, "FROM scratch\nNOPE\n")
    assert caught.value.excerpt is not None
    assert "> 2 | NOPE" in caught.value.excerpt
    assert not _ask(builder, "check", "FROM scratch\nNOPE\n").is_clean


def test_warnings_may_be_errors(builder: DockerfileQuestions) -> None:
    """As `# check=error=true` says."""
    with pytest.raises(BuildError, match="lint violation"):
        _ask(builder, "outline", "# check=error=true\nFROM scratch\nMAINTAINER me\n")


def test_a_stage_that_is_not_there(builder: DockerfileQuestions) -> None:
    """It is told without a line."""
    found = _ask(builder, "check", "FROM scratch\n", target="no")
    assert found.error == 'target stage "no" could not be found'
    assert found.error_lines == ()


def test_a_context_elsewhere_is_refused(builder: DockerfileQuestions) -> None:
    """Nothing of it is here."""
    with pytest.raises(BuildContextError, match="not on this machine"):
        builder.check(RemoteContext("https://example.org/repo.git"))
