"""What every container registry must do over HTTP, as tests to subclass."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
import requests

from fakes.contracts.registry_endpoint import PushedImage, RegistryEndpoint, manifest_of
from fakes.registry.names import digest_of
from fakes.registry.storage import OCI_INDEX, OCI_MANIFEST

_CONTENT = bytes(range(256)) * 40
_UNKNOWN_DIGEST = digest_of(b"nobody ever pushed this")


class ContainerRegistryContract:
    """Checks a registry against the OCI distribution spec 1.1, by its HTTP interface.

    Subclass it and override the fixture `registry_endpoint`:

        class TestMyRegistry(ContainerRegistryContract):
            @pytest.fixture
            def registry_endpoint(self):
                with requests.Session() as session:
                    yield RegistryEndpoint("http://127.0.0.1:5000", session=session)

    Each test works in repositories of its own, so that one registry may serve all tests.
    Where a registry is known to differ, say so by the fixture `registry_divergences`: those
    tests must then fail.
    """

    @pytest.fixture
    def registry_endpoint(self) -> RegistryEndpoint:
        """Give the registry. To be overridden."""
        raise NotImplementedError("override the fixture registry_endpoint")

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
    def repository(self, registry_endpoint: RegistryEndpoint) -> str:
        """A repository of the test's own."""
        return registry_endpoint.new_repository()

    @pytest.fixture
    def image(self, registry_endpoint: RegistryEndpoint, repository: str) -> PushedImage:
        """A small image with the tag `1.0`."""
        return registry_endpoint.push_image(repository, "1.0")

    def test_the_version_check_answers(self, registry_endpoint: RegistryEndpoint) -> None:
        """GET /v2/ says that this is a registry."""
        assert registry_endpoint.send("GET", "/v2/").status_code == 200

    # --- uploads -----------------------------------------------------------------

    @pytest.mark.parametrize("content", [_CONTENT, b""], ids=["some bytes", "no bytes"])
    def test_a_blob_uploaded_at_once_can_be_pulled(
        self, registry_endpoint: RegistryEndpoint, repository: str, content: bytes
    ) -> None:
        """POST, then PUT with the content."""
        digest = registry_endpoint.push_blob(repository, content)
        pulled = registry_endpoint.send("GET", f"/v2/{repository}/blobs/{digest}")
        assert (pulled.status_code, pulled.content) == (200, content)
        assert pulled.headers["Docker-Content-Digest"] == digest
        assert pulled.headers["Content-Length"] == str(len(content))

    def test_a_blob_uploaded_in_one_request_can_be_pulled(
        self, registry_endpoint: RegistryEndpoint, repository: str
    ) -> None:
        """POST with digest and content."""
        digest = digest_of(_CONTENT)
        done = registry_endpoint.send(
            "POST",
            f"/v2/{repository}/blobs/uploads/",
            parameters={"digest": digest},
            body=_CONTENT,
        )
        assert done.status_code == 201
        assert registry_endpoint.send("GET", done.headers["Location"]).content == _CONTENT

    def test_a_blob_uploaded_in_chunks_can_be_pulled(
        self, registry_endpoint: RegistryEndpoint, repository: str
    ) -> None:
        """PATCH with ranges, each answer saying how far it got; then PUT without content."""
        location = self._start(registry_endpoint, repository)
        for begin in range(0, len(_CONTENT), 4096):
            chunk = _CONTENT[begin : begin + 4096]
            end = begin + len(chunk) - 1
            answer = registry_endpoint.send(
                "PATCH", location, headers={"Content-Range": f"{begin}-{end}"}, body=chunk
            )
            assert (answer.status_code, answer.headers["Range"]) == (202, f"0-{end}")
            location = answer.headers["Location"]
        done = self._finish(registry_endpoint, location, digest_of(_CONTENT))
        assert done.status_code == 201
        assert registry_endpoint.send("GET", done.headers["Location"]).content == _CONTENT

    def test_a_blob_uploaded_as_a_stream_can_be_pulled(
        self, registry_endpoint: RegistryEndpoint, repository: str
    ) -> None:
        """PATCH without a range and without a length, as engines do it."""
        location = self._start(registry_endpoint, repository)
        pieces = [_CONTENT[:5000], _CONTENT[5000:]]
        answer = registry_endpoint.send("PATCH", location, body=pieces)
        assert answer.status_code == 202
        done = self._finish(registry_endpoint, answer.headers["Location"], digest_of(_CONTENT))
        assert done.status_code == 201
        assert done.headers["Docker-Content-Digest"] == digest_of(_CONTENT)

    @pytest.mark.parametrize("method", ["PATCH", "PUT"])
    def test_a_chunk_out_of_order_is_refused_and_the_upload_goes_on(
        self, registry_endpoint: RegistryEndpoint, repository: str, method: str
    ) -> None:
        """416; GET tells where to go on from."""
        location = self._start(registry_endpoint, repository)
        first = registry_endpoint.send(
            "PATCH", location, headers={"Content-Range": "0-99"}, body=_CONTENT[:100]
        )
        location = first.headers["Location"]
        refused = registry_endpoint.send(
            method,
            location,
            headers={"Content-Range": "200-299"},
            parameters={"digest": digest_of(_CONTENT)} if method == "PUT" else None,
            body=_CONTENT[200:300],
        )
        assert refused.status_code == 416
        status = registry_endpoint.send("GET", location)
        assert (status.status_code, status.headers["Range"]) == (204, "0-99")
        rest = registry_endpoint.send("PATCH", status.headers["Location"], body=_CONTENT[100:])
        done = self._finish(registry_endpoint, rest.headers["Location"], digest_of(_CONTENT))
        assert done.status_code == 201

    def test_a_cancelled_upload_is_gone(
        self, registry_endpoint: RegistryEndpoint, repository: str
    ) -> None:
        """DELETE ends the session."""
        location = self._start(registry_endpoint, repository)
        assert registry_endpoint.send("DELETE", location).status_code == 204
        answer = registry_endpoint.send("GET", location)
        assert (answer.status_code, self._code(answer)) == (404, "BLOB_UPLOAD_UNKNOWN")

    @pytest.mark.parametrize(
        "digest", [_UNKNOWN_DIGEST, "sha256:short", "crc32:00000000", ""], ids=repr
    )
    def test_an_upload_with_a_wrong_digest_is_refused(
        self, registry_endpoint: RegistryEndpoint, repository: str, digest: str
    ) -> None:
        """400 DIGEST_INVALID."""
        location = self._start(registry_endpoint, repository)
        answer = registry_endpoint.send(
            "PUT", location, parameters={"digest": digest}, body=_CONTENT
        )
        assert (answer.status_code, self._code(answer)) == (400, "DIGEST_INVALID")

    def test_a_sha512_blob_keeps_its_digest(
        self, registry_endpoint: RegistryEndpoint, repository: str
    ) -> None:
        """The client chooses the algorithm."""
        digest = registry_endpoint.push_blob(repository, _CONTENT, "sha512")
        pulled = registry_endpoint.send("HEAD", f"/v2/{repository}/blobs/{digest}")
        assert (pulled.status_code, pulled.headers["Docker-Content-Digest"]) == (200, digest)

    def test_a_blob_can_be_mounted_from_another_repository(
        self, registry_endpoint: RegistryEndpoint, repository: str
    ) -> None:
        """POST with `mount` and `from` copies without an upload."""
        source = registry_endpoint.new_repository()
        digest = registry_endpoint.push_blob(source, _CONTENT)
        mounted = self._mount(registry_endpoint, repository, digest, source)
        assert mounted.status_code == 201
        assert registry_endpoint.send("GET", mounted.headers["Location"]).content == _CONTENT

    def test_a_blob_can_be_mounted_from_wherever_it_is(
        self, registry_endpoint: RegistryEndpoint, repository: str
    ) -> None:
        """`from` may be left out."""
        digest = registry_endpoint.push_blob(registry_endpoint.new_repository(), _CONTENT)
        assert self._mount(registry_endpoint, repository, digest).status_code == 201

    def test_a_mount_of_a_missing_blob_becomes_an_upload(
        self, registry_endpoint: RegistryEndpoint, repository: str
    ) -> None:
        """202 with a place to upload to."""
        source = registry_endpoint.new_repository()
        registry_endpoint.push_blob(source, b"something else")
        answer = self._mount(registry_endpoint, repository, digest_of(b"!" + _CONTENT), source)
        assert answer.status_code == 202
        done = registry_endpoint.send(
            "PUT",
            answer.headers["Location"],
            parameters={"digest": digest_of(b"!" + _CONTENT)},
            body=b"!" + _CONTENT,
        )
        assert done.status_code == 201

    # --- blobs -------------------------------------------------------------------

    @pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
    def test_a_missing_blob_is_not_found(
        self, registry_endpoint: RegistryEndpoint, repository: str, method: str
    ) -> None:
        """404 BLOB_UNKNOWN, in a repository that exists."""
        registry_endpoint.push_blob(repository, b"another")
        answer = registry_endpoint.send(method, f"/v2/{repository}/blobs/{_UNKNOWN_DIGEST}")
        assert answer.status_code == 404
        assert method == "HEAD" or self._code(answer) == "BLOB_UNKNOWN"

    def test_a_blob_belongs_to_its_repository(
        self, registry_endpoint: RegistryEndpoint, repository: str
    ) -> None:
        """A blob of one repository cannot be pulled from another."""
        digest = registry_endpoint.push_blob(registry_endpoint.new_repository(), _CONTENT)
        registry_endpoint.push_blob(repository, b"another")
        answer = registry_endpoint.send("GET", f"/v2/{repository}/blobs/{digest}")
        assert answer.status_code == 404

    @pytest.mark.parametrize(
        ("asked", "begin", "end"),
        [
            ("0-9", 0, 9),
            ("10000-", 10000, len(_CONTENT) - 1),
            ("-240", len(_CONTENT) - 240, len(_CONTENT) - 1),
            ("10000-99999999", 10000, len(_CONTENT) - 1),
            ("-99999999", 0, len(_CONTENT) - 1),
        ],
        ids=["first", "from", "last", "past the end", "more than all"],
    )
    def test_a_range_of_a_blob_can_be_pulled(
        self,
        registry_endpoint: RegistryEndpoint,
        repository: str,
        asked: str,
        begin: int,
        end: int,
    ) -> None:
        """206 with the part and where it lies."""
        digest = registry_endpoint.push_blob(repository, _CONTENT)
        answer = registry_endpoint.send(
            "GET", f"/v2/{repository}/blobs/{digest}", headers={"Range": f"bytes={asked}"}
        )
        assert (answer.status_code, answer.content) == (206, _CONTENT[begin : end + 1])
        assert answer.headers["Content-Range"] == f"bytes {begin}-{end}/{len(_CONTENT)}"

    @pytest.mark.parametrize("asked", ["99999999-", "500-0"])
    def test_a_range_outside_of_a_blob_is_refused(
        self, registry_endpoint: RegistryEndpoint, repository: str, asked: str
    ) -> None:
        """416."""
        digest = registry_endpoint.push_blob(repository, _CONTENT)
        answer = registry_endpoint.send(
            "GET", f"/v2/{repository}/blobs/{digest}", headers={"Range": f"bytes={asked}"}
        )
        assert answer.status_code == 416

    def test_a_deleted_blob_is_gone(
        self, registry_endpoint: RegistryEndpoint, repository: str
    ) -> None:
        """DELETE answers 202, and the next GET 404."""
        path = f"/v2/{repository}/blobs/{registry_endpoint.push_blob(repository, _CONTENT)}"
        assert registry_endpoint.send("DELETE", path).status_code == 202
        assert registry_endpoint.send("GET", path).status_code == 404

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
        content = self._index([entry])
        pushed = registry_endpoint.push_manifest(image.repository, "all", content, OCI_INDEX)
        assert pushed.status_code == 201
        pulled = registry_endpoint.send(
            "GET", f"/v2/{image.repository}/manifests/all", headers={"Accept": OCI_INDEX}
        )
        assert (pulled.content, pulled.headers["Content-Type"]) == (content, OCI_INDEX)

    @pytest.mark.parametrize("target", ["never", _UNKNOWN_DIGEST], ids=["tag", "digest"])
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_a_missing_manifest_is_not_found(
        self, registry_endpoint: RegistryEndpoint, image: PushedImage, method: str, target: str
    ) -> None:
        """404 MANIFEST_UNKNOWN."""
        answer = registry_endpoint.send(method, f"/v2/{image.repository}/manifests/{target}")
        assert answer.status_code == 404
        assert method == "HEAD" or self._code(answer) == "MANIFEST_UNKNOWN"

    def test_a_manifest_with_a_missing_layer_is_refused(
        self, registry_endpoint: RegistryEndpoint, image: PushedImage
    ) -> None:
        """MANIFEST_BLOB_UNKNOWN names the digest that was never pushed."""
        config = registry_endpoint.push_blob(image.repository, b"{}")
        content = manifest_of(config, [_UNKNOWN_DIGEST])
        answer = registry_endpoint.push_manifest(image.repository, "broken", content)
        assert answer.status_code in (400, 404)
        assert self._code(answer) == "MANIFEST_BLOB_UNKNOWN"
        assert _UNKNOWN_DIGEST in answer.text

    def test_a_manifest_under_another_digest_is_refused(
        self, registry_endpoint: RegistryEndpoint, image: PushedImage
    ) -> None:
        """400 DIGEST_INVALID."""
        answer = registry_endpoint.push_manifest(image.repository, _UNKNOWN_DIGEST, image.content)
        assert (answer.status_code, self._code(answer)) == (400, "DIGEST_INVALID")

    @pytest.mark.parametrize("content", [b"no JSON", b"[]", b'{"schemaVersion":2,"layers":4}'])
    def test_what_is_no_manifest_is_refused(
        self, registry_endpoint: RegistryEndpoint, repository: str, content: bytes
    ) -> None:
        """400 MANIFEST_INVALID."""
        answer = registry_endpoint.push_manifest(repository, "broken", content)
        assert (answer.status_code, self._code(answer)) == (400, "MANIFEST_INVALID")

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
        assert set(tags) < set(self._tags(registry_endpoint, image.repository))

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
        assert self._tags(registry_endpoint, image.repository) == ["2.0"]

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
        subject = {"mediaType": OCI_MANIFEST, "digest": _UNKNOWN_DIGEST, "size": 1}
        content = manifest_of(config, [], subject=subject)
        answer = registry_endpoint.push_manifest(repository, digest_of(content), content)
        assert (answer.status_code, answer.headers["OCI-Subject"]) == (201, _UNKNOWN_DIGEST)

    def test_nothing_refers_to_an_unknown_digest(
        self, registry_endpoint: RegistryEndpoint, repository: str
    ) -> None:
        """200 with an empty index."""
        answer = registry_endpoint.send("GET", f"/v2/{repository}/referrers/{_UNKNOWN_DIGEST}")
        assert (answer.status_code, answer.json()["manifests"]) == (200, [])

    # --- listings ----------------------------------------------------------------

    def test_tags_are_listed_in_order(
        self, registry_endpoint: RegistryEndpoint, image: PushedImage
    ) -> None:
        """Bytewise sorted."""
        for tag in ("b", "A", "a"):
            registry_endpoint.push_manifest(image.repository, tag, image.content)
        assert self._tags(registry_endpoint, image.repository) == ["1.0", "A", "a", "b"]

    def test_tags_are_listed_in_pages(
        self, registry_endpoint: RegistryEndpoint, image: PushedImage
    ) -> None:
        """`last` is left out; `Link` leads on to the end."""
        for tag in ("b", "A", "a"):
            registry_endpoint.push_manifest(image.repository, tag, image.content)
        path = f"/v2/{image.repository}/tags/list"
        first = registry_endpoint.send("GET", path, parameters={"n": "2"})
        assert first.json()["tags"] == ["1.0", "A"]
        link, _, relation = first.headers["Link"].partition(";")
        assert relation.strip() == 'rel="next"'
        second = registry_endpoint.send("GET", link.strip("<>"))
        assert second.json()["tags"] == ["a", "b"]
        assert "Link" not in second.headers
        after = registry_endpoint.send("GET", path, parameters={"last": "A"})
        assert after.json()["tags"] == ["a", "b"]

    def test_tags_of_an_unknown_repository_are_not_found(
        self, registry_endpoint: RegistryEndpoint, repository: str
    ) -> None:
        """404 NAME_UNKNOWN."""
        answer = registry_endpoint.send("GET", f"/v2/{repository}/tags/list")
        assert (answer.status_code, self._code(answer)) == (404, "NAME_UNKNOWN")

    def test_the_catalog_names_the_repository(
        self, registry_endpoint: RegistryEndpoint, image: PushedImage
    ) -> None:
        """Not in the spec, but many clients ask for it."""
        path, found = "/v2/_catalog?n=1000", list[str]()
        while path:
            answer = registry_endpoint.send("GET", path)
            found += answer.json()["repositories"]
            path = answer.headers.get("Link", "").partition(";")[0].strip("<>")
        assert image.repository in found
        assert found == sorted(found)

    # --- how the tests ask ---------------------------------------------------------

    @staticmethod
    def _start(endpoint: RegistryEndpoint, repository: str) -> str:
        answer = endpoint.send("POST", f"/v2/{repository}/blobs/uploads/")
        assert answer.status_code == 202, answer.text
        return answer.headers["Location"]

    @staticmethod
    def _finish(endpoint: RegistryEndpoint, location: str, digest: str) -> requests.Response:
        return endpoint.send("PUT", location, parameters={"digest": digest})

    @staticmethod
    def _mount(
        endpoint: RegistryEndpoint, repository: str, digest: str, source: str | None = None
    ) -> requests.Response:
        parameters = {"mount": digest} | ({"from": source} if source else {})
        return endpoint.send("POST", f"/v2/{repository}/blobs/uploads/", parameters=parameters)

    @staticmethod
    def _index(entries: list[Mapping[str, object]]) -> bytes:
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
        return json.dumps(document).encode()

    @staticmethod
    def _tags(endpoint: RegistryEndpoint, repository: str) -> list[str]:
        answer = endpoint.send("GET", f"/v2/{repository}/tags/list")
        assert answer.status_code == 200, answer.text
        return [str(tag) for tag in answer.json()["tags"]]

    @staticmethod
    def _code(response: requests.Response) -> str:
        """The code of the only error in an error document."""
        errors = response.json()["errors"]
        assert {"code", "message"} <= errors[0].keys()
        return str(errors[0]["code"])
