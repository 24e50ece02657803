"""Odd settings of containers, builds and archives, answered as real engines answer them.

What is expected was seen on engines 20.10, 26.1 and 28.5.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from docker.errors import APIError

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


@pytest.mark.parametrize("version", VERSIONS)
def test_modes_of_what_is_copied_out(clients: dict[str, FakeDockerClient], version: str) -> None:
    """Older engines write the kind of a file with its mode here, too."""
    container = clients[version].containers.create("base", ["x"])
    container.put_archive("/", _archive("a", mode=0o640))
    chunks: Any = container.get_archive("/a")[0]
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as copied:
        (entry,) = copied.getmembers()
    assert entry.mode == 0o640 | (0o100000 if version == "20.10" else 0)


def _entry(name: str, **settings: Any) -> tuple[tarfile.TarInfo, bytes]:
    entry = tarfile.TarInfo(name)
    content = settings.pop("content", b"")
    for key, value in {"size": len(content), **settings}.items():
        setattr(entry, key, value)
    return entry, content


def _packed(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for entry, content in entries:
            archive.addfile(entry, io.BytesIO(content))
    return written.getvalue()


def _link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return _entry(name, type=tarfile.SYMTYPE, linkname=target)


_LINKS = (
    *(_entry(name, type=tarfile.DIRTYPE, mode=0o755) for name in ("d", "d/sub", "e")),
    *(_link("d/abs", "/e"), _link("d/rel", "../e"), _link("d/in", "sub")),
    *(_link("d/gone", "/no"), _link("loop", "loop"), _link("f", "d/file"), _entry("d/file")),
)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("abs", ["/e", "/e/x"], ["/d", "/d/e", "/d/e/x"]),
        ("rel", ["/e", "/e/x"], "statat rel: path escapes from parent"),
        ("in", ["/d", "/d/sub", "/d/sub/x"], ["/d", "/d/sub", "/d/sub/x"]),
        ("gone", "Could not find the file /d", ["/d", "/d/no", "/d/no/x"]),
    ],
)
def test_links_below_the_folder_that_is_copied_into(
    clients: dict[str, FakeDockerClient], name: str, old: list[str] | str, new: list[str] | str
) -> None:
    """Since 28 that folder is all that a `docker cp` into it sees; before, it is the container."""
    for version, expected in (("26.1", old), ("28.5", new)):
        container = clients[version].containers.create("base", ["x"])
        container.put_archive("/", _packed(*_LINKS))
        before = {line["Path"] for line in container.diff()}
        if isinstance(expected, str):
            with pytest.raises(APIError, match=expected):
                container.put_archive("/d", _archive(f"{name}/x"))
            expected = []
        else:
            container.put_archive("/d", _archive(f"{name}/x"))
        seen = {line["Path"] for line in container.diff()} - before
        assert seen == set(expected) - before
        container.remove()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (
            "/loop",
            ["evalSymlinksInScope: too many links in", *["EvalSymlinks: too many links"] * 2],
        ),
        ("/f/", ["not a directory", *["lstat /f/: not a directory"] * 2]),
    ],
)
def test_where_nothing_can_be_copied_to(
    clients: dict[str, FakeDockerClient], path: str, words: list[str]
) -> None:
    """A link that leads round in circles, and one to a file where a folder is meant."""
    for version, expected in zip(VERSIONS, words, strict=True):
        container = clients[version].containers.create("base", ["x"])
        container.put_archive("/", _packed(*_LINKS))
        act = container.get_archive if path.startswith("/f") else container.put_archive
        arguments = [path] if path.startswith("/f") else [path, _archive("x")]
        with pytest.raises(APIError, match=expected):
            act(*arguments)
        container.remove()


def _saved(manifest: Any = None, *, tags: Sequence[str] = ("loaded:1",), **settings: Any) -> bytes:
    layer = _archive("a")
    digest = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    document = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "history": [{}],
        "rootfs": {"type": "layers", "diff_ids": [digest]},
        **settings,
    }
    one = [{"Config": "c.json", "RepoTags": list(tags), "Layers": ["l.tar"]}]
    return _packed(
        _entry("c.json", content=json.dumps(document).encode()),
        _entry("manifest.json", content=json.dumps(one if manifest is None else manifest).encode()),
        _entry("l.tar", content=layer),
    )


_OUTSIDE = [{"Config": "../c.json", "RepoTags": [], "Layers": ["l.tar"]}]
_NO_LIST = "json: cannot unmarshal object into Go value of type []tarexport.manifestItem"
_NUMBER = "json: cannot unmarshal number into Go struct field Image.{}config of type container.Con"
_PLACE = "/var/lib/docker/tmp"


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (_saved({}), [_NO_LIST] * 3),
        (_saved(tags=["A:1"]), ["repository name", *["repository name (library/A) must be"] * 2]),
        (_saved(tags=["a"]), ['invalid tag "a"'] * 3),
        (_saved(os="windows"), ["cannot load windows image on linux"] * 3),
        (_saved(config=5), [_NUMBER.format(""), _NUMBER.format("V1Image."), _NUMBER.format("")]),
        (_saved(_OUTSIDE), [f"InScope: {_PLACE}/c.json is not in {_PLACE}/docker-import"] * 3),
    ],
    ids=["object", "capital", "no tag", "windows", "number", "outside"],
)
def test_archives_that_cannot_be_loaded(
    clients: dict[str, FakeDockerClient], archive: bytes, words: list[str]
) -> None:
    """The answer has begun by then: its last line is the error."""
    for version, expected in zip(VERSIONS, words, strict=True):
        said = _loaded(clients[version], archive)
        assert expected in said[-1]["error"], version
        assert said[-1]["errorDetail"] == {"message": said[-1]["error"]}


def _loaded(client: FakeDockerClient, archive: bytes) -> list[dict[str, Any]]:
    answer = client.api.post(f"{client.api.base_url}/images/load", data=archive)
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.text.splitlines()]


def test_what_is_told_of_images_without_a_name(clients: dict[str, FakeDockerClient]) -> None:
    """Their IDs, all at the end, and only where the last image has no name."""
    nameless = {"Config": "c.json", "RepoTags": None, "Layers": ["l.tar"]}
    named = {**nameless, "RepoTags": ["loaded:1"]}
    for client in clients.values():
        assert _loaded(client, _saved([])) == [{}]
        (line,) = _loaded(client, _saved([nameless, nameless]))
        first, second = line["stream"].splitlines()
        assert first == second
        assert first.startswith("Loaded image ID: sha256:")
        assert _loaded(client, _saved([nameless, named])) == [
            {"stream": "Loaded image: loaded:1\n"}
        ]


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        (
            "GET",
            "/images/search?term=x&limit=101",
            400,
            "imit 101 is outside the range of [1,",
        ),
        ("GET", "/images/search?term=x&limit=-1", 400, "imit -1 is outside the range of [1, 100]"),
        ("GET", "/images/search?term=x&limit=100", 200, ""),
        ("POST", "/containers/prune?filters=x", 400, "inval"),
        ("POST", "/images/create", 500, 'Get "http:": http: no Host in request URL'),
        ("POST", "/containers/none/rename", 400, "Neither old nor new names may be empty"),
        ("POST", "/containers/none/rename?name=a", 404, "o such container: none"),
    ],
)
def test_other_requests(
    clients: dict[str, FakeDockerClient], method: str, path: str, status: int, words: str
) -> None:
    """A limit too high, a source that is not given, a name that is empty."""
    for version, client in clients.items():
        answer = client.api.request(method, f"{client.api.base_url}{path}")
        assert answer.status_code == status, version
        assert words in answer.text.replace('\\"', '"'), version
