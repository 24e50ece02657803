"""The values of a target in bake's JSON, in all of their spellings.

https://docs.docker.com/build/bake/reference/#target
"""

from __future__ import annotations

from collections.abc import Callable

from imagebuilders.bake.compose_merge import go_text, mapping_of
from imagebuilders.bake.entries import (
    attest_entry,
    cache_entries,
    output_entry,
    secret_entry,
    ssh_entry,
)
from imagebuilders.bake.target import Entry, SSHEntry, linked_contexts
from imagebuilders.exceptions import BakeError


def _text(value: object) -> str:
    if isinstance(value, dict | list):
        raise BakeError("it must be a text")
    return go_text(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise BakeError("it must be a list of texts")
    return tuple(_text(each) for each in value if each is not None)


def _switch(value: object) -> bool:
    if isinstance(value, str) and value in ("true", "false"):
        return value == "true"
    if not isinstance(value, bool):
        raise BakeError("it is true or false")
    return value


def _pairs(value: object) -> dict[str, str]:
    return {key: _text(each) for key, each in mapping_of(value, "it").items() if each is not None}


def _entry(item: object) -> Entry:
    return {key: _text(value) for key, value in mapping_of(item, "each").items()}


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise BakeError("it must be a list")
    return [item for item in value if item not in (None, "")]


def _caches(value: object) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    for item in _list(value):
        entries += cache_entries([item]) if isinstance(item, str) else [_entry(item)]
    return tuple(entries)


def _outputs(value: object) -> tuple[Entry, ...]:
    return tuple(
        output_entry(item) if isinstance(item, str) else _entry(item) for item in _list(value)
    )


def _secrets(value: object) -> tuple[Entry, ...]:
    read = []
    for item in _list(value):
        if isinstance(item, str):
            read.append(secret_entry(item))
        else:
            entry = _entry(item)
            read.append({key: entry[key] for key in ("id", "src", "env") if entry.get(key)})
    return tuple(read)


def _agents(value: object) -> tuple[SSHEntry, ...]:
    read = []
    for item in _list(value):
        if isinstance(item, str):
            read.append(ssh_entry(item))
        else:
            entry = mapping_of(item, "each")
            read.append(SSHEntry(_text(entry.get("id", "")), _texts(entry.get("paths", []))))
    return tuple(read)


def _attests(value: object) -> tuple[Entry, ...]:
    return tuple(
        attest_entry(item) if isinstance(item, str) else _entry(item) for item in _list(value)
    )


READERS: dict[str, Callable[[object], object]] = {
    "annotations": _texts,
    "args": _pairs,
    "attest": _attests,
    "cache-from": _caches,
    "cache-to": _caches,
    "call": _text,
    "context": _text,
    "contexts": lambda value: linked_contexts(_pairs(value)),
    "description": _text,
    "dockerfile": _text,
    "dockerfile-inline": _text,
    "entitlements": _texts,
    "extra-hosts": _pairs,
    "inherits": _texts,
    "labels": _pairs,
    "network": _text,
    "no-cache": _switch,
    "no-cache-filter": _texts,
    "output": _outputs,
    "platforms": _texts,
    "pull": _switch,
    "secret": _secrets,
    "shm-size": _text,
    "ssh": _agents,
    "tags": _texts,
    "target": _text,
    "ulimits": _texts,
}
