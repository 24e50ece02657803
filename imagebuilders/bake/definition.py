"""What files define, and what of it is to be built."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from imagebuilders.bake.json_files import Group
from imagebuilders.bake.overrides import Overrides
from imagebuilders.bake.target import Target
from imagebuilders.exceptions import BakeError
from imagebuilders.lazy_dataclass import dataclass

DEFAULT = "default"
"""The target or group that is built when none is named."""

_WILDCARDS = "*?[]"


@dataclass(frozen=True)
class BakePlan:
    """What is to be built.

    Attributes:
        targets: the targets by name, those included that others need.
        groups: the groups that were asked for, by name.
        linked: the names of the targets that only others need.
    """

    targets: Mapping[str, Target]
    groups: Mapping[str, Group]
    linked: frozenset[str] = frozenset()

    def as_json(self) -> dict[str, object]:
        """Return the plan as `docker buildx bake --print` shows it."""
        shown: dict[str, object] = {}
        if self.groups:
            shown["group"] = {name: self.groups[name].as_json() for name in sorted(self.groups)}
        shown["target"] = {name: self.targets[name].as_json() for name in sorted(self.targets)}
        return shown


@dataclass(frozen=True)
class Definition:
    """The targets and groups of files.

    Attributes:
        targets: the targets, as they stand in the files.
        groups: the groups.
        notices: what there is to say about the files.
        project: what the project is called, by which images without a name are named.
    """

    targets: tuple[Target, ...]
    groups: tuple[Group, ...] = ()
    notices: tuple[str, ...] = ()
    project: str = ""

    def plan(
        self,
        names: Sequence[str] = (),
        *,
        overrides: Iterable[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> BakePlan:
        """Return what is to be built.

        Args:
            names: targets and groups, with wildcards; `default` when there are none.
            overrides: what `--set` says, each as `TARGET.KEY=VALUE`.
            environment: the variables; those of this process by default. `SOURCE_DATE_EPOCH`
                becomes an argument of each target that has none of that name.

        Raises:
            BakeError: there is no such target, targets need one another, or a value is malformed.
        """
        variables = os.environ if environment is None else environment
        by_name = {target.name: target for target in self.targets}
        said = Overrides(overrides, list(by_name), variables)
        resolver = _Resolver(by_name, said)
        asked = self._asked([name.replace(".", "_") for name in names or (DEFAULT,)])
        targets: dict[str, Target] = {}
        groups: dict[str, Group] = {}
        known = {group.name: group for group in self.groups}
        for name in asked:
            members, found = self._members(name)
            for member in members:
                targets[member] = resolver.resolved(member)
            for group in found:
                groups[group] = known[group]
        named = [name for name in asked if not (name == DEFAULT and DEFAULT in known)]
        default = groups.get(DEFAULT, Group(DEFAULT, ()))
        both = sorted({*default.targets, *named})
        groups[DEFAULT] = replace(default, targets=tuple(both))
        linked: set[str] = set()
        for name in list(targets):
            resolver.link(name, targets, linked, ())
        epoch = variables.get("SOURCE_DATE_EPOCH")
        if epoch:
            targets = {
                name: replace(target, args={"SOURCE_DATE_EPOCH": epoch, **target.args})
                for name, target in targets.items()
            }
        return BakePlan(targets, groups, frozenset(linked))

    def _asked(self, names: Sequence[str]) -> list[str]:
        asked: list[str] = []
        there = [*(group.name for group in self.groups), *(each.name for each in self.targets)]
        for name in names:
            if not any(char in name for char in _WILDCARDS):
                asked.append(name)
                continue
            found = [each for each in there if fnmatchcase(each, name)]
            if not found:
                raise BakeError(f"There is no target or group {name!r}.")
            asked += found
        return list(dict.fromkeys(asked))

    def _members(self, name: str) -> tuple[list[str], list[str]]:
        """Return the targets of a group, and the groups that they come from."""
        groups = {group.name: group for group in self.groups}
        targets: dict[str, None] = {}
        seen: dict[str, None] = {}

        def add(each: str) -> None:
            if each not in groups:
                targets[each] = None
            elif each not in seen:
                seen[each] = None
                for member in groups[each].targets:
                    add(member)

        add(name)
        return list(targets), list(seen)


class _Resolver:
    """Makes whole targets of those that stand in files."""

    def __init__(self, targets: Mapping[str, Target], overrides: Overrides) -> None:
        self._targets = targets
        self._overrides = overrides

    def resolved(self, name: str) -> Target:
        """Return a target with what it inherits, and with what is said over it.

        Raises:
            BakeError: there is none, or what it inherits from is not there.
        """
        found = self._inherited(name, {})
        if found is None:
            raise BakeError(f"The target {name} inherits from itself.")
        return replace(
            found,
            inherits=(),
            context=found.context if found.context is not None else ".",
            dockerfile=found.dockerfile or "Dockerfile",
        )

    def _inherited(self, name: str, visited: dict[str, Target | None]) -> Target | None:
        if name in visited:
            return visited[name]
        visited[name] = None
        own = self._targets.get(name)
        if own is None:
            raise BakeError(self._missing(name))
        merged = Target(name)
        for parent in own.inherits:
            inherited = self._inherited(parent, visited)
            if inherited is not None:
                merged = merged.merged(replace(inherited, name=name))
        merged = self._overrides.applied(merged.merged(own)).normalized()
        visited[name] = merged
        return merged

    def _missing(self, name: str) -> str:
        there = ", ".join(sorted(self._targets)) or "none"
        return f"There is no target {name}. The targets are: {there}."

    def link(
        self,
        name: str,
        targets: dict[str, Target],
        linked: set[str],
        path: tuple[str, ...],
    ) -> None:
        """Add the targets that are contexts of a target, and theirs.

        Raises:
            BakeError: one of them needs the target itself.
        """
        path = (*path, name)
        for needed in targets[name].links():
            if needed == name:
                raise BakeError(f"The target {name} cannot be its own context.")
            if needed in path:
                raise BakeError(
                    f"The targets need one another without end: {' → '.join((*path, needed))}."
                )
            if needed not in targets:
                targets[needed] = replace(self.resolved(needed), output=({"type": "cacheonly"},))
                linked.add(needed)
            self.link(needed, targets, linked, path)
            target, base = targets[name], targets[needed]
            added = tuple(each for each in base.entitlements if each not in target.entitlements)
            targets[name] = replace(target, entitlements=(*target.entitlements, *added))
            mine, theirs = target.platforms or (), base.platforms or ()
            if len(mine) > 1 and len(theirs) > 1 and not set(mine) <= set(theirs):
                raise BakeError(
                    f"The target {needed} cannot be a context of {name}: it is not built for all "
                    f"of {', '.join(mine)}."
                )
