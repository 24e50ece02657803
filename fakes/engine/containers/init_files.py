"""What an engine puts into every container: places for what is mounted when it runs."""

from __future__ import annotations

from imagebuilders.oci.file_tree import File, Tree, ancestors

_FOLDERS = ("dev", "dev/pts", "dev/shm", "etc", "proc", "sys")
_EMPTY = (".dockerenv", "dev/console", "etc/hostname", "etc/hosts", "etc/resolv.conf")
_MOUNTS = "etc/mtab"


def with_init_files(tree: Tree, now: int) -> Tree:
    """The files of an image, and those places where the image has nothing."""
    made: Tree = {path: File("dir", 0o755, mtime=now) for path in _FOLDERS}
    made |= {path: File("file", 0o755, mtime=now) for path in _EMPTY}
    made[_MOUNTS] = File("symlink", 0o777, mtime=now, link="/proc/mounts")
    blocked = {path for path, file in tree.items() if file.kind != "dir"}
    fitting = {
        path: file for path, file in made.items() if not blocked.intersection(ancestors(path))
    }
    return {**fitting, **tree}
