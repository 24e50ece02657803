"""`tar` with archives that are cut off, and names that are changed."""

from __future__ import annotations

import pytest
from shell_cases import evaluate

_PACK = "mkdir /tmp/t; cd /tmp/t; echo hello > a; seq 900 > b; "


@pytest.mark.parametrize("shell", ["dash", "busybox"])
@pytest.mark.parametrize("length", [2500, 3500])
def test_an_archive_that_is_cut_off_is_told_as_such(shell: str, length: int) -> None:
    """What is before the end is listed; the code is that of each."""
    script = _PACK + f"tar cf x.tar a b; head -c {length} x.tar > y; tar tf y"
    outcome = evaluate(script, shell=shell)
    told, code = (b"tar: Unexpected EOF in archive\n", 2) if shell == "dash" else (b"short read", 1)
    assert outcome.exit_code == code
    assert told in outcome.stderr
    assert outcome.stdout.startswith(b"a\n")


@pytest.mark.parametrize("letter", ["z", "J"])
def test_a_compressed_archive_that_is_cut_off_is_told_as_such(letter: str) -> None:
    """The compression's own end is missed, too."""
    outcome = evaluate(_PACK + f"tar c{letter}f x.tar a b; head -c 400 x.tar > y; tar tf y")
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith(b"tar: ")


def test_names_are_transformed() -> None:
    """Groups and `&` stand for what matched, and other letters for themselves."""
    script = (
        _PACK
        + r"""tar cf x.tar a b; mkdir o p q
tar xf x.tar -C o --transform 's/\(a\)/<\1&\&\q>/'; tar xf x.tar -C p --transform 's,^,d/,'
tar xf x.tar -C q --transform 's/\(/x/' || echo code $?; ls o p/d"""
    )
    outcome = evaluate(script)
    assert outcome.stdout == b"code 1\no:\n<aa&q>\nb\n\np/d:\na\nb\n"
    assert b"tar: invalid argument" in outcome.stderr
    assert evaluate(r"find / -regex '\('").exit_code == 1
