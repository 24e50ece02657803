"""`docker buildx build` of Debian's newest suite as a whole process, as the other side.

The programs are the test bed's own, copied to this machine: they run as the other side does, with
no container about them. `IMAGEBUILDERS_BENCH_DOCKER` names another `docker` that has the plugin.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measuring import scratch

if TYPE_CHECKING:
    from testbed.tools import Toolbox

VARIABLE = "IMAGEBUILDERS_BENCH_DOCKER"
_PROGRAMS = {
    "/usr/bin/docker": Path("docker"),
    "/usr/libexec/docker/cli-plugins/docker-buildx": Path("config", "cli-plugins", "docker-buildx"),
}


def docker_config() -> Path:
    """Return a folder for Docker's settings: the plugin, no context and no credential helper."""
    return scratch() / "buildx" / "config"


def docker_program(toolbox: Toolbox) -> str:
    """Return a `docker` that knows `buildx`, with the settings of `docker_config`."""
    folder = scratch() / "buildx"
    if not (folder / "done").exists():
        from testbed.programs import read_programs

        content = read_programs(toolbox, *_PROGRAMS)
        for name, place in _PROGRAMS.items():
            path = folder / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content[name])
            path.chmod(0o755)
        (folder / "done").touch()
    return os.environ.get(VARIABLE, str(folder / "docker"))


def buildx_version(docker: str) -> str:
    """Return the version of a `docker`'s plugin."""
    said = subprocess.run(
        [docker, "buildx", "version"],
        env={**os.environ, "DOCKER_CONFIG": str(docker_config())},
        check=True,
        capture_output=True,
        text=True,
    )
    return said.stdout.split()[1]
