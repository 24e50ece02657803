"""Compose files: variables, files over one another, `extends`, `include`, services."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from imagebuilders.bake.definition import Definition
from imagebuilders.bake.files import read_definition
from imagebuilders.bake.target import Target
from imagebuilders.exceptions import BakeError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _read(
    text: str, environment: Mapping[str, str] | None = None, *more: str, **files: str
) -> Definition:
    Path("compose.yaml").write_text(text)
    for name, content in files.items():
        path = Path(name.replace("__", "/") + ".yaml")
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    return read_definition(["compose.yaml", *more], environment=environment or {})


def _target(
    text: str, environment: Mapping[str, str] | None = None, *more: str, **files: str
) -> Target:
    definition = _read(text, environment, *more, **files)
    return next(target for target in definition.targets if target.name == "web")


def _build(lines: str) -> str:
    indented = "".join(f"      {line}\n" for line in lines.splitlines())
    return f"services:\n  web:\n    build:\n{indented}"


# --- variables -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$A", "a"),
        ("${A}", "a"),
        ("x${A}y$B.", "xay."),
        ("${B-default}", "default"),
        ("${E-default}", ""),
        ("${E:-default}", "default"),
        ("${A+set}", "set"),
        ("${B+set}", ""),
        ("${E:+set}", ""),
        ("${B:-${A}}", "a"),
        ("${B:-x${E:-y}z}", "xyz"),
        ("${A:?missing}", "a"),
        ("$$A", "$A"),
        ("$$$A", "$a"),
        ("100$", "100$"),
        ("$1", "$1"),
        ("${B:-{}}", "{}"),
    ],
)
def test_variables_are_replaced(text: str, value: str) -> None:
    """By what the environment has, or by their defaults."""
    target = _target(_build(f"args:\n  X: '{text}'"), {"A": "a", "E": ""})
    assert target.args["X"] == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("${B:?give B}", "B must have a value, and has none: give B"),
        ("${E:?}", "E must have a value"),
        ("${A", "cannot be read"),
        ("${A!x}", "cannot be read"),
        ("${}", "cannot be read"),
    ],
)
def test_a_variable_that_cannot_be_replaced_is_told(text: str, words: str) -> None:
    """With the file."""
    with pytest.raises(BakeError, match=words) as caught:
        _target(_build(f"args:\n  X: '{text}'"), {"A": "a", "E": ""})
    assert caught.value.path == "compose.yaml"


def test_unset_variables_are_noticed() -> None:
    """Once each."""
    definition = _read(_build("args: {X: '$A$B$A'}"))
    assert [notice.split()[2] for notice in definition.notices] == ["A", "B"]


def test_dot_env_is_read() -> None:
    """What the environment has counts before it."""
    Path(".env").write_text("A=file\nB='file $A'\n# c\nexport C=\"x\\n$A\" \nD=a #b\n\nE\nF=a#b\n")
    target = _target(_build("args: {X: '$A|$B|$C|$D|$E|$F'}"), {"A": "shell", "E": "e"})
    assert target.args["X"] == "shell|file $A|x\nshell|a|e|a#b"


@pytest.mark.parametrize("text", ["A='x", "a b c\n", "A$=1"])
def test_a_malformed_dot_env_is_told(text: str) -> None:
    """With the line, which is not quoted."""
    Path(".env").write_text(f"OK=1\n{text}")
    with pytest.raises(BakeError, match=r"Line 2 of \.env") as caught:
        _read(_build("context: ."))
    assert text not in str(caught.value)


def test_the_projects_name_is_a_variable() -> None:
    """From the file, else `bake`."""
    text = _build("args: {X: $COMPOSE_PROJECT_NAME}")
    assert _target(text).args == {"X": "bake"}
    assert _target(f"name: mine\n{text}").args == {"X": "mine"}
    assert _read(f"name: My.Own\n{text}").project == "myown"


# --- YAML ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("true", "true"),
        ("1.10", "1.1"),
        ("1e3", "1000"),
        ("0644", "420"),
        ("07", "7"),
        ("0", "0"),
        ("-010", "-8"),
        ("+9", "9"),
        ("0o17", "15"),
        ("0b11", "3"),
        ("0x10", "16"),
        ("1_000", "1000"),
        ("2020-01-01", "2020-01-01"),
        ("'1.10'", "1.10"),
        ("1:30", "1:30"),
    ],
)
def test_values_are_read_as_compose_reads_them(text: str, value: str) -> None:
    """By YAML 1.2, and written as Go writes numbers."""
    assert _target(_build(f"args: {{X: {text}}}")).args == {"X": value}


def test_anchors_and_merge_keys() -> None:
    """What is said once counts in several places."""
    text = "x-b: &b {context: app, args: {A: '1'}}\nservices: {web: {build: {<<: *b, target: t}}}"
    target = _target(text)
    assert (target.context, target.args, target.target) == ("app", {"A": "1"}, "t")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("services: [", "is not YAML in line"),
        ("services: {a: 1, a: 2}", "stands twice"),
        ("services: !!python/object:os.x {}", "is not YAML"),
        ("- a", "must be a mapping"),
        ("", "empty"),
        ("services: [a]", "services must be a mapping"),
        (_build("bogus: 1"), r"services.web.build.bogus: there is no such property"),
        (_build("cache_from: {a: b}"), "must be a list"),
        (_build("shm_size: many"), "write a size"),
        (_build("secrets: [nosuch]"), "no secret here"),
        (_build("ssh: [mine]"), "write each as default, or as ID=PATH"),
        (_build("extra_hosts: [nowhere]"), "HOST=ADDRESS"),
        ("services: {web: {extends: nosuch, build: .}}", "extends nosuch"),
        ("services: {web: {extends: web, build: .}}", "extends itself"),
        ("services: {'a b': {build: .}}", "No target can be called"),
        ("include: [compose.yaml]\nservices: {}", "includes itself"),
        ("include: [nosuch.yaml]\nservices: {}", "nosuch.yaml"),
        ("include: ['https://example.org/x.yaml']\nservices: {}", "only files are read"),
    ],
)
def test_a_malformed_file_is_told(text: str, words: str) -> None:
    """What is wrong, and where."""
    with pytest.raises(BakeError, match=words):
        _read(text)


def test_a_file_that_repeats_itself_without_end_is_refused() -> None:
    """Aliases make many values of few bytes."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(BakeError, match="more than 100000 values"):
        _read("\n".join(lines))


# --- several files ---------------------------------------------------------------


def test_later_files_lie_over_earlier_ones() -> None:
    """Mappings are merged, lists are added to, the rest is replaced."""
    target = _target(
        _build("context: app\nargs: [A=1, B=2]\ntags: [a, b]\nlabels: {l: '1'}\ntarget: x"),
        {},
        "over.yaml",
        over=_build("args: {B: 3, C: 4}\ntags: [b, c]\nlabels: [m]\ntarget: y"),
    )
    assert target.args == {"A": "1", "B": "3", "C": "4"}
    assert target.tags == ("a", "b", "b", "c")
    assert target.labels == {"l": "1", "m": ""}
    assert (target.context, target.target) == ("app", "y")


def test_a_build_may_be_a_text_in_one_file() -> None:
    """It is the context."""
    target = _target("services: {web: {build: app}}", {}, "over.yaml", over=_build("target: t"))
    assert (target.context, target.target) == ("app", "t")


def test_reset_and_override() -> None:
    """The one takes away, the other replaces what would be merged."""
    target = _target(
        _build("context: app\nargs: {A: '1', B: '2'}\ntags: [a]\ntarget: x"),
        {},
        "over.yaml",
        over=_build("args: !override {C: '3'}\ntags: !reset []\ntarget: !reset null"),
    )
    assert target.args == {"C": "3"}
    assert (target.tags, target.target) == (None, None)


def test_extends_takes_from_another_service() -> None:
    """With paths that lead from that service's file."""
    target = _target(
        "services: {web: {extends: {file: common/base.yaml, service: base}, "
        "build: {args: {B: '2'}}}}",
        {},
        common__base="services:\n  base: {extends: root, build: {args: {A: '1', B: '1'}}}\n"
        "  root: {image: base:1, build: {context: ./app, additional_contexts: {r: ../r}}}\n",
    )
    assert target.context == "common/app"
    assert target.contexts == {"r": "r"}
    assert target.args == {"A": "1", "B": "2"}
    assert target.tags == ("base:1",)


def test_include_adds_services() -> None:
    """With paths from the folder of the file, and its own `.env`."""
    Path("sub").mkdir()
    Path("sub/.env").write_text("V=inner\n")
    definition = _read(
        "include: [sub/inner.yaml]\nservices: {web: {build: .}}",
        {},
        sub__inner="services: {api: {build: {context: ./app, args: {V: $V}}}}",
    )
    api, web = sorted(definition.targets, key=lambda target: target.name)
    assert (api.context, api.args, web.context) == ("sub/app", {"V": "inner"}, ".")


# --- services --------------------------------------------------------------------


def test_what_is_a_target() -> None:
    """What has a build, whatever its profiles; dots are no part of a name."""
    definition = _read(
        "services:\n  a.b: {build: .}\n  c: {profiles: [x], build: {dockerfile_inline: FROM x}}\n"
        "  d: {image: postgres}\n  e:\n"
    )
    assert [target.name for target in definition.targets] == ["a_b", "c"]
    assert definition.targets[1].context == "."


def test_arguments_without_a_value_come_from_the_service_and_the_environment() -> None:
    """First what the containers get, then the environment; else they are left out."""
    Path("web.env").write_text("F=file\nA=file\n")
    target = _target(
        "services:\n  web:\n    environment: {A: own}\n    env_file: [web.env, {path: no, "
        "required: false}]\n    build: {context: ., args: [A, B, C, F]}\n",
        {"A": "shell", "B": "shell"},
    )
    assert target.args == {"A": "own", "B": "shell", "F": "file"}


def test_files_of_variables_see_those_that_are_given() -> None:
    """Also where a file's value names one; one that has no value is taken from the shell."""
    Path("web.env").write_text("C=$A-$B\n")
    target = _target(
        "services:\n  web:\n    environment: {A: own, B: null}\n    env_file: web.env\n"
        "    build: {context: ., args: [C]}\n",
        {"B": "shell"},
    )
    assert target.args == {"C": "own-shell"}


def test_contexts_may_be_services() -> None:
    """They are targets then; addresses are left as they are."""
    target = _target(_build("additional_contexts: [a=service:x.y, 'b=docker-image://c', d=./e]"))
    assert target.contexts == {"a": "target:x_y", "b": "docker-image://c", "d": "e"}


@pytest.mark.parametrize("text", ["true", "'true'", "'1'"])
def test_switches(text: str) -> None:
    """They may be texts, as variables are."""
    assert _target(_build(f"pull: {text}")).pull is True
