"""The files that reach a build: ours through the API, and those of the `docker` command."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from comparison_size import WHOLE
from testbed.engine import Engine
from testbed.tools import ClientTool

from imagebuilders import ArchiveType, BuildContext

DATA = Path(__file__).parents[1] / "data"
DOCKERFILE = "FROM scratch\nCOPY . /context/\n"
OWN = "read-by-the-engine.Dockerfile"

Files = dict[str, tuple[bytes, int, str]]


def sample_of_cases() -> list[dict[str, Any]]:
    """Give cases of every sort: with folders, links, re-inclusions, odd patterns."""
    with gzip.open(DATA / "dockerignore.json.gz") as file:
        cases: list[dict[str, Any]] = json.load(file)
    return [
        case
        for case in cases
        if "context" in case
        and not case.get("empty_in_buildkit")
        and len(case["context"]) > 3
        and "!" in case["dockerignore"]
    ][:: 1 if WHOLE else 60]


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Write the trees of the sample, each with its rules."""
    roots = []
    for number, case in enumerate(sample_of_cases()):
        root = tmp_path_factory.mktemp("trees") / str(number)
        root.mkdir()
        for node in case["tree"]:
            place = root / node["path"]
            if node["type"] == "dir":
                place.mkdir()
            elif node["type"] == "symlink":
                os.symlink(node["target"], place)
            else:
                place.write_text(f"content of {node['path']}\n")
                place.chmod(0o755 if len(node["path"]) % 2 else 0o644)
        (root / ".dockerignore").write_bytes(case["dockerignore"].encode())
        (root / "long").mkdir()
        (root / "long" / ("n" * 120)).write_text("long")
        (root / "random").write_bytes(os.urandom(3 * 1024 * 1024))
        roots.append(root)
    return roots


def listed(tar_bytes: bytes, below: str = "") -> Files:
    """Give type, executable bit and content (or target) of each path in a tar."""
    files: Files = {}
    with tarfile.open(fileobj=io.BytesIO(tar_bytes)) as tar:
        for member in tar:
            path = member.name[len(below) :].strip("/")
            if not path:
                continue
            reader = tar.extractfile(member) if member.isreg() else None
            content = hashlib.sha256(reader.read()).hexdigest() if reader is not None else ""
            mode = 0 if member.issym() else member.mode & 0o100
            files[path] = (member.type, mode, content or member.linkname)
    return files


def in_image(engine: Engine, image: str) -> Files:
    """Give what an image has in `/context`."""
    container = engine.client.containers.create(image, command="none")
    try:
        chunks, _ = container.get_archive("/context")
        return listed(b"".join(chunks), "context")
    finally:
        container.remove()


@pytest.fixture
def image(every_engine: Engine) -> Iterator[str]:
    """Give a name, and remove the image of that name afterwards."""
    name = f"context-{uuid4().hex}:latest"
    yield name
    every_engine.client.images.remove(name, force=True)


@pytest.mark.parametrize("archive_type", [ArchiveType.TAR, ArchiveType.TAR_GZ])
def test_engines_read_our_archive(
    every_engine: Engine, image: str, trees: list[Path], archive_type: ArchiveType
) -> None:
    """What a step of a build sees is what our archive holds, and the ignore file drops nothing."""
    for root in trees:
        context = BuildContext(str(root))
        context.add_file(DOCKERFILE, OWN)
        context.add_file("generated", "generated/added.txt")
        archive = b"".join(context.iter_archive(archive_type))
        list(
            every_engine.client.api.build(
                fileobj=io.BytesIO(archive),
                custom_context=True,
                encoding="gzip" if archive_type is ArchiveType.TAR_GZ else None,
                dockerfile=OWN,
                tag=image,
                rm=True,
                decode=True,
            )
        )
        expected = listed(b"".join(context.iter_archive()))
        assert {OWN, "generated/added.txt"} < set(expected)
        assert in_image(every_engine, image) == expected


@pytest.mark.parametrize("buildkit", ["0", "1"])
def test_same_files_as_the_command(
    engine_28_5: Engine, client_tool: Any, trees: list[Path], buildkit: str
) -> None:
    """`docker build` on the folder, with and without BuildKit, takes the files that we take."""
    docker: ClientTool = client_tool("docker")
    place = f"/trees-{uuid4().hex}"
    docker.put_text(DOCKERFILE, f"{place}/own/{OWN}")
    for number, root in enumerate(trees):
        name = f"context-{uuid4().hex}:latest"
        docker.put(root, f"{place}/{number}")
        docker.run(
            "build", "-q", "-t", name, "-f", f"{place}/own/{OWN}", f"{place}/{number}",
            environment={"DOCKER_HOST": engine_28_5.docker_host, "DOCKER_BUILDKIT": buildkit},
        )  # fmt: skip
        try:
            ours = listed(b"".join(BuildContext(str(root)).iter_archive()))
            theirs = in_image(engine_28_5, name)
            if buildkit == "0":  # then the command writes into it that its Dockerfile is to go
                assert theirs.pop(".dockerignore", None) is not None or ".dockerignore" not in ours
                ours.pop(".dockerignore", None)
            assert theirs == ours, root / ".dockerignore"
        finally:
            engine_28_5.client.images.remove(name, force=True)
