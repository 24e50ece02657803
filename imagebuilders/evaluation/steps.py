"""A Dockerfile's stages and steps as values, with every variable replaced.

They are what resolution makes of a Dockerfile, and what an executor works through. Nothing in
them depends on files: what a wildcard matches, whether a destination is a folder and who an
account is are questions for whoever has the files. The module is longer because the values of
all instructions are seen in one place.

Paths are absolute, with forward slashes. An empty text means that nothing was said.
"""

from __future__ import annotations

from collections.abc import Mapping

from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.image_config import ImageConfig
from imagebuilders.oci.platform import Platform


@dataclass(frozen=True)
class Lines:
    """Where in the Dockerfile something stands, here-documents included.

    Attributes:
        first: the line it begins in, from 1.
        last: the line it ends in.
    """

    first: int
    last: int


# --- where files come from ---------------------------------------------------


@dataclass(frozen=True)
class ScratchOrigin:
    """Nothing: `scratch`."""


@dataclass(frozen=True)
class StageOrigin:
    """What a stage of the same Dockerfile left.

    Attributes:
        index: the stage's `Stage.index`.
    """

    index: int


@dataclass(frozen=True)
class ImageOrigin:
    """An image.

    Attributes:
        reference: with domain and tag or digest, as in `docker.io/library/alpine:latest`.
        platform: the one that is taken of an image for several.
    """

    reference: str
    platform: Platform


@dataclass(frozen=True)
class ContextOrigin:
    """A build context.

    Attributes:
        name: that of a named context; empty for the main one.
    """

    name: str = ""


Origin = ScratchOrigin | StageOrigin | ImageOrigin | ContextOrigin


@dataclass(frozen=True)
class PathSource:
    """Files of an origin, as COPY and ADD name them.

    Attributes:
        written: as the step's record in the history has it.
        path: what is copied, perhaps with wildcards: a file, or a folder whose content is meant.
        include: with `--parents` the pattern, relative to `path`, of what is copied with its
            folders; `path` is `/` or what stands before `/./` then.
        required: with `--parents` the path that has to be there; empty if there are wildcards.
        unpack: a tar archive is unpacked instead of copied.
    """

    written: str
    path: str
    include: str = ""
    required: str = ""
    unpack: bool = False


@dataclass(frozen=True)
class UrlSource:
    """A file that ADD fetches.

    Attributes:
        written: as the step's record in the history has it.
        url: where it lies.
        file_name: its name by the URL; `__unnamed__` if that has none. A name that the answer
            gives (`Content-Disposition`) does not count.
        checksum: the digest it has to have.
        unpack: a tar archive is unpacked instead of copied.
    """

    written: str
    url: str
    file_name: str
    checksum: str = ""
    unpack: bool = False


@dataclass(frozen=True)
class GitSource:
    """A repository that ADD fetches.

    Attributes:
        written: as the step's record in the history has it.
        remote: the repository's URL, without what stands behind `#` or `?`.
        ref: branch, tag or commit; empty for the default branch.
        folder: the folder of it that is meant; empty for all.
        keep_git_dir: the folder `.git` stays.
        checksum: the commit that has to be found.
        submodules: they are fetched as well.
        fetch_by_commit: the commit itself is asked for, not the ref.
    """

    written: str
    remote: str
    ref: str = ""
    folder: str = ""
    keep_git_dir: bool = False
    checksum: str = ""
    submodules: bool = True
    fetch_by_commit: bool = False


@dataclass(frozen=True)
class TextSource:
    """A here-document as a file.

    Attributes:
        name: the file's name.
        content: its bytes.
    """

    name: str
    content: bytes


Source = PathSource | UrlSource | GitSource | TextSource


# --- steps -------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Step:
    """What every step has.

    Attributes:
        lines: where its instruction stands; of a trigger, where the FROM of its base stands.
        created_by: its record in the image's history; empty if it leaves none.
        makes_layer: whether it makes a layer, even if nothing is in it.
        trigger: it comes from an ONBUILD of the base.
        title: what BuildKit calls it in its progress, as in `[build 2/3] RUN make`; empty for
            steps that do not show there.
    """

    lines: Lines
    created_by: str
    makes_layer: bool = False
    trigger: bool = False
    title: str = ""

    @property
    def keyword(self) -> str:
        """The instruction, as in `COPY`."""
        return type(self).__name__.upper()


@dataclass(frozen=True, kw_only=True)
class Copy(Step):
    """COPY: files into the image.

    Attributes:
        sources: in the order in which they are copied, here-documents last.
        destination: where to; with a slash at the end if it was written so or is a `.`.
        origin: where the sources with a path come from.
        chown: user and group as they are written, as in `app:staff` or `1000`; empty for 0:0.
        chmod: octal digits or a symbolic mode, known to be valid; empty to keep the modes.
        link: the files go into a layer of their own, whatever lies below.
        parents: the folders of the sources are kept.
        excludes: patterns of what is left out.
    """

    sources: tuple[Source, ...]
    destination: str
    origin: Origin = ContextOrigin()
    chown: str = ""
    chmod: str = ""
    link: bool = False
    parents: bool = False
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Add(Copy):
    """ADD: as `Copy`, and archives are unpacked, URLs and repositories fetched."""


@dataclass(frozen=True)
class Mount:
    """What a RUN has mounted.

    Attributes:
        kind: `bind`, `cache`, `tmpfs`, `secret` or `ssh`.
        target: where; of a secret or an agent's socket empty if it has no file.
        origin: whose files a `bind` or `cache` begins with; `None` for the other kinds.
        source: the folder or file of the origin.
        read_only: nothing can be written into it. What is written into a `bind` is lost.
        id: of a cache, a secret or an agent; empty for the default agent.
        sharing: of a cache: `shared`, `private` or `locked`.
        required: the build fails without the secret or agent.
        env: the variable that holds the secret.
        mode, uid, gid: of a new cache's folder, or a secret's file; `None` if nothing was said.
        size: the most bytes of a `tmpfs`; 0 for no limit.
    """

    kind: str
    target: str
    origin: Origin | None = None
    source: str = "/"
    read_only: bool = False
    id: str = ""
    sharing: str = ""
    required: bool = False
    env: str = ""
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    size: int = 0


@dataclass(frozen=True)
class Device:
    """A device that a RUN asks for (CDI).

    Attributes:
        name: as in `vendor.com/gpu=0`.
        required: the build fails without it.
    """

    name: str
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class Run(Step):
    """RUN: a command.

    Attributes:
        arguments: the program and its arguments, with the shell of the shell form.
        environment: names and values in order, the build's arguments and proxies included.
        user: user and group as they are written; empty for root.
        working_dir: where it runs.
        script: a file that is mounted read-only into `/dev/pipes/` with mode 0755: a
            here-document that begins with `#!`.
        mounts: in their order.
        network: `default`, `none` or `host`.
        security: `sandbox` or `insecure`.
        devices: in their order.
        hostname: of the container; empty for the default.
        exec_form: the instruction was a JSON list.
        command: the command as it is written, without the shell; here-documents included.
    """

    arguments: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    user: str = ""
    working_dir: str = "/"
    script: TextSource | None = None
    mounts: tuple[Mount, ...] = ()
    network: str = "default"
    security: str = "sandbox"
    devices: tuple[Device, ...] = ()
    hostname: str = ""
    exec_form: bool = False
    command: str = ""


@dataclass(frozen=True, kw_only=True)
class Workdir(Step):
    """WORKDIR: the folder is made, with mode 0755, and so are those above it.

    Attributes:
        path: absolute; as it is written, not cleaned (`/a//b/./c/`).
        owner: user and group that new folders belong to, as USER has them; empty for 0:0.
    """

    path: str
    owner: str = ""


@dataclass(frozen=True, kw_only=True)
class Env(Step):
    """ENV: variables of the image and of the steps behind it.

    Attributes:
        values: names and values.
    """

    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Label(Step):
    """LABEL.

    Attributes:
        values: names and values.
    """

    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Arg(Step):
    """ARG: variables of the steps behind it.

    Attributes:
        values: names and values; `None` for those without one.
    """

    values: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, kw_only=True)
class User(Step):
    """USER.

    Attributes:
        user: user and group as they are written.
    """

    user: str


@dataclass(frozen=True, kw_only=True)
class Expose(Step):
    """EXPOSE.

    Attributes:
        ports: as in `8080/tcp`, ranges spread.
    """

    ports: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Volume(Step):
    """VOLUME.

    Attributes:
        paths: as they are written.
    """

    paths: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Cmd(Step):
    """CMD.

    Attributes:
        arguments: with the shell of the shell form.
    """

    arguments: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Entrypoint(Step):
    """ENTRYPOINT.

    Attributes:
        arguments: with the shell of the shell form.
    """

    arguments: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Healthcheck(Step):
    """HEALTHCHECK.

    Attributes:
        value: the object as the configuration has it.
    """

    value: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Shell(Step):
    """SHELL.

    Attributes:
        arguments: the words of the shell form.
    """

    arguments: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class StopSignal(Step):
    """STOPSIGNAL.

    Attributes:
        signal: a name or a number.
    """

    signal: str


@dataclass(frozen=True, kw_only=True)
class Onbuild(Step):
    """ONBUILD: leaves no record in the history.

    Attributes:
        instruction: what is done when another image is built upon this one.
    """

    instruction: str


@dataclass(frozen=True, kw_only=True)
class Maintainer(Step):
    """MAINTAINER.

    Attributes:
        author: who.
    """

    author: str


# --- stages ------------------------------------------------------------------


@dataclass(frozen=True)
class Stage:
    """A stage, with the triggers of its base in front of its own steps.

    Attributes:
        index: from 0, as `COPY --from=0` counts.
        name: in lower case; empty without one.
        base: what it begins with.
        platform: what its commands run on.
        steps: in order; empty if it is not needed.
        needed: the target needs it, or is it.
        lines: where its FROM stands.
        image: configuration and history behind its last step. `diff_ids` are the layers of the
            base image alone; the records of its own steps have no time.
        written_base: the image or stage behind FROM as it is written.
    """

    index: int
    name: str
    base: Origin
    platform: Platform
    steps: tuple[Step, ...]
    needed: bool
    lines: Lines
    image: ImageConfig
    written_base: str = ""
