"""An engine without its doors: the stores, wired."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from imagebuilders.oci.reference import ImageReference

from ..buildkit.local_call import LocalCall
from ..clock import Clock, nanoseconds
from ..images.registry_network import RegistryNetwork
from ..records import BuildRecord, Newest
from ..shell.execute import machines_for
from ..shell.run_rules import RunRules, checked_policy
from .builder.host import BuildHost
from .buildkit import EngineBuildKit
from .containers.store import ContainerStore
from .faults import FaultPlan
from .images.content_store import image_store
from .images.names import parse_as
from .networks.store import NetworkStore
from .records import RequestRecord
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
        sleep: lets planned delays pass, if the clock is one that can.
        new_id: makes a fresh id of 64 hexadecimal digits.
        event_log: what happened.
        images: every image.
        networks: every network.
        volumes: every volume.
        containers: every container.
        registries: where pulls come from and pushes go to.
        run_rules: what RUN steps do.
        faults: what is to go wrong.
        running_builds: what breaks off the builds that BuildKit does over the engine's own API.
        builds: of every build, what it was asked for and did.
        requests: every request and its answer.
        logins: user and password by registry.
        buildkit: the BuildKit inside; `None` if it has none.
        machines: what evaluates commands; `None` if nothing does.
    """

    def __init__(
        self,
        version: EngineVersion,
        clock: Clock | Callable[[], int] | None,
        *,
        run_policy: str,
        container_policy: str,
        exec_policy: str,
        network: RegistryNetwork,
        keep_records: int | None,
        endpoints: Callable[[], Sequence[tuple[str, str]]],
        buildkit: ScriptedBuildKit | bool | None = True,
        execute: str | None = None,
    ) -> None:
        self.machines = machines_for(execute)
        self.version = version
        self.clock = nanoseconds(clock)
        self.sleep = clock.sleep if isinstance(clock, Clock) else None
        self._run_policy = run_policy
        self._policies = (
            checked_policy("container", container_policy),
            checked_policy("exec", exec_policy),
        )
        self._network = network
        self._keep_records = keep_records
        self._endpoints = endpoints
        self._make()
        self.buildkit: ScriptedBuildKit | None
        if isinstance(buildkit, bool):
            self.buildkit = EngineBuildKit(self, version) if buildkit else None
        else:
            self.buildkit = buildkit

    def reset(self) -> None:
        """Forget everything, as if the engine had just been made.

        Images, containers, networks, volumes, logins, events, records, rules, faults and what was
        seeded are gone, and so is what a BuildKit inside remembers; who is connected stays so.
        """
        self.containers.lifecycle.close()
        self._make()
        if self.buildkit is not None:
            self.buildkit.reset()

    def _make(self) -> None:
        state = self.state = EngineState(self.version, self.clock, self._keep_records)
        self.new_id: Callable[[], str] = state.new_id
        self.event_log = state.events
        self.images = image_store(state)
        self.networks = NetworkStore(state)
        self.volumes = VolumeStore(state)
        self.containers = ContainerStore(
            state, self.images, self.networks, self.volumes, self._policies, self.machines
        )
        self.registries = RegistryAccess(self.images, self._network)
        self.run_rules = RunRules(self._run_policy)
        self.faults = FaultPlan(self._endpoints)
        self.running_builds: dict[str, LocalCall] = {}
        self.builds: list[BuildRecord] = Newest(self._keep_records)
        self.requests: list[RequestRecord] = Newest(self._keep_records)
        self.logins: dict[str, tuple[str, str]] = {}

    def parse_name(self, name: str) -> ImageReference:
        """Read an image name as this version does.

        Raises:
            InvalidReferenceError: in this version's words.
        """
        return parse_as(self.version, name)

    def build_host(self) -> BuildHost:
        """Return what a build finds around it."""
        return BuildHost(
            self.containers, self.registries, self.run_rules, self.faults, self.machines
        )
