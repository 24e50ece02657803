"""Sources of ADD that are no files of a context."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote, urlsplit

from imagebuilders.evaluation.git_sources import GitReference, parse_git
from imagebuilders.exceptions import EvaluationError
from imagebuilders.oci.digest import HEX_LENGTHS

_NAMELESS = "__unnamed__"


def git_or_broken(text: str) -> GitReference | None:
    """Return what a repository's address says, its remote alone if its query is malformed."""
    try:
        return parse_git(text)
    except EvaluationError:
        return GitReference(text)


def is_url(text: str) -> bool:
    """Return whether a source lies at a URL."""
    return text.startswith(("http://", "https://"))


def name_in(url: str) -> str:
    """Return the file name that a URL ends in; `__unnamed__` without one."""
    try:
        path = unquote(urlsplit(url).path)
    except ValueError:
        return _NAMELESS
    name = posixpath.basename(path.rstrip("/"))
    return name if name not in ("", ".") else _NAMELESS


def check_digest(text: str) -> None:
    """Refuse what is not a digest, in the words of Go's package `go-digest`.

    Raises:
        EvaluationError: it is none.
    """
    algorithm, colon, encoded = text.partition(":")
    if not colon or not algorithm or not encoded:
        raise EvaluationError("invalid checksum digest format")
    if algorithm not in HEX_LENGTHS:
        raise EvaluationError("unsupported digest algorithm")
    if len(encoded) != HEX_LENGTHS[algorithm]:
        raise EvaluationError("invalid checksum digest length")
    if encoded.strip("0123456789abcdef"):
        raise EvaluationError("invalid checksum digest format")
