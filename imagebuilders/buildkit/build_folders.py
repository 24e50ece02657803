"""The folders of a build as the daemon sees them, and the key under which it remembers them.

The Dockerfile goes alone into a folder of its own, with the ignore rules beside it under the name
that counts before any `.dockerignore`. So the daemon does not look for one in the context: what
is in the context was decided when its snapshot was taken, and a `.dockerignore` in it is a file
like any other. The rules are sent for the daemon's own advice, such as its warning that a `COPY`
names a file that they drop.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from imagebuilders.buildkit.session.synced_folders import LocalFolder, PackedFolder, SyncedFolder
from imagebuilders.context.entries import Entry, EntryType, encode_path
from imagebuilders.context.ignore_file import compile_rules
from imagebuilders.context.reapply import keeping_line
from imagebuilders.exceptions import BuildOptionsError
from imagebuilders.user_folders import own_cache_folder

if TYPE_CHECKING:
    from imagebuilders.context.dockerfile_lookup import FoundDockerfile
    from imagebuilders.context.snapshot import ContextSnapshot

DOCKERFILE = "Dockerfile"
"""The Dockerfile's name in the folder that it is sent in."""

IGNORE_FILE = f"{DOCKERFILE}.dockerignore"

_NODE_BYTES = 16


def build_folders(
    snapshot: ContextSnapshot,
    dockerfile: FoundDockerfile,
    named: Mapping[str, str],
    *,
    has_content_times: bool = False,
) -> dict[str, SyncedFolder]:
    """Return the folders of a build by the names that the daemon asks for.

    Args:
        snapshot: the context.
        dockerfile: the Dockerfile.
        named: the folders of named contexts, by name.
        has_content_times: whether files have times made of their content.

    Raises:
        BuildContextError: that is so, and a file cannot be read.
        BuildOptionsError: a named context is not a folder.
    """
    folders: dict[str, SyncedFolder] = {}
    if snapshot.remote is None:
        folders["context"] = PackedFolder(
            snapshot.folder,
            told=snapshot.notices.tell_secrets,
            times=snapshot.content_times() if has_content_times else None,
        )
    if snapshot.remote is None or not snapshot.remote.has_dockerfile:
        folders["dockerfile"] = PackedFolder.of(
            [_file(DOCKERFILE, dockerfile.content), _file(IGNORE_FILE, daemon_rules(snapshot))]
        )
    for name, path in named.items():
        if not os.path.isdir(path):
            raise BuildOptionsError(
                f"The option 'build_contexts' names the folder {path}, which does not exist. "
                "Images are named as in docker-image://NAME.",
                option="build_contexts",
            )
        folders[name] = LocalFolder(os.path.abspath(path), has_content_times=has_content_times)
    return folders


def daemon_rules(snapshot: ContextSnapshot) -> bytes:
    """Return the ignore file that the daemon is told: the snapshot's, without what it has anyway.

    What was put into the context by hand is there whatever the rules say.
    """
    ignore_file = snapshot.ignore_file
    if ignore_file is None:
        return b""
    rules = compile_rules(ignore_file.lines, path=snapshot.ignore_path)
    kept = [keeping_line(path) for path in snapshot.folder.placed() if rules.excludes(path)]
    lines = [line.text for line in ignore_file.lines]
    return encode_path("".join(f"{line}\n" for line in [*lines, *sorted(kept)]))


def _file(name: str, content: bytes) -> Entry:
    # Without a time of its own it gets one from its content: a change of equal size is seen.
    return Entry(name, EntryType.FILE, 0o644, len(content), source=content)


# --- the daemon's memory -----------------------------------------------------


def shared_key(root: str | None, named: Mapping[str, str]) -> str:
    """Return what stands for the folders of a build in a daemon's memory.

    It is the same for the same folders of this user, on every day and in every process, and no
    other user's or machine's: a daemon that has seen the folders asks only for what changed.

    Args:
        root: the context's folder; `None` when it has none.
        named: the folders of named contexts, by name.
    """
    digest = hashlib.sha256(_node().encode())
    folders = [("", root or ""), *sorted(named.items())]
    for name, path in folders:
        place = os.path.realpath(path) if path else ""
        digest.update(b"\0%b\0%b" % (encode_path(name), os.fsencode(place)))
    return digest.hexdigest()


def _node() -> str:
    """Return what tells this user on this machine from all others.

    It is drawn once and kept in the user's cache folder; where that cannot be, it lasts as long
    as the process.
    """
    folder = own_cache_folder()
    if folder is None:
        return _drawn()
    path = folder / "node"
    with suppress(OSError, ValueError):
        return _read(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        drawn = folder / f".node-{secrets.token_hex(8)}"
        drawn.write_text(secrets.token_hex(_NODE_BYTES), encoding="ascii")
        try:
            os.replace(drawn, path)
        except OSError:
            drawn.unlink()
            raise
        return _read(path)
    except (OSError, ValueError):
        return _drawn()


def _read(path: Path) -> str:
    text = path.read_text(encoding="ascii")
    if len(bytes.fromhex(text)) != _NODE_BYTES:
        raise ValueError("it is of another length")
    return text


@cache
def _drawn() -> str:
    return secrets.token_hex(_NODE_BYTES)
