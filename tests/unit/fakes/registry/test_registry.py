"""The registry as an object: options, looking in, limits, and its own defects."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from fakes.contracts.registry_endpoint import RegistryEndpoint, manifest_of
from fakes.registry import (
    FakeRegistry,
    FakeRegistryCrashError,
    NotInRegistryError,
    Operation,
    RepositoryRule,
    Request,
    Response,
)
from fakes.registry.names import digest_of
from imagebuilders.exceptions import RegistryError
from imagebuilders.oci.media_types import OCI_MANIFEST

Ask = Callable[..., Response]
_EMPTY = digest_of(b"")


def _codes(response: Response) -> list[str]:
    return [error["code"] for error in json.loads(bytes(response.body))["errors"]]


# --- looking in ----------------------------------------------------------------


def test_what_was_pushed_can_be_looked_at(registry: FakeRegistry) -> None:
    """Repositories, tags, manifests and blobs, by the names that were pushed."""
    with registry.session() as session:
        pushed = RegistryEndpoint(registry.url, session=session).push_image("team/app", "1.0")
    assert registry.repositories == ["team/app"]
    assert registry.tags("team/app") == ["1.0"]
    assert registry.tags("nobody/pushed") == []
    manifest = registry.manifest(f"{registry.address}/team/app:1.0")
    assert (manifest.digest, manifest.content) == (pushed.digest, pushed.content)
    assert (manifest.media_type, manifest.is_index, manifest.subject) == (OCI_MANIFEST, False, None)
    assert registry.blob(pushed.layers[0]) == b"a layer"
    assert f"team/app@{pushed.digest}" in registry
    assert "team/app:2.0" not in registry
    assert "no reference!" not in registry
    assert 4 not in registry


def test_what_is_missing_is_an_error_that_says_what_is_there(registry: FakeRegistry) -> None:
    """It is a `RegistryError` and a `LookupError`."""
    with pytest.raises(NotInRegistryError, match="it has no tags at all"):
        registry.manifest("team/app:1.0")
    registry.seed("team/app:1.0", files={"/a": "b"})
    with pytest.raises(LookupError, match=r"no manifest team/app:2.0 .* it has team/app:1.0"):
        registry.manifest("team/app:2.0")
    with pytest.raises(RegistryError, match="no blob sha256:"):
        registry.blob(_EMPTY)
    with pytest.raises(ValueError, match="is not a reference"):
        registry.manifest("Not A Name")


def test_requests_are_recorded_without_their_secrets(ask: Ask) -> None:
    """Typed records, in order; a password is nowhere in them."""
    registry = FakeRegistry(auth="basic", users={"alice": "s3cret"})
    ask(registry, "GET", "/v2/app/tags/list?n=3", Authorization="Basic YWxpY2U6czNjcmV0")
    ask(registry, "POST", "/v2/app/blobs/uploads/?digest=x", b"body")
    first, second = registry.requests
    assert (first.method, first.path, first.query) == ("GET", "/v2/app/tags/list", "n=3")
    assert (first.operation, first.repository) == (Operation.LIST_TAGS, "app")
    assert (first.user, first.status) == ("alice", 404)
    assert first.headers == {"authorization": "Basic ***"}
    assert (second.user, second.status, second.request_size) == (None, 401, 0)
    assert second.response_size > 0
    assert "YWxp" not in repr(registry.requests)
    assert "s3cret" not in repr(vars(registry)["_gate"])


def test_the_representation_tells_where_it_listens(served: FakeRegistry) -> None:
    """Or that it does not."""
    assert served.url in repr(served)
    assert "not listening" in repr(FakeRegistry())


# --- options ---------------------------------------------------------------------


def test_a_full_registry_refuses(ask: Ask) -> None:
    """What would go past the limit is denied; what is known already still fits."""
    registry = FakeRegistry(storage_limit=10)
    first = digest_of(b"12345678")
    path = "/v2/app/blobs/uploads/?digest="
    assert ask(registry, "POST", path + first, b"12345678").status == 201
    assert registry.used_bytes == 8
    refused = ask(registry, "POST", path + digest_of(b"123"), b"123")
    assert (refused.status, _codes(refused)) == (403, ["DENIED"])
    mounted = ask(registry, "POST", f"/v2/other/blobs/uploads/?mount={first}&from=app")
    assert mounted.status == 201
    assert registry.used_bytes == 8
    for repository in ("app", "other"):
        ask(registry, "DELETE", f"/v2/{repository}/blobs/{first}")
    assert registry.used_bytes == 0


def test_a_manifest_counts_once_and_can_be_too_much(ask: Ask) -> None:
    """The same manifest under two tags and in two repositories takes its size once."""
    registry = FakeRegistry(verify_references=False, storage_limit=400)
    content = manifest_of(_EMPTY, [])
    for path in ("/v2/a/manifests/1", "/v2/a/manifests/2", "/v2/b/manifests/1"):
        assert ask(registry, "PUT", path, content, Content_Type=OCI_MANIFEST).status == 201
    assert registry.used_bytes == len(content)
    other = manifest_of(_EMPTY, [], annotations={"a": "b" * 300})
    refused = ask(registry, "PUT", "/v2/a/manifests/3", other, Content_Type=OCI_MANIFEST)
    assert _codes(refused) == ["DENIED"]
    for repository in ("a", "b"):
        path = f"/v2/{repository}/manifests/{digest_of(content)}"
        assert ask(registry, "DELETE", path).status == 202
    assert registry.used_bytes == 0


def test_a_read_only_registry_refuses_pushes_and_deletes(ask: Ask, registry: FakeRegistry) -> None:
    """405; the switch can be turned in the middle of a test."""
    digest = registry.seed("app:1", files={"/a": "b"}).digest
    registry.read_only = True
    assert registry.read_only
    for method, path in (
        ("POST", "/v2/app/blobs/uploads/"),
        ("PUT", "/v2/app/manifests/2"),
        ("DELETE", f"/v2/app/manifests/{digest}"),
    ):
        refused = ask(registry, method, path)
        assert (refused.status, _codes(refused)) == (405, ["UNSUPPORTED"])
    assert ask(registry, "GET", "/v2/app/manifests/1").status == 200
    registry.read_only = False
    assert ask(registry, "DELETE", f"/v2/app/manifests/{digest}").status == 202


def test_deleting_can_be_off(ask: Ask) -> None:
    """As in a registry whose configuration does not allow it."""
    registry = FakeRegistry(deletes=False)
    registry.seed("app:1", files={"/a": "b"})
    assert ask(registry, "DELETE", "/v2/app/manifests/1").status == 405


def test_the_referrers_api_can_be_missing(ask: Ask) -> None:
    """404, from which clients learn to use the tag schema; the push tells nothing either."""
    registry = FakeRegistry(referrers_api=False, verify_references=False)
    assert ask(registry, "GET", f"/v2/app/referrers/{_EMPTY}").status == 404
    content = manifest_of(_EMPTY, [], subject={"digest": _EMPTY})
    pushed = ask(registry, "PUT", "/v2/app/manifests/1", content, Content_Type=OCI_MANIFEST)
    assert pushed.status == 201
    assert "OCI-Subject" not in pushed.headers


def test_listings_can_come_in_small_pages(ask: Ask) -> None:
    """However many a client asks for; each page leads to the next, filters included."""
    registry = FakeRegistry(page_size=2, verify_references=False)
    subject = registry.seed("app:a", files={"/a": "b"}).digest
    for tag in "bcde":
        content = manifest_of(
            _EMPTY, [], subject={"digest": subject}, artifactType="x/y", annotations={"tag": tag}
        )
        ask(registry, "PUT", f"/v2/app/manifests/{tag}", content, Content_Type=OCI_MANIFEST)
    ask(registry, "PUT", "/v2/app/manifests/a", content, Content_Type=OCI_MANIFEST)
    assert _pages(ask, registry, "/v2/app/tags/list?n=100", "tags") == [
        ["a", "b"],
        ["c", "d"],
        ["e"],
    ]
    for name in ("b", "c"):
        registry.seed(f"{name}:1", files={"/a": "b"})
    assert _pages(ask, registry, "/v2/_catalog", "repositories") == [["app", "b"], ["c"]]
    path = f"/v2/app/referrers/{subject}?artifactType=x%2Fy"
    assert [len(page) for page in _pages(ask, registry, path, "manifests")] == [2, 2]


def _pages(ask: Ask, registry: FakeRegistry, path: str, key: str) -> list[list[object]]:
    pages = []
    while path:
        answer = ask(registry, "GET", path)
        pages.append(json.loads(bytes(answer.body))[key])
        path = answer.headers.get("Link").partition(">")[0].strip("<")
    return pages


@pytest.mark.parametrize("count", ["x", "-1", "1.5"])
def test_a_page_size_that_is_no_number_is_refused(
    ask: Ask, registry: FakeRegistry, count: str
) -> None:
    """400; and none at all is an empty page without a next one."""
    assert ask(registry, "GET", f"/v2/_catalog?n={count}").status == 400
    registry.seed("app:1", files={"/a": "b"})
    empty = ask(registry, "GET", "/v2/_catalog?n=0")
    assert json.loads(bytes(empty.body)) == {"repositories": []}
    assert "Link" not in empty.headers


def test_tags_can_be_immutable(ask: Ask) -> None:
    """Per repository: a tag may be pushed again only with the same content."""
    rules = [RepositoryRule("released/*", immutable_tags=True)]
    registry = FakeRegistry(rules=rules, verify_references=False)
    one, other = manifest_of(_EMPTY, []), manifest_of(_EMPTY, [_EMPTY])
    for repository, expected in (("released/app", 403), ("nightly/app", 201)):
        path = f"/v2/{repository}/manifests/1.0"
        assert ask(registry, "PUT", path, one, Content_Type=OCI_MANIFEST).status == 201
        assert ask(registry, "PUT", path, one, Content_Type=OCI_MANIFEST).status == 201
        assert ask(registry, "PUT", path, other, Content_Type=OCI_MANIFEST).status == expected


# --- the protocol's corners --------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "UNSUPPORTED"),
        ("GET", "/v1/_ping", 404, "UNSUPPORTED"),
        ("PUT", "/token", 405, "UNSUPPORTED"),
        ("PATCH", "/v2/app/manifests/1", 405, "UNSUPPORTED"),
        ("GET", "/v2/UPPER/tags/list", 400, "NAME_INVALID"),
        ("GET", "/v2/app/manifests/sha256:short", 400, "DIGEST_INVALID"),
        ("GET", "/v2/app/manifests/-tag", 400, "TAG_INVALID"),
        ("GET", "/v2/app/blobs/sha256:short", 400, "DIGEST_INVALID"),
        ("GET", "/v2/app/referrers/short", 400, "DIGEST_INVALID"),
        ("PUT", f"/v2/app/manifests/{_EMPTY}?tag=-", 400, "TAG_INVALID"),
        ("POST", "/v2/app/blobs/uploads/?digest=short", 400, "DIGEST_INVALID"),
        ("POST", "/v2/app/blobs/uploads/?digest-algorithm=crc32", 400, "DIGEST_INVALID"),
    ],
)
def test_what_makes_no_sense_is_refused(
    ask: Ask, registry: FakeRegistry, method: str, path: str, status: int, code: str
) -> None:
    """With the spec's codes; a method that the path does not know gets the ones it knows."""
    answer = ask(registry, method, path)
    assert (answer.status, _codes(answer)) == (status, [code])
    assert ("Allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (manifest_of(_EMPTY, []), "text/plain", 400),
        (manifest_of(_EMPTY, [], mediaType="text/plain"), OCI_MANIFEST, 400),
        (manifest_of(_EMPTY, [], schemaVersion=1), OCI_MANIFEST, 400),
        (manifest_of(_EMPTY, [], config=None), OCI_MANIFEST, 400),
        (manifest_of("sha256:short", []), OCI_MANIFEST, 400),
        (manifest_of(_EMPTY, ["sha256:short"]), OCI_MANIFEST, 400),
        (b" " * (4 * 1024 * 1024 + 1), OCI_MANIFEST, 413),
        (manifest_of(_EMPTY, [], layers=None), OCI_MANIFEST, 201),
        (manifest_of(_EMPTY, []), f"{OCI_MANIFEST}; charset=utf-8", 201),
    ],
)
def test_manifests_are_checked(ask: Ask, content: bytes, media_type: str, status: int) -> None:
    """Type, version, shape and size; parameters of the type are passed over."""
    registry = FakeRegistry(verify_references=False)
    answer = ask(registry, "PUT", "/v2/app/manifests/1", content, Content_Type=media_type)
    assert answer.status == status


def test_layers_that_live_elsewhere_need_not_be_pushed(ask: Ask, registry: FakeRegistry) -> None:
    """Non-distributable ones, and ones with addresses of their own."""
    config = digest_of(b"{}")
    ask(registry, "POST", f"/v2/app/blobs/uploads/?digest={config}", b"{}")
    layers = [
        {"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar", "digest": _EMPTY},
        {"mediaType": "x", "digest": _EMPTY, "urls": ["https://elsewhere.test/layer"]},
    ]
    content = manifest_of(config, [], layers=layers)
    pushed = ask(registry, "PUT", "/v2/app/manifests/1", content, Content_Type=OCI_MANIFEST)
    assert pushed.status == 201


@pytest.mark.parametrize("target", ["manifests/1", "blob"])
def test_a_client_that_has_the_content_is_told_so(
    ask: Ask, registry: FakeRegistry, target: str
) -> None:
    """304 for If-None-Match."""
    manifest = registry.seed("app:1", files={"/a": "b"})
    config = manifest.descriptors("config")[0]["digest"]
    path = f"/v2/app/{target if target != 'blob' else f'blobs/{config}'}"
    etag = ask(registry, "GET", path).headers.get("Etag")
    answer = ask(registry, "GET", path, If_None_Match=f'"other", {etag}')
    assert (answer.status, bytes(answer.body)) == (304, b"")
    assert ask(registry, "GET", path, If_None_Match='"other"').status == 200
    assert ask(registry, "GET", path, If_None_Match="*").status == 304


@settings(max_examples=60)
@given(
    content=st.binary(max_size=12),
    begin=st.one_of(st.none(), st.integers(0, 14)),
    end=st.one_of(st.none(), st.integers(0, 14)),
)
def test_any_range_is_that_part_of_the_blob(
    content: bytes, begin: int | None, end: int | None
) -> None:
    """206 with the right bytes, 416 where there are none, the whole where nothing is asked."""
    registry = FakeRegistry()
    digest = digest_of(content)
    registry.handle(Request("POST", f"/v2/app/blobs/uploads/?digest={digest}", body=[content]))
    request = Request("GET", f"/v2/app/blobs/{digest}")
    text = f"bytes={'' if begin is None else begin}-{'' if end is None else end}"
    request.headers.add("Range", text)
    answer = registry.handle(request)
    if begin is None and end is None:
        expected = content
    elif begin is None:
        expected = content[max(len(content) - (end or 0), 0) :]
    else:
        expected = content[begin : len(content) if end is None else end + 1]
    if begin is None and end is None:
        assert (answer.status, bytes(answer.body)) == (200, content)
    elif expected:
        assert (answer.status, bytes(answer.body)) == (206, expected)
    else:
        assert answer.status == 416


def test_a_range_for_another_version_gets_the_whole(ask: Ask, registry: FakeRegistry) -> None:
    """If-Range; so does a range in another unit, or several at once."""
    digest = digest_of(b"content")
    ask(registry, "POST", f"/v2/app/blobs/uploads/?digest={digest}", b"content")
    path = f"/v2/app/blobs/{digest}"
    assert ask(registry, "GET", path, Range="bytes=0-1", If_Range='"other"').status == 200
    assert ask(registry, "GET", path, Range="bytes=0-1", If_Range=f'"{digest}"').status == 206
    assert ask(registry, "GET", path, Range="lines=0-1").status == 200
    assert ask(registry, "GET", path, Range="bytes=0-1,3-4").status == 200


@settings(max_examples=40)
@given(
    content=st.binary(max_size=60),
    sizes=st.lists(st.integers(1, 9), max_size=12),
    algorithm=st.sampled_from(("sha256", "sha512")),
)
def test_a_blob_is_the_same_in_whatever_chunks_it_comes(
    content: bytes, sizes: list[int], algorithm: str
) -> None:
    """Any sizes, with the last chunk in the closing request, and a status in between."""
    registry = FakeRegistry()
    started = registry.handle(
        Request("POST", f"/v2/app/blobs/uploads/?digest-algorithm={algorithm}")
    )
    location = started.headers.get("Location")[len("http://localhost") :]
    sent = 0
    for size in sizes:
        chunk = content[sent : sent + size]
        if not chunk:
            break
        request = Request("PATCH", location, body=[chunk])
        request.headers.add("Content-Range", f"{sent}-{sent + len(chunk) - 1}")
        assert registry.handle(request).status == 202
        sent += len(chunk)
        status = registry.handle(Request("GET", location))
        assert status.headers.get("Range") == f"0-{sent - 1}"
    assert registry.open_uploads == 1
    digest = digest_of(content, algorithm)
    final = Request("PUT", f"{location}?digest={digest}", body=[content[sent:]])
    assert registry.handle(final).status == 201
    assert registry.blob(digest) == content
    assert registry.open_uploads == 0


@pytest.mark.parametrize("field", ["5-9", "0-", "bytes 0-4", "4-0"])
def test_a_chunk_that_does_not_follow_is_refused(
    ask: Ask, registry: FakeRegistry, field: str
) -> None:
    """416 with what is kept."""
    location = ask(registry, "POST", "/v2/app/blobs/uploads/").headers.get("Location")
    path = location[len("http://localhost") :]
    refused = ask(registry, "PATCH", path, b"hello", Content_Range=field)
    assert (refused.status, refused.headers.get("Range")) == (416, "0-0")
    refused = ask(registry, "PATCH", path, b"hello", Content_Range="0-9", Content_Length="5")
    assert (refused.status, _codes(refused)) == (400, ["SIZE_INVALID"])


def test_an_upload_belongs_to_its_repository(ask: Ask, registry: FakeRegistry) -> None:
    """Its session is unknown anywhere else."""
    location = ask(registry, "POST", "/v2/app/blobs/uploads/").headers.get("Location")
    elsewhere = location[len("http://localhost") :].replace("/app/", "/other/")
    assert ask(registry, "GET", elsewhere).status == 404


# --- in-process ------------------------------------------------------------------


def test_a_session_reaches_the_registry_without_a_socket(registry: FakeRegistry) -> None:
    """Bodies of each kind that `requests` knows; nothing else is mounted."""
    bodies: list[object] = [
        b"text",
        "text",
        io.BytesIO(b"text"),
        iter([b"te", b"xt"]),
        bytearray(b"text"),
    ]
    with registry.session() as session:
        for body in bodies:
            answer = session.post(
                f"{registry.url}/v2/app/blobs/uploads/?digest={digest_of(b'text')}",
                data=body,  # type: ignore[arg-type]
            )
            assert answer.status_code == 201
        head = session.head(f"{registry.url}/v2/app/blobs/{digest_of(b'text')}")
        assert (head.headers["Content-Length"], head.content) == ("4", b"")
        got = session.get(answer.headers["Location"], stream=True)
        assert list(got.iter_content(3)) == [b"tex", b"t"]
    assert registry.requests[0].headers["host"] == "registry.test"


def test_a_body_that_is_none_is_a_mistake_of_the_caller(registry: FakeRegistry) -> None:
    """It is named."""
    with registry.session() as session:
        prepared = session.prepare_request(requests.Request("POST", f"{registry.url}/v2/"))
        prepared.body = 7  # type: ignore[assignment]
        with pytest.raises(TypeError, match="no body: int"):
            session.send(prepared)


# --- defects of the double ---------------------------------------------------------


@pytest.fixture
def broken(mocker: MockerFixture) -> None:
    """A registry with a defect in its listings."""
    listing = "fakes.registry.listings.ListingEndpoints.catalog"
    mocker.patch(listing, side_effect=ZeroDivisionError("a defect"))


@pytest.mark.usefixtures("broken")
def test_a_defect_is_no_answer_in_process(ask: Ask, registry: FakeRegistry) -> None:
    """It is raised where the request was made, and at the next look."""
    with pytest.raises(FakeRegistryCrashError, match=r"GET /v2/_catalog.*ZeroDivisionError") as at:
        ask(registry, "GET", "/v2/_catalog")
    assert isinstance(at.value.__cause__, ZeroDivisionError)
    assert not isinstance(at.value, (OSError, RuntimeError))
    for look in (
        lambda: registry.repositories,
        lambda: registry.requests,
        lambda: registry.tags("app"),
        lambda: registry.manifest("app:1"),
        lambda: registry.blob(_EMPTY),
        lambda: ask(registry, "GET", "/v2/"),
    ):
        with pytest.raises(FakeRegistryCrashError):
            look()


@pytest.mark.usefixtures("broken")
def test_a_defect_fails_the_test_when_the_registry_closes() -> None:
    """Over a socket the answer names it too."""
    registry = FakeRegistry().start()
    answer = requests.get(f"{registry.url}/v2/_catalog", timeout=5)
    assert (answer.status_code, "FakeRegistry itself failed" in answer.text) == (500, True)
    with pytest.raises(FakeRegistryCrashError, match="defect of the double") as caught:
        registry.__exit__(None, None, None)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_reset_forgets_everything() -> None:
    """Contents, faults and records are gone, and it listens on where it did."""
    with FakeRegistry() as registry:
        registry.seed("team/app:1.0", files={"a": "1"})
        registry.faults.status(503, times=None)
        registry.read_only = True
        address = registry.address
        assert requests.get(f"{registry.url}/v2/", timeout=5).status_code == 503

        registry.reset()

        assert (registry.repositories, registry.used_bytes, len(registry.faults)) == ([], 0, 0)
        assert (registry.requests, registry.read_only, registry.address) == ([], False, address)
        assert requests.get(f"{registry.url}/v2/", timeout=5).status_code == 200
