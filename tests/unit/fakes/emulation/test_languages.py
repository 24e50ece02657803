"""The small languages of shells and programs, beside what is simpler than they are."""

from __future__ import annotations

import contextlib
import fnmatch
import itertools
import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shell_cases import evaluate

from fakes.emulation.endings import BoundReachedError
from fakes.emulation.programs.text.expressions import ExpressionError, compile_expression
from fakes.emulation.shell.arithmetic import Evaluator, wrap
from fakes.emulation.shell.arithmetic import ExpressionError as NumberError
from fakes.emulation.shell.dialect import BASH, BUSYBOX, DASH, Dialect
from fakes.emulation.shell.parsing.parser import Parser
from fakes.emulation.shell.patterns import compile_pattern
from fakes.emulation.shell.quoting import quoted
from fakes.emulation.shell.syntax import ScriptError, Simple

_DIALECTS = st.sampled_from([DASH, BUSYBOX, BASH])
_RESERVED = "if then fi for in do done case esac { } ( ) (( )) [[ ]] $( ` \" ' $x ${ $(("
_OTHERS = "| && ; ;; & <<E > <<< a x=1 a=( ! # \\ * $@ ${x:- f() ~"
_PIECES = st.sampled_from([*_RESERVED.split(), *_OTHERS.split(), "\n", "E\n", " "])


@settings(max_examples=120, deadline=None)
@given(st.one_of(st.lists(_PIECES, max_size=12).map("".join), st.text(max_size=30)), _DIALECTS)
def test_what_is_no_script_is_told_as_such(source: str, dialect: Dialect) -> None:
    """A parser returns a script, or raises its own error, with a line that there is."""
    text = source.encode("utf-8", "replace").decode("latin-1")
    try:
        Parser(text, dialect).whole()
    except ScriptError as error:
        line = error.line
    else:
        line = 1
    assert 1 <= line <= text.count("\n") + 1


_PLAIN = st.text(st.characters(min_codepoint=1, max_codepoint=255), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None)
@given(st.lists(_PLAIN, min_size=1, max_size=4), _DIALECTS)
def test_quoted_words_are_read_again(words: list[str], dialect: Dialect) -> None:
    """What Python quotes for a shell, and what bash's own quotes are, is read as it was."""
    source = " ".join(shlex.quote(word) for word in words)
    item = Parser(f"echo {source}", dialect).whole().items[0]
    command = item.items[0][1].commands[0]
    assert isinstance(command, Simple)
    assert len(command.words) == len(words) + 1
    shown = evaluate(f"printf '<%s>' {source}", shell="bash").stdout.decode()
    assert shown.encode() == "".join(f"<{one}>" for one in words).encode()


@settings(max_examples=40, deadline=None)
@given(_PLAIN)
def test_bash_shows_values_so_that_it_can_read_them(value: str) -> None:
    """`declare -p` and its kind can be evaluated."""
    text = value.encode().decode("latin-1")
    source = quoted(text).encode("latin-1").decode("utf-8", "replace")
    assert evaluate(f"printf %s {source}").stdout == value.encode()


class _Names:
    def __init__(self) -> None:
        self.table = {"x": "7", "y": "x + 1", "z": ""}

    def get(self, name: str, _index: str | None) -> str:
        return self.table.get(name, "")

    def set(self, name: str, _index: str | None, value: int) -> None:
        self.table[name] = str(value)


_NUMBERS = st.integers(0, 99).map(str)


def _combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.sampled_from(["+", "-", "*", "|", "&", "^", "==", "!=", "<", ">", "<=", ">="])
    return st.one_of(
        st.tuples(inner, binary, inner).map(lambda one: f"({one[0]} {one[1]} {one[2]})"),
        # With a plus, Python takes what a comparison says for a number, too.
        st.tuples(st.sampled_from("-~"), inner).map(lambda one: f"({one[0]} + {one[1]})"),
    )


@settings(max_examples=150, deadline=None)
@given(st.recursive(_NUMBERS, _combined, max_leaves=8))
def test_numbers_are_those_of_python_in_64_bits(source: str) -> None:
    """Sums, products, bits and comparisons have the same values."""
    assert Evaluator(source, _Names(), is_bash=True).value() == wrap(int(eval(source)))


_TOKENS = "1 0 x y z + - * / % ( ) ? : = += ++ -- ** << , && || ! ~ [ ] # 08 0x"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(_TOKENS.split()), max_size=9),
    st.sampled_from(["bash", "dash", "busybox"]),
)
def test_what_is_no_expression_is_told_as_such(tokens: list[str], shell: str) -> None:
    """Arithmetic has a value, or raises its own error."""
    evaluator = Evaluator(
        " ".join(tokens), _Names(), is_bash=shell == "bash", is_dash=shell == "dash"
    )
    with contextlib.suppress(NumberError):
        value = evaluator.value()
        assert value == wrap(value)


@settings(max_examples=200, deadline=None)
@given(st.text("ab*?[]!-", max_size=8), st.text("ab-]", max_size=6))
def test_patterns_match_as_those_of_python_do(pattern: str, text: str) -> None:
    """Stars, marks and brackets mean the same, where both know them."""
    if "[" in pattern:
        compile_pattern([(pattern, False)]).match(text)
    else:
        assert bool(compile_pattern([(pattern, False)]).match(text)) == fnmatch.fnmatchcase(
            text, pattern
        )
    assert compile_pattern([(pattern, True)]).match(pattern) is not None


@settings(max_examples=200, deadline=None)
@given(st.text("ab*+?.[]^$(){}|\\1,", max_size=10), st.booleans(), st.text("ab", max_size=5))
def test_expressions_are_read_or_refused(source: str, extended: bool, text: str) -> None:
    """A regular expression can be searched for, or is told to be none."""
    with contextlib.suppress(ExpressionError, BoundReachedError):
        match = compile_expression(source, extended=extended).search(text)
        assert match is None or match[0] in text


@pytest.mark.parametrize(
    "program",
    [
        "sed '{}'",
        "sed -E '{}'",
        "awk '{}'",
        "find / {}",
        "expr {}",
        "printf '{}' 1",
        "tr '{}' x",
        "date -d '{}'",
    ],
)
def test_programs_refuse_what_they_cannot_read(program: str) -> None:
    """A program of odd parts ends with a code and no other error."""
    parts = [
        "s/a/b/",
        "{",
        "}",
        "1,3",
        "p",
        "(",
        ")",
        "$1",
        "a",
        "%d",
        "%",
        "\\",
        "[",
        "-name",
        "x",
        "!",
    ]
    for first, second in itertools.islice(itertools.permutations(parts, 2), 0, 240, 21):
        script = program.format(
            f"{first} {second}" if "'" in program else shlex.join([first, second])
        )
        assert evaluate(f"{script} < /etc/passwd > /dev/null 2>&1").exit_code is not None
