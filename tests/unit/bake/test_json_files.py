"""Bake files in JSON: variables of each kind, what is passed over, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imagebuilders.bake.files import read_definition
from imagebuilders.bake.target import Target
from imagebuilders.exceptions import BakeError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _target(document: dict[str, Any], **environment: str) -> Target:
    Path("docker-bake.json").write_text(json.dumps(document))
    definition = read_definition(environment=environment)
    return definition.plan(environment=environment).targets["default"]


def _argument(default: object, given: str | None) -> str:
    document = {
        "variable": {"V": {"default": default}},
        "target": {"default": {"args": {"A": "${V}"}}},
    }
    environment = {} if given is None else {"V": given}
    return _target(document, **environment).args["A"]


@pytest.mark.parametrize(
    ("default", "given", "value"),
    [
        (True, None, "true"),
        (False, None, "false"),
        (True, "false", "false"),
        (False, "T", "true"),
        (False, "1", "true"),
        (True, "0", "false"),
        (True, "f", "false"),
        (1, None, "1"),
        (1, "2", "2"),
        (1, "2.0", "2"),
        (1, "2.5", "2.5"),
        (1.5, "-3", "-3"),
        ("x", "1", "1"),
        ("x", "", ""),
        (None, None, ""),
        (None, "y", "y"),
    ],
)
def test_variables_have_the_kind_of_their_defaults(
    default: object, given: str | None, value: str
) -> None:
    """What the environment has is read as such."""
    assert _argument(default, given) == value


@pytest.mark.parametrize(
    ("default", "given", "words"),
    [
        (True, "yes", "The variable V is true or false, not 'yes'"),
        (1, "one", "The variable V is a number, not 'one'"),
        (["a"], "b", "The variable V is set from outside, and is no text"),
        ("${V}", None, "The variable V refers to itself"),
    ],
)
def test_variables_that_cannot_be_read(default: object, given: str | None, words: str) -> None:
    """What each is, and what was given."""
    with pytest.raises(BakeError, match=words):
        _argument(default, given)


def test_attributes_of_a_file_are_variables() -> None:
    """Where one is declared as well, the declaration counts."""
    document = {
        "A": "1",
        "B": "2",
        "variable": {"B": {"default": "3"}, "C": None},
        "target": {"default": {"args": {"X": "${A}${B}${C}"}}},
    }
    assert _target(document).args == {"X": "13"}


def test_values_of_targets() -> None:
    """Each is read in its form; unknown keys and those without a value are passed over."""
    target = _target(
        {
            "target": {
                "default": {
                    "nonsense": {"a": [1]},
                    "dockerfile": None,
                    "no-cache": "true",
                    "pull": False,
                    "tags": ["a:1", None, 2],
                    "args": {"A": 1, "B": None, "C": True},
                    "output": ["type=oci,dest=x", "", None, {"type": "local", "dest": "y"}],
                    "cache-from": ["type=registry,ref=r", {"type": "inline"}],
                }
            }
        }
    )
    assert target.dockerfile == "Dockerfile"
    assert (target.no_cache, target.pull) == (True, False)
    assert target.tags == ("a:1", "2")
    assert target.args == {"A": "1", "C": "true"}
    assert target.output == ({"type": "oci", "dest": "x"}, {"type": "local", "dest": "y"})
    assert target.cache_from == ({"type": "registry", "ref": "r"}, {"type": "inline"})


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("dockerfile", ["x"], r"target\.default\.dockerfile: it must be a text"),
        ("tags", "x", "it must be a list of texts"),
        ("tags", [["x"]], "it must be a text"),
        ("pull", "yes", "it is true or false"),
        ("pull", 1, "it is true or false"),
        ("output", "x", "it must be a list"),
        ("args", ["x"], "must be a mapping of names to values"),
        ("matrix", {}, "has a matrix"),
        ("name", "x", "has a name"),
    ],
)
def test_malformed_values(key: str, value: object, words: str) -> None:
    """The file, the target and the key are named."""
    with pytest.raises(BakeError, match=words):
        _target({"target": {"default": {key: value}}})


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"nonsense": {}, "target": {}}, "has 'nonsense' at its top level"),
        ({"nonsense": []}, "there are group, target and variable"),
        ({"function": {}}, "has functions"),
        ({"group": {"g": {"targets": "a"}}}, r"group\.g\.targets must be a list of names"),
        ({"group": {"g": {"targets": [1]}}}, r"group\.g\.targets must be a list of names"),
        ({"variable": [1]}, "variable must be a mapping"),
    ],
)
def test_malformed_files(document: dict[str, Any], words: str) -> None:
    """What there can be is said."""
    with pytest.raises(BakeError, match=words):
        _target(document)
