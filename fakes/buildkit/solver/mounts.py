"""The mounts of a RUN: secrets and agents of the client, caches, folders of contexts and stages."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code
from imagebuilders.evaluation.file_system import FileSystem
from imagebuilders.evaluation.paths_in_trees import resolve_source
from imagebuilders.evaluation.steps import ContextOrigin
from imagebuilders.evaluation.trees import Folder, empty_folder, folder_of, stamped
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import clean_path, quote
from imagebuilders.oci.file_tree import File, clean

from .progress import KEY_FAILURE
from .step_files import MountedFiles

if TYPE_CHECKING:
    from imagebuilders.evaluation.daemon import Daemon
    from imagebuilders.evaluation.steps import Mount, Origin, Run

    from ..session_peer import SessionPeer

_CLIENTS = ("secret", "ssh")
_SECRET_MODE = 0o400
_ABSENT = frozenset({Code.NOT_FOUND, Code.UNIMPLEMENTED})


class CacheMounts:
    """What is in the folders of cache mounts, by their IDs; they stay for later builds."""

    def __init__(self) -> None:
        self._folders: dict[str, Folder] = {}
        self._lock = threading.Lock()

    def open(self, name: str, make: Callable[[], Folder]) -> Folder:
        """Return what is in a folder; a new one begins with what `make` returns."""
        with self._lock:
            if name in self._folders:
                return self._folders[name]
        made = make()
        with self._lock:
            return self._folders.setdefault(name, made)

    def keep(self, name: str, folder: Folder) -> None:
        """Keep what is in a folder."""
        with self._lock:
            self._folders[name] = folder

    def folders(self) -> dict[str, Folder]:
        """Return what is in each folder."""
        with self._lock:
            return dict(self._folders)

    def remove(self, name: str) -> None:
        """Forget a folder."""
        with self._lock:
            self._folders.pop(name, None)


@dataclass
class Mounted:
    """The mounts of one RUN.

    Attributes:
        files: what lies over its files.
        environment: the variables that secrets are in.
        secrets: the values of the secrets, which are shown nowhere.
        caches: the files of caches, by ID.
    """

    files: list[MountedFiles] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    secrets: list[bytes] = field(default_factory=list, repr=False)
    caches: dict[str, FileSystem] = field(default_factory=dict)


class Mounter:
    """Makes the mounts of a build's commands.

    Args:
        find_session: returns the client's session.
        tree: returns the files of an origin; `None` if there are none.
        caches: the folders of cache mounts.
        clock: the time of what is made.
        note_secret: is told the name of each secret that the client handed out.
        daemon: how it tells of files that are missing.
    """

    def __init__(
        self,
        find_session: Callable[[], SessionPeer],
        tree: Callable[[Origin], Folder | None],
        caches: CacheMounts,
        clock: Callable[[], int],
        note_secret: Callable[[str], None],
        daemon: Daemon,
    ) -> None:
        self._find_session = find_session
        self._tree = tree
        self._caches = caches
        self._clock = clock
        self._note_secret = note_secret
        self._daemon = daemon

    def mount(self, step: Run) -> Mounted:
        """Make the mounts of a command.

        Raises:
            EvaluationError: a required secret or agent is not there.
            CallError: the client could not be asked.
        """
        mounted = Mounted()
        for mount in step.mounts:
            if mount.kind in _CLIENTS and clean_path(mount.target) == "/":
                raise EvaluationError(f"invalid mount type {mount.kind.upper()} for /")
            if mount.kind == "secret":
                self._mount_secret(mount, mounted)
            elif mount.kind == "ssh":
                self._check_agent(mount)
            else:
                mounted.files.append(self._folder(mount, mounted, step))
        if step.script is not None:
            path = f"dev/pipes/{step.script.name}"
            mounted.files.append(self._file(path, step.script.content, 0o755))
        return mounted

    def failed(self, step: Run, problem: str) -> str:
        """Return what is told of a command that fails."""
        words = " ".join(step.arguments)
        return self._daemon.failed.format(words=words, quoted=quote(words), problem=problem)

    def finish(self, mounted: Mounted) -> None:
        """Keep what a command has written into caches."""
        for name, files in mounted.caches.items():
            self._caches.keep(name, files.tree)

    def _mount_secret(self, mount: Mount, mounted: Mounted) -> None:
        try:
            value = self._find_session().secret(mount.id)
        except CallError as error:
            if error.status.code not in _ABSENT:
                raise
            if mount.required:
                words = self._daemon.absent.format(name=mount.id)
                raise EvaluationError(words) from error
            return
        self._note_secret(mount.id)
        mounted.secrets.append(value)
        if mount.env:
            mounted.environment[mount.env] = value.decode("utf-8", "surrogateescape")
        if mount.target:
            mode = _SECRET_MODE if mount.mode is None else mount.mode
            mounted.files.append(self._file(clean(mount.target), value, mode))

    def _check_agent(self, mount: Mount) -> None:
        name = mount.id
        try:
            self._find_session().check_agent(name)
        except CallError as error:
            if mount.required:
                words = f'no SSH key "{name}" forwarded from the client'
                if error.status.code != Code.UNIMPLEMENTED:
                    words = self._words(error)
                raise EvaluationError(words) from error

    def _folder(self, mount: Mount, mounted: Mounted, step: Run) -> MountedFiles:
        target = clean(mount.target)
        if mount.kind == "cache":
            name = mount.id or mount.target
            if name not in mounted.caches:
                begun = self._caches.open(name, lambda: self._beginning(mount, step))
                mounted.caches[name] = FileSystem(begun, self._clock)
            return MountedFiles(target, mounted.caches[name], read_only=mount.read_only)
        if mount.origin is None:  # a tmpfs
            self._beginning_of(empty_folder(), mount, step)
            return MountedFiles(target, FileSystem(empty_folder(), self._clock))
        tree = self._tree(mount.origin) or empty_folder()
        if not isinstance(mount.origin, ContextOrigin):
            self._beginning_of(tree, mount, step)
        elif tree.find(resolve_source(tree, clean(mount.source))) is None:
            daemon, problem = self._daemon, f'"{clean_path("/" + mount.source)}"'
            told = daemon.missing.format(ref=daemon.ref, problem=problem)
            raise EvaluationError(f"{KEY_FAILURE}{told}")
        source = resolve_source(tree, clean(mount.source))
        return MountedFiles(target, FileSystem(tree, self._clock), source, mount.read_only)

    def _beginning(self, mount: Mount, step: Run) -> Folder:
        tree = None if mount.origin is None else self._tree(mount.origin)
        return self._beginning_of(tree or empty_folder(), mount, step)

    def _beginning_of(self, tree: Folder, mount: Mount, step: Run) -> Folder:
        """Return the folder that a mount begins with.

        Raises:
            EvaluationError: it is not there.
        """
        source = resolve_source(tree, clean(mount.source))
        found = tree.find(source)
        if found is None and self._daemon.checks_mounts:
            path = f"{self._daemon.root()}{clean_path('/' + mount.source)}"
            problem = f"open {path}: no such file or directory"
            raise EvaluationError(self.failed(step, problem))
        return found if isinstance(found, Folder) else empty_folder()

    def _words(self, error: CallError) -> str:
        """Return what is told of a client's refusal."""
        if error.status.code == Code.UNKNOWN:
            return error.status.message
        code = Code(error.status.code).name.title().replace("_", "")
        return self._daemon.refused.format(code=code, words=error.status.message)

    def _file(self, target: str, content: bytes, mode: int) -> MountedFiles:
        file = stamped(File("file", mode, data=content), self._clock())
        name = target.rpartition("/")[2]
        files = FileSystem(folder_of({name: file}), self._clock)
        return MountedFiles(target, files, name, read_only=True)
