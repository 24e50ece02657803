"""Build arguments: scopes, defaults, modifiers, predefined ones."""

from __future__ import annotations

from ..registry import dockerfiles, scenario
from ..session import Session

_H = "FROM scratch\nCOPY a /a\n"
_FILES = {"a": "a", "b": "b"}

dockerfiles(
    "arguments",
    {
        "default": _H + "ARG x=1\nENV y=$x",
        "unset": _H + "ARG x\nENV y=[$x]",
        "not_declared": _H + "ENV y=[$x]",
        "before_declaration": _H + "ENV y=[$x]\nARG x=1\nENV z=[$x]",
        "env_wins": _H + "ENV x=env\nARG x=arg\nENV y=$x",
        "env_after_arg_wins": _H + "ARG x=arg\nENV x=env\nENV y=$x",
        "redeclared": _H + "ARG x=1\nARG x=2\nENV y=$x",
        "from_another": _H + "ARG x=1\nARG y=${x}2\nENV z=$y",
        "meta_in_from": "ARG base=scratch\nFROM $base\nCOPY a /",
        "meta_not_in_stage": "ARG x=1\nFROM scratch\nCOPY a /\nENV y=[$x]",
        "meta_redeclared_in_stage": "ARG x=1\nFROM scratch\nCOPY a /\nARG x\nENV y=[$x]",
        "meta_overridden_in_stage": "ARG x=1\nFROM scratch\nCOPY a /\nARG x=2\nENV y=[$x]",
        "meta_from_meta": "ARG x=scr\nARG y=${x}atch\nFROM $y\nCOPY a /",
        "stage_scope_ends": "FROM scratch AS one\nARG x=1\nCOPY a /\nFROM scratch\n"
        "COPY a /\nENV y=[$x]",
        "modifier_default": _H + "ENV a=${x:-d} b=${x:-}\nENV c=1\nENV d=${c:-no}",
        "modifier_alternative": _H + "ENV c=1\nENV d=${c:+yes} e=${x:+yes}",
        "modifier_nested": _H + "ENV c=1\nENV d=${x:-${c}2} e=${x:-${y:-deep}}",
        "modifier_empty_value": _H + "ENV c=\nENV d=${c:-d} e=${c:+y}",
        "modifier_required_given": _H + "ENV c=1\nENV d=${c:?gone} e=${c?gone}",
        "modifier_required_empty": _H + "ENV c=\nENV e=[${c?gone}]",
        "modifier_required_missing": _H + "ENV e=[${c?gone}]",
        "modifier_dash": _H + "ENV c=\nENV d=${c-d} e=${x-d}",
        "modifier_plus": _H + "ENV c=\nENV d=${c+d} e=${x+d}",
        "modifier_prefix": _H + "ENV c=abcabc\nENV d=${c#a} e=${c##*b}",
        "modifier_suffix": _H + "ENV c=abcabc\nENV d=${c%c} e=${c%%b*}",
        "modifier_replace": _H + "ENV c=abcabc\nENV d=${c/b/x} e=${c//b/x}",
        "special_names": _H + "ENV a=$1 b=$@ c=$- d=$ e=$. f=$$",
        "dollar_at_the_end": _H + "ENV a=b$",
        "escaped_dollar": _H + "ENV x=1\nENV a=\\$x b=\"\\$x\" c='\\$x' d=\\\\$x",
        "quotes_inside_words": _H + "ENV x=1\nENV a=b'c d'\"$x e\"f",
        "copy_substitution": "FROM scratch\nARG f=a\nCOPY $f /${f}2",
        "copy_dest_default": "FROM scratch\nCOPY a /${d:-x}/",
        "chown_substitution": "FROM scratch\nARG u=5\nCOPY --chown=$u:$u a /",
        "from_flag_not_substituted": "FROM scratch AS one\nCOPY a /\nFROM scratch\nARG s=one\n"
        "COPY --from=$s a /",
        "cmd_not_substituted": _H + 'ENV x=1\nCMD echo $x\nENTRYPOINT ["$x"]',
        "healthcheck_not_substituted": _H + "ENV x=1\nHEALTHCHECK CMD $x",
        "shell_not_substituted": _H + 'ENV x=1\nSHELL ["$x"]',
        "onbuild_not_substituted": _H + "ENV x=1\nONBUILD RUN $x",
        "maintainer_not_substituted": _H + "ENV x=1\nMAINTAINER $x",
        "predefined_without_arg": _H + "ENV y=[$HTTP_PROXY]",
        "name_substituted": _H + "ARG n=x\nARG $n=1\nENV y=$x",
    },
    _FILES,
)


@scenario
def given(s: Session) -> None:
    """A value that is given replaces the default."""
    s.build(_H + "ARG x=1\nENV y=$x", _FILES, buildargs={"x": "given"})


@scenario
def given_but_not_declared(s: Session) -> None:
    """A value for an argument nobody declares is warned about."""
    s.build(_H + "ENV y=[$x]", _FILES, buildargs={"x": "given"})


@scenario
def given_null(s: Session) -> None:
    """A name without a value leaves the default."""
    s.build(_H + "ARG x=1\nENV y=$x", _FILES, buildargs={"x": None})


@scenario
def given_empty(s: Session) -> None:
    """An empty value is a value."""
    s.build(_H + "ARG x=1\nENV y=[$x]", _FILES, buildargs={"x": ""})


@scenario
def given_for_from(s: Session) -> None:
    """A value given for the FROM line."""
    s.build("ARG base=nope\nFROM $base\nCOPY a /", _FILES, buildargs={"base": "scratch"})


@scenario
def given_predefined(s: Session) -> None:
    """A proxy needs no ARG and is no unused argument."""
    s.build(_H + "ENV y=[$HTTP_PROXY]", _FILES, buildargs={"HTTP_PROXY": "p"})


@scenario
def given_for_meta_only(s: Session) -> None:
    """Declared before FROM, the stage does not see it without declaring it again."""
    s.build("ARG x=1\nFROM scratch\nCOPY a /\nENV y=[$x]", _FILES, buildargs={"x": "2"})


@scenario
def in_run(s: Session) -> None:
    """Arguments of a RUN stand in its history line, predefined ones do not."""
    s.build(
        f"FROM {s.base}\nARG b=1\nARG a\nRUN true",
        buildargs={"a": "2", "HTTP_PROXY": "p"},
        look=False,
    )
    s.inspect("scenario:1")


@scenario
def platform_arguments(s: Session) -> None:
    """The platform's names are no arguments of the classic builder."""
    s.build(_H + "ARG TARGETARCH\nARG BUILDPLATFORM\nENV y=[$TARGETARCH][$BUILDPLATFORM]", _FILES)
