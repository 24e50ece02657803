"""The context as it is sent to CodeBuild: its Dockerfile is in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from imagebuilders import BuildContext
from imagebuilders.aws.code_build.context import with_dockerfile
from imagebuilders.context.dockerfile_lookup import FoundDockerfile
from imagebuilders.context.entries import Entry, EntryType


@pytest.mark.parametrize(
    ("path", "taken", "is_kept"),
    [
        ("sub/Dockerfile", "sub/Dockerfile", True),
        ("Docker\udcff", ".imagebuilders.Dockerfile", False),
        (None, ".imagebuilders.Dockerfile", False),
    ],
)
def test_where_the_dockerfile_is(
    tmp_path: Path, path: str | None, taken: str, is_kept: bool
) -> None:
    """Where it was, or under a name of its own: a buildspec is text and reaches no other folder."""
    content = b"FROM scratch\n"
    snapshot = BuildContext(str(tmp_path)).snapshot()
    if path is not None:
        added = Entry(path, EntryType.FILE, 0o644, len(content), source=content)
        snapshot = snapshot.with_entries([added])
    found = FoundDockerfile("Dockerfile", path, content)
    sent = with_dockerfile(replace(snapshot, dockerfile=found))
    assert (sent.dockerfile, sent.keeps_dockerfile) == (taken, is_kept)
    entry = sent.snapshot.find(taken)
    assert entry is not None
    assert sent.snapshot.read(entry) == content
