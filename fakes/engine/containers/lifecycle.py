"""What becomes of containers: they are started, signalled, paused and waited for."""

from __future__ import annotations

import signal
from collections.abc import Iterator

from .. import messages
from ..errors import ApiError
from .container import Container
from .ending import SIGNALLED, Ending
from .evaluated_ends import ends_by, evaluated_in
from .merge import signal_number
from .streams import IDLE

_HARMLESS = {
    int(number)
    for number in (signal.SIGCONT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH)
}


class Lifecycle(Ending):
    """What becomes of the containers of a store."""

    def close(self) -> None:
        """Give back what the containers hold of this machine, and stop functions at work."""
        for container in self._store.all():
            self._ports.release(container)
            if container.process is not None:
                container.process.stop()
            if container.machine is not None:
                container.machine.stop()
            self._execs.end_with(container)

    def stop(self, container: Container, name: str, asked: str, seconds: int | None = None) -> bool:
        """End a container with its stop signal, or another; whether it ran.

        Args:
            container: which.
            name: of the signal, empty for its own.
            asked: the name or id by which the container was asked for.
            seconds: until it is killed that does something about the signal; `None` for as long
                as it says itself, a negative number for no end.

        Raises:
            ApiError: 500 when there is no such signal.
        """
        if not container.running:
            return False
        self._end_with(container, name, f"cannot stop container: {asked}", seconds)
        return True

    def restart(
        self, container: Container, name: str, asked: str, seconds: int | None = None
    ) -> None:
        """End a container if it runs, and start it; the arguments are those of `stop`.

        Raises:
            ApiError: 500 when there is no such signal.
        """
        if container.running:
            self._end_with(container, name, f"Cannot restart container {asked}", seconds)
        self.start(container)
        self._store.note(container, "restart")

    def _end_with(self, container: Container, name: str, refusal: str, seconds: int | None) -> None:
        # Older engines know of no other signal.
        chosen = (
            (name if self._version >= "23.0" else "") or container.config.stop_signal or "SIGTERM"
        )
        number = signal_number(chosen)
        if number is None:
            raise ApiError(500, f"{refusal}: {messages.BAD_SIGNAL(self._version, chosen)}")
        machine = evaluated_in(container)
        if machine is None or container.status not in ("running", "paused"):
            self.finish(container, SIGNALLED + number, "stop")
            return
        container.ended_by_hand = True
        self._store.note(container, "kill", {"signal": str(number)})
        self._hear_while_paused(container, number)
        if ends_by(container, machine, number, seconds):
            self._store.note(container, "stop")
        else:
            self.finish(container, SIGNALLED + signal.SIGKILL, "stop")

    def kill(self, container: Container, name: str, asked: str) -> None:
        """Send a signal; whatever it is but a harmless one, it ends the container.

        The arguments are those of `stop`.

        Raises:
            ApiError: when it does not run or there is no such signal.
        """
        number = signal_number(name)
        if number is None and name.lstrip("-").isdigit() and int(name):
            # Older engines take it for a number without a sign.
            shown = int(name) if self._version >= "23.0" else int(name) % 2**64
            reason = messages.UNSUPPORTED_SIGNAL(self._version, shown)
            status = self._version.bad_request()
            raise ApiError(status, messages.NO_KILL(self._version, asked, reason))
        if number is None:
            reason = messages.BAD_SIGNAL(self._version, name)
            if self._version >= "23.0":
                reason = messages.NO_KILL(self._version, asked, reason)
            raise ApiError(400, reason)
        if not container.running:
            reason = messages.NOT_RUNNING(self._version, container.id)
            raise ApiError(409, messages.NO_KILL(self._version, asked, reason))
        machine = evaluated_in(container)
        if machine is not None and number != signal.SIGKILL:
            self._store.note(container, "kill", {"signal": str(number)})
            container.ended_by_hand = container.ended_by_hand or number == signal.SIGTERM
            machine.signal(number)
            self._hear_while_paused(container, number)
        elif number in _HARMLESS:
            self._store.note(container, "kill", {"signal": str(number)})
        else:
            self.finish(container, SIGNALLED + number, "kill")

    def _hear_while_paused(self, container: Container, number: int) -> None:
        """Let a paused container go on that is to end, as far as an engine can know that."""
        own = container.config.stop_signal
        if container.status == "paused" and (not own or signal_number(own) == number):
            self.unpause(container)

    def pause(self, container: Container) -> None:
        """Stop the clock of a container.

        Raises:
            ApiError: 409 when it is in no state for that.
        """
        with container.changed:
            if not container.running:
                raise ApiError(409, messages.NOT_RUNNING(self._version, container.id))
            if container.status == "paused":
                raise ApiError(409, messages.IS_PAUSED(self._version, container.id))
            if container.status == "restarting":
                raise ApiError(409, messages.RESTARTING.format(container.id))
            container.status = "paused"
            if container.machine is not None:
                container.machine.freeze(is_frozen=True)
            if container.health is not None:
                container.health.stop()
            container.changed.notify_all()
        self._store.note(container, "pause")

    def unpause(self, container: Container) -> None:
        """Let a paused container go on.

        Raises:
            ApiError: 500 when it is not paused.
        """
        with container.changed:
            if container.status != "paused":
                raise ApiError(500, f"Container {container.id} is not paused")
            container.status = "running"
            if container.machine is not None:
                container.machine.freeze(is_frozen=False)
            if container.health is not None:
                container.health.resume(self._state.clock())
            container.changed.notify_all()
        self._store.note(container, "unpause")

    def wait(self, container: Container, condition: str) -> Iterator[int | None]:
        """The exit code once a container has ended; `None` now and then until it has."""
        # Looked at now, not when the answer is first read: it may have ended by then.
        with container.changed:
            container.watchers += 1
        return self._wait(container, condition, container.ends)

    def _wait(self, container: Container, condition: str, before: int) -> Iterator[int | None]:
        while True:
            with container.changed:
                if condition == "removed":
                    ended = container.removed
                else:
                    # Each end counts, though a restart policy follows it.
                    ended = container.ends > before
                    ended = ended or (condition != "next-exit" and not container.running)
                if not ended:
                    container.wait_for_change(IDLE)
            if ended:
                if container.auto_remove and not container.running:
                    # Its end is told, which is what it was still there for.
                    self._store.discard(container, with_volumes=True)
                yield container.last_code
                return
            yield None
