"""Parts of services in one form, and files over one another, value by value."""

from __future__ import annotations

import pytest

from imagebuilders.bake.compose_merge import (
    go_text,
    hosts_of,
    mapping_of,
    merge,
    pairs_of,
    service_of,
    without_tags,
)
from imagebuilders.bake.yaml_text import Override, Reset
from imagebuilders.exceptions import BakeError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (None, "<nil>"),
        (3, "3"),
        (1.0, "1"),
        (-2.0, "-2"),
        (1.5, "1.5"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (-1e21, "-1e+21"),
        ("a", "a"),
    ],
)
def test_values_become_texts_as_in_go(value: object, text: str) -> None:
    """Whole numbers have no point until they are written with an exponent."""
    assert go_text(value) == text


@pytest.mark.parametrize(
    ("value", "pairs"),
    [
        (None, {}),
        ({"a": 1, "b": None, "c": True, 2: "x"}, {"a": "1", "b": None, "c": "true", "2": "x"}),
        (["a=1", "b", "c=d=e", "f="], {"a": "1", "b": None, "c": "d=e", "f": ""}),
    ],
)
def test_pairs(value: object, pairs: dict[str, str | None]) -> None:
    """A mapping or a list; a name alone has no value, which is another thing than an empty one."""
    assert pairs_of(value, "x") == pairs


@pytest.mark.parametrize(
    ("value", "hosts"),
    [
        (None, {}),
        ({"a": "::1", "b": ["10.0.0.1", "[::2]"]}, {"a": ["::1"], "b": ["10.0.0.1", "::2"]}),
        ({"a": None}, {"a": [""]}),
        (["a=[::1]", "b:10.0.0.1", "b=10.0.0.2"], {"a": ["::1"], "b": ["10.0.0.1", "10.0.0.2"]}),
        (["a:[::1"], {"a": ["[::1"]}),
        (["a:::1]"], {"a": ["::1]"]}),
    ],
)
def test_hosts(value: object, hosts: dict[str, list[str]]) -> None:
    """Each may have several addresses, those of IPv6 with brackets or without."""
    assert hosts_of(value, "x") == hosts


@pytest.mark.parametrize(
    ("part", "value", "words"),
    [
        ("build", [1], r"services\.web\.build must be a mapping of names"),
        ("build", {None: 1}, r"services\.web\.build must be a mapping of names"),
        (
            "build",
            {"args": "x"},
            r"build\.args must be a mapping, or a list of NAME",
        ),
        ("build", {"extra_hosts": "x"}, r"extra_hosts must be a mapping, or a list of HOST"),
        ("build", {"extra_hosts": ["x"]}, r"extra_hosts has 'x'; write each as HOST=ADDRESS"),
        ("build", {"extra_hosts": {"": "1"}}, "has the host '', which no host is called"),
        ("build", {"extra_hosts": {"a:b": "1"}}, "has the host 'a:b'"),
        ("build", {"extra_hosts": {"a=b": "1"}}, "has the host 'a=b'"),
        ("build", {"ssh": "default"}, r"services\.web\.build\.ssh must be a mapping, or a list"),
        ("build", {"ssh": ["other"]}, "has 'other'; write each as default, or as ID=PATH"),
    ],
)
def test_malformed_parts_are_told(part: str, value: object, words: str) -> None:
    """What it must be, and where it stands."""
    with pytest.raises(BakeError, match=words):
        service_of({part: value}, "web")


def test_a_service_in_one_form() -> None:
    """A text is a context, lists are mappings, and what builds do not need is left out."""
    assert service_of({"build": "x", "ports": [1], "env_file": "e"}, "web") == {
        "build": {"context": "x"},
        "env_file": ["e"],
    }
    assert service_of({"env_file": ["e", "f"], "build": None}, "web") == {
        "env_file": ["e", "f"],
        "build": None,
    }
    agents = {"build": {"ssh": ["default", "a=b"]}}
    assert service_of(agents, "web") == {"build": {"ssh": {"default": None, "a": "b"}}}
    assert service_of({"build": {"ssh": {"a": "b"}}}, "web") == {"build": {"ssh": {"a": "b"}}}
    assert service_of(Override({"build": "x"}), "web") == {"build": {"context": "x"}}
    assert service_of(None, "web") == service_of(Reset(), "web") == {}


@pytest.mark.parametrize(
    ("base", "over", "merged"),
    [
        ("a", "b", "b"),
        ("a", None, "a"),
        (["a"], None, ["a"]),
        ({"a": 1}, None, {"a": 1}),
        ({"a": 1, "b": 2}, {"b": 3, "c": 4}, {"a": 1, "b": 3, "c": 4}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": [1]}, {"a": [1, 2]}, {"a": [1, 1, 2]}),
        ({"args": {"a": "1"}}, {"args": {"a": None}}, {"args": {"a": None}}),
        ({"a": [1]}, {"a": Override([2])}, {"a": [2]}),
        ({"a": Override([1])}, {"a": [2]}, {"a": [1, 2]}),
        ({"args": {"a": "1"}}, {"args": {"a": Override("2")}}, {"args": {"a": "2"}}),
        ({"a": 1, "b": 2}, {"a": Reset(), "c": Reset()}, {"b": 2}),
        ({"extra_hosts": {"h": ["1"]}}, {"extra_hosts": {"h": ["1", "2"]}}, None),
    ],
)
def test_merging(base: object, over: object, merged: object) -> None:
    """Mappings go into one another, lists get longer, other values replace; tags tell otherwise."""
    found = merge(base, over, "services.web.build")
    assert found == (merged if merged is not None else {"extra_hosts": {"h": ["1", "2"]}})


@pytest.mark.parametrize(
    ("base", "over", "words"),
    [
        ({"a": {"b": 1}}, {"a": 1}, r"build\.a is a mapping in one file and something else"),
        ({"a": [1]}, {"a": 1}, r"build\.a is a list in one file and something else"),
    ],
)
def test_what_cannot_be_merged(base: object, over: object, words: str) -> None:
    """Two files mean different kinds of value by one name."""
    with pytest.raises(BakeError, match=words):
        merge(base, over, "services.web.build")


def test_without_tags() -> None:
    """What a later file would have replaced stands for itself, and what it would reset is gone."""
    tagged = {"a": Override({"b": Reset(), "c": [Reset(), 1]}), "d": Reset(), "e": 2}
    assert without_tags(tagged) == {"a": {"c": [1]}, "e": 2}
    with pytest.raises(BakeError, match="x must be a mapping"):
        mapping_of([], "x")
