"""A real registry keeps the contract that the fake registry keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest
import requests
from testbed.registry import Registry

from fakes.contracts.container_registry import ContainerRegistryContract, RegistryLoginContract
from fakes.contracts.registry_endpoint import RegistryEndpoint

_EVERY_SERIES = {
    "test_a_blob_uploaded_in_one_request_can_be_pulled": (
        "opens an upload instead: the spec allows a registry not to support it"
    ),
    "test_a_chunk_out_of_order_is_refused_and_the_upload_goes_on[PUT]": (
        "ignores the range of the final chunk"
    ),
    "test_a_sha512_blob_keeps_its_digest": "answers with the sha256 digest instead",
    "test_a_blob_can_be_mounted_from_wherever_it_is": "wants to be told where from",
    "test_several_tags_can_be_pushed_at_once": "knows no tags in the query",
    "test_referrers_are_listed_under_their_subject": "has no referrers API",
    "test_a_subject_is_acknowledged_before_it_exists": "has no referrers API",
    "test_nothing_refers_to_an_unknown_digest": "has no referrers API",
}
DIVERGENCES: Mapping[str, Mapping[str, str]] = {
    "2": {
        **_EVERY_SERIES,
        "test_a_chunk_out_of_order_is_refused_and_the_upload_goes_on[PATCH]": (
            "ignores the range of a chunk"
        ),
        "test_a_deleted_tag_leaves_the_manifest": "deletes by digest only",
        "test_tags_are_listed_in_order": "lists tags as the file system does",
        "test_tags_are_listed_in_pages": "has no pages of tags",
    },
    "3": {
        **_EVERY_SERIES,
        "test_tags_are_listed_in_pages": "names a next page after the last one too",
    },
}
"""What the distribution project's registry does differently, by its major version."""


@pytest.fixture(scope="module")
def major_version(registry: Registry) -> str:
    """The real registry's major version."""
    said = registry.container.exec(["sh", "-c", "registry --version || docker-registry --version"])
    version = re.search(rb"v?(\d+)\.\d+\.\d+", said.output)
    assert version, said.output
    return version[1].decode()


class TestDistribution(ContainerRegistryContract):
    """The distribution project's registry: Debian's `docker-registry`, or `registry:3`."""

    @pytest.fixture
    def registry_endpoint(self, registry: Registry) -> Iterator[RegistryEndpoint]:
        """The registry beside the newest engine."""
        with requests.Session() as session:
            yield RegistryEndpoint(registry.url, session=session)

    @pytest.fixture
    def registry_divergences(self, major_version: str) -> Mapping[str, str]:
        """What this version is known to do differently."""
        return DIVERGENCES[major_version]


class TestDistributionLogin(RegistryLoginContract):
    """The same registry behind a password."""

    @pytest.fixture
    def registry_endpoint(self, registry_with_auth: Registry) -> Iterator[RegistryEndpoint]:
        """The one that asks for a login."""
        login = registry_with_auth.credentials
        assert login is not None
        with requests.Session() as session:
            yield RegistryEndpoint(
                registry_with_auth.url, (login.username, login.password), session
            )
