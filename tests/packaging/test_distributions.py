"""What is in the sdist and the wheel; `nox -s package` builds them."""

from __future__ import annotations

import os
import subprocess
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("imagebuilders", "fakes")

_LIMIT = 2_500_000
"""What the wheel may take, in bytes.

Of 2.46 MB the building side takes 1.09, the doubles 0.62, the contracts 0.40 (half of it
recordings, which are compressed as one), the emulated shell 0.32. A tenth is the names and hashes
of 1,235 files.
"""


@pytest.fixture(scope="module")
def distributions() -> Path:
    """The folder with the built distributions."""
    folder = os.environ.get("IMAGEBUILDERS_TEST_DISTRIBUTIONS")
    if folder is None:
        pytest.skip("no distributions are built here; `nox -s package` builds them")
    return Path(folder)


@pytest.fixture(scope="module")
def wheel_files(distributions: Path) -> set[str]:
    """The paths in the wheel."""
    (wheel,) = distributions.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def sdist_files(distributions: Path) -> set[str]:
    """The paths in the sdist, without the folder they are all in."""
    (sdist,) = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        return {member.name.partition("/")[2] for member in archive if not member.isdir()}


@pytest.fixture(scope="module")
def metadata(distributions: Path) -> Message:
    """The wheel's metadata."""
    (wheel,) = distributions.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def _tracked(*folders: str) -> set[str]:
    """The files that git knows."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--", *folders], cwd=_ROOT, check=True, capture_output=True
    )
    return {name for name in listing.stdout.decode().split("\0") if name}


def test_wheel_has_every_file_of_the_packages_and_no_other(wheel_files: set[str]) -> None:
    """The wheel is the two packages, the pytest plugin and its metadata.

    The sources of BuildKit's messages, of which the compiled ones are there, stay in the sdist.
    """
    code = {name for name in wheel_files if ".dist-info/" not in name}
    wanted = _tracked(*_PACKAGES, "pytest_imagebuilders.py")
    assert code == {name for name in wanted if not name.endswith(".proto")}


def test_wheel_is_small(distributions: Path) -> None:
    """It is downloaded by each user and each CI job."""
    (wheel,) = distributions.glob("*.whl")
    assert wheel.stat().st_size < _LIMIT


def test_wheel_is_typed(wheel_files: set[str]) -> None:
    """Each package tells type checkers that it has types."""
    assert {f"{package}/py.typed" for package in _PACKAGES} <= wheel_files


def test_wheel_has_no_tests(wheel_files: set[str]) -> None:
    """Tests, documentation and examples stay out."""
    tops = {name.partition("/")[0] for name in wheel_files if ".dist-info/" not in name}
    assert tops == {*_PACKAGES, "pytest_imagebuilders.py"}


def test_sdist_can_be_tested(sdist_files: set[str]) -> None:
    """The sdist has all that its own tests need, and nothing that git does not know."""
    wanted = _tracked(*_PACKAGES, "tests", "docs", "examples", "benchmarks")
    wanted |= {"README.md", "CHANGELOG.md", "LICENSE", "noxfile.py", "pyproject.toml"}
    wanted |= {"CITATION.cff", "CONTRIBUTING.md", "SECURITY.md"}
    assert wanted <= sdist_files
    assert sdist_files - _tracked() == {"PKG-INFO"}


def test_metadata_says_what_a_user_needs(metadata: Message) -> None:
    """Licence, Pythons, typing and pytest are declared; the README is the long text."""
    assert metadata["Name"] == "imagebuilders"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.10"
    classifiers = metadata.get_all("Classifier", [])
    assert {"Typing :: Typed", "Framework :: Pytest"} <= set(classifiers)
    assert metadata["Author"] == "The imagebuilders authors"
    urls = dict(line.split(", ", 1) for line in metadata.get_all("Project-URL", []))
    assert {"Documentation", "Changelog"} <= set(urls)
    assert all(url.startswith("https://") for url in urls.values())
    body = metadata.get_payload()
    assert isinstance(body, str)
    assert body.strip() == (_ROOT / "README.md").read_text().strip()


def test_extras_are_for_users(metadata: Message) -> None:
    """What developers use is in dependency groups, not in extras that users see."""
    assert set(metadata.get_all("Provides-Extra", [])) == {
        *("s3", "aws", "ssh", "testing", "testing-aws", "tls", "zstd")
    }
