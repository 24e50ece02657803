"""The recorded Dockerfiles evaluated whole: layers and trees, beside what `buildkit_cases` knows.

Contexts are laid out as folders, so that snapshots, ignore rules and hard links count; bases are
archives that are read as layers of a registry would be.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any

from buildkit_cases import BaseImages, Case, Look, Outcome, bases, described, resolved

from imagebuilders import BuildContext
from imagebuilders.context.content import ContentReader
from imagebuilders.evaluation.contents import context_tree
from imagebuilders.evaluation.daemon import (
    BUILDKITD,
    CONTAINERD_ENGINE,
    GRAPH_ENGINE,
    GRAPH_ENGINE_20,
    GRAPH_ENGINE_26,
    Daemon,
)
from imagebuilders.evaluation.execution import Executor
from imagebuilders.evaluation.exporting import exported_image
from imagebuilders.evaluation.questions import Download
from imagebuilders.evaluation.resolution import Resolution
from imagebuilders.evaluation.results import BuildClock
from imagebuilders.evaluation.steps import (
    ContextOrigin,
    Copy,
    ImageOrigin,
    Stage,
    StageOrigin,
    UrlSource,
)
from imagebuilders.evaluation.trees import Folder, folder_of
from imagebuilders.exceptions import EvaluationError, ImageBuilderError
from imagebuilders.oci.file_tree import File, Tree
from imagebuilders.oci.layer import apply_layer, flatten
from imagebuilders.oci.layer_contents import LayerContents
from imagebuilders.oci.layer_writer import write_layer
from imagebuilders.oci.members import Member, members
from imagebuilders.oci.tar_writer import CAPABILITIES

_DAEMONS = {
    "0.32": BUILDKITD,
    "28.5": CONTAINERD_ENGINE,
    "28.5-graph": GRAPH_ENGINE,
    "26.1": GRAPH_ENGINE_26,
    "20.10": GRAPH_ENGINE_20,
}
_TYPES = {"dir": tarfile.DIRTYPE, "file": tarfile.REGTYPE, "symlink": tarfile.SYMTYPE}
_START = 1_800_000_000_500_000_000


def evaluated(case: Case, look: Look, folder: Path) -> Outcome:
    """Return the outcome of a case, with layers and tree.

    Args:
        case: the case; commands are not run.
        look: the daemon.
        folder: an empty one, for contexts.
    """
    found, outcome = resolved(case, look)
    if found is None:
        return outcome
    whole: dict[str, Any] = dict(outcome)
    daemon = replace(_DAEMONS[look.name], mount="MOUNT", ref="REF")
    for resolution in found.resolutions:
        image = whole
        if found.is_index:
            image = whole["platforms"][str(resolution.platform)]
        try:
            image.update(described(exported_image(resolution.target_stage.image, daemon)))
            image.update(_files_of(case, resolution, daemon, folder))
        except EvaluationError as error:
            others = _other_failures(case, resolution, daemon, folder)
            failed = {"ok": False, "error": error.message, "error_also": sorted(others)}
            return {**failed, "warnings": outcome["warnings"]}
    return whole


def _other_failures(case: Case, resolution: Resolution, daemon: Daemon, folder: Path) -> set[str]:
    """Return why each part fails: a daemon does them at once, and tells one failure.

    Parts are the stages, and each copy with `--link` where that makes a layer of its own.
    """
    found = set()
    for stage in resolution.stages:
        for part in _parts(stage, daemon) if stage.needed else ():
            stages = [part if one is stage else one for one in resolution.stages]
            whole = replace(resolution, stages=tuple(stages))
            with _executor(case, whole, daemon, folder) as executor:
                try:
                    executor.stage(stage.index)
                except EvaluationError as error:
                    found.add(error.message)
    return found


def _parts(stage: Stage, daemon: Daemon) -> Iterator[Stage]:
    yield stage
    for step in stage.steps if daemon.merges else ():
        if isinstance(step, Copy) and step.link and not step.chmod:
            yield replace(stage, steps=(step,))


@contextmanager
def _executor(
    case: Case, resolution: Resolution, daemon: Daemon, folder: Path
) -> Iterator[Executor]:
    clock = BuildClock(_START)
    with (
        ContentReader() as reader,
        Executor(
            resolution.stages,
            _Trees(case, folder, reader, clock),
            downloads=Downloads(case),
            daemon=daemon,
            clock=clock,
            epoch=resolution.source_date_epoch,
        ) as executor,
    ):
        yield executor


def _files_of(
    case: Case, resolution: Resolution, daemon: Daemon, folder: Path
) -> Mapping[str, Any]:
    """Return layers and tree of a resolved case.

    Raises:
        EvaluationError: a step fails.
    """
    with _executor(case, resolution, daemon, folder) as executor:
        stages = [resolution.target_stage]
        while isinstance(stages[0].base, StageOrigin):
            stages.insert(0, resolution.stages[stages[0].base.index])
        described: list[Mapping[str, Any]] = []
        tree: Tree = {}
        base = stages[0].base
        # The steps come first: what is wrong with them is told before a base is read.
        own = [layer for stage in stages for layer in executor.stage(stage.index).layers]
        if isinstance(base, ImageOrigin):
            image = BaseImages().image(base.reference, base.platform)
            described += [{"base": labels()[json.dumps(layer)]} for layer in image["layers"]]
            tree = flatten(_layers(base))
        for made in own:
            written = list(members(write_layer(made)))
            described.append({"entries": [entry_of(member) for member in written]})
            tree = apply_layer(tree, written)
    return {"layers": described, "tree": list(entries_of_tree(tree))}


class _Trees:
    """The contexts and bases of a case."""

    def __init__(self, case: Case, folder: Path, reader: ContentReader, clock: BuildClock) -> None:
        self._case = case
        self._folder = folder
        self._reader = reader
        self._clock = clock

    def tree(self, origin: ImageOrigin | ContextOrigin) -> Folder:
        """Return the files of a base or context."""
        if isinstance(origin, ImageOrigin):
            return folder_of(flatten(_layers(origin)))
        root = self._folder / f"context-{origin.name}"
        rules = None
        if origin.name:
            entries = self._case["named_contexts"][origin.name]["entries"]
        else:
            entries = self._case["context"]
            if "dockerfile_dockerignore" in self._case:
                rules = str(self._folder / "ignored")
                Path(rules).write_text(self._case["dockerfile_dockerignore"])
        if not root.exists():
            lay_out(root, entries)
        context = BuildContext(root=str(root), dockerignore_file=rules)
        snapshot = context.snapshot(rewrite_ignore_files=False)
        return context_tree(snapshot, self._reader, self._clock)


class Downloads:
    """What is served for a case."""

    def __init__(self, case: Case) -> None:
        self._served = {entry["path"]: entry for entry in case.get("http", ())}

    @contextmanager
    def fetch(self, source: UrlSource) -> Iterator[Download]:
        """Return what lies at a URL."""
        entry = self._served.get(source.url.partition("8765/")[2])
        if entry is None:
            raise ImageBuilderError("invalid response status 404")
        date = entry.get("last_modified")
        modified = int(parsedate_to_datetime(date).timestamp()) if date else 0
        yield Download([_content(entry)], modified)


def lay_out(root: Path, entries: Sequence[Mapping[str, Any]]) -> None:
    """Make a context's folder."""
    root.mkdir()
    times = []
    for entry in entries:
        path = root / entry["path"]
        if entry["type"] == "hardlink":
            os.link(root / entry["target"], path)
            continue
        if entry["type"] == "dir":
            path.mkdir()
        elif entry["type"] == "symlink":
            path.symlink_to(entry["target"])
        elif entry["type"] == "fifo":
            os.mkfifo(path)
        else:
            path.write_bytes(_content(entry))
        times.append((path, entry))
    for path, entry in reversed(times):
        if entry["type"] != "symlink":
            path.chmod(int(entry["mode"], 8))
        os.utime(path, (entry["mtime"], entry["mtime"]), follow_symlinks=False)


def _content(entry: Mapping[str, Any]) -> bytes:
    if "content_base64" in entry:
        return base64.b64decode(entry["content_base64"])
    return str(entry.get("content", "")).encode()


# --- bases -------------------------------------------------------------------


@cache
def labels() -> Mapping[str, str]:
    """Return what outcomes call the layers of bases; the last of several that are the same."""
    return {
        json.dumps(layer): f"{name}[{index}]#{number}" if len(images) > 1 else f"{name}#{number}"
        for name, images in bases().items()
        for index, image in enumerate(images)
        for number, layer in enumerate(image["layers"])
    }


@cache
def _layers(origin: ImageOrigin) -> list[list[Member]]:
    image = BaseImages().image(origin.reference, origin.platform)
    found = []
    for entries in image["layers"]:
        raw = layer_archive(entries)
        found.append(list(LayerContents(lambda raw=raw: iter([raw])).members()))  # type: ignore[misc]
    return found


def layer_archive(entries: Sequence[Mapping[str, Any]]) -> bytes:
    """Return a layer of a base as an archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for entry in entries:
            info = tarfile.TarInfo(entry["path"])
            info.type = _TYPES[entry["type"]]
            info.mode, info.mtime = int(entry["mode"], 8), entry["mtime"]
            info.uid, info.gid = entry["uid"], entry["gid"]
            info.linkname = entry.get("target", "")
            data = _content(entry) if entry["type"] == "file" else b""
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


# --- the form of outcomes ----------------------------------------------------


def entry_of(member: Member) -> dict[str, Any]:
    """Return an entry of a layer in the form of outcomes."""
    file = member.file
    described: dict[str, Any] = {
        "path": member.name.rstrip("/"),
        "type": file.kind,
        "mode": f"{file.mode:04o}",
        "uid": file.uid,
        "gid": file.gid,
        "mtime": file.mtime,
    }
    if member.hard_link:
        described.update(type="hardlink", linkname=member.hard_link)
    elif file.kind == "file":
        content = b"".join(file.pieces())
        described.update(size=len(content), sha256=hashlib.sha256(content).hexdigest())
    elif file.kind == "symlink":
        described["linkname"] = file.link
    elif file.kind in ("char", "block"):
        described["device"] = list(file.device)
    xattrs = {key: value for key, value in file.xattrs if key == CAPABILITIES}
    if xattrs:
        raw = xattrs[CAPABILITIES].encode("utf-8", "surrogateescape")
        described["xattrs"] = {CAPABILITIES: base64.b64encode(raw).decode()}
    return described


def entries_of_tree(tree: Mapping[str, File]) -> Iterator[dict[str, Any]]:
    """Yield the files of a tree in the form of outcomes."""
    first: dict[int, str] = {}
    for path in sorted(tree):
        file = tree[path]
        described = entry_of(Member(path, file))
        if file.inode:
            if file.inode in first:
                described["link_of"] = first[file.inode]
            first.setdefault(file.inode, path)
        yield described


def layer_order(outcome: Outcome) -> list[list[str]]:
    """Return the paths of an outcome's own layers, in order."""
    images = outcome.get("platforms", {"": outcome}).values()
    return [
        [entry["path"] for entry in layer["entries"]]
        for image in images
        for layer in image.get("layers", ())
        if "entries" in layer
    ]
