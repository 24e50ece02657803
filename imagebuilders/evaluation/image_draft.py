"""An image's configuration while the steps of a stage change it."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import field

from imagebuilders.evaluation.shared_records import SharedRecords
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.image_config import ContainerConfig, HistoryEntry, ImageConfig
from imagebuilders.oci.platform import Platform

HISTORY_COMMENT = "buildkit.dockerfile.v0"
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
WINDOWS = "windows"
_HEALTH_CHECK = "Healthcheck"
_ARGS_ESCAPED = "ArgsEscaped"


@dataclass
class ImageDraft:
    """The parts of a configuration that BuildKit keeps; what else a base has is left out."""

    platform: Platform
    author: str = ""
    diff_ids: tuple[Digest, ...] = ()
    history: SharedRecords = field(default_factory=SharedRecords)
    user: str = ""
    env: list[str] = field(default_factory=list)
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    working_dir: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    ports: set[str] = field(default_factory=set)
    volumes: set[str] = field(default_factory=set)
    stop_signal: str = ""
    shell: tuple[str, ...] = ()
    on_build: list[str] = field(default_factory=list)
    health_check: object = None
    args_escaped: bool = False

    @classmethod
    def scratch(cls, platform: Platform) -> ImageDraft:
        """Return what FROM scratch begins with."""
        env = [] if platform.os == WINDOWS else [f"PATH={DEFAULT_PATH}"]
        return cls(platform=platform, working_dir="/", env=env)

    @classmethod
    def of(cls, image: ImageConfig) -> ImageDraft:
        """Return what FROM an image begins with."""
        config = image.config
        return cls(
            platform=image.platform,
            author=image.author,
            diff_ids=image.diff_ids,
            history=SharedRecords(image.history),
            user=config.user,
            env=list(config.env or ()),
            entrypoint=config.entrypoint,
            cmd=config.cmd,
            working_dir=config.working_dir,
            labels=dict(config.labels),
            ports=set(config.exposed_ports or ()),
            volumes=set(config.volumes or ()),
            stop_signal=config.stop_signal,
            shell=config.shell or (),
            on_build=list(config.on_build or ()),
            health_check=config.unknown.get(_HEALTH_CHECK),
            args_escaped=config.unknown.get(_ARGS_ESCAPED) is True,
        )

    @property
    def is_empty(self) -> bool:
        """Whether the image has no layers, so that FROM it is FROM scratch."""
        return not self.diff_ids and all(entry.empty_layer for entry in self.history)

    def inherited(self, *, shared: bool = False) -> ImageDraft:
        """Return a copy for a stage that begins with this one; triggers do not carry over.

        Args:
            shared: labels, ports and volumes, as far as there are any, stay one and the same, and
                so does the place for records.
        """
        draft = copy.copy(self)
        draft.history = self.history.shared() if shared else self.history.copied()
        draft.env = list(self.env)
        if not (shared and self.labels):
            draft.labels = dict(self.labels)
        if not (shared and self.ports):
            draft.ports = set(self.ports)
        if not (shared and self.volumes):
            draft.volumes = set(self.volumes)
        draft.on_build = []
        return draft

    def set_env(self, name: str, value: str) -> None:
        """Set a variable, where it stands or at the end."""
        for position, variable in enumerate(self.env):
            if variable.partition("=")[0] == name:
                self.env[position] = f"{name}={value}"
                return
        self.env.append(f"{name}={value}")

    def has_env(self, name: str) -> bool:
        """Whether there is a variable."""
        return any(variable.partition("=")[0] == name for variable in self.env)

    def record(self, created_by: str, *, makes_layer: bool) -> None:
        """Add a step to the history."""
        self.history.append(
            HistoryEntry(
                created_by=created_by, comment=HISTORY_COMMENT, empty_layer=not makes_layer
            )
        )

    def freeze(self) -> ImageConfig:
        """Return the configuration as a value."""
        unknown: dict[str, object] = {}
        if self.args_escaped:
            unknown[_ARGS_ESCAPED] = True
        if self.health_check is not None:
            unknown[_HEALTH_CHECK] = self.health_check
        config = ContainerConfig(
            user=self.user,
            exposed_ports=_present(sorted(self.ports)),
            env=_present(self.env),
            entrypoint=_present(self.entrypoint or ()),
            cmd=_present(self.cmd or ()),
            volumes=_present(sorted(self.volumes)),
            working_dir=self.working_dir,
            labels=dict(sorted(self.labels.items())),
            stop_signal=self.stop_signal,
            on_build=_present(self.on_build),
            shell=_present(self.shell),
            unknown=unknown,
        )
        return ImageConfig(
            platform=self.platform,
            author=self.author,
            diff_ids=self.diff_ids,
            history=tuple(self.history),
            config=config,
            # Where a base says nothing, BuildKit writes an empty object.
            unknown={} if config.to_json() else {"config": {}},
        )


def _present(words: Iterable[str]) -> tuple[str, ...] | None:
    """Return the words as JSON has them: an empty list is left out."""
    return tuple(words) or None
