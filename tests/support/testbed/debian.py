"""Root file systems made from Debian packages, kept between runs."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from testbed import apt
from testbed.errors import NoTestbedError
from testbed.settings import TestbedSettings

OPTIONS = (
    # A mirror may lag behind the date in its Release file; signatures stay checked.
    "--aptopt=Acquire::Check-Valid-Until false",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
)
"""What mmdebstrap is told of every root file system."""


@dataclass(frozen=True)
class DebianImage:
    """A recipe: the packages of one suite, named after one of them."""

    name: str
    suite: str
    package: str
    extra_packages: tuple[str, ...]
    options: tuple[str, ...] = field(default=OPTIONS, repr=False)
    """Arguments of mmdebstrap."""

    @property
    def recipe(self) -> str:
        """A short digest of everything the result depends on, versions aside."""
        text = repr((self, self.options))
        return hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class RootFileSystem:
    """A made root file system: a plain tar, and the tag its image goes by."""

    archive: Path
    tag: str


def make(image: DebianImage, settings: TestbedSettings) -> RootFileSystem:
    """The root file system of a recipe, from the cache or made now (about half a minute).

    Raises:
        NoTestbedError: mmdebstrap is missing, or failed; its last lines are in the text.
    """
    settings.cache_folder.mkdir(parents=True, exist_ok=True)
    with _locked(settings.cache_folder / f"{image.name}.lock"):
        cached = _cached(image, settings.cache_folder)
        if cached is None:
            cached = _make(image, settings)
    return RootFileSystem(cached, f"imagebuilders-testbed/{image.name}:{_tag(cached, image)}")


def check(images: Iterable[DebianImage], settings: TestbedSettings) -> None:
    """See whether these can be made here, or have been.

    Raises:
        NoTestbedError: one is not in the cache, and mmdebstrap is missing.
    """
    if not all(_cached(image, settings.cache_folder) for image in images):
        _require_mmdebstrap(settings)


def _cached(image: DebianImage, folder: Path) -> Path | None:
    made = folder.glob(f"{image.name}_{image.suite}_*_{image.recipe}.tar")
    return max(made, key=lambda path: path.stat().st_mtime, default=None)


def _tag(archive: Path, image: DebianImage) -> str:
    version = archive.name.split("_")[2]
    return re.sub(r"[^A-Za-z0-9_.-]", "-", f"{image.suite}-{version}-{image.recipe}")


def _make(image: DebianImage, settings: TestbedSettings) -> Path:
    _require_mmdebstrap(settings)
    unfinished = settings.cache_folder / f"{image.name}.{os.getpid()}.unfinished.tar"
    try:
        done = subprocess.run(
            [
                "mmdebstrap",
                "--variant=minbase",
                *image.options,
                f"--include={','.join((image.package, *image.extra_packages))}",
                image.suite,
                str(unfinished),
                settings.debian_mirror,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            tail = "\n".join(done.stdout.splitlines()[-15:])
            raise NoTestbedError(f"mmdebstrap could not make {image.name}:\n{tail}")
        version = _package_version(unfinished, image.package)
        final = settings.cache_folder / f"{image.name}_{image.suite}_{version}_{image.recipe}.tar"
        unfinished.rename(final)
    finally:
        unfinished.unlink(missing_ok=True)
    return final


def _require_mmdebstrap(settings: TestbedSettings) -> None:
    if shutil.which("mmdebstrap") is None:
        if not settings.provision or not apt.can_install():
            raise NoTestbedError(
                "no image hub answers, and mmdebstrap, which makes the images from Debian "
                "packages, is not installed"
            )
        apt.install("mmdebstrap", "debian-archive-keyring", "ca-certificates")


def _package_version(archive: Path, package: str) -> str:
    with tarfile.open(archive) as tar:
        status = tar.extractfile("./var/lib/dpkg/status")
        assert status is not None
        text = status.read().decode()
    found = re.search(
        rf"^Package: {re.escape(package)}\n(?:.+\n)*?Version: (\S+)", text, re.MULTILINE
    )
    assert found is not None
    return found.group(1).replace("_", "-")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Two test runs at once must not make the same image twice."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
