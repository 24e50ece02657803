"""Manifests and listings of registries that are odd or hostile."""

from __future__ import annotations

import json

import pytest
from registry_clients import ClientFactory, Reply, ScriptedTransport, Sent, scripted_repository

from fakes import FakeRegistry
from imagebuilders.distribution import Repository
from imagebuilders.distribution.paging import next_link
from imagebuilders.exceptions import (
    DigestMismatchError,
    ImageFormatError,
    RegistryContentError,
    RegistryNotFoundError,
)
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.json_document import MAX_DOCUMENT_BYTES
from imagebuilders.oci.media_types import OCI_MANIFEST

_BODY = b'{"schemaVersion":2}'
_DIGEST = Digest.of(_BODY)
_FIELDS = {"Content-Type": f"{OCI_MANIFEST}; charset=utf-8"}
_NAMED = {**_FIELDS, "Docker-Content-Digest": str(_DIGEST)}


def test_a_tag_is_resolved_by_head(fake_registry: FakeRegistry, repository: Repository) -> None:
    """The manifest is not read."""
    seeded = fake_registry.seed("team/app:1", files={"/a": "b"})
    assert repository.resolve("1") == Descriptor(
        seeded.media_type, Digest.parse(seeded.digest), seeded.size
    )
    assert [sent.method for sent in fake_registry.requests if "manifests" in sent.path] == ["HEAD"]


@pytest.mark.parametrize(
    "head",
    [
        Reply(405),
        Reply(404),
        Reply(500),
        Reply(200, _FIELDS, _BODY),
        Reply(200, {"Docker-Content-Digest": str(_DIGEST)}, _BODY),
        Reply(200, {**_NAMED, "Content-Length": "x"}, _BODY),
        ConnectionResetError(),
    ],
    ids=["405", "404", "500", "digest", "type", "length", "cut"],
)
def test_a_registry_without_head_is_asked_by_get(head: Reply | Exception) -> None:
    """Or one whose HEAD does not tell all."""
    transport = ScriptedTransport(
        lambda sent: head if sent.method == "HEAD" else Reply(200, _FIELDS, _BODY)
    )
    found = scripted_repository(transport).resolve("1")
    assert found == Descriptor(OCI_MANIFEST, _DIGEST, len(_BODY))
    assert [sent.method for sent in transport.sent] == ["HEAD", "GET"]


@pytest.mark.parametrize(
    ("reference", "headers"),
    [
        (str(Digest.of(b"other")), _FIELDS),
        (str(Digest.of(b"other")), _NAMED),
        ("1", {**_FIELDS, "Docker-Content-Digest": str(Digest.of(b"other"))}),
        ("1", {**_FIELDS, "Docker-Content-Digest": str(Digest.of(b"other", "sha512"))}),
    ],
)
def test_a_manifest_with_another_digest_is_refused(reference: str, headers: dict[str, str]) -> None:
    """Whether the registry or the caller named it."""
    transport = ScriptedTransport(lambda _: Reply(200, headers, _BODY))
    with pytest.raises(RegistryContentError, match="is not what it should be"):
        scripted_repository(transport).read_manifest(reference)


def test_a_corrupted_manifest_is_refused(
    fake_registry: FakeRegistry, repository: Repository
) -> None:
    """One byte is enough."""
    fake_registry.seed("team/app:1", files={"/a": "b"})
    fake_registry.faults.corrupt("1")
    with pytest.raises(RegistryContentError):
        repository.read_manifest("1")


def test_a_registry_that_names_no_digest_is_believed() -> None:
    """The digest is computed then."""
    transport = ScriptedTransport(lambda _: Reply(200, _FIELDS, _BODY))
    stored = scripted_repository(transport).read_manifest("1")
    assert stored.descriptor == Descriptor(OCI_MANIFEST, _DIGEST, len(_BODY))


def test_another_algorithm_is_kept(repository: Repository) -> None:
    """The caller chooses it."""
    digest = Digest.of(b"{}", "sha512")
    repository.upload_blob(b"{}")
    content = json.dumps(
        {
            "schemaVersion": 2,
            "config": {"mediaType": "x/y", "digest": str(Digest.of(b"{}")), "size": 2},
            "layers": [],
        }
    ).encode()
    digest = Digest.of(content, "sha512")
    assert repository.write_manifest(content, OCI_MANIFEST, digest) == digest
    assert repository.read_manifest(digest).descriptor.digest == digest
    assert repository.resolve(digest).digest == digest


def test_a_huge_manifest_is_refused() -> None:
    """It is not read to its end."""
    transport = ScriptedTransport(lambda _: Reply(200, _FIELDS, b" " * (MAX_DOCUMENT_BYTES + 1)))
    with pytest.raises(RegistryContentError, match="more than 4194304 bytes"):
        scripted_repository(transport).read_manifest("1")


def test_a_manifest_that_says_something_else_is_refused() -> None:
    """Its type is that of the response."""
    body = json.dumps({"schemaVersion": 2, "mediaType": "a/b"}).encode()
    transport = ScriptedTransport(lambda _: Reply(200, _FIELDS, body))
    stored = scripted_repository(transport).read_manifest("1")
    with pytest.raises(ImageFormatError, match="and came as"):
        stored.parse()


def test_content_under_a_wrong_digest_is_not_written() -> None:
    """It would be refused."""
    transport = ScriptedTransport(lambda _: Reply(201))
    with pytest.raises(DigestMismatchError):
        scripted_repository(transport).write_manifest(b"{}", OCI_MANIFEST, _DIGEST)
    assert transport.sent == []


def test_a_registry_that_stores_something_else_is_told() -> None:
    """By the digest that it answers with."""
    transport = ScriptedTransport(lambda _: Reply(201, {"Docker-Content-Digest": str(_DIGEST)}))
    with pytest.raises(RegistryContentError, match="has other content under its name"):
        scripted_repository(transport).write_manifest(b"{}", OCI_MANIFEST, "1")


def test_a_tag_is_deleted_alone(fake_registry: FakeRegistry, repository: Repository) -> None:
    """Where the registry does so; its manifest stays."""
    digest = fake_registry.seed("team/app:1", files={"/a": "b"}).digest
    repository.delete_manifest("1")
    with pytest.raises(RegistryNotFoundError):
        repository.delete_manifest("1")
    assert str(repository.resolve(digest).digest) == digest


# --- pages ---------------------------------------------------------------------------


def test_pages_are_read_when_they_are_needed(
    fake_registry_factory: type[FakeRegistry], new_client: ClientFactory
) -> None:
    """And no sooner."""
    registry = fake_registry_factory(page_size=2)
    for number in range(5):
        registry.seed(f"team/app:{number}", files={"/a": "b"})
    tags = new_client(registry).repository("team/app").tags()
    assert [next(tags), next(tags)] == ["0", "1"]
    assert sum("tags" in sent.path for sent in registry.requests) == 1
    assert list(tags) == ["2", "3", "4"]
    assert sum("tags" in sent.path for sent in registry.requests) == 3


@pytest.mark.parametrize(
    ("values", "target"),
    [
        (['</v2/a?n=2>; rel="next"'], "/v2/a?n=2"),
        (["</a>; rel=next"], "/a"),
        (["</a>;REL=Next ;title=x"], "/a"),
        (['</a>; rel="prev next"'], "/a"),
        (['</a>; rel="prev", </b>; rel="next"'], "/b"),
        (['</a>; rel="prev"', '</b>; title="t"; rel="next"'], "/b"),
        (['</a>; rel="nextish"'], ""),
        (["</a>"], ""),
        (["/a; rel=next"], ""),
        ([""], ""),
        ([], ""),
    ],
)
def test_the_link_to_the_next_page_is_found(values: list[str], target: str) -> None:
    """As RFC 8288 has it."""
    assert next_link(values) == target


@pytest.mark.parametrize("link", ["</v2/team/app/tags/list>", "<?n=1>"])
def test_pages_in_a_circle_end(link: str) -> None:
    """With an error."""
    reply = Reply(headers={"Link": f'{link}; rel="next"'}, body=b'{"tags":["1"]}')
    with pytest.raises(RegistryContentError, match="do not end"):
        list(scripted_repository(ScriptedTransport(lambda _: reply)).tags())


def test_pages_do_not_lead_out_of_tls() -> None:
    """A link is not followed wherever it leads."""
    reply = Reply(headers={"Link": '<http://evil.example/>; rel="next"'}, body=b'{"tags":[]}')
    with pytest.raises(RegistryContentError, match="without TLS"):
        list(scripted_repository(ScriptedTransport(lambda _: reply)).tags())


@pytest.mark.parametrize("body", [b"", b"[]", b'{"tags":"1"}', b'{"tags":[1]}'])
def test_a_page_that_cannot_be_used_is_told(body: bytes) -> None:
    """With where it came from."""
    transport = ScriptedTransport(lambda _: Reply(body=body))
    with pytest.raises(RegistryContentError, match="/v2/team/app/tags/list: The listing"):
        list(scripted_repository(transport).tags())


def test_no_tags_may_be_null() -> None:
    """As Go writes an empty list."""
    transport = ScriptedTransport(lambda _: Reply(body=b'{"name":"team/app","tags":null}'))
    assert list(scripted_repository(transport).tags()) == []


def test_a_page_size_is_asked_for() -> None:
    """As a number."""

    def answer(sent: Sent) -> Reply:
        assert sent.url.endswith("/tags/list?n=7")
        return Reply(body=b'{"tags":[]}')

    assert list(scripted_repository(ScriptedTransport(answer)).tags(page_size=7)) == []
