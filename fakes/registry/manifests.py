"""Manifests: pushed, checked, pulled and deleted, exact bytes and exact type."""

from __future__ import annotations

import json
from dataclasses import dataclass

from imagebuilders.oci.digest import DEFAULT_ALGORITHM
from imagebuilders.oci.media_types import INDEX_TYPES, MANIFEST_TYPES
from imagebuilders.oci.reference import is_tag

from ..http.messages import Request, Response
from . import names
from .blobs import is_cached
from .collection import collect_untagged
from .errors import OciError
from .storage import Manifest, Storage

MANIFEST_LIMIT = 4 * 1024 * 1024
"""The most bytes a manifest may have: what the spec asks registries to take at least."""


@dataclass(frozen=True)
class ManifestPolicy:
    """What a registry asks of the manifests it takes.

    Attributes:
        verify_references: refuse a manifest whose blobs or manifests are not in the repository.
        limit: the most bytes of a manifest.
        keep_untagged: how many manifests of a repository are kept that nothing leads to any more;
            all of them for `None`.
        acknowledge_subject: tell the client that the registry keeps the list of referrers.
    """

    verify_references: bool = True
    limit: int = MANIFEST_LIMIT
    acknowledge_subject: bool = True
    keep_untagged: int | None = None


class ManifestEndpoints:
    """`/v2/<name>/manifests/<tag or digest>`."""

    def __init__(self, storage: Storage, policy: ManifestPolicy) -> None:
        self._storage = storage
        self._policy = policy

    def get(self, request: Request, name: str, target: str) -> Response:
        """GET and HEAD."""
        _check_target(target)
        manifest = self._storage.manifest(name, target)
        fields = {
            "Content-Type": manifest.media_type,
            "Docker-Content-Digest": manifest.digest,
            "Etag": f'"{manifest.digest}"',
        }
        if is_cached(request, manifest.digest):
            return Response.of(304, fields)
        return Response.of(200, fields, manifest.content)

    def put(
        self, request: Request, name: str, target: str, *, immutable_tags: bool = False
    ) -> Response:
        """PUT: under a tag, or under a digest with as many `?tag=` as wanted."""
        _check_target(target)
        by_digest = names.is_digest(target)
        extra_tags = request.parameters("tag") if by_digest else []
        for tag in extra_tags:
            if not is_tag(tag):
                raise OciError("TAG_INVALID", {"tag": tag})
        content = self._read(request)
        algorithm = target.partition(":")[0] if by_digest else DEFAULT_ALGORITHM
        digest = names.digest_of(content, algorithm)
        if by_digest and digest != target:
            raise OciError("DIGEST_INVALID", {"expected": target, "actual": digest})
        media_type = request.headers.get("Content-Type").partition(";")[0].strip()
        manifest = Manifest(name, digest, media_type, content)
        with self._storage.lock:
            self._check(manifest)
            tags = list(dict.fromkeys(extra_tags if by_digest else [target]))
            if immutable_tags:
                self._check_tags_are_new(manifest, tags)
            self._storage.put_manifest(manifest, tags)
            if self._policy.keep_untagged is not None:
                collect_untagged(self._storage, name, self._policy.keep_untagged)
        response = Response.of(
            201,
            {
                "Location": f"{request.base_url}/v2/{name}/manifests/{digest}",
                "Docker-Content-Digest": digest,
            },
        )
        for tag in extra_tags:
            response.headers.add("OCI-Tag", tag)
        if manifest.subject and self._policy.acknowledge_subject:
            response.headers.add("OCI-Subject", manifest.subject)
        return response

    def delete(self, name: str, target: str) -> Response:
        """DELETE: a tag alone, or by digest the manifest and its tags."""
        _check_target(target)
        if names.is_digest(target):
            self._storage.delete_manifest(name, target)
        else:
            self._storage.delete_tag(name, target)
        return Response.of(202)

    def _read(self, request: Request) -> bytes:
        content = bytearray()
        for chunk in request.body:
            content += chunk
            if len(content) > self._policy.limit:
                raise OciError(
                    "MANIFEST_INVALID",
                    {"limit": self._policy.limit},
                    message="manifest too large",
                    status=413,
                )
        return bytes(content)

    def _check(self, manifest: Manifest) -> None:
        media_type = manifest.media_type
        if media_type not in MANIFEST_TYPES | INDEX_TYPES:
            raise OciError("MANIFEST_INVALID", {"Content-Type": media_type}, message="unknown type")
        try:
            document = json.loads(manifest.content)
        except (ValueError, RecursionError) as error:
            raise OciError("MANIFEST_INVALID", {"json": str(error)}) from error
        if not isinstance(document, dict) or document.get("schemaVersion") != 2:
            raise OciError("MANIFEST_INVALID", message="no manifest of schema version 2")
        stated = document.get("mediaType")
        if stated is not None and stated != media_type:
            raise OciError("MANIFEST_INVALID", {"mediaType": stated, "Content-Type": media_type})
        if document.get("subject") is not None:
            self._check_shape(document, {"subject": dict})
        if manifest.is_index:
            self._check_shape(document, {"manifests": list})
        else:
            self._check_shape(document, {"config": dict, "layers": list})
        if self._policy.verify_references:
            self._check_references(manifest)

    @staticmethod
    def _check_shape(document: dict[str, object], required: dict[str, type]) -> None:
        """Each descriptor must have a digest; a list may be absent or null, as Go writes it."""
        for key, kind in required.items():
            value = document.get(key)
            if kind is list and value is None:
                continue
            if not isinstance(value, kind):
                raise OciError("MANIFEST_INVALID", {"field": key})
            for entry in value if isinstance(value, list) else [value]:
                digest = entry.get("digest") if isinstance(entry, dict) else None
                if not isinstance(digest, str) or not names.is_digest(digest):
                    raise OciError("MANIFEST_INVALID", {"field": key, "digest": digest})

    def _check_references(self, manifest: Manifest) -> None:
        repository = self._storage.repositories.get(manifest.repository)
        blobs = repository.blobs if repository else {}
        manifests = repository.manifests if repository else {}
        if manifest.is_index:
            missing = [
                entry["digest"]
                for entry in manifest.descriptors("manifests")
                if entry["digest"] not in manifests and entry["digest"] not in blobs
            ]
        else:
            needed = manifest.descriptors("config") + [
                layer for layer in manifest.descriptors("layers") if not _is_foreign(layer)
            ]
            missing = [entry["digest"] for entry in needed if entry["digest"] not in blobs]
        if missing:
            details = [{"digest": digest} for digest in missing]
            raise OciError("MANIFEST_BLOB_UNKNOWN", details[0], more=tuple(details[1:]))

    def _check_tags_are_new(self, manifest: Manifest, tags: list[str]) -> None:
        repository = self._storage.repositories.get(manifest.repository)
        for tag in tags:
            current = repository.tags.get(tag) if repository else None
            if current is not None and current != manifest.digest:
                raise OciError(
                    "DENIED", {"tag": tag}, message="the tag exists and tags are immutable here"
                )


def _is_foreign(layer: object) -> bool:
    """Whether a layer may be kept elsewhere: non-distributable ones need not be pushed."""
    if not isinstance(layer, dict):
        return False
    media_type = str(layer.get("mediaType", ""))
    return "nondistributable" in media_type or "foreign" in media_type or bool(layer.get("urls"))


def _check_target(target: str) -> None:
    if ":" in target:
        if not names.is_digest(target):
            raise OciError("DIGEST_INVALID", {"digest": target}, message="malformed digest")
    elif not is_tag(target):
        raise OciError("TAG_INVALID", {"tag": target}, message="malformed tag")
