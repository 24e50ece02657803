"""What of an image's files is compared, and how a difference is told."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from imagebuilders.oci.file_tree import File, clean

Content = str | bytes
SHOWN = 20
"""The most paths that are shown at once."""


def content_of(file: File) -> Content:
    """What a file is compared by: text where it is UTF-8, else bytes; a link's arrow."""
    return f"-> {file.link}" if file.kind == "symlink" else _text(file.data)


def expected_contents(expected: Mapping[str, Any]) -> dict[str, Content]:
    """What was expected, in the form of what it is compared with; of files without folders."""
    return {
        clean(path): content_of(value) if isinstance(value, File) else _text(value)
        for path, value in expected.items()
        if not (isinstance(value, File) and value.kind == "dir")
    }


def differences(have: Mapping[str, Content], want: Mapping[str, Content]) -> list[str]:
    """What differs, in lines for people; empty when nothing does."""
    lines = [f"missing: {path}" for path in sorted(want.keys() - have.keys())]
    lines += [f"not expected: {path}" for path in sorted(have.keys() - want.keys())]
    for path in sorted(have.keys() & want.keys()):
        if have[path] != want[path]:
            lines.append(f"different: {path}")
            lines.extend(f"  {line}" for line in _changes(have[path], want[path]))
    return lines


def _text(data: Content) -> Content:
    if isinstance(data, str):
        return data
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _changes(have: Content, want: Content) -> Iterator[str]:
    if isinstance(have, str) and isinstance(want, str):
        lines = difflib.unified_diff(want.splitlines(), have.splitlines(), n=1, lineterm="")
        yield from list(lines)[3:] or [f"expected {want!r}, found {have!r}"]
        return
    yield f"expected {want[:40]!r}"
    yield f"found    {have[:40]!r}"
