"""The values of RUN's flags."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.dockerfile import ProblemKind, check, flag_fields, parse


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--mount=", "failed to parse csv mounts: EOF"),
        ("--mount=target=/x,FROM=a$b", "'from' doesn't support variable expansion, define alias"),
        (
            '--mount=a\\"b',
            "failed to parse csv mounts: parse error on line 1, column 2: "
            'bare " in non-quoted-field',
        ),
        ('--mount=é\\"', "column 5: bare"),
        ('--mount=\\"a\\"b', 'column 3: extraneous or missing " in quoted-field'),
        ('--mount=\\"a', 'column 2: extraneous or missing " in quoted-field'),
        ("--network=wifi", 'invalid network mode "wifi"'),
        ("--security=high", 'security "high" is not valid'),
        ("--device=", "failed to parse csv devices: EOF"),
        ("--device=a,b", "invalid field 'b' must be a key=value pair"),
        ("--device=name=a,name=b", "device name already set to a"),
        ("--device=a,nam=b", "unexpected key 'nam' in 'nam=b' (did you mean name?)"),
        ("--device=a,required=maybe", "invalid value for required: maybe"),
    ],
)
def test_refusals(flag: str, message: str) -> None:
    """In BuildKit's words; columns count bytes."""
    (problem,) = check(parse(f"FROM a\nRUN {flag} x\n".encode()))
    assert problem.kind is ProblemKind.RUN_FLAG
    assert message in problem.message
    assert problem.subject == flag[2:].partition("=")[0]


@pytest.mark.parametrize(
    "flags",
    [
        "--mount=type=cache,target=/x --mount=from=a,source=$b",
        "--mount=from=a$",
        "--mount=type=$T,whatever",
        "--network=none --security=insecure",
        "--device=vendor/class=name,required --device=name=a,required=TRUE",
    ],
)
def test_what_is_taken(flags: str) -> None:
    """The fields of a mount that may have variables are looked at when the step begins."""
    assert list(check(parse(f"FROM a\nRUN {flags} x\n".encode()))) == []


@given(st.lists(st.text("ab =", min_size=1, max_size=4), min_size=1, max_size=4), st.booleans())
def test_fields(fields: list[str], quoted: bool) -> None:
    """Fields may be quoted, and then hold commas and quotes."""
    values = [f'{field},"' if quoted else field for field in fields]
    written = ",".join('"' + v.replace('"', '""') + '"' if quoted else v for v in values)
    assert list(flag_fields(written)) == values
    assert next(csv.reader([written])) == values
