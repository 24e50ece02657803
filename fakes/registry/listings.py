"""Listings: tags, repositories and referrers, with pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote, urlencode

from imagebuilders.oci.media_types import OCI_INDEX

from ..http.messages import Request, Response
from . import names
from .errors import OciError
from .storage import Manifest, Storage

_COUNT = re.compile(r"[0-9]{1,18}")


class ListingEndpoints:
    """`/v2/<name>/tags/list`, `/v2/_catalog` and `/v2/<name>/referrers/<digest>`.

    Args:
        storage: what is listed.
        page_size: the most entries of one answer; `None` answers with all that was asked for.
    """

    def __init__(self, storage: Storage, page_size: int | None = None) -> None:
        self._storage = storage
        self._page_size = page_size

    def tags(self, request: Request, name: str) -> Response:
        """GET of the tags, bytewise sorted."""
        with self._storage.lock:
            found = sorted(self._storage.known(name).tags)
        page, link = self._page(request, found)
        return Response.json(200, {"name": name, "tags": page}, link)

    def catalog(self, request: Request) -> Response:
        """GET of the repositories: not in the spec, but clients ask for it."""
        with self._storage.lock:
            found = sorted(self._storage.repositories)
        page, link = self._page(request, found)
        return Response.json(200, {"repositories": page}, link)

    def referrers(self, request: Request, name: str, digest: str) -> Response:
        """GET of what names `digest` as its subject, as an image index."""
        if not names.is_digest(digest):
            raise OciError("DIGEST_INVALID", {"digest": digest}, message="malformed digest")
        with self._storage.lock:
            repository = self._storage.repositories.get(name)
            manifests = list(repository.manifests.values()) if repository else []
        found = {
            manifest.digest: _descriptor(manifest)
            for manifest in manifests
            if manifest.subject == digest
        }
        fields: dict[str, str] = {}
        wanted = request.parameter("artifactType")
        if wanted:
            found = {d: e for d, e in found.items() if e.get("artifactType") == wanted}
            fields["OCI-Filters-Applied"] = "artifactType"
        page, link = self._page(request, sorted(found))
        index = {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [found[entry] for entry in page],
        }
        return Response.json(200, index, fields | link, OCI_INDEX)

    def _page(self, request: Request, found: Sequence[str]) -> tuple[list[str], dict[str, str]]:
        """The part of `found` that was asked for, and the Link to the next part."""
        last = request.parameter("last")
        rest = [entry for entry in found if entry > last]
        count = _count(request.parameter("n"))
        size = min((x for x in (count, self._page_size) if x is not None), default=None)
        if size is None or len(rest) <= size:
            return rest, {}
        page = rest[:size]
        if not page:
            return page, {}
        others = {k: request.parameter(k) for k in ("artifactType",) if request.parameter(k)}
        query = urlencode({**others, "last": page[-1], "n": size}, quote_via=quote)
        path = request.target.partition("?")[0]
        return page, {"Link": f'<{path}?{query}>; rel="next"'}


def _count(text: str) -> int | None:
    if not text:
        return None
    if not _COUNT.fullmatch(text):
        raise OciError("PAGINATION_NUMBER_INVALID", {"n": text})
    return int(text)


def _descriptor(manifest: Manifest) -> dict[str, object]:
    document = manifest.document
    descriptor: dict[str, object] = {
        "mediaType": manifest.media_type,
        "digest": manifest.digest,
        "size": manifest.size,
    }
    artifact_type = document.get("artifactType")
    if not artifact_type and not manifest.is_index:
        config = document.get("config")
        artifact_type = config.get("mediaType") if isinstance(config, dict) else None
    if artifact_type:
        descriptor["artifactType"] = artifact_type
    annotations = document.get("annotations")
    if annotations:
        descriptor["annotations"] = annotations
    return descriptor
