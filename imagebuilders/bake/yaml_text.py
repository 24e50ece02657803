"""YAML as compose files are written in it.

Plain words are read by the rules of YAML 1.2, with numbers as Go's `yaml` reads them: `yes` and
`on` are texts, `0644` is octal. The tags `!reset` and `!override` are compose's own.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator

import yaml

from imagebuilders.exceptions import BakeError
from imagebuilders.lazy_dataclass import dataclass

MAX_VALUES = 100_000
"""So many values a file may have, each alias counted as what it stands for."""


class Reset:
    """Stands where `!reset` takes away what an earlier file says."""


@dataclass(frozen=True)
class Override:
    """Stands where `!override` takes the place of what an earlier file says."""

    value: object


RESET = Reset()


class _Loader(yaml.SafeLoader):
    """Reads YAML with the words of 1.2."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Hashable, object]:
        seen: set[object] = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else id(key)
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands twice in it", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep)

    def construct_reset(self, _node: yaml.Node) -> Reset:
        return RESET

    def construct_override(self, node: yaml.Node) -> Override:
        # The value without its tag: what it would be without it.
        if isinstance(node, yaml.ScalarNode):
            is_plain = (node.style is None, False)
            tag = self.resolve(yaml.ScalarNode, node.value, is_plain)  # type: ignore[no-untyped-call]
            return Override(self.construct_object(yaml.ScalarNode(tag, node.value), deep=True))
        if isinstance(node, yaml.MappingNode):
            plain: yaml.Node = yaml.MappingNode("tag:yaml.org,2002:map", node.value)
        else:
            plain = yaml.SequenceNode("tag:yaml.org,2002:seq", node.value)
        return Override(self.construct_object(plain, deep=True))

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        text = node.value.replace("_", "").lower()
        if node.tag.endswith("float"):
            return float(text.replace(".inf", "inf").replace(".nan", "nan"))
        sign = -1 if text.startswith("-") else 1
        digits = text.lstrip("+-")
        if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
            return sign * int(digits, 8)
        return sign * int(digits, 0)


_WORDS = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    (
        "int",
        r"[-+]?(?:0[0-7_]*|[1-9][0-9_]*|0x[0-9a-fA-F_]+|0o[0-7_]+|0b[01_]+)",
        list("-+0123456789"),
    ),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)"
        r"|\.(?:nan|NaN|NAN)",
        list("-+0123456789."),
    ),
    ("merge", r"<<", ["<"]),
)
for _tag, _pattern, _first in _WORDS:
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), _first
    )
_Loader.add_constructor("!reset", _Loader.construct_reset)
_Loader.add_constructor("!override", _Loader.construct_override)
for _tag in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _Loader.construct_number)


def read_yaml(text: str, path: str) -> list[object]:
    """Return the documents of a text.

    Args:
        text: the text.
        path: where it comes from, for errors.

    Raises:
        BakeError: it is no YAML, or has too many values.
    """
    try:
        documents = list(_documents(text))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        place = ""
        mark = getattr(error, "problem_mark", None)
        if mark is not None:
            place = f" in line {mark.line + 1}"
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise BakeError(f"{path} is not YAML{place}: {problem}.", path=path) from error
    left = [MAX_VALUES]
    for document in documents:
        _count(document, left, path)
    return documents


def _documents(text: str) -> Iterator[object]:
    loader = _Loader(text)
    try:
        while loader.check_data():  # type: ignore[no-untyped-call]
            yield loader.get_data()
    finally:
        loader.dispose()


def _count(value: object, left: list[int], path: str) -> None:
    """Count values as they will be read: what aliases repeat, or what holds itself, is large."""
    waiting = [value]
    while waiting:
        left[0] -= 1
        if left[0] < 0:
            raise BakeError(f"{path} has more than {MAX_VALUES} values.", path=path)
        current = waiting.pop()
        if isinstance(current, Override):
            waiting.append(current.value)
        elif isinstance(current, dict):
            waiting.extend(current.values())
        elif isinstance(current, list):
            waiting.extend(current)
