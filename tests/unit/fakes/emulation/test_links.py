"""Links in the place of what is there, as busybox and as Debian's tools make them."""

from __future__ import annotations

import pytest
from shell_cases import evaluate

_MADE = "cd /tmp; echo one > file; ln file link; mkdir d; ln file d; echo lone > lone; "


@pytest.mark.parametrize(
    ("script", "gnu", "busybox"),
    [
        ("ln -f file link", "0 3", "0 3"),
        ("ln -f d/file file", "0 3", "0 3"),
        ("ln -f file d", "0 3", "0 3"),
        ("ln -f lone link", "0 2", "0 2"),
        ("ln -f file ./file", "1 3", "1 2"),
        ("ln -f lone lone", "1 3", "1 3"),
        ("ln -sf file link", "0 2", "0 2"),
        ("ln -sf file file", "1 3", "0 2"),
        ("ln -sf gone link", "0 2", "0 2"),
    ],
)
def test_a_link_replaces_another_name_of_its_file(script: str, gnu: str, busybox: str) -> None:
    """Only the very name that a link is of stands in its way, and busybox removes even that."""
    asked = f"{_MADE}{script} 2>/dev/null; echo $? $(stat -c %h d/file)"
    assert evaluate(asked).stdout.decode().strip() == gnu
    assert evaluate(asked, shell="busybox").stdout.decode().strip() == busybox


def test_busybox_loses_what_is_linked_to_itself() -> None:
    """Busybox removes what is in the way before it looks for what is linked."""
    asked = f"{_MADE}ln -f lone lone; ls lone"
    answer = evaluate(asked, shell="busybox")
    assert answer.stderr.decode() == (
        "ln: lone: No such file or directory\nls: lone: No such file or directory\n"
    )
    assert evaluate(asked).stderr.decode() == "ln: 'lone' and 'lone' are the same file\n"
