"""The ports of EXPOSE."""

from __future__ import annotations

import ipaddress
import re

from imagebuilders.evaluation.lint import Linter
from imagebuilders.evaluation.steps import Lines
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import quote, to_lower

_INTEGER = re.compile(r"[+-]?[0-9]+")
_PROTOCOLS = frozenset({"tcp", "udp", "sctp"})
_LARGEST = 65535


def read_ports(word: str, linter: Linter, lines: Lines) -> list[str]:
    """Return the ports of a word, such as `8080-8081/udp`, as `8080/udp`, `8081/udp`.

    Raises:
        EvaluationError: it is malformed; in BuildKit's words.
    """
    address, host, port = _parts(word)
    port, _, protocol = port.partition("/")
    if not port:
        raise EvaluationError(f"invalid port: {quote(word)}: no port specified")
    if to_lower(protocol) not in _PROTOCOLS and protocol:
        raise EvaluationError(f"invalid port: {quote(word)}: invalid proto: {protocol}")
    if protocol != to_lower(protocol):
        text = f"Defined protocol '{word}' in EXPOSE instruction should be lowercase"
        linter.warn("ExposeProtoCasing", text, lines)
    if address or host:
        text = (
            "EXPOSE instruction should not define an IP address or host-port mapping, "
            f"found '{word}'"
        )
        linter.warn("ExposeInvalidFormat", text, lines)
    _check_address(address)
    numbers = _range(port)
    if numbers is None:
        raise EvaluationError(f"invalid containerPort: {port}")
    _check_host(host, port, numbers)
    return [f"{number}/{to_lower(protocol) or 'tcp'}" for number in numbers]


def read_ports_of_docker(word: str) -> list[str]:
    """Return the ports of a word as https://github.com/docker/go-connections reads them.

    Raises:
        EvaluationError: it is malformed.
    """
    address, host, port = _parts(word)
    port, _, protocol = port.partition("/")
    try:
        _check_address(address)
        if not port:
            raise EvaluationError(f"no port specified: {word}<empty>")
        numbers = _range(port)
        if numbers is None:
            raise EvaluationError(f"invalid containerPort: {port}")
        _check_host(host, port, numbers)
        if protocol and to_lower(protocol) not in _PROTOCOLS:
            raise EvaluationError(f"invalid proto: {protocol}")
    except EvaluationError as error:
        text = error.message.replace(" IP ", " ip ")
        raise EvaluationError(text[0].upper() + text[1:]) from None
    return [f"{number}/{to_lower(protocol) or 'tcp'}" for number in numbers]


def _parts(word: str) -> tuple[str, str, str]:
    *address, host, port = ["", *word.split(":")] if ":" in word else ["", "", word]
    return ":".join(address[1:]), host, port


def _check_address(address: str) -> None:
    plain = address
    if address.startswith("["):
        inside, bracket, rest = address[1:].partition("]")
        if not bracket or rest:
            problem = "missing ']' in address" if not bracket else "missing port in address"
            raise EvaluationError(f"invalid IP address {address}: address {address}:: {problem}")
        plain = inside
    if not plain:
        return
    try:
        ipaddress.ip_address(plain)
    except ValueError:
        raise EvaluationError(f"invalid IP address: {plain}") from None


def _check_host(host: str, port: str, numbers: range) -> None:
    if not host:
        return
    on_host = _range(host)
    if on_host is None:
        raise EvaluationError(f"invalid hostPort: {host}")
    if len(on_host) != len(numbers) and len(numbers) > 1:
        raise EvaluationError(
            f"invalid ranges specified for container and host Ports: {port} and {host}"
        )


def _range(text: str) -> range | None:
    """Return the ports of `8080` or `8080-8090`; `None` if it is neither."""
    first, dash, last = text.partition("-")
    start = _number(first)
    if start is None:
        return None
    end = start if not dash or first == last else _number(last)
    return None if end is None or end < start else range(start, end + 1)


def _number(text: str) -> int | None:
    if not _INTEGER.fullmatch(text) or len(text) > 20:
        return None
    return int(text) if 0 <= int(text) <= _LARGEST else None
