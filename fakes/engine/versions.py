"""The engine versions the double can look like, in order, and what depends on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

_T = TypeVar("_T")


OVERLAY2, CONTAINERD = "overlay2", "containerd"
"""Where an engine keeps its images."""


class Behaviour(NamedTuple):
    """Something that engines do from one version on, and perhaps until another."""

    since: str
    until: str = ""


REFUSES_WITH_400 = Behaviour("23.0")
"""What the caller did wrong is answered with 400 where it was 500 before."""
STRICT_JSON = Behaviour("23.0")
"""A body is JSON alone: it is not empty, and nothing stands behind it."""
PASSES_REFUSALS_ON = Behaviour("27.0")
"""A registry's refusal of a pull is answered with the status that it means, and a manifest that
is not to be had by its digest is not asked for by its tag."""
EXACT_TIMES = Behaviour("29.0")
"""Moments may end with a dot, and of those that are none it is told what is wrong, with 400."""
EVENT_TYPES = Behaviour("29.0")
"""The stream of events has a media type of its own, which a client chooses."""
ADDRESSES_OF_NETWORKS_ALONE = Behaviour("29.0")
"""A container's document has addresses below its networks only, and nothing that is never set."""
DISK_USE_BY_KIND = Behaviour("29.0")
"""`GET /system/df` tells of the kinds that were asked for, and from API 1.52 on their sums."""
BODIES_OF_ONE_KIND = Behaviour("29.0")
"""What is wrong with a body is 400 for credentials, too, and a commit's body is as any other."""
ADDRESSES_TOLD = Behaviour("29.0")
"""A network tells the gateway that was chosen for it; of addresses of IPv6 that it does not have
it tells nothing, and a list says nothing of containers."""
PLAIN_PROGRESS = Behaviour("29.0")
"""Messages of progress are numbers alone, and an error's text stands before its details."""
BINDINGS_PUBLISH = Behaviour("29.0")
"""A binding publishes a port that is not exposed, too."""
SPEAKS_HTTP2 = Behaviour("29.0")
"""Clients may speak HTTP/2 at once on the engine's socket; older ones are left without a word."""
ERRORS_IN_JSON = Behaviour("26.0", until="28.0")
"""Clients older than API 1.24 are answered in JSON too, and not in plain text."""


@dataclass(frozen=True)
class EngineVersion:
    """One version of the engine; ordered, and compared with texts such as `"23.0"`, too.

    Attributes:
        name: as a user chooses it, `20.10`.
        version: the full version.
        api: the newest API version it speaks.
        minimum_api: the oldest.
        git_commit: what it was built from.
        go_version: what it was built with.
        usual_store: the image store that a new engine has.
        stores: those that it can have.
        image_store: the one that this has.
    """

    name: str
    version: str
    api: str
    minimum_api: str
    git_commit: str
    go_version: str
    usual_store: str = OVERLAY2
    stores: tuple[str, ...] = (OVERLAY2,)
    image_store: str = OVERLAY2

    @property
    def look(self) -> str:
        """What recordings call it: its name, with an image store that is not the usual one."""
        usual = self.image_store == self.usual_store
        return self.name if usual else f"{self.name}-{self.image_store}"

    def __ge__(self, other: str) -> bool:
        return numbers(self.version) >= numbers(other)

    def __lt__(self, other: str) -> bool:
        return not self >= other

    def has(self, behaviour: Behaviour) -> bool:
        """Return whether this version behaves so."""
        return self >= behaviour.since and (not behaviour.until or self < behaviour.until)

    @property
    def named_in_images(self) -> str:
        """The version that images name which it makes; newer ones name none."""
        return "" if self >= "29.0" else self.version

    def bad_request(self) -> int:
        """Return the status for what the caller did wrong, where it was 500 once."""
        return 400 if self.has(REFUSES_WITH_400) else 500

    def bad_number(self) -> int:
        """Return the status for a parameter that is no number."""
        return 400 if self >= "29.0" else 500

    def speaks(self, requested: str | None, minimum: str) -> bool:
        """Return whether a request's API version (the newest without one) is at least another."""
        return numbers(requested or self.api) >= numbers(minimum)


class ByVersion(Generic[_T]):
    """A value that changed with versions of the engine.

    Args:
        first: that of the oldest.
        changes: by the version from which on it holds, oldest first.

    Attributes:
        first: that of the oldest.
        changes: those of later versions.
    """

    def __init__(self, first: _T, changes: Mapping[str, _T]) -> None:
        self.first = first
        self.changes = changes
        self._newest_first = (*reversed(tuple(changes.items())),)

    def of(self, version: EngineVersion) -> _T:
        """Return the newest value that is not newer than a version."""
        return next((value for since, value in self._newest_first if version >= since), self.first)


@lru_cache(maxsize=256)
def numbers(version: str) -> tuple[int, ...]:
    """Return the parts of a version of the engine or its API, to be compared."""
    return tuple(int(part or 0) for part in version.split("."))


_BOTH = (OVERLAY2, CONTAINERD)
VERSIONS = {
    version.name: version
    for version in (
        EngineVersion("20.10", "20.10.24", "1.41", "1.12", "5d6db84", "go1.19.8"),
        EngineVersion("26.1", "26.1.5", "1.45", "1.24", "411e817", "go1.21.11"),
        EngineVersion("28.5", "28.5.2", "1.51", "1.24", "89c5e8f", "go1.24.9", OVERLAY2, _BOTH),
        EngineVersion(
            "29.7", "29.7.2", "1.55", "1.40", "c80d3a1", "go1.26.4", CONTAINERD, _BOTH, CONTAINERD
        ),
    )
}
"""Oldest first, by the name a user chooses."""

OLDEST, NEWEST = (list(VERSIONS)[index] for index in (0, -1))
LOOKS = {
    look.look: look
    for version in VERSIONS.values()
    for look in (replace(version, image_store=store) for store in version.stores)
}
"""What the double can look like, by the names of the recordings."""
DEFAULT = NEWEST
"""What the double looks like when nobody chose."""
