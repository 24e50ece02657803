"""What the frontend of the BuildKit double answers without building, beside recorded answers."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from resolving import Bases

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.buildkit.solver.questions import Question, UnknownQuestionError, answer
from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.evaluation import Frontend, ResolveOptions
from imagebuilders.exceptions import BuildError

RECORDED: dict[str, dict[str, dict[str, Any]]] = json.loads(
    gzip.decompress((Path(__file__).parents[3] / "data" / "frontend_answers.json.gz").read_bytes())
)
_ASKED = {
    "lint": "frontend.lint",
    "lint-unparsable": "frontend.lint",
    "outline": "frontend.outline",
    "targets": "frontend.targets",
}
_FRONTENDS = {
    "0.32": Frontend(1, 26),
    "28.5-graph": Frontend(1, 19),
    "28.5-containerd": Frontend(1, 19),
}


def _plain(metadata: dict[str, str]) -> dict[str, Any]:
    """An answer without the definitions of files, which the double does not tell."""
    document = json.loads(metadata["result.json"])
    if isinstance(document, dict):
        for source in document.get("sources", ()):
            if isinstance(source, dict):
                source.pop("definition", None)
    return {**metadata, "result.json": document}


@pytest.mark.parametrize("daemon", RECORDED)
@pytest.mark.parametrize("name", _ASKED)
def test_answers_are_those_of_real_daemons(daemon: str, name: str) -> None:
    """Documents, texts and codes alike."""
    recorded = RECORDED[daemon][name]
    target = "first" if name == "outline" else ""
    options = ResolveOptions(target=target, frontend=_FRONTENDS[daemon])
    question = Question(
        recorded["dockerfile"].encode(),
        "Dockerfile",
        options,
        Bases({"shell": {}}),
    )
    found = {key: value.decode() for key, value in answer(_ASKED[name], question).items()}
    assert _plain(found) == _plain(recorded["metadata"])


def test_what_can_be_asked() -> None:
    """The frontend tells it, in a table as well."""
    question = Question(b"FROM scratch\n", "Dockerfile", ResolveOptions(), Bases({}))
    metadata = answer("frontend.subrequests.describe", question)
    assert metadata["result.txt"].decode().splitlines()[:2] == [
        "NAME                 VERSION DESCRIPTION",
        "outline              1.0.0   List all parameters current build target supports",
    ]
    names = [each["name"] for each in json.loads(metadata["result.json"])]
    assert names == ["frontend.outline", "frontend.targets", "frontend.subrequests.describe"]


def test_an_unknown_question() -> None:
    """It is refused by its name."""
    question = Question(b"FROM scratch\n", "Dockerfile", ResolveOptions(), Bases({}))
    with pytest.raises(UnknownQuestionError, match="unsupported request"):
        answer("frontend.nope", question)


@pytest.fixture
def builder(engine: FakeDockerEngine) -> Iterator[LocalImageBuilder]:
    """A builder on the engine."""
    with closing(FakeDockerClient(engine)) as client:
        yield LocalImageBuilder(docker_client=client)


def _context(dockerfile: str) -> BuildContext:
    context = BuildContext()
    context.add_file(dockerfile, "Dockerfile")
    return context


def test_a_builder_asks(builder: LocalImageBuilder, engine: FakeDockerEngine) -> None:
    """The project's own client gets its answers, and nothing is built."""
    context = _context("FROM base:1 AS one\nARG A=1\nMAINTAINER me\nFROM one\nRUN x\n")
    assert [found.rule for found in builder.check(context).warnings] == ["MaintainerDeprecated"]
    assert [target.name for target in builder.targets(context).targets] == ["one", ""]
    outline = builder.outline(context, {"target": "one"})
    assert [argument.name for argument in outline.arguments] == ["A"]
    assert engine.image("base:1").id in {image.id for image in engine.images.all()}
    assert len(engine.images.all()) == 1


def test_a_broken_file_has_no_outline(builder: LocalImageBuilder) -> None:
    """The error is the frontend's; a check tells it as what it found."""
    context = _context("FROM base:1\nNOPE\n")
    with pytest.raises(BuildError, match="unknown instruction: NOPE"):
        builder.outline(context)
    assert "unknown instruction: NOPE" in builder.check(context).error
