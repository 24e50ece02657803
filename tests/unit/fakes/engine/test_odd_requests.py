"""Odd settings of containers, builds and archives, answered as real engines answer them.

What is expected was seen on engines 20.10, 26.1 and 28.5.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.contracts.engine.context import pack

VERSIONS = ("20.10", "26.1", "28.5")
_BELOW = 'invalid mount config for type "volume": '
_NO_RETRIES = "maximum retry count can only be used with 'on-failure'"
_OLD_MAC = "The container-wide MacAddress field is now deprecated. It should be specified in "
_NO_SET = "Invalid value 9999 for cpuset cpus: value of out range, maximum is 8192"
_CAPABILITY = "SCHILY.xattr.security.capability"


@pytest.fixture(scope="module")
def clients() -> Iterator[dict[str, FakeDockerClient]]:
    """A client of an engine of each version, with an image `base`."""
    made = {}
    for version in VERSIONS:
        engine = FakeDockerEngine(version=version)
        engine.seed_image("base")
        made[version] = FakeDockerClient(engine)
    yield made
    for client in made.values():
        client.close()


def _host(**settings: Any) -> dict[str, Any]:
    return {"HostConfig": settings}


def _mounted(kind: str, **more: Any) -> dict[str, Any]:
    return _host(Mounts=[{"Type": kind, "Target": "/x", "Source": "base", **more}])


def _below(path: str, **more: Any) -> dict[str, Any]:
    return _mounted("volume", VolumeOptions={"Subpath": path}, **more)


def _in_bridge(settings: Any) -> dict[str, Any]:
    return {"NetworkingConfig": {"EndpointsConfig": {"bridge": settings}}}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (_host(CpusetCpus="9999"), [_NO_SET] * 3),
        (_host(CpusetCpus="8192"), ["Requested CPUs are not available - requested 8192"] * 3),
        (_host(SecurityOpt=["writable-cgroups=1"]), [*['2: "writable-cgroups=1"'] * 2, ""]),
        (_host(SecurityOpt=["writable-cgroups=x"]), ['2: "writable-cgroups=x"'] * 3),
        (_host(IpcMode="container:"), [""] * 3),
        (_host(PidMode="container:"), ["", *["invalid PID mode: container:"] * 2]),
        ({"StopSignal": "99"}, [""] * 3),
        ({"StopSignal": "-1"}, [""] * 3),
        ({"StopSignal": "0"}, ["Invalid signal: 0", *["invalid signal: 0"] * 2]),
        ({"StopSignal": "FOO"}, ["Invalid signal: FOO", *["invalid signal: FOO"] * 2]),
        (_host(RestartPolicy={"MaximumRetryCount": 3}), ["", _NO_RETRIES, _NO_RETRIES]),
        (
            _host(KernelMemory=64 << 20),
            ["Specifying a kernel memory limit is deprecated and will be removed in a", "", ""],
        ),
        (
            _mounted("image"),
            [*["mount type unknown"] * 2, "Image mount is an experimental feature"],
        ),
        (_mounted("volume"), [""] * 3),
        (_below("a/b"), [""] * 3),
        (_below("../a"), ["", *[f"{_BELOW}subpath must be a relative path within the"] * 2]),
        (_below("a", Source=""), ["", *[f"{_BELOW}must not set Subpath when using anonym"] * 2]),
        (
            _in_bridge(None),
            [
                "no EndpointSettings for bridge",
                *["invalid config for network bridge: EndpointsConfig is nil"] * 2,
            ],
        ),
        (_in_bridge({}), [""] * 3),
        ({"MacAddress": "92:d0:c6:0a:29:33"}, ["", _OLD_MAC, _OLD_MAC]),
        ({"MacAddress": "x", **_host(NetworkMode="none")}, ["", _OLD_MAC, _OLD_MAC]),
        ({"MacAddress": "x"}, ["", *["network bridge: invalid MAC address x"] * 2]),
    ],
)
def test_settings_of_a_container(
    clients: dict[str, FakeDockerClient], body: dict[str, Any], said: list[str]
) -> None:
    """Each version refuses them, or takes them with its doubts, or without."""
    for version, words in zip(VERSIONS, said, strict=True):
        api = clients[version].api
        answer = api.post(f"{api.base_url}/v{api.api_version}/containers/create", json={
            "Image": "base", **body
        }).json()  # fmt: skip
        shown = answer.get("message") or "".join(answer["Warnings"])
        assert (words in shown) if words else not shown, version


@pytest.mark.parametrize(
    ("name", "value", "refusals"),
    [
        ("shmsize", "x", [(500, 'strconv.ParseInt: parsing "x": invalid syntax')] * 3),
        (
            *("isolation", "foo"),
            [
                (400, 'Unsupported isolation: "foo"'),
                *[(400, 'unsupported isolation: "foo"')] * 2,
            ],
        ),
        (
            *("outputs", "x"),
            [
                (500, "invalid character 'x' looking for beginning of value"),
                *[
                    (
                        400,
                        "invalid outputs specified: "
                        "invalid character 'x' looking for beginning of value",
                    )
                ]
                * 2,
            ],
        ),
        (
            *("remote", "ftp://x"),
            [(500, "remoteURL (ftp://x) could not be recognized as URL")] * 3,
        ),
        ("shmsize", "1048576", [(200, "")] * 3),
        ("shmsize", "-1", [(200, "")] * 3),
        ("isolation", "Default", [(200, "")] * 3),
        ("outputs", '[{"Type": "local", "Attrs": {"dest": "x"}}]', [(200, "")] * 3),
    ],
)
def test_settings_of_a_build(
    clients: dict[str, FakeDockerClient], name: str, value: str, refusals: list[tuple[int, str]]
) -> None:
    """What cannot be read is refused before anything is built."""
    for version, (status, words) in zip(VERSIONS, refusals, strict=True):
        api = clients[version].api
        answer = api.post(
            f"{api.base_url}/v{api.api_version}/build",
            params={name: value},
            data=pack({"Dockerfile": "FROM scratch\nLABEL a=b\n"}),
        )
        assert answer.status_code == status, version
        assert not words or answer.json()["message"] == words, version


def _archive(*names: str, **settings: Any) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in names:
            entry = tarfile.TarInfo(name)
            for key, value in settings.items():
                setattr(entry, key, value)
            archive.addfile(entry)
    return written.getvalue()


def _built(client: FakeDockerClient, dockerfile: str, archive: bytes) -> dict[str, tarfile.TarInfo]:
    """The entries of a container's export whose image was built with an archive."""
    context = io.BytesIO(pack({"Dockerfile": dockerfile, "in.tar": archive}))
    image, _ = client.images.build(fileobj=context, custom_context=True)
    container = client.containers.create(image, ["x"])
    exported: Any = container.export()
    with tarfile.open(fileobj=io.BytesIO(b"".join(exported))) as archive_of_all:
        return {each.name: each for each in archive_of_all.getmembers()}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_file_with_the_name_of_a_whiteout(
    clients: dict[str, FakeDockerClient], version: str
) -> None:
    """An archive that brings one hides what it names: the layer cannot tell it from its own."""
    dockerfile = "FROM base\nCOPY in.tar /kept\nCOPY in.tar /gone\nADD in.tar /\n"
    seen = _built(clients[version], dockerfile, _archive(".wh.gone"))
    assert "kept" in seen
    assert not seen.keys() & {"gone", ".wh.gone"}


@pytest.mark.parametrize("version", VERSIONS)
def test_extended_attributes(clients: dict[str, FakeDockerClient], version: str) -> None:
    """Of those in an archive, only a file's capabilities reach the layer."""
    headers = {_CAPABILITY: "\x01", "SCHILY.xattr.user.a": "b"}
    archive = _archive("a", pax_headers=headers)
    seen = _built(clients[version], "FROM scratch\nCMD x\nADD in.tar /\n", archive)
    assert {key for key in seen["a"].pax_headers if "xattr" in key} == {_CAPABILITY}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_time_before_1970(clients: dict[str, FakeDockerClient], version: str) -> None:
    """A file cannot get it: it has that of the epoch."""
    seen = _built(clients[version], "FROM scratch\nADD in.tar /\n", _archive("a", mtime=-5))
    assert seen["a"].mtime == 0


@pytest.mark.parametrize(("version", "bits"), [("20.10", 0o100000), ("26.1", 0), ("28.5", 0)])
def test_modes_of_an_export(clients: dict[str, FakeDockerClient], version: str, bits: int) -> None:
    """Older engines write the kind of a file with its mode, as in layers."""
    seen = _built(clients[version], "FROM scratch\nADD in.tar /\n", _archive("a", mode=0o640))
    assert seen["a"].mode == 0o640 | bits
