"""The forms of layers that exporters write: how they are compressed, and their media types.

https://github.com/moby/buildkit#imageregistry (`compression`, `force-compression`)
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.go_text import BOOLEANS
from imagebuilders.oci.compression import Compression, detect
from imagebuilders.oci.media_types import (
    DOCKER_LAYER,
    DOCKER_LAYER_GZIP,
    DOCKER_LAYER_ZSTD,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_LAYER_ZSTD,
)

from ... import go_text
from .zstd_frames import zstd_frame

if TYPE_CHECKING:
    from ...images.layers import Layer

_KINDS = {
    "gzip": Compression.GZIP,
    "uncompressed": Compression.NONE,
    "zstd": Compression.ZSTD,
    "estargz": Compression.GZIP,
}
_OCI_TYPES = {Compression.GZIP: OCI_LAYER_GZIP, Compression.ZSTD: OCI_LAYER_ZSTD}
_DOCKER_TYPES = {Compression.GZIP: DOCKER_LAYER_GZIP, Compression.ZSTD: DOCKER_LAYER_ZSTD}


class LayerBlobs:
    """Gives layers the forms that an exporter was asked for.

    Args:
        attributes: of the exporter.

    Raises:
        CallError: they ask for what there is not.
    """

    def __init__(self, attributes: Mapping[str, str]) -> None:
        wanted = attributes.get("compression", "gzip")
        if wanted not in _KINDS:
            raise _refused(f"unsupported compression type {wanted}")
        self._kind = _KINDS[wanted]
        self._is_forced = _boolean(attributes, "force-compression")
        _check_number(attributes, "compression-level")

    def of(self, layer: Layer) -> bytes:
        """Return a layer's form: the one that it has, unless another one is forced.

        The first form that is made of a layer is the one that it has from then on.
        """
        known = layer.blob
        if known is not None and (not self._is_forced or detect(known) is self._kind):
            return known
        made = self._made(layer)
        if known is None:
            layer.blob = made
        return made

    def _made(self, layer: Layer) -> bytes:
        if self._kind is Compression.NONE:
            return layer.content
        if self._kind is Compression.ZSTD:
            return zstd_frame(layer.content)
        if layer.blob is None:
            return layer.compressed
        return gzip.compress(layer.content, compresslevel=6, mtime=0)


def media_type(blob: bytes, *, is_docker: bool) -> str:
    """Return the media type of a layer's form."""
    kind = detect(blob)
    if is_docker:
        return _DOCKER_TYPES.get(kind, DOCKER_LAYER)
    return _OCI_TYPES.get(kind, OCI_LAYER)


def _boolean(attributes: Mapping[str, str], name: str) -> bool:
    text = attributes.get(name, "false") or "true"
    if text not in BOOLEANS:
        reason = f"strconv.ParseBool: parsing {go_text.quote(text)}: invalid syntax"
        raise _refused(f"non-bool value {text} specified for {name}: {reason}")
    return BOOLEANS[text]


def _check_number(attributes: Mapping[str, str], name: str) -> None:
    text = attributes.get(name, "0")
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        reason = f"strconv.ParseInt: parsing {go_text.quote(text)}: invalid syntax"
        raise _refused(f"non-integer value {text} specified for {name}: {reason}")


def _refused(words: str) -> CallError:
    return CallError(RpcStatus(Code.UNKNOWN, words))
