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
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from imagebuilders.context.cache_file import Block, CacheReader, CacheWriter, open_cache
from imagebuilders.context.entries import encode_path
from imagebuilders.context.folder import Folder
from imagebuilders.context.manifest import ContentHasher, record, record_size
from imagebuilders.context.status import STATE_SIZE
from imagebuilders.user_folders import own_cache_folder

logger = logging.getLogger(__name__)

FINE_GRAIN_NS = 100_000_000
"""How long a change must be past where times have parts of a second: some ticks, and slack."""
COARSE_GRAIN_NS = 2_500_000_000
"""The same where times are whole seconds, or two, as on FAT."""
MAX_FOLDER_SIZE = 512 * 1024 * 1024
"""The files longest unused are removed when all of them together exceed this."""

SWITCH_VARIABLE = "IMAGEBUILDERS_DIGEST_CACHE"

_SECOND = 1_000_000_000


def cache_folder() -> Path | None:
    """Return the folder of the cache files, or `None` when the cache is turned off.

    `IMAGEBUILDERS_CACHE_DIR` names it, else it lies in the user's cache folder. The cache is off
    when `IMAGEBUILDERS_DIGEST_CACHE` is `0`, `off`, `false` or `no`, or when there is no home.
    """
    if os.environ.get(SWITCH_VARIABLE, "").strip().lower() in ("0", "off", "false", "no"):
        return None
    folder = own_cache_folder()
    return None if folder is None else folder / "digests"


class DigestCache(ContentHasher):
    """The remembered hashes of one root, used as a context manager around one digest.

    On leaving without an error, what was learnt is written down. No failure of the cache is an
    error: it is logged, and files are read.
    """

    def __init__(
        self,
        folder: Path,
        root: str,
        ignore_file: str | None = None,
        *,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        super().__init__()
        self._path = folder / f"{_identity(root, ignore_file)}.bin"
        self._now_ns = now_ns
        self._started_ns = 0
        self._old = CacheReader(None)
        self._new = CacheWriter(None)
        self._started = False
        self._unchanged: list[str] = []  # folders whose blocks can be taken over as they are

    def __enter__(self) -> DigestCache:
        self._started_ns = self._now_ns()
        self._old = open_cache(self._path)
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        try:
            if kind is None:
                self._keep()
        except OSError as error:
            self._give_up(error)
        finally:
            self._old.close()
            self._new.close()
            super().__exit__(kind, *details)

    def records(self, folder: Folder) -> bytes:
        """Return the records of a folder's packed files; read only what is not known."""
        known = self._old.block(folder.path)
        if known.states == folder.states and known.names == folder.names:
            self._unchanged.append(folder.path)
            return known.records
        records, block = self._look_up(folder, known)
        if block == known:
            if block.names:
                self._unchanged.append(folder.path)
            return records
        try:
            self._start()
            if block.names:
                self._new.add(folder.path, block)
        except OSError as error:
            self._give_up(error)
        return records

    def _look_up(self, folder: Folder, known: Block) -> tuple[bytes, Block]:
        """Return the records of all files, and what is to be remembered."""
        remembered = _by_name(known, folder.prefix)
        records = bytearray()
        settled = bytearray()  # for each file, whether it is to be remembered
        for index, file in enumerate(folder.files()):
            name = encode_path(file.path[len(folder.prefix) :])
            state = folder.states[index * STATE_SIZE : (index + 1) * STATE_SIZE]
            known_state, found = remembered.get(name, (b"", b""))
            is_known = known_state == state
            records += found if is_known else encode_path(record(file, self.content_hash))
            settled.append(
                is_known or self._is_settled(max(file.mtime_ns or 0, file.ctime_ns), state)
            )
        whole = Block(folder.names, folder.states, bytes(records))
        return whole.records, whole if all(settled) else _some(whole, folder.prefix, settled)

    def _is_settled(self, changed_ns: int, state: bytes) -> bool:
        grain = COARSE_GRAIN_NS if changed_ns % _SECOND == 0 else FINE_GRAIN_NS
        return changed_ns + grain < self._started_ns and any(state)

    def _start(self) -> None:
        """Begin the new file, with what has not changed so far."""
        if not self._started:
            self._started = True
            self._new = CacheWriter(self._path)
        for path in self._unchanged:
            self._new.add_block(path, self._old.block_bytes(path))
        self._unchanged.clear()

    def _keep(self) -> None:
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


def _by_name(block: Block, prefix: str) -> dict[bytes, tuple[bytes, bytes]]:
    """Return each file's state and record."""
    return {name: (state, found) for name, state, found in _files(block, prefix)}


def _some(block: Block, prefix: str, chosen: Iterable[int]) -> Block:
    """Return the block of some of the files."""
    files = [
        file for file, is_chosen in zip(_files(block, prefix), chosen, strict=True) if is_chosen
    ]
    names, states, records = zip(*files, strict=True) if files else ((), (), ())
    return Block(b"\0".join([*names, b""]), b"".join(states), b"".join(records))


def _files(block: Block, prefix: str) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield each file's name, state and record."""
    size = record_size(encode_path(prefix))
    at = 0
    for index, name in enumerate(block.names.split(b"\0")[:-1]):
        end = at + size + len(name)
        yield (
            name,
            block.states[index * STATE_SIZE : (index + 1) * STATE_SIZE],
            block.records[at:end],
        )
        at = end


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
