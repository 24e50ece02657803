"""Pydantic's findings in our words."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from typing_extensions import TypedDict

from imagebuilders.validation import Finding, describe_validation_error, findings, unknown


class Inner(BaseModel, extra="forbid"):
    """A model inside."""

    width: int = 1


class Plain(TypedDict, total=False):
    """What is no model."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    height: int


class Outer(BaseModel, extra="forbid"):
    """A model with one of each."""

    inner: Inner = Inner()
    several: list[Inner] = []
    plain: Plain = {}
    renamed: str = Field(default="", alias="called")

    @model_validator(mode="after")
    def _together(self) -> Outer:
        if self.renamed == "alone":
            raise ValueError("Two things go together")
        return self


def error_of(settings: dict[str, object]) -> ValidationError:
    """Give pydantic's error."""
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(settings)
    return caught.value


def found_in(settings: dict[str, object]) -> list[Finding]:
    """Give our findings."""
    return findings(error_of(settings), Outer, also_known=("flavor",))


def test_unknown_keys_name_those_beside_them() -> None:
    """An unknown key lists the keys of its own level, under the names users give."""
    (finding,) = found_in({"caled": "x"})
    assert finding.allowed == ("flavor", "called", "inner", "plain", "several")
    assert "did you mean 'called'?" in finding.message
    (finding,) = found_in({"inner": {"witdh": 1}})
    assert finding.allowed == ("width",)


def test_unknown_key_inside_what_is_no_model() -> None:
    """Its neighbours are not told."""
    (finding,) = found_in({"plain": {"width": 1}})
    assert finding.key == ("plain", "width")
    assert finding.allowed == ()


def test_unknown_key_inside_a_list() -> None:
    """Where the neighbours cannot be told, none are made up."""
    (finding,) = found_in({"several": [{"height": 1}]})
    assert finding.key == ("several", "0", "height")
    assert finding.allowed == ()


def test_rule_about_several_keys() -> None:
    """A finding about the whole has no key."""
    (finding,) = found_in({"called": "alone"})
    assert finding.key == ()
    assert str(finding) == "two things go together"


def test_nothing_is_near() -> None:
    """Without a near name there is no suggestion."""
    assert unknown("key", "zzz", ["a", "b"]) == "unknown key 'zzz'; known: a, b"


def test_one_line_of_it() -> None:
    """All findings in one line, without the values."""
    line = describe_validation_error(error_of({"inner": {"width": "hunter2"}, "x": 1}))
    assert line.startswith("inner.width: ")
    assert "; x: " in line
    assert "hunter2" not in line
