"""Several stages, targets, and what is inherited from a base image."""

from __future__ import annotations

from ..registry import dockerfiles, scenario
from ..session import Session

_FILES = {"a": "a", "b": "b", "d/e": "e"}

dockerfiles(
    "stages",
    {
        "two": "FROM scratch AS one\nCOPY a /x/a\nFROM scratch\nCOPY --from=one /x /y",
        "by_number": "FROM scratch\nCOPY a /a\nFROM scratch\nCOPY --from=0 /a /b",
        "by_upper_case_name": "FROM scratch AS one\nCOPY a /a\nFROM scratch\nCOPY --from=ONE /a /b",
        "from_stage": "FROM scratch AS one\nCOPY a /a\nENV x=1\nFROM one\nENV y=$x",
        "unused_stage_is_built": "FROM scratch AS one\nCOPY a /a\nFROM scratch AS two\nCOPY b /b\n"
        "FROM scratch\nCOPY --from=one /a /",
        "three": "FROM scratch AS a\nCOPY a /1\nFROM a AS b\nCOPY b /2\nFROM scratch\n"
        "COPY --from=b / /all/",
        "copy_root": "FROM scratch AS one\nCOPY . /s/\nFROM scratch\nCOPY --from=one / /",
        "copy_star": "FROM scratch AS one\nCOPY . /s/\nFROM scratch\nCOPY --from=one /s/* /t/",
        "copy_missing": "FROM scratch AS one\nCOPY a /a\nFROM scratch\nCOPY --from=one /nope /",
        "copy_keeps_owner": "FROM scratch AS one\nCOPY --chown=3:4 a /a\nFROM scratch\n"
        "COPY --from=one /a /b",
        "copy_chown": "FROM scratch AS one\nCOPY --chown=3:4 a /a\nFROM scratch\n"
        "COPY --from=one --chown=5:6 /a /b",
        "copy_directory_keeps_owner": "FROM scratch AS one\nCOPY --chown=3:4 d /d\nFROM scratch\n"
        "COPY --from=one /d /b",
        "copy_from_empty_stage": "FROM scratch AS one\nFROM scratch\nCOPY --from=one / /x",
        "from_empty_stage": "FROM scratch AS one\nFROM one\nENV a=1",
        "stage_named_as_image": "FROM scratch AS busybox\nCOPY a /a\nFROM busybox\nENV z=1",
        "env_not_shared": "FROM scratch AS one\nENV x=1\nCOPY a /a\nFROM scratch\n"
        "COPY a /\nENV y=[$x]",
        "workdir_not_shared": "FROM scratch AS one\nWORKDIR /w\nFROM scratch\nCOPY a .",
        "copy_relative_source": "FROM scratch AS one\nWORKDIR /w\nCOPY a .\nFROM scratch\n"
        "COPY --from=one w/a /x",
        "symlinks_in_stage": "FROM scratch AS one\nCOPY . /s/\nFROM scratch\n"
        "COPY --from=one /s/d /t",
        "platform_flag": "FROM --platform=linux/amd64 scratch\nCOPY a /",
        "platform_flag_other": "FROM --platform=linux/arm64 scratch\nCOPY a /",
    },
    _FILES,
)

_THREE = (
    "FROM scratch AS one\nCOPY a /a\nENV x=1\n"
    "FROM scratch AS two\nCOPY b /b\nENV y=1\n"
    "FROM one\nENV z=1"
)


@scenario
def target_first(s: Session) -> None:
    """Only the first stage."""
    s.build(_THREE, _FILES, target="one")


@scenario
def target_second(s: Session) -> None:
    """The classic builder builds the stages before it too."""
    s.build(_THREE, _FILES, target="two")


@scenario
def target_upper_case(s: Session) -> None:
    """Stage names are not case-sensitive."""
    s.build(_THREE, _FILES, target="ONE")


@scenario
def target_number(s: Session) -> None:
    """A number is a name like any other."""
    s.build(_THREE, _FILES, target="0")


@scenario
def labels(s: Session) -> None:
    """Labels of the request become steps at the end, sorted."""
    s.build("FROM scratch\nCOPY a /\nLABEL b=file", _FILES, labels={"z": "1", "b": "$x", "a": ""})


@scenario
def labels_on_target(s: Session) -> None:
    """They go to the stage that is the target."""
    s.build(_THREE, _FILES, target="one", labels={"l": "1"})


@scenario
def inherits(s: Session) -> None:
    """What an image hands on to those built from it."""
    s.build(
        'FROM scratch\nCOPY a /\nENV e=1\nLABEL l=1\nCMD ["c"]\nENTRYPOINT ["p"]\nUSER u\n'
        "WORKDIR /w\nEXPOSE 80\nVOLUME /v\nSTOPSIGNAL 9\nHEALTHCHECK CMD h\nMAINTAINER me\n"
        'SHELL ["s"]',
        _FILES,
        tag="base:1",
        look=False,
    )
    s.build("FROM base:1\nENV f=$e\nLABEL m=2\nEXPOSE 90\nVOLUME /x\nCMD d", _FILES)


@scenario
def entrypoint_resets_inherited_cmd(s: Session) -> None:
    """An ENTRYPOINT takes away the CMD of the base image."""
    s.build('FROM scratch\nCOPY a /\nCMD ["c"]', _FILES, tag="base:1", look=False)
    s.build('FROM base:1\nENTRYPOINT ["p"]', _FILES)


@scenario
def onbuild_triggers(s: Session) -> None:
    """What an ONBUILD does in the image built from it, and that it is gone then."""
    s.build(
        "FROM scratch\nCOPY a /\nONBUILD COPY b /b\nONBUILD ENV t=1",
        _FILES,
        tag="base:1",
        look=False,
    )
    s.build("FROM base:1\nENV u=$t", _FILES)


@scenario
def onbuild_one_trigger(s: Session) -> None:
    """One is told in the singular."""
    s.build("FROM scratch\nCOPY a /\nONBUILD ENV t=1", _FILES, tag="base:1", look=False)
    s.build("FROM base:1", _FILES)


@scenario
def from_by_id(s: Session) -> None:
    """An image can be named by its id."""
    image = s.build("FROM scratch\nCOPY a /\nENV a=1", _FILES, tag="base:1", look=False) or ""
    s.build(f"FROM {image}\nENV b=1", _FILES)
    s.build(f"FROM {image[7:19]}\nENV c=1", _FILES)


@scenario
def from_only(s: Session) -> None:
    """A Dockerfile that is only a FROM gives the image itself."""
    s.build("FROM scratch\nCOPY a /\nENV a=1", _FILES, tag="base:1", look=False)
    s.build("FROM base:1", _FILES)


@scenario
def copy_from_image(s: Session) -> None:
    """Files of an image that is no stage."""
    s.build("FROM scratch\nCOPY d /d\nENV a=1", _FILES, tag="other:1", look=False)
    s.build("FROM scratch\nCOPY --from=other:1 /d /x", _FILES)


@scenario
def run_from_base(s: Session) -> None:
    """RUN: what it prints and how it stands in history and configuration."""
    s.build(f'FROM {s.base}\nENV e=1\nRUN true\nRUN ["true"]\nCMD x', look=False)
    s.inspect("scenario:1")


@scenario
def run_with_shell(s: Session) -> None:
    """RUN uses the SHELL."""
    s.build(f'FROM {s.base}\nSHELL ["/bin/sh", "-e", "-c"]\nRUN true', look=False)
    s.inspect("scenario:1")


@scenario
def run_after_entrypoint(s: Session) -> None:
    """A RUN leaves ENTRYPOINT, CMD and HEALTHCHECK as they were."""
    s.build(
        f'FROM {s.base}\nENTRYPOINT ["p"]\nCMD ["c"]\nHEALTHCHECK CMD h\nUSER root\nRUN true',
        look=False,
    )
    s.inspect("scenario:1")


@scenario
def keep_intermediate(s: Session) -> None:
    """Without rm the intermediate containers stay."""
    s.build("FROM scratch\nCOPY a /\nENV a=1\nENV b=1", _FILES, rm="0")


@scenario
def force_remove(s: Session) -> None:
    """With forcerm they go even when a step fails."""
    s.build("FROM scratch\nCOPY a /\nENV a=1\nCOPY nope /", _FILES, forcerm="1")


@scenario
def quiet(s: Session) -> None:
    """Only the id."""
    s.build("FROM scratch\nCOPY a /\nENV a=1", _FILES, q="1")


@scenario
def quiet_failure(s: Session) -> None:
    """The output comes when it fails."""
    s.build("FROM scratch\nCOPY a /\nCOPY nope /", _FILES, q="1")


@scenario
def no_tag(s: Session) -> None:
    """An image without a name."""
    s.build("FROM scratch\nCOPY a /", _FILES, tag="")


@scenario
def two_tags(s: Session) -> None:
    """Several names, one of them without a tag."""
    s.build("FROM scratch\nCOPY a /", _FILES, tag="x:1", more_tags=("y", "x:1"))


@scenario
def platform_option(s: Session) -> None:
    """A platform in the request."""
    s.build("FROM scratch\nCOPY a /", _FILES, platform="linux/arm64")


@scenario
def health_check_is_completed(s: Session) -> None:
    """What an earlier health check set and a later one leaves open stays."""
    s.build(
        "FROM scratch\nCOPY a /\nHEALTHCHECK --interval=3s --retries=2 CMD x\n"
        "HEALTHCHECK --timeout=5s CMD y\nHEALTHCHECK NONE",
        _FILES,
    )
