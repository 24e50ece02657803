"""Compose files over one another: https://docs.docker.com/reference/compose-file/merge/.

Only what a build is made of is merged; the rest of a service is of no interest here. What may be
written as a list of `K=V` and as a mapping is a mapping afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, cast

from imagebuilders.bake.yaml_text import Override, Reset
from imagebuilders.exceptions import BakeError

Node: TypeAlias = dict[str, object]

PARTS = ("image", "build", "environment", "env_file", "extends")
"""What of a service counts."""

_MAPPINGS = frozenset({"args", "labels", "additional_contexts", "environment"})
_HOSTS = "extra_hosts"


def service_of(value: object, name: str) -> Node:
    """Return what counts of a service, in one form.

    Raises:
        BakeError: it is malformed.
    """
    if value is None or isinstance(value, Reset):
        return {}
    if isinstance(value, Override):
        return service_of(value.value, name)
    service = mapping_of(value, f"services.{name}")
    node: Node = {}
    for key in PARTS:
        if key in service:
            node[key] = _part(key, service[key], f"services.{name}.{key}")
    return node


def _part(key: str, value: object, place: str) -> object:
    if isinstance(value, Reset):
        return value
    if isinstance(value, Override):
        return Override(_part(key, value.value, place))
    if key == "build":
        if value is None:
            return None
        if isinstance(value, str):
            return {"context": value}
        build = mapping_of(value, place)
        return {name: _part(name, each, f"{place}.{name}") for name, each in build.items()}
    if key in _MAPPINGS:
        return pairs_of(value, place)
    if key == _HOSTS:
        return hosts_of(value, place)
    if key == "env_file":
        return value if isinstance(value, list) else [value]
    if key == "ssh":
        return _agents(value, place)
    return value


def mapping_of(value: object, place: str) -> Node:
    """Return a mapping with texts as keys.

    Raises:
        BakeError: it is none.
    """
    if not isinstance(value, dict) or not all(
        isinstance(key, str | int | float | bool) for key in value
    ):
        raise BakeError(f"{place} must be a mapping of names to values.")
    return {go_text(key): each for key, each in value.items()}


def pairs_of(value: object, place: str) -> Node:
    """Return what is written as a mapping, or as a list of `K=V`; `K` alone has no value.

    Raises:
        BakeError: it is neither.
    """
    if value is None:
        return {}
    if isinstance(value, dict):
        pairs = mapping_of(value, place)
        return {
            key: each if each is None or isinstance(each, Reset | Override) else go_text(each)
            for key, each in pairs.items()
        }
    if not isinstance(value, list):
        raise BakeError(f"{place} must be a mapping, or a list of NAME=value.")
    read: Node = {}
    for item in value:
        name, equals, text = go_text(item).partition("=")
        read[name] = text if equals else None
    return read


def hosts_of(value: object, place: str) -> Node:
    """Return addresses by host: each host may have several.

    Raises:
        BakeError: it is malformed.
    """
    if value is None:
        return {}
    hosts: dict[str, list[str]] = {}
    items: list[tuple[str, object]]
    if isinstance(value, dict):
        items = [
            (host, address)
            for host, given in mapping_of(value, place).items()
            for address in (given if isinstance(given, list) else [given or ""])
        ]
    elif isinstance(value, list):
        items = []
        for item in value:
            text = go_text(item)
            separator = "=" if "=" in text else ":"
            name, found, rest = text.partition(separator)
            if not found:
                raise BakeError(f"{place} has {text!r}; write each as HOST=ADDRESS.")
            items.append((name, rest))
    else:
        raise BakeError(f"{place} must be a mapping, or a list of HOST=ADDRESS.")
    for host, address in items:
        text = go_text(address)
        if not host or ":" in host or "=" in host:
            raise BakeError(f"{place} has the host {host!r}, which no host is called.")
        plain = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        hosts.setdefault(host, []).append(plain)
    return cast("Node", hosts)


def _agents(value: object, place: str) -> Node:
    if isinstance(value, dict):
        return mapping_of(value, place)
    if not isinstance(value, list):
        raise BakeError(f"{place} must be a mapping, or a list such as [default].")
    read: Node = {}
    for item in value:
        name, equals, path = go_text(item).partition("=")
        if not equals and name != "default":
            raise BakeError(f"{place} has {name!r}; write each as default, or as ID=PATH.")
        read[name] = path if equals else None
    return read


def merge(base: object, over: object, place: str) -> object:
    """Return what a later file makes of an earlier one's value.

    Args:
        base: the earlier value.
        over: the later one.
        place: where it stands, as in `services.web.build`.

    Raises:
        BakeError: the two are of different kinds.
    """
    if isinstance(over, Override):
        return over.value
    if isinstance(base, Override):
        base = base.value
    if over is None and not isinstance(base, dict):
        return base
    if isinstance(base, dict):
        if over is None:
            return base
        if not isinstance(over, dict):
            raise BakeError(f"{place} is a mapping in one file and something else in another.")
        return _merge_mappings(base, over, place)
    if isinstance(base, list):
        if not isinstance(over, list):
            raise BakeError(f"{place} is a list in one file and something else in another.")
        if f".{_HOSTS}." in place:
            return [*base, *(each for each in over if each not in base)]
        return [*base, *over]
    return over


def _merge_mappings(base: Mapping[str, object], over: Mapping[str, object], place: str) -> Node:
    merged = dict(base)
    for key, value in over.items():
        if isinstance(value, Reset):
            merged.pop(key, None)
        elif key in merged:
            # `K` alone in a list, or null in a mapping, is a value: the environment's.
            takes_all = place.rpartition(".")[2] in _MAPPINGS
            merged[key] = value if takes_all else merge(merged[key], value, f"{place}.{key}")
            if isinstance(merged[key], Override):
                merged[key] = cast("Override", merged[key]).value
        else:
            merged[key] = value
    return merged


def without_tags(value: object) -> object:
    """Return a value without what `!reset` and `!override` left in it."""
    if isinstance(value, Override):
        return without_tags(value.value)
    if isinstance(value, dict):
        return {
            key: without_tags(each) for key, each in value.items() if not isinstance(each, Reset)
        }
    if isinstance(value, list):
        return [without_tags(each) for each in value if not isinstance(each, Reset)]
    return value


def go_text(value: object) -> str:
    """Return a value as Go writes it: `true`, `1.5`, `1e+21`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)
    if value is None:
        return "<nil>"
    return str(value)
