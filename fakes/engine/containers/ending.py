"""How containers end, and which start again."""

from __future__ import annotations

from ..errors import ApiError
from .container import Container
from .lifecycle_hooks import on_exit
from .starting import Starting

_FIRST_PAUSE, _PAUSE_GROWTH, _LONGEST_PAUSE = 0.001, 4, 60.0
"""Seconds between the attempts of a restart policy; the first come sooner than an engine's."""
_LINGER = 0.5
"""Seconds for which a container that ended by itself is still there, if it is removed then."""
SIGNALLED = 128
"""Added to its number, the exit code of what a signal ended."""


class Ending(Starting):
    """Ends containers, as restart policies and automatic removal say."""

    def finish(self, container: Container, code: int, why: str = "") -> None:
        """End a running container."""
        with container.changed:
            if not container.running:
                return
            container.ended_by_hand = container.ended_by_hand or bool(why)
            if container.status == "restarting":
                # It has ended already, and does not run again.
                container.status = "exited"
                container.changed.notify_all()
                return
            again = self._starts_again(container, code)
            container.status = "restarting" if again else "exited"
            container.exit_code, container.pid, container.ports = code, 0, {}
            container.memory = {}
            container.ends += 1
            container.last_code = code
            container.finished = self._state.clock()
            if container.health is not None:
                container.health.stop()
            if why:
                self._store.note(container, "kill", {"signal": str(code - SIGNALLED)})
            if container.process is not None:
                container.process.stop()
                container.process = None
            if container.machine is not None:
                container.machine.stop()
                container.machine = None
            self._ports.release(container)
            self._execs.end_with(container)
            # Whoever waits for its end finds it gone from its networks.
            on_exit(self._store, container, code)
            container.changed.notify_all()
        if why == "stop":
            self._store.note(container, "stop")
        if again:
            pause = min(_FIRST_PAUSE * _PAUSE_GROWTH**container.restarts, _LONGEST_PAUSE)
            container.restarts += 1
            started = container.started
            self._later(pause, lambda: self._start_again(container, started))
        elif container.auto_remove and (why or container.watchers):
            self._store.discard(container, with_volumes=True)
        elif container.auto_remove:
            # As on an engine, which needs a moment for it, the client's next request finds it.
            self._later(_LINGER, lambda: self._store.discard(container, with_volumes=True))

    def _starts_again(self, container: Container, code: int) -> bool:
        """Whether its policy wants a container back that ended.

        One that no rule is meant for ended because nothing is executed; that
        is no reason.
        """
        policy = container.host_config.get("RestartPolicy") or {}
        if container.ended_by_hand or container.effect is None:
            return False
        if policy.get("Name") == "on-failure":
            most = policy.get("MaximumRetryCount") or 0
            return code != 0 and (not most or container.restarts < most)
        return policy.get("Name") in ("always", "unless-stopped")

    def _start_again(self, container: Container, started: int | None) -> None:
        if (
            container.status != "restarting"
            or container.started != started
            or container.removed
            or container.ended_by_hand
        ):
            return
        try:
            self._begin(container)
        except ApiError:
            with container.changed:
                container.status = "exited"
                container.changed.notify_all()
