"""An engine without its doors: the stores, wired."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .builder.host import BuildHost
from .builder.run_policy import RunRules
from .containers.store import ContainerStore
from .faults import FaultPlan
from .images.reference import Reference, parse_as
from .images.store import ImageStore
from .networks.store import NetworkStore
from .records import BuildRecord
from .registries.access import RegistryAccess
from .state import EngineState
from .versions import EngineVersion
from .volumes.store import VolumeStore

if TYPE_CHECKING:
    from ..buildkit import ScriptedBuildKit


class Daemon:
    """What the routes of the API act on.

    Attributes:
        state: version, time, ids and events.
        version: what it looks like.
        clock: nanoseconds since the epoch.
        new_id: makes a fresh id of 64 hexadecimal digits.
        event_log: what happened.
        images: every image.
        networks: every network.
        volumes: every volume.
        containers: every container.
        registries: where pulls come from and pushes go to.
        run_rules: what RUN steps do.
        faults: what is to go wrong.
        builds: of every build, what it was asked for and did.
        logins: user and password by registry.
        buildkit: the BuildKit inside, if a test gave one.
    """

    def __init__(
        self,
        state: EngineState,
        rules: RunRules,
        faults: FaultPlan,
        *,
        hub_is_real: bool = False,
        buildkit: ScriptedBuildKit | None = None,
    ) -> None:
        self.state = state
        self.version: EngineVersion = state.version
        self.clock: Callable[[], int] = state.clock
        self.new_id: Callable[[], str] = state.new_id
        self.event_log = state.events
        self.images = ImageStore(state)
        self.networks = NetworkStore(state)
        self.volumes = VolumeStore(state)
        self.containers = ContainerStore(state, self.images, self.networks, self.volumes)
        self.registries = RegistryAccess(self.images, hub_is_real=hub_is_real)
        self.run_rules = rules
        self.faults = faults
        self.builds: list[BuildRecord] = []
        self.logins: dict[str, tuple[str, str]] = {}
        self.buildkit = buildkit

    def parse_name(self, name: str) -> Reference:
        """Read an image name as this version does.

        Raises:
            InvalidReferenceError: in this version's words.
        """
        return parse_as(self.version, name)

    def build_host(self) -> BuildHost:
        """Return what a build finds around it."""
        return BuildHost(self.containers, self.registries, self.run_rules, self.faults)
