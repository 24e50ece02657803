"""What is worth knowing about a context before it is sent: what is large, what looks secret."""

from __future__ import annotations

import logging
import os
import re
from collections import defaultdict
from collections.abc import Iterable
from heapq import nlargest

from imagebuilders.context.entries import Entry, EntryType, show_path
from imagebuilders.context.patterns import literal_pattern
from imagebuilders.lazy_dataclass import dataclass

logger = logging.getLogger(__name__)

_NAMED = 10

LARGE_CONTEXT = 50 * 1024 * 1024
"""The size in bytes above which a context without an ignore file is worth a warning."""

_SECRET_NAMES = re.compile(
    r"""
    \.env(\..+)? | .+\.env
    | id_(rsa|dsa|ecdsa|ed25519)(_sk)?
    | .+\.(pem|key|p12|pfx|jks|keystore|kdbx|ppk)
    | \.(netrc|pgpass|npmrc|pypirc|git-credentials|htpasswd|dockercfg)
    | (client_secret|service[-_]?account|gcp[-_]?key).*\.json
    | application_default_credentials\.json
    | credentials\.(json|ya?ml|csv)
    | secrets?\.(json|ya?ml|toml)
    | .+\.tfstate(\.backup)? | .+\.tfvars
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SECRET_PATHS = re.compile(
    r"(^|/)(\.aws/(credentials|config)|\.docker/config\.json|\.kube/config"
    r"|\.azure/[^/]+|\.config/gcloud/.+|\.ssh/(?!config$|known_hosts$|authorized_keys$)[^/]+)$"
)
# Samples, public keys and certificates are meant to be shared.
_HARMLESS = re.compile(
    r".*(example|sample|template|dist|schema)(\.[a-z]+)?|.+\.pub|.*(cacert|ca-bundle|chain).*\.pem",
    re.IGNORECASE,
)
# Nearly all names can be told from these at a glance.
_SECRET_ENDINGS = frozenset(
    [
        "env",
        "pem",
        "key",
        "p12",
        "pfx",
        "jks",
        "keystore",
        "kdbx",
        "ppk",
        "json",
        "yaml",
        "yml",
        "csv",
        "toml",
        "tfstate",
        "backup",
        "tfvars",
    ]
)


@dataclass(frozen=True)
class FolderSize:
    """What a folder adds to a context.

    Attributes:
        path: the folder's path in the context.
        size: the bytes of all files in it, at any depth.
        files: how many these are.
        rule: the line of an ignore file that would leave the folder out.
    """

    path: str
    size: int
    files: int
    rule: str


def largest_folders(entries: Iterable[Entry], limit: int = 10) -> list[FolderSize]:
    """Return the folders with the most bytes in them, largest first.

    A folder that holds nothing but one other folder is not listed beside it.
    """
    sizes: dict[str, int] = defaultdict(int)
    files: dict[str, int] = defaultdict(int)
    for entry in entries:
        if entry.type is not EntryType.FILE:
            continue
        folder = entry.path.rpartition("/")[0]
        while folder:
            sizes[folder] += entry.size
            files[folder] += 1
            folder = folder.rpartition("/")[0]
    for folder in list(sizes):
        if files.get(folder.rpartition("/")[0]) == files[folder]:
            del sizes[folder]
    largest = nlargest(limit, sizes.items(), key=lambda item: (item[1], item[0]))
    return [FolderSize(path, size, files[path], literal_pattern(path)) for path, size in largest]


def looks_secret(path: str) -> bool:
    """Say whether a path's name is one that credentials and private keys usually have."""
    name = path[path.rfind("/") + 1 :]
    if (
        name[name.rfind(".") + 1 :].lower() not in _SECRET_ENDINGS
        and name[:1] not in ".iI"
        and "/." not in path
        and path[0] != "."
    ):
        return False
    if _HARMLESS.fullmatch(name):
        return False
    return bool(_SECRET_NAMES.fullmatch(name) or _SECRET_PATHS.search(path))


def secret_looking(entries: Iterable[Entry]) -> list[str]:
    """Return the paths of the files that look like secrets, in the order of the context."""
    return [
        entry.path
        for entry in entries
        if entry.type is not EntryType.DIRECTORY and looks_secret(entry.path)
    ]


class Notices:
    """What is said about a context, each once, however often the context is used."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._told_large = False

    def tell_secrets(self, paths: Iterable[str]) -> None:
        """Write a warning to the log that names the paths that look like secrets, if any."""
        found = sorted(path for path in paths if looks_secret(path) and path not in self._told)
        if not found:
            return
        self._told.update(found)
        shown = ", ".join(map(show_path, found[:_NAMED]))
        if len(found) > _NAMED:
            shown += f" and {len(found) - _NAMED} more"
        logger.warning(
            "The build context holds what looks like secrets: %s. Whoever gets the image or the "
            "archive may read them; leave out with the ignore file what the build does not need.",
            shown,
        )

    def tell_large(self, root: str, size: int) -> None:
        """Write a warning to the log if an archive is large though an ignore file is missing.

        Args:
            root: the folder, which has no ignore file.
            size: the archive's size in bytes.
        """
        if size <= LARGE_CONTEXT or self._told_large:
            return
        self._told_large = True
        logger.warning(
            "The archive of the build context %s has %.1f MiB. Unless all of it is needed, "
            "leave files out with a .dockerignore in that folder; `imagebuilders context ls` "
            "shows the largest ones.",
            os.path.abspath(root),
            size / 1024**2,
        )
