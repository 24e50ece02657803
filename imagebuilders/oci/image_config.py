"""An image's configuration: what its containers run, its history, and its layers' digests.

OCI image specification, "Image Configuration":
https://github.com/opencontainers/image-spec/blob/main/config.md
The ID of an image is the digest of this document's exact bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

from imagebuilders.exceptions import ImageFormatError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.json_document import ObjectReader, dump_object, load_object
from imagebuilders.oci.platform import Platform

MAX_CONFIG_BYTES = 8 * 1024 * 1024
"""The most bytes of a configuration; labels and history make real ones of some hundred KiB."""


@dataclass(frozen=True)
class ContainerConfig:
    """What containers of an image run with. `None` where the document says nothing.

    Attributes:
        user: user and group, as in `app:app` or `1000`.
        exposed_ports: as in `8080/tcp`.
        env: `NAME=value`.
        entrypoint: its words.
        cmd: the command's words, or the entrypoint's arguments.
        volumes: paths.
        working_dir: where it runs.
        labels: labels.
        stop_signal: as in `SIGTERM`.
        on_build: instructions for images built upon this one (Docker's own).
        shell: the words of the shell form (Docker's own).
        unknown: further fields of the JSON object, such as `Healthcheck`.
    """

    user: str = ""
    exposed_ports: tuple[str, ...] | None = None
    env: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    volumes: tuple[str, ...] | None = None
    working_dir: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    stop_signal: str = ""
    on_build: tuple[str, ...] | None = None
    shell: tuple[str, ...] | None = None
    unknown: Mapping[str, object] = field(default_factory=dict, hash=False)

    @classmethod
    def from_json(cls, fields: ObjectReader) -> ContainerConfig:
        """Read the object `config` of a configuration.

        Raises:
            ImageFormatError: a field is of a wrong type.
        """
        return cls(
            user=fields.text("User"),
            exposed_ports=fields.keys("ExposedPorts"),
            env=fields.texts("Env"),
            entrypoint=fields.texts("Entrypoint"),
            cmd=fields.texts("Cmd"),
            volumes=fields.keys("Volumes"),
            working_dir=fields.text("WorkingDir"),
            labels=fields.text_map("Labels"),
            stop_signal=fields.text("StopSignal"),
            on_build=fields.texts("OnBuild"),
            shell=fields.texts("Shell"),
            unknown=fields.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the JSON object."""
        known: dict[str, object] = {
            "User": self.user or None,
            "ExposedPorts": _set(self.exposed_ports),
            "Env": _list(self.env),
            "Entrypoint": _list(self.entrypoint),
            "Cmd": _list(self.cmd),
            "Volumes": _set(self.volumes),
            "WorkingDir": self.working_dir or None,
            "Labels": dict(self.labels) or None,
            "StopSignal": self.stop_signal or None,
            "OnBuild": _list(self.on_build),
            "Shell": _list(self.shell),
        }
        return _present(known) | dict(self.unknown)


@dataclass(frozen=True)
class HistoryEntry:
    """One step of how an image was made.

    Attributes:
        created: when (RFC 3339).
        created_by: by which instruction or command.
        author: by whom.
        comment: a note.
        empty_layer: whether the step made no layer.
        unknown: further fields of the JSON object.
    """

    created: str = ""
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False
    unknown: Mapping[str, object] = field(default_factory=dict, hash=False)

    @classmethod
    def from_json(cls, fields: ObjectReader) -> HistoryEntry:
        """Read one object of `history`.

        Raises:
            ImageFormatError: a field is of a wrong type.
        """
        return cls(
            created=fields.text("created"),
            created_by=fields.text("created_by"),
            author=fields.text("author"),
            comment=fields.text("comment"),
            empty_layer=fields.flag("empty_layer"),
            unknown=fields.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the JSON object."""
        known: dict[str, object] = {
            "created": self.created or None,
            "created_by": self.created_by or None,
            "author": self.author or None,
            "comment": self.comment or None,
            "empty_layer": self.empty_layer or None,
        }
        return _present(known) | dict(self.unknown)


@dataclass(frozen=True)
class ImageConfig:
    """An image's configuration.

    Attributes:
        platform: what the image runs on.
        diff_ids: the digests of the uncompressed layers, the lowest first.
        config: what its containers run with.
        history: how it was made, the first step first.
        created: when (RFC 3339).
        author: by whom.
        unknown: further fields of the JSON object.
    """

    platform: Platform
    diff_ids: tuple[Digest, ...] = ()
    config: ContainerConfig = field(default_factory=ContainerConfig)
    history: tuple[HistoryEntry, ...] = ()
    created: str = ""
    author: str = ""
    unknown: Mapping[str, object] = field(default_factory=dict, hash=False)

    @classmethod
    def parse(cls, content: bytes) -> ImageConfig:
        """Read a configuration.

        Raises:
            ImageFormatError: it is malformed.
        """
        what = "the image configuration"
        fields = ObjectReader(load_object(content, what, max_bytes=MAX_CONFIG_BYTES), what)
        config = fields.child("config")
        return cls(
            platform=Platform(
                os=fields.text("os"),
                architecture=fields.text("architecture"),
                variant=fields.text("variant"),
                os_version=fields.text("os.version"),
                os_features=fields.texts("os.features") or (),
            ),
            diff_ids=_diff_ids(fields),
            config=ContainerConfig() if config is None else ContainerConfig.from_json(config),
            history=tuple(HistoryEntry.from_json(entry) for entry in fields.children("history")),
            created=fields.text("created"),
            author=fields.text("author"),
            unknown=fields.rest(),
        )

    def to_bytes(self) -> bytes:
        """Return the document as compact JSON; the same value gives the same bytes."""
        document: dict[str, object] = self.platform.to_json()
        document.setdefault("architecture", "")
        document.setdefault("os", "")
        if self.author:
            document["author"] = self.author
        if config := self.config.to_json():
            document["config"] = config
        if self.created:
            document["created"] = self.created
        if self.history:
            document["history"] = [entry.to_json() for entry in self.history]
        document["rootfs"] = {
            "type": "layers",
            "diff_ids": [str(diff_id) for diff_id in self.diff_ids],
        }
        document.update(self.unknown)
        return dump_object({key: document[key] for key in sorted(document)})

    @property
    def chain_ids(self) -> tuple[Digest, ...]:
        """The digest of each layer together with those below it."""
        return chain_ids(self.diff_ids)


def chain_ids(diff_ids: Iterable[Digest]) -> tuple[Digest, ...]:
    """Return the digest of each layer together with those below it.

    OCI image specification, "Layer ChainID":
    https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid
    """
    chains: list[Digest] = []
    for diff_id in diff_ids:
        chains.append(Digest.of(f"{chains[-1]} {diff_id}".encode()) if chains else diff_id)
    return tuple(chains)


def _diff_ids(fields: ObjectReader) -> tuple[Digest, ...]:
    rootfs = fields.child("rootfs")
    if rootfs is None:
        return ()
    texts = rootfs.texts("diff_ids") or ()
    return tuple(_diff_id(rootfs, position, text) for position, text in enumerate(texts))


def _diff_id(rootfs: ObjectReader, position: int, text: str) -> Digest:
    try:
        return Digest.parse(text)
    except ImageFormatError as error:
        rootfs.fail(f"diff_ids[{position}]", str(error))


def _list(words: tuple[str, ...] | None) -> list[str] | None:
    return None if words is None else list(words)


def _set(keys: tuple[str, ...] | None) -> dict[str, object] | None:
    return None if keys is None else {key: {} for key in keys}


def _present(fields: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in fields.items() if value is not None}
