"""What the BuildKit of a real engine makes of Dockerfiles, in the form of recorded outcomes.

The form is that of `tests/data/buildkit_cases`; see `buildkit_cases` and `buildkit_execution`.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import secrets
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

import docker
from buildkit_cases import Case, Outcome, bases, dockerfile_of
from buildkit_execution import entries_of_tree, entry_of, labels, lay_out, layer_archive
from docker.errors import APIError, ImageNotFound

from imagebuilders.buildkit.build import ExporterRequest, ImageBuild, run_build
from imagebuilders.buildkit.control.client import ControlClient
from imagebuilders.buildkit.control.solve import OnStatus, solve
from imagebuilders.buildkit.engine import engine_buildkit
from imagebuilders.buildkit.proto.control_pb2 import SolveRequest, StatusResponse, VertexWarning
from imagebuilders.buildkit.session.synced_folders import LocalFolder, SyncedFolder
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.docker.build_engine import GivenEngine
from imagebuilders.oci.file_tree import Tree
from imagebuilders.oci.layer import apply_layer
from imagebuilders.oci.layer_contents import LayerContents

_NAME = "evaluated:1"
_LEFT_OUT = frozenset({"shell"})  # has a program that is not at hand everywhere
_MADE = 1_600_000_000
_REPLACED = (
    (re.compile(r"checksum of ref [^ :]+::[^ :]+"), "checksum of ref REF"),
    (
        re.compile(
            r"/var/lib/(docker|buildkit)/\S*?/(buildkit(-mount)?\d+|snapshots/\d+/fs|merged|diff)\b"
        ),
        "MOUNT",
    ),
    (
        re.compile(
            r"failed to (solve with frontend dockerfile\.v0|create LLB definition|"
            r"solve|run Build function): "
        ),
        "",
    ),
)
_RULES = re.compile(r"(lint violation found for rules: )(.*)")
_WARNING = re.compile(r"(?s)([A-Za-z]+): (.*?)(?: \(line \d+\))?")


class EngineOutcomes:
    """Builds cases with an engine, one at a time; use as a context manager.

    Args:
        client: the engine. It gets images with the names of the bases.
    """

    def __init__(self, client: docker.DockerClient) -> None:
        self._client = client
        self._control: ControlClient | None = None

    def __enter__(self) -> EngineOutcomes:
        for name in bases().keys() - _LEFT_OUT:
            with suppress(ImageNotFound):
                self._client.images.remove(f"{name}:latest", force=True)
            self._client.images.load(_saved(name))
        self._control = engine_buildkit(GivenEngine(self._client))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._control is not None:
            self._control.close()

    def outcome(self, case: Case, folder: Path) -> Outcome | None:
        """Return what the engine makes of a case; `None` for an image that it cannot hand out.

        That is one without layers where a graph driver keeps them.

        Args:
            case: for one platform, without URLs and commands.
            folder: an empty one, for contexts.
        """
        assert self._control is not None
        control, warnings = self._control, list[VertexWarning]()

        def take(response: StatusResponse) -> None:
            warnings.extend(response.warnings)

        def run(request: SolveRequest, _: OnStatus) -> str:
            try:
                solve(control, request, take)
            except CallError as error:
                return error.status.message
            return ""

        build = ImageBuild(
            image_name=_NAME,
            attributes=attributes_of(case),
            folders=folders_of(case, folder),
            shared_key=secrets.token_hex(8),  # else it would take files for those of another case
            exporters=[ExporterRequest("moby", {"name": _NAME})],
        )
        error = run_build(control, build, lambda _: None, run)
        told = {json.dumps(warning_of(warning), sort_keys=True) for warning in warnings}
        outcome = {"ok": not error, "warnings": [json.loads(text) for text in sorted(told)]}
        if error:
            return {**outcome, "error": normalised(error)}
        try:
            saved = b"".join(self._client.api.get_image(_NAME))
        except APIError:
            return None
        return {**outcome, **_described(saved)}


def attributes_of(case: Case) -> dict[str, str]:
    """Return what the frontend is asked for."""
    attributes = {"filename": "Dockerfile", "no-cache": "", "image-resolve-mode": "local"}
    for prefix, values in (("build-arg", "build_args"), ("label", "labels")):
        attributes.update({f"{prefix}:{key}": value for key, value in case.get(values, {}).items()})
    for name, context in case.get("named_contexts", {}).items():
        is_image = context["type"] == "image"
        meant = f"docker-image://{context['ref']}" if is_image else f"local:{name}"
        attributes[f"context:{name}"] = meant
    for name in ("target", "platform"):
        if case.get(name):
            attributes[name] = case[name]
    if hostname := case.get("options", {}).get("hostname"):
        attributes["hostname"] = hostname
    return attributes


def folders_of(case: Case, folder: Path) -> dict[str, SyncedFolder]:
    """Lay the folders of a case out, and return them by the names that daemons ask for."""
    own = folder / "dockerfile"
    own.mkdir()
    (own / "Dockerfile").write_bytes(dockerfile_of(case))
    if "dockerfile_dockerignore" in case:
        (own / "Dockerfile.dockerignore").write_text(case["dockerfile_dockerignore"])
    named = case.get("named_contexts", {}).items()
    given = {name: context["entries"] for name, context in named if context["type"] == "local"}
    found: dict[str, SyncedFolder] = {"dockerfile": LocalFolder(str(own))}
    for number, (name, entries) in enumerate([("context", case["context"]), *given.items()]):
        root = folder / f"sent-{number}"
        lay_out(root, entries)
        found[name] = LocalFolder(str(root))
    return found


# --- bases -------------------------------------------------------------------


@cache
def _saved(name: str) -> bytes:
    """Return a base as `docker save` writes it; of several platforms the first."""
    image = bases()[name][0]
    archives = [layer_archive(entries) for entries in image["layers"]]
    return saved_image(f"{name}:latest", image, archives)


def saved_image(name: str, image: Mapping[str, Any], archives: Sequence[bytes]) -> bytes:
    """Return an image as `docker save` writes it.

    Args:
        name: with its tag.
        image: its platform, configuration and history.
        archives: its layers.
    """
    rest = {key: image[key] for key in ("created", "config", "history", "author") if key in image}
    rootfs = {"type": "layers", "diff_ids": [_digest(raw) for raw in archives]}
    files = {f"{number}/layer.tar": raw for number, raw in enumerate(archives)}
    manifest = {"Config": "config.json", "RepoTags": [name], "Layers": [*files]}
    files["config.json"] = json.dumps({**image["platform"], **rest, "rootfs": rootfs}).encode()
    files["manifest.json"] = json.dumps([manifest]).encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@cache
def base_labels() -> Mapping[str, str]:
    """Return what outcomes call the layers of bases, by their digests."""
    return {
        _digest(layer_archive(json.loads(layer))): label
        for layer, label in labels().items()
        if '"source"' not in layer
    }


def _digest(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


# --- the form of outcomes ----------------------------------------------------


def normalised(error: str) -> str:
    """Return words of an error without what is another each time."""
    for pattern, text in _REPLACED:
        error = pattern.sub(text, error)
    return _RULES.sub(lambda found: found[1] + ", ".join(sorted(found[2].split(", "))), error)


def warning_of(warning: VertexWarning) -> dict[str, Any]:
    """Return a warning in the form of outcomes; one of no rule has an empty one."""
    text = warning.short.decode()
    found = _WARNING.fullmatch(text)
    if found is None:
        return {"rule": "", "line": 0, "text": text}
    line = warning.ranges[0].start.line if warning.ranges else 0
    return {"rule": found[1], "line": line, "text": found[2]}


def _described(saved: bytes) -> dict[str, Any]:
    """Return the image of an archive."""
    with tarfile.open(fileobj=io.BytesIO(saved)) as archive:
        (manifest,) = json.loads(_content(archive, "manifest.json"))
        config = json.loads(_content(archive, manifest["Config"]))
        raws = [_content(archive, name) for name in manifest["Layers"] or ()]
    return described_image(config, raws, base_labels())


def described_image(
    config: dict[str, Any], archives: Iterable[bytes], known: Mapping[str, str]
) -> dict[str, Any]:
    """Return an image in the form of outcomes.

    Args:
        config: its configuration, which is changed.
        archives: its layers.
        known: what outcomes call the layers of bases, by their digests.
    """
    layers, tree = list[Mapping[str, Any]](), Tree()
    for raw in archives:
        entries = list(LayerContents(lambda raw=raw: iter([raw])).members())  # type: ignore[misc]
        tree = apply_layer(tree, entries)
        label = known.get(_digest(raw))
        told = [entry_of(entry) for entry in entries]
        layers.append({"base": label} if label else {"entries": list(timeless(told))})
    history = config.pop("history", None) or []
    for left_out in ("created", "rootfs"):
        config.pop(left_out, None)
    if config["config"].get("OnBuild", ()) is None:  # as 20.10 writes that there is none
        del config["config"]["OnBuild"]
    for record in history:
        record.pop("created", None)
    described = list(timeless(entries_of_tree(tree)))
    return {"config": config, "history": history, "layers": layers, "tree": described}


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    assert member is not None
    return member.read()


def timeless(entries: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Leave times out that a build made; those of contexts, archives and bases are older."""
    for entry in entries:
        if entry["mtime"] > _MADE:
            del entry["mtime"]
        yield entry
