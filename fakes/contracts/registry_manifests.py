"""What every container registry must do with manifests: the part of its contract."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from imagebuilders.oci.media_types import OCI_INDEX, OCI_MANIFEST

from ..registry.names import digest_of
from .registry_endpoint import (
    UNKNOWN_DIGEST,
    PushedImage,
    RegistryEndpoint,
    error_code,
    manifest_of,
)


class ManifestContract:
    """Pushes, pulls, deletes and referrers. Part of `ContainerRegistryContract`."""

    # --- manifests ---------------------------------------------------------------

    @pytest.mark.parametrize("by", ["tag", "digest"])
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_a_manifest_comes_back_as_it_was(
        self, registry_endpoint: RegistryEndpoint, image: PushedImage, method: str, by: str
    ) -> None:
        """The same bytes, type, length and digest."""
        target = "1.0" if by == "tag" else image.digest
        answer = registry_endpoint.send(
            method,
            f"/v2/{image.repository}/manifests/{target}",
            headers={"Accept": image.media_type},
        )
        assert answer.status_code == 200
        assert answer.content == (image.content if method == "GET" else b"")
        assert answer.headers["Content-Type"] == image.media_type
        assert answer.headers["Content-Length"] == str(len(image.content))
        assert answer.headers["Docker-Content-Digest"] == image.digest

    def test_a_tag_moves(self, registry_endpoint: RegistryEndpoint, image: PushedImage) -> None:
        """A later push under the same tag wins; the earlier manifest stays by digest."""
        later = registry_endpoint.push_image(image.repository, "1.0", [b"another"])
        paths = (f"/v2/{image.repository}/manifests/{target}" for target in ("1.0", image.digest))
        found = [
            registry_endpoint.send("HEAD", path, headers={"Accept": OCI_MANIFEST}).headers[
                "Docker-Content-Digest"
            ]
            for path in paths
        ]
        assert found == [later.digest, image.digest]

    def test_an_index_of_images_can_be_pushed(
        self, registry_endpoint: RegistryEndpoint, image: PushedImage
    ) -> None:
        """An index names manifests of its repository."""
        entry = {
            "mediaType": OCI_MANIFEST,
            "digest": image.digest,
            "size": len(image.content),
            "platform": {"os": "linux", "architecture": "amd64"},
        }
        content = _index([entry])
        pushed = registry_endpoint.push_manifest(image.repository, "all", content, OCI_INDEX)
        assert pushed.status_code == 201
        pulled = registry_endpoint.send(
            "GET", f"/v2/{image.repository}/manifests/all", headers={"Accept": OCI_INDEX}
        )
        assert (pulled.content, pulled.headers["Content-Type"]) == (content, OCI_INDEX)

    @pytest.mark.parametrize("target", ["never", UNKNOWN_DIGEST], ids=["tag", "digest"])
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_a_missing_manifest_is_not_found(
        self, registry_endpoint: RegistryEndpoint, image: PushedImage, method: str, target: str
    ) -> None:
        """404 MANIFEST_UNKNOWN."""
        answer = registry_endpoint.send(method, f"/v2/{image.repository}/manifests/{target}")
        assert answer.status_code == 404
        assert method == "HEAD" or error_code(answer) == "MANIFEST_UNKNOWN"

    def test_a_manifest_with_a_missing_layer_is_refused(
        self, registry_endpoint: RegistryEndpoint, image: PushedImage
    ) -> None:
        """MANIFEST_BLOB_UNKNOWN names the digest that was never pushed."""
        config = registry_endpoint.push_blob(image.repository, b"{}")
        content = manifest_of(config, [UNKNOWN_DIGEST])
        answer = registry_endpoint.push_manifest(image.repository, "broken", content)
        assert answer.status_code in (400, 404)
        assert error_code(answer) == "MANIFEST_BLOB_UNKNOWN"
        assert UNKNOWN_DIGEST in answer.text

    def test_a_manifest_under_another_digest_is_refused(
        self, registry_endpoint: RegistryEndpoint, image: PushedImage
    ) -> None:
        """400 DIGEST_INVALID."""
        answer = registry_endpoint.push_manifest(image.repository, UNKNOWN_DIGEST, image.content)
        assert (answer.status_code, error_code(answer)) == (400, "DIGEST_INVALID")

    @pytest.mark.parametrize("content", [b"no JSON", b"[]", b'{"schemaVersion":2,"layers":4}'])
    def test_what_is_no_manifest_is_refused(
        self, registry_endpoint: RegistryEndpoint, repository: str, content: bytes
    ) -> None:
        """400 MANIFEST_INVALID."""
        answer = registry_endpoint.push_manifest(repository, "broken", content)
        assert (answer.status_code, error_code(answer)) == (400, "MANIFEST_INVALID")

    def test_several_tags_can_be_pushed_at_once(
        self, registry_endpoint: RegistryEndpoint, image: PushedImage
    ) -> None:
        """Repeated `?tag=` with a push by digest; the answer names each tag."""
        tags = [f"1.0.{number}" for number in range(10)]
        answer = registry_endpoint.send(
            "PUT",
            f"/v2/{image.repository}/manifests/{image.digest}",
            headers={"Content-Type": image.media_type},
            parameters=[("tag", tag) for tag in tags],
            body=image.content,
        )
        assert answer.status_code == 201
        named = answer.headers["OCI-Tag"].replace(" ", "").split(",")
        assert sorted(named) == sorted(tags)
        assert set(tags) < set(registry_endpoint.tags(image.repository))

    def test_a_deleted_tag_leaves_the_manifest(
        self, registry_endpoint: RegistryEndpoint, image: PushedImage
    ) -> None:
        """DELETE by tag."""
        path = f"/v2/{image.repository}/manifests/"
        assert registry_endpoint.send("DELETE", path + "1.0").status_code == 202
        assert registry_endpoint.send("GET", path + "1.0").status_code == 404
        kept = registry_endpoint.send("GET", path + image.digest, headers={"Accept": OCI_MANIFEST})
        assert kept.status_code == 200

    def test_a_deleted_manifest_takes_its_tags_along(
        self, registry_endpoint: RegistryEndpoint, image: PushedImage
    ) -> None:
        """DELETE by digest; other tags stay."""
        registry_endpoint.push_image(image.repository, "2.0", [b"another"])
        path = f"/v2/{image.repository}/manifests/"
        assert registry_endpoint.send("DELETE", path + image.digest).status_code == 202
        assert registry_endpoint.send("GET", path + image.digest).status_code == 404
        assert registry_endpoint.send("GET", path + "1.0").status_code == 404
        assert registry_endpoint.tags(image.repository) == ["2.0"]

    # --- referrers ---------------------------------------------------------------

    def test_referrers_are_listed_under_their_subject(
        self, registry_endpoint: RegistryEndpoint, image: PushedImage
    ) -> None:
        """Each descriptor has the type and the annotations; a filter is said to be applied."""
        subject = {"mediaType": OCI_MANIFEST, "digest": image.digest, "size": len(image.content)}
        signature = registry_endpoint.push_image(
            image.repository,
            "signature",
            subject=subject,
            artifactType="application/vnd.example.signature",
            annotations={"org.example.by": "alice"},
        )
        registry_endpoint.push_image(image.repository, "sbom", [b"sbom"], subject=subject)
        path = f"/v2/{image.repository}/referrers/{image.digest}"
        everything = registry_endpoint.send("GET", path)
        assert everything.headers["Content-Type"] == OCI_INDEX
        assert len(everything.json()["manifests"]) == 2
        filtered = registry_endpoint.send(
            "GET", path, parameters={"artifactType": "application/vnd.example.signature"}
        )
        assert filtered.headers["OCI-Filters-Applied"] == "artifactType"
        assert filtered.json()["manifests"] == [
            {
                "mediaType": OCI_MANIFEST,
                "digest": signature.digest,
                "size": len(signature.content),
                "artifactType": "application/vnd.example.signature",
                "annotations": {"org.example.by": "alice"},
            }
        ]

    def test_a_subject_is_acknowledged_before_it_exists(
        self, registry_endpoint: RegistryEndpoint, repository: str
    ) -> None:
        """OCI-Subject tells the client that the registry keeps the list of referrers."""
        config = registry_endpoint.push_blob(repository, b"{}")
        subject = {"mediaType": OCI_MANIFEST, "digest": UNKNOWN_DIGEST, "size": 1}
        content = manifest_of(config, [], subject=subject)
        answer = registry_endpoint.push_manifest(repository, digest_of(content), content)
        assert (answer.status_code, answer.headers["OCI-Subject"]) == (201, UNKNOWN_DIGEST)

    def test_nothing_refers_to_an_unknown_digest(
        self, registry_endpoint: RegistryEndpoint, repository: str
    ) -> None:
        """200 with an empty index."""
        answer = registry_endpoint.send("GET", f"/v2/{repository}/referrers/{UNKNOWN_DIGEST}")
        assert (answer.status_code, answer.json()["manifests"]) == (200, [])


def _index(entries: list[Mapping[str, object]]) -> bytes:
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    return json.dumps(document).encode()
