"""The command of a container as the function sees it that does its work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imagebuilders.oci.file_tree import UnresolvedPathError, resolve

from ...shell.process import Process, Writer
from ..filesystem.overlay import Overlay
from ..filesystem.process_files import OpenFiles, ProcessFiles

_ACCOUNTS = "/etc/passwd"


def make_process(
    command: Sequence[str],
    variables: Mapping[str, str],
    *,
    user: str,
    working_dir: str,
    open_files: OpenFiles,
    writers: tuple[Writer, Writer],
    takes_input: bool = False,
) -> Process:
    """Make what a function gets of a command.

    Args:
        command: its words.
        variables: see `process_variables`; its home comes last where they have none.
        user: as it was asked for.
        working_dir: empty for the root.
        open_files: opens the files that it sees.
        writers: take what it prints, and what it prints to standard error.
        takes_input: something may be sent to it.
    """
    environment = dict(variables)
    if not environment.get("HOME"):
        with open_files(_ACCOUNTS) as overlay:
            environment["HOME"] = home_of(overlay, user)
    return Process(
        command,
        environment=environment,
        user=user,
        working_dir=working_dir or "/",
        files=ProcessFiles(open_files),
        stdout=writers[0],
        stderr=writers[1],
        takes_input=takes_input,
    )


def home_of(overlay: Overlay, user: str) -> str:
    """The home of an account, by its name or number; the root without one."""
    account = user.partition(":")[0] or "0"
    try:
        file = overlay.tree.get(resolve(overlay.tree, _ACCOUNTS))
    except UnresolvedPathError:
        file = None
    for line in file.data.decode("utf-8", "replace").splitlines() if file else ():
        fields = line.split(":")
        if len(fields) >= 6 and account in (fields[0], fields[2]):
            return fields[5] or "/"
    return "/root" if account in ("0", "root") else "/"


def refusal(kind: str, method: str, image: str, command: Sequence[str]) -> str:
    """What is said of a command that no rule is meant for, where that is refused."""
    shown = " ".join(command)
    return (
        f"{kind} is refused by this engine double: no {method}() rule is meant for {shown!r} in "
        f"{image!r}"
    )


def notice(image: str, command: Sequence[str]) -> bytes:
    """What the log of a container says that no rule is meant for."""
    shown = " ".join(command)
    return (
        f"fake engine: nothing was executed of {shown!r}: no on_container() rule is meant for it "
        f"in {image!r}\n"
    ).encode()
