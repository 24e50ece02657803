"""Whom a command is to run as, looked up in the container's own accounts."""

from __future__ import annotations

import re

from imagebuilders.oci.file_tree import UnresolvedPathError, resolve

from ...images.image import Image
from .container import Container

_OTHER_INSTRUCTIONS = (
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL"),
    *("ONBUILD", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
)
_NUMBER = re.compile(r"[0-9]+")


def user_refusal(container: Container, user: str) -> str:
    """Return why nothing can run as a user; empty when it can.

    A name that a RUN of the image speaks of may be an account that it makes: no RUN is executed
    here, so that is taken for granted.

    Args:
        container: in which the user is looked up.
        user: as in `app`, `app:staff` or `1000:1000`; empty for root.
    """
    name, _, group = user.partition(":")
    for kind, wanted in (("passwd", name), ("group", group)):
        if wanted and not _is_known(container, kind, wanted):
            what = "user" if kind == "passwd" else "group"
            return f"unable to find {what} {wanted}: no matching entries in {kind} file"
    return ""


def numbers_of(container: Container, user: str) -> tuple[int, int] | None:
    """Return the numbers of a user and a group in the container; `None` for an unknown name."""
    name, _, group = user.partition(":")
    account = _entry(container, "etc/passwd", name)
    if account is None and not _NUMBER.fullmatch(name):
        return None
    own = (int(account[2]), int(account[3])) if account else (int(name), 0)
    if not group:
        return own
    if _NUMBER.fullmatch(group):
        return own[0], int(group)
    found = _entry(container, "etc/group", group)
    return (own[0], int(found[2])) if found else None


def recorded_steps(image: Image) -> tuple[str, ...]:
    """Return the commands that the history of an image tells of."""
    lines = [str(line.get("created_by") or "") for line in image.parsed.get("history") or []]
    return tuple(
        line
        for line in lines
        # What is no RUN says so in its own way for each builder.
        if "#(nop)" not in line and line.partition(" ")[0] not in _OTHER_INSTRUCTIONS
    )


def _is_known(container: Container, kind: str, wanted: str) -> bool:
    if wanted == "root" or _NUMBER.fullmatch(wanted):
        return True
    if any(line.partition(":")[0] == wanted for line in _lines(container, f"etc/{kind}")):
        return True
    word = re.compile(rf"(?<![\w-]){re.escape(wanted)}(?![\w-])")
    return any(word.search(step) for step in container.recorded_steps)


def _entry(container: Container, path: str, wanted: str) -> list[str] | None:
    """The fields of the line of an account or group, by its name or number."""
    for line in _lines(container, path):
        fields = line.split(":")
        if len(fields) >= 3 and wanted in (fields[0], fields[2]):
            return fields
    return None


def _lines(container: Container, path: str) -> list[str]:
    if container.overlay is None:
        return []
    tree = container.overlay.tree
    try:
        file = tree.get(resolve(tree, path))
    except UnresolvedPathError:
        return []
    return file.data.decode("utf-8", "replace").splitlines() if file else []
