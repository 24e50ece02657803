"""Media types of images, as OCI and as Docker name them.

https://github.com/opencontainers/image-spec/blob/main/media-types.md
https://github.com/distribution/distribution/blob/main/docs/content/spec/manifest-v2-2.md
"""

from __future__ import annotations

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
"""The type of the document `{}`, where a descriptor is needed and there is nothing to describe."""

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_LAYER_ZSTD = "application/vnd.docker.image.rootfs.diff.tar.zstd"

MANIFEST_TYPES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
"""An image for one platform: a configuration and layers."""
INDEX_TYPES = frozenset({OCI_INDEX, DOCKER_MANIFEST_LIST})
"""A list of manifests, such as one for each platform."""
CONFIG_TYPES = frozenset({OCI_CONFIG, DOCKER_CONFIG})


def essence(content_type: str) -> str:
    """Return a `Content-Type` without its parameters, in lower case (RFC 9110, 8.3)."""
    return content_type.partition(";")[0].strip().lower()


def is_nondistributable(media_type: str) -> bool:
    """Whether a layer of this type may be missing in a registry ("foreign" in Docker's words)."""
    return ".nondistributable." in media_type or ".foreign." in media_type
