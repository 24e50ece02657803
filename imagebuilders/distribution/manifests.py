"""Manifests of one repository: resolved, read, written and deleted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import field

from imagebuilders.distribution.session import RegistrySession
from imagebuilders.distribution.transport import Response
from imagebuilders.exceptions import (
    DigestMismatchError,
    ImageFormatError,
    ImageNameError,
    RegistryConnectionError,
    RegistryContentError,
    RegistryError,
)
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import Digest, is_digest
from imagebuilders.oci.json_document import MAX_DOCUMENT_BYTES
from imagebuilders.oci.manifest import Index, Manifest, parse_manifest
from imagebuilders.oci.media_types import (
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    OCI_INDEX,
    OCI_MANIFEST,
    essence,
)
from imagebuilders.oci.reference import is_tag

ALL_MANIFEST_TYPES = (OCI_INDEX, DOCKER_MANIFEST_LIST, OCI_MANIFEST, DOCKER_MANIFEST)


@dataclass(frozen=True)
class StoredManifest:
    """A manifest or an index as a registry has it.

    Attributes:
        descriptor: its media type, digest and size.
        content: its exact bytes.
    """

    descriptor: Descriptor
    content: bytes = field(repr=False)

    def parse(self) -> Manifest | Index:
        """Return what the content says.

        Raises:
            ImageFormatError: it is malformed.
        """
        return parse_manifest(self.content, self.descriptor.media_type)


class ManifestTarget:
    """One tag or digest of a repository.

    Args:
        session: sends requests.
        path: the repository.
        reference: the tag or the digest.

    Raises:
        ImageNameError: `reference` is neither.
    """

    def __init__(self, session: RegistrySession, path: str, reference: str | Digest) -> None:
        text = str(reference)
        repository = f"{session.registry}/{path}"
        self._digest = Digest.parse(text) if is_digest(text) else None
        if self._digest is None and not is_tag(text):
            raise ImageNameError(
                f"{text!a} is neither a tag nor a digest.", image_name=f"{repository}:{text}"
            )
        self._session = session
        self._name = f"{repository}{':' if self._digest is None else '@'}{text}"
        self._target = f"/v2/{path}/manifests/{text}"

    def resolve(self, scopes: frozenset[str]) -> Descriptor:
        """Ask with HEAD, and with GET where that does not tell all; see `Repository.resolve`."""
        what = f"{self._name} was not resolved"
        try:
            with self._ask("HEAD", ALL_MANIFEST_TYPES, what, scopes, retry=False) as response:
                found = self._described(response)
        except RegistryError as error:
            if isinstance(error, RegistryConnectionError) and not error.is_transient:
                raise
            # Not every registry knows HEAD here, and none says by it what is wrong.
            found = None
        return found or self.read(ALL_MANIFEST_TYPES, scopes).descriptor

    def read(self, media_types: Collection[str], scopes: frozenset[str]) -> StoredManifest:
        """See `Repository.read_manifest`."""
        what = f"{self._name} was not read"
        with self._ask("GET", media_types, what, scopes) as response:
            content = response.read(MAX_DOCUMENT_BYTES)
            media_type = essence(response.header("Content-Type"))
            expected = self._expected(response)
        if expected is not None:
            try:
                expected.verify(content)
            except DigestMismatchError as error:
                raise self._unusable(f"{what}: {error}") from error
        digest = expected or Digest.of(content)
        return StoredManifest(Descriptor(media_type, digest, len(content)), content)

    def write(self, content: bytes, media_type: str, scopes: frozenset[str]) -> Digest:
        """See `Repository.write_manifest`."""
        digest = self._digest or Digest.of(content)
        digest.verify(content)
        what = f"{self._name} was not written"
        with self._session.request(
            "PUT",
            self._target,
            what=what,
            accept={200, 201},
            scopes=scopes,
            headers={"Content-Type": media_type},
            body=content,
        ) as response:
            stored = response.header("Docker-Content-Digest")
        if stored.partition(":")[0] == digest.algorithm and stored != str(digest):
            raise self._unusable(f"{what}: the registry has other content under its name.")
        return digest

    def delete(self, scopes: frozenset[str]) -> None:
        """See `Repository.delete_manifest`."""
        with self._session.request(
            "DELETE",
            self._target,
            what=f"{self._name} was not deleted",
            accept={200, 202, 204},
            scopes=scopes,
        ):
            pass

    def _ask(
        self,
        method: str,
        media_types: Collection[str],
        what: str,
        scopes: frozenset[str],
        *,
        retry: bool = True,
    ) -> Response:
        return self._session.request(
            method,
            self._target,
            what=what,
            accept={200},
            scopes=scopes,
            headers={"Accept": ", ".join(media_types)},
            retry=retry,
        )

    def _expected(self, response: Response) -> Digest | None:
        """Return the digest that a response's content must have; `None` when nobody says."""
        if self._digest is not None:
            return self._digest
        stated = response.header("Docker-Content-Digest")
        try:
            return Digest.parse(stated) if stated else None
        except ImageFormatError as error:
            raise self._unusable(f"{self._name}: {error}") from error

    def _described(self, response: Response) -> Descriptor | None:
        """Return what a HEAD says; `None` when it does not say all."""
        digest = self._expected(response)
        media_type = essence(response.header("Content-Type"))
        length = response.header("Content-Length")
        is_known = length.isascii() and length.isdigit() and len(length) <= 18
        if digest is None or not media_type or not is_known:
            return None
        return Descriptor(media_type, digest, int(length))

    def _unusable(self, message: str) -> RegistryContentError:
        return RegistryContentError(message, registry=self._session.registry)
