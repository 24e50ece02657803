"""Images of the test bed: pulled where a hub answers, made from Debian packages elsewhere."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from functools import cached_property
from io import BytesIO

import docker
from docker.errors import DockerException, ImageNotFound

from testbed import busybox, debian
from testbed.settings import TestbedSettings

ENGINE_VERSIONS = ("20.10", "26.1", "28.5")
"""Docker Engine series that the tests run against, oldest first."""

CONTAINERD = "28.5-containerd"
"""The newest of them with the image store of containerd in place of a graph driver."""

ALL_ENGINES = (*ENGINE_VERSIONS, CONTAINERD)
"""Every engine of the test bed, for what differs between image stores."""

PODMAN = "podman"
"""Debian's Podman, which answers as a Docker Engine does; it has neither BuildKit nor `dockerd`."""

BUSYBOX = "busybox:latest"
"""The name under which every engine of the test bed has a small base image."""

DEBIAN = "debian:bookworm-slim"
"""The name under which an engine has Debian's shells and tools once they are loaded into it."""

# BuildKit runs git by itself for `ADD` of a repository; Docker's own images have it too.
_ENGINE = ("iptables", "ca-certificates", "git")
_NEWER_CLI = ("docker-cli", "docker-buildx", *_ENGINE)
_ENGINES = {
    "20.10": debian.DebianImage("engine", "bookworm", "docker.io", _ENGINE),
    "26.1": debian.DebianImage("engine", "trixie", "docker.io", _NEWER_CLI),
    "28.5": debian.DebianImage("engine", "forky", "docker.io", _NEWER_CLI),
}
_TOOL_PACKAGES = (
    "ca-certificates",
    "crane",
    "oras",
    "skopeo",
    "buildah",
    "podman",
    "docker-cli",
    "docker-compose",
    "docker-buildx",
    "busybox-static",
    "libarchive-tools",
    "socat",
    "openssh-client",
)
_TOOLS = debian.DebianImage("tools", "forky", "docker-registry", _TOOL_PACKAGES)
# Debian's shells and tools, and no more, so that it is made and loaded soon.
_DEBIAN = debian.DebianImage(
    "debian",
    "bookworm",
    "base-files",
    ("adduser", "mawk"),
    (
        *debian.OPTIONS,
        "--variant=essential",
        "--dpkgopt=force-unsafe-io",
        "--dpkgopt=path-exclude=/usr/lib/*/gconv/*",
        "--dpkgopt=path-exclude=/usr/share/terminfo/*",
    ),
)


class Images:
    """Gives the name of each image, once it is there in the host engine."""

    def __init__(self, host: docker.DockerClient, settings: TestbedSettings) -> None:
        self._host = host
        self._settings = settings
        self._ready: dict[str, str] = {}

    @cached_property
    def from_hub(self) -> bool:
        """Whether images are pulled."""
        if self._settings.hub == "auto":
            return _answers(self._settings.hub_url, self._settings.hub_timeout)
        return self._settings.hub == "always"

    def check(self) -> None:
        """See, without making any, whether the images can be had.

        Raises:
            NoTestbedError: no hub answers and they cannot be made here.
        """
        if not self.from_hub:
            debian.check((*_ENGINES.values(), _TOOLS, _DEBIAN), self._settings)

    def engine(self, engine: str) -> str:
        """An image whose ``dockerd`` is of an engine's series; the store is a setting of it."""
        if engine == PODMAN:
            return self.tools()
        version = engine.partition("-")[0]
        names = {
            "20.10": self._settings.engine_20_10_image,
            "26.1": self._settings.engine_26_1_image,
            "28.5": self._settings.engine_28_5_image,
        }
        return self._pulled(names[version]) if self.from_hub else self._made(_ENGINES[version])

    def registry(self) -> str:
        """An image with a ``registry`` or ``docker-registry`` program."""
        if self.from_hub:
            return self._pulled(self._settings.registry_image)
        return self._made(_TOOLS)

    def tools(self) -> str:
        """An image with crane, oras, skopeo, buildah, podman, docker, tar programs, socat, ssh."""
        if self.from_hub:
            return self._built_tools()
        return self._made(_TOOLS)

    def load_busybox(self, engine: docker.DockerClient) -> None:
        """Give an engine :data:`BUSYBOX`; the host engine's own images keep their names."""
        (image,) = engine.images.load(self._busybox_archive)
        repository, _, tag = BUSYBOX.partition(":")
        image.tag(repository, tag)

    def load_debian(self, engine: docker.DockerClient) -> None:
        """Give an engine :data:`DEBIAN`."""
        repository, _, tag = DEBIAN.partition(":")
        if self.from_hub:
            name = self._pulled(self._settings.debian_image)
            (image,) = engine.images.load(b"".join(self._host.images.get(name).save()))
            image.tag(repository, tag)
        else:
            archive = str(debian.make(_DEBIAN, self._settings).archive)
            changes = ['CMD ["bash"]']
            engine.api.import_image(archive, repository=repository, tag=tag, changes=changes)

    @cached_property
    def _busybox_archive(self) -> bytes:
        if self.from_hub:
            name = self._pulled(self._settings.busybox_image)
            return b"".join(self._host.images.get(name).save())
        return busybox.archive(self._host, self.tools(), BUSYBOX)

    def _pulled(self, name: str) -> str:
        if name not in self._ready:
            try:
                self._host.images.get(name)
            except ImageNotFound:
                self._host.images.pull(name if ":" in name else f"{name}:latest")
            self._ready[name] = name
        return name

    def _made(self, image: debian.DebianImage) -> str:
        key = image.recipe
        if key not in self._ready:
            made = debian.make(image, self._settings)
            try:
                self._host.images.get(made.tag)
            except ImageNotFound:
                repository, _, tag = made.tag.rpartition(":")
                self._host.api.import_image(
                    src=str(made.archive),
                    repository=repository,
                    tag=tag,
                    # An overlay on an overlay does not work: the engine needs a volume.
                    changes=["VOLUME /var/lib/docker"] if image.name == "engine" else None,
                )
            self._ready[key] = made.tag
        return self._ready[key]

    def _built_tools(self) -> str:
        name = f"imagebuilders-testbed/tools:{_TOOLS.recipe}"
        try:
            self._host.images.get(name)
        except ImageNotFound:
            packages = " ".join((_TOOLS.package, *_TOOL_PACKAGES))
            dockerfile = (
                f"FROM {self._settings.tools_base_image}\n"
                "RUN apt-get update && DEBIAN_FRONTEND=noninteractive "
                f"apt-get install --yes --no-install-recommends {packages}\n"
            )
            self._host.images.build(fileobj=BytesIO(dockerfile.encode()), tag=name, rm=True)
        return name


def _answers(url: str, timeout: float) -> bool:
    """Whether a registry answers there in time, name look-up included."""
    answered = threading.Event()

    def ask() -> None:
        try:
            urllib.request.urlopen(url, timeout=timeout).close()
        except urllib.error.HTTPError as refusal:
            refusal.close()
            if refusal.code != 401:  # a registry wants a token; anything else is in the way
                return
        except (OSError, DockerException):
            return
        answered.set()

    # A name server that does not answer blocks far longer than any socket timeout.
    threading.Thread(target=ask, daemon=True).start()
    return answered.wait(timeout)
