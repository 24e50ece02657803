"""The files of an image that a test describes by their contents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from imagebuilders.oci.file_tree import File, Tree, clean, implied_directories

from .layers import Layer, difference


def described_files(files: Mapping[str, str | bytes], mtime: int = 0) -> Tree:
    """The files that contents by path describe, without the folders above them.

    Args:
        files: a path that ends with `/` is a folder, and a content that begins with `#!` is
            executable. Text becomes UTF-8.
        mtime: their time, in seconds since 1970.
    """
    tree: Tree = {}
    for path, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        if path.endswith("/"):
            tree[clean(path)] = File("dir", 0o755, mtime=mtime)
        else:
            mode = 0o755 if data.startswith(b"#!") else 0o644
            tree[clean(path)] = File("file", mode, mtime=mtime, data=data)
    return tree


def exposed_ports(ports: Iterable[str]) -> list[str]:
    """Ports with their protocol, which is TCP where none is said."""
    return [port if "/" in port else f"{port}/tcp" for port in ports]


def described_layer(files: Mapping[str, str | bytes]) -> Layer:
    """A layer of such files; the same files give the same digest, always."""
    tree = described_files(files)
    implied_directories(tree)
    return difference({}, tree, set())
