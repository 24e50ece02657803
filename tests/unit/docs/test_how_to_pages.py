"""What the how-to pages name is there: messages, options, commands, flags, settings."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from inspect import signature
from pathlib import Path

import click
import pytest
import yaml
from settings_page import replace_generated

from imagebuilders import DockerBuildOptions
from imagebuilders.cli.command import command as cli

_ROOT = Path(__file__).resolve().parents[3]
_DOCS = _ROOT / "docs"
_PAGES = [_ROOT / "README.md", *sorted(_DOCS.glob("*.md"))]


def _page(name: str) -> str:
    return (_DOCS / name).read_text(encoding="utf-8")


# --- messages ----------------------------------------------------------------

_NOT_OURS = ("requires a different Python",)
_MESSAGES = [
    heading
    for heading in re.findall(r"^### `(.+)`$", _page("troubleshooting.md"), re.MULTILINE)
    if heading not in _NOT_OURS
]


@cache
def _texts() -> str:
    """Every text of the packages, f-strings with `…` for what differs."""
    found: list[str] = []
    for package in ("imagebuilders", "fakes"):
        for file in sorted((_ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    parts = (v.value if isinstance(v, ast.Constant) else "…" for v in node.values)
                    found.append("".join(map(str, parts)))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.append(re.sub(r"\{\w*\}", "…", node.value))
    return "\n".join(found)


@pytest.mark.parametrize("message", _MESSAGES, ids=range(len(_MESSAGES)))
def test_messages_are_in_the_code(message: str) -> None:
    """Each heading has the words of a message, piece by piece."""
    pieces = [piece.strip(" '.") for piece in message.split("…")]
    assert [piece for piece in pieces if piece not in _texts()] == []
    assert max(map(len, pieces)) > 10


# --- options and arguments ---------------------------------------------------


def _rows(page: str) -> list[list[str]]:
    """The cells of each row of a page's tables."""
    lines = [line for line in _page(page).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_options_that_take_the_place_of_arguments() -> None:
    """Each option that the page of python-on-whales names is one."""
    named = re.findall(r"option `(\w+)`", _page("from-python-on-whales.md"))
    assert len(named) > 15
    assert set(named) <= set(DockerBuildOptions.model_fields)


def test_arguments_of_python_on_whales() -> None:
    """Every argument of its `buildx.build` has a row."""
    whales = pytest.importorskip("python_on_whales.components.buildx.cli_wrapper")
    arguments = list(signature(whales.BuildxCLI.build).parameters)[1:]
    rows = [row[0].strip("`") for row in _rows("from-python-on-whales.md")]
    assert [name for name in arguments if name not in rows] == []


# --- commands ----------------------------------------------------------------

_CALL = re.compile(r"(?:^|[ (/])imagebuilders (?=[a-z])((?:[^|)<>]|\(|<\()+)")


def _command_lines() -> Iterator[tuple[str, str]]:
    """Each line of a block that calls the command, with the page where it stands."""
    for page in _PAGES:
        text = page.read_text(encoding="utf-8")
        for block in re.findall(
            r"^```(?:console|yaml)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL
        ):
            for line in block.splitlines():
                is_command = line.startswith("$ ") or re.match(r" *(?:- )?(?:run: )?imageb", line)
                for call in _CALL.findall(line) if is_command else ():
                    yield page.name, call.strip()


_COMMANDS = sorted(set(_command_lines()))


@pytest.mark.parametrize(("page", "line"), _COMMANDS)
def test_commands_exist_with_their_flags(page: str, line: str) -> None:
    """Each command of a page, and each flag that it is given, is in the command tree."""
    words = shlex.split(line.replace("[", " ").replace("]", " "), comments=True)
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        if found is None:
            break
        command, words = found, words[1:]
    assert command is not cli, f"{page}: {line}"
    known = {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)}
    known |= {"--help", "-h"}
    used = [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]
    assert [flag for flag in used if flag not in known] == [], f"{page}: {line}"


def test_commands_of_the_tables() -> None:
    """Each command that stands in for one of docker's is in the command tree."""
    for named in re.findall(r"`imagebuilders ([a-z ]+)`", _page("from-python-on-whales.md")):
        command: click.Command = cli
        for word in named.split():
            assert isinstance(command, click.Group)
            found = command.get_command(click.Context(cli), word)
            assert found is not None, named
            command = found


# --- pages that are made -----------------------------------------------------


def test_the_page_of_settings_is_up_to_date() -> None:
    """Its generated part is what the components' settings are now."""
    text = _page("settings.md")
    assert replace_generated(text) == text, "run: PYTHONPATH=tests/support python -m settings_page"


def test_recipes_of_ci_are_yaml() -> None:
    """Each block parses, and has jobs with steps or a script."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", _page("ci.md"), re.MULTILINE | re.DOTALL)
    github, gitlab = map(yaml.safe_load, blocks)
    assert all(
        step.get("run") or step["uses"] for j in github["jobs"].values() for step in j["steps"]
    )
    assert all(job["image"] and job["script"] for job in gitlab.values())
