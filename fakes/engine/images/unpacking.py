"""Archives unpacked onto files, and why not, in an engine's words."""

from __future__ import annotations

import posixpath

from imagebuilders.exceptions import LayerFormatError, UnpackError
from imagebuilders.oci.layer import unpack_layer
from imagebuilders.oci.unpacking import Unpacker, UnpackRules

from ... import go_text
from ...images import tar
from ...images.layers import Layer
from .. import messages
from ..filesystem.overlay import Overlay, Owner
from ..versions import ByVersion, EngineVersion

SAFE_PATHS = "28.0"
"""The version from which on an engine looks each folder up below the root by itself."""
_RULES = ByVersion(
    UnpackRules(follows_dangling=False, keeps_inside=True),
    {SAFE_PATHS: UnpackRules(refuses_escapes=True)},
)
_KEEPING_KINDS = ByVersion(
    UnpackRules(follows_dangling=False, keeps_inside=True, keeps_kinds=True),
    {SAFE_PATHS: UnpackRules(refuses_escapes=True, keeps_kinds=True)},
)


def rules(version: EngineVersion, *, keeps_kinds: bool = False) -> UnpackRules:
    """How a version unpacks."""
    return (_KEEPING_KINDS if keeps_kinds else _RULES).of(version)


def unpack(
    overlay: Overlay, archive: bytes, unpacker: Unpacker, owner: Owner | None = None
) -> None:
    """Unpack an archive, compressed or not; what came before a failure stays.

    Args:
        overlay: what is written to.
        archive: the archive.
        unpacker: writes there.
        owner: of all entries; each has its own when left out.

    Raises:
        UnpackError: an entry has no place.
        TarError: it is no archive, or ends too early.
        StepError: there is no room for it.
    """
    for member in tar.entries(archive, to_the_end=overlay.version < "23.0"):
        overlay.check_room(posixpath.normpath(f"/{member.name}").lstrip("/"), member.file)
        if owner is not None:
            member = member._replace(file=member.file._replace(uid=owner.uid, gid=owner.gid))
        unpacker.add(member)
    unpacker.finish()


def registered(content: bytes, version: EngineVersion, now: int) -> Layer:
    """Return a layer that can be unpacked by itself, as engines see to when they get one.

    Args:
        content: its archive, compressed or not.
        version: of the engine.
        now: nanoseconds since 1970.

    Raises:
        TarError: it is no archive, or ends too early.
        LayerFormatError: an entry has no place, or comes twice.
    """
    layer = Layer(tar.plain(content))
    layer.unpacked = unpack_layer(
        tar.entries(content, to_the_end=version < "23.0"),
        now=now // 1_000_000_000,
        rules=rules(version),
    )
    return layer


def told(error: LayerFormatError | tar.TarError, version: EngineVersion, folder: str = "") -> str:
    """What an engine says of an archive that cannot be unpacked.

    Args:
        error: what was wrong.
        version: of the engine.
        folder: the one that was written to.
    """
    if isinstance(error, tar.TarError):
        in_stream = error.in_stream
        return (messages.STREAM_FAILURE if in_stream else messages.TAR_FAILURE)(version, str(error))
    if not isinstance(error, UnpackError):
        return messages.STREAM_FAILURE(version, "duplicates of file paths not supported")
    return messages.TAR_FAILURE(version, _words(error, folder, safely=version >= SAFE_PATHS))


def _words(error: UnpackError, folder: str, *, safely: bool) -> str:
    """What an engine says of an entry without a place; the safe one names paths of the folder."""
    first, quoted = error.paths[0], go_text.quote(error.paths[0])
    shown = [f"/{path}" for path in error.paths]
    if safely:
        shown = [path.lstrip("/") for path in error.paths]
    match error.operation:
        case "name":
            return (
                f"invalid entry name {quoted}" if safely else f'"{first}" is outside of "/{folder}"'
            )
        case "hard link target":
            if safely:
                return f"invalid hardlink target {quoted}"
            return f"invalid hardlink {go_text.quote(shown[1])} -> {quoted}"
        case "link target":
            return f"invalid symlink {go_text.quote(shown[1])} -> {quoted}"
        case "overwrite":
            kinds = ["directory", "non-directory"]
            one, other = kinds if error.reason == "a folder" else reversed(kinds)
            return f'cannot overwrite {one} "{shown[0]}" with {other} "/{folder}"'
        case "type":
            return f"unhandled tar header type {error.reason}"
        case "mknod":
            mark = f"'{shown[0]}'" if safely else go_text.quote(shown[0])
            return f"failed to mknod({mark}, S_IFCHR, 0): {error.reason}"
    if error.operation == "symlink" and len(shown) > 1:
        shown[0] = error.paths[0]  # the target as it is
    return f"{error.operation}{'at' * safely} {' '.join(shown)}: {error.reason}"
