"""What differs between the daemons that evaluate Dockerfiles, in what they do with files."""

from __future__ import annotations

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
    mount: str = "/var/lib/buildkit/tmp/buildkit-mount0"
    ref: str = "0"


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
)
"""Docker 28.5 with a graph driver (overlay2)."""
