"""Tests of the user's code, with the doubles that come with imagebuilders."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from shipyard.release import release

from fakes import FakeRegistry
from imagebuilders import Stack
from imagebuilders.exceptions import BuildError, PushError
from pytest_imagebuilders import ImageTreeOf


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """A service: its program and what it is built with."""
    folder = tmp_path / "greeter"
    folder.mkdir()
    (folder / "main.py").write_text("print('hello')\n")
    (folder / "Dockerfile").write_text(
        "FROM scratch\nARG VERSION\nLABEL version=$VERSION\nCOPY main.py VERSION /app/\n"
    )
    return folder


def test_release_is_what_the_registry_has(
    fake_stack: Stack, fake_registry: FakeRegistry, service: Path
) -> None:
    """The digest is the registry's, and the image has the files."""
    digest = release(service, "1.0")

    image = fake_registry.image("greeter:1.0")
    assert digest == f"{fake_registry.address}/greeter@{image.digest}"
    assert image.read("/app/VERSION") == b"1.0\n"
    assert image.labels["version"] == "1.0"


@pytest.mark.fake_registry(auth="basic", users={"ci": "secret"})
def test_release_to_a_private_registry(
    fake_stack: Stack, fake_registry: FakeRegistry, service: Path
) -> None:
    """A marker of the plugin passes `--strict-markers` and changes the double."""
    release(service, "1.1")

    assert fake_registry.tags("greeter") == ["1.1"]
    assert "ci" in {request.user for request in fake_registry.requests}


def test_refused_release_fails(
    fake_stack: Stack, fake_registry: FakeRegistry, service: Path
) -> None:
    """A registry that takes no images makes the release fail."""
    fake_registry.read_only = True
    with pytest.raises(PushError):
        release(service, "1.2")


def test_broken_service_fails(fake_stack: Stack, service: Path) -> None:
    """A file that is not there makes the build fail."""
    (service / "main.py").unlink()
    with pytest.raises(BuildError):
        release(service, "1.3")


def test_command_uses_the_engine_of_the_test(
    fake_docker_host: str, image_tree: ImageTreeOf, service: Path
) -> None:
    """The installed command finds the double through DOCKER_HOST."""
    (service / "VERSION").write_text("2\n")
    subprocess.run(
        [sys.executable, "-m", "imagebuilders", "build", str(service), "-t", "greeter:2"],
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert image_tree("greeter:2", below="/app") == {
        "main.py": "print('hello')\n",
        "VERSION": "2\n",
    }
