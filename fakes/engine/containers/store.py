"""The containers of an engine: made, found, named and removed."""

from __future__ import annotations

import re
from typing import Any

from imagebuilders.oci.platform import Platform

from ...images.config import RunConfig
from ...images.image import Image
from ...shell.machines import Machines
from .. import messages
from ..errors import ApiError, StepError
from ..filesystem.overlay import Overlay
from ..images.content_store import not_unpacked
from ..images.store import ImageStore
from ..networks.store import NetworkStore
from ..state import EngineState
from ..volumes.store import VolumeStore
from .checks import check_config, check_host, check_platform
from .connections import check_endpoints, rename
from .container import Container
from .effects import ContainerEffect
from .execs import ExecStore
from .host_config import completed
from .init_files import with_init_files
from .lifecycle import Lifecycle
from .links import linked
from .merge import merged
from .mounted_files import fill_volumes
from .mounts import mounted
from .names import made_up_name
from .register import ContainerRegister
from .root import prepare_root
from .users import recorded_steps

_NAME = re.compile(r"/?[a-zA-Z0-9][a-zA-Z0-9_.-]+")


class ContainerStore(ContainerRegister):
    """Containers by id and name.

    Attributes:
        images: what they are made from.
        execs: the commands that run in them.
        lifecycle: what becomes of them.
    """

    def __init__(
        self,
        state: EngineState,
        images: ImageStore,
        networks: NetworkStore,
        volumes: VolumeStore,
        policies: tuple[str, str] = ("record", "record"),
        machines: Machines | None = None,
    ) -> None:
        super().__init__(state, networks, volumes)
        self.images = images
        container_policy, exec_policy = policies
        self.execs = ExecStore(self, exec_policy)
        self.lifecycle = Lifecycle(self, self.execs, container_policy, machines)

    # --- policy ---------------------------------------------------------------

    def on_container(self, effect: ContainerEffect) -> None:
        """Give containers an effect; the newest rule wins."""
        self.lifecycle.on_container(effect)

    def on_exec(self, effect: ContainerEffect) -> None:
        """Give commands in running containers an effect; the newest rule wins."""
        self.execs.on_exec(effect)

    # --- making and removing --------------------------------------------------

    def create(
        self,
        config: RunConfig,
        host_config: dict[str, Any] | None,
        networks: dict[str, dict[str, Any]],
        name: str,
        platform: Platform | None = None,
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
        version = self.state.version
        check_config(config, version)
        check_host(host_config or {}, config, version, self.find)
        check_endpoints(self.networks, networks)
        # A request without an image makes a container without files.
        named = self.images.find(config.image) if config.image else None
        image = named
        if named is not None and platform is not None:
            image = named.for_platform(platform) or named
            check_platform(image, config.image, platform, version)
        self._check_name(name)
        name = name.removeprefix("/")
        with self._lock:
            self._check_free(name)
            container = self._made(config, image, name)
            container.image = named.id if named else ""
            if image is not None:
                self.images.unpack(image)
            container.host_config = completed(host_config, version)
            container.networks = networks
            container.links = linked(host_config or {}, self.find)
            mounts = mounted(container.config, container.host_config, self.volumes, self.find)
            container.mounts, container.anonymous_volumes = mounts.lines, mounts.anonymous
            container.unplaced = mounts.unplaced
            fill_volumes(self.volumes, container, mounts.uncopied)
            self.add(container)
        self.note(container, "create")
        return container

    def _made(self, config: RunConfig, image: Image | None, name: str) -> Container:
        container = Container(
            id=self.state.new_id(),
            image=image.id if image else "",
            manifest=image.own_manifest if image and image.index else None,
            name=name or made_up_name({c.name for c in self._containers.values()}),
            image_name=config.image,
            config=merged(config, image),
            created=self.state.clock(),
        )
        if not container.command:
            raise ApiError(400, messages.NO_COMMAND(self.state.version))
        container.config.hostname = container.config.hostname or container.id[:12]
        seconds = container.created // 1_000_000_000
        container.chains = list(image.chain_ids) if image else []
        container.recorded_steps = recorded_steps(image) if image else ()
        if image is not None and image.trouble:
            raise ApiError(500, not_unpacked(image))
        lower = with_init_files(image.tree if image else {}, seconds)
        # Where its files are is named by an id of its own.
        root = self.state.new_id()
        container.overlay = Overlay(lower, seconds, self.state.version, root)
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
                created=self.state.clock(),
                host_config=completed(None, self.state.version),
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
                version = self.state.version
                paused = container.status == "paused"
                refusal = messages.REMOVED_WHILE_PAUSED if paused else messages.REMOVED_WHILE_UP
                about = container.name, asked, container.id, container.status
                raise ApiError(409, refusal(version, *about))
            self.lifecycle.finish(container, 137, "kill")
        self.discard(container, with_volumes=with_volumes)

    def rename(self, container: Container, name: str) -> None:
        """Give a container another name.

        Raises:
            ApiError: when it is taken or no name.
        """
        if name == "/" and self.state.version >= "29.0":
            raise ApiError(400, messages.NO_NAME)
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
        rename(self.networks, container, old)
        self.note(container, "rename", {"oldName": f"/{old}"})
