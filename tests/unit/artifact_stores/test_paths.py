"""Paths inside a store."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuilders.artifact_stores.paths import join, relative_to
from imagebuilders.exceptions import ArtifactStoreError

ROOTS = ["/data/store", "s3://bucket/prefix", "s3://bucket", "memory://", "/"]
parts = st.lists(st.sampled_from(["a", "b c", "..", ".", "", "ü", "..."]), max_size=6)


@settings(max_examples=50)
@given(root=st.sampled_from(ROOTS), parts=parts, whole=st.booleans())
def test_a_path_stays_inside(root: str, parts: list[str], whole: bool) -> None:
    """A path either resolves to one below the root or is refused."""
    relative = "/".join(parts).lstrip("/")
    path = join(root, relative) if whole else relative
    if ".." in relative.split("/"):
        with pytest.raises(ArtifactStoreError, match="not a path inside"):
            relative_to(root, path)
        return
    found = relative_to(root, path)
    assert found == ("" if relative in ("", ".") else posixpath.normpath(f"/{relative}")[1:])
    assert relative_to(root, join(root, found)) == found


@pytest.mark.parametrize("path", ["/data/storefront/x", "/etc/passwd", "s3://bucket/x", "a\0b"])
def test_other_places_are_refused(path: str) -> None:
    """A neighbour whose name begins alike, another URL and a zero byte are outside."""
    with pytest.raises(ArtifactStoreError, match="not a path inside"):
        relative_to("/data/store", path)
