"""The engine's words where its versions differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NO_MANAGER = (
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect '
    "this node to swarm and try again."
)
"""What an engine outside a swarm says when it is asked for something of one."""


@dataclass(frozen=True)
class Words:
    """The texts of one version of the engine.

    Attributes:
        modern: it is 23.0 or newer.
        newest: it is 28 or newer.
    """

    modern: bool = False
    newest: bool = False

    def bad_signal(self, signal: str) -> str:
        """A stop signal that is none."""
        return f"{'i' if self.modern else 'I'}nvalid signal: {signal}"

    def bad_filter(self, text: str) -> str:
        """A filter that is unknown or has no such value."""
        return f"{'i' if self.modern else 'I'}nvalid filter '{text}'"

    def bad_target(self, target: str) -> str:
        """A stage that is not in the Dockerfile."""
        if self.modern:
            return f'target stage "{target}" could not be found'
        return f"failed to reach build target {target} in Dockerfile"

    def tar_failure(self, reason: str) -> str:
        """An archive that cannot be unpacked; older engines did that in another process."""
        if self.modern:
            return reason
        return f"Error processing tar file(exit status 1): {reason}"

    def no_space(self, path: str) -> str:
        """A file for which there is no room."""
        return self.tar_failure(f"write /{path}: no space left on device")

    def pivot_failure(self, path: str) -> str:
        """An archive that cannot be unpacked because its destination is a file."""
        what = "error" if self.newest else "Error"
        return self.tar_failure(f"{what} setting up pivot dir: mkdir {path}: not a directory")

    def digest_as_tag(self) -> str:
        """A new name that is a digest."""
        if self.modern:
            return "cannot import digest reference"
        return "refusing to create a tag with a digest reference"

    def missing_inspected(self, name: str, reason: str) -> str:
        """An image to inspect that is not there."""
        return reason if self.modern else f"no such image: {name}: {reason}"

    def removed_container(self, short_id: str) -> str:
        """The line about an intermediate container that was removed."""
        if self.modern:
            return f" ---> Removed intermediate container {short_id}\n"
        return f"Removing intermediate container {short_id}\n"

    def missing_network(self, name: str) -> str:
        """A network that a container is to start in."""
        what = "failed to set up container networking: " if self.newest else ""
        return f"{what}network {name} not found"

    def network_in_use(self, name: str, network_id: str, members: Mapping[str, str]) -> str:
        """A network that cannot be removed; `members` is names with ids of endpoints."""
        if not self.newest:
            return f"network {name} id {network_id} has active endpoints"
        using = ", ".join(f'name:"{member}" id:"{key[:12]}"' for member, key in members.items())
        return f"network {name} has active endpoints ({using})"

    def host_connected(self) -> str:
        """A container that is to be connected to the host's network."""
        if self.newest:
            return (
                "cannot connect container to host network - container must be created in host "
                "network mode"
            )
        return "container cannot be disconnected from host network or connected to host network"

    def host_disconnected(self) -> str:
        """A container that is to leave the host's network."""
        if self.newest:
            return (
                "cannot disconnect container from host network - container was created in host "
                "network mode"
            )
        return "container cannot be disconnected from host network or connected to host network"

    def no_pool(self) -> str:
        """The subnets to choose from are used up."""
        if self.newest:
            return "all predefined address pools have been fully subnetted"
        return (
            "could not find an available, non-overlapping IPv4 address pool among the defaults "
            "to assign to the network"
        )

    def no_credentials(self, reason: str) -> str:
        """A push that has credentials neither in its header nor, where older clients put them."""
        if self.modern:
            refusal = "bad parameters and missing X-Registry-Auth: invalid X-Registry-Auth header"
        else:
            refusal = "Bad parameters and missing X-Registry-Auth"
        return f"{refusal}: {reason}"

    def other_platform(self, name: str, own: str, asked: str) -> str:
        """An image that is for another platform than was asked for."""
        if self.newest:
            return (
                f"image with reference {name} was found but its platform ({own}) "
                f"does not match the specified platform ({asked})"
            )
        return (
            f"image with reference {name} was found but does not match the specified platform: "
            f"wanted {asked}, actual: {own}"
        )
