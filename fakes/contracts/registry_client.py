"""What the registry client must be able to do with every registry, as tests to subclass."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Iterator, Mapping

import pytest

from imagebuilders.distribution import RegistryClient, Repository
from imagebuilders.exceptions import RegistryAccessError, RegistryNotFoundError
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.image_config import ImageConfig
from imagebuilders.oci.manifest import Index, Manifest
from imagebuilders.oci.media_types import (
    DOCKER_CONFIG,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
)
from imagebuilders.oci.platform import Platform

_CONTENT = bytes(range(256)) * 1200
_UNKNOWN = Digest.of(b"nobody ever pushed this")
_CHUNK = 100_000
_AMD64 = Platform("linux", "amd64")


class RegistryClientContract:
    """Checks a registry by what `imagebuilders.distribution.RegistryClient` does with it.

    Subclass it and override the fixture `registry_client`:

        class TestMyRegistry(RegistryClientContract):
            @pytest.fixture
            def registry_client(self):
                with RegistryClient("127.0.0.1:5000") as client:
                    yield client

    Each test works in repositories of its own, so that one registry may serve all tests.
    Where a registry is known to differ, say so by the fixture `registry_divergences`: those
    tests must then fail.
    """

    @pytest.fixture
    def registry_client(self) -> RegistryClient:
        """Give a client of the registry, with the rights to push and delete. To be overridden."""
        raise NotImplementedError("override the fixture registry_client")

    @pytest.fixture
    def registry_divergences(self) -> Mapping[str, str]:
        """Tests that the registry is known to fail, each with the reason. None by default."""
        return {}

    @pytest.fixture(autouse=True)
    def _known_divergences(
        self, request: pytest.FixtureRequest, registry_divergences: Mapping[str, str]
    ) -> None:
        """Expect the failures that `registry_divergences` names."""
        name = request.node.originalname
        reason = registry_divergences.get(request.node.name) or registry_divergences.get(name)
        if reason:
            request.applymarker(pytest.mark.xfail(reason=reason, strict=True))

    @pytest.fixture
    def repository(self, registry_client: RegistryClient) -> Repository:
        """A repository of the test's own."""
        return _new_repository(registry_client)

    def test_the_registry_is_there(self, registry_client: RegistryClient) -> None:
        """It answers, and takes the credentials."""
        registry_client.ping()

    # --- blobs -----------------------------------------------------------------------

    @pytest.mark.parametrize("content", [b"", b"1", _CONTENT], ids=["none", "one", "many"])
    def test_bytes_are_uploaded_and_read(self, repository: Repository, content: bytes) -> None:
        """In one piece; the digest is computed."""
        uploaded = repository.upload_blob(content)
        assert (uploaded.digest, uploaded.size) == (Digest.of(content), len(content))
        assert repository.blob_size(uploaded.digest) == len(content)
        assert repository.read_blob(uploaded.digest, size=len(content)) == content

    def test_a_file_is_uploaded_and_read(self, repository: Repository) -> None:
        """From its start, wherever it stands."""
        file = io.BytesIO(_CONTENT)
        file.seek(7)
        uploaded = repository.upload_blob(file)
        assert repository.read_blob(uploaded.digest) == _CONTENT

    @pytest.mark.parametrize("size", [0, 1, _CHUNK - 1, _CHUNK, _CHUNK + 1, 3 * _CHUNK])
    def test_pieces_are_uploaded_in_chunks(self, repository: Repository, size: int) -> None:
        """Of content whose digest and length are not known before."""
        content = _CONTENT[:size]
        seen: list[int] = []
        uploaded = repository.upload_blob(
            _pieces(content), chunk_size=_CHUNK, on_progress=seen.append
        )
        assert (uploaded.digest, uploaded.size) == (Digest.of(content), size)
        assert repository.read_blob(uploaded.digest) == content
        assert seen == sorted(seen)
        assert seen[-1] == size

    def test_a_blob_is_read_by_range(self, repository: Repository) -> None:
        """Its start, its middle, its end, beyond its end, and nothing of it."""
        digest = repository.upload_blob(_CONTENT).digest
        length = len(_CONTENT)
        for start, count in ((0, 10), (5000, 70_000), (length - 3, 100), (length, 5), (9, 0)):
            with repository.open_blob_range(digest, start, count) as pieces:
                assert b"".join(pieces) == _CONTENT[start : start + count]

    def test_a_reader_may_stop(self, repository: Repository) -> None:
        """What is not read is not waited for."""
        digest = repository.upload_blob(_CONTENT).digest
        with repository.open_blob(digest) as pieces:
            assert _CONTENT.startswith(next(pieces))
        assert repository.blob_size(digest) == len(_CONTENT)

    def test_a_blob_is_mounted_from_another_repository(
        self, registry_client: RegistryClient, repository: Repository
    ) -> None:
        """Without an upload; one that is not there is not mounted."""
        source = _new_repository(registry_client)
        digest = source.upload_blob(_CONTENT).digest
        assert repository.mount_blob(digest, source)
        assert repository.read_blob(digest) == _CONTENT
        assert not repository.mount_blob(_UNKNOWN, source)

    def test_a_blob_is_deleted(self, repository: Repository) -> None:
        """And then not there, to be deleted or read."""
        digest = repository.upload_blob(_CONTENT).digest
        repository.delete_blob(digest)
        assert repository.blob_size(digest) is None
        with pytest.raises(RegistryNotFoundError):
            repository.delete_blob(digest)

    def test_a_missing_blob_is_told(self, repository: Repository) -> None:
        """By an error of its own, which names it."""
        repository.upload_blob(b"another")
        with pytest.raises(RegistryNotFoundError, match=str(_UNKNOWN)) as caught:
            repository.read_blob(_UNKNOWN)
        assert caught.value.status == 404

    # --- manifests -------------------------------------------------------------------

    @pytest.mark.parametrize("media_type", [OCI_MANIFEST, DOCKER_MANIFEST])
    def test_an_image_is_written_resolved_and_read(
        self, repository: Repository, media_type: str
    ) -> None:
        """By its tag and by its digest, exact bytes and exact type."""
        content = _image(repository, media_type).to_bytes()
        digest = repository.write_manifest(content, media_type, "1.0")
        expected = Descriptor(media_type, digest, len(content))
        for reference in ("1.0", str(digest), digest):
            assert repository.resolve(reference) == expected
            stored = repository.read_manifest(reference)
            assert (stored.descriptor, stored.content) == (expected, content)
            assert stored.parse() == Manifest.parse(content)

    def test_an_index_leads_to_its_images(self, repository: Repository) -> None:
        """Each is written by its digest before the index that names it."""
        entries = []
        for name in ("linux/amd64", "linux/arm64"):
            platform = Platform.parse(name)
            content = _image(repository, OCI_MANIFEST, platform).to_bytes()
            digest = repository.write_manifest(content, OCI_MANIFEST)
            entries.append(Descriptor(OCI_MANIFEST, digest, len(content), platform=platform))
        repository.write_manifest(Index(tuple(entries)).to_bytes(), OCI_INDEX, "all")
        index = repository.read_manifest("all").parse()
        assert isinstance(index, Index)
        chosen = index.choose(Platform.parse("linux/arm64/v8"))
        assert chosen is not None
        assert chosen == entries[1]
        image = repository.read_manifest(chosen.digest).parse()
        assert isinstance(image, Manifest)
        config = repository.read_blob(image.config.digest, size=image.config.size)
        assert ImageConfig.parse(config).platform == Platform.parse("linux/arm64")

    def test_an_image_is_deleted(self, repository: Repository) -> None:
        """By its digest."""
        content = _image(repository, OCI_MANIFEST).to_bytes()
        digest = repository.write_manifest(content, OCI_MANIFEST, "1.0")
        repository.delete_manifest(digest)
        for reference in ("1.0", digest):
            with pytest.raises(RegistryNotFoundError):
                repository.resolve(reference)

    def test_a_missing_image_is_told(self, repository: Repository) -> None:
        """By an error of its own, which names it and says what the registry said."""
        repository.write_manifest(_image(repository, OCI_MANIFEST).to_bytes(), OCI_MANIFEST, "1")
        with pytest.raises(RegistryNotFoundError, match=f"{repository}:2 was not read") as caught:
            repository.resolve("2")
        assert caught.value.code == "MANIFEST_UNKNOWN"

    # --- listings --------------------------------------------------------------------

    def test_tags_are_listed(self, repository: Repository) -> None:
        """All of them, also page by page."""
        content = _image(repository, OCI_MANIFEST).to_bytes()
        names = {f"v{number}" for number in range(7)}
        for name in names:
            repository.write_manifest(content, OCI_MANIFEST, name)
        assert set(repository.tags()) == names
        assert sorted(repository.tags(page_size=2)) == sorted(names)

    def test_repositories_are_listed(
        self, registry_client: RegistryClient, repository: Repository
    ) -> None:
        """As far as the registry does so at all."""
        repository.write_manifest(_image(repository, OCI_MANIFEST).to_bytes(), OCI_MANIFEST, "1")
        assert repository.path in set(registry_client.repositories())

    def test_tags_of_a_missing_repository_are_told(self, repository: Repository) -> None:
        """By an error of its own."""
        with pytest.raises(RegistryNotFoundError):
            list(repository.tags())


class RegistryClientLoginContract:
    """Checks a registry that asks for a password.

    Subclass it and override the fixtures `registry_client`, which must have the right credentials,
    and `stranger`, which must have none or wrong ones.
    """

    @pytest.fixture
    def registry_client(self) -> RegistryClient:
        """Give a client that may push. To be overridden."""
        raise NotImplementedError("override the fixture registry_client")

    @pytest.fixture
    def stranger(self) -> RegistryClient:
        """Give a client that is not let in. To be overridden."""
        raise NotImplementedError("override the fixture stranger")

    def test_a_user_pushes_and_pulls(self, registry_client: RegistryClient) -> None:
        """With the right password; mounting needs the rights to two repositories."""
        registry_client.ping()
        source, target = _new_repository(registry_client), _new_repository(registry_client)
        digest = source.upload_blob(_CONTENT).digest
        assert target.mount_blob(digest, source)
        content = _image(target, OCI_MANIFEST).to_bytes()
        target.write_manifest(content, OCI_MANIFEST, "1.0")
        assert target.read_manifest("1.0").content == content
        assert list(target.tags()) == ["1.0"]

    def test_a_stranger_is_refused(self, stranger: RegistryClient) -> None:
        """With advice on what to do, whatever it wants."""
        with pytest.raises(RegistryAccessError, match="docker login") as caught:
            stranger.ping()
        assert caught.value.status == 401
        repository = _new_repository(stranger)
        for attempt in (
            lambda: repository.resolve("1.0"),
            lambda: repository.read_blob(_UNKNOWN),
            lambda: repository.upload_blob(b"1"),
            lambda: repository.write_manifest(b"{}", OCI_MANIFEST, "1.0"),
            lambda: list(repository.tags()),
        ):
            with pytest.raises(RegistryAccessError):
                attempt()


def _new_repository(client: RegistryClient) -> Repository:
    return client.repository(f"contract/{uuid.uuid4().hex}")


def _pieces(content: bytes) -> Iterator[bytes]:
    return (content[at : at + 7001] for at in range(0, len(content), 7001))


def _image(repository: Repository, media_type: str, platform: Platform = _AMD64) -> Manifest:
    """Upload what an image has, and return its manifest."""
    is_docker = media_type == DOCKER_MANIFEST
    layer = repository.upload_blob(b"a layer")
    diff_id = Digest.of(b"a layer, uncompressed")
    config = ImageConfig(platform, (diff_id,)).to_bytes()
    uploaded = repository.upload_blob(config)
    return Manifest(
        config=Descriptor(
            DOCKER_CONFIG if is_docker else OCI_CONFIG, uploaded.digest, uploaded.size
        ),
        layers=(
            Descriptor(
                DOCKER_LAYER_GZIP if is_docker else OCI_LAYER_GZIP, layer.digest, layer.size
            ),
        ),
        media_type=media_type,
        annotations={} if is_docker else {"a": json.dumps("b")},
    )
