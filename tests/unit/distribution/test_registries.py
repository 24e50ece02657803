"""Several registries, each with one client, and the images that they have for a platform."""

from __future__ import annotations

from pathlib import Path

import pytest
from registry_clients import Login, Logins

from fakes import FakeRegistry
from fakes.registry import SeedImage
from imagebuilders.distribution.registries import Registries, choose_image, read_config
from imagebuilders.exceptions import ImageFormatError
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.image_config import ImageConfig
from imagebuilders.oci.manifest import Index
from imagebuilders.oci.media_types import OCI_INDEX, OCI_MANIFEST
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import ImageReference

_AMD64, _ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")


def _index(registry: FakeRegistry) -> Index:
    """One image for amd64, and an index in the place of one for arm64."""
    image = registry.seed("app:amd64", SeedImage(files={"/a": "1"}, architecture="amd64"))
    inner = Index().to_bytes()
    with Registries() as registries:
        repository = registries.repository(ImageReference.parse(f"{registry.address}/app:1"))
        repository.write_manifest(inner, OCI_INDEX)
    described = Descriptor.of(image.content, OCI_MANIFEST)
    nested = Descriptor.of(inner, OCI_INDEX)
    return Index(
        (
            Descriptor(described.media_type, described.digest, described.size, platform=_AMD64),
            Descriptor(nested.media_type, nested.digest, nested.size, platform=_ARM64),
        )
    )


def test_each_registry_is_asked_for_its_credentials_once(
    fake_registry_factory: type[FakeRegistry],
) -> None:
    """However many of its repositories are read."""
    first = fake_registry_factory(auth="basic", users={"ann": "x"})
    second = fake_registry_factory()
    logins = Logins(Login("ann", "x"))
    with Registries(logins) as registries:
        for address in (first.address, second.address, first.address):
            reference = ImageReference.parse(f"{address}/team/app")
            assert registries.repository(reference).blob_size("sha256:" + "1" * 64) is None
    assert logins.asked == [first.address]


def test_an_image_is_chosen_by_its_platform(fake_registry: FakeRegistry) -> None:
    """From an index; a manifest is what it is, and an index in an index is refused."""
    index = _index(fake_registry)
    with Registries() as registries:
        repository = registries.repository(ImageReference.parse(f"{fake_registry.address}/app"))
        found = choose_image(repository, index, _AMD64)
        assert found is not None
        assert ImageConfig.parse(read_config(repository, found)).platform == _AMD64
        assert choose_image(repository, found, _ARM64) is found
        assert choose_image(repository, index, Platform("linux", "s390x")) is None
        with pytest.raises(ImageFormatError, match="inside of an index"):
            choose_image(repository, index, _ARM64)


def test_authorities_come_on_top(fake_registry_factory: type[FakeRegistry], tmp_path: Path) -> None:
    """A registry whose certificate one of them signed is trusted."""
    pytest.importorskip("cryptography")
    registry = fake_registry_factory(tls=True)
    authority = tmp_path / "ca.pem"
    registry.certificate.write(authority)
    with Registries(authority=authority) as registries:
        repository = registries.repository(ImageReference.parse(f"{registry.address}/app"))
        assert repository.blob_size("sha256:" + "1" * 64) is None
