"""What a build is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import ImageReference

from ..registries.credentials import Credentials


@dataclass
class BuildOptions:
    """What a build was asked for."""

    tags: list[ImageReference] = field(default_factory=list)
    dockerfile: str = "Dockerfile"
    target: str = ""
    build_args: dict[str, str | None] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    cache_from: list[str] = field(default_factory=list)
    no_cache: bool = False
    pull: bool = False
    quiet: bool = False
    remove: bool = True
    force_remove: bool = False
    platform: Platform | None = None
    remote: str = ""
    builder_version: str = "1"
    added_hosts: list[str] = field(default_factory=list)
    credentials: dict[str, Credentials] = field(default_factory=dict)
    other: dict[str, str] = field(default_factory=dict)
