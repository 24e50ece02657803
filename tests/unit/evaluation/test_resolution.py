"""What becomes of a Dockerfile's instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imagebuilders.evaluation import Frontend, LintWarning
from imagebuilders.evaluation.steps import (
    Add,
    Arg,
    ContextOrigin,
    Copy,
    Env,
    GitSource,
    ImageOrigin,
    Lines,
    PathSource,
    Run,
    StageOrigin,
    TextSource,
    UrlSource,
    Workdir,
)
from imagebuilders.exceptions import EvaluationError
from imagebuilders.oci.platform import Platform

if TYPE_CHECKING:
    from resolving import Resolve

ARM = Platform("linux", "arm64")


# --- stages ------------------------------------------------------------------


def test_stages_that_nobody_needs_have_no_steps(resolved: Resolve) -> None:
    """The target, its base and what it copies from are needed; images are asked for no others."""
    found = resolved(
        "FROM base AS a\nRUN a\nFROM nowhere AS b\nRUN b\nFROM base\nCOPY --from=a /x /\n"
    )
    assert [stage.needed for stage in found.stages] == [True, False, True]
    assert [len(stage.steps) for stage in found.stages] == [1, 0, 1]
    assert found.target == 2


def test_a_target_is_found_by_its_name(resolved: Resolve) -> None:
    """In any case; a number is no name."""
    text = "FROM base AS one\nFROM base AS two\n"
    assert resolved(text, target="ONE").target == 0
    with pytest.raises(EvaluationError, match=r'^target stage "0" could not be found$'):
        resolved(text, target="0")
    with pytest.raises(EvaluationError, match=r"\(did you mean two\?\)$"):
        resolved(text, target="tow")


def test_files_come_from_stages_images_and_contexts(resolved: Resolve) -> None:
    """`--from` is a stage's name or number, a named context, or an image."""
    found = resolved(
        "FROM base AS one\nFROM base\nCOPY --from=ONE a /\nCOPY --from=0 a /\n"
        "COPY --from=other:1 a /\nCOPY --from=assets a /\nCOPY a /\n",
        bases={"base": {}, "other:1": {}},
        named_contexts={"assets": "local:assets"},
    )
    origins = [step.origin for step in found.target_stage.steps if isinstance(step, Copy)]
    assert origins == [
        StageOrigin(0),
        StageOrigin(0),
        ImageOrigin("docker.io/library/other:1", Platform("linux", "amd64")),
        ContextOrigin("assets"),
        ContextOrigin(),
    ]


def test_a_named_context_stands_for_a_base_or_a_stage(resolved: Resolve) -> None:
    """Of an image under another name its configuration counts; a stage's steps do not any more."""
    bases = {"real": {"Env": ["A=1"]}}
    found = resolved(
        "FROM base\nENV B=$A\n", bases=bases, named_contexts={"base": "docker-image://real"}
    )
    assert found.stages[0].base == ImageOrigin(
        "docker.io/library/real:latest", Platform("linux", "amd64")
    )
    assert found.stages[0].image.config.env is not None
    assert "B=1" in found.stages[0].image.config.env
    replaced = resolved(
        "FROM nowhere AS base\nRUN x\nFROM base\n",
        bases=bases,
        named_contexts={"base": "docker-image://real"},
    )
    assert replaced.stages[0].steps == ()
    assert replaced.target_stage.base == StageOrigin(0)


def test_cycles_and_later_stages_are_refused(resolved: Resolve) -> None:
    """Two stages that copy from each other, and a stage that copies from one behind it."""
    with pytest.raises(EvaluationError, match=r"^circular dependency detected on stage: a$"):
        resolved("FROM base AS a\nCOPY --from=b x /\nFROM base AS b\nCOPY --from=a x /\n")
    with pytest.raises(EvaluationError, match="needs to be defined before current stage") as raised:
        resolved("FROM base AS a\nCOPY --from=b x /\nFROM base AS b\n", target="a")
    assert raised.value.line == 2


# --- platforms ---------------------------------------------------------------


def test_the_platform_that_was_asked_for_labels_the_image(resolved: Resolve) -> None:
    """A stage on the build platform keeps its platform; the result has the target's."""
    found = resolved(
        "FROM --platform=$BUILDPLATFORM base AS one\nARG TARGETARCH\nRUN make $TARGETARCH\n",
        platform=ARM,
    )
    assert str(found.stages[0].platform) == "linux/amd64"
    assert str(found.platform) == "linux/arm64"
    run = found.stages[0].steps[1]
    assert isinstance(run, Run)
    assert dict(run.environment)["TARGETARCH"] == "arm64"


def test_titles_number_the_steps(resolved: Resolve) -> None:
    """FROM counts as the first; of one among several platforms the title tells it."""
    text = "FROM base AS one\nRUN make\nENV a=1\nCOPY x /\nFROM scratch\nCOPY --from=one x /\n"
    found = resolved(text, platform=ARM, prefix_platform=True)
    assert [step.title for stage in found.stages for step in stage.steps if step.title] == [
        "[linux/arm64 one 2/3] RUN make",
        "[linux/arm64 one 3/3] COPY x /",
        "[linux/arm64 stage-1 1/1] COPY --from=one x /",
    ]


# --- triggers ----------------------------------------------------------------


def test_triggers_stand_before_a_stages_own_steps(resolved: Resolve) -> None:
    """They have the lines of the FROM, and do not carry over to the next stage."""
    bases = {"base": {"OnBuild": ["ENV A=1", "COPY --from=base /x /"]}}
    found = resolved("\nFROM base AS one\nENV B=$A\nFROM one\nENV C=3\n", bases=bases)
    first, copy, own = found.stages[0].steps
    assert isinstance(first, Env)
    assert (first.trigger, first.lines) == (True, Lines(2, 2))
    assert isinstance(copy, Copy)
    assert isinstance(copy.origin, ImageOrigin)
    assert isinstance(own, Env)
    assert own.values == (("B", "1"),)
    assert [type(step) for step in found.target_stage.steps] == [Env]
    assert found.target_stage.image.config.on_build is None


def test_triggers_of_a_stage_count_for_the_next(resolved: Resolve) -> None:
    """An ONBUILD of a stage is done in the stage that begins with it."""
    found = resolved("FROM base AS one\nONBUILD ENV A=1\nFROM one\n")
    assert [step.created_by for step in found.target_stage.steps] == ["ENV A=1"]


@pytest.mark.parametrize(
    ("trigger", "message"),
    [
        ("NOPE x", "unknown instruction: NOPE"),
        ("FROM x", r"\*instructions.Stage is not a command type"),
        ("COPY --nope a b", "unknown flag: --nope"),
        ("ENV A=1\nENV B=2", "onbuild trigger should be a single expression"),
    ],
)
def test_malformed_triggers(resolved: Resolve, trigger: str, message: str) -> None:
    """The error has the place of the FROM."""
    with pytest.raises(EvaluationError, match=f"^{message}") as raised:
        resolved("\nFROM base\n", bases={"base": {"OnBuild": [trigger]}})
    assert raised.value.line == 2


# --- variables ---------------------------------------------------------------


def test_arguments_take_their_values_where_they_stand(resolved: Resolve) -> None:
    """A global default is there once it is declared; a given value counts more; later ones win."""
    found = resolved(
        "ARG G=global\nARG H=h\nFROM base\nARG G H=own X\nENV a=$G b=$H c=$X\nARG a=late\n"
        "RUN echo\n",
        build_args={"X": "given"},
    )
    arg = found.stages[0].steps[0]
    assert isinstance(arg, Arg)
    assert arg.values == (("G", "global"), ("H", "own"), ("X", "given"))
    run = found.stages[0].steps[-1]
    assert isinstance(run, Run)
    assert dict(run.environment)["a"] == "late"
    assert run.created_by == "RUN |4 G=global H=own X=given a=late /bin/sh -c echo # buildkit"
    assert found.stages[0].image.config.env == (
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "a=global",
        "b=own",
        "c=given",
    )


def test_proxies_are_there_without_an_argument(resolved: Resolve) -> None:
    """In both cases, and not in the history."""
    found = resolved("FROM base\nRUN x\n", build_args={"HTTPS_proxy": "http://proxy"})
    run = found.stages[0].steps[0]
    assert isinstance(run, Run)
    assert run.environment[-2:] == (
        ("HTTPS_PROXY", "http://proxy"),
        ("https_proxy", "http://proxy"),
    )
    assert "proxy" not in run.created_by


def test_undefined_variables_are_warned_of(resolved: Resolve, warnings: list[LintWarning]) -> None:
    """With what is near; arguments without a value are defined."""
    resolved("FROM base\nARG empty\nENV name=1\nLABEL a=$nmae b=$empty\n")
    assert list(map(str, warnings)) == [
        "UndefinedVar: Usage of undefined variable '$nmae' (did you mean $name?) (line 4)"
    ]
    assert warnings[0].url == "https://docs.docker.com/go/dockerfile/rule/undefined-var/"


@pytest.mark.parametrize(
    ("word", "names"),
    [("${a:?$b}", {"a", "b"}), ("$b${a:-x", {"b"}), ("${a/x}", set()), ("${a:%x}", set())],
)
def test_variables_of_a_word_that_cannot_be_expanded(
    resolved: Resolve, warnings: list[LintWarning], word: str, names: set[str]
) -> None:
    """Those that were looked up before the error are warned of."""
    with pytest.raises(EvaluationError, match=r"^failed to process"):
        resolved(f"FROM base\nUSER {word}\n")
    assert {warning.text.split("'")[1].removeprefix("$") for warning in warnings} == names


# --- COPY and ADD ------------------------------------------------------------


def test_sources_of_add(resolved: Resolve) -> None:
    """Files, URLs, repositories and here-documents are told apart."""
    found = resolved(
        "FROM base\nWORKDIR /w\nADD a.tar https://x.example/d/f%20g.txt?q=1 "
        "https://x.example/r.git#main:sub <<EOF to/\n$x\\n\nEOF\n"
    )
    add = found.stages[0].steps[1]
    assert isinstance(add, Add)
    assert add.destination == "/w/to/"
    assert add.sources == (
        PathSource("a.tar", "/a.tar", unpack=True),
        UrlSource(
            "https://x.example/d/f%20g.txt?q=1", "https://x.example/d/f%20g.txt?q=1", "f g.txt"
        ),
        GitSource("https://x.example/r.git#main:sub", "https://x.example/r.git", "main", "sub"),
        TextSource("EOF", b"n\n"),
    )


def test_parents_divide_a_source(resolved: Resolve) -> None:
    """What stands before `/./` is not kept; a path without wildcards has to be there."""
    found = resolved("FROM base\nCOPY --parents a/./b/c ./d/*.txt /x\n")
    copy = found.stages[0].steps[0]
    assert isinstance(copy, Copy)
    assert copy.sources == (
        PathSource("a/./b/c", "/a", include="b/c", required="/a/b/c"),
        PathSource("./d/*.txt", "/", include="d/*.txt"),
    )
    with pytest.raises(EvaluationError, match="unknown flag: --parents"):
        resolved("FROM base\nCOPY --parents a /x\n", frontend=Frontend(1, 19))


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        ("COPY https://x.example/f /", "source can't be a URL for COPY"),
        ("COPY git@x.example:r.git /", "source can't be a git ref for COPY"),
        ("ADD --checksum=sha256:1 a /", r"checksum requires HTTP\(S\) or Git sources"),
        ("ADD --checksum=x https://x.example/f /", "invalid checksum digest format"),
        ("ADD --checksum=sha256:12 https://x.example/f /", "invalid checksum digest length"),
        ("ADD https://x.example/r.git?x=1 /", 'unexpected query "x"'),
        ("ADD https://x.example/r.git?tag=a&branch=b /", "branch conflicts with tag"),
        ("COPY --chmod=8 a /", "invalid chmod parameter: '8'"),
        ("COPY --chmod=u+q a /", "invalid syntax"),
        ("COPY --from=$x a /", "variable expansion is not supported for --from"),
        ("COPY --from=7 a /", "invalid stage index 7"),
    ],
)
def test_refused_sources(resolved: Resolve, instruction: str, message: str) -> None:
    """In the frontend's words."""
    with pytest.raises(EvaluationError, match=f"^{message}"):
        resolved(f"FROM base\n{instruction}\n")


# --- RUN ---------------------------------------------------------------------


def test_a_run_has_all_that_it_runs_with(resolved: Resolve) -> None:
    """The shell, user, folder and network; a here-document with `#!` is a script."""
    found = resolved(
        'FROM base\nSHELL ["/bin/bash", "-c"]\nUSER app\nWORKDIR /srv\n'
        "RUN --network=none <<EOF\necho\nEOF\nRUN <<EOF\n#!/bin/python\nEOF\n"
        'RUN ["a", "b c"]\n',
        hostname="here",
    )
    text, script, words = (step for step in found.stages[0].steps if isinstance(step, Run))
    assert text.arguments == ("/bin/bash", "-c", "echo\n")
    assert (text.user, text.working_dir, text.network) == ("app", "/srv", "none")
    assert text.hostname == "here"
    assert script.script == TextSource("EOF", b"#!/bin/python\n")
    assert script.arguments == ("/bin/bash", "-c", "/dev/pipes/EOF")
    assert words.arguments == ("a", "b c")
    assert words.exec_form
    workdir = found.stages[0].steps[2]
    assert isinstance(workdir, Workdir)
    assert workdir.owner == "app"


# --- the outline -------------------------------------------------------------


def test_the_outline_tells_what_can_be_given(resolved: Resolve) -> None:
    """Arguments that are used, what they need, secrets and agents, in the order of the file."""
    outline = resolved(
        "# V the version\nARG V=1\nARG T=$V\nARG unused\nFROM base AS one\nARG T\n"
        "RUN --mount=type=secret,id=key,required --mount=type=ssh x\n"
        "# two the second\nFROM one AS two\n"
    ).outline
    assert (outline.name, outline.description) == ("two", "the second")
    assert [(found.name, found.value, found.description) for found in outline.arguments] == [
        ("V", "1", "the version"),
        ("T", "1", ""),
    ]
    assert [(found.name, found.required) for found in outline.secrets] == [("key", True)]
    assert [(found.name, found.required) for found in outline.agents] == [("default", False)]


def test_a_source_that_cannot_be_expanded(resolved: Resolve) -> None:
    """It is told as any other word is."""
    with pytest.raises(EvaluationError, match=r'^failed to process "\$\{n\?need\}": n: need$'):
        resolved("FROM base\nCOPY --from=${n?need} a /\n")
