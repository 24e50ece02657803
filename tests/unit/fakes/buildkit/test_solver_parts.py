"""What the solver reads of requests, and what it makes of a client's folder."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fakes.buildkit.file_transfer import SyncedFile
from fakes.buildkit.solver.bases import Base
from fakes.buildkit.solver.client_folders import ClientFolders, folder_tree
from fakes.buildkit.solver.request import FrontendRequest
from fakes.images.config import ImageDocument
from fakes.images.image import Image
from imagebuilders.evaluation.frontend import NEWEST
from imagebuilders.exceptions import EvaluationError
from imagebuilders.oci.platform import Platform

S = 10**9
DIRECTORY, SYMLINK = 1 << 31, 1 << 27


def _entry(path: str, mode: int = 0o644, link: str = "", content: bytes | None = b"") -> SyncedFile:
    return SyncedFile(path, mode, len(content or b""), 5 * S, link, content)


# Go's bits: https://pkg.go.dev/io/fs#FileMode
@pytest.mark.parametrize(
    ("mode", "kind", "permissions"),
    [
        (0o640, "file", 0o640),
        (0o755 | 1 << 23, "file", 0o4755),
        (0o755 | 1 << 22, "file", 0o2755),
        (0o755 | 1 << 20, "file", 0o1755),
        (0o644 | 1 << 25, "fifo", 0o644),
        (0o644 | 1 << 26 | 1 << 21, "char", 0o644),
        (0o644 | 1 << 26, "block", 0o644),
        (0o777 | DIRECTORY | 1 << 20, "dir", 0o1777),
        (0o777 | SYMLINK, "symlink", 0o777),
    ],
)
def test_entries_of_each_kind(mode: int, kind: str, permissions: int) -> None:
    """Kinds and special bits are told by bits of Go's own."""
    tree = folder_tree({"x": _entry("x", mode, "to" if mode & SYMLINK else "")}, lambda: 7 * S)
    found: Any = tree.names["x"]
    file = getattr(found, "file", found)
    assert (file.kind, file.mode, file.mtime) == (kind, permissions, 5)
    assert (tree.file.kind, tree.file.mode, tree.file.mtime) == ("dir", 0o755, 7)


def test_folders_links_and_contents() -> None:
    """Hard links are one file; a folder holds what is below it."""
    files = {
        "d": _entry("d", 0o755 | DIRECTORY),
        "d/a": _entry("d/a", content=b"abc"),
        "d/b": _entry("d/b", link="d/a", content=None),
        "l": _entry("l", 0o777 | SYMLINK, "d/a"),
        "z": _entry("z", content=b"z"),
    }
    tree = folder_tree(files, lambda: 0)
    folder: Any = tree.names["d"]
    first, second = folder.names["a"], folder.names["b"]
    assert (first.data, second.data) == (b"abc", b"abc")
    assert first.inode == second.inode != 0
    names: Any = tree.names
    assert (names["l"].link, names["z"].inode) == ("d/a", 0)


class _Client:
    """A client that is asked for a folder, and notes what of it was wanted."""

    shared_key, id = "", "session"

    def __init__(self, files: list[SyncedFile]) -> None:
        self.files = files
        self.wanted: list[str] = []

    def copy(self, name: str, *, wanted: object, **_: object) -> dict[str, SyncedFile]:
        assert name == "context"
        assert callable(wanted)
        told = [replace(file, content=None) for file in self.files]
        self.wanted = [file.path for file in told if wanted(file)]
        return {
            own.path: own if own.path in self.wanted else unsent
            for own, unsent in zip(self.files, told, strict=True)
        }


def test_files_that_look_as_before_are_not_asked_for() -> None:
    """By size, time and mode; in another session, or for another end, all are."""
    folders = ClientFolders()
    client: Any = _Client([_entry("a", content=b""), _entry("b", content=b"")])
    first = folders.copy(client, "context")
    assert client.wanted == ["a", "b"]
    again = folders.copy(client, "context")
    assert again.files == first.files
    assert client.wanted == []
    client.files = [_entry("a", content=b""), _entry("b", 0o600, content=b"")]
    assert folders.copy(client, "context").files["b"].mode == 0o600
    assert client.wanted == ["b"]
    folders.copy(client, "context", hint="other")
    assert client.wanted == ["a", "b"]
    client.id = "another"
    folders.copy(client, "context")
    assert client.wanted == ["a", "b"]
    keys = [("session", "context", ""), ("session", "context", "other"), ("another", "context", "")]
    assert [*folders.kept()] == keys
    folders.remove(keys[0])
    folders.remove(keys[0])
    assert [*folders.kept()] == keys[1:]
    client.id, client.shared_key = "third", "another"
    folders.copy(client, "context")
    assert client.wanted == []


def test_what_is_told_as_sent_is_what_was_sent() -> None:
    """What the client need not send again does not count, but for its name."""
    folders = ClientFolders()
    client: Any = _Client([_entry("a", content=b"x" * 1000)])
    first, second = (folders.copy(client, "context").sent for _ in range(2))
    assert first == second + 1000


def test_a_request_that_says_nothing() -> None:
    """It gets the names that clients use, and what the Dockerfile says."""
    asked = FrontendRequest.parse({}, NEWEST)
    assert (asked.filename, asked.dockerfile_folder, asked.context_folder) == (
        "Dockerfile",
        "dockerfile",
        "context",
    )
    assert (asked.context, asked.subrequest, asked.resolve_mode) == ("", "", "")
    assert (asked.platforms, asked.no_cache, asked.is_built_anew("x")) == ((), frozenset(), False)
    assert (asked.options.network, asked.options.target) == ("default", "")
    assert asked.dockerfile_paths == ["Dockerfile", "Dockerfile.dockerignore", "dockerfile"]


def test_a_request_that_says_everything() -> None:
    """Each attribute has its place, and those with a prefix go by what is behind it."""
    sent = {
        "filename": "sub/Dockerfile",
        "dockerfilekey": "d",
        "contextkey": "c",
        "context": "https://x.example/a.tar",
        "target": "last",
        "build-arg:A": "1",
        "label:l": "2",
        "context:base": "docker-image://x",
        "hostname": "h",
        "force-network-mode": "none",
        "platform": "linux/arm64,linux/amd64",
        "no-cache": "One,two",
        "image-resolve-mode": "pull",
        "requestid": "frontend.outline",
    }
    asked = FrontendRequest.parse(sent, NEWEST)
    assert (asked.filename, asked.dockerfile_folder, asked.context_folder, asked.context) == (
        *("sub/Dockerfile", "d", "c"),
        "https://x.example/a.tar",
    )
    options = asked.options
    assert (options.target, options.hostname, options.network) == ("last", "h", "none")
    assert (options.build_args, options.labels) == ({"A": "1"}, {"l": "2"})
    assert options.named_contexts == {"base": "docker-image://x"}
    assert asked.platforms == (Platform("linux", "arm64"), Platform("linux", "amd64"))
    assert (asked.resolve_mode, asked.subrequest) == ("pull", "frontend.outline")
    assert asked.attributes == sent
    assert asked.dockerfile_paths[-1] == "sub/dockerfile"
    assert [asked.is_built_anew(name) for name in ("one", "two", "three", "")] == [
        *(True, True, False, False)
    ]
    other = FrontendRequest.parse({"filename": "x.Dockerfile", "no-cache": ""}, NEWEST)
    assert other.dockerfile_paths == ["x.Dockerfile", "x.Dockerfile.dockerignore"]
    assert other.is_built_anew("any")
    assert other.is_built_anew("")


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"force-network-mode": "bridge"}, 'invalid network mode "bridge"'),
        ({"platform": "linux/amd64,"}, 'target platform : "" is an invalid OS component'),
    ],
)
def test_a_request_that_cannot_be(attributes: dict[str, str], words: str) -> None:
    """In BuildKit's words."""
    with pytest.raises(EvaluationError) as caught:
        FrontendRequest.parse(attributes, NEWEST)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "digest", "title"),
    [
        ("docker.io/library/a:1", "", "docker.io/library/a:1"),
        ("docker.io/library/a:1", "sha256:0", "docker.io/library/a:1@sha256:0"),
        ("docker.io/library/a@sha256:0", "sha256:0", "docker.io/library/a@sha256:0"),
    ],
)
def test_what_the_progress_calls_a_base(reference: str, digest: str, title: str) -> None:
    """Its digest is told once, where there is one."""
    assert Base(reference, Image(ImageDocument().to_bytes()), digest).title == title
