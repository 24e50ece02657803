"""The engine's side of the registry protocol (OCI Distribution, Docker Registry HTTP API V2).

Which requests follow one another is an engine's own, and so is no production code: it asks whether
there is a blob before and after it sends one, and goes on from what it has of a blob by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus
from types import TracebackType
from urllib.parse import urlencode, urlsplit

from imagebuilders.distribution.paging import next_link
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.media_types import (
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    OCI_INDEX,
    OCI_MANIFEST,
    essence,
)
from imagebuilders.oci.reference import ImageReference

from ...images.layers import digest_of
from .connection import Answer, RegistryConnection
from .credentials import Credentials
from .errors import Reason, RegistryError

_ACCEPT = ", ".join((DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, OCI_INDEX, OCI_MANIFEST))


class RegistryClient:
    """Talks to one repository of a registry over HTTP.

    Args:
        reference: the repository.
        credentials: what the client sent along for its registry.
        actions: the rights that are needed, as in `push,pull`.
        address: where its registry is, if that is not what the name says.
    """

    def __init__(
        self, reference: ImageReference, credentials: Credentials, actions: str, address: str = ""
    ) -> None:
        self._path = reference.path
        scopes = frozenset({f"repository:{reference.path}:{actions}"})
        self._connection = RegistryConnection(address or reference.domain, credentials, scopes)

    def __enter__(self) -> RegistryClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    @property
    def base(self) -> str:
        """The registry's URL."""
        return self._connection.base

    def ping(self) -> None:
        """See how the registry wants credentials.

        Raises:
            RegistryError: it does not answer.
        """
        self._connection.ping()

    def _url(self, rest: str) -> str:
        return f"{self.base}/v2/{self._path}/{rest}"

    # --- reading --------------------------------------------------------------

    def tags(self) -> list[str]:
        """Every tag of the repository, page after page.

        Raises:
            RegistryError: they are not for us, or there is no such repository.
        """
        found: list[str] = []
        url = self._url("tags/list")
        while url:
            answer = self._connection.ask("GET", url)
            if answer.status != HTTPStatus.OK:
                raise answer.refusal()
            found.extend(json.loads(answer.body).get("tags") or [])
            following = next_link(answer.response.headers("Link"))
            url = self._connection.resolve(answer.url, following)
        return found

    def resolve(self, tag: str) -> str:
        """The digest behind a tag; asked with HEAD, for reasons with GET.

        Raises:
            RegistryError: there is no such tag, or it is not for us.
        """
        answer = self._get_manifest("HEAD", tag)
        digest = answer.response.header("Docker-Content-Digest")
        if digest and not answer.is_error:
            return digest
        answer = self._get_manifest("GET", tag)
        if answer.is_error:
            raise answer.refusal()
        return answer.response.header("Docker-Content-Digest") or digest_of(answer.body)

    def manifest(self, name: str) -> tuple[bytes, str]:
        """A manifest's bytes and media type.

        Raises:
            RegistryError: when it is not there or not for us.
        """
        answer = self._get_manifest("GET", name)
        if answer.status != HTTPStatus.OK:
            raise answer.refusal()
        return answer.body, essence(answer.response.header("Content-Type"))

    def _get_manifest(self, method: str, name: str) -> Answer:
        return self._connection.ask(method, self._url(f"manifests/{name}"), {"Accept": _ACCEPT})

    def blob(self, digest: str, begun: bytes = b"") -> Iterator[bytes]:
        """The pieces of a blob.

        Args:
            digest: which one.
            begun: what of it is here already.

        Raises:
            RegistryError: when it is not there, or breaks off.
        """
        headers = {"Range": f"bytes={len(begun)}-"} if begun else {}
        yield from self._connection.pieces(self._url(f"blobs/{digest}"), headers)

    def vouches_for(self, digest: str) -> bool:  # noqa: ARG002  (a registry vouches for none)
        """Whether what is behind a digest is taken as it is: never, from a registry."""
        return False

    # --- writing --------------------------------------------------------------

    def find_blob(self, digest: str) -> Descriptor | None:
        """A blob the repository has, `None` when it has not.

        Raises:
            RegistryError: the registry does not say.
        """
        answer = self._connection.ask("HEAD", self._url(f"blobs/{digest}"))
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if answer.is_error:
            raise answer.refusal()
        return layer_blob(digest, int(answer.response.header("Content-Length") or 0))

    def begin_upload(self, mount: str = "", source: str = "") -> str | None:
        """Begin an upload; where it goes on, `None` when the blob was mounted instead.

        Args:
            mount: the digest of a blob that another repository has.
            source: the path of that repository.

        Raises:
            RegistryError: when the registry refuses.
        """
        query = "?" + urlencode({"from": source, "mount": mount}) if mount else ""
        answer = self._connection.ask("POST", self._url(f"blobs/uploads/{query}"))
        if answer.status == HTTPStatus.CREATED and mount:
            return None
        if answer.status != HTTPStatus.ACCEPTED:
            raise answer.refusal()
        return self._location(answer)

    def upload(self, location: str, digest: str, data: bytes) -> None:
        """Send a blob and finish its upload, then see whether it is there.

        Raises:
            RegistryError: when the registry refuses.
        """
        sent = self._connection.ask("PATCH", location, body=data)
        _check_upload(sent)
        location = self._location(sent) or location
        joint = "&" if urlsplit(location).query else "?"
        _check_upload(self._connection.ask("PUT", f"{location}{joint}digest={digest}"))
        if self.find_blob(digest) is None:
            raise RegistryError("unknown blob", final=True)

    def put_manifest(self, name: str, body: bytes, kind: str) -> None:
        """Store a manifest under a tag.

        Raises:
            RegistryError: when the registry refuses.
        """
        answer = self._connection.ask(
            "PUT", self._url(f"manifests/{name}"), {"Content-Type": kind}, body
        )
        if answer.is_error:
            raise answer.refusal()

    def _location(self, answer: Answer) -> str:
        return self._connection.resolve(answer.url, answer.response.header("Location"))


def layer_blob(digest: str, size: int) -> Descriptor:
    """A layer as a registry has it."""
    return Descriptor(DOCKER_LAYER_GZIP, Digest.parse(digest), size)


def missing(code: str) -> RegistryError:
    """The error of something that a registry does not have."""
    return RegistryError(str(Reason(code)), Reason(code))


def _check_upload(answer: Answer) -> None:
    if answer.status == HTTPStatus.NOT_FOUND:
        raise RegistryError("blob upload unknown")
    if answer.is_error:
        raise answer.refusal()
