"""What real shells and programs did in containers is what the emulated ones do."""

from __future__ import annotations

import threading

import pytest
from left_threads import left_threads
from shell_cases import cases, differences, differing_complaints, known_complaints, run_case

_DIFFERENT: dict[str, str] = {
    "archive/tar-errors@busybox": "busybox pads the archive that it leaves otherwise",
    "awk/printf@dash": "the program's error names its script and position",
    "cmd/no-shebang@busybox": "bytes that are no text are tried as a script",
    "cmd/usage-errors@busybox": "busybox shows the full usage",
    "files/cp-dir-no-r@dash": "what is missing is told in other words",
    "find/size@busybox": "the order of names is the file system's",
    "sh-func/export@bash": "the order of exported names is that of a hash table",
    "text/printf-errors@bash": "an option after the format",
    "text/printf-errors@dash": "an option after the format",
    "text/seq-yes@busybox": "busybox shows its usage instead of the number that is none",
    "users/chpasswd@busybox": "busybox tells of the change, and keeps the time of the backup",
    "users/deluser-remove-home@busybox": "busybox looks for the group a second time",
}
"""Cases that do not agree, with the reason."""


@pytest.mark.parametrize("name", sorted(cases()))
def test_the_emulated_shell_does_what_a_real_one_did(name: str) -> None:
    """Output, exit code, files with owners, modes and times, and kinds of complaints agree."""
    case = cases()[name]
    before = threading.enumerate()
    outcome = run_case(case)
    found = differences(case, outcome)
    assert left_threads(before) == []
    assert differing_complaints(case, outcome) <= known_complaints().get(name, 0)
    if name in _DIFFERENT:
        assert found, "it agrees now: take it out of the table"
    else:
        assert found == [], case.get("script") or case["argv"]


def test_what_differs_is_known() -> None:
    """Each exception names a case that there is."""
    assert _DIFFERENT.keys() <= cases().keys()
