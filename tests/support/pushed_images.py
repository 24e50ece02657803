"""The recorded Dockerfiles built without a daemon, and read back from where they were pushed."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from buildkit_cases import Case, Outcome, bases, dockerfile_of
from buildkit_execution import Downloads, entries_of_tree, entry_of, lay_out, layer_archive

from fakes import FakeRegistry
from imagebuilders import BuildContext, DaemonlessImageBuilder
from imagebuilders.daemonless import build as daemonless_build
from imagebuilders.distribution import RegistryClient, Repository
from imagebuilders.distribution.registries import Registries
from imagebuilders.evaluation.daemon import BUILDKITD
from imagebuilders.events import Event, Notice, listen
from imagebuilders.exceptions import BuildError, EvaluationError, IgnoreFileError
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.file_tree import Tree
from imagebuilders.oci.image_config import ImageConfig
from imagebuilders.oci.layer import apply_layer, read_layer
from imagebuilders.oci.manifest import Index, Manifest, parse_manifest
from imagebuilders.oci.media_types import OCI_CONFIG, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST
from imagebuilders.oci.reference import ImageReference

IGNORE_FILE = "the ignore file is at fault"
_HUB = "docker.io"


class PushedImages:
    """A registry that stands for Docker Hub, with the recorded bases in it.

    Args:
        server: the registry.
        patch: turns what is asked of Docker Hub, and of URLs, to here.
    """

    def __init__(self, server: FakeRegistry, patch: pytest.MonkeyPatch) -> None:
        self._server = server
        self._labels: dict[str, str] = {}
        original = Registries.repository
        address = server.address

        def repository(registries: Registries, reference: ImageReference) -> Repository:
            here = replace(reference, domain=address) if reference.domain == _HUB else reference
            return original(registries, here)

        patch.setattr(Registries, "repository", repository)
        patch.setattr(daemonless_build, "BUILDKITD", replace(BUILDKITD, mount="MOUNT", ref="REF"))
        self._patch = patch
        with RegistryClient(address) as client:
            for name, images in bases().items():
                self._seed(client.repository(f"library/{name}"), name, images)

    def _seed(self, repository: Repository, name: str, images: Any) -> None:
        manifests = []
        for index, image in enumerate(images):
            layers, diff_ids = [], []
            for number, entries in enumerate(image["layers"]):
                archive = layer_archive(entries)
                blob = gzip.compress(archive, mtime=0)
                stored = repository.upload_blob(blob)
                label = f"{name}[{index}]#{number}" if len(images) > 1 else f"{name}#{number}"
                self._labels[str(stored.digest)] = label
                layers.append(replace(stored, media_type=OCI_LAYER_GZIP))
                diff_ids.append(str(Digest.of(archive)))
            rest = {
                key: image[key]
                for key in ("created", "config", "history", "author")
                if key in image
            }
            rootfs = {"type": "layers", "diff_ids": diff_ids}
            document = {**image["platform"], **rest, "rootfs": rootfs}
            config = repository.upload_blob(json.dumps(document).encode())
            manifest = Manifest(replace(config, media_type=OCI_CONFIG), tuple(layers))
            digest = repository.write_manifest(manifest.to_bytes(), OCI_MANIFEST)
            found = repository.resolve(digest)
            described_image = ImageConfig.parse(json.dumps(document).encode())
            manifests.append(replace(found, platform=described_image.platform))
        if len(manifests) == 1:
            content = repository.read_manifest(manifests[0].digest).content
            repository.write_manifest(content, OCI_MANIFEST, "latest")
        else:
            repository.write_manifest(Index(tuple(manifests)).to_bytes(), OCI_INDEX, "latest")

    def outcome(self, case: Case, folder: Path) -> Outcome:
        """Build a case, push it, and return its outcome as it is in the registry.

        Args:
            case: the case.
            folder: an empty one, for contexts.
        """
        self._patch.setattr(daemonless_build, "HttpDownloads", lambda: Downloads(case))
        told: list[Event] = []
        try:
            with listen(told.append):
                built = self._build(case, folder)
        except BuildError as error:
            cause = error.__cause__
            words = cause.message if isinstance(cause, EvaluationError) else str(error)
            return {"ok": False, "error": words, "warnings": _warnings(told)}
        except IgnoreFileError:
            # It is told before the Dockerfile is looked at, and in more words.
            return {"ok": False, "error": IGNORE_FILE, "warnings": []}
        return {"ok": True, "warnings": _warnings(told), **self._read(built)}

    def _build(self, case: Case, folder: Path) -> str:
        root = folder / "context"
        lay_out(root, case["context"])
        place = folder / "dockerfile"
        place.mkdir()
        (place / "Dockerfile").write_bytes(dockerfile_of(case))
        if "dockerfile_dockerignore" in case:
            (place / "Dockerfile.dockerignore").write_text(case["dockerfile_dockerignore"])
        contexts = {}
        for name, given in case.get("named_contexts", {}).items():
            if given["type"] == "image":
                contexts[name] = f"docker-image://{given['ref']}"
            else:
                lay_out(folder / name, given["entries"])
                contexts[name] = str(folder / name)
        options = {
            "dockerfile": str(place / "Dockerfile"),
            "buildargs": case.get("build_args", {}),
            "labels": case.get("labels", {}),
            "build_contexts": contexts,
            "push": True,
            **{key: case[key] for key in ("target", "platform") if key in case},
        }
        name = f"{self._server.address}/built/image:1"
        return DaemonlessImageBuilder().build(name, BuildContext(str(root)), options)

    def _read(self, built: str) -> Mapping[str, Any]:
        stored = self._server.manifest(built)
        found = parse_manifest(stored.content, stored.media_type)
        if isinstance(found, Manifest):
            return self._image(found)
        repository = built.partition("@")[0]
        return {
            "platforms": {
                str(entry.platform): self._image(
                    Manifest.parse(self._server.manifest(f"{repository}@{entry.digest}").content)
                )
                for entry in found.manifests
            }
        }

    def _image(self, manifest: Manifest) -> Mapping[str, Any]:
        config = json.loads(self._server.blob(str(manifest.config.digest)))
        layers: list[Mapping[str, Any]] = []
        tree: Tree = {}
        for layer in manifest.layers:
            members = read_layer([self._server.blob(str(layer.digest))])
            tree = apply_layer(tree, members)
            label = self._labels.get(str(layer.digest))
            if label is None:
                layers.append({"entries": [entry_of(member) for member in members]})
            else:
                layers.append({"base": label})
        return {**_described(config), "layers": layers, "tree": list(entries_of_tree(tree))}


def _described(config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration, as it was pushed, in the form of an outcome."""
    history = config.pop("history", [])
    for entry in history:
        entry.pop("created", None)
    for left_out in ("created", "rootfs"):
        config.pop(left_out, None)
    return {"config": config, "history": history}


def _warnings(told: list[Event]) -> list[dict[str, Any]]:
    found = []
    for event in told:
        if isinstance(event, Notice):
            text = event.message.removeprefix(f"{event.rule}: ") if event.rule else event.message
            found.append({"rule": event.rule, "line": event.line, "text": text})
    return found
