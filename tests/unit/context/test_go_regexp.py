"""Go's regular expressions in Python."""

from __future__ import annotations

import string

import pytest

from imagebuilders.context.go_regexp import RegexpSyntaxError, compile_go


@pytest.mark.parametrize(
    ("expression", "hit", "missed"),
    [
        ("^a$", ["a"], ["a\n", "ba"]),
        ("^.$", ["a", "é"], ["\n"]),
        ("^a|b$", ["ax", "xb"], ["xa"]),
        ("^(a|b)+$", ["abab"], ["abc"]),
        ("^a*?b?$", ["aab", ""], ["bb"]),
        ("^a{2,}$", ["aaa"], ["a"]),
        ("^a{1,2}$", ["a", "aa"], ["aaa"]),
        ("^a{2}$", ["aa"], ["a"]),
        ("^{2}a", ["a"], ["ba"]),
        (r"\b{0}a", ["ba"], ["b"]),
        ("^a{02}$", ["a{02}"], ["aa"]),
        ("^a{,2}$", ["a{,2}"], ["a"]),
        (r"^\d\D\w\W\s\S$", ["1a_- x"], ["1a_-\vx"]),
        (r"^\w$", ["a"], ["é"]),
        (r"\bfoo\B", ["a food"], ["foo"]),
        (r"\Aa\z", ["a"], ["a\n"]),
        (r"^\x41\x{e9}\101\07\0\n\t\a\f\r\v$", ["AéA\a\0\n\t\a\f\r\v"], ["A"]),
        (r"^\_\-\.$", ["_-."], ["abc"]),
        (r"^\Qa.b*\E+$", ["a.b**"], ["aab"]),
        (r"^\Qa.b", ["a.b"], ["aab"]),
        (r"^\pL\p{Lu}\PL\P{Lu}\p{^Lu}$", ["aA1aa"], ["aa1aa"]),
        (r"^\p{Any}\pN$", ["\n1"], ["a"]),
        ("^[[:alpha:][:^digit:]x-z]$", ["a", "-"], ["1"]),
        (r"^[\d\]\-a-c]$", ["1", "]", "-", "b"], ["d", "\\"]),
        ("^[]a]$", ["]", "a"], ["b"]),
        ("^[^]a]$", ["b"], ["]", "a"]),
        ("^[a-]$", ["a", "-"], ["b"]),
        ("^[[:x]$", ["[", ":", "x"], ["a"]),
        (r"^[\D]$", ["a", "\n"], ["1"]),
        (r"^[^\D\d]$", [], ["1", "a"]),
        (r"^[\D\d]$", ["1", "a"], []),
        ("^[^\\x00-\\x{10FFFF}]?$", [""], ["a"]),
    ],
)
def test_matches(expression: str, hit: list[str], missed: list[str]) -> None:
    """An expression finds what Go finds."""
    search = compile_go(expression)
    assert [text for text in hit + missed if search(text)] == hit


@pytest.mark.parametrize(
    "expression",
    [
        "*",
        "a|*",
        "(*)",
        "a**",
        "a{2}{3}",
        "a{1001}",
        "a{3,2}",
        "(a",
        "a)",
        "[a",
        "[",
        "[b-a]",
        "[[:nope:]]",
        "\\",
        "a\\",
        r"\x",
        r"\x{110000}",
        r"\q",
        r"\1",
        r"\8",
        "\\ß",
        r"\p",
        r"\p{X",
        r"\pZz{Zz}x\pQ",
        r"\p{Greek}",
        r"[\b]",
        "[a-\\",
        "[a-",
    ],
)
def test_refused(expression: str) -> None:
    """What Go refuses is refused; so are scripts, which Python's tables do not have."""
    with pytest.raises(RegexpSyntaxError):
        compile_go(expression)


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("alnum", string.ascii_letters + string.digits),
        ("alpha", string.ascii_letters),
        ("ascii", "".join(map(chr, range(128)))),
        ("blank", " \t"),
        ("cntrl", "".join(map(chr, [*range(32), 127]))),
        ("digit", string.digits),
        ("graph", string.ascii_letters + string.digits + string.punctuation),
        ("lower", string.ascii_lowercase),
        ("print", string.ascii_letters + string.digits + string.punctuation + " "),
        ("punct", string.punctuation),
        ("space", string.whitespace),
        ("upper", string.ascii_uppercase),
        ("word", string.ascii_letters + string.digits + "_"),
        ("xdigit", string.hexdigits),
    ],
)
def test_posix_classes(name: str, members: str) -> None:
    """Each has the characters that RE2 counts to it, and no others."""
    search = compile_go(f"^[[:{name}:]]$")
    found = {chr(code) for code in range(256) if search(chr(code))}
    assert found == set(members)


@pytest.mark.parametrize(
    ("expression", "members"),
    [
        (r"\d", string.digits),
        (r"\s", "\t\n\f\r "),
        (r"\w", string.ascii_letters + string.digits + "_"),
    ],
)
def test_perl_classes(expression: str, members: str) -> None:
    """They have characters of ASCII alone; a capital letter stands for all others."""
    every = {chr(code) for code in range(256)}
    inside, outside = compile_go(f"^{expression}$"), compile_go(f"^[{expression.upper()}]$")
    assert {char for char in every if inside(char)} == set(members)
    assert {char for char in every if outside(char)} == every - set(members)


@pytest.mark.parametrize(
    ("char", "is_letter"),
    [
        ("Ö", True),
        ("\xd7", False),
        ("Ø", True),
        ("ß", True),
        ("ö", True),
        ("÷", False),
        ("z", True),
    ],
)
def test_a_category_ends_with_its_last_letter(char: str, is_letter: bool) -> None:
    """Capital and small letters that follow each other are one range."""
    assert bool(compile_go(r"^\pL$")(char)) == is_letter
