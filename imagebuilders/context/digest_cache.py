"""Content hashes remembered between runs, so that an unchanged file is not read again.

A hash counts for a file of the same path, size, mode, inode, device, time of change and time
of the inode's change, and for nothing else. A file that changed just before the run is not
remembered: another change within the same tick of the file system's clock would not show
(the way of git's index, https://git-scm.com/docs/racy-git).

One file in the user's cache folder holds what is known of one root under one ignore file. It
is written whole and put in place in one step, so two processes never mix; the last wins.
Whatever is wrong with it (cut short, foreign, of another version), it is ignored and
written anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import stat
import struct
import time
from collections.abc import Callable
from pathlib import Path

from imagebuilders.context.cache_file import KEY_SIZE, CacheReader, CacheWriter, open_cache
from imagebuilders.context.entries import Entry
from imagebuilders.context.manifest import hash_content
from imagebuilders.user_folders import user_cache_folder

logger = logging.getLogger(__name__)

FINE_GRAIN_NS = 100_000_000
"""How long a change must be past where times have parts of a second: some ticks, and slack."""
COARSE_GRAIN_NS = 2_500_000_000
"""The same where times are whole seconds, or two, as on FAT."""
MAX_FOLDER_SIZE = 512 * 1024 * 1024
"""The files longest unused are removed when all of them together exceed this."""

FOLDER_VARIABLE = "IMAGEBUILDERS_CACHE_DIR"
SWITCH_VARIABLE = "IMAGEBUILDERS_DIGEST_CACHE"

_KEY = struct.Struct("<IQqqQQ")  # type and mode, size, mtime, ctime, inode, device
_pack = _KEY.pack
_SECOND = 1_000_000_000


def cache_folder() -> Path | None:
    """Give the folder of the cache files, or `None` when the cache is turned off.

    `IMAGEBUILDERS_CACHE_DIR` names it, else it lies in the user's cache folder. The cache is off
    when `IMAGEBUILDERS_DIGEST_CACHE` is `0`, `off`, `false` or `no`, or when there is no home.
    """
    if os.environ.get(SWITCH_VARIABLE, "").strip().lower() in ("0", "off", "false", "no"):
        return None
    given = os.environ.get(FOLDER_VARIABLE)
    if given:
        return Path(given) / "digests"
    base = user_cache_folder()
    return None if base is None else base / "imagebuilders" / "digests"


class DigestCache:
    """The remembered hashes of one root, used as a context manager around one digest.

    On leaving without an error, what was learnt is written down. No failure of the cache is an
    error: it is logged, and files are read.

    Attributes:
        hits: how many files did not have to be read.
    """

    def __init__(
        self,
        folder: Path,
        root: str,
        ignore_file: str | None = None,
        *,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.hits = 0
        self._path = folder / f"{_identity(root, ignore_file)}.bin"
        self._now_ns = now_ns
        self._started_ns = 0
        self._old = CacheReader(None)
        self._new = CacheWriter(None)
        self._started = False
        self._open: list[_Folder] = []
        self._folder = _Folder("/", {})  # the last one of them; none has this path
        self._unchanged: list[str] = []  # folders whose blocks can be taken over as they are

    def __enter__(self) -> DigestCache:
        self._started_ns = self._now_ns()
        self._old = open_cache(self._path)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._keep()
        except OSError as error:
            self._give_up(error)
        finally:
            self._old.close()
            self._new.close()

    def content_hash(self, entry: Entry) -> str:
        """Give the SHA-256 of a file, in hexadecimal; read it only if need be.

        The entries of one folder, without those below it, are to come one after the other or
        interrupted by those of folders below: in the order of a context.
        """
        if type(entry.source) is bytes:
            return hash_content(entry)
        path, _, name = entry.path.rpartition("/")
        folder = self._folder if self._folder.path == path else self._enter(path)
        key = _pack(stat.S_IFREG | entry.mode, *entry[3:8])
        record = folder.known.get(name)
        if record is not None and record.startswith(key):
            self.hits += 1
            folder.records[name] = record
            return record[KEY_SIZE:].hex()
        digest = hash_content(entry)
        if self._is_settled(entry):
            folder.changed = True
            folder.records[name] = key + bytes.fromhex(digest)
        return digest

    def known_record(self, path: str, source: str) -> str | None:
        """Give a file's record in the manifest if its hash is known, without making an entry.

        This is what an unchanged tree spends its time on. Calls are to come in the same order as
        those of `content_hash`.

        Args:
            path: the file's path in the context.
            source: its path on disk.
        """
        try:
            status = os.lstat(source)
        except OSError:
            return None
        above, _, name = path.rpartition("/")
        folder = self._folder if self._folder.path == above else self._enter(above)
        record = folder.known.get(name)
        mode = status.st_mode
        if record is None or not record.startswith(
            _pack(
                mode,
                status.st_size,
                status.st_mtime_ns,
                status.st_ctime_ns,
                status.st_ino,
                status.st_dev,
            )
        ):
            return None
        self.hits += 1
        folder.records[name] = record
        return f"f {'755' if mode & 0o100 else '644'} {path}\0{record[KEY_SIZE:].hex()}\0"

    def _is_settled(self, entry: Entry) -> bool:
        changed = max(entry.mtime_ns, entry.ctime_ns)
        grain = COARSE_GRAIN_NS if changed % _SECOND == 0 else FINE_GRAIN_NS
        return changed + grain < self._started_ns

    def _enter(self, path: str) -> _Folder:
        while self._open and not (path + "/").startswith(self._open[-1].start):
            self._leave()
        if not self._open or self._open[-1].path != path:
            self._open.append(_Folder(path, self._old.block(path)))
        self._folder = self._open[-1]
        return self._folder

    def _leave(self) -> None:
        folder = self._open.pop()
        if not folder.changed and len(folder.records) == len(folder.known):
            if folder.records:
                self._unchanged.append(folder.path)
            return
        try:
            self._start()
            if folder.records:
                self._new.add(folder.path, folder.records)
        except OSError as error:
            self._give_up(error)

    def _start(self) -> None:
        """Begin the new file, with what has not changed so far."""
        if not self._started:
            self._started = True
            self._new = CacheWriter(self._path)
        for path in self._unchanged:
            self._new.add_block(path, self._old.block_bytes(path))
        self._unchanged.clear()

    def _keep(self) -> None:
        while self._open:
            self._leave()
        if self._started or len(self._unchanged) != self._old.folders:
            self._start()
            self._new.finish()
            limit_folder(self._path.parent)
        elif self._unchanged:
            os.utime(self._path)  # the files longest unused are the first to go

    def _give_up(self, error: OSError) -> None:
        logger.debug("The digest cache %s is not written: %s", self._path, error)
        self._new.close()
        self._new = CacheWriter(None)


class _Folder:
    """A folder that is being gone through: what was known of it, and what is now."""

    __slots__ = ("changed", "known", "path", "records", "start")

    def __init__(self, path: str, known: dict[str, bytes]) -> None:
        self.path = path
        self.start = path and path + "/"
        self.known = known
        self.records: dict[str, bytes] = {}
        self.changed = False


def _identity(root: str, ignore_file: str | None) -> str:
    """Name one root on one file system, under one ignore file."""
    try:
        system = os.statvfs(root).f_fsid
    except (AttributeError, OSError):
        system = 0
    text = f"{os.path.realpath(root)}\0{system}\0{ignore_file and os.path.realpath(ignore_file)}"
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:40]


def limit_folder(folder: Path, limit: int = MAX_FOLDER_SIZE) -> None:
    """Remove the files longest unused until all of them together have at most `limit` bytes."""
    found = []
    with os.scandir(folder) as scan:
        for file in scan:
            with contextlib.suppress(FileNotFoundError):
                status = file.stat()
                found.append((status.st_mtime_ns, status.st_size, file.path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= limit:
            return
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        total -= size
