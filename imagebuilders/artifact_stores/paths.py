"""Paths inside an artifact store."""

from __future__ import annotations

from imagebuilders.exceptions import ArtifactStoreError


def relative_to(root: str, path: str) -> str:
    """Return `path`, which is whole or relative to the store's own path, as relative to it.

    Args:
        root: the store's path or URL.
        path: the path, with `/` between its parts.

    Returns:
        The relative path; an empty text for the root itself.

    Raises:
        ArtifactStoreError: the path is outside the store, or no text that UTF-8 can write.
    """
    prefix = root if root.endswith("/") else f"{root}/"
    if path == root:
        rest = ""
    elif path.startswith(prefix):
        rest = path[len(prefix) :]
    elif path.startswith("/") or "://" in path:
        raise _outside(root, path)
    else:
        rest = path
    if not is_utf8(rest):
        raise ArtifactStoreError(
            f"{path!r} is not a path of an artifact store: UTF-8 has no bytes for it.", path=path
        )
    parts = [part for part in rest.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in path:
        raise _outside(root, path)
    return "/".join(parts)


def is_utf8(text: str) -> bool:
    """Tell whether a text can be sent to a service: lone surrogates cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def join(root: str, relative: str) -> str:
    """Return the whole path of what is below `root` under a relative path."""
    if not relative:
        return root
    return f"{root}{relative}" if root.endswith("/") else f"{root}/{relative}"


def _outside(root: str, path: str) -> ArtifactStoreError:
    return ArtifactStoreError(
        f"{path!r} is not a path inside the artifact store {root}.", path=path
    )
