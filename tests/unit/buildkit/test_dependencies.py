"""What the BuildKit client brings along: which packages it loads, when, and beside which others."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fakes import FakeDockerEngine

_OTHERS = """
from google.protobuf import descriptor_pb2, descriptor_pool, struct_pb2, timestamp_pb2
from google.rpc import error_details_pb2, status_pb2
health = descriptor_pb2.FileDescriptorProto(
    name="grpc/health/v1/health.proto", package="grpc.health.v1", syntax="proto3"
)
health.message_type.add(name="HealthCheckRequest").field.add(
    name="service", number=1, type=9, label=1
)
descriptor_pool.Default().Add(health)
stat = descriptor_pb2.FileDescriptorProto(
    name="github.com/tonistiigi/fsutil/types/stat.proto", package="fsutil.types", syntax="proto3"
)
stat.message_type.add(name="Stat").field.add(name="other", number=1, type=9, label=1)
descriptor_pool.Default().Add(stat)
"""
_OURS = """
from imagebuilders.buildkit.proto import (
    content_pb2, control_pb2, filesync_pb2, gateway_pb2, ops_pb2, rpc_pb2, session_pb2, worker_pb2
)
"""
_USED = """
status = status_pb2.Status(code=5, message="theirs")
status.details.add().Pack(error_details_pb2.ErrorInfo(reason="x"))
mine = rpc_pb2.Status.FromString(status.SerializeToString())
assert (mine.code, mine.message, len(mine.details)) == (5, "theirs", 1)
assert mine.details[0].type_url.endswith("google.rpc.ErrorInfo")
assert status_pb2.Status.FromString(mine.SerializeToString()) == status
stat = descriptor_pool.Default().FindMessageTypeByName("fsutil.types.Stat")
assert stat.fields[0].name == "other"
assert filesync_pb2.Stat(path=b"x").path == b"x"
vertex = control_pb2.Vertex(digest="d")
vertex.started.seconds = 7
assert timestamp_pb2.Timestamp.FromString(vertex.started.SerializeToString()).seconds == 7
"""


def _run(script: str) -> str:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout


@pytest.mark.parametrize("imports", [_OTHERS + _OURS, _OURS + _OTHERS], ids=["after", "before"])
def test_messages_stand_beside_those_of_other_packages(imports: str) -> None:
    """A program may have googleapis' and grpc's messages, and others of BuildKit's names, too."""
    pytest.importorskip("google.rpc.status_pb2")
    assert _run(f"{imports}{_USED}print('fine')") == "fine\n"


_CLASSIC = """
import sys
import docker
from imagebuilders import BuildContext, LocalImageBuilder
context = BuildContext()
context.add_file("FROM scratch\\nLABEL a=b\\n", "Dockerfile")
client = docker.DockerClient({address!r})
LocalImageBuilder(docker_client=client, {setting}).build("app:1", context)
client.close()
loaded = {{"h2", "hpack", "google.protobuf", "imagebuilders.buildkit.transport.channel"}}
print(sorted(loaded & set(sys.modules)))
"""


@pytest.mark.parametrize("setting", ["builder='classic'", ""])
def test_a_classic_build_loads_no_http2(setting: str) -> None:
    """Not even where the engine was asked whether it has BuildKit, and does not speak HTTP/2."""
    engine = FakeDockerEngine("28.5", buildkit=False)
    with engine.serve() as address:
        assert _run(_CLASSIC.format(setting=setting, address=address)) == "[]\n"
    assert engine.builds


def test_importing_the_packages_loads_no_http2() -> None:
    """Neither the builders nor the client's own package, before it is used."""
    script = "import sys, imagebuilders, imagebuilders.buildkit, imagebuilders.local_image_builder"
    assert _run(f"{script}; print('h2' in sys.modules, 'google.protobuf' in sys.modules)") == (
        "False False\n"
    )


def test_the_package_says_what_it_has() -> None:
    """Its names are loaded when they are asked for."""
    import imagebuilders.buildkit

    assert dir(imagebuilders.buildkit) == sorted(imagebuilders.buildkit.__all__)
    for name in imagebuilders.buildkit.__all__:
        assert getattr(imagebuilders.buildkit, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'conect'"):
        imagebuilders.buildkit.conect  # noqa: B018
