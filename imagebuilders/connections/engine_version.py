"""What an engine says of itself: the answer to `GET /version`.

https://docs.docker.com/reference/api/engine/version/v1.41/#tag/System/operation/SystemVersion
"""

from __future__ import annotations

import re

from imagebuilders.go_text import replace_lone_surrogates
from imagebuilders.lazy_dataclass import dataclass

OLDEST_API_VERSION = (1, 24)
"""The oldest version of the API that is spoken."""

_PODMAN = "Podman Engine"
_RELEASE = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})")
_API_VERSION = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})")


@dataclass(frozen=True)
class EngineVersion:
    """An engine's product, version and platform, and the version of its API."""

    api_version: str
    product: str
    version: str
    platform: str

    @classmethod
    def from_answer(cls, answer: object) -> EngineVersion | None:
        """Read the answer, parsed from JSON; `None` when no Docker Engine gives such a one."""
        fields = answer if isinstance(answer, dict) else {}
        api_version = fields.get("ApiVersion")
        if not isinstance(api_version, str) or not _API_VERSION.fullmatch(api_version):
            return None
        components = fields.get("Components")
        first = components[0] if isinstance(components, list) and components else {}
        product = _text(first, "Name", "Engine")
        return cls(
            api_version=api_version,
            product="Docker Engine" if product == "Engine" else product,
            version=_text(fields, "Version", "of unknown version"),
            platform=f"{_text(fields, 'Os', 'unknown')}/{_text(fields, 'Arch', 'unknown')}",
        )

    @property
    def is_too_old(self) -> bool:
        """Whether its API is older than what is spoken."""
        return self.api < OLDEST_API_VERSION

    @property
    def api(self) -> tuple[int, int]:
        """The version of its API as two numbers."""
        found = _API_VERSION.fullmatch(self.api_version)
        return (0, 0) if found is None else (int(found[1]), int(found[2]))

    @property
    def is_podman(self) -> bool:
        """Whether it is Podman, which builds by itself and in its own way."""
        return self.product == _PODMAN

    @property
    def release(self) -> tuple[int, int]:
        """The first two numbers of the product's version; zeros when it tells none."""
        found = _RELEASE.match(self.version)
        return (0, 0) if found is None else (int(found[1]), int(found[2]))

    def __str__(self) -> str:
        """Return it as in `Docker Engine 28.5.2 (linux/amd64)`."""
        return f"{self.product} {self.version} ({self.platform})"


def _text(fields: object, key: str, default: str) -> str:
    value = fields.get(key) if isinstance(fields, dict) else None
    return replace_lone_surrogates(value) if isinstance(value, str) and value else default
