"""What the doubles refuse where it is given."""

from __future__ import annotations

import pytest

from fakes.checks import check_count
from fakes.engine.containers.log_drivers import log_refusal


@pytest.mark.parametrize("value", [True, False, "1", 1.0, None])
def test_a_count_is_a_whole_number(value: object) -> None:
    """Truth is no number here, though Python takes it for one."""
    with pytest.raises(TypeError, match="times is an int, not"):
        check_count("times", value)


@pytest.mark.parametrize(
    ("value", "bounds", "words"),
    [
        (-1, {}, "times is 0 or more, not -1"),
        (0, {"least": 1}, "times is 1 or more, not 0"),
        (4, {"most": 3}, "times is 0 to 3, not 4"),
        (4, {"most": 3, "optional": True}, "times is 0 to 3 or None, not 4"),
    ],
)
def test_a_count_has_bounds(value: int, bounds: dict[str, int], words: str) -> None:
    """The error tells them."""
    with pytest.raises(ValueError, match=f"^{words}$"):
        check_count("times", value, **bounds)  # type: ignore[arg-type]


def test_counts_at_their_bounds() -> None:
    """They are taken, and None where there may be none."""
    check_count("times", 0)
    check_count("times", 3, most=3)
    check_count("times", None, optional=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, ""),
        ({"max-size": "1m", "max-file": "1"}, ""),
        ({"max-size": "1m", "max-file": "2", "compress": "true"}, ""),
        ({"max-size": "x"}, "invalid size: 'x'"),
        ({"max-file": "x"}, 'strconv.Atoi: parsing "x": invalid syntax'),
        ({"max-file": "0"}, "max-file cannot be less than 1"),
        *(
            (
                {**few, "compress": "true"},
                "compress cannot be true when max-file is less than 2 or max-size is not set",
            )
            for few in (
                {},
                {"max-file": "2"},
                {"max-size": "1m"},
                {"max-size": "1m", "max-file": "1"},
            )
        ),
    ],
)
def test_options_of_the_log_file(options: dict[str, str], words: str) -> None:
    """Files are compressed only where there is one file besides the one that is written."""
    assert log_refusal({"Type": "json-file", "Config": options}) == words
    assert log_refusal({"Type": "", "Config": options}) == words
    assert log_refusal({"Type": "syslog", "Config": options}) == ""
