"""What differs between the daemons that evaluate Dockerfiles, in what they do with files."""

from __future__ import annotations

from dataclasses import replace

from imagebuilders.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Daemon:
    """A daemon's ways with files, and the words that tell where it keeps them.

    Attributes:
        merges: `COPY --link` makes a layer of its own that is laid over what is below; without it
            the option does nothing.
        links_modes: that is so with `--chmod`, too.
        compares: what was written again the same is left out of a layer.
        umask: what is taken from the mode of folders that are made on the way.
        clamps_archives: an archive's entry `../x` is put into the destination; without it, it is
            an error.
        needs_architecture: an image whose configuration says none is not exported.
        touches_etc: a command leaves `/etc` written, by the files that are mounted there.
        owns_archived: `--chown` counts for the entries of archives, too.
        keeps_special_bits: an octal `--chmod` sets the bits above permissions, too.
        modes_parents: an octal `--chmod` counts for folders that are made on the way, too.
        checks_covered: sources are looked for that lie in a folder which is a source, too.
        needs_accounts: names of users and groups need a file in which they are looked up.
        names_root: errors name files below the folder where a tree is mounted.
        names_targets: what a link of a source leads to is named if it is missing.
        wraps_archives: errors of archives are those of a process that unpacks them.
        missing: what is told of a source that is not there.
        broken: what is told of a source that is malformed.
        checks_mounts: a folder that is mounted has to be there.
        failed: what is told of a command that fails, by its words.
        absent: what is told of a secret that the client does not have.
        refused: what is told of a client that refuses, by its words and the code's name.
        mount: where a tree is mounted in errors.
        ref: what a tree is called in errors.
    """

    merges: bool = True
    links_modes: bool = False
    compares: bool = True
    umask: int = 0
    clamps_archives: bool = True
    needs_architecture: bool = True
    touches_etc: bool = False
    owns_archived: bool = True
    keeps_special_bits: bool = True
    modes_parents: bool = True
    checks_covered: bool = False
    needs_accounts: bool = False
    names_root: bool = False
    names_targets: bool = False
    wraps_archives: bool = False
    missing: str = "failed to calculate checksum of ref {ref}: {problem}: not found"
    broken: str = "failed to calculate checksum of ref {ref}: {problem}"
    checks_mounts: bool = True
    failed: str = "process {quoted} did not complete successfully: {problem}"
    absent: str = "secret {name}: not found"
    refused: str = "{words}"
    mount: str = "/var/lib/buildkit/tmp/buildkit-mount0"
    ref: str = "0"

    def root(self) -> str:
        """Return what stands before the paths of a tree in errors."""
        return self.mount if self.names_root else ""


BUILDKITD = Daemon()
"""A standalone buildkitd 0.32 with overlayfs."""

CONTAINERD_ENGINE = Daemon(umask=0o022, clamps_archives=False)
"""Docker 28.5 with the containerd image store."""

GRAPH_ENGINE = Daemon(
    merges=False,
    compares=False,
    umask=0o022,
    clamps_archives=False,
    needs_architecture=False,
    touches_etc=True,
    mount="/var/lib/docker/tmp/buildkit-mount0",
)
"""Docker 28.5 with a graph driver (overlay2)."""

GRAPH_ENGINE_26 = replace(
    GRAPH_ENGINE,
    clamps_archives=True,
    owns_archived=False,
    modes_parents=False,
    names_root=True,
    names_targets=True,
    refused="{code}: {words}",
)
"""Docker 26.1 with a graph driver."""

GRAPH_ENGINE_20 = replace(
    GRAPH_ENGINE_26,
    keeps_special_bits=False,
    checks_covered=True,
    needs_accounts=True,
    wraps_archives=True,
    missing="{problem} not found: not found",
    broken="{problem}",
    checks_mounts=False,
    failed="executor failed running [{words}]: {problem}",
    absent="secret {name} not found: not found",
    refused="rpc error: code = {code} desc = {words}",
)
"""Docker 20.10."""
