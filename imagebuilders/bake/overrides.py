"""What `--set TARGET.KEY=VALUE` says over the files: https://docs.docker.com/build/bake/overrides/."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from imagebuilders.bake.entries import (
    attest_entry,
    cache_entries,
    output_entry,
    secret_entry,
    ssh_entry,
)
from imagebuilders.bake.target import Entry, Target
from imagebuilders.exceptions import BakeError
from imagebuilders.lazy_dataclass import dataclass

_LISTS: Mapping[str, tuple[str, Callable[[Sequence[str]], tuple[object, ...]]]] = {
    "annotations": ("annotations", tuple),
    "attest": ("attest", lambda texts: tuple(map(attest_entry, texts))),
    "cache-from": ("cache_from", cache_entries),
    "cache-to": ("cache_to", cache_entries),
    "entitlements": ("entitlements", tuple),
    "no-cache-filter": ("no_cache_filter", lambda texts: _split(texts)),
    "output": ("output", lambda texts: tuple(output_entry(text) for text in texts if text)),
    "platform": ("platforms", tuple),
    "secrets": ("secret", lambda texts: tuple(secret_entry(text) for text in texts if text)),
    "ssh": ("ssh", lambda texts: tuple(ssh_entry(text) for text in texts if text)),
    "tags": ("tags", tuple),
    "ulimits": ("ulimits", tuple),
}
_ADDED = frozenset({"annotations", "attest", "entitlements"})
_TEXTS = {
    "call": "call",
    "context": "context",
    "dockerfile": "dockerfile",
    "network": "network",
    "shm-size": "shm_size",
    "target": "target",
}
_PAIRS = {
    "args": "args",
    "contexts": "contexts",
    "extra-hosts": "extra_hosts",
    "labels": "labels",
}
_SWITCHES = {"no-cache": "no_cache", "pull": "pull"}


@dataclass
class _Setting:
    """What is said of one key of one target."""

    values: list[str]
    appends: bool = False


class Overrides:
    """What is said over the targets of the files."""

    def __init__(
        self, given: Iterable[str], names: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        """Read them.

        Args:
            given: each as `TARGET.KEY=VALUE`; `TARGET` may have wildcards, and `KEY+` adds.
            names: the names of the targets.
            environment: where an argument without a value has it from.

        Raises:
            BakeError: one is malformed, or no target is called so.
        """
        self._settings: dict[str, dict[str, _Setting]] = {}
        for text in given:
            self._read(text, names, environment)

    def _read(self, text: str, names: Sequence[str], environment: Mapping[str, str]) -> None:
        left, equals, value = text.partition("=")
        appends = left.endswith("+")
        pattern, dot, key = left.removesuffix("+").partition(".")
        kind, has_name, name = key.partition(".")
        if not dot or not kind:
            raise BakeError(f"--set {left}: write it as TARGET.KEY=VALUE.")
        if not equals and kind != "args":
            raise BakeError(f"--set {left}: the value is missing, as in {left}=VALUE.")
        matching = [each for each in names if each == pattern] or [
            each for each in names if fnmatchcase(each, pattern)
        ]
        if not matching:
            raise BakeError(f"--set {left}: there is no target {pattern!r}.")
        _check_key(left, kind, name if has_name else "", appends=appends)
        if not equals:
            if name not in environment:
                return
            value = environment[name]
        for each in matching:
            settings = self._settings.setdefault(each, {})
            setting = settings.setdefault(key, _Setting([]))
            setting.appends = appends
            setting.values.append(value)

    def applied(self, target: Target) -> Target:
        """Return a target with what is said over it.

        Raises:
            BakeError: a value is malformed.
        """
        for key, setting in self._settings.get(target.name, {}).items():
            kind, _, name = key.partition(".")
            target = _applied(target, kind, name, setting)
        return target

    def values(self, target: str, kind: str) -> list[str]:
        """Return what is said of a key of a target, which the user has allowed by saying it."""
        settings = self._settings.get(target, {})
        return [
            value
            for key, setting in settings.items()
            if key.partition(".")[0] == kind
            for value in setting.values
        ]


def _check_key(left: str, kind: str, name: str, *, appends: bool) -> None:
    if kind in _PAIRS or kind == "secret":
        if not name:
            raise BakeError(f"--set {left}: {kind} needs a name, as in {left}.NAME=VALUE.")
        if appends and kind == "secret":
            raise BakeError(f"--set {left}: a secret is replaced, not added to.")
    elif kind not in (*_LISTS, *_TEXTS, *_SWITCHES, "push", "load"):
        raise BakeError(f"--set {left}: there is no key {kind!r}.")


def _applied(target: Target, kind: str, name: str, setting: _Setting) -> Target:
    value = setting.values[-1]
    if kind in _LISTS:
        field, read = _LISTS[kind]
        items = read(setting.values)
        if setting.appends or kind in _ADDED:
            items = (*(getattr(target, field) or ()), *items)
        return replace(target, **{field: items})  # type: ignore[arg-type]
    if kind in _PAIRS:
        field = _PAIRS[kind]
        return replace(target, **{field: {**getattr(target, field), name: value}})  # type: ignore[arg-type]
    if kind in _TEXTS:
        return replace(target, **{_TEXTS[kind]: value})  # type: ignore[arg-type]
    if kind == "secret":
        return _with_secret(target, name, value)
    switch = _switch(kind, value)
    if kind in _SWITCHES:
        return replace(target, **{_SWITCHES[kind]: switch})  # type: ignore[arg-type]
    outputs = target.output or ()
    changed = pushed(outputs, switch) if kind == "push" else loaded(outputs, switch)
    return replace(target, output=changed or None)


def _with_secret(target: Target, name: str, value: str) -> Target:
    entry = dict(secret_entry(value))
    if entry.get("id", name) != name:
        raise BakeError(f"--set {target.name}.secret.{name}: the secret there has another id.")
    if not any(each.get("id") == name for each in target.secret):
        raise BakeError(f"--set {target.name}.secret.{name}: the target has no such secret.")
    return replace(
        target,
        secret=tuple(
            {**entry, "id": name} if each.get("id") == name else each for each in target.secret
        ),
    )


def _switch(kind: str, value: str) -> bool:
    if value.lower() not in ("1", "t", "true", "0", "f", "false"):
        raise BakeError(f"--set …{kind}={value}: it is true or false.")
    return value[0] in "1tT"


def _split(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for text in texts for name in text.split(",") if name)


def pushed(outputs: Sequence[Entry], is_on: bool) -> tuple[Entry, ...]:
    """Return outputs that push, or that do not."""
    if not is_on:
        return tuple(
            {**entry, "push": "false"} if entry.get("type") == "image" else entry
            for entry in outputs
            if entry.get("type") != "registry"
        )
    changed = tuple(
        {**entry, "push": "true"} if entry.get("type") == "image" else entry for entry in outputs
    )
    if all(entry.get("type") == "docker" for entry in outputs):
        changed = (*changed, {"type": "image", "push": "true"})
    return changed


def loaded(outputs: Sequence[Entry], is_on: bool) -> tuple[Entry, ...]:
    """Return outputs of which one puts the image into the engine, where none writes files."""
    if not is_on:
        return tuple(outputs)
    for entry in outputs:
        if entry.get("type") == "docker" and not entry.get("dest"):
            return tuple(outputs)
        if entry.get("type") not in ("docker", "image", "registry", "oci"):
            return tuple(outputs)
    return (*outputs, {"type": "docker"})
