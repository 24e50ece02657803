"""The forms a registry's URI may be given in."""

from __future__ import annotations

import pytest

from imagebuilders.container_registries.uri import normalize_registry_uri


@pytest.mark.parametrize(
    ("given", "normalized"),
    [
        ("localhost:5000", "localhost:5000"),
        ("https://ghcr.io/team/", "ghcr.io/team"),
        ("http://127.0.0.1:5000", "127.0.0.1:5000"),
        (" registry.example.com/a/b ", "registry.example.com/a/b"),
        ("docker.io", "docker.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("registry-1.docker.io/user", "docker.io/user"),
        ("Docker.io/user", "docker.io/user"),
        ("https://registry.example.com/v2/", "registry.example.com"),
        ("[::1]:5000/team", "[::1]:5000/team"),
    ],
)
def test_every_spelling_has_one_form(given: str, normalized: str) -> None:
    """A form is its own normal form."""
    assert normalize_registry_uri(given) == normalized
    assert normalize_registry_uri(normalized) == normalized


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("", "is no registry address"),
        ("ftp://host", "'ftp:' is no registry address"),
        ("bad_host/x", "'bad_host' is no registry address"),
        ("host/Team", "'Team' after the registry's address"),
        ("host/a:tag", "'a:tag' after the registry's address"),
        ("team", "for Docker Hub write docker.io/team"),
        ("host/team", "for Docker Hub write docker.io/host/team"),
        ("https://alice:s3cret@host", "a registry's address has no user"),
    ],
)
def test_what_is_no_address_is_refused(given: str, complaint: str) -> None:
    """A password in the address is not repeated."""
    with pytest.raises(ValueError, match=complaint) as caught:
        normalize_registry_uri(given)
    assert "s3cret" not in str(caught.value)
