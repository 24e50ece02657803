"""A registry that lives long keeps what tags lead to, and a few of the rest."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator

import pytest
from pytest_mock import MockerFixture

from fakes.clock import ManualClock
from fakes.contracts.registry_endpoint import RegistryEndpoint, manifest_of
from fakes.registry import FakeRegistry, collection
from fakes.registry.names import digest_of
from imagebuilders.oci.media_types import OCI_INDEX, OCI_MANIFEST


@pytest.fixture
def registry(mocker: MockerFixture) -> FakeRegistry:
    """It keeps two manifests that nothing leads to, and does not listen."""
    mocker.patch.object(collection, "_ALWAYS_KEPT", 2)
    return FakeRegistry(keep_records=1)


@pytest.fixture
def endpoint(registry: FakeRegistry) -> Iterator[RegistryEndpoint]:
    """What pushes to it."""
    with registry.session() as session:
        yield RegistryEndpoint(registry.url, session=session)


def _push(endpoint: RegistryEndpoint, number: int, target: str, **extra: object) -> str:
    """An image of its own configuration and of a layer that all have; its digest."""
    config = endpoint.push_blob("app", b'{"number": %d}' % number)
    layer = endpoint.push_blob("app", b"layer")
    content = manifest_of(config, [layer], **extra)
    digest = digest_of(content)
    assert endpoint.push_manifest("app", target or digest, content).status_code == 201
    return digest


def _index(endpoint: RegistryEndpoint, target: str, *digests: str) -> None:
    """An index of some manifests."""
    entries = [{"mediaType": OCI_MANIFEST, "digest": digest, "size": 1} for digest in digests]
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    content = json.dumps(document).encode()
    assert endpoint.push_manifest("app", target, content, OCI_INDEX).status_code == 201


def _kept(registry: FakeRegistry, digests: list[str]) -> list[bool]:
    return [f"app@{digest}" in registry for digest in digests]


def test_the_oldest_that_lost_its_tag_goes(
    registry: FakeRegistry, endpoint: RegistryEndpoint
) -> None:
    """With the blobs that no other manifest lists."""
    digests = [_push(endpoint, number, "latest") for number in range(5)]
    assert _kept(registry, digests) == [False, False, True, True, True]
    layer = registry.manifest("app:latest").descriptors("layers")[0]
    assert registry.blob(str(layer["digest"])) == b"layer"
    used = registry.used_bytes
    for number in range(5, 9):
        _push(endpoint, number, "latest")
    assert registry.used_bytes == used


def test_what_an_index_leads_to_stays(registry: FakeRegistry, endpoint: RegistryEndpoint) -> None:
    """As long as a tag leads to the index."""
    digests = [_push(endpoint, number, "") for number in range(2)]
    _index(endpoint, "many", *digests)
    later = [_push(endpoint, number, "latest") for number in range(2, 6)]
    assert _kept(registry, [*digests, *later]) == [True, True, False, True, True, True]
    _index(endpoint, "many", later[-1])
    _push(endpoint, 6, "latest")
    assert _kept(registry, digests) == [False, False]


def test_what_is_about_a_tagged_manifest_stays(
    registry: FakeRegistry, endpoint: RegistryEndpoint
) -> None:
    """A signature has no tag of its own."""
    signed = _push(endpoint, 0, "signed")
    subject = {"mediaType": OCI_MANIFEST, "digest": signed, "size": 1}
    signature = _push(endpoint, 1, "", subject=subject)
    for number in range(2, 6):
        _push(endpoint, number, "latest")
    assert _kept(registry, [signed, signature]) == [True, True]


def test_everything_stays_without_a_bound() -> None:
    """A registry deletes nothing by itself."""
    registry = FakeRegistry()
    with registry.session() as session:
        endpoint = RegistryEndpoint(registry.url, session=session)
        digests = [_push(endpoint, number, "latest") for number in range(4)]
    assert all(_kept(registry, digests))


def test_requests_are_remembered_up_to_the_bound(
    registry: FakeRegistry, endpoint: RegistryEndpoint
) -> None:
    """The newest."""
    _push(endpoint, 0, "latest")
    assert [record.method for record in registry.requests] == ["PUT"]


def test_tokens_that_have_ended_are_forgotten() -> None:
    """They are refused before and after alike."""
    clock = ManualClock()
    registry = FakeRegistry(auth="bearer", users={"a": "b"}, token_lifetime=1, clock=clock)
    with registry.session() as session:
        session.auth = ("a", "b")
        ended = session.get(f"{registry.url}/token").json()["token"]
        clock.advance(2)
        gc.collect()
        before = len(gc.get_objects())
        for _ in range(50):
            session.get(f"{registry.url}/token")
            clock.advance(2)
        registry.forget_requests()
        gc.collect()
        assert len(gc.get_objects()) - before < 50
        session.auth = None
        answer = session.get(f"{registry.url}/v2/", headers={"Authorization": f"Bearer {ended}"})
    assert "invalid_token" in answer.headers["WWW-Authenticate"]
