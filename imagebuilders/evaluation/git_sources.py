"""Repositories as ADD names them.

https://docs.docker.com/reference/dockerfile/#adding-files-from-a-git-repository
"""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit, urlunsplit

from imagebuilders.evaluation.paths import join
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import BOOLEANS, quote
from imagebuilders.lazy_dataclass import dataclass

_PROTOCOL = re.compile(r"[a-zA-Z0-9]+(?=://)")
_PROTOCOLS = frozenset({"http", "https", "ssh", "git"})
_SCP = re.compile(r"(?P<host>[a-zA-Z0-9-_]+@[a-zA-Z0-9-.]+:[^?#]*)(?:\?([^#]*))?(?:#(.*))?")
_BOOLEAN_KEYS = ("submodules", "keep-git-dir", "fetch-by-commit")


@dataclass(frozen=True)
class GitReference:
    """What an address says of a repository.

    Attributes:
        remote: the repository.
        ref: branch, tag or commit; empty for the default.
        folder: the folder of it; empty for all.
        checksum: the commit that has to be found.
        keep_git_dir: whether `.git` stays; `None` if nothing was said.
        submodules: they are fetched.
        fetch_by_commit: the commit is asked for.
    """

    remote: str
    ref: str = ""
    folder: str = ""
    checksum: str = ""
    keep_git_dir: bool | None = None
    submodules: bool = True
    fetch_by_commit: bool = False


def parse_git(text: str) -> GitReference | None:
    """Read the address of a repository; `None` if it is a path or another URL.

    Raises:
        EvaluationError: its query is malformed; in BuildKit's words.
    """
    if text.startswith(("./", "../", "github.com/")):
        return None
    parts = _of_url(text) if _PROTOCOL.match(text) else _of_scp(text)
    if parts is None:
        return None
    remote, query, fragment = parts
    ref, _, folder = fragment.partition(":")
    folder = join("/", folder).removeprefix("/") if fragment else ""
    return _with_query(GitReference(remote, ref, folder), query)


def _of_url(text: str) -> tuple[str, str, str] | None:
    try:
        url = urlsplit(text)
    except ValueError:
        return None
    if url.scheme not in _PROTOCOLS:
        return None
    if url.scheme in ("http", "https") and not url.path.endswith(".git"):
        return None
    return urlunsplit((url.scheme, url.netloc, url.path, "", "")), url.query, url.fragment


def _of_scp(text: str) -> tuple[str, str, str] | None:
    match = _SCP.fullmatch(text)
    return None if match is None else (match["host"], match[2] or "", match[3] or "")


def _with_query(found: GitReference, query: str) -> GitReference:
    values = parse_qs(query, keep_blank_values=True)
    for key, given in values.items():
        if len(given) > 1:
            raise EvaluationError(f"query {quote(key)} has multiple values")
        if not given[0] and key not in _BOOLEAN_KEYS:
            raise EvaluationError(f"query {quote(key)} has no value")
        found = _with_value(found, key, given[0])
    return _with_name(found, values)


def _with_value(found: GitReference, key: str, value: str) -> GitReference:
    if key == "ref":
        return replace(found, ref=_agreed("ref", found.ref, value))
    if key == "subdir":
        return replace(found, folder=_agreed("subdir", found.folder, value))
    if key in ("checksum", "commit"):
        return replace(found, checksum=value)
    if key == "keep-git-dir":
        return replace(found, keep_git_dir=_boolean(key, value))
    if key == "submodules":
        return replace(found, submodules=_boolean(key, value))
    if key == "fetch-by-commit":
        return replace(found, fetch_by_commit=_boolean(key, value))
    if key == "mtime":
        if value not in ("checkout", "commit"):
            raise EvaluationError(
                f'invalid mtime value: {quote(value)} (must be "checkout" or "commit")'
            )
    elif key not in ("tag", "branch"):
        raise EvaluationError(f"unexpected query {quote(key)}")
    return found


def _with_name(found: GitReference, values: dict[str, list[str]]) -> GitReference:
    if "tag" in values and "branch" in values:
        raise EvaluationError("branch conflicts with tag")
    for key, prefix in (("tag", "refs/tags/"), ("branch", "refs/heads/")):
        if key in values:
            name = prefix + values[key][0].removeprefix(prefix)
            found = replace(found, ref=_agreed("ref", found.ref, name))
    return found


def _agreed(what: str, one: str, other: str) -> str:
    if one and one != other:
        raise EvaluationError(f"{what} conflicts: {quote(one)} vs {quote(other)}")
    return other


def _boolean(key: str, value: str) -> bool:
    if not value:
        return True
    if value not in BOOLEANS:
        raise EvaluationError(f"invalid {key} value: {quote(value)}")
    return BOOLEANS[value]
