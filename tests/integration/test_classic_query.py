"""The query of a classic build beside the one that the docker CLI sends for the same flags."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
from testbed.bed import Testbed

from fakes import FakeDockerEngine
from imagebuilders import DockerBuildOptions
from imagebuilders.build_options.classic_query import render_classic_query

# Left out: `squash`, which the CLI sends to experimental engines alone, and the values of `rm`
# and `forcerm`, whose defaults are others on purpose.
_OPTIONS: list[dict[str, object]] = [
    {"nocache": True},
    {"pull": True},
    {"target": "t"},
    {"platform": "linux/amd64"},
    {"network_mode": "none"},
    {"isolation": "hyperv"},
    {"shmsize": "64k"},
    {"extra_hosts": ["a:1.1.1.1", "b:::1", "a:2.2.2.2"]},
    {"container_limits": {"memory": "6m", "memswap": -1, "cpushares": 2, "cpusetcpus": "0"}},
    {"buildargs": {"A": "1", "B": ""}},
    {"labels": ["a=b", "c"]},
    {"cache_from": ["x", "y"]},
    {"ulimit": ["nofile=1:2", "nproc=3"]},
]


@pytest.mark.parametrize("given", _OPTIONS, ids=lambda given: "+".join(given))
def test_every_option_has_the_form_of_the_docker_cli(
    given: dict[str, object], testbed: Testbed, tmp_path: Path
) -> None:
    """Field names, repetition and JSON are the same, read as the engine reads them."""
    program = shutil.which("docker")
    if program is None:
        pytest.skip(f"there is no docker CLI beside {testbed.host}")
    (tmp_path / "Dockerfile").write_text("FROM scratch\nLABEL a=b\n")
    options = DockerBuildOptions.from_any(given)
    engine = FakeDockerEngine("28.5")
    with engine.serve() as docker_host:
        subprocess.run(
            [program, "build", "--tag", "app:1", *options.to_cli_flags(), str(tmp_path)],
            env={**os.environ, "DOCKER_HOST": docker_host, "DOCKER_BUILDKIT": "0"},
            capture_output=True,
            timeout=60,
            check=False,
        )
    (sent,) = [request for request in engine.requests if request.path.endswith("/build")]
    ours: dict[str, list[str]] = defaultdict(list)
    for name, value in render_classic_query(options, names=["app:1"], dockerfile="Dockerfile"):
        ours[name].append(value)
    assert len(ours) > 4
    for name in set(ours) - {"rm", "forcerm"}:
        assert list(map(_read, ours[name])) == list(map(_read, sent.query[name])), name


def _read(value: str) -> object:
    return json.loads(value) if value[:1] in ("{", "[") else value
