"""Taking away what differs from one run to the next: ids, times, temporary paths."""

from __future__ import annotations

import re

_ID = re.compile(
    r"(?<![0-9a-f])(?<!file:)(?<!dir:)(?<!multi:)(?<!diff:)(?:[0-9a-f]{64}|[0-9a-f]{12})(?![0-9a-f])"
)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_TEMPORARY = re.compile(r"/var/lib/docker/tmp/[^/\s\"':]+")
_STORAGE = re.compile(
    r"/var/lib/docker/(?:overlay2|rootfs/overlayfs|vfs/dir|fuse-overlayfs)/<\w+>(?:/merged|/diff)?"
)
_MOUNT = re.compile(r"/var/lib/docker/containerd/daemon/tmpmounts/containerd-mount\d+")
_SNAPSHOT = re.compile(
    r"/var/lib/docker/containerd/daemon/io\.containerd\.snapshotter\.v1\.overlayfs/snapshots/\d+/fs"
)
_OFFSET = re.compile(r"before offset \d+")
_PIVOT = re.compile(r"\.pivot_root\d+")
_VERSION = re.compile(r"\+(?:dfsg|deb)\d+(?:[-+]\w+)?")
# Subnets that an engine chooses depend on what else the machine has.
# They are of 16 bits, or of 20 when those are used up; the machine's docker0 may be among them.
_POOL = re.compile(
    r"(?<![\d.])(172\.(?:1[6-9]|2\d|3[01])|192\.168)\.(\d+)\.(\d+)(/16|/20)?(?![\d./])"
)
_HARDWARE = re.compile(r"(?<![0-9a-f:])(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(?![0-9a-f:])")
_RESOLVER = re.compile(
    r"lookup ([\w.-]+)(?: on [\d.:\[\]a-f]+)?: (?:no such host|.*temporary failure.*)"
)


_SIZES = frozenset({"Size", "SpaceReclaimed", "Content", "Total"})
_EXACT = 1000


def about(size: object) -> object:
    """A size without what a compressor and the digits of the time make of it."""
    return round(size, -2) if type(size) is int and size > _EXACT else size


class Normaliser:
    """Gives ids names in the order in which they appear."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._masks: dict[str, str] = {}
        self._pools: dict[str, str] = {}

    def mask(self, text: str, name: str) -> None:
        """Show a text, such as an address, by a name from now on."""
        self._masks[text] = f"<{name}>"

    def text(self, text: str) -> str:
        """A text with its ids named and its times and temporary paths masked."""
        for masked, name in self._masks.items():
            text = text.replace(masked, name)
        text = _TIME.sub("<time>", text)
        text = _TEMPORARY.sub("<temporary>", text)
        text = _SNAPSHOT.sub("<snapshot>", _MOUNT.sub("<mount>", text))
        text = _VERSION.sub("", text)
        text = _PIVOT.sub(".pivot_root<n>", text)
        text = _OFFSET.sub("before offset <n>", text)
        text = _POOL.sub(self._pool, text)
        text = _HARDWARE.sub("<mac>", text)
        text = _RESOLVER.sub(r"lookup \1: no such host", text)
        text = _ID.sub(self._name, text)
        return _STORAGE.sub("<root>", text)

    def _name(self, match: re.Match[str]) -> str:
        key = match.group(0)[:12]
        return self._names.setdefault(key, f"<id{len(self._names) + 1}>")

    def _pool(self, match: re.Match[str]) -> str:
        beginning, third, fourth, size = match.groups()
        number = int(third)
        if beginning == "192.168":
            beginning, number = f"192.168.{number & 0xF0}", number & 0x0F
        pool = self._pools.setdefault(beginning, f"<pool{len(self._pools) + 1}>")
        return f"{pool}.{number}.{fourth}{'/16' if size else ''}"

    def value(self, value: object) -> object:
        """Any JSON value, its strings normalised."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            # Of what was pushed, the size is exact.
            sized = () if "Digest" in value else _SIZES
            return {
                self.text(key): self._field(key, about(value[key]) if key in sized else value[key])
                for key in value
            }
        return value

    def _field(self, key: str, value: object) -> object:
        return 16 if key == "IPPrefixLen" and value == 20 else self.value(value)
