"""The engine versions the double can look like."""

from __future__ import annotations

from dataclasses import dataclass

from fakes.engine.dockerfile.instructions import Dialect


@dataclass(frozen=True)
class EngineVersion:
    """How one version of the engine presents itself and words what differs.

    Attributes:
        name: as a user chooses it, `20.10`.
        version: the full version.
        api: the newest API version it speaks.
        minimum_api: the oldest.
        dialect: how it reads Dockerfiles.
    """

    name: str
    version: str
    api: str
    minimum_api: str
    dialect: Dialect
    git_commit: str = "5d6db84"
    go_version: str = "go1.19.8"
    keeps_container_config: bool = True

    def api_at_most(self, requested: str | None) -> tuple[int, int]:
        """The API version of a request as numbers; the newest without one."""
        major, _, minor = (requested or self.api).partition(".")
        return int(major), int(minor or 0)


_NEW_DIALECT = Dialect(location="dockerfile parse error on line {line}: {message}")

VERSIONS = {
    "20.10": EngineVersion("20.10", "20.10.24", "1.41", "1.12", Dialect()),
    "26.1": EngineVersion("26.1", "26.1.5", "1.45", "1.24", _NEW_DIALECT, "411e817", "go1.21.11"),
    "28.5": EngineVersion(
        "28.5", "28.5.2", "1.51", "1.24", _NEW_DIALECT, "89c5e8f", "go1.24.9", False
    ),
}
