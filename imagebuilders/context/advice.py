"""What is worth knowing about a context before it is sent: what is large, what looks secret."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest

from imagebuilders.context.entries import Entry, EntryType, show_path
from imagebuilders.context.patterns import literal_pattern

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
    """Give the folders with the most bytes in them, largest first.

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
    """Give the paths of the files that look like secrets, in the order of the context."""
    return [
        entry.path
        for entry in entries
        if entry.type is not EntryType.DIRECTORY and looks_secret(entry.path)
    ]


def warn_of_secrets(paths: Sequence[str]) -> None:
    """Write a warning to the log that names the paths, all of them in one; none for no paths."""
    if not paths:
        return
    shown = ", ".join(map(show_path, paths[:_NAMED]))
    if len(paths) > _NAMED:
        shown += f" and {len(paths) - _NAMED} more"
    logger.warning(
        "The build context holds what looks like secrets: %s. Leave them out with the ignore file; "
        "what a build needs of them belongs in build secrets.",
        shown,
    )
