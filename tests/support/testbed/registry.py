"""A real registry in a container, read back over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from testbed.containers import Container
from testbed.daemon import HostEngine
from testbed.errors import NoTestbedError

_START_TIMEOUT = 30.0
_MANIFEST_TYPES = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)
# bcrypt of the passwords: the registry takes no other scheme.
_PASSWORD_HASHES = {
    "correct horse": "$2y$05$hmXsUafMKLZLomGUhMrkf.v7zB3cnisYc6.rw.pPaCxDkCn0GYDVi",
}


@dataclass(frozen=True)
class Credentials:
    """A user name and a password."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Manifest:
    """A manifest as the registry serves it."""

    digest: str
    media_type: str
    body: bytes

    @property
    def content(self) -> dict[str, Any]:
        """The parsed manifest."""
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


class Registry:
    """A registry that keeps images for as long as it runs."""

    def __init__(
        self,
        host: HostEngine,
        image: str,
        *,
        port: int,
        network_of: str,
        credentials: Credentials | None = None,
    ) -> None:
        self.credentials = credentials
        """What it asks for, or None."""
        self.address = f"127.0.0.1:{port}"
        """Host and port, for image names; the same for the engine and the test process."""
        self.url = f"http://{self.address}"
        self._session = requests.Session()
        if credentials is not None:
            self._session.auth = (credentials.username, credentials.password)
        self._session.trust_env = False
        self.container = Container(
            host,
            image,
            ["sh", "-c", _START_REGISTRY],
            network_mode=f"container:{network_of}",
        )
        for name, value in _environment(port, credentials).items():
            self.container.with_env(name, value)

    def start(self) -> Registry:
        """Start it and wait until it answers.

        Raises:
            NoTestbedError: it did not answer in time; its last lines are in the text.
        """
        self.container.start()
        deadline = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < deadline:
            try:
                if self._session.get(f"{self.url}/v2/", timeout=2).status_code == 200:
                    return self
            except requests.RequestException:
                pass
            time.sleep(0.1)
        logs = self.container.get_wrapped_container().logs().decode(errors="replace")
        self.stop()
        raise NoTestbedError(f"the registry did not start:\n{logs[-2000:]}")

    def stop(self) -> None:
        """Remove it and what it holds."""
        self._session.close()
        self.container.stop()

    def manifest(self, repository: str, reference: str) -> Manifest:
        """A manifest by tag or digest; ``repository`` is without the registry's address."""
        answer = self.get(
            f"/v2/{repository}/manifests/{reference}", headers={"Accept": ",".join(_MANIFEST_TYPES)}
        )
        answer.raise_for_status()
        return Manifest(
            answer.headers["Docker-Content-Digest"], answer.headers["Content-Type"], answer.content
        )

    def blob(self, repository: str, digest: str) -> bytes:
        """A blob by digest."""
        answer = self.get(f"/v2/{repository}/blobs/{digest}")
        answer.raise_for_status()
        return answer.content

    def image_config(self, repository: str, reference: str) -> dict[str, Any]:
        """The image configuration of a single-platform image."""
        digest = self.manifest(repository, reference).content["config"]["digest"]
        config: dict[str, Any] = json.loads(self.blob(repository, digest))
        return config

    def tags(self, repository: str) -> list[str]:
        """The tags of a repository."""
        answer = self.get(f"/v2/{repository}/tags/list")
        answer.raise_for_status()
        return sorted(answer.json()["tags"] or [])

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> requests.Response:
        """Any request, with the registry's credentials."""
        return self._session.get(f"{self.url}{path}", headers=headers, timeout=30)


_START_REGISTRY = """
mkdir -p /tmp/registry && printf '%s\\n' "$HTPASSWD" > /tmp/registry/htpasswd
printf '%s' "$CONFIGURATION" > /tmp/registry/config.yml
exec "$(command -v registry || command -v docker-registry)" serve /tmp/registry/config.yml
"""


def _environment(port: int, credentials: Credentials | None) -> dict[str, str]:
    configuration: dict[str, Any] = {
        "version": "0.1",
        "log": {"level": "warn"},
        "storage": {
            "filesystem": {"rootdirectory": "/tmp/registry/data"},
            "delete": {"enabled": True},
        },
        "http": {"addr": f":{port}"},
    }
    entry = ""
    if credentials is not None:
        entry = f"{credentials.username}:{_PASSWORD_HASHES[credentials.password]}"
        configuration["auth"] = {"htpasswd": {"realm": "testbed", "path": "/tmp/registry/htpasswd"}}
    # JSON is YAML as well.
    return {"HTPASSWD": entry, "CONFIGURATION": json.dumps(configuration)}
