"""Moments, as filters and queries have them."""

from __future__ import annotations

import pytest

from fakes.engine.timestamps import parse_moment, parse_stamp

S = 1_000_000_000
NOW = 1_700_000_000 * S + 7


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("10m", 1_699_999_400 * S),
        ("1h30m", 1_699_994_600 * S),
        ("5", 5 * S),
        ("5.25", 5 * S + 250_000_000),
        ("5.0000000019", 5 * S + 1),
        ("2020-01-02", 1_577_923_200 * S),
        ("2020-01-02T03", 1_577_934_000 * S),
        ("2020-01-02T03:04", 1_577_934_240 * S),
        ("2020-01-02T03:04:05", 1_577_934_245 * S),
        ("2020-01-02T03:04:05.5", 1_577_934_245 * S + 500_000_000),
        ("2020-01-02T03:04:05.000000001", 1_577_934_245 * S + 1),
        ("2020-01-02T03:04:05Z", 1_577_934_245 * S),
        ("2020-01-02T03:04:05.5Z", 1_577_934_245 * S + 500_000_000),
        ("2020-01-02T03:04:05+01:30", (1_577_934_245 - 5400) * S),
        ("2020-01-02T03:04:05-01:30", (1_577_934_245 + 5400) * S),
        ("2020-01-02T03:04Z", 1_577_934_240 * S),
        ("2020-01-02Z", 1_577_923_200 * S),
        ("2020-02-29", 1_582_934_400 * S),
        ("1969-12-31", -86_400 * S),
        ("0000-01-01", -62_167_219_200 * S),
        ("0000-02-29", -62_162_121_600 * S),
        ("0001-01-01", -62_135_596_800 * S),
        ("2020-01-01T00:00:00", 1_577_836_800 * S),
        ("2020-12-31T23:59:59", 1_609_459_199 * S),
        ("9999-12-31T23:59:59", 253_402_300_799 * S),
    ],
)
def test_moments(text: str, nanoseconds: int) -> None:
    """A duration before now in whole seconds, seconds since the epoch, or a time or its begin."""
    assert parse_moment(text, NOW) == nanoseconds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", 'failed to parse value as time or duration: "nonsense"'),
        ("5x", 'failed to parse value as time or duration: "5x"'),
        ("2020-00-02", 'parsing time "2020-00-02": month out of range'),
        ("2020-13-02", 'parsing time "2020-13-02": month out of range'),
        ("2020-01-00", 'parsing time "2020-01-00": day out of range'),
        ("2020-01-32", 'parsing time "2020-01-32": day out of range'),
        ("2021-02-29", 'parsing time "2021-02-29": day out of range'),
        ("0000-02-30", 'parsing time "0000-02-30": day out of range'),
        ("2020-01-02T24", 'parsing time "2020-01-02T24": hour out of range'),
        ("2020-01-02T23:60", 'parsing time "2020-01-02T23:60": minute out of range'),
        ("2020-01-02T23:59:60", 'parsing time "2020-01-02T23:59:60": second out of range'),
        ("2020-01-02x", 'parsing time "2020-01-02x": extra text: "x"'),
        ("20-01-02", 'parsing time "20-01-02" as "2006-01-02": cannot parse "20-01-02" as "2006"'),
        ("2020-1-02", 'parsing time "2020-1-02" as "2006-01-02": cannot parse "1-02" as "01"'),
        ("2020-01", 'parsing time "2020-01" as "2006-01-02": cannot parse "" as "-"'),
        (
            "2020-01-02T03+1",
            'parsing time "2020-01-02T03+1" as "2006-01-02T15Z07:00": '
            'cannot parse "+1" as "Z07:00"',
        ),
    ],
)
def test_what_is_no_moment(text: str, words: str) -> None:
    """Go's words, with the layout that the text was read by."""
    with pytest.raises(ValueError, match="pars") as caught:
        parse_moment(text, NOW)
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("5", 5 * S), ("5.25", 5 * S + 250_000_000), ("-5", -5 * S), ("+5", 5 * S), ("5.0", 5 * S)],
)
def test_stamps(text: str, nanoseconds: int) -> None:
    """Seconds and their fraction alone."""
    assert parse_stamp(text) == nanoseconds


@pytest.mark.parametrize(("text", "part"), [("", ""), ("x", "x"), ("5.", ""), ("5.x", "x")])
def test_what_is_no_stamp(text: str, part: str) -> None:
    """The part that is no number is named."""
    with pytest.raises(ValueError, match="ParseInt") as caught:
        parse_stamp(text)
    assert str(caught.value) == f'strconv.ParseInt: parsing "{part}": invalid syntax'
