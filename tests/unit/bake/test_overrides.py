"""What a command line says over targets, and what entries are written as."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imagebuilders.bake.entries import (
    attest_entry,
    attestation,
    cache_entries,
    output_entry,
    secret_entry,
)
from imagebuilders.bake.env_file import read_env_file
from imagebuilders.bake.overrides import Overrides, loaded, pushed
from imagebuilders.bake.target import Target
from imagebuilders.exceptions import BakeError


def _applied(*given: str, environment: dict[str, str] | None = None, **target: Any) -> Target:
    overrides = Overrides(given, ["a", "ab"], environment or {})
    return overrides.applied(Target("a", **target))


@pytest.mark.parametrize(
    ("text", "switched"),
    [(text, True) for text in ("1", "t", "true", "TRUE", "T")]
    + [(text, False) for text in ("0", "f", "false", "False", "F")],
)
def test_switches(text: str, switched: bool) -> None:
    """They are written as Go's are."""
    assert _applied(f"a.pull={text}").pull is switched
    assert _applied(f"a.no-cache={text}").no_cache is switched


def test_arguments() -> None:
    """One without a value has the environment's; if that has none, nothing is said."""
    given = ("a.args.X=1", "a.args.Y", "a.args.Z", "a.args.X=2")
    target = _applied(*given, environment={"Y": "y"}, args={"Z": "z", "W": "w"})
    assert target.args == {"Z": "z", "W": "w", "X": "2", "Y": "y"}
    assert _applied("a.labels.l=", labels={"k": "v"}).labels == {"k": "v", "l": ""}


def test_lists() -> None:
    """Several settings of one key are one list, in place of the file's, or behind it with a `+`."""
    assert _applied("a.tags=x", "a.tags=y", tags=("z",)).tags == ("x", "y")
    assert _applied("a.tags+=x", tags=("z",)).tags == ("z", "x")
    assert _applied("a.tags+=x").tags == ("x",)
    filters = ("a.no-cache-filter=x,y", "a.no-cache-filter=z,")
    assert _applied(*filters).no_cache_filter == ("x", "y", "z")


def test_patterns() -> None:
    """A name that there is means itself alone, and a pattern every name that it matches."""
    overrides = Overrides(["a*.target=t", "a.target=u"], ["a", "ab", "b"], {})
    targets = [overrides.applied(Target(name)).target for name in ("a", "ab", "b")]
    assert targets == ["u", "t", None]
    assert overrides.values("a", "target") == ["t", "u"]
    assert overrides.values("b", "target") == []
    assert overrides.values("a", "tags") == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("a.secret.t+=env=X", r"--set a\.secret\.t\+: a secret is replaced, not added to"),
        ("a.secret.t=id=u,env=X", "the secret there has another id"),
        (".tags=x", "there is no target ''"),
        ("a.=x", r"write it as TARGET\.KEY=VALUE"),
        ("a.push=2", "it is true or false"),
    ],
)
def test_wrong_overrides(given: str, words: str) -> None:
    """What is wrong with each."""
    with pytest.raises(BakeError, match=words):
        _applied(given, secret=({"id": "t", "src": "s"},))


@pytest.mark.parametrize(
    ("outputs", "is_on", "expected"),
    [
        ([], True, [{"type": "image", "push": "true"}]),
        ([], False, []),
        ([{"type": "docker"}], True, [{"type": "docker"}, {"type": "image", "push": "true"}]),
        ([{"type": "image"}], True, [{"type": "image", "push": "true"}]),
        ([{"type": "image", "push": "true"}], False, [{"type": "image", "push": "false"}]),
        (
            [{"type": "registry"}, {"type": "local"}],
            True,
            [{"type": "registry"}, {"type": "local"}],
        ),
        ([{"type": "registry"}, {"type": "local"}], False, [{"type": "local"}]),
    ],
)
def test_pushed(outputs: Any, is_on: bool, expected: Any) -> None:
    """`--push` makes images pushed, or adds one; without, none is."""
    assert list(pushed(outputs, is_on)) == expected


@pytest.mark.parametrize(
    ("outputs", "is_on", "expected"),
    [
        ([], True, [{"type": "docker"}]),
        ([], False, []),
        ([{"type": "docker"}], True, [{"type": "docker"}]),
        (
            [{"type": "docker", "dest": "x"}],
            True,
            [{"type": "docker", "dest": "x"}, {"type": "docker"}],
        ),
        ([{"type": "image"}], True, [{"type": "image"}, {"type": "docker"}]),
        ([{"type": "registry"}], True, [{"type": "registry"}, {"type": "docker"}]),
        ([{"type": "oci"}], True, [{"type": "oci"}, {"type": "docker"}]),
        ([{"type": "local"}], True, [{"type": "local"}]),
        ([{"type": "image"}], False, [{"type": "image"}]),
    ],
)
def test_loaded(outputs: Any, is_on: bool, expected: Any) -> None:
    """`--load` adds the engine's store, where it is not asked for and no files are."""
    assert list(loaded(outputs, is_on)) == expected


def test_entries() -> None:
    """Attributes in one text; some kinds have a short form."""
    assert output_entry("-") == {"type": "tar", "dest": "-"}
    assert output_entry("dir") == {"type": "local", "dest": "dir"}
    assert output_entry("type=image,Push=true") == {"type": "image", "push": "true"}
    assert secret_entry("id=a,type=env,src=X") == {"id": "a", "env": "X"}
    assert secret_entry("id=a,type=file,source=f") == {"id": "a", "src": "f"}
    assert attest_entry("type=sbom,disabled=false") == {"type": "sbom"}
    assert attest_entry("type=sbom,disabled=yes") == {"type": "sbom", "disabled": "true"}
    assert attestation("sbom", "") is None
    assert attestation("sbom", "true") == attestation("sbom", "T") == {"type": "sbom"}
    assert attestation("sbom", "0") == {"type": "sbom", "disabled": "true"}
    assert attestation("provenance", "mode=max") == {"type": "provenance", "mode": "max"}
    assert cache_entries(["", "type=inline"]) == ({"type": "inline"},)


@pytest.mark.parametrize(
    ("read", "text", "words"),
    [
        (output_entry, "dest=x,a=b", "has no type"),
        (output_entry, "type=local,dest", "write 'dest' as NAME=value"),
        (output_entry, '"type=local', "cannot be read"),
        (secret_entry, "id=a,nonsense=1", "id=NAME,env=VARIABLE or id=NAME,src=FILE"),
        (secret_entry, "id=a,type=pipe", "The type of a secret is 'env' or 'file'"),
        (attest_entry, "mode=max", "has no type"),
    ],
)
def test_malformed_entries(read: Any, text: str, words: str) -> None:
    """What is missing, or how it is written."""
    with pytest.raises(BakeError, match=words):
        read(text)


def test_env_files(tmp_path: Path) -> None:
    """Values have quotes, escapes, comments and references, or are taken raw."""
    path = tmp_path / "env"
    path.write_text(
        "# comment\n"
        "A=1\n"
        "B=a # b\n"
        "C='x # $A'\n"
        'D="$A\\n\\$A\\x\\"q\\" \\041"\n'
        "export E=2\r\n"
        "F: $A\n"
        "G\n"
        "H\n"
    )
    assert read_env_file(str(path), {"G": "g"}) == {
        "A": "1",
        "B": "a",
        "C": "x # $A",
        "D": '1\n$A\\x"q" !',
        "E": "2",
        "F": "1",
        "G": "g",
    }
    raw = read_env_file(str(path), {}, is_raw=True)
    assert raw["B"] == "a # b"
    assert raw["C"] == "'x # $A'"
    assert "# comment" not in raw
    assert "H" not in raw


def test_env_files_that_cannot_be_read(tmp_path: Path) -> None:
    """The file is named."""
    path = tmp_path / "env"
    with pytest.raises(BakeError, match="env") as caught:
        read_env_file(str(path), {})
    assert caught.value.path == str(path)
    path.write_bytes(b"A=\xff\n")
    with pytest.raises(BakeError, match="is not UTF-8") as caught:
        read_env_file(str(path), {})
    assert caught.value.path == str(path)
