"""The BuildKit of an engine, for what is not a build: its frontend, its cache, its history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field
from typing import TYPE_CHECKING

from imagebuilders.buildkit.engine import engine_buildkit
from imagebuilders.buildkit.engine_features import EngineFeatures
from imagebuilders.cancellation import stopped_by
from imagebuilders.connections.upgrade import UpgradeRefusedError
from imagebuilders.exceptions import BuildKitError
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from imagebuilders.buildkit.control.client import ControlClient
    from imagebuilders.buildkit.engine_build import Features
    from imagebuilders.docker.build_engine import BuildEngine

_API_OF_28 = (1, 48)


@dataclass(frozen=True)
class OpenDaemon:
    """A BuildKit daemon with a connection to it.

    Attributes:
        name: what people call it.
        client: the connection.
        features: what it can do.
        addresses: the spellings of its address by which Docker's settings may know it.
        has_space_limits: whether it knows limits of the space that its cache takes, and that is
            free; older ones pass over them.
    """

    name: str
    client: ControlClient = field(repr=False)
    features: Features
    addresses: tuple[str, ...] = ()
    has_space_limits: bool = True


@contextmanager
def open_engine_buildkit(engine: BuildEngine) -> Iterator[OpenDaemon]:
    """Lend the BuildKit of an engine for a `with` block.

    Args:
        engine: the engine.

    Raises:
        BuildKitError: the engine has no BuildKit, or one that says nothing.
        EngineError: the engine does not answer.
    """
    version = engine.version()
    try:
        buildkit = engine_buildkit(engine)
    except UpgradeRefusedError as refused:
        raise BuildKitError(
            f"{version} offers no BuildKit ({refused.reason}). Docker Engine 20.10 and newer have "
            "one."
        ) from refused
    with buildkit, stopped_by(buildkit.close):
        features = EngineFeatures.of(version, buildkit.workers())
        yield OpenDaemon(
            str(version),
            buildkit,
            features,
            tuple(engine.addresses()),
            has_space_limits=version.api >= _API_OF_28,
        )
