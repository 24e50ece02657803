"""What an engine says of containers, where its versions differ."""

from __future__ import annotations

from dataclasses import dataclass

from fakes.engine.words import Words


@dataclass(frozen=True)
class ContainerWords(Words):
    """The texts about containers of one version of the engine."""

    def _capital(self, text: str) -> str:
        """A text that began with a capital letter in older versions."""
        return text if self.modern else text[0].upper() + text[1:]

    def no_config(self) -> str:
        """A body that says nothing of a container."""
        return self._capital("config cannot be empty in order to create a container")

    def no_command(self) -> str:
        """A container with nothing to run."""
        return self._capital("no command specified")

    def not_running(self, container: str) -> str:
        """A container that does not run."""
        return self._capital(f"container {container} is not running")

    def no_size(self, dimension: str, text: str) -> str:
        """A terminal's size that is no number."""
        if self.newest:
            reason = "value out of range" if text.lstrip("-").isdigit() else "invalid syntax"
            return f'invalid resize {dimension} "{text}": {reason}'
        return f'strconv.Atoi: parsing "{text}": invalid syntax'

    def running_one_stays(self, name: str, container: str, asked: str, status: str) -> str:
        """A container that is to be removed and runs, is paused or about to run again."""
        if self.modern:
            advice = "stop the container before removing or force remove"
            reason = f"container is {status}: {advice}"
            if status == "paused":
                reason = "container is paused and must be unpaused first"
            shown = asked if self.newest else f"/{name}"
            return f'cannot remove container "{shown}": {reason}'
        advice = "Unpause and then stop" if status == "paused" else "Stop"
        return (
            f"You cannot remove a {status} container {container}. {advice} the container before "
            "attempting removal or force remove"
        )

    def restarting(self, container: str) -> str:
        """A container that is about to run again."""
        return f"Container {container} is restarting, wait until the container is running"

    def bad_runtime(self, name: str) -> str:
        """A runtime that the engine does not have."""
        if self.modern:
            return f"unknown or invalid runtime name: {name}"
        return f"Unknown runtime specified {name}"

    def bad_policy(self, name: str) -> str:
        """A restart policy that is none."""
        if self.modern:
            return (
                f"invalid restart policy: unknown policy '{name}'; use one of 'no', 'always', "
                "'on-failure', or 'unless-stopped'"
            )
        return f"invalid restart policy '{name}'"

    def policy_without_count(self, name: str) -> str:
        """A number of attempts for a restart policy that counts none."""
        if self.modern:
            return "invalid restart policy: maximum retry count can only be used with 'on-failure'"
        return f"maximum retry count cannot be used with restart policy '{name}'"

    def negative_count(self) -> str:
        """A number of attempts below zero."""
        prefix = "invalid restart policy: " if self.modern else ""
        return f"{prefix}maximum retry count cannot be negative"

    def no_kill(self, name: str, reason: str) -> str:
        """A container that cannot be killed."""
        return f"{'c' if self.modern else 'C'}annot kill container: {name}: {reason}"

    def unsupported_signal(self, number: int) -> str:
        """A number that is no signal of the system."""
        shown = number if self.modern or number >= 0 else number + 2**64
        return self._capital(f"the linux daemon does not support signal {shown}")

    def no_container_network(self, container: str, name: str, status: str) -> str:
        """Another container whose network is to be joined, and which does not run."""
        if self.newest:
            return (
                "cannot join network namespace of a non running container: "
                f"container {name} is {status}"
            )
        return f"cannot join network of a non running container: {container}"

    def missing_other(self, name: str) -> str:
        """A container to compare others with, which is not there."""
        return f"No such container: {name}" if self.modern else f"no such container {name}"

    def bad_code(self, text: str) -> str:
        """An exit code to look for that is no number."""
        reason = f'strconv.Atoi: parsing "{text}": invalid syntax'
        return f"invalid filter 'exited={text}': {reason}" if self.modern else reason

    def has_run(self, name: str) -> str:
        """An exec that is started a second time."""
        prefix = "exec" if self.newest else "Error: Exec"
        return f"{prefix} command {name} has already run"

    def bad_state(self, text: str) -> str:
        """A status to look for that is none."""
        if self.newest:
            return (
                f"invalid filter 'status={text}': invalid value for state ({text}): must be one "
                "of created, running, paused, restarting, removing, exited, dead"
            )
        return self._capital(f"invalid filter 'status={text}'")

    def bad_health(self, text: str) -> str:
        """A health to look for that is none."""
        if self.newest:
            return (
                f"invalid filter 'health={text}': invalid value for health ({text}): must be one "
                "of none, starting, healthy, unhealthy"
            )
        if self.modern:
            return f"unrecognized filter value for health: {text}"
        return f"Unrecognised filter value for health: {text}"
