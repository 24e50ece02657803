"""A clean place for settings, and packages that offer flavors."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imagebuilders.stack.variables import PREFIX


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without settings in it, above it or in the environment."""
    for name in list(os.environ):
        if name.upper().startswith(PREFIX):
            monkeypatch.delenv(name)
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return folder


Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a package of one module, as pip would lay it out."""
    modules: list[str] = []

    def installer(name: str, entry_points: dict[str, str], source: str = "") -> Path:
        site = tmp_path / f"site-{name}"
        metadata = site / f"{name}-1.5.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n")
        lines = [f"{key} = {value}" for key, value in entry_points.items()]
        (metadata / "entry_points.txt").write_text(
            "[imagebuilders.flavors]\n" + "\n".join(lines) + "\n"
        )
        (site / f"{name}.py").write_text(source)
        modules.append(name)
        monkeypatch.syspath_prepend(site)
        return site

    yield installer
    for name in modules:
        sys.modules.pop(name, None)


KITE = """
from typing import ClassVar, Literal

from pydantic import BaseModel, SecretStr

from imagebuilders.base_image_builder import BaseImageBuilder, BaseImageBuilderConfig
from imagebuilders.base_image_builder import BaseImageBuilderFlavor


class Wing(BaseModel, extra="forbid"):
    span: int = 1
    colour: str = "red"


class KiteConfig(BaseImageBuilderConfig):
    project: str
    token: SecretStr | None = None
    size: Literal["small", "large"] = "small"
    workers: int = 1
    tags: list[str] = []
    Region: str = "north"
    wing: Wing = Wing()


class KiteBuilder(BaseImageBuilder):
    config_class = KiteConfig

    @property
    def is_building_locally(self):
        return False

    def build(self, image_name, build_context, docker_build_options=None, container_registry=None):
        return image_name


class KiteFlavor(BaseImageBuilderFlavor):
    name = "kite"
    config_class = KiteConfig
    implementation_class = KiteBuilder
"""


@pytest.fixture
def kite(install: Install) -> Path:
    """Another package's image builder, with settings of every shape."""
    # `SecretStr | None` is read by pydantic when the module is imported: it needs no future import.
    return install("kite_builders", {"kite": "kite_builders:KiteFlavor"}, KITE)
