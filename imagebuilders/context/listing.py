"""Listing one folder: what the rules keep of it, in order."""

from __future__ import annotations

import errno
import os
from typing import NamedTuple

from imagebuilders.context.entries import UTF8_NAMES, context_name, disk_name, encode_path
from imagebuilders.context.faults import bad_root, no_file, replaced, unreadable, vanished
from imagebuilders.context.rules import IgnoreRules, Outcome


class Listing(NamedTuple):
    """What is of interest in a folder: the names in order, and which of them are no files."""

    names: list[str]
    links: set[str]
    folders: dict[str, Outcome]


class Lister:
    """Lists folders of a root by rules.

    Attributes:
        start: the root with a slash at its end.
    """

    def __init__(self, root: str, rules: IgnoreRules) -> None:
        try:
            os.lstat(root)
        except OSError:
            pass  # found out when it is listed
        except ValueError as error:
            raise bad_root(root, error) from error
        self._root = root
        self.start = os.path.join(root, "")
        self._rules = rules

    def list_folder(self, prefix: str, outcome: Outcome) -> Listing:
        """List a folder: what is kept, and the folders below which something may be kept.

        Args:
            prefix: the folder's path in the context with a slash at its end; empty for the root.
            outcome: what the rules say of the folder.

        Raises:
            BuildContextError: the folder cannot be read, or something that is kept is no file,
                directory or symbolic link.
            ContextChangedError: the folder is gone, or no folder any more.
            RuleError: a pattern turns out to be malformed when it is first tried.
        """
        names: list[str] = []
        links: set[str] = set()
        folders: dict[str, Outcome] = {}
        excluded, hits = outcome
        judge = self._rules.in_folder(prefix, hits)
        try:
            with os.scandir(self.start + disk_name(prefix[:-1])) as scan:
                for found in scan:
                    name = found.name if UTF8_NAMES else context_name(found.name)
                    result = judge(name)
                    if not found.is_file(follow_symlinks=False):
                        if found.is_dir(follow_symlinks=False):
                            if not result[0] or self._rules.may_keep_below(
                                f"{prefix}{name}/", result[1]
                            ):
                                folders[name] = result
                                names.append(name)
                            continue
                        if result[0]:
                            continue
                        if not found.is_symlink():
                            path = prefix + name
                            raise no_file(self.start + disk_name(path), path, _mode(found))
                        links.add(name)
                    if not result[0]:
                        names.append(name)
        except OSError as error:
            if excluded and isinstance(error, PermissionError):
                # As Docker does: what may not be read below a dropped folder is dropped.
                return Listing([], set(), {})
            raise self.failed(prefix[:-1], error) from error
        _sort(names)
        return Listing(names, links, folders)

    def failed(self, path: str, error: OSError) -> Exception:
        """Return the error of a path that cannot be looked at or listed."""
        if not path:
            return bad_root(self._root, error)
        source = self.start + disk_name(path)
        if isinstance(error, FileNotFoundError):
            return vanished(source)
        # A link opened as a folder is no folder to Linux, and one link too many elsewhere.
        if isinstance(error, NotADirectoryError) or error.errno == errno.ELOOP:
            return replaced(source)
        return unreadable(source, path, error)


def _sort(names: list[str]) -> None:
    """Sort names by their bytes."""
    names.sort()
    # Code points sort as their UTF-8 does, except for the stand-ins of bytes that are no UTF-8.
    if not all(map(str.isascii, names)) and any(map(_has_stray_bytes, names)):
        names.sort(key=encode_path)


def _has_stray_bytes(name: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in name)


def _mode(found: os.DirEntry[str]) -> int:
    try:
        return found.stat(follow_symlinks=False).st_mode
    except OSError:
        return 0
