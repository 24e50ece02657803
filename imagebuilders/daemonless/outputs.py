"""What becomes of an image that is built without a daemon."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.image_details import Annotation
from imagebuilders.build_options.parsing import parse_switch
from imagebuilders.build_options.values import BuildOutput
from imagebuilders.daemonless.layer_compression import LayerCompression, check_compression
from imagebuilders.exceptions import BuildOptionsError
from imagebuilders.lazy_dataclass import dataclass

STDOUT = "-"
_KNOWN = frozenset({"dest", "tar", "name", "push", "compression", "oci-mediatypes"})
_ANNOTATION = re.compile(
    r"annotation(?:-(?P<kind>manifest|index|manifest-descriptor|index-descriptor))?"
    r"(?:\[(?P<platform>[A-Za-z0-9_/-]+)\])?\.(?P<key>.+)"
)
_TYPES = ("oci", "docker", "image", "registry")


@dataclass(frozen=True)
class FileOutput:
    """An image that is written to this machine's disk.

    Attributes:
        kind: `oci` or `docker`.
        dest: the file or folder; `-` for standard output.
        is_archive: it is a tar.
    """

    kind: str
    dest: str
    is_archive: bool = True


@dataclass(frozen=True)
class PlannedOutputs:
    """What is to become of an image.

    Attributes:
        files: where it is written on this machine.
        pushes: an output asks for a push.
        compression: what new layers are compressed with.
        annotations: what outputs say of the image.
    """

    files: tuple[FileOutput, ...]
    pushes: bool
    compression: LayerCompression
    annotations: tuple[Annotation, ...] = ()


def plan_outputs(options: DockerBuildOptions, compression: LayerCompression) -> PlannedOutputs:
    """Return what the option `outputs` asks for.

    Args:
        options: the options.
        compression: the one that counts where no output names one.

    Raises:
        BuildOptionsError: an output cannot be made without a daemon, or not where it says.
        ConfigurationError: this Python has no zstd.
    """
    files: list[FileOutput] = []
    pushes = False
    named: set[LayerCompression] = set()
    annotations: list[Annotation] = []
    for output in options.outputs:
        attributes = dict(output.attributes)
        _check(output, attributes)
        annotations += _annotations(attributes)
        if "compression" in attributes:
            named.add(_compression(attributes["compression"]))
        if output.type in ("oci", "docker"):
            files.append(_file(output.type, attributes))
        elif output.type == "registry" or parse_switch(attributes.get("push", "false")):
            pushes = True
    if len(named) > 1:
        raise _wrong("all outputs have the same layers: name one compression")
    if sum(file.dest == STDOUT for file in files) > 1:
        raise _wrong("two outputs cannot both go to standard output: give a dest")
    chosen = named.pop() if named else compression
    check_compression(chosen)
    return PlannedOutputs(tuple(files), pushes, chosen, tuple(annotations))


def _check(output: BuildOutput, attributes: Mapping[str, str]) -> None:
    if output.type not in _TYPES:
        raise _wrong(
            f"an output of type {output.type!r} is not made without a daemon; there are "
            f"{', '.join(_TYPES)}"
        )
    for name in attributes:
        if name not in _KNOWN and not name.startswith("annotation"):
            raise _wrong(f"the attribute {name!r} has no meaning without a daemon")
    if parse_switch(attributes.get("oci-mediatypes", "true")) is not True:
        raise _wrong("images are built with OCI's media types alone: oci-mediatypes is true")


def _annotations(attributes: Mapping[str, str]) -> Iterator[Annotation]:
    """Yield what the attributes `annotation[-KIND][[PLATFORM]].KEY` say."""
    for name, value in attributes.items():
        found = _ANNOTATION.fullmatch(name)
        if found is not None:
            yield Annotation(found["key"], value, found["kind"] or "", found["platform"] or "")
        elif name.startswith("annotation"):
            raise _wrong(f"{name!r} is no annotation: write annotation.KEY=VALUE")


def _compression(text: str) -> LayerCompression:
    try:
        return LayerCompression(text)
    except ValueError:
        known = ", ".join(kind.value for kind in LayerCompression)
        raise _wrong(f"there is no compression {text!r} here; there are {known}") from None


def _file(kind: str, attributes: Mapping[str, str]) -> FileOutput:
    dest = attributes.get("dest", "") or STDOUT
    is_archive = parse_switch(attributes.get("tar", "true")) is not False
    if is_archive:
        if os.path.isdir(dest):
            raise _wrong(f"{dest!r}, where a file is to be written, is a folder")
        if dest != STDOUT and not Path(dest).absolute().parent.is_dir():
            raise _wrong(f"there is no folder {str(Path(dest).absolute().parent)!r} to write into")
        return FileOutput(kind, dest)
    if kind == "docker":
        raise _wrong("type=docker makes no folder; type=oci does")
    if dest == STDOUT:
        raise _wrong("an image layout needs a folder, as in type=oci,tar=false,dest=out")
    if os.path.exists(dest) and not os.path.isdir(dest):
        raise _wrong(f"{dest!r}, where an image layout is to go, is not a folder")
    return FileOutput(kind, dest, is_archive=False)


def check_archives(outputs: Sequence[FileOutput], *, is_index: bool) -> None:
    """See whether the image fits into the outputs.

    Raises:
        BuildOptionsError: an output has no place for an index.
    """
    if is_index and any(output.kind == "docker" for output in outputs):
        raise _wrong("type=docker has no place for several platforms or attestations; type=oci has")


def _wrong(problem: str) -> BuildOptionsError:
    return BuildOptionsError(
        f"The option 'outputs' cannot be used: {problem}.",
        option="outputs",
        problems={"outputs": problem},
    )
