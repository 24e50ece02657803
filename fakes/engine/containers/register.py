"""The containers that there are: found, named in the events, and taken away."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from ..errors import ApiError
from ..networks.store import NetworkStore
from ..state import EngineState
from ..volumes.store import VolumeStore
from .container import Container
from .volume_use import remove_anonymous


class ContainerRegister:
    """Containers by id and name, with what surrounds them.

    Attributes:
        state: of the engine.
        networks: which they can be in.
        volumes: which they can mount.
    """

    def __init__(self, state: EngineState, networks: NetworkStore, volumes: VolumeStore) -> None:
        self.state = state
        self.networks = networks
        self.volumes = volumes
        self._lock = threading.RLock()
        self._containers: dict[str, Container] = {}
        # Lists ask for each container which of these lead to it.
        self._linking: dict[str, Container] = {}

    def all(self) -> list[Container]:
        """Every container, newest first; those of builds too."""
        with self._lock:
            return sorted(self._containers.values(), key=lambda c: c.created, reverse=True)

    def add(self, container: Container) -> None:
        """Take in a container that was made, with its links."""
        with self._lock:
            self._containers[container.id] = container
            if container.links:
                self._linking[container.id] = container

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
            if (other := self._linked_as(wanted)) is not None:
                return other
            starting = [key for key in self._containers if wanted and key.startswith(wanted)]
            if len(starting) == 1:
                return self._containers[starting[0]]
        if len(starting) > 1:
            raise ApiError(400, f"Multiple IDs found with provided prefix: {wanted}")
        raise ApiError(404, f"No such container: {name}")

    def _linked_as(self, name: str) -> Container | None:
        """What a link leads to, named by its container and alias."""
        parent, found, alias = name.partition("/")
        if not found:
            return None
        links = [c.links or {} for c in self._containers.values() if c.name == parent]
        other = next((each[alias] for each in links if alias in each), None)
        return other if other is not None and other.id in self._containers else None

    def link_names(self, container: Container) -> list[str]:
        """The names that links of other containers give to one."""
        with self._lock:
            return [
                f"/{other.name}/{alias}"
                for other in self._linking.values()
                for alias, linked in (other.links or {}).items()
                if linked is container
            ]

    def unlink(self, name: str) -> None:
        """Take a link away.

        Args:
            name: of its container and its own, as in `app/db`.

        Raises:
            ApiError: there is no such link.
        """
        self.find(name)
        parent, _, alias = name.removeprefix("/").partition("/")
        if not alias:
            raise ApiError(500, "Conflict, cannot remove the default link name of the container")
        with self._lock:
            for container in self._containers.values():
                if container.name == parent and container.links is not None:
                    container.links.pop(alias, None)

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

    def chains(self) -> set[str]:
        """The ids of the layer chains that containers stand on."""
        return {chain for container in self.all() for chain in container.chains}

    def discard(self, container: Container, *, with_volumes: bool) -> None:
        """Forget a container that does not run.

        Args:
            container: which.
            with_volumes: and the volumes that were made for it alone.
        """
        with self._lock:
            self._containers.pop(container.id, None)
            self._linking.pop(container.id, None)
        with container.changed:
            if container.removed:
                return
            container.removed = True
            container.changed.notify_all()
        if with_volumes or container.auto_remove:
            remove_anonymous(self.volumes, self.all(), container)
        self.note(container, "destroy")

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
        self.state.events.add("container", action, container.id, attributes)
