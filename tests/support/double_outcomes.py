"""What the BuildKit doubles make of Dockerfiles, through the client, in the form of outcomes.

The form is that of `tests/data/buildkit_cases`; see `buildkit_cases` and `engine_outcomes`.
"""

from __future__ import annotations

import gzip
import io
import json
import secrets
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from buildkit_cases import Case, Look, Outcome, bases, config_of
from buildkit_contract import Connector
from buildkit_execution import layer_archive
from engine_outcomes import (
    attributes_of,
    base_labels,
    described_image,
    folders_of,
    normalised,
    warning_of,
)

from fakes import FakeBuildKit, FakeDockerEngine
from fakes.buildkit import ScriptedBuildKit
from fakes.images.image import Image
from fakes.images.layers import Layer
from imagebuilders.buildkit.build import ExporterRequest, ImageBuild, run_build
from imagebuilders.buildkit.control.client import ControlClient
from imagebuilders.buildkit.control.solve import OnStatus, solve
from imagebuilders.buildkit.proto.control_pb2 import SolveRequest, StatusResponse, VertexWarning
from imagebuilders.buildkit.session.file_send import FileSend, StreamTarget
from imagebuilders.buildkit.transport.channel import Channel
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.connections.nonblocking import non_blocking
from imagebuilders.oci.media_types import INDEX_TYPES
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import ImageReference

_NAME = "evaluated:1"
_ENGINES = {
    "28.5": ("28.5", "containerd"),
    "28.5-graph": ("28.5", "overlay2"),
    "26.1": ("26.1", None),
    "20.10": ("20.10", None),
}
_SECONDS = 30.0


class DoubleOutcomes:
    """Builds cases with a double, one at a time.

    Args:
        control: the double.
        engine: the engine double that its BuildKit is of; `None` for a daemon by itself.
        sends_archives: it has the exporter `oci`.
    """

    def __init__(
        self, control: ControlClient, engine: FakeDockerEngine | None, *, sends_archives: bool
    ) -> None:
        self._control = control
        self._engine = engine
        self._sends_archives = sends_archives

    def outcome(self, case: Case, folder: Path) -> Outcome:
        """Return what the double makes of a case.

        Args:
            case: without URLs.
            folder: an empty one, for contexts.
        """
        sent, warnings = io.BytesIO(), list[VertexWarning]()

        def take(response: StatusResponse) -> None:
            warnings.extend(response.warnings)

        def run(request: SolveRequest, _: OnStatus) -> str:
            try:
                solve(self._control, request, take)
            except CallError as error:
                return error.status.message
            return ""

        attributes = attributes_of(case)
        if self._engine is None:
            del attributes["image-resolve-mode"]
        kind = "oci" if self._sends_archives else "moby"
        build = ImageBuild(
            image_name=_NAME,
            attributes=attributes,
            folders=folders_of(case, folder),
            shared_key=secrets.token_hex(8),
            exporters=[ExporterRequest(kind, {"name": _NAME} if kind == "moby" else {})],
            services=[FileSend([StreamTarget(sent)])] if kind == "oci" else [],
        )
        error = run_build(self._control, build, lambda _: None, run)
        told = {json.dumps(warning_of(warning), sort_keys=True) for warning in warnings}
        outcome = {"ok": not error, "warnings": [json.loads(text) for text in sorted(told)]}
        if error:
            return {**outcome, "error": normalised(error)}
        if self._sends_archives:
            return {**outcome, **_described_layout(sent.getvalue())}
        assert self._engine is not None
        image = self._engine.images.find(_NAME)
        raws = [layer.content for layer in image.layers]
        return {**outcome, **described_image(json.loads(image.document), raws, base_labels())}


@contextmanager
def double_outcomes(look: Look) -> Iterator[DoubleOutcomes]:
    """A double that looks like a daemon and has the bases."""
    engine, buildkit = _double(look)
    connector = Connector(buildkit)
    connected, _ = connector()
    with Channel(non_blocking(connected)) as channel:
        channel.wait_ready(_SECONDS)
        has_archives = engine is None or _ENGINES[look.name][1] == "containerd"
        yield DoubleOutcomes(ControlClient(channel), engine, sends_archives=has_archives)
    connector.close()
    if engine is not None:
        engine.close()


def _double(look: Look) -> tuple[FakeDockerEngine | None, ScriptedBuildKit]:
    if look.name not in _ENGINES:
        daemon = FakeBuildKit()
        for name, images in _bases().items():
            for platform, image in images:
                daemon._worker.seed(ImageReference.parse(name), platform, image)
        return None, daemon
    version, store = _ENGINES[look.name]
    engine = FakeDockerEngine(version, image_store=store)
    for name, images in _bases().items():
        reference = ImageReference.parse(f"{name}:latest")
        engine.registries.hub.add(reference, *(image for _, image in images))
    assert engine.buildkit is not None
    return engine, engine.buildkit


@cache
def _bases() -> Mapping[str, list[tuple[Platform, Image]]]:
    return {
        name: [(Platform(**image["platform"]), _image(image)) for image in images]
        for name, images in bases().items()
        if name != "shell"  # has a program that is not at hand everywhere
    }


def _image(described: Mapping[str, Any]) -> Image:
    layers = tuple(Layer(layer_archive(entries)) for entries in described["layers"])
    config = config_of(described)
    config["rootfs"]["diff_ids"] = [layer.diff_id for layer in layers]
    return Image(json.dumps(config).encode(), layers)


def _described_layout(raw: bytes) -> dict[str, Any]:
    """Return the image or the index of an archive that is an OCI layout."""
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        found = {name: _read(archive, name) for name in archive.getnames()}

    def blob(digest: str) -> bytes:
        return found[f"blobs/{digest.replace(':', '/')}"]

    def image(digest: str) -> dict[str, Any]:
        manifest = json.loads(blob(digest))
        raws = [gzip.decompress(blob(layer["digest"])) for layer in manifest["layers"]]
        return described_image(json.loads(blob(manifest["config"]["digest"])), raws, base_labels())

    (entry,) = json.loads(found["index.json"])["manifests"]
    if entry["mediaType"] not in INDEX_TYPES:
        return image(entry["digest"])
    entries = json.loads(blob(entry["digest"]))["manifests"]
    return {
        "platforms": {str(Platform(**each["platform"])): image(each["digest"]) for each in entries}
    }


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    return b"" if member is None else member.read()
