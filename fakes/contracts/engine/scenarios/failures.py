"""Dockerfiles and requests that must fail, and how."""

from __future__ import annotations

from ..registry import dockerfiles, scenario
from ..session import Session

dockerfiles(
    "failures",
    {
        "empty": "",
        "only_comments": "# nothing\n# here\n",
        "only_blank_lines": "\n\n",
        "unknown_instruction": "FROM scratch\nFOO x",
        "misspelt_instruction": "FROM scratch\nCOPPY a /",
        "no_from": "ENV a=1",
        "only_arg": "ARG a=1",
        "from_nothing": "FROM",
        "from_two_words": "FROM a b",
        "from_four_words": "FROM a AS b c",
        "from_bad_stage_name": "FROM scratch AS 1x",
        "from_upper_stage_name": "FROM scratch AS Build\nCOPY a /\nFROM build\nENV a=1",
        "from_only_scratch": "FROM scratch",
        "from_bad_name": "FROM UPPER/case",
        "from_bad_reference": "FROM a:b:c",
        "from_empty_substitution": "ARG b\nFROM $b",
        "from_bad_platform": "FROM --platform=foo/bar/baz/x scratch\nENV a=1",
        "from_unknown_flag": "FROM --foo=1 scratch\nENV a=1",
        "env_one_word": "FROM scratch\nENV a",
        "env_no_arguments": "FROM scratch\nENV",
        "env_mixed": "FROM scratch\nENV a=1 b",
        "env_blank_name": "FROM scratch\nENV =1",
        "env_unclosed_quote": 'FROM scratch\nENV a="1',
        "env_unclosed_single_quote": "FROM scratch\nENV a='1",
        "env_unclosed_brace": "FROM scratch\nENV a=${b",
        "env_bad_substitution": "FROM scratch\nENV a=${}",
        "env_bad_modifier": "FROM scratch\nENV a=${b:x}",
        "env_missing_colon": "FROM scratch\nENV a=${b!x}",
        "env_required": "FROM scratch\nENV a=${b:?must be given}",
        "env_required_without_text": "FROM scratch\nENV a=${b:?}",
        "env_flag": "FROM scratch\nENV --x=1 a=1",
        "label_one_word": "FROM scratch\nLABEL a",
        "label_no_arguments": "FROM scratch\nLABEL",
        "copy_one_argument": "FROM scratch\nCOPY a",
        "copy_no_arguments": "FROM scratch\nCOPY",
        "copy_unknown_flag": "FROM scratch\nCOPY --foo=1 a /",
        "copy_flag_without_value": "FROM scratch\nCOPY --chown a /",
        "copy_flag_twice": "FROM scratch\nCOPY --chown=1 --chown=2 a /",
        "copy_json_of_numbers": "FROM scratch\nCOPY [1, 2]",
        "copy_url": "FROM scratch\nCOPY http://127.0.0.1:1/x /",
        "add_url": "FROM scratch\nADD http://127.0.0.1:1/x /",
        "add_url_to_folder": "FROM scratch\nADD http://127.0.0.1:1/ /d/",
        "arg_no_arguments": "FROM scratch\nARG",
        "arg_blank_name": "FROM scratch\nARG =1",
        "cmd_json_of_numbers": "FROM scratch\nCMD [1]",
        "expose_no_arguments": "FROM scratch\nEXPOSE",
        "user_no_arguments": "FROM scratch\nUSER",
        "volume_no_arguments": "FROM scratch\nVOLUME",
        "stopsignal_no_arguments": "FROM scratch\nSTOPSIGNAL",
        "maintainer_no_arguments": "FROM scratch\nMAINTAINER",
        "healthcheck_no_arguments": "FROM scratch\nHEALTHCHECK",
        "run_flag": "FROM scratch\nRUN --mount=type=cache,target=/x true",
        "run_unknown_flag": "FROM scratch\nRUN --foo=x true",
        "stage_name_twice": "FROM scratch AS a\nENV a=1\nFROM scratch AS a\nENV b=1",
        "copy_from_self": "FROM scratch\nENV a=1\nCOPY --from=0 a /",
        "copy_from_later": "FROM scratch\nCOPY --from=1 a /\nFROM scratch\nENV a=1",
        "copy_from_bad_name": "FROM scratch\nCOPY --from=UP a /",
        "error_on_a_continued_line": "FROM scratch\nENV a=1 \\\n  b=2\n\nFOO x",
        "here_document_in_run": "FROM scratch\nRUN <<EOF\ntrue\nEOF\nENV a=1",
        "here_document_in_copy": "FROM scratch\nCOPY <<EOF /x\nhello\nEOF\nENV a=1",
        "copy_link": "FROM scratch\nCOPY --link a /",
        "copy_chmod": "FROM scratch\nCOPY --chmod=755 a /",
        "add_chmod": "FROM scratch\nADD --chmod=755 a /",
        "add_checksum": "FROM scratch\nADD --checksum=sha256:00 a /",
        "copy_parents": "FROM scratch\nCOPY --parents a /",
        "copy_exclude": "FROM scratch\nCOPY --exclude=*.x a /",
    },
    {"a": "a"},
)


@scenario
def no_dockerfile(s: Session) -> None:
    """A context without one."""
    s.build(None, {"a": "1"})


@scenario
def lower_case_dockerfile(s: Session) -> None:
    """`dockerfile` is taken when there is no `Dockerfile`."""
    s.build(None, {"dockerfile": "FROM scratch\nCOPY a /", "a": "1"})


@scenario
def other_dockerfile(s: Session) -> None:
    """The one the request names."""
    s.build(None, {"sub/My.df": "FROM scratch\nCOPY sub /"}, dockerfile="sub/My.df")


@scenario
def dockerfile_missing(s: Session) -> None:
    """The one the request names is not there."""
    s.build("FROM scratch", dockerfile="Other")


@scenario
def dockerfile_outside(s: Session) -> None:
    """A path that leads out of the context."""
    s.build("FROM scratch", dockerfile="../Other")


@scenario
def dockerfile_is_a_directory(s: Session) -> None:
    """A directory in the place of the Dockerfile."""
    s.build(None, {"Dockerfile/x": "1"})


@scenario
def no_tar(s: Session) -> None:
    """A body that is no archive."""
    s.build(None, body=b"this is no archive at all" * 100)


@scenario
def empty_body(s: Session) -> None:
    """No body."""
    s.build(None, body=b"")


@scenario
def broken_gzip(s: Session) -> None:
    """A body that begins like gzip."""
    s.build(None, body=b"\x1f\x8b\x08\x00nothing of the kind" * 10)


@scenario
def truncated_tar(s: Session) -> None:
    """An archive that ends in the middle of a file."""
    from ..context import pack

    whole = pack({"Dockerfile": "FROM scratch\nCOPY a /", "a": "x" * 5000})
    s.build(None, body=whole[:3000])


@scenario
def bad_tag(s: Session) -> None:
    """A name in upper case."""
    s.build("FROM scratch\nENV a=1", tag="UPPER:1")


@scenario
def bad_tag_form(s: Session) -> None:
    """A name that is none."""
    s.build("FROM scratch\nENV a=1", tag="a:b:c")


@scenario
def tag_with_digest(s: Session) -> None:
    """A name with a digest."""
    s.build("FROM scratch\nENV a=1", tag="a@sha256:" + "0" * 64)


@scenario
def bad_target(s: Session) -> None:
    """A stage that is not there."""
    s.build("FROM scratch\nENV a=1", target="nope")


@scenario
def bad_platform(s: Session) -> None:
    """A platform nobody knows."""
    s.build("FROM scratch\nENV a=1", platform="foo")


@scenario
def bad_build_args(s: Session) -> None:
    """Build arguments that are no JSON."""
    s.build("FROM scratch\nENV a=1", buildargs="{nope")


@scenario
def bad_builder_version(s: Session) -> None:
    """A builder nobody knows."""
    s.build("FROM scratch\nENV a=1", version="7")


@scenario
def squash(s: Session) -> None:
    """Squashing needs an experimental engine."""
    s.build("FROM scratch\nENV a=1", squash="1")
