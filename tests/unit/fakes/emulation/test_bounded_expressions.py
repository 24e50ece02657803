"""Regular expressions that end in time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.emulation import bounded_expressions
from fakes.emulation.bounded_expressions import compile_bounded
from fakes.emulation.endings import BoundReachedError

_ATOMS = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", r"\w", r"\b", "^", r"\Z", "(?!b)", "(?=a)"]
)


def _within(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    repeated = st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{1,}"]))
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        repeated.map(lambda two: f"(?:a(?:{two[0]})){two[1]}"),  # an empty round is `re`'s own
        inner.map(lambda one: f"({one})"),
    )


_EXPRESSIONS = st.recursive(_ATOMS, _within, max_leaves=8)


@settings(max_examples=300, deadline=None)
@given(_EXPRESSIONS, st.text("ab\n", max_size=12))
def test_matches_are_those_of_re(source: str, text: str) -> None:
    """What is matched without backtracking has the same places as what `re` matches."""
    program = bounded_expressions._Program(source, 0)
    real = re.compile(source).search(text)
    saved = program.run(text, range(len(text) + 1))
    assert (None if real is None else real.span()) == (None if saved is None else saved[:2])


@pytest.mark.parametrize(
    "source",
    [
        "(a+)+b",
        "(a|a)*b",
        "(a*)*b",
        "a*a*a*a*a*a*b",
        "(.*)(.*)(.*)(.*)(.*)x",
        "((a?){40})b",
        "(a|aa){40}b",
        "a?" * 40 + "b",
        "(?:(a|aa)+)+$b",
    ],
)
def test_what_would_take_years_is_soon_told(source: str) -> None:
    """A text that does not match is found not to match."""
    text = "a" * 2000
    assert compile_bounded(source).search(text) is None
    assert compile_bounded(source).match(text) is None
    assert compile_bounded(source).fullmatch(text) is None
    assert compile_bounded(source).sub("x", text) == text


def test_long_texts_match_as_short_ones_do() -> None:
    """Groups, replacements and the number of them are those of `re`."""
    text = "ab" * 30 + "c" + "ab" * 30
    pattern = compile_bounded("((a|b)+)+c")
    match = pattern.search(text)
    assert match is not None
    assert (match[0], match[2], match.start(), match.end()) == (text[:61], "b", 0, 61)
    assert match.re.groups == 2
    assert pattern.sub("<\\g<0>>", text) == f"<{text[:61]}>{text[61:]}"
    assert pattern.sub(lambda one: one[0].upper(), text, 1) == text[:61].upper() + text[61:]
    assert [one[0] for one in compile_bounded("((a|b)+)+").finditer(text)] == [text[:60], text[61:]]
    assert compile_bounded("((x)|(a|b)+)+").search(text)[2] is None  # type: ignore[index]


def test_back_references_are_counted() -> None:
    """They cannot be matched in time, so that a bound ends them."""
    assert compile_bounded(r"((a+)+)+\2b").search("a" * 30 + "b") is not None
    with pytest.raises(BoundReachedError):
        compile_bounded(r"(a*)*(a*)*(a*)*\1x").search("a" * 300)


@pytest.mark.parametrize("source", ["(a{1000}){1000}(b*)*", "(?:(?:a*){300}){300}"])
def test_an_expression_may_not_be_endless_itself(source: str) -> None:
    """Repetitions of repetitions have a bound."""
    with pytest.raises(BoundReachedError):
        compile_bounded(source).search("a" * 100_000)


def test_a_simple_expression_stays_one_of_re() -> None:
    """What repeats nothing is not looked after."""
    assert isinstance(compile_bounded("ab[*]\\*"), re.Pattern)
    with pytest.raises(re.error):
        compile_bounded("(")
