"""Whatever is asked, the registry answers and does not fail."""

from __future__ import annotations

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from fakes.registry import FakeRegistry, Headers, Request
from fakes.registry.names import digest_of
from imagebuilders.oci.media_types import MANIFEST_TYPES, OCI_INDEX, OCI_MANIFEST

_DIGEST = digest_of(b"{}")
_words = st.one_of(
    st.sampled_from(
        ("app", "UP", "", "1", _DIGEST, "sha512:00", "uploads", "tags", "list", "manifests",
         "blobs", "referrers", "_catalog", "%0d%0aX:%20y", "%22", "%ff", "..", "9" * 5000)
    ),
    st.text(max_size=5),
)  # fmt: skip
_paths = st.one_of(
    st.lists(_words, max_size=5).map(lambda words: "/v2/" + "/".join(words)),
    st.builds("/v2/app/manifests/{}".format, _words),
    st.builds("/v2/app/blobs/uploads/{}".format, _words),
    st.sampled_from(("/token", "/v2/_catalog", "/v2/app/tags/list", f"/v2/app/blobs/{_DIGEST}")),
)
_parameters = st.sampled_from(
    ("n", "last", "digest", "mount", "from", "tag", "scope", "artifactType", "digest-algorithm")
)
_queries = st.lists(st.builds("{}={}".format, _parameters, _words), max_size=3).map("&".join)
_fields = st.lists(
    st.tuples(
        st.sampled_from(
            ("Range", "Content-Range", "Content-Length", "Content-Type", "Authorization", "Host",
             "If-None-Match", "If-Range")
        ),
        st.one_of(
            _words,
            st.sampled_from(
                ("bytes=0-1", "bytes=" + "9" * 5000 + "-", "0-1", "Basic YTpi", "Bearer x",
                 OCI_INDEX, *MANIFEST_TYPES)
            ),
        ),
    ),
    max_size=3,
)  # fmt: skip
_values = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=4), st.just(_DIGEST)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(("digest", "mediaType", "urls")), inner, max_size=3),
    ),
    max_leaves=4,
)
_documents = st.dictionaries(
    st.sampled_from(("config", "layers", "manifests", "subject", "annotations", "artifactType")),
    _values,
).map(lambda fields: json.dumps({"schemaVersion": 2, **fields}).encode())
_bodies = st.one_of(
    st.binary(max_size=8), _documents, st.sampled_from((b"[" * 100_000, b"1" * 5000, b"{}"))
)
_requests = st.tuples(
    st.sampled_from(("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS")),
    _paths,
    _queries,
    _fields,
    _bodies,
)


@settings(max_examples=60)
@given(
    kind=st.sampled_from(("none", "basic", "bearer")),
    requests=st.lists(_requests, min_size=1, max_size=6),
)
@example(kind="bearer", requests=[("GET", "/v2/", "", [("Host", "\r")], b"")])
def test_every_request_gets_an_answer(
    kind: str, requests: list[tuple[str, str, str, list[tuple[str, str]], bytes]]
) -> None:
    """A status of the protocol, header fields on one line each, and a JSON error."""
    registry = FakeRegistry(
        auth=kind, users={} if kind == "none" else {"a": "b"}, verify_references=False
    )
    for method, path, query, fields, body in requests:
        answer = registry.handle(Request(method, f"{path}?{query}", Headers(fields), [body]))
        assert 200 <= answer.status < 500
        assert not any("\n" in value or "\r" in value for _, value in answer.headers)
        if answer.status >= 400 and method != "HEAD":
            assert json.loads(bytes(answer.body))["errors"][0]["code"].isupper()


@settings(max_examples=60)
@given(document=_bodies, media_type=st.sampled_from((OCI_MANIFEST, OCI_INDEX)))
def test_every_document_is_taken_or_refused(document: bytes, media_type: str) -> None:
    """What is taken can be listed, as a referrer too, and looked at."""
    registry = FakeRegistry(verify_references=False)
    put = Request("PUT", "/v2/app/manifests/1", Headers([("Content-Type", media_type)]), [document])
    if registry.handle(put).status == 201:
        manifest = registry.manifest("app:1")
        assert manifest.content == document
        referrers = registry.handle(
            Request("GET", f"/v2/app/referrers/{manifest.subject or _DIGEST}")
        )
        assert referrers.status == 200
