"""What a client sends of its context."""

from __future__ import annotations

import pytest

from imagebuilders.evaluation.sent_files import sent_files, sent_paths
from imagebuilders.evaluation.steps import (
    ContextOrigin,
    Copy,
    Lines,
    PathSource,
    StageOrigin,
    TextSource,
)
from imagebuilders.evaluation.trees import folder_of, tree_of
from imagebuilders.exceptions import EvaluationError
from imagebuilders.oci.file_tree import File

_TREE = folder_of(
    {
        "a": File("file"),
        "b/in": File("file"),
        "b/out": File("symlink", link="../a"),
        "d/a.txt": File("file"),
        "d/e/c": File("file"),
        "link": File("symlink", link="d"),
        "loop": File("symlink", link="loop"),
        "to/a": File("symlink", link="/a"),
        "root": File("symlink", link="/"),
    }
)


def _copy(*paths: str, **fields: object) -> Copy:
    return Copy(
        lines=Lines(1, 1),
        created_by="",
        sources=tuple(PathSource(path, path) for path in paths),
        destination="/",
        **fields,  # type: ignore[arg-type]
    )


def test_what_a_client_is_asked_for() -> None:
    """The sources of all steps, once each."""
    steps = [_copy("/d", "/d/e"), _copy("/b*", "/a"), _copy("/x", origin=StageOrigin(0))]
    assert sent_paths(steps) == ("a", "b*", "d", "d/e")
    assert sent_paths([*steps, _copy("/")]) == ()
    text = Copy(lines=Lines(1, 1), created_by="", sources=(TextSource("f", b""),), destination="/")
    assert sent_paths([text, _copy("/x", origin=ContextOrigin("other"))]) == ()


def test_a_client_refuses_malformed_patterns() -> None:
    """The words of the client, with all that it was asked for."""
    with pytest.raises(EvaluationError, match=r"invalid includepatterns: \[a f\[x\]: syntax error"):
        sent_files(_TREE, ("a", "a/b", "f[x"))


@pytest.mark.parametrize(
    ("paths", "sent"),
    [
        (("a",), {"a"}),
        (("a", "missing/x"), {"a"}),
        (("b",), {"b", "b/in", "b/out"}),
        (("b/out",), {"a", "b", "b/out"}),
        (("b", "b/out"), {"a", "b", "b/in", "b/out"}),
        (("[bd]/*",), {"b", "b/in", "b/out", "d", "d/a.txt", "d/e", "d/e/c"}),
        (("to/*",), {"a", "to", "to/a"}),
        (("link/e",), {"d", "d/e", "d/e/c", "link"}),
        (("loop",), {"loop"}),
        (("d/x*",), set()),
        (("!b", "b/in"), {"b", "b/in"}),
        (("!d/e", "d"), {"d", "d/a.txt", "d/e", "d/e/c"}),
    ],
)
def test_what_is_sent(paths: tuple[str, ...], sent: set[str]) -> None:
    """What was asked for, where its links lead, and the folders above."""
    assert set(tree_of(sent_files(_TREE, paths))) == sent


@pytest.mark.parametrize("paths", [(), ("root",)])
def test_all_is_sent(paths: tuple[str, ...]) -> None:
    """A context that is asked for whole stays as it is."""
    assert sent_files(_TREE, paths) is _TREE
