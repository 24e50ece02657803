"""What becomes of a result: an image of the store, or files that the client gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.evaluation.difference import difference
from imagebuilders.evaluation.trees import Folder, empty_folder
from imagebuilders.exceptions import ImageNameError
from imagebuilders.oci.file_tree import File
from imagebuilders.oci.layer_writer import write_layer
from imagebuilders.oci.reference import DEFAULT_TAG, ImageReference

from ..failures import as_told
from ..file_transfer import GO_DIRECTORY, GO_SYMLINK, SentEntry
from .cache_exports import CacheExports, check_cache_exports, with_inline_caches
from .image_exports import IMAGE_EXPORTERS, ImageExports
from .packing import preparation
from .progress import Progress, StatusLine, vertex, vertex_digest
from .registries import Registries, SessionCredentials

if TYPE_CHECKING:
    from ..script import ScriptedBuild
    from .look import Look
    from .outcome import BuiltImage, Outcome
    from .worker import Worker

_ATTESTED_MODE = 0o600
_FILE_SEND = "/moby.filesync.v1.FileSend/DiffCopy"

Wanted: TypeAlias = tuple[str, Mapping[str, str]]
"""A type of exporter, and its attributes."""


def wanted_exporters(build: ScriptedBuild, look: Look) -> list[Wanted]:
    """Return the exporters that a build asks for.

    Raises:
        CallError: there is no such exporter.
    """
    request = build.request
    check_cache_exports(build, look)
    wanted: list[Wanted] = [(each.Type, dict(each.Attrs)) for each in request.Exporters]
    if not look.knows_exporter_lists:
        wanted = []
    if not wanted and request.ExporterDeprecated:
        wanted = [(request.ExporterDeprecated, dict(request.ExporterAttrsDeprecated))]
    check_exporters(wanted, look)
    return wanted


def check_exporters(wanted: Sequence[Wanted], look: Look) -> None:
    """Refuse exporters that the daemon has not.

    Raises:
        CallError: there is no such exporter.
    """
    for kind, _ in wanted:
        if kind not in look.exporters:
            words = f'exporter "{kind}" could not be found'
            raise CallError(RpcStatus(Code.UNKNOWN, words))


class Exports:
    """Exports the result of one build.

    Args:
        build: the build.
        worker: keeps images.
        look: what the daemon looks like.
        progress: is told.
    """

    def __init__(
        self, build: ScriptedBuild, worker: Worker, look: Look, progress: Progress
    ) -> None:
        self._build = build
        self._worker = worker
        self._look = look
        self._progress = progress
        credentials = SessionCredentials(lambda: build.session)
        registries = partial(Registries, credentials, worker, is_engine=look.is_engine)
        self._images = ImageExports(build, worker, look, progress, registries)
        self._caches = CacheExports(build, progress, registries)

    def export(self, wanted: Sequence[Wanted], outcome: Outcome) -> dict[str, str]:
        """Export a result; return what is said of it.

        Raises:
            CallError: it cannot be exported.
        """
        response: dict[str, str] = {}
        outcome = with_inline_caches(self._build, outcome)
        for number, (kind, attributes) in enumerate(wanted):
            if kind == "moby" and self._look.has_graph_driver:
                response |= self._to_store(attributes, outcome)
            elif kind == "local":
                self._to_folder(number, outcome.for_files())
            elif kind in IMAGE_EXPORTERS:
                response |= self._images.export(number, kind, attributes, outcome)
            else:
                self._to_tar(number, outcome.for_files())
        return response | self._caches.export(outcome)

    # --- the image store ------------------------------------------------------

    def _to_store(self, attributes: Mapping[str, str], outcome: Outcome) -> dict[str, str]:
        step = vertex("exporting to image", vertex_digest("export", self._build.ref, "moby"))
        with self._progress.running(step):
            built, *others = outcome.images
            if others:
                words = "exporting multiple references to image store is currently unsupported"
                raise CallError(RpcStatus(Code.UNKNOWN, words))
            names = _names(attributes.get("name", ""))
            for title in preparation(outcome):
                with self._progress.doing(step, title):
                    pass
            with self._progress.doing(step, f"writing image {built.image.config_digest}"):
                image_id = self._worker.keep(built.image, [])
            for name in names:
                with self._progress.doing(step, f"naming to {name}"):
                    self._worker.keep(built.image, [name])
        response = {"containerimage.config.digest": image_id, "containerimage.digest": image_id}
        if names:
            response["image.name"] = ",".join(names)
        return response

    # --- files of the client --------------------------------------------------

    def _to_folder(self, number: int, outcome: Outcome) -> None:
        step = vertex(
            "exporting to client directory", vertex_digest("export", self._build.ref, number)
        )
        with self._progress.running(step):
            for title, tree in _folders(outcome):
                line = self._progress.status(step, title, "transferring")
                line.tell()
                self._check_client()
                entries = _entries(tree)
                with _refusals(line):
                    self._build.session.send_folder(entries, exporter=number)
                line.complete(sum(len(entry.content) for entry in entries))

    def _to_tar(self, number: int, outcome: Outcome) -> None:
        step = vertex(
            "exporting to client tarball", vertex_digest("export", self._build.ref, number)
        )
        with self._progress.running(step):
            self._check_client()
            content = b"".join(write_layer(difference(None, _tree(outcome))))
            line = self._progress.status(step, "sending tarball")
            line.tell()
            with _refusals(line):
                self._build.session.send_file(content, exporter=number)
            line.complete()

    def _check_client(self) -> None:
        methods = {method.lower() for method in self._build.session.methods}
        if _FILE_SEND.lower() not in methods:
            words = f"method {_FILE_SEND.replace('/Diff', '/diff').replace('Copy', 'copy')} not "
            raise CallError(RpcStatus(Code.UNKNOWN, f"{words}supported by the client"))


def _names(text: str) -> list[str]:
    """Return the names of an image with their domains and tags.

    Raises:
        CallError: one is malformed.
    """
    names = []
    for name in filter(None, text.split(",")):
        try:
            reference = ImageReference.parse(name)
        except ImageNameError as error:
            words = f"invalid reference format: {name}"
            raise CallError(RpcStatus(Code.UNKNOWN, words)) from error
        tag = reference.tag or DEFAULT_TAG
        names.append(f"{reference.full_repository}:{tag}")
    return names


def _tree(outcome: Outcome) -> Folder:
    """Return the files of a result; those of several platforms in a folder each."""
    if not outcome.is_index:
        return next(map(_attested_tree, outcome.images))
    root = empty_folder()
    for built in outcome.images:
        root.names[str(built.platform).replace("/", "_")] = _attested_tree(built)
    return root


def _attested_tree(built: BuiltImage) -> Folder:
    """Return the files of an image, and what is attested of it beside them."""
    tree = built.tree or empty_folder()
    if not built.predicates:
        return tree
    made = Folder(tree.file, dict(tree.names))
    for predicate in built.predicates:
        content = predicate.of_files(built.image.config_digest)
        made.names[predicate.file_name] = File("file", _ATTESTED_MODE, data=content)
    return made


@contextmanager
def _refusals(line: StatusLine) -> Iterator[None]:
    """Tell as daemons do that the client refused what is sent to it."""
    try:
        yield
    except CallError as error:
        line.complete()
        raise CallError(as_told(error)) from error


def _folders(outcome: Outcome) -> Iterator[tuple[str, Folder]]:
    """Yield what is copied to a client's folder, and what the progress calls it."""
    if not outcome.is_index:
        yield "copying files", _tree(outcome)
        return
    for built in outcome.images:
        root = empty_folder()
        root.names[str(built.platform).replace("/", "_")] = _attested_tree(built)
        yield f"copying files {built.platform}", root


def _entries(tree: Folder) -> list[SentEntry]:
    first: dict[int, str] = {}
    entries = []
    for path, entry in tree.walk():
        file = entry.file if isinstance(entry, Folder) else entry
        link = file.link
        if file.inode:
            link = first.get(file.inode, "")
            first.setdefault(file.inode, path)
        is_linked = bool(link) and file.kind != "symlink"
        entries.append(
            SentEntry(
                path,
                b"" if file.kind != "file" or is_linked else b"".join(file.pieces()),
                go_mode(file),
                link,
                file.mtime * 10**9 + file.nanoseconds,
            )
        )
    return entries


def go_mode(file: File) -> int:
    """Return a file's mode as Go has it: https://pkg.go.dev/io/fs#FileMode."""
    mode = file.mode & 0o777
    for own, bit in ((0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)):
        mode |= bit if file.mode & own else 0
    return mode | {"dir": GO_DIRECTORY, "symlink": GO_SYMLINK}.get(file.kind, 0)
