"""A target of bake: what is built, in bake's own terms.

https://docs.docker.com/build/bake/reference/#target
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, fields, replace
from typing import TypeAlias

from imagebuilders.exceptions import BakeError
from imagebuilders.lazy_dataclass import dataclass

Entry: TypeAlias = Mapping[str, str]
"""An entry of several attributes, as of an output: its `type`, and the others."""

NAME = re.compile(r"[a-zA-Z0-9_-]+\Z")


@dataclass(frozen=True)
class SSHEntry:
    """An SSH agent, or keys."""

    id: str
    paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Target:
    """A target; `None` where nothing is said.

    The fields have the names that bake's JSON gives them, with `_` for `-`.
    """

    name: str
    description: str = ""
    inherits: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()
    attest: tuple[Entry, ...] = ()
    context: str | None = None
    contexts: Mapping[str, str] = field(default_factory=dict)
    dockerfile: str | None = None
    dockerfile_inline: str | None = None
    args: Mapping[str, str] = field(default_factory=dict, repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] | None = None
    cache_from: tuple[Entry, ...] = ()
    cache_to: tuple[Entry, ...] | None = None
    target: str | None = None
    secret: tuple[Entry, ...] = ()
    ssh: tuple[SSHEntry, ...] = ()
    platforms: tuple[str, ...] | None = None
    output: tuple[Entry, ...] | None = None
    pull: bool | None = None
    no_cache: bool | None = None
    network: str | None = None
    no_cache_filter: tuple[str, ...] = ()
    shm_size: str | None = None
    ulimits: tuple[str, ...] = ()
    call: str | None = None
    entitlements: tuple[str, ...] = ()
    extra_hosts: Mapping[str, str] = field(default_factory=dict)

    def merged(self, over: Target) -> Target:
        """Return this target with what another says over it.

        Mappings, and lists of what a target has several of, are added to; other values, tags,
        platforms, outputs and exported caches among them, are replaced.
        """
        changes: dict[str, object] = {}
        for each in fields(self):
            if each.name in ("name", "inherits"):
                continue
            mine, other = getattr(self, each.name), getattr(over, each.name)
            if other is None or other == "":
                continue
            if isinstance(other, Mapping):
                changes[each.name] = {**mine, **other}
            elif isinstance(other, tuple) and each.name not in _REPLACED:
                changes[each.name] = (*mine, *other)
            else:
                changes[each.name] = other
        return replace(self, inherits=(*self.inherits, *over.inherits), **changes)  # type: ignore[arg-type]

    def normalized(self) -> Target:
        """Return the target without what is said twice, and with what follows from the rest."""
        entitlements = self.entitlements
        if self.network == "host":
            entitlements = (*entitlements, "network.host")
        return replace(
            self,
            annotations=_unique(self.annotations),
            attest=_last_by(self.attest, "type"),
            tags=None if self.tags is None else _unique(self.tags),
            secret=_last_by(self.secret, "id"),
            ssh=tuple({each.id: each for each in self.ssh}.values()),
            platforms=None if self.platforms is None else _unique(self.platforms),
            cache_from=_unique_entries(self.cache_from),
            cache_to=None if self.cache_to is None else _unique_entries(self.cache_to),
            output=None if self.output is None else _unique_entries(self.output),
            no_cache_filter=_unique(self.no_cache_filter),
            ulimits=_unique(self.ulimits),
            entitlements=_unique(entitlements),
            contexts={name: value for name, value in self.contexts.items() if value},
        )

    def links(self) -> tuple[str, ...]:
        """Return the targets that are contexts of this one."""
        return tuple(
            value.removeprefix(LINK) for value in self.contexts.values() if value.startswith(LINK)
        )

    def as_json(self) -> dict[str, object]:
        """Return the target as `docker buildx bake --print` shows it."""
        shown: dict[str, object] = {}
        for each in sorted(fields(self), key=lambda each: each.name):
            value = getattr(self, each.name)
            if each.name == "name" or value is None or value in ("", (), {}):
                continue
            shown[each.name.replace("_", "-")] = _shown(each.name, value)
        return shown


LINK = "target:"
_REPLACED = frozenset({"tags", "platforms", "cache_to", "output"})
_TEMPLATES = frozenset({"annotations", "dockerfile_inline", "labels", "args", "extra_hosts"})


def _shown(name: str, value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _escaped(name, value[key]) for key in sorted(value)}
    if isinstance(value, tuple):
        return [_shown_item(name, each) for each in value]
    return _escaped(name, value)


def _shown_item(name: str, item: object) -> object:
    if isinstance(item, SSHEntry):
        return {"id": item.id, "paths": list(item.paths)} if item.paths else {"id": item.id}
    if isinstance(item, Mapping):
        entry: dict[str, object] = {key: item[key] for key in sorted(item)}
        if name == "attest" and entry.get("disabled") == "true":
            entry["disabled"] = True
        return entry
    return _escaped(name, item)


def _escaped(name: str, value: object) -> object:
    """Write a text so that bake, which reads the output again, takes it as it is."""
    if name in _TEMPLATES and isinstance(value, str):
        return value.replace("${", "$${").replace("%{", "%%{")
    return value


def _unique(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def _unique_entries(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    return tuple({tuple(sorted(entry.items())): entry for entry in entries}.values())


def _last_by(entries: Iterable[Entry], key: str) -> tuple[Entry, ...]:
    return tuple({entry.get(key): entry for entry in entries}.values())


def target_name(given: str) -> str:
    """Return the name of a target that is called so: a dot is no part of one.

    Raises:
        BakeError: no target can be called so.
    """
    name = given.replace(".", "_")
    if not NAME.match(name):
        raise BakeError(
            f"No target can be called {given!r}: letters, digits, '_' and '-' are allowed."
        )
    return name


def linked_contexts(contexts: Mapping[str, str]) -> dict[str, str]:
    """Return contexts in which a service is named as the target that it is."""
    linked = {}
    for name, value in contexts.items():
        for prefix in ("service:", LINK):
            if value.startswith(prefix):
                value = LINK + value.removeprefix(prefix).replace(".", "_")
                break
        linked[name] = value
    return linked


def sequence(value: Sequence[str] | None) -> tuple[str, ...]:
    """Return a list that may be missing as a tuple."""
    return tuple(value or ())
