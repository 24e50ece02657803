"""Random operations get the same answers from the fake registry and from a real one."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pytest
import requests
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from testbed.registry import Registry

from fakes.contracts.registry_endpoint import RegistryEndpoint, manifest_of
from fakes.registry import FakeRegistry
from fakes.registry.names import digest_of
from imagebuilders.oci.media_types import OCI_INDEX, OCI_MANIFEST

# Where the real registry is known to differ, and how the comparison lets it.
KNOWN_DIVERGENCES = {
    "tags: null": "An empty list of tags is `null` in docker-registry; the spec has a list.",
    "tags order": "docker-registry 2.8 lists tags as the file system does; the spec sorts them.",
    "error words": "Only the codes of errors are compared: messages and details are free.",
    "unknown uploads": (
        "For an upload it never began docker-registry answers 404 with BLOB_UPLOAD_INVALID, for "
        "one that is over 404 with BLOB_UPLOAD_UNKNOWN; the fake has the latter for both."
    ),
    "schema version": (
        "docker-registry answers 500 to a manifest of another schema version than 2; the fake "
        "answers 400. Not asked for."
    ),
    "refused ends": (
        "After a PUT with a wrong digest docker-registry 3 still knows the upload, 2.8 and the "
        "fake have forgotten it. It is not asked for again."
    ),
}

_CONTENTS = (b"", b"one", b"two" * 50, bytes(range(256)) * 20)
_COMPARED = (
    "Content-Type",
    "Content-Range",
    "Docker-Content-Digest",
    "Range",
    "Link",
    "Etag",
)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Answer:
    """What of a response is compared."""

    status: int
    headers: Mapping[str, str]
    body: object


@dataclass
class Side:
    """One of the two registries, and the uploads under way there."""

    endpoint: RegistryEndpoint
    uploads: list[str] = field(default_factory=list)

    def send(self, method: str, path: str, **options: object) -> Answer:
        """Send a request and keep what is comparable of the response."""
        response = self.endpoint.send(method, path, **options)  # type: ignore[arg-type]
        if "/blobs/uploads/" in path and "Location" in response.headers:
            location = response.headers["Location"]
            if "/blobs/uploads/" in location:
                self.uploads = [u for u in self.uploads if not _same_upload(u, location)]
                self.uploads.append(location)
        return _comparable(method, response)


def _same_upload(one: str, other: str) -> bool:
    return _UUID.findall(one)[:1] == _UUID.findall(other)[:1]


def _comparable(method: str, response: requests.Response) -> Answer:
    headers = {name: response.headers[name] for name in _COMPARED if name in response.headers}
    listed = "/tags/list" in (response.url or "")
    if listed and response.status_code == 404:
        return Answer(200, {}, [])
    if response.status_code >= 400:
        return Answer(response.status_code, {}, _codes(method, response))
    location = response.headers.get("Location")
    if location:
        path = re.sub(r"^https?://[^/]+", "", location).partition("?")[0]
        headers["Location"] = _UUID.sub("<session>", path)
    if listed:
        return Answer(response.status_code, {}, sorted(response.json()["tags"] or []))
    if "Content-Length" in response.headers and response.status_code == 200:
        headers["Content-Length"] = response.headers["Content-Length"]
    body = response.content
    if "Content-Type" in headers and not body and method != "HEAD":
        del headers["Content-Type"]
    return Answer(response.status_code, headers, body)


def _codes(method: str, response: requests.Response) -> object:
    if method == "HEAD" or response.status_code == 416:
        return None
    codes = sorted(error["code"] for error in json.loads(response.content)["errors"])
    if response.status_code == 404 and codes == ["BLOB_UPLOAD_INVALID"]:
        return ["BLOB_UPLOAD_UNKNOWN"]
    return codes


Operation = Callable[[Side, str], Answer]
"""Done to each side; the text is the prefix of the example's repositories."""

_repositories = st.sampled_from(("a", "b/c"))
_contents = st.sampled_from(_CONTENTS)
_tags = st.sampled_from(("1.0", "latest"))
_reads = st.sampled_from(("GET", "HEAD"))
_ranges = st.sampled_from((None, "bytes=0-1", "bytes=1-", "bytes=-2", "bytes=0-99999"))


@st.composite
def _images(draw: st.DrawFn) -> bytes:
    config = draw(st.sampled_from(_CONTENTS[1:]))
    layers = draw(st.lists(st.sampled_from(_CONTENTS[1:]), max_size=2))
    return manifest_of(digest_of(config), [digest_of(layer) for layer in layers])


@st.composite
def _indexes(draw: st.DrawFn) -> bytes:
    image = draw(_images())
    entry = {"mediaType": OCI_MANIFEST, "digest": digest_of(image), "size": len(image)}
    platform = {"os": "linux", "architecture": "amd64"}
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [{**entry, "platform": platform}],
    }
    return json.dumps(document).encode()


def _describe(text: str, operation: Operation) -> tuple[str, Operation]:
    return text, operation


@st.composite
def _operations(draw: st.DrawFn) -> tuple[str, Operation]:
    """One operation with its description."""
    repository = draw(_repositories)
    content = draw(_contents)
    digest = digest_of(content)
    kind = draw(
        st.sampled_from(
            (
                *("push blob", "push image") * 3,
                *(
                    "start",
                    "append",
                    "finish",
                    "status",
                    "cancel",
                    "mount",
                    "read blob",
                    "delete blob",
                ),
                *("push manifest", "read manifest", "delete manifest", "tags", "unknown"),
            )
        )
    )
    if kind == "push blob":

        def push_blob(side: Side, prefix: str) -> Answer:
            path = f"/v2/{prefix}/{repository}/blobs/uploads/"
            started = side.endpoint.send("POST", path)
            return side.send(
                "PUT", started.headers["Location"], parameters={"digest": digest}, body=content
            )

        return _describe(f"push a blob of {len(content)} bytes to {repository}", push_blob)
    if kind == "push image":
        image, tag = draw(_images()), draw(_tags)

        def push_image(side: Side, prefix: str) -> Answer:
            for blob in _CONTENTS[1:]:
                side.endpoint.push_blob(f"{prefix}/{repository}", blob)
            return _push(side, f"{prefix}/{repository}", tag, image, OCI_MANIFEST)

        return _describe(f"push an image to {repository}:{tag}", push_image)
    if kind == "start":
        return _describe(
            f"start an upload in {repository}",
            lambda side, prefix: side.send("POST", f"/v2/{prefix}/{repository}/blobs/uploads/"),
        )
    if kind in ("append", "finish", "status", "cancel"):
        return _upload_operation(draw, kind, content)
    if kind == "mount":
        source = draw(_repositories)

        def mount(side: Side, prefix: str) -> Answer:
            return side.send(
                "POST",
                f"/v2/{prefix}/{repository}/blobs/uploads/",
                parameters={"mount": digest, "from": f"{prefix}/{source}"},
            )

        return _describe(f"mount {len(content)} bytes from {source} in {repository}", mount)
    if kind == "delete blob":
        return _describe(
            f"delete {len(content)} bytes of {repository}",
            lambda side, prefix: side.send("DELETE", f"/v2/{prefix}/{repository}/blobs/{digest}"),
        )
    if kind == "read blob":
        method, part = draw(_reads), draw(_ranges)
        headers = {"Range": part} if part and content else {}
        return _describe(
            f"{method} {len(content)} bytes of {repository}, {part}",
            lambda side, prefix: side.send(
                method, f"/v2/{prefix}/{repository}/blobs/{digest}", headers=headers
            ),
        )
    return _manifest_operation(draw, kind, repository)


def _upload_operation(draw: st.DrawFn, kind: str, content: bytes) -> tuple[str, Operation]:
    """Something with the newest upload; without one, with an upload that never was."""
    wrong = draw(st.booleans())

    def perform(side: Side, prefix: str) -> Answer:
        missing = f"/v2/{prefix}/a/blobs/uploads/{uuid.UUID(int=7)}"
        location = side.uploads[-1] if side.uploads else missing
        if kind == "append":
            return side.send("PATCH", location, body=[content or b"x"])
        if kind == "status":
            return side.send("GET", location)
        side.uploads = side.uploads[:-1]
        if kind == "cancel":
            return side.send("DELETE", location)
        stated = digest_of(b"something else" if wrong else content)
        return side.send("PUT", location, parameters={"digest": stated}, body=content)

    return _describe(f"{kind} the newest upload, {len(content)} bytes, wrong={wrong}", perform)


def _manifest_operation(draw: st.DrawFn, kind: str, repository: str) -> tuple[str, Operation]:
    image, tag = draw(st.one_of(_images(), _indexes())), draw(_tags)
    media_type = OCI_INDEX if b"manifests" in image else OCI_MANIFEST
    target = draw(st.sampled_from((tag, digest_of(image))))
    if kind == "push manifest":
        return _describe(
            f"push a manifest to {repository} as {target}",
            lambda side, prefix: _push(side, f"{prefix}/{repository}", target, image, media_type),
        )
    path = f"{repository}/manifests/{target}"
    if kind == "read manifest":
        method = draw(_reads)
        headers = {"Accept": f"{OCI_MANIFEST}, {OCI_INDEX}"}
        return _describe(
            f"{method} {path}",
            lambda side, prefix: side.send(method, f"/v2/{prefix}/{path}", headers=headers),
        )
    if kind == "delete manifest":
        path = f"{repository}/manifests/{digest_of(image)}"
        return _describe(
            f"DELETE {path}", lambda side, prefix: side.send("DELETE", f"/v2/{prefix}/{path}")
        )
    if kind == "tags":
        return _describe(
            f"list the tags of {repository}",
            lambda side, prefix: side.send("GET", f"/v2/{prefix}/{repository}/tags/list"),
        )
    content = draw(st.sampled_from((b"no JSON", b"[]", b'{"layers":4}')))
    return _describe(
        f"push {content!r} to {repository}",
        lambda side, prefix: _push(side, f"{prefix}/{repository}", tag, content, OCI_MANIFEST),
    )


def _push(side: Side, repository: str, target: str, content: bytes, media_type: str) -> Answer:
    return side.send(
        "PUT",
        f"/v2/{repository}/manifests/{target}",
        headers={"Content-Type": media_type},
        body=content,
    )


@pytest.fixture(scope="module")
def sides(registry: Registry) -> Iterator[tuple[RegistryEndpoint, RegistryEndpoint]]:
    """The fake registry and a real one, both over HTTP."""
    with FakeRegistry() as fake, requests.Session() as one, requests.Session() as other:
        yield (
            RegistryEndpoint(fake.url, session=one),
            RegistryEndpoint(registry.url, session=other),
        )


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(operations=st.lists(_operations(), min_size=4, max_size=25))
def test_random_operations_are_answered_alike(
    sides: tuple[RegistryEndpoint, RegistryEndpoint],
    operations: list[tuple[str, Operation]],
) -> None:
    """The same statuses, headers that matter, and bodies."""
    prefix = f"property/{uuid.uuid4().hex}"
    fake, real = (Side(endpoint) for endpoint in sides)
    for description, perform in operations:
        note(description)
        assert perform(fake, prefix) == perform(real, prefix), description
