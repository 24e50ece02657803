"""The containers of an engine: made, found, named and removed."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fakes.engine import messages
from fakes.engine.builder.copy import Overlay, prepare_root
from fakes.engine.containers.checks import check_config, check_host, check_platform
from fakes.engine.containers.container import Container
from fakes.engine.containers.execs import ExecStore
from fakes.engine.containers.host_config import completed
from fakes.engine.containers.init_files import with_init_files
from fakes.engine.containers.lifecycle import Lifecycle
from fakes.engine.containers.merge import merged
from fakes.engine.containers.mounts import mounted
from fakes.engine.containers.names import made_up_name
from fakes.engine.containers.policy import ContainerEffect
from fakes.engine.errors import ApiError, StepError
from fakes.engine.images.config import RunConfig
from fakes.engine.images.store import Image, chain_ids
from fakes.engine.networks.endpoints import rename
from fakes.engine.volumes.mounts import remove_anonymous

if TYPE_CHECKING:
    from fakes.engine.engine import FakeDockerEngine

_NAME = re.compile(r"/?[a-zA-Z0-9][a-zA-Z0-9_.-]+")


class ContainerStore:
    """Containers by id and name.

    Attributes:
        execs: the commands that run in them.
        lifecycle: what becomes of them.
    """

    def __init__(self, engine: FakeDockerEngine) -> None:
        self._engine = engine
        self._lock = threading.RLock()
        self._containers: dict[str, Container] = {}
        self.execs = ExecStore(engine, self)
        self.lifecycle = Lifecycle(engine, self)

    # --- policy ---------------------------------------------------------------

    def on_container(self, effect: ContainerEffect) -> None:
        """Give containers an effect; the newest rule wins."""
        self.lifecycle.on_container(effect)

    def on_exec(self, effect: ContainerEffect) -> None:
        """Give commands in running containers an effect; the newest rule wins."""
        self.execs.on_exec(effect)

    # --- finding --------------------------------------------------------------

    def all(self) -> list[Container]:
        """Every container, newest first; those of builds too."""
        with self._lock:
            return sorted(self._containers.values(), key=lambda c: c.created, reverse=True)

    def by_id(self, container_id: str) -> Container | None:
        """A container by its whole id."""
        with self._lock:
            return self._containers.get(container_id)

    def find(self, name: str) -> Container:
        """A container by id, name or the beginning of its id.

        Raises:
            ApiError: 404 when there is none.
        """
        wanted = name.removeprefix("/")
        with self._lock:
            if wanted in self._containers:
                return self._containers[wanted]
            for container in self._containers.values():
                if container.name == wanted:
                    return container
            starting = [key for key in self._containers if wanted and key.startswith(wanted)]
            if len(starting) == 1:
                return self._containers[starting[0]]
        if len(starting) > 1:
            raise ApiError(400, f"Multiple IDs found with provided prefix: {wanted}")
        raise ApiError(404, f"No such container: {name}")

    def of_image(self, image_id: str, *, running: bool = False) -> str:
        """The id of a container made from an image, empty without one."""
        with self._lock:
            for container in self._containers.values():
                if container.image == image_id and (container.running or not running):
                    return container.id
        return ""

    def count_of(self, image_id: str) -> int:
        """How many containers were made from an image."""
        with self._lock:
            return sum(container.image == image_id for container in self._containers.values())

    # --- making and removing --------------------------------------------------

    def create(
        self,
        config: RunConfig,
        host_config: dict[str, Any] | None,
        networks: dict[str, dict[str, Any]],
        name: str,
        platform: tuple[str, str, str] | None = None,
    ) -> Container:
        """Make a container.

        Args:
            config: what it is to run.
            host_config: settings of the host, `None` when the request has none.
            networks: endpoint settings by network name.
            name: empty for one that is made up.
            platform: which the image must be for; any when left out.

        Raises:
            ApiError: when the name is taken, there is no such image, or a setting cannot be.
        """
        version = self._engine.version
        check_config(config, version)
        check_host(host_config or {}, config, version, self.find)
        # A request without an image makes a container without files.
        image = self._engine.images.find(config.image) if config.image else None
        if image is not None and platform is not None:
            check_platform(image, config.image, platform, version)
        self._check_name(name)
        name = name.removeprefix("/")
        with self._lock:
            self._check_free(name)
            container = self._made(config, image, name)
            container.host_config = completed(host_config, version)
            container.networks = networks
            mounts = mounted(
                container.config, container.host_config, self._engine.volumes, self.find
            )
            container.mounts, container.anonymous_volumes = mounts.lines, mounts.anonymous
            container.unplaced = mounts.unplaced
            self._containers[container.id] = container
        self.note(container, "create")
        return container

    def _made(self, config: RunConfig, image: Image | None, name: str) -> Container:
        taken = {c.name for c in self._containers.values()}
        container = Container(
            id=self._engine.new_id(),
            image=image.id if image else "",
            name=name or made_up_name(taken),
            image_name=config.image,
            config=merged(config, image),
            created=self._engine.clock(),
        )
        if not container.command:
            raise ApiError(400, messages.NO_COMMAND(self._engine.version))
        container.config.hostname = container.config.hostname or container.id[:12]
        seconds = container.created // 1_000_000_000
        container.chains = chain_ids(image) if image else []
        lower = with_init_files(image.tree if image else {}, seconds)
        container.overlay = Overlay(lower, seconds, self._engine.version, container.id)
        try:
            prepare_root(container.overlay, container.config)
        except StepError as error:
            raise ApiError(500, error.message) from error
        return container

    def _check_name(self, name: str) -> None:
        if name and not _NAME.fullmatch(name):
            raise ApiError(
                400,
                f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
            )

    def _check_free(self, name: str) -> None:
        for other in self._containers.values():
            if other.name == name:
                raise ApiError(
                    409,
                    f'Conflict. The container name "/{name}" is already in use by container '
                    f'"{other.id}". You have to remove (or rename) that container to be able '
                    "to reuse that name.",
                )

    def create_for_build(self, container_id: str, image_id: str, config: RunConfig) -> None:
        """The intermediate container of a build step."""
        with self._lock:
            container = self._containers[container_id] = Container(
                container_id,
                image_id,
                name=made_up_name({c.name for c in self._containers.values()}),
                image_name=image_id,
                config=config.copy(),
                created=self._engine.clock(),
                host_config=completed(None, self._engine.version),
                networks={"bridge": {}},
            )
        self.note(container, "create")

    def remove(
        self,
        container: Container,
        asked: str = "",
        *,
        force: bool = False,
        with_volumes: bool = False,
    ) -> None:
        """Take a container away.

        Args:
            container: which.
            asked: the name by which somebody asked for it.
            force: also when it runs.
            with_volumes: and the volumes that were made for it alone.

        Raises:
            ApiError: 409 when it runs and force is not given.
        """
        if container.running:
            if not force:
                version = self._engine.version
                paused = container.status == "paused"
                refusal = messages.REMOVED_WHILE_PAUSED if paused else messages.REMOVED_WHILE_UP
                about = container.name, asked, container.id, container.status
                raise ApiError(409, refusal(version, *about))
            self.lifecycle.finish(container, 137, "kill")
        with self._lock:
            self._containers.pop(container.id, None)
        with container.changed:
            if container.removed:
                return
            container.removed = True
            container.changed.notify_all()
        if with_volumes or container.auto_remove:
            remove_anonymous(self._engine, container)
        self.note(container, "destroy")

    def rename(self, container: Container, name: str) -> None:
        """Give a container another name.

        Raises:
            ApiError: when it is taken or no name.
        """
        if not name:
            raise ApiError(400, "Neither old nor new names may be empty")
        absolute = f"/{name.removeprefix('/')}"
        with self._lock:
            if absolute == f"/{container.name}":
                raise ApiError(400, "Renaming a container with the same name as its current name")
            try:
                self._check_name(absolute)
                self._check_free(absolute[1:])
            except ApiError as error:
                refusal = f"Error when allocating new name: {error.message}"
                raise ApiError(error.status, refusal) from error
            old, container.name = container.name, absolute[1:]
        rename(self._engine, container, old)
        self.note(container, "rename", {"oldName": f"/{old}"})

    def note(
        self, container: Container, action: str, more: Mapping[str, str] | None = None
    ) -> None:
        """Say in the events that something happened to a container."""
        image = {"image": container.image_name} if container.image_name else {}
        attributes = {
            **(container.config.labels or {}),
            **image,
            "name": container.name,
            **(more or {}),
        }
        self._engine.event_log.add("container", action, container.id, attributes)
