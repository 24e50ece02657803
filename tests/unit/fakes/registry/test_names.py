"""Names, tags, digests and references."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.registry import names
from fakes.registry.names import Reference

_DIGEST = names.digest_of(b"content")
_components = st.lists(st.text("ab0", min_size=1, max_size=3), min_size=1, max_size=3)
_separators = st.sampled_from((".", "_", "__", "-", "---"))
_repositories = st.lists(st.builds(str.join, _separators, _components), min_size=1, max_size=3).map(
    "/".join
)
_tags = st.builds(str.__add__, st.sampled_from("aZ0_"), st.text("aZ0_.-", max_size=12))


@settings(max_examples=40)
@given(repository=_repositories, tag=_tags)
def test_a_reference_survives_being_written_and_read(repository: str, tag: str) -> None:
    """With and without the registry's address before it."""
    reference = Reference(repository, tag)
    assert Reference.parse(f"127.0.0.1:5000/{reference}") == reference
    assert Reference.parse(f"registry.test/{reference}") == reference
    if "." not in repository.partition("/")[0] or "/" not in repository:
        assert Reference.parse(str(reference)) == reference


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("app", Reference("app", "latest")),
        ("team/app:1.0", Reference("team/app", "1.0")),
        ("localhost/app", Reference("app", "latest")),
        ("[::1]:5000/app:1", Reference("app", "1")),
        (f"team/app@{_DIGEST}", Reference("team/app", _DIGEST)),
        (f"team/app:1.0@{_DIGEST}", Reference("team/app", _DIGEST)),
    ],
)
def test_references_are_read_as_docker_reads_them(text: str, expected: Reference) -> None:
    """Tag or digest; `latest` where neither stands."""
    assert Reference.parse(text) == expected


@pytest.mark.parametrize(
    "text", ["", "Team/app", "app:", "app@", "app@sha256:short", "app:-1", "a//b", "/app", "a b"]
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    """The error repeats what was given."""
    with pytest.raises(ValueError, match="is not a reference"):
        Reference.parse(text)


@pytest.mark.parametrize("name", ["a", "a/b", "a.b", "a_b", "a__b", "a---b", "0", "a/b.c/d-e"])
def test_repository_names_of_the_spec(name: str) -> None:
    """Names that the spec's expression takes."""
    assert names.is_repository(name)


@pytest.mark.parametrize("name", ["", "A", "a..b", "a___b", "-a", "a-", "a/", "/a", "a" * 256])
def test_what_is_no_repository_name(name: str) -> None:
    """Names that it does not take."""
    assert not names.is_repository(name)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_digests_of_both_algorithms(algorithm: str) -> None:
    """What is computed is recognised."""
    digest = names.digest_of(b"content", algorithm)
    assert digest.startswith(f"{algorithm}:")
    assert names.is_digest(digest)
    assert not names.is_digest(digest.upper())
    assert not names.is_digest(digest[:-1])
