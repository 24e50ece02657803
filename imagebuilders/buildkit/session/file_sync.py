"""`FileSync`: the daemon copies folders of the client.

The client tells every entry (STAT), the daemon asks for the content of those that it has not
(REQ), by their number among the STATs: https://github.com/tonistiigi/fsutil.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import unquote_plus

from imagebuilders.buildkit.proto.filesync_pb2 import Packet
from imagebuilders.buildkit.session.sync_packets import (
    END_OF_STATS,
    FIN,
    data_packet,
    entry_stat,
    error_packet,
    read_packet,
    run_stats,
)
from imagebuilders.buildkit.session.sync_selection import HardLinks, Run, Selection
from imagebuilders.buildkit.session.synced_folders import Request, SyncedFolder
from imagebuilders.buildkit.transport.call import Call, Handler
from imagebuilders.buildkit.transport.errors import CallError, TransportError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.context.content import ContentReader
from imagebuilders.context.content_times import ContentTimes
from imagebuilders.context.entries import Entry, EntryType, show_path
from imagebuilders.context.followed_paths import TooManyStepsError, follow_links
from imagebuilders.context.rules import IgnoreRules, RuleError
from imagebuilders.exceptions import BuildContextError, ImageBuilderError

DIFF_COPY = "/moby.filesync.v1.FileSync/DiffCopy"

_BATCH_BYTES = 64 * 1024
_CHUNK_BYTES = 256 * 1024


class FileSync:
    """Serves folders by the names that a daemon asks for: `context`, `dockerfile`, …

    Attributes:
        failures: why a folder could not be sent, by its name; a build fails by it.
    """

    def __init__(self, folders: Mapping[str, SyncedFolder]) -> None:
        self._folders = dict(folders)
        self.failures: dict[str, ImageBuilderError] = {}
        self._copies: Counter[str] = Counter()
        self._copied = threading.Condition()

    def add(self, name: str, folder: SyncedFolder) -> None:
        """Serve one more folder; one that is served already stays."""
        self._folders.setdefault(name, folder)

    def handlers(self) -> Mapping[str, Handler]:
        """Return what serves each method, by its path."""
        return {DIFF_COPY: self._diff_copy}

    def wait_for_copies(self, names: Collection[str], seconds: float) -> bool:
        """Wait until no copy of these folders is under way; return whether that is so.

        A daemon may tell that a build failed before the copy that it broke off has heard so.

        Args:
            names: of the folders.
            seconds: how long to wait at most.
        """
        with self._copied:
            return self._copied.wait_for(
                lambda: not any(self._copies[name] for name in names), seconds
            )

    def _diff_copy(self, call: Call) -> None:
        name = (decoded(call, "dir-name") or [""])[0]
        folder = self._folders.get(name)
        if folder is None:
            raise CallError(RpcStatus(Code.NOT_FOUND, f"no access allowed to dir {name!r}"))
        with self._copied:
            self._copies[name] += 1
        try:
            self._copy(call, name, folder)
        finally:
            with self._copied:
                self._copies[name] -= 1
                self._copied.notify_all()

    def _copy(self, call: Call, name: str, folder: SyncedFolder) -> None:
        request = Request(
            tuple(decoded(call, "followpaths")),
            tuple(decoded(call, "include-patterns")),
            tuple(decoded(call, "exclude-patterns")),
        )
        selection: Selection | None = None
        try:
            with ContentReader() as reader:
                selection = select(folder, request)
                sending = _Sending(call, selection, reader, folder.times(request))
                sending.tell_all()
                folder.told(selection.paths())
                sending.serve()
        except TransportError:
            unreadable = None if selection is None else _unreadable_name(selection)
            if unreadable is not None:
                self.failures.setdefault(name, unreadable)
            raise
        except ImageBuilderError as error:
            self.failures[name] = error
            call.send(error_packet(str(error)))
            raise CallError(RpcStatus(Code.UNKNOWN, str(error))) from error
        except (RuleError, TooManyStepsError) as error:
            raise CallError(RpcStatus(Code.INVALID_ARGUMENT, str(error))) from error


def select(folder: SyncedFolder, request: Request) -> Selection:
    """Return what of a folder is sent.

    Raises:
        CallError: one of the patterns of what is wanted is malformed; in Docker's words.
        ImageBuilderError: the folder cannot be read.
        RuleError: one of the daemon's other patterns is malformed.
        TooManyStepsError: its paths lead through too many links.
    """
    content = folder.content(request)
    wanted = list(request.include)
    if request.follow:
        found = follow_links(content, request.follow)
        wanted += [] if found is None else found
    try:
        rules = IgnoreRules.compile(wanted) if wanted else None
    except RuleError as error:
        text = f"invalid includepatterns: [{' '.join(wanted)}]: syntax error in pattern"
        raise CallError(RpcStatus(Code.UNKNOWN, text)) from error
    return Selection(content, rules)


def _unreadable_name(selection: Selection) -> BuildContextError | None:
    """Return why a daemon may have broken a copy off: newer ones read names as UTF-8."""
    for path in selection.paths():
        if not path.isascii() and any("\udc80" <= char <= "\udcff" for char in path):
            return BuildContextError(
                f"{show_path(path)} has a name that is not UTF-8, which this daemon does not take. "
                "Rename it, or leave it out with the ignore file.",
                path=path,
            )
    return None


def decoded(call: Call, name: str) -> list[str]:
    """Return the values of a header, URL-decoded where the daemon says that they are encoded."""
    values = call.values(name)
    if call.values(f"{name}-encoded"):
        return [unquote_plus(value, errors="surrogateescape") for value in values]
    return values


class _Sending:
    """One copy of a folder."""

    def __init__(
        self,
        call: Call,
        selection: Selection,
        reader: ContentReader,
        times: ContentTimes | None,
    ) -> None:
        self._call = call
        self._selection = selection
        self._reader = reader
        self._times = times
        self._wanted: deque[int] = deque()
        self._asked = bytearray()
        self._is_finished = False
        self._queue: list[bytes] = []
        self._queued = 0

    def tell_all(self) -> None:
        """Tell the entries, and send what is asked for meanwhile; raises as `serve` does."""
        for stat in self._stats():
            if self._put(stat):
                self._take_waiting()
                self._send_wanted()
        self._put(END_OF_STATS)
        self._flush()

    def serve(self) -> None:
        """Send what is asked for, until the daemon has all.

        Raises:
            CallError: the daemon broke off, or asks for what there is not.
            ImageBuilderError: a file changed meanwhile, or cannot be read.
        """
        self._take_waiting()
        while not self._is_finished:
            self._send_wanted()
            self._flush()
            message = self._call.receive()
            if message is None:
                return
            self._take(message)
            self._take_waiting()
        self._call.send(FIN)

    def _stats(self) -> Iterator[bytes]:
        links, times = HardLinks(self._selection), self._times
        for first, part in self._selection:
            if isinstance(part, Run):
                yield from run_stats(part, links, first, times)
                continue
            time_ns = None if times is None else times.of_entry(part)
            linked_to = b""
            if part.type is EntryType.FILE:
                linked_to = links.find(part.inode, part.device, first)
            yield entry_stat(part, linked_to=linked_to, time_ns=time_ns)

    # --- what the daemon asks for --------------------------------------------

    def _take_waiting(self) -> None:
        while not self._is_finished and (message := self._call.receive_now()) is not None:
            self._take(message)

    def _take(self, message: bytes) -> None:
        packet = read_packet(message)
        if packet.type == Packet.PACKET_REQ:
            self._want(packet.ID)
        elif packet.type == Packet.PACKET_FIN:
            self._is_finished = True
        elif packet.type == Packet.PACKET_ERR:
            words = packet.data.decode("utf-8", "replace")
            raise CallError(RpcStatus(Code.UNKNOWN, f"error from receiver: {words}"))

    def _want(self, number: int) -> None:
        """Note that a file is asked for; each may be once, so that what is noted is bounded."""
        count = self._selection.count
        self._asked.extend(bytes(max(0, count - len(self._asked))))
        if number >= count or self._asked[number]:
            raise CallError(RpcStatus(Code.INVALID_ARGUMENT, f"invalid file id {number}"))
        self._asked[number] = 1
        self._wanted.append(number)

    def _send_wanted(self) -> None:
        while self._wanted:
            number = self._wanted.popleft()
            entry = self._selection.entry(number)
            if entry.type is not EntryType.FILE:
                raise CallError(RpcStatus(Code.INVALID_ARGUMENT, f"invalid file id {number}"))
            self._send_file(number, entry)

    def _send_file(self, number: int, entry: Entry) -> None:
        for chunk in self._reader.read_chunks(entry, _CHUNK_BYTES):
            self._put(data_packet(number, chunk))
        self._put(data_packet(number, b""))

    # --- what is sent --------------------------------------------------------

    def _put(self, message: bytes) -> bool:
        """Queue a message; return whether it and those before it were sent."""
        self._queue.append(message)
        self._queued += len(message)
        if self._queued < _BATCH_BYTES:
            return False
        self._flush()
        return True

    def _flush(self) -> None:
        if self._queue:
            self._call.send_all(self._queue)
            self._queue, self._queued = [], 0
