"""Scripts that mean harm: they end at a bound, and reach nothing of this machine."""

from __future__ import annotations

import builtins
import contextlib
import os
import random
import socket
import subprocess
import threading

import pytest
from comparison_size import size
from left_threads import left_threads
from pytest_mock import MockerFixture
from shell_cases import base_tree, bytes_of, evaluate, flag_cases, make_system

from fakes.emulation.endings import BoundReachedError
from fakes.emulation.process import Bounds

_SMALL = Bounds(steps=3_000, output=100_000, processes=30, depth=20)

_ENDLESS = {
    "loop": "while :; do :; done",
    "until": "until false; do x=$((x+1)); done",
    "for": "for ((;;)); do :; done",
    "recursion": "f() { f; }; f",
    "mutual": "f() { g; }; g() { f; }; f",
    "subshells": "f() { (f); }; f",
    "substitutions": "f() { x=$(f); }; f",
    "background": "while :; do sleep 100 & done",
    "pipes": "f() { f | f; }; f",
    "eval": 'e=\'eval "$e"\'; eval "$e"',
    "source": "echo '. /tmp/s' > /tmp/s; . /tmp/s",
    "script": "printf '#!/bin/sh\\n/tmp/s\\n' > /tmp/s; chmod +x /tmp/s; /tmp/s",
    "exec": "printf '#!/bin/sh\\nexec /tmp/s\\n' > /tmp/s; chmod +x /tmp/s; /tmp/s",
    "trap": "trap 'kill -TERM $$' TERM; kill -TERM $$; while :; do :; done",
    "exit-trap": "trap 'while :; do :; done' EXIT",
    "yes": "yes",
    "yes-file": "yes > /tmp/f",
    "zeros": "cat /dev/zero",
    "zeros-counted": "wc -c < /dev/zero",
    "random": "cat /dev/urandom > /tmp/f",
    "dd": "dd if=/dev/zero of=/tmp/f",
    "growing": "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done",
    "appending": "echo a > /tmp/f; while :; do cat /tmp/f /tmp/f >> /tmp/g; cp /tmp/g /tmp/f; done",
    "self-append": "echo a > /tmp/f; while :; do cat /tmp/f >> /tmp/f; done",
    "seq": "seq 1 1000000000000",
    "seq-inner": "for i in $(seq 1 1000000000000); do :; done",
    "braces": "echo {1..1000000000}",
    "braces-product": "echo {1..99}{1..99}{1..99}{1..99}",
    "braces-nested": "echo " + "{a,b}" * 40,
    "printf": "printf '%1000000000d' 1",
    "printf-precision": "printf '%.1000000000f' 1",
    "awk": "awk 'BEGIN { while (1) x++ }'",
    "awk-output": "awk 'BEGIN { for (;;) print \"x\" }'",
    "awk-growth": "awk 'BEGIN { x = \"aaaa\"; while (1) x = x x }'",
    "sed": "echo a | sed ':a;ba'",
    "sed-growth": "echo a | sed ':a;s/a/aa/g;ba'",
    "sed-hold": "echo a | sed ':a;H;G;ba'",
    "find-exec": "find / -exec find / \\; ",
    "xargs": "yes | xargs -n 1 echo",
    "tee": "yes | tee /tmp/a /tmp/b",
    "grep": "yes | grep y",
    "expr": "x=9; while :; do x=$(expr $x \\* $x); done",
    "tr": "yes | tr y n",
    "sort": "yes | sort",
    "tail": "yes | tail",
    "heredoc": "while :; do cat <<E\nx\nE\ndone",
    "split": "yes | split -l 1 - /tmp/s",
    "links": "while :; do ln -s / /tmp/$RANDOM$RANDOM; done",
    "timeout": "while :; do timeout 100 true; done",
    "factor": "factor 170141183460469231731687303715884105727",
    "read": "while read x; do :; done < /dev/zero",
    "command": "while :; do command true; done",
    "alias": "shopt -s expand_aliases; alias a='a a'; while :; do a; done",
}

_ENDED = {
    "awk-recursion": "awk 'function f(n) { return f(n+1) } BEGIN { f(1) }'",
    "awk-fields": "awk 'BEGIN { $1000000000 = 1 }'",
    "awk-number-of-fields": "awk 'BEGIN { NF = 1000000000 }'",
    "fork-bomb": ":() { :|:& }; :; wait",
    "power": "awk 'BEGIN { print 9 ^ 9 ^ 9 ^ 9 }'; echo $((9 ** 99999999999))",
    "array": "a[9223372036854775807]=1; echo ${#a[@]}",
    "deep-folders": "p=/tmp; for i in {1..900}; do p=$p/aaaaaaaa; done; mkdir -p $p",
    "links": "ln -s a /tmp/b; ln -s b /tmp/a; cat /tmp/a; cd /tmp/a; find -L /tmp; ls -R /tmp",
    "folder-of-itself": "ln -s . /tmp/a; find -L /tmp | head -99; cat /tmp/a/a/a/a/a/a/a/a/passwd",
    "star": "cd /; echo */*/*/*/*/* | wc -c",
    "pattern": "case $(printf '%0200d' 1) in *0*0*0*0*0*0*x) echo yes;; esac",
    "expression": "printf '%0200d' 1 | grep -E '((0*)*)*x'; [[ $(printf '%0200d') =~ (0+)+x ]]",
    "removed-folder": "mkdir /tmp/a; cd /tmp/a; rmdir /tmp/a; pwd; ls; touch x; cd ..; cd .",
    "kill-all": "kill -9 -1; kill -9 0; kill -9 1; kill -9 $$; echo no",
    "remove-all": "rm -rf --no-preserve-root /; ls /; cat /etc/passwd; echo $?",
    "closed": "exec <&- >&- 2>&-; echo x; cat; ls /nosuch; echo y >&3",
    "nulls": "printf 'a\\0b\\n' | tee /tmp/f | sed s/a/b/ | tr -d '\\0'; cat /tmp/f; . /tmp/f",
    "nothing": "'' ; \"\"; $nothing; `true`; ${x}; $(false); $((0)); {}; ()",
    "deep-parentheses": "(" * 5000,
    "deep-substitutions": "echo " + "$(" * 3000,
    "deep-arithmetic": "echo $((" + "(" * 3000 + "1" + ")" * 3000 + "))",
    "deep-quotes": "echo " + '"`' * 2000,
    "deep-test": "[ " + "! " * 5000 + "x ]; [[ " + "( " * 3000 + "x",
    "deep-if": "if :; then " * 2000 + "fi; " * 2000,
    "deep-expr": "expr " + "'(' " * 3000 + "1" + " ')'" * 3000,
    "deep-find": "find / " + "'(' " * 3000,
    "deep-awk": "awk 'BEGIN { print " + "(" * 3000 + "1" + ")" * 3000 + " }'",
    "deep-sed": "sed '" + "{" * 3000 + "}" * 3000 + "' /etc/passwd > /dev/null",
    "deep-expression": "grep -E '" + "(" * 3000 + ")" * 3000 + "' /etc/passwd > /dev/null",
    "numbers": "for n in 99999999999999999999 -1 1e9 0x 08 '' ' ' a; do head -n $n /etc/passwd;"
    " tail -c $n /etc/passwd; fold -w $n /etc/passwd; nl -w $n /etc/passwd; seq $n 1; sleep $n &"
    " kill $!; cut -c $n /etc/passwd; truncate -s $n /tmp/f; split -l $n /etc/passwd; date -d @$n;"
    " chmod $n /tmp/f; chown $n /tmp/f; ulimit -n $n; umask $n; exit_ $n; shift $n; expand -t $n"
    " /etc/passwd; sort -k $n /etc/passwd; mktemp -p $n; touch -d @$n /tmp/g; printf %d%f $n $n;"
    " test $n -eq 1; expr $n + 1; echo $((n)); read -n $n x; timeout $n true; xargs -n $n < /etc;"
    " od -N $n /etc/passwd; dd bs=$n count=1 if=/etc/passwd; find / -maxdepth $n -size $n; tar"
    " --strip-components=$n -xf x; kill -$n 1; uniq -f $n /etc/passwd; factor $n; sed -n ${n}p"
    ' /etc/passwd; awk "NR == $n" /etc/passwd; done > /dev/null 2>&1',
}


@pytest.mark.parametrize("name", _ENDED)
@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
def test_what_is_twisted_ends(name: str, shell: str) -> None:
    """It fails, works, or ends at a bound, as any script; and no thread stays."""
    before = threading.enumerate()
    with contextlib.suppress(BoundReachedError):
        evaluate(_ENDED[name], shell=shell, bounds=_SMALL)
    assert left_threads(before) == []


@pytest.mark.parametrize("name", _ENDLESS)
def test_what_has_no_end_ends_at_a_bound(name: str) -> None:
    """The bound says what was too much; no thread goes on, and memory stays small."""
    before = threading.enumerate()
    with pytest.raises(BoundReachedError, match=r"[a-z]"):
        evaluate(_ENDLESS[name], bounds=_SMALL)
    assert left_threads(before) == []


def test_nothing_of_this_machine_is_reached(mocker: MockerFixture) -> None:
    """No file, process, clock or connection of it is opened while scripts are evaluated."""
    taken = random.Random(5).sample(sorted(flag_cases()), size(40, 200))
    cases = [flag_cases()[name] for name in taken if name.split("/")[0] != "sh"]
    base_tree("debian"), base_tree("busybox")
    evaluate("date; tar c /etc | gzip | wc -c; awk 1 /etc/passwd; sed p /etc/passwd; find /etc")
    outcomes = []

    def refuse(*arguments: object, **_: object) -> object:
        raise AssertionError(f"this machine was asked for {arguments[:1]}")

    for module, names in {
        builtins: "open",
        os: "open stat lstat listdir scandir mkdir remove system kill fork execve getcwd chdir"
        " chmod rename symlink readlink urandom",
        socket: "socket create_connection getaddrinfo",
        subprocess: "Popen",
    }.items():
        for name in names.split():
            mocker.patch.object(module, name, refuse)
    try:
        for case in cases:
            script = f"{case['script']}; cat /proc/version /sys/kernel/x ~/.ssh/id_rsa; pwd; date"
            with contextlib.suppress(BoundReachedError):
                outcomes.append(evaluate(script, shell=case["id"].rpartition("@")[2]))
    finally:
        mocker.stopall()  # before pytest reads the sources of what failed
    assert outcomes


def test_the_clock_is_that_of_the_system() -> None:
    """What the time is, and how long it waits, is asked of the double."""
    shown = evaluate("date -u +%F; awk 'BEGIN { print systime() }'; printf '%(%Y)T\\n'").stdout
    assert shown.split() == [b"2026-11-29", b"1795990400", b"2026"]


_WORDS = [
    "-",
    "--",
    "-x",
    "--help",
    "-n",
    "5",
    "-1",
    "a",
    "/etc/passwd",
    "/",
    "''",
    "'a b'",
    "nosuch",
]
_WORDS += [
    "+x",
    "u=rwx",
    "root",
    "-f",
    "-r",
    "-e",
    "{}",
    ";",
    "'!'",
    "'('",
    "')'",
    "99999999999999999999",
]


@pytest.mark.parametrize("is_busybox", [False, True], ids=["debian", "busybox"])
def test_no_program_stumbles_over_words(is_busybox: bool) -> None:
    """Whatever words a program is called with, it ends as a program does."""
    chosen = random.Random(7)
    names = sorted(make_system({}, is_busybox=is_busybox).programs.known)
    before = threading.enumerate()
    for name in names:
        for _ in range(size(4, 60)):
            words = " ".join(chosen.choices(_WORDS, k=chosen.randrange(1, 4)))
            script = f"cd /tmp; timeout 0.05 {name} {words} < /etc/passwd > /dev/null 2>&1"
            with contextlib.suppress(BoundReachedError):
                evaluate(script, shell="busybox" if is_busybox else "bash")
    assert left_threads(before) == []
    assert bytes_of("é") == "\xc3\xa9"


_TOKENS = [
    "if",
    "then",
    "fi",
    "for",
    "in",
    "do",
    "done",
    "case",
    "esac",
    "while",
    "{",
    "}",
    "(",
    ")",
    "((",
    "))",
]
_TOKENS += [
    "[[",
    "]]",
    "$(",
    "`",
    '"',
    "'",
    "$x",
    "${",
    "$((",
    "|",
    "&&",
    "||",
    ";",
    ";;",
    "&",
    "\n",
    "<<E",
    "E",
]
_TOKENS += [
    ">",
    "<",
    ">&1",
    "a",
    "x=1",
    "echo",
    "!",
    "#",
    "\\",
    "*",
    "[a",
    "$@",
    "${x:-",
    "${x#",
    "f()",
    "=~",
    " ",
]


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
def test_no_script_makes_a_shell_stumble(shell: str) -> None:
    """Whatever is put together of the shell's own words is done, or refused as a script."""
    chosen = random.Random(3)
    before = threading.enumerate()
    for _ in range(size(150, 5000)):
        script = " ".join(chosen.choices(_TOKENS, k=chosen.randrange(1, 14)))
        with contextlib.suppress(BoundReachedError):
            outcome = evaluate(script, shell=shell, bounds=_SMALL, stdin=b"line\n")
            assert outcome.exit_code is not None
    assert left_threads(before) == []
