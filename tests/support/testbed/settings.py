"""What a person can set about the test bed, by environment variable."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def _default_cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "imagebuilders" / "testbed"


class TestbedSettings(BaseSettings):
    """Settings of the test bed; each is read from ``IMAGEBUILDERS_TEST_<NAME>``."""

    __test__ = False
    model_config = SettingsConfigDict(env_prefix="IMAGEBUILDERS_TEST_")

    engine_20_10_image: str = "docker:20.10-dind"
    engine_26_1_image: str = "docker:26.1-dind"
    engine_28_5_image: str = "docker:28-dind"
    registry_image: str = "registry:3"
    busybox_image: str = "busybox"
    debian_image: str = "debian:bookworm-slim"
    tools_base_image: str = "debian:forky-slim"

    host_engine: str = ""
    """The address of the engine that all containers run in, in place of the one that is found."""

    hub: Literal["auto", "always", "never"] = "auto"
    """Whether images are pulled; ``auto`` asks the hub first."""
    hub_url: str = "https://registry-1.docker.io/v2/"
    hub_timeout: float = 3.0
    """Seconds the hub has to answer before images are made from Debian packages."""
    debian_mirror: str = "http://deb.debian.org/debian"
    cache_folder: Path = Field(default_factory=_default_cache_folder)
    """Where made images are kept between runs."""

    provision: bool = False
    """Whether missing programs (``docker.io``, ``mmdebstrap``) may be installed with apt."""
    require: bool = Field(default_factory=lambda: os.environ.get("CI", "").lower() in {"1", "true"})
    """Whether a missing engine fails the tests instead of skipping them."""
