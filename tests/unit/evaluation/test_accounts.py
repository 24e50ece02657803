"""Who `--chown` and USER name."""

from __future__ import annotations

import pytest

from imagebuilders.evaluation.accounts import Owner
from imagebuilders.exceptions import EvaluationError

_FILES = {
    "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\n\n  app:x:1000:1001:App\n77:x:1:2::/:\nbroken\n",
    "etc/group": b"root:x:0:\nstaff:x:50:app\nshort\n",
}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("app", (1000, 1001)),
        ("app:staff", (1000, 50)),
        ("app:none", (1000, 1001)),
        ("none", (0, 0)),
        ("none:staff", (0, 50)),
        (":staff", (0, 50)),
        ("77", (77, 77)),
        ("77:staff", (77, 50)),
        ("5:", (5, 0)),
        ("+5", (5, 5)),
        ("root", (0, 0)),
        ("2147483647", (2147483647, 2147483647)),
        ("2147483648", (0, 0)),
        ("4294967294", (0, 0)),
        ("-2", (4294967294, 4294967294)),
        ("broken", (0, 0)),
        ("app:short", (1000, 0)),
        ("1:2:3", (1, 1)),
    ],
)
def test_names_and_numbers(written: str, expected: tuple[int, int]) -> None:
    """Digits are never looked up; who is not there is root, a group that is not is the user's."""
    assert Owner.parse(written).resolve(_FILES.get) == expected


def test_without_files_everybody_is_root() -> None:
    """A tree without `/etc/passwd` knows nobody."""
    assert Owner.parse("app:staff").resolve(lambda _: None) == (0, 0)


def test_without_a_tree_names_are_an_error() -> None:
    """Numbers and `root` need none."""
    assert Owner.parse("root:5").resolve(None) == (0, 5)
    for written in ("app", "1:staff"):
        assert Owner.parse(written).has_names
        with pytest.raises(EvaluationError, match="invalid user index: -1"):
            Owner.parse(written).resolve(None)
