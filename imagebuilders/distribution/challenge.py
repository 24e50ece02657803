"""Challenges: what a registry wants to know of a client, in the `WWW-Authenticate` field.

    challenge := scheme [ token68 | name "=" value *( "," name "=" value ) ]

RFC 9110, 11.2 to 11.6.1 (formerly RFC 7235): https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field

from imagebuilders.lazy_dataclass import dataclass

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_END = r"(?=[ \t]*(?:,|\Z))"
_SEPARATORS = re.compile(r"[ \t,]*")
# Some registries leave the quotes away from what is not a token, such as a URL.
_PARAMETER = re.compile(
    rf'({_NAME})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)){_END}', re.DOTALL
)
_SCHEME = re.compile(rf"({_NAME})(?:[ \t]+|(?=,)|\Z)")
_TOKEN68 = re.compile(rf"[A-Za-z0-9._~+/-]+=*{_END}")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True)
class Challenge:
    """One way to prove who one is.

    Attributes:
        scheme: as in `bearer`, in lower case.
        parameters: by name, in lower case.
    """

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict, hash=False)


def parse_challenges(values: Iterable[str]) -> tuple[Challenge, ...]:
    """Read the challenges of a response.

    What is malformed is left out, together with all that follows it in the same value: a client
    that cannot read a challenge cannot meet it.

    Args:
        values: each `WWW-Authenticate` field of the response.
    """
    return tuple(challenge for value in values for challenge in _parse(value))


def _parse(value: str) -> list[Challenge]:
    found: list[tuple[str, dict[str, str]]] = []
    position = 0
    while True:
        separators = _SEPARATORS.match(value, position)
        position = separators.end() if separators else position
        if position == len(value):
            break
        if found and (parameter := _PARAMETER.match(value, position)):
            name, quoted, plain = parameter.groups()
            text = _ESCAPED.sub(r"\1", quoted) if quoted is not None else plain
            found[-1][1].setdefault(name.lower(), text)
            position = parameter.end()
        elif scheme := _SCHEME.match(value, position):
            found.append((scheme[1].lower(), {}))
            position = scheme.end()
            if token := _TOKEN68.match(value, position):
                position = token.end()
        else:
            break
    return [Challenge(scheme, parameters) for scheme, parameters in found]
