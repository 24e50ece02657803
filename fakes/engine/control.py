"""What of an engine double is steered from outside Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from ..http import control
from ..http.control import Document
from ..http.crashes import Crashes
from ..images.image import Image
from ..records import without_secrets
from .daemon import Daemon
from .faults import Fault

KINDS = ("on_run", "on_container", "on_exec")
"""The kinds of rules of an engine, each a method of it."""
_FAULTS = (
    *("fail", "delay", "cut", "answer", "drop", "deny_push"),
    *("die_at_step", "no_space_at_step", "no_space_for_context"),
)


class SteeredEngine:
    """An engine double, as requests below `/_double/` see it.

    Args:
        engine: the engine; it has the methods that rules are given by.
        crashes: its own defects.
        seed_image: puts an image into its store.
        seed_hub: makes an image available to pulls.
    """

    def __init__(
        self,
        engine: Daemon,
        crashes: Crashes,
        *,
        seed_image: Callable[..., Image],
        seed_hub: Callable[..., Image],
    ) -> None:
        self._engine = engine
        self._seed_image, self._seed_hub = seed_image, seed_hub
        self.crashes = crashes

    def about(self) -> Document:
        """Return which double it is."""
        return {"double": "engine", "version": self._engine.version.version}

    def seed(self, document: Document) -> Document:
        """Put an image in, as `seed_image`; with `"hub": true` as `seed_hub`."""
        arguments = dict(document)
        to_hub = arguments.pop("hub", False)
        method = self._seed_hub if to_hub else self._seed_image
        image: Any = control.call(method, arguments, "seed")
        return {"id": image.id}

    def add_rules(self, document: Document) -> None:
        """Give it rules, by the arguments of `on_run`, `on_container` and `on_exec`."""
        control.add_rules(self._engine, document, KINDS)

    def plan(self, document: Document) -> None:
        """Plan a fault, by the arguments of the methods of `faults`."""
        control.plan(self._engine.faults, document, _FAULTS)

    def faults(self) -> Iterable[Fault]:
        """Return the faults that are planned for requests."""
        return self._engine.faults

    def clear_faults(self) -> None:
        """Take all faults back."""
        self._engine.faults.clear()

    def records(self) -> Document:
        """Return requests, builds and events; credentials are blotted out."""
        engine = self._engine
        requests = [
            replace(record, headers=without_secrets(record.headers.items()))
            for record in list(engine.requests)
        ]
        return {
            "requests": requests,
            "builds": list(engine.builds),
            "events": engine.event_log.all(),
        }

    def forget_records(self) -> None:
        """Forget requests and builds."""
        self._engine.requests.clear()
        self._engine.builds.clear()

    def reset(self) -> None:
        """Let it be as it was when it was made."""
        self._engine.reset()
