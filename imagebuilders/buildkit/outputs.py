"""What becomes of a build's result: an image of the daemon, archives, folders.

The attributes are those of `docker buildx build --output`:
https://docs.docker.com/build/exporters/
"""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING

from imagebuilders.build_options.image_details import Annotation
from imagebuilders.build_options.values import BuildOutput
from imagebuilders.buildkit.build import IMAGE_EXPORTERS, ExporterRequest
from imagebuilders.buildkit.session.file_send import (
    FileSend,
    FileTarget,
    FolderTarget,
    StreamTarget,
    Target,
)
from imagebuilders.exceptions import BuildOptionsError, ImageFormatError
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from imagebuilders.buildkit.session.content import ContentFolder
    from imagebuilders.oci.layout import ImageLayout

ENGINE_EXPORTER = "moby"
"""The exporter that puts an image into the engine's own store."""

DAEMON_EXPORTER = "image"
"""The exporter of a daemon of its own, which also pushes."""

_TYPES = ("docker", "image", "registry", "oci", "tar", "local", "cacheonly", "moby")
_STDOUT = "-"
_EXPORT_STORE = "export"
_NAMED = frozenset({"image", "docker", "oci", "moby"})


@dataclass(frozen=True)
class Outputs:
    """What is asked of the exporters, and where their results go.

    Attributes:
        exporters: what becomes of the result.
        targets: where the stream of an exporter goes, by the exporter's number.
        stores: folders that blobs are written to, by their names for the daemon.
        layouts: the folders whose index is still to be written.
    """

    exporters: Sequence[ExporterRequest] = ()
    targets: Mapping[int, Target] = field(default_factory=dict)
    stores: Mapping[str, ContentFolder] = field(default_factory=dict)
    layouts: Sequence[ImageLayout] = ()

    @cached_property
    def send(self) -> FileSend:
        """Receives what goes to the targets."""
        return FileSend(self.targets)

    @property
    def keeps_image(self) -> bool:
        """Whether the daemon has the image afterwards."""
        return any(exporter.type in IMAGE_EXPORTERS for exporter in self.exporters)

    @property
    def is_of_engine(self) -> bool:
        """Whether an engine has the image afterwards."""
        return any(exporter.type == ENGINE_EXPORTER for exporter in self.exporters)

    def finish(self, response: Mapping[str, str], names: Sequence[str]) -> None:
        """Write what is left to the client once the daemon is done.

        Args:
            response: what the exporters say of their results.
            names: the image's names.

        Raises:
            OSError, ImageBuilderError: it cannot be written, or the daemon's word is malformed.
        """
        if not self.layouts:
            return
        try:
            encoded = response.get("containerimage.descriptor", "")
            descriptor = json.loads(base64.b64decode(encoded, validate=True))
        except (ValueError, RecursionError) as error:
            raise ImageFormatError(
                "The daemon's word on the exported image is malformed."
            ) from error
        for layout in self.layouts:
            layout.add(descriptor, tuple(name.rpartition(":")[2] for name in names))


def plan_outputs(
    outputs: Sequence[BuildOutput],
    names: Sequence[str],
    *,
    is_index: bool = False,
    annotations: Sequence[Annotation] = (),
    exporter: str = ENGINE_EXPORTER,
    push: bool = False,
) -> Outputs:
    """Return what the outputs ask for; without any, the image is put into the daemon's store.

    Args:
        outputs: the outputs.
        names: the image's names; where there are any, those in the attributes of an output that
            does not keep its own do not count.
        is_index: whether the image has several platforms, or attestations.
        annotations: what is said of the image, whatever becomes of it.
        exporter: the daemon's exporter of images.
        push: whether that exporter is to push the image; it is added where no output asks for it.

    Raises:
        BuildOptionsError: an output is of an unknown type, lacks an attribute, or cannot be
            written where it says.
    """
    exporters: list[ExporterRequest] = []
    targets: dict[int, Target] = {}
    stores: dict[str, ContentFolder] = {}
    layouts: list[ImageLayout] = []
    used_stdout = False
    images = [output for output in outputs if _is_image(output)]
    added = [BuildOutput("image")] if not outputs or (push and not images) else []
    for output in [*outputs, *added]:
        attributes = dict(output.attributes)
        kind = output.type
        dest = attributes.pop("dest", "")
        if kind not in _TYPES:
            raise _wrong(f"there is no type {kind!r}; there are {', '.join(_TYPES)}")
        if kind == "cacheonly":
            continue
        if kind == "registry":
            kind, attributes["push"] = "image", "true"
        if _is_image(output):
            if exporter == DAEMON_EXPORTER and output.type == "docker" and not push:
                raise _wrong(
                    "type=docker without a dest is an image of a Docker Engine, and none builds "
                    "here: give a dest, or push with type=registry"
                )
            kind = exporter
            if push:
                attributes["push"] = "true"
        if kind in _NAMED and names and not output.keeps_name:
            attributes["name"] = ",".join(names)
        attributes.update((each.attribute, each.value) for each in annotations)
        _check(kind, attributes, is_index=is_index)
        request = ExporterRequest(kind, attributes)
        if kind in IMAGE_EXPORTERS and request in exporters:
            continue  # it is stored once
        number = len(exporters)
        exporters.append(request)
        if kind == "local":
            targets[number] = FolderTarget(_folder(dest, kind))
        elif kind == "oci" and attributes.get("tar") == "false":
            from imagebuilders.buildkit.session.content import ContentFolder
            from imagebuilders.oci.layout import ImageLayout

            folder = Path(_folder(dest, kind))
            stores[_EXPORT_STORE] = ContentFolder(folder, writable=True)
            layouts.append(ImageLayout(folder))
        elif kind in ("tar", "oci", "docker"):
            if dest in ("", _STDOUT):
                if used_stdout:
                    raise _wrong("two outputs cannot both go to standard output: give a dest")
                used_stdout = True
                targets[number] = StreamTarget(_standard_output())
            else:
                targets[number] = _file(dest)
    return Outputs(exporters, targets, stores, layouts)


def _is_image(output: BuildOutput) -> bool:
    """Whether an output is an image in the daemon's store."""
    attributes = dict(output.attributes)
    if output.type == "docker":
        return not attributes.get("dest") and "tar" not in attributes
    return output.type in ("image", "registry", ENGINE_EXPORTER)


def _check(kind: str, attributes: Mapping[str, str], *, is_index: bool) -> None:
    mode = attributes.get("mode", "copy") if kind == "local" else "copy"
    if mode == "delete":
        raise _wrong("mode=delete is not supported; empty the folder before the build")
    if mode != "copy":
        raise _wrong(f"there is no mode {mode!r} of an output of type 'local'")
    if kind == "docker" and attributes.get("tar") == "false":
        raise _wrong("type=docker makes no folder; type=oci does")
    if kind == "docker" and is_index:
        raise _wrong("type=docker has no place for several platforms or attestations; type=oci has")


def _folder(dest: str, kind: str) -> str:
    if dest in ("", _STDOUT):
        raise _wrong(f"an output of type {kind!r} needs a folder, as in type={kind},dest=out")
    if os.path.exists(dest) and not os.path.isdir(dest):
        raise _wrong(f"{dest!r}, where an output of type {kind!r} is to go, is not a folder")
    return dest


def _wrong(problem: str) -> BuildOptionsError:
    return BuildOptionsError(
        f"The option 'outputs' cannot be used: {problem}.",
        option="outputs",
        problems={"outputs": problem},
    )


def _standard_output() -> IO[bytes]:
    sys.stdout.flush()
    # The descriptor: what Python calls standard output may lead elsewhere.
    return open(1, "wb", closefd=False)


def _file(dest: str) -> FileTarget:
    if os.path.isdir(dest):
        raise _wrong(f"{dest!r}, where a file is to be written, is a folder")
    return FileTarget(dest)
