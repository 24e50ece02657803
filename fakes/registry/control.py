"""What of a registry double is steered from outside Python."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from ..checks import check_files
from ..http import control
from ..http.control import Document
from ..http.crashes import Crashes
from .faults import Fault, Faults
from .records import RecordedRequest
from .seed import SeedImage
from .storage import Manifest

KINDS = ("on_repository",)
"""The kinds of rules of a registry, each a method of it."""
_FAULTS = (
    *("fail", "delay", "cut", "drop"),
    *("status", "too_many_requests", "corrupt", "expire_token"),
)


class _Registry(Protocol):
    """What of a registry is steered; it has the methods that rules are given by, too."""

    crashes: Crashes

    @property
    def faults(self) -> Faults: ...

    @property
    def repositories(self) -> list[str]: ...

    @property
    def requests(self) -> list[RecordedRequest]: ...

    def tags(self, repository: str) -> list[str]: ...

    def seed(self, reference: str, source: SeedImage) -> Manifest: ...

    def forget_requests(self) -> None: ...

    def reset(self) -> None: ...


class SteeredRegistry:
    """A registry double, as requests below `/_double/` see it.

    Args:
        registry: the registry.
    """

    def __init__(self, registry: _Registry) -> None:
        self._registry = registry
        self.crashes = registry.crashes

    def about(self) -> Document:
        """Return which double it is, and the tags of its repositories."""
        registry = self._registry
        tags = {name: registry.tags(name) for name in registry.repositories}
        return {"double": "registry", "tags": tags}

    def seed(self, document: Document) -> Document:
        """Put an image in, as `seed`, by its `name` and the fields of a `SeedImage`."""
        fields = dict(document)
        name = fields.pop("name", None)
        if not isinstance(name, str):
            raise ValueError(f"seed: name is a str as in 'team/app:1', not {name!r}")
        for files in (fields.get("files"), *(fields.get("layers") or ())):
            control.call(check_files, {"value": files, "removes": False}, "seed")
        image = control.call(SeedImage, fields, "seed")
        arguments = {"reference": name, "source": image}
        manifest: Any = control.call(self._registry.seed, arguments, "seed")
        return {"digest": str(manifest.digest)}

    def add_rules(self, document: Document) -> None:
        """Give it rules, by the arguments of `on_repository`."""
        control.add_rules(self._registry, document, KINDS)

    def plan(self, document: Document) -> None:
        """Plan a fault, by the arguments of the methods of `faults`."""
        control.plan(self._registry.faults, document, _FAULTS)

    def faults(self) -> Iterable[Fault]:
        """Return the faults that are planned."""
        return self._registry.faults

    def clear_faults(self) -> None:
        """Take all faults back."""
        self._registry.faults.clear()

    def records(self) -> Document:
        """Return all requests; credentials are blotted out."""
        return {"requests": self._registry.requests}

    def forget_records(self) -> None:
        """Forget all requests."""
        self._registry.forget_requests()

    def reset(self) -> None:
        """Let it be as it was when it was made."""
        self._registry.reset()
