"""Expanding words."""

from __future__ import annotations

import pickle
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.dockerfile import Grammar, Quotes, expand
from imagebuilders.exceptions import ShellWordError

_ENV = {"a": "abcabc", "b": "", "path": "x/y/z", "s": "one two"}


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("$a-${a}", "abcabc-abcabc"),
        ("${u:-d}${b:-d}${u-d}${b-d}", "ddd"),
        ("${a:+y}${b:+y}${b+y}${u+y}", "yy"),
        ("${a:?no}${b?no}", "abcabc"),
        ("${a#a?}${a##*b}", "cabcc"),
        ("${a%c}${a%%b*}", "abcaba"),
        ("${path/\\//-} ${path//\\//-}", "x-y/z x-y-z"),
        ("${u:-${b:-$a}}", "abcabc"),
        ("'$a' \"$a\" \\$a", "$a abcabc $a"),
        ("${a//b/[$0]} ${a//b/\\$0}", "a[]ca[]c a\\bca\\bc"),
    ],
)
def test_expansion(word: str, text: str) -> None:
    """The forms that BuildKit knows."""
    assert expand(word, _ENV).text == text


def test_words_and_variables() -> None:
    """Spaces of values divide, quoted ones do not."""
    found = expand('$s "$s" $u-x', _ENV)
    assert found.words == ("one", "two", "one two", "-x")
    assert (set(found.used), set(found.unset)) == ({"s"}, {"u"})


def test_options() -> None:
    """Quotes, escapes and variables without a value can be left as they are."""
    assert expand("'a' \"$s\"", _ENV, quotes=Quotes.KEEP).text == "'a' \"one two\""
    assert expand("it's $s\"", _ENV, quotes=Quotes.IGNORE).text == "it's one two\""
    assert expand("a\\ b", keep_escapes=True).words == ("a\\ b",)
    assert expand("$u ${u:-x}", keep_unset=True).text == "$u ${u:-x}"
    assert expand("`$a \\$a", _ENV, escape="`").text == "$a \\abcabc"


@pytest.mark.parametrize(
    ("word", "problem", "modifier"),
    [
        ("${a", "unsupported modifier (\ufffd) in substitution", "\ufffd"),
        ("${a:x}", "unsupported modifier (:x) in substitution", ":x"),
        ("${}", "syntax error: bad substitution", ""),
        ("${a:-", "syntax error: missing '}'", ""),
        ("${a/b}", "syntax error: missing '/' in ${}", ""),
        ("${u:?}", "u: is not allowed to be unset", ""),
        ("${b:?}", "b: is not allowed to be empty", ""),
        ("${u?$s}", "u: one two", ""),
        ("'a", "unexpected end of statement while looking for matching single-quote", ""),
        ('"a', "unexpected end of statement while looking for matching double-quote", ""),
        (
            "${a#\\x}",
            "invalid pattern (\\x) in substitution: invalid escape '\\x'",
            "",
        ),
    ],
)
def test_errors(word: str, problem: str, modifier: str) -> None:
    """They say what is wrong, with the word, and survive pickling."""
    with pytest.raises(ShellWordError) as caught:
        expand(word, _ENV)
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.word, error.problem, error.modifier) == (word, problem, modifier)
    assert str(error).startswith("failed to process ")


def test_fewer_modifiers() -> None:
    """An older engine's grammar refuses the newer ones."""
    old = Grammar(modifiers=frozenset({":-"}))
    assert expand("${u:-x}", grammar=old).text == "x"
    with pytest.raises(ShellWordError, match=r"unsupported modifier \(-\)"):
        expand("${u-x}", grammar=old)


def test_text_in_front_of_a_modifier() -> None:
    """BuildKit loses it when it splits words; engines before it do not."""
    assert expand("80${u:-80} 81").text == "8080 81"
    assert expand("80${u:-80} 81").words == ("80", "81")
    assert expand("80${u:-80} 81", grammar=Grammar(word_before_modifier=True)).words == (
        "8080",
        "81",
    )


@given(st.text("ab $\\'\"{}:-+?#%/*`<\n", max_size=24), st.sampled_from(Quotes), st.booleans())
def test_any_word_ends_in_a_text_or_an_error(word: str, quotes: Quotes, keep: bool) -> None:
    """Nothing else is raised."""
    with suppress(ShellWordError):
        found = expand(word, _ENV, quotes=quotes, keep_escapes=keep, keep_unset=keep)
        assert not found.used & found.unset


@given(st.text(st.characters(exclude_characters="$\\'\"\ufeff", codec="utf-8"), max_size=20))
def test_plain_text_is_left_alone(text: str) -> None:
    """Without quotes, dollars and escapes nothing changes."""
    assert expand(text).text == text


def test_depth_and_length_do_not_matter() -> None:
    """Neither recursion nor repeated copying stands in the way."""
    assert expand("${u:-" * 20_000 + "x" + "}" * 20_000).text == "x"
    assert expand('"${u:-' * 5_000 + "x" + '}"' * 5_000).text == "x"
