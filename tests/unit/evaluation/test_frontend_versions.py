"""What differs between the versions of the frontend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imagebuilders.evaluation import NEWEST, Frontend, LintWarning
from imagebuilders.evaluation.steps import ContextOrigin, GitSource, Run, UrlSource
from imagebuilders.exceptions import EvaluationError

if TYPE_CHECKING:
    from resolving import Resolve


def test_versions_are_ordered() -> None:
    """A later one knows more."""
    assert Frontend(1, 9) < Frontend(1, 19) < NEWEST
    assert str(NEWEST) == "1.26"


@pytest.mark.parametrize(
    ("behaviour", "first"),
    [
        ("knows_folders_by_dots", 3),
        ("refuses_later_stages", 3),
        ("expands_mounts", 3),
        ("knows_named_contexts", 4),
        ("writes_start_intervals", 6),
        ("records_copy_flags", 7),
        ("quotes_targets", 7),
        ("expands_modes", 8),
        ("records_inherited_arguments", 8),
        ("refuses_global_arguments", 8),
        ("warns", 8),
        ("knows_secret_variables", 10),
        ("takes_files_in_triggers", 11),
        ("knows_symbolic_modes", 13),
        ("suggests_targets", 15),
        ("has_own_ports", 18),
        ("checks_comments", 21),
        ("warns_of_ignored_files", 21),
        ("knows_ignored_roots", 26),
        ("looks_for_scripts_behind_tabs", 21),
        ("takes_secret_files", 22),
        ("copies_inherited_settings", 24),
        ("writes_health_check_fields", 24),
        ("derives_source_date_epoch", 24),
    ],
)
def test_a_behaviour_begins_with_a_version(behaviour: str, first: int) -> None:
    """The version before has none of it."""
    found = [getattr(Frontend(1, minor), behaviour) for minor in (first - 1, first, first + 1)]
    assert found == [False, True, True]


@pytest.mark.parametrize(
    ("minor", "flags"),
    [
        (2, {"ADD": {"chown", "chmod"}, "RUN": {"mount"}}),
        (7, {"ADD": {"chown", "chmod", "link", "keep-git-dir", "checksum"}}),
        (17, {"COPY": {"from", "chown", "chmod", "link"}}),
        (19, {"COPY": {"from", "chown", "chmod", "link", "exclude"}}),
    ],
)
def test_flags_of_versions(minor: int, flags: dict[str, set[str]]) -> None:
    """Each version has those that came until then."""
    known = Frontend(1, minor).grammar.flags
    assert {name: known[name] for name in flags} == flags


def test_instructions_that_came_later() -> None:
    """The flags `--parents` and `--security` are in the frontend's grammar from 1.20 on."""
    for minor, known in [(19, False), (20, True)]:
        flags = Frontend(1, minor).grammar.flags
        assert ("parents" in flags["COPY"], "security" in flags["RUN"]) == (known, known)


def test_comments_above_an_instruction_switch_rules_off(
    resolved: Resolve, warnings: list[LintWarning]
) -> None:
    """Since 1.21, for that instruction alone."""
    text = "FROM base\n# check=skip=JSONArgsRecommended\nCMD x\n"
    resolved(text)
    assert warnings == []
    resolved(text, frontend=Frontend(1, 19))
    assert [warning.rule for warning in warnings] == ["JSONArgsRecommended"]


def test_a_build_argument_stands_for_the_check_directive(resolved: Resolve) -> None:
    """It counts more than `# check=`, and makes warnings errors."""
    text = "# check=skip=all\nFROM base\nCMD x\n"
    with pytest.raises(EvaluationError, match=r"^lint violation found for rules: JSONArgs"):
        resolved(text, build_args={"BUILDKIT_DOCKERFILE_CHECK": "error=true"})
    with pytest.raises(EvaluationError, match=r"^failed to parse build-arg:BUILDKIT_DOCKERFILE"):
        resolved(text, build_args={"BUILDKIT_DOCKERFILE_CHECK": "nope"})


def test_source_date_epoch(resolved: Resolve) -> None:
    """A number of seconds; since 1.24 also what stands for something's own time."""
    text = "FROM base AS one\n"
    epoch = "SOURCE_DATE_EPOCH"
    assert resolved(text, build_args={epoch: "12"}).source_date_epoch == 12
    assert resolved(f"ARG {epoch}=7\n{text}").source_date_epoch == 7
    assert resolved(text, build_args={epoch: "context"}).source_date_epoch is None
    text = f"ARG {epoch}=+07\nFROM scratch\nARG {epoch}\nENV T=$" + epoch + "\n"
    for given, frontend, seen in (
        ({}, Frontend(1, 26), "T=7"),
        ({}, Frontend(1, 19), "T=+07"),
        ({epoch: "012"}, Frontend(1, 26), "T=12"),
        ({epoch: "context"}, Frontend(1, 26), "T="),
    ):
        stage = resolved(text, build_args=given, frontend=frontend).target_stage
        assert (stage.image.config.env or ())[-1] == seen
    for frontend in (Frontend(1, 19), NEWEST):
        with pytest.raises(EvaluationError, match=r"^invalid SOURCE_DATE_EPOCH: soon"):
            resolved(text, build_args={epoch: "soon"}, frontend=frontend)


def test_what_stages_share(resolved: Resolve) -> None:
    """Before 1.24, stages beside a stage have the labels, ports and volumes that it adds."""
    text = (
        "FROM base AS one\nLABEL a=1\nEXPOSE 1\nVOLUME /a\n"
        "FROM one AS two\nLABEL b=2\nEXPOSE 2\nVOLUME /b\nFROM one\nCOPY --from=two x /\n"
    )
    for frontend, is_shared in ((Frontend(1, 19), True), (NEWEST, False)):
        config = resolved(text, frontend=frontend).target_stage.image.config
        assert ("b" in config.labels) is is_shared
        assert ("2/tcp" in (config.exposed_ports or ())) is is_shared
        assert ("/b" in (config.volumes or ())) is is_shared


def test_what_stages_with_nothing_share(resolved: Resolve) -> None:
    """Labels that a base has none of belong to the stage that sets the first one."""
    text = "FROM base AS one\nFROM one AS two\nLABEL b=2\nFROM one\nCOPY --from=two x /\n"
    config = resolved(text, frontend=Frontend(1, 19)).target_stage.image.config
    assert not config.labels


@pytest.mark.parametrize(("count", "is_lost"), [(4, False), (5, True), (6, True), (7, False)])
def test_records_that_get_lost(resolved: Resolve, count: int, is_lost: bool) -> None:
    """Before 1.24, records of a stage take the place of another's while their array has room."""
    labels = "".join(f"LABEL l{number}=1\n" for number in range(count))
    text = (
        f"FROM scratch AS one\n{labels}FROM one AS two\nUSER 2\nUSER 2\n"
        "FROM one AS three\nUSER 3\nUSER 3\nFROM two\nCOPY --from=three x /\n"
    )
    old, new = (
        [record.created_by for record in resolved(text, frontend=each).target_stage.image.history]
        for each in (Frontend(1, 19), NEWEST)
    )
    assert new[count : count + 2] == ["USER 2", "USER 2"]
    assert (old[count] == "USER 3") is is_lost


def test_names_of_files_with_secrets(resolved: Resolve, warnings: list[LintWarning]) -> None:
    """Since 1.22 they are no reason to warn; public keys never were."""
    text = "FROM base\nENV TOKEN_FILE=/run/x PUBLIC_KEY=y\n"
    resolved(text)
    assert warnings == []
    resolved(text, frontend=Frontend(1, 21))
    assert [warning.text[-18:] for warning in warnings] == ['(ENV "TOKEN_FILE")']


def test_scripts_behind_tabs(resolved: Resolve) -> None:
    """Before 1.21, `<<-EOF` with tabs before `#!` is no script."""
    text = "FROM base\nRUN <<-EOF\n\t#!/bin/x\n\ta\nEOF\n"
    for frontend, is_script in ((Frontend(1, 20), False), (NEWEST, True)):
        (step,) = resolved(text, frontend=frontend).target_stage.steps
        assert isinstance(step, Run)
        assert (step.script is not None) is is_script
        assert ("#!/bin/x\na\n" in step.arguments) is not is_script


def test_check_ends_at_a_blank(resolved: Resolve, warnings: list[LintWarning]) -> None:
    """As every directive that BuildKit looks for by its name."""
    resolved("# check=skip=JSONArgsRecommended, WorkdirRelativePath\nFROM base\nCMD x\nWORKDIR y\n")
    assert [warning.rule for warning in warnings] == ["WorkdirRelativePath"]


_EPOCH = "SOURCE_DATE_EPOCH"


class _Times:
    """Knows every time, and notes what was asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def time(self, source: object) -> int | None:
        """Return seconds since the epoch."""
        self.asked.append(source)
        return 77


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        ("src", UrlSource("https://h/a.tgz", "https://h/a.tgz", "a.tgz")),
        ("repo", GitSource("https://h/r.git#v1", "https://h/r.git", "v1")),
        ("context", ContextOrigin()),
        ("remote", UrlSource("https://h/c.tar", "https://h/c.tar", "c.tar")),
    ],
)
def test_an_epoch_of_something(resolved: Resolve, value: str, asked: object) -> None:
    """It is asked for when what a stage or a context names was made."""
    times = _Times()
    found = resolved(
        "ARG V=a\nFROM scratch AS src\nARG V=b\nADD https://h/$V.tgz /\n"
        "FROM scratch AS repo\nADD https://h/r.git#v1 /\nFROM base\n",
        build_args={_EPOCH: value, "V": "a"},
        named_contexts={"remote": "https://h/c.tar"},
        source_times=times,
    )
    assert found.source_date_epoch == 77
    assert times.asked == [asked]


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ("FROM base AS s\nADD https://h/x /", "must use FROM scratch"),
        ("FROM ${x:?q} AS s", 'failed to process source stage base name "${x:?q}": '),
        ("FROM scratch AS s\ncopy a /", "requirements: unsupported copy instruction"),
        ("FROM scratch AS s", "must contain exactly one remote ADD"),
        ("FROM scratch AS s\nADD https://h/x /\nADD a /", "must contain exactly one remote ADD"),
        ("FROM scratch AS s\nADD https://h/x b /", "exactly one remote ADD source"),
        ("FROM scratch AS s\nADD a /", "source must be a single HTTP(S) or Git ADD"),
        ("FROM scratch AS s\nADD --checksum=x https://h/x /", "invalid checksum digest format"),
        ("FROM scratch AS s\nADD ${V:?q} /", "V: q"),
    ],
)
def test_stages_that_are_no_source(resolved: Resolve, stage: str, words: str) -> None:
    """They are refused where they stand, in BuildKit's words."""
    with pytest.raises(EvaluationError) as caught:
        resolved(f"FROM scratch\n{stage}\nFROM base\n", build_args={_EPOCH: "s"})
    assert words in caught.value.message
    assert caught.value.line == 2


def test_global_arguments_that_cannot_be_expanded(resolved: Resolve) -> None:
    """Before 1.8 they are empty."""
    text = "ARG A=${B?}\nFROM base${A}\nARG A\nENV T=x$A\n"
    old = resolved(text, frontend=Frontend(1, 7)).target_stage.image.config
    assert "T=x" in (old.env or ())
    with pytest.raises(EvaluationError, match="B: is not allowed to be unset"):
        resolved(text)


def test_named_contexts_came_later(resolved: Resolve) -> None:
    """The first frontends do not look at them."""
    bases = {"base": {"User": "a"}, "other": {"User": "b"}}
    for frontend, user in ((Frontend(1, 3), "a"), (NEWEST, "b")):
        found = resolved(
            "FROM base\n",
            bases=bases,
            named_contexts={"base": "docker-image://other"},
            frontend=frontend,
        )
        assert found.target_stage.image.config.user == user
