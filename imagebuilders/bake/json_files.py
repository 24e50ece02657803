"""Bake's JSON: what `docker buildx bake --print` writes, and files like it with variables.

Texts may refer to variables, as in `${TAG}`. Functions, matrices and other expressions are the
HCL form's; they are refused with what helps.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from imagebuilders.bake.compose_merge import Node, go_text, mapping_of
from imagebuilders.bake.json_values import READERS
from imagebuilders.bake.target import (
    NAME,
    Target,
)
from imagebuilders.exceptions import BakeError
from imagebuilders.lazy_dataclass import dataclass

_REFERENCE = re.compile(r"\$\$\{|%%\{|\$\{([^}]*)\}|%\{")
_IDENTIFIER = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_-]*)\s*\Z")
_SECTIONS = ("group", "target", "variable")


@dataclass(frozen=True)
class Group:
    """Targets under one name.

    Attributes:
        name: the name.
        targets: the names of targets, and of other groups.
        description: what it is for.
    """

    name: str
    targets: tuple[str, ...]
    description: str = ""

    def as_json(self) -> dict[str, object]:
        """Return the group as `docker buildx bake --print` shows it."""
        shown: dict[str, object] = {"targets": list(self.targets)}
        if self.description:
            shown["description"] = self.description
        return shown


def needs_hcl(path: str, what: str) -> BakeError:
    """Return the error for what only Docker's own bake reads.

    Args:
        path: the file.
        what: what cannot be read, as the beginning of a sentence.
    """
    return BakeError(
        f"{what}. Docker's own bake turns it into JSON, which is read: "
        f"`docker buildx bake -f {path} --print TARGET > docker-bake.json`, then "
        "`imagebuilders bake -f docker-bake.json`.",
        path=path,
    )


def read_bake_json(
    texts: Mapping[str, str], variables: Callable[[str], str | None]
) -> tuple[list[Target], list[Group]]:
    """Return the targets and groups of files, the later ones over the earlier.

    Args:
        texts: what is in each file, by its path.
        variables: returns what a variable is set to from outside, if it is.

    Raises:
        BakeError: a file is malformed, or has what only HCL can say.
    """
    documents = [(path, _document(text, path)) for path, text in texts.items()]
    defaults: dict[str, tuple[str, object]] = {}
    for path, document in documents:
        for name, given in _named(document, "variable", path).items():
            declared = mapping_of(given or {}, f"{path}: variable.{name}")
            defaults[name] = (path, declared.get("default"))
    values = _Variables(defaults, variables)
    targets: dict[str, Target] = {}
    groups: dict[str, Group] = {}
    for path, document in documents:
        for name, given in _named(document, "target", path).items():
            found = _TargetReader(path, name, mapping_of(given, name), values).target()
            targets[name] = targets[name].merged(found) if name in targets else found
        for name, given in _named(document, "group", path).items():
            described = mapping_of(given, f"{path}: group.{name}")
            members = values.evaluated(described.get("targets", []), path)
            if not isinstance(members, list) or not all(isinstance(one, str) for one in members):
                raise BakeError(f"{path}: group.{name}.targets must be a list of names.", path=path)
            groups[name] = Group(name, tuple(members), go_text(described.get("description", "")))
    return list(targets.values()), list(groups.values())


def _document(text: str, path: str) -> Node:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BakeError(f"{path} is not JSON: {error}.", path=path) from error
    found = mapping_of(document, f"{path}: the top level")
    if "function" in found:
        raise needs_hcl(path, f"{path} has functions")
    unknown = sorted(set(found) - set(_SECTIONS))
    if any(isinstance(found[name], dict | list) for name in unknown):
        raise BakeError(
            f"{path} has {unknown[0]!r} at its top level; there are group, target and variable.",
            path=path,
        )
    if unknown:
        # An attribute of the file is a variable with that value.
        variables = mapping_of(found.get("variable", {}), f"{path}: variable")
        found["variable"] = {
            **{name: {"default": found.pop(name)} for name in unknown},
            **variables,
        }
    return found


def _named(document: Node, section: str, path: str) -> Node:
    named = mapping_of(document.get(section) or {}, f"{path}: {section}")
    if section != "variable":
        for name in named:
            if not NAME.match(name):
                raise BakeError(
                    f"{path}: no {section} can be called {name!r}: letters, digits, '_' and '-' "
                    "are allowed.",
                    path=path,
                )
    return named


class _Variables:
    """The variables of files, evaluated when they are asked for."""

    def __init__(
        self, defaults: Mapping[str, tuple[str, object]], given: Callable[[str], str | None]
    ) -> None:
        self._defaults = defaults
        self._given = given
        self._open: set[str] = set()

    def evaluated(self, value: object, path: str) -> object:
        """Return a value with the variables that its texts refer to.

        Raises:
            BakeError: there is no such variable, or an expression is none's name.
        """
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, list):
            return [self.evaluated(each, path) for each in value]
        if isinstance(value, dict):
            return {
                go_text(self._text(key, path)): self.evaluated(each, path)
                for key, each in value.items()
            }
        return value

    def _text(self, text: str, path: str) -> object:
        whole = _REFERENCE.fullmatch(text)
        if whole is not None and whole[1] is not None:
            return self._value(whole[1], path)

        def replaced(found: re.Match[str]) -> str:
            if found[1] is not None:
                return go_text(self._value(found[1], path))
            if found[0] == "%{":
                raise needs_hcl(path, f"{path} has the directive {text[found.start() :]!r}")
            return found[0][1:]

        return _REFERENCE.sub(replaced, text)

    def _value(self, expression: str, path: str) -> object:
        named = _IDENTIFIER.match(expression)
        if named is None:
            raise needs_hcl(path, f"{path} has the expression ${{{expression}}}")
        name = named[1]
        if name not in self._defaults:
            raise BakeError(f"{path} refers to {name}, which is no variable there.", path=path)
        home, default = self._defaults[name]
        given = self._given(name)
        if given is not None:
            return self._typed(name, given, default, home)
        if name in self._open:
            raise BakeError(f"The variable {name} refers to itself.", path=home)
        self._open.add(name)
        try:
            return "" if default is None else self.evaluated(default, home)
        finally:
            self._open.discard(name)

    @staticmethod
    def _typed(name: str, given: str, default: object, path: str) -> object:
        """Return what a variable is set to, of the kind that its default is of."""
        if isinstance(default, bool):
            lowered = given.lower()
            if lowered not in ("true", "false", "1", "0", "t", "f"):
                raise BakeError(f"The variable {name} is true or false, not {given!r}.", path=path)
            return lowered in ("true", "1", "t")
        if isinstance(default, int | float):
            try:
                number = float(given)
            except ValueError as error:
                raise BakeError(
                    f"The variable {name} is a number, not {given!r}.", path=path
                ) from error
            return int(number) if number.is_integer() else number
        if isinstance(default, list | dict):
            raise needs_hcl(path, f"The variable {name} is set from outside, and is no text")
        return given


class _TargetReader:
    """Reads one target of one file."""

    def __init__(self, path: str, name: str, given: Node, variables: _Variables) -> None:
        for key in ("matrix", "name"):
            if key in given:
                raise needs_hcl(path, f"The target {name} in {path} has a {key}")
        self._path = path
        self._name = name
        self._given = {key: variables.evaluated(value, path) for key, value in given.items()}

    def target(self) -> Target:
        target = Target(self._name)
        for key, value in self._given.items():
            field = key.replace("-", "_")
            read = READERS.get(key)
            if read is None:
                # As bake does, which passes over what it does not know.
                continue
            if value is None:
                continue
            try:
                target = replace(target, **{field: read(value)})  # type: ignore[arg-type]
            except BakeError as error:
                raise BakeError(
                    f"{self._path}: target.{self._name}.{key}: {error}", path=self._path
                ) from error
        return target
