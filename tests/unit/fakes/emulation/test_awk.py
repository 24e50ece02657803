"""`awk` at the edges of its language: odd numbers and formats, and programs that are none."""

from __future__ import annotations

import pytest
from shell_cases import Outcome, evaluate


def _awk(program: str, rest: str = "", *, shell: str = "dash", given: str = "") -> Outcome:
    return evaluate(f"printf '{given}' | awk '{program}' {rest}", shell=shell)


_PRINTED = {
    'BEGIN { CONVFMT = "%d"; x = 3.7 ""; print x }': "3\n",
    'BEGIN { CONVFMT = "abc"; x = 3.7 ""; print x, 4 "" }': "abc 4\n",
    'BEGIN { CONVFMT = 1.5; x = 3.7 ""; print x }': "3.7\n",
    'BEGIN { OFMT = "%.2f"; print 3.14159, 3.14159 "" }': "3.14 3.14159\n",
    "BEGIN { print -8 ^ 0.5, (-8) ^ 0.5, 0 ^ -1, 10 ^ 400, (-10) ^ 401 }": (
        "-2.82843 nan inf inf -inf\n"
    ),
    "BEGIN { print -log(0) % 2, 5 % 0, 5 / 0, -5 / 0, 0 / 0 }": "nan nan inf -inf nan\n",
    "BEGIN { print int(log(0)), int(-2.9), int(log(-1)) }": "-inf -2 nan\n",
    'BEGIN { printf "%5.1f|%-6g|%5s|%05d\\n", 2.25, 1e9, "e", 42 }': "  2.2|1e+09 |    e|00042\n",
    'BEGIN { printf "%d %x %c\\n", "0x", -log(0), 65.9 }': "0 7fffffffffffffff A\n",
    'BEGIN { printf "%f %e %g\\n", log(0), -log(0), log(-1) }': "-inf inf nan\n",
    'BEGIN { print ("echo a" | getline x) x }': "1a\n",
    'BEGIN { printf "%5%|%*d|%-*d|%.*f\\n", 3, 4, 3, 5, 1, 2.25 }': "%|  4|5  |2.2\n",
}


@pytest.mark.parametrize("program", _PRINTED)
def test_odd_numbers_and_formats(program: str) -> None:
    """What C makes of them is printed, and nothing of the double breaks."""
    outcome = _awk(program)
    assert (outcome.stdout.decode(), bytes(outcome.stderr)) == (_PRINTED[program], b"")


@pytest.mark.parametrize("program", ["BEGIN { print 5 / 0 }", "BEGIN { x = 5; x %= 0 }"])
def test_busybox_does_not_divide_by_zero(program: str) -> None:
    """It ends the program, for the remainder as for the quotient."""
    outcome = _awk(program, shell="busybox")
    assert outcome.exit_code == 1
    assert bytes(outcome.stderr) == b"awk: cmd. line:1: Division by zero\n"


_REFUSED = {
    "function f(a": "syntax error at or near end of file",
    "function f(a { print }": "syntax error at or near {",
    "function 5() { print }": "syntax error at or near 5",
    "BEGIN { delete 5 }": "syntax error at or near 5",
    "BEGIN { print toupper() }": "wrong number of arguments in call to toupper",
    "BEGIN { print atan2(1) }": "wrong number of arguments in call to atan2",
    'BEGIN { split("a b", 5) }': "type error in arg(2) in call to split",
    "BEGIN { a[1] = 1; b = 2; b[1] = 1 }": "b is not an array",
    "BEGIN { $(-1) = 1 }": "program limit exceeded: -1 fields",
    "BEGIN { $(-log(0)) = 1 }": "program limit exceeded: 9223372036854775807 fields",
    "BEGIN { print $(-1) }": "attempt to access field -1",
    "BEGIN { next }": "next used outside of its place",
    'BEGIN { print "a" ~ "(" }': "regular expression compile failed",
    "BEGIN { printf }": "printf: no format",
}


@pytest.mark.parametrize("program", _REFUSED)
def test_what_is_no_program_is_refused(program: str) -> None:
    """It is told what is wrong, and the code is 2."""
    outcome = _awk(program)
    assert outcome.exit_code == 2
    assert _REFUSED[program] in outcome.stderr.decode()


def test_separators_with_groups() -> None:
    """What a group of an expression matches is no record and no field."""
    program = 'BEGIN { RS = "(x|y)+"; FS = "(-|=)+" } { print NR, $1, $NF }'
    assert _awk(program, given="a-b=cxyd==eyf").stdout == b"1 a c\n2 d e\n3 f f\n"


def test_nextfile_passes_over_the_rest() -> None:
    """Only the file that is read is left, and the counts go on."""
    script = r"""printf 'a\nb\n' > /tmp/x; printf 'c\nd\n' > /tmp/y
awk 'FNR == 2 && FILENAME == "/tmp/x" { exit 1 } { print FILENAME, NR, FNR, $0 } /a/ { nextfile }
END { print NR }' /tmp/x /tmp/y"""
    outcome = evaluate(script, shell="dash")
    assert outcome.stdout == b"/tmp/x 1 1 a\n/tmp/y 2 1 c\n/tmp/y 3 2 d\n3\n"


def test_a_parameter_may_be_a_new_array() -> None:
    """A name that nothing was assigned to is given as an array, over two functions, or as empty."""
    program = """function fill(x, n) { more(x, n); return length(x) }
function more(y, n) { while (n--) y[n] = n }
function text(z) { return "<" z ">" }
BEGIN { print fill(new, 3), length(new), text(other), 3 in new, 2 in new }"""
    assert _awk(program).stdout == b"3 3 <> 0 1\n"


def test_each_pair_of_patterns_is_a_range_of_its_own() -> None:
    """Ranges begin and end by themselves, also with the same patterns, and within one record."""
    program = (
        '/b/,/c/ { printf "1" $0 " " } /b/,/c/ { printf "2" $0 " " } /d/,/d/ { printf "3" $0 }'
    )
    assert _awk(program, given="a\\nb\\nx\\nc\\nd\\ne\\n").stdout == b"1b 2b 1x 2x 1c 2c 3d"
