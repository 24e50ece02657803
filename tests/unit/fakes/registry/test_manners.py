"""The ways in which registries differ."""

from __future__ import annotations

import hashlib

import pytest
import requests

from fakes import FakeRegistry
from fakes.registry import Manners

_DIGEST = "sha256:" + hashlib.sha256(b"abc").hexdigest()


def _begin(session: requests.Session, url: str, query: str = "") -> requests.Response:
    return session.post(f"{url}/v2/team/app/blobs/uploads/{query}")


def test_a_mount_may_be_no_more_than_a_wish() -> None:
    """A session is opened in its place, as the specification has it."""
    with FakeRegistry(manners=Manners.ecr()) as registry, registry.session() as session:
        registry.seed("base:1", files={"a": "a"})
        layer = registry.manifest("base:1").document["layers"][0]["digest"]  # type: ignore[index]
        answer = _begin(session, registry.url, f"?mount={layer}&from=base")
        assert answer.status_code == 202


@pytest.mark.parametrize("kind", ["blobs", "manifests"])
def test_head_may_be_unknown(kind: str) -> None:
    """It is refused with 405; GET is answered."""
    manners = Manners(without_head=frozenset({kind}))
    with FakeRegistry(manners=manners) as registry, registry.session() as session:
        digest = registry.seed("base:1", files={"a": "a"}).digest
        layer = registry.manifest("base:1").document["layers"][0]["digest"]  # type: ignore[index]
        path = f"blobs/{layer}" if kind == "blobs" else f"manifests/{digest}"
        url = f"{registry.url}/v2/base/{path}"
        assert (session.head(url).status_code, session.get(url).status_code) == (405, 200)


def test_locations_may_have_no_host() -> None:
    """They begin with a slash, everywhere."""
    with FakeRegistry(manners=Manners.ghcr()) as registry, registry.session() as session:
        place = _begin(session, registry.url).headers["Location"]
        assert place.startswith("/v2/team/app/blobs/uploads/")
        answer = session.put(f"{registry.url}{place}?digest={_DIGEST}", data=b"abc")
        assert answer.headers["Location"] == f"/v2/team/app/blobs/{_DIGEST}"


def test_a_chunk_may_be_too_large() -> None:
    """It gets 413; nothing of it is kept, and the upload goes on."""
    manners = Manners(largest_chunk=2)
    with FakeRegistry(manners=manners) as registry, registry.session() as session:
        place = _begin(session, registry.url).headers["Location"]
        assert session.patch(place, data=b"abc").status_code == 413
        assert session.patch(place, data=b"ab").status_code == 202
        assert session.patch(place, data=b"c").status_code == 202
        assert session.put(f"{place}?digest={_DIGEST}").status_code == 201


def test_parts_may_have_a_least_size() -> None:
    """It is told; what follows a smaller part is refused."""
    manners = Manners(least_chunk=2)
    with FakeRegistry(manners=manners) as registry, registry.session() as session:
        answer = _begin(session, registry.url)
        assert answer.headers["OCI-Chunk-Min-Length"] == "2"
        place = answer.headers["Location"]
        assert session.patch(place, data=b"a").status_code == 202
        assert session.patch(place, data=b"bc").status_code == 400


def test_parts_have_no_least_size_where_none_is_said() -> None:
    """None is told, and one of a single byte does not end the upload."""
    with FakeRegistry(manners=Manners()) as registry, registry.session() as session:
        answer = _begin(session, registry.url)
        assert "OCI-Chunk-Min-Length" not in answer.headers
        place = answer.headers["Location"]
        for part in (b"", b"a", b"bc"):
            assert session.patch(place, data=part).status_code == 202
        assert session.put(f"{place}?digest={_DIGEST}").status_code == 201


def test_unknown_ways_are_refused() -> None:
    """As are values that cannot be."""
    with pytest.raises(ValueError, match="uploads"):
        Manners(without_head=frozenset({"uploads"}))
    with pytest.raises(TypeError):
        FakeRegistry(manners="ecr")  # type: ignore[arg-type]
