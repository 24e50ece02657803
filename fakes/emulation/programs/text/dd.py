"""`dd`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...open_files import FileHandle
from .sizes import read_size

if TYPE_CHECKING:
    from ...process import Process


def dd(process: Process) -> int:
    """Copy blocks."""
    words: dict[str, str] = {}
    for word in process.arguments[1:]:
        name, equals, value = word.partition("=")
        if equals:
            words[name] = value
    sizes = {
        name: read_size(process, words[name])
        for name in ("bs", "ibs", "obs", "count", "skip", "seek")
        if name in words
    }
    size = sizes.get("bs") or sizes.get("ibs") or 512
    files = process.system.files
    source = files.open(process, words["if"]).retain() if "if" in words else None
    try:
        data = bytearray()
        blocks = sizes.get("count")
        skip = sizes.get("skip", 0) * size
        limit = None if blocks is None else blocks * size + skip
        while limit is None or len(data) < limit:
            wanted = 65_536 if limit is None else min(65_536, limit - len(data))
            piece = source.read(process, wanted) if source else process.read(wanted)
            if not piece:
                break
            data += piece
        del data[:skip]
        conversions = (words.get("conv") or "").split(",")
        if "ucase" in conversions or "lcase" in conversions:
            data = data.upper() if "ucase" in conversions else data.lower()
        if "of" in words:
            target = files.open(
                process,
                words["of"],
                reads=False,
                writes=True,
                creates=True,
                truncates="notrunc" not in conversions and "seek" not in sizes,
            ).retain()
            try:
                if "seek" in sizes and isinstance(target, FileHandle):
                    target.seek(sizes["seek"] * size)
                    if "notrunc" not in conversions:
                        kept = target.node.content()[: sizes["seek"] * size]
                        target.node.truncate(process.now())
                        target.node.write(0, kept, process.now())
                target.write(process, bytes(data))
            finally:
                target.release()
        else:
            process.write(bytes(data))
            process.flush()
    finally:
        if source is not None:
            source.release()
    full, rest = divmod(len(data), size)
    if words.get("status") not in ("none",):
        process.print_error(
            f"{full}+{int(bool(rest))} records in\n{full}+{int(bool(rest))} records out\n"
        )
        if words.get("status") != "noxfer":
            process.print_error(f"{len(data)} bytes copied, 0.0001 s, 1.0 MB/s\n")
    return 0
