"""The engine versions the double can look like."""

from __future__ import annotations

from dataclasses import dataclass

from fakes.engine.containers.words import ContainerWords
from fakes.engine.dockerfile.dialect import OLD, V26, V28, Dialect
from fakes.engine.images.tar import OLD_STYLE, PLAIN_STYLE, TarStyle
from fakes.engine.words import Words


@dataclass(frozen=True)
class EngineVersion:
    """How one version of the engine presents itself and words what differs.

    Attributes:
        name: as a user chooses it, `20.10`.
        version: the full version.
        api: the newest API version it speaks.
        minimum_api: the oldest.
        dialect: how it reads Dockerfiles.
        modern: it is 23.0 or newer.
        plain_errors: it answers clients older than 1.24 in plain text.
    """

    name: str
    version: str
    api: str
    minimum_api: str
    dialect: Dialect
    git_commit: str = "5d6db84"
    go_version: str = "go1.19.8"
    modern: bool = False
    plain_errors: bool = True

    @property
    def tar_style(self) -> TarStyle:
        """How its layers are written."""
        return PLAIN_STYLE if self.modern else OLD_STYLE

    @property
    def tells_refusals(self) -> bool:
        """Whether a registry's refusal of a pull is answered with the status that it means."""
        return self.speaks(None, "1.47")

    @property
    def pulls_by_tag(self) -> bool:
        """Whether a manifest that is not to be had by its digest is asked for by its tag."""
        return not self.speaks(None, "1.47")

    @property
    def words(self) -> Words:
        """What it says."""
        return Words(self.modern, self.dialect.plain_health)

    @property
    def container_words(self) -> ContainerWords:
        """What it says of containers."""
        return ContainerWords(self.modern, self.dialect.plain_health)

    def speaks(self, requested: str | None, minimum: str) -> bool:
        """Whether a request's API version (the newest without one) is at least another."""
        return _numbers(requested or self.api) >= _numbers(minimum)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


VERSIONS = {
    "20.10": EngineVersion("20.10", "20.10.24", "1.41", "1.12", OLD),
    "26.1": EngineVersion(
        "26.1",
        "26.1.5",
        "1.45",
        "1.24",
        V26,
        "411e817",
        "go1.21.11",
        modern=True,
        plain_errors=False,
    ),
    "28.5": EngineVersion("28.5", "28.5.2", "1.51", "1.24", V28, "89c5e8f", "go1.24.9", True),
}
