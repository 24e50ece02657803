"""Properties of reading Dockerfiles."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fakes.engine.dockerfile.dialect import V28
from fakes.engine.dockerfile.instructions import plan
from fakes.engine.dockerfile.parser import parse, split_words
from fakes.engine.dockerfile.shell_words import Syntax, process_word, process_words
from fakes.engine.errors import DockerfileError

_WORDS = st.text(st.sampled_from("ab $\\'\"{}:-+?#%/ "), max_size=12)


@settings(max_examples=60)
@given(_WORDS, st.booleans())
def test_substitution_ends_in_a_word_or_an_error(word: str, modern: bool) -> None:
    """Whatever stands in a word, it is substituted or refused in the engine's words."""
    with suppress(DockerfileError):
        process_word(word, {"a": "1", "b": ""}, Syntax("\\", modern))


@settings(max_examples=60)
@given(st.text(st.characters(blacklist_characters="$\\'\"", codec="utf-8"), max_size=20))
def test_plain_text_is_left_alone(text: str) -> None:
    """Without quotes, dollars and escapes nothing changes."""
    assert process_word(text, {}) == text
    assert process_words(text, {}) == text.split()


@settings(max_examples=60)
@given(st.text(st.characters(codec="utf-8"), max_size=60))
@example("\\")
def test_any_text_is_read_or_refused(text: str) -> None:
    """The parser fails only in its own way, whatever it is given."""
    for dockerfile in (text, f"FROM scratch\n{text}", f"FROM scratch\nENV {text}"):
        with suppress(DockerfileError):
            plan(parse(dockerfile, modern=True), V28)


@settings(max_examples=40)
@given(st.lists(st.text("abc=./-", min_size=1, max_size=5), min_size=1, max_size=5))
def test_words_survive_splitting(words: list[str]) -> None:
    """Words without spaces come back as they were."""
    assert split_words("  ".join(words), "\\") == words


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("${c#*a}", "bcabc"),
        ("${c##*a}", "bc"),
        ("${c%b*}", "abca"),
        ("${c%%b*}", "a"),
        ("${c/a?/x}", "xcabc"),
        ("${c//b*c/x}", "ax"),
        ("${x-d}${c+y}", "dy"),
    ],
)
def test_modern_modifiers(word: str, expected: str) -> None:
    """The modifiers newer engines know, as a shell has them."""
    assert process_word(word, {"c": "abcabc"}, Syntax("\\", modern=True)) == expected
