"""What every container registry must do with blobs: the part of its contract."""

from __future__ import annotations

import pytest
import requests

from ..registry.names import digest_of
from .registry_endpoint import UNKNOWN_DIGEST, RegistryEndpoint, error_code

_CONTENT = bytes(range(256)) * 40


class BlobContract:
    """Uploads, mounts, downloads and deletes. Part of `ContainerRegistryContract`."""

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
        location = _start(registry_endpoint, repository)
        for begin in range(0, len(_CONTENT), 4096):
            chunk = _CONTENT[begin : begin + 4096]
            end = begin + len(chunk) - 1
            answer = registry_endpoint.send(
                "PATCH", location, headers={"Content-Range": f"{begin}-{end}"}, body=chunk
            )
            assert (answer.status_code, answer.headers["Range"]) == (202, f"0-{end}")
            location = answer.headers["Location"]
        done = _finish(registry_endpoint, location, digest_of(_CONTENT))
        assert done.status_code == 201
        assert registry_endpoint.send("GET", done.headers["Location"]).content == _CONTENT

    def test_a_blob_uploaded_as_a_stream_can_be_pulled(
        self, registry_endpoint: RegistryEndpoint, repository: str
    ) -> None:
        """PATCH without a range and without a length, as engines do it."""
        location = _start(registry_endpoint, repository)
        pieces = [_CONTENT[:5000], _CONTENT[5000:]]
        answer = registry_endpoint.send("PATCH", location, body=pieces)
        assert answer.status_code == 202
        done = _finish(registry_endpoint, answer.headers["Location"], digest_of(_CONTENT))
        assert done.status_code == 201
        assert done.headers["Docker-Content-Digest"] == digest_of(_CONTENT)

    @pytest.mark.parametrize("method", ["PATCH", "PUT"])
    def test_a_chunk_out_of_order_is_refused_and_the_upload_goes_on(
        self, registry_endpoint: RegistryEndpoint, repository: str, method: str
    ) -> None:
        """416; GET tells where to go on from."""
        location = _start(registry_endpoint, repository)
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
        done = _finish(registry_endpoint, rest.headers["Location"], digest_of(_CONTENT))
        assert done.status_code == 201

    def test_a_cancelled_upload_is_gone(
        self, registry_endpoint: RegistryEndpoint, repository: str
    ) -> None:
        """DELETE ends the session."""
        location = _start(registry_endpoint, repository)
        assert registry_endpoint.send("DELETE", location).status_code == 204
        answer = registry_endpoint.send("GET", location)
        assert (answer.status_code, error_code(answer)) == (404, "BLOB_UPLOAD_UNKNOWN")

    @pytest.mark.parametrize(
        "digest", [UNKNOWN_DIGEST, "sha256:short", "crc32:00000000", ""], ids=repr
    )
    def test_an_upload_with_a_wrong_digest_is_refused(
        self, registry_endpoint: RegistryEndpoint, repository: str, digest: str
    ) -> None:
        """400 DIGEST_INVALID."""
        location = _start(registry_endpoint, repository)
        answer = registry_endpoint.send(
            "PUT", location, parameters={"digest": digest}, body=_CONTENT
        )
        assert (answer.status_code, error_code(answer)) == (400, "DIGEST_INVALID")

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
        mounted = _mount(registry_endpoint, repository, digest, source)
        assert mounted.status_code == 201
        assert registry_endpoint.send("GET", mounted.headers["Location"]).content == _CONTENT

    def test_a_blob_can_be_mounted_from_wherever_it_is(
        self, registry_endpoint: RegistryEndpoint, repository: str
    ) -> None:
        """`from` may be left out."""
        digest = registry_endpoint.push_blob(registry_endpoint.new_repository(), _CONTENT)
        assert _mount(registry_endpoint, repository, digest).status_code == 201

    def test_a_mount_of_a_missing_blob_becomes_an_upload(
        self, registry_endpoint: RegistryEndpoint, repository: str
    ) -> None:
        """202 with a place to upload to."""
        source = registry_endpoint.new_repository()
        registry_endpoint.push_blob(source, b"something else")
        answer = _mount(registry_endpoint, repository, digest_of(b"!" + _CONTENT), source)
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
        answer = registry_endpoint.send(method, f"/v2/{repository}/blobs/{UNKNOWN_DIGEST}")
        assert answer.status_code == 404
        assert method == "HEAD" or error_code(answer) == "BLOB_UNKNOWN"

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


def _start(endpoint: RegistryEndpoint, repository: str) -> str:
    answer = endpoint.send("POST", f"/v2/{repository}/blobs/uploads/")
    assert answer.status_code == 202, answer.text
    return answer.headers["Location"]


def _finish(endpoint: RegistryEndpoint, location: str, digest: str) -> requests.Response:
    return endpoint.send("PUT", location, parameters={"digest": digest})


def _mount(
    endpoint: RegistryEndpoint, repository: str, digest: str, source: str | None = None
) -> requests.Response:
    parameters = {"mount": digest} | ({"from": source} if source else {})
    return endpoint.send("POST", f"/v2/{repository}/blobs/uploads/", parameters=parameters)
