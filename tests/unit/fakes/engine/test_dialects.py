"""How the engine versions differ in reading Dockerfiles."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fakes.engine.dockerfile.dialect import Dialect
from fakes.engine.dockerfile.instructions import interpret_trigger, read
from fakes.engine.dockerfile.plan import BuildPlan, plan
from fakes.engine.dockerfile.words import Syntax, process_word, process_words
from fakes.engine.errors import DockerfileError
from fakes.engine.versions import VERSIONS

_WORDS = st.text(st.sampled_from("ab $\\'\"{}:-+?#%/ "), max_size=12)
OLD, V26, V28 = (Dialect(VERSIONS[name]) for name in ("20.10", "26.1", "28.5"))
_DIALECTS = st.sampled_from([OLD, V26, V28])


def _plan(text: str, dialect: Dialect) -> BuildPlan:
    return plan(read(text.encode("utf-8", "surrogateescape"), dialect), dialect)


def _refusal(line: str, dialect: Dialect) -> str:
    with pytest.raises(DockerfileError) as caught:
        _plan(f"FROM a\n{line}\n", dialect)
    return caught.value.message


@settings(max_examples=60)
@given(_WORDS, _DIALECTS)
def test_substitution_ends_in_a_word_or_an_error(word: str, dialect: Dialect) -> None:
    """Whatever stands in a word, it is substituted or refused in the engine's words."""
    with suppress(DockerfileError):
        process_word(word, {"a": "1", "b": ""}, Syntax("\\", dialect))


@settings(max_examples=60)
@given(st.text(st.characters(codec="utf-8"), max_size=60), _DIALECTS)
@example("\\", V28)
def test_any_text_is_read_or_refused(text: str, dialect: Dialect) -> None:
    """Reading fails only in its own way, whatever it is given."""
    for dockerfile in (text, f"FROM scratch\n{text}", f"FROM scratch\nENV {text}"):
        with suppress(DockerfileError):
            _plan(dockerfile, dialect)


@pytest.mark.parametrize(
    ("line", "old", "v26", "v28"),
    [
        (
            "RUNN x",
            "line 2: unknown instruction: RUNN",
            "on line 2: unknown instruction: RUNN (did you mean RUN?)",
            "on line 2: unknown instruction: RUNN (did you mean RUN?)",
        ),
        (
            "COPY --form=x a b",
            "line 2: Unknown flag: form",
            "on line 2: unknown flag: form (did you mean from?)",
            "on line 2: unknown flag: --form (did you mean from?)",
        ),
        (
            "COPY --from=x --from=y a b",
            "line 2: Duplicate flag specified: from",
            "on line 2: duplicate flag specified: from",
            "on line 2: duplicate flag specified: --from",
        ),
        (
            "HEALTHCHECK --interval=1us CMD x",
            'line 2: Interval "interval" cannot be less than 1ms',
            'on line 2: Interval "interval" cannot be less than 1ms',
            'on line 2: Interval "interval" cannot be less than 1ms',
        ),
        (
            "HEALTHCHECK --retries=-1 CMD x",
            "line 2: --retries must be at least 1 (not -1)",
            "on line 2: --retries cannot be negative (-1)",
            "on line 2: --retries cannot be negative (-1)",
        ),
    ],
)
def test_refusals(line: str, old: str, v26: str, v28: str) -> None:
    """Each version has its words."""
    for dialect, words in ((OLD, old), (V26, v26), (V28, v28)):
        assert _refusal(line, dialect) == f"dockerfile parse error {words}"


def test_a_zero_in_a_health_check() -> None:
    """20.10 refuses what newer engines take for the default."""
    assert "cannot be less than 1ms" in _refusal("HEALTHCHECK --timeout=0 CMD x", OLD)
    assert "must be at least 1 (not 0)" in _refusal("HEALTHCHECK --retries=0 CMD x", OLD)
    step = _plan("FROM a\nHEALTHCHECK --timeout=0 --retries=0 CMD x", V28).stages[0].steps[0]
    assert step.health == {"Test": ["CMD-SHELL", "x"]}


@pytest.mark.parametrize(
    ("word", "old", "new"),
    [
        ("${c-d}", "missing ':' in substitution", None),
        ("${c:x}", "unsupported modifier (x) in substitution", "unsupported modifier (:x)"),
        ("${c", "missing ':' in substitution", "unsupported modifier (\ufffd)"),
        ("${c:?no}", "c: no", "c: no"),
    ],
)
def test_modifiers(word: str, old: str, new: str | None) -> None:
    """Which modifiers are known, and the words where they are not."""
    with pytest.raises(DockerfileError) as caught:
        process_word(word, {}, Syntax("\\", OLD))
    assert caught.value.message == f'failed to process "{word}": {old}'
    if new is None:
        assert process_word(word, {}, Syntax("\\", V28)) == "d"
    else:
        with pytest.raises(DockerfileError) as caught:
            process_word(word, {}, Syntax("\\", V28))
        assert new in caught.value.message


def test_pattern_behind_a_colon() -> None:
    """26.1 does not look at the colon; newer engines refuse it."""
    assert process_word("${c:#a}${c:%b}", {"c": "ab"}, Syntax("\\", V26)) == "ba"
    for dialect in (OLD, V28):
        with pytest.raises(DockerfileError, match="unsupported modifier"):
            process_word("${c:#a}", {"c": "ab"}, Syntax("\\", dialect))


def test_words_in_front_of_a_modifier() -> None:
    """The newest engine loses them, as BuildKit's code does since 0.14."""
    expected = ((OLD, ["8080"]), (V26, ["8080"]), (V28, ["80"]))
    for dialect, words in expected:
        assert process_words("80${p:-80}", {}, Syntax("\\", dialect)) == words


def test_here_documents() -> None:
    """To 20.10 their lines are instructions; the others drop them."""
    text = "COPY <<E a /\nENV x=y\nE\n"
    assert "unknown instruction: E" in _refusal(text, OLD)
    for dialect in (V26, V28):
        (copy,) = _plan(f"FROM b\n{text}", dialect).stages[0].steps
        assert copy.arguments == ["a", "/"]


def test_white_space_in_the_beginning_of_a_here_document() -> None:
    """Only the newest engine reads it."""
    text = "FROM a\nRUN << E\nENV x=y\nE\n"
    assert len(_plan(text, V28).stages[0].steps) == 1
    assert "unknown instruction: E" in _refusal("RUN << E\nENV x=y\nE\n", V26)


def test_text_behind_a_json_list() -> None:
    """Older engines do not look at it."""
    steps = [_plan('FROM a\nCMD ["x"] y', d).stages[0].steps[0] for d in (OLD, V26, V28)]
    assert [step.arguments for step in steps] == [["x"], ["x"], ['["x"] y']]


def test_directives() -> None:
    """Where `check` is not known, it ends the place for directives."""
    text = "# check=skip=all\n# escape=`\nFROM a\nENV x=`$y\n"
    escapes = [_plan(text, dialect).syntax.escape for dialect in (OLD, V26, V28)]
    assert escapes == ["\\", "\\", "`"]


def test_triggers() -> None:
    """What an ONBUILD left is one instruction, with its here-documents."""
    (step,) = _plan("FROM a\nONBUILD RUN <<E\nx\nE\n", V28).stages[0].steps
    assert step.arguments == ["RUN <<E\nx\nE"]
    assert interpret_trigger(step.arguments[0], V28).keyword == "run"
    with pytest.raises(DockerfileError, match="should be a single expression"):
        interpret_trigger("ENV a=b\nENV c=d", V28)
