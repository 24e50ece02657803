"""What a build reads of its client: the Dockerfile, ignore files, and build contexts."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.context.ignore_file import parse_lines
from imagebuilders.evaluation.trees import Folder, empty_folder, folder_of
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import clean_path
from imagebuilders.oci.file_tree import File
from imagebuilders.oci.layer import apply_layer

from ...images import tar
from .client_folders import (
    NO_SESSION,
    ClientFolders,
    CopiedFolder,
    Files,
    folder_tree,
    transferred,
)
from .progress import Progress, vertex, vertex_digest
from .remote_contexts import (
    fetch_file,
    fetch_named,
    fetch_repository,
    is_remote,
    title_of,
)
from .request import DOCKERFILE, FrontendRequest

if TYPE_CHECKING:
    from imagebuilders.buildkit.proto.control_pb2 import Vertex

    from ..session_peer import SessionPeer
    from .remote_contents import RemoteContents

_FILE_SYNC = "/moby.filesync.v1.FileSync/DiffCopy"
IGNORE_FILE = ".dockerignore"
REMOTE_CONTEXT = "[internal] load remote build context"
_UPLOADS = "http://buildkit-session/"
_UNPACKED = "copy /context /"


@dataclass(frozen=True)
class Definition:
    """The Dockerfile as it was read.

    Attributes:
        content: its bytes.
        filename: its path.
        ignore_lines: the patterns of an ignore file of its own; `None` without one.
        vertex: what it was loaded by.
    """

    content: bytes
    filename: str
    ignore_lines: tuple[str, ...] | None
    vertex: Vertex


class Contexts:
    """Reads the folders of one build's client.

    Args:
        request: what the build asks for.
        find_session: returns the client's session.
        pull: returns a context that is uploaded.
        session: the session's ID.
        folders: keeps what clients sent.
        remote: what lies on other machines.
        progress: is told.
        now: the time of what is made, in nanoseconds since 1970.
        ask: asks the client how to be let in at a URL.

    Attributes:
        source: the vertex that a main context comes by which is no folder of the client's.
        files: the paths of the main context that were sent.
    """

    def __init__(
        self,
        request: FrontendRequest,
        find_session: Callable[[], SessionPeer],
        pull: Callable[[str], bytes],
        session: str,
        folders: ClientFolders,
        remote: RemoteContents,
        progress: Progress,
        now: Callable[[], int],
        ask: Callable[[str], None],
    ) -> None:
        self._request = request
        self._find_session = find_session
        self._pull = pull
        self._session = session
        self._folders = folders
        self._remote = remote
        self._progress = progress
        self._now = now
        self._ignored: dict[str, tuple[str, ...]] = {}
        self._ask = ask
        self._uploaded = empty_folder()
        self.source: Vertex | None = None
        self.files: list[str] = []

    def definition(self) -> Definition:
        """Return the Dockerfile.

        Raises:
            EvaluationError: there is none.
            CallError: the client refused.
        """
        request = self._request
        if request.context:
            return self._remote_definition()
        step = vertex(
            f"[internal] load build definition from {request.filename}",
            vertex_digest("definition", request.filename, self._session),
        )
        self._progress.announce([step])
        if not self._session:
            self._progress.start(step)
            self._progress.complete(step, error=NO_SESSION)
            words = f"failed to read dockerfile: failed to load cache key: {NO_SESSION}"
            raise CallError(RpcStatus(Code.UNKNOWN, words))
        self._progress.look_up(step)
        try:
            files = self._copy(
                step, request.dockerfile_folder, request.dockerfile_paths, hint="dockerfile"
            )
        except CallError as error:
            words = f"failed to read dockerfile: {error.status.message}"
            raise CallError(RpcStatus(error.status.code, words)) from error
        content, found = self._dockerfile(files)
        own = files.get(f"{found}.dockerignore") or files.get(f"{request.filename}.dockerignore")
        lines = None if own is None else _patterns(own.content or b"")
        return Definition(content, found, lines, step)

    def _remote_definition(self) -> Definition:
        """Return the Dockerfile of a context that is no folder of the client's.

        It is a repository, an archive, or the Dockerfile alone.
        """
        request = self._request
        is_upload = request.context.startswith(_UPLOADS)
        title = REMOTE_CONTEXT if is_upload else title_of(request.context, "")
        step = vertex(title, vertex_digest("upload", request.context))
        self._progress.announce([step])
        with self._progress.running(step):
            found = None if is_upload else fetch_repository(self._remote, request.context)
            content = b""
            if found is None:
                self._ask(request.context)
            if is_upload:
                content = self._pull(request.context)
            elif found is None:
                content = fetch_file(self._remote, request.context)
        if found is None:
            self._progress.look_up(step)  # that it comes is told apart
        if found is None and not tar.is_archive(content):
            return Definition(content, request.filename, (), step)
        self.source = step
        if found is None:
            self.source = vertex(_UNPACKED, vertex_digest(_UNPACKED, step.digest), [step.digest])
        self._uploaded = found or folder_of(apply_layer({}, tar.read(tar.plain(content))))
        entry = self._uploaded.find(clean_path(f"/{request.filename}")[1:])
        if not isinstance(entry, File):
            raise EvaluationError(
                f"failed to read dockerfile: open {posixpath.basename(request.filename)}: "
                "no such file or directory"
            )
        return Definition(b"".join(entry.pieces()), request.filename, (), step)

    def _dockerfile(self, files: Files) -> tuple[bytes, str]:
        name = self._request.filename
        folder, base = posixpath.split(name)
        lower = posixpath.join(folder, base.lower())
        for path in (name, lower) if base == DOCKERFILE else (name,):
            if path in files and files[path].content is not None:
                return files[path].content or b"", name
        raise EvaluationError(
            f"failed to read dockerfile: open {posixpath.basename(name)}: no such file or directory"
        )

    def ignore_lines(self, definition: Definition) -> tuple[str, ...]:
        """Return the patterns of the main context's ignore file.

        Raises:
            CallError: the client refused.
        """
        if definition.ignore_lines is not None:
            return definition.ignore_lines
        return self._ignore_lines(self._request.context_folder, "[internal] load .dockerignore")

    def _ignore_lines(self, folder: str, title: str) -> tuple[str, ...]:
        if folder not in self._ignored:
            step = vertex(title, vertex_digest("ignore", folder, self._session))
            self._progress.announce([step])
            self._progress.look_up(step)
            files = self._copy(step, folder, [IGNORE_FILE], hint=IGNORE_FILE)
            found = files.get(IGNORE_FILE)
            self._ignored[folder] = _patterns((found and found.content) or b"")
        return self._ignored[folder]

    def named_ignore_lines(self, name: str) -> tuple[str, ...]:
        """Return the patterns of a named context's ignore file, if it is a folder.

        Raises:
            CallError: the client refused.
        """
        if is_remote(self._named(name)):
            return ()
        return self._ignore_lines(self._named_folder(name), f"[context {name}] load {IGNORE_FILE}")

    def _named(self, name: str) -> str:
        return self._request.options.named_contexts[name]

    def _named_folder(self, name: str) -> str:
        written = self._named(name)
        kind, _, folder = written.partition(":")
        if kind != "local":
            raise EvaluationError(
                f"the BuildKit double does not implement contexts of the kind {kind!r} ({written})"
            )
        return folder

    def tree(self, step: Vertex, name: str, paths: Sequence[str], ignored: Sequence[str]) -> Folder:
        """Return a build context's files.

        Args:
            step: the vertex that loads it.
            name: that of a named context; empty for the main one.
            paths: what is wanted of it; all when empty.
            ignored: patterns of what is left out.

        Raises:
            CallError: the client refused.
        """
        if self._request.context and not name:
            if not step.HasField("completed"):
                self._progress.look_up(step)
            self.files = [path for path, _ in self._uploaded.walk()]
            return self._uploaded
        if name and is_remote(self._named(name)):
            with self._progress.running(step):
                return fetch_named(self._remote, self._named(name))
        folder = self._named_folder(name) if name else self._request.context_folder
        self._progress.look_up(step)
        files = self._copy(step, folder, paths, exclude=ignored)
        if not name:
            self.files = sorted(files)
        return folder_tree(files, self._now)

    def _copy(
        self,
        step: Vertex,
        folder: str,
        follow: Sequence[str],
        *,
        hint: str = "",
        exclude: Sequence[str] = (),
    ) -> Files:
        def copy(session: SessionPeer) -> CopiedFolder:
            if _FILE_SYNC.lower() not in {method.lower() for method in session.methods}:
                raise CallError(RpcStatus(Code.UNKNOWN, "no local sources enabled"))
            return self._folders.copy(
                session, folder, hint=hint, follow=follow, exclude=exclude, anew=bool(hint)
            )

        return transferred(self._progress, step, folder, self._find_session, copy)


def _patterns(content: bytes) -> tuple[str, ...]:
    """Return the patterns of an ignore file, cleaned as the daemon hands them to the client."""
    return tuple(_cleaned(line.text) for line in parse_lines(content))


def _cleaned(pattern: str) -> str:
    is_exception = pattern.startswith("!")
    text = pattern[1:].strip() if is_exception else pattern
    if text:
        text = clean_path(text)
        text = text[1:] if len(text) > 1 and text.startswith("/") else text
    return f"!{text}" if is_exception else text
