"""Code put on a large base without a daemon, beside buildx and `crane append`, on one registry.

Needs a Docker daemon for the test bed, as the integration tests do. Whole processes are compared:
`python -m imagebuilders build --builder daemonless --push`, `docker buildx build --push` with an
engine that has the base already, and Debian's `crane append` with the `tar` that it needs. All take
turns; each first push goes to a repository that is new, and each changed file has new content.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.buildx import buildx_version, docker_config, docker_program
from benchmarks.measuring import machine, peak_memory, save, scratch

if TYPE_CHECKING:
    from testbed.engine import Engine

OURS, PLAIN, BUILDX, CRANE = "imagebuilders", "imagebuilders, plain COPY", "buildx", "crane append"
ROUNDS = 5
FIRST, UNCHANGED, CHANGED = "first push", "nothing changed", "one file changed"
_LAYERS = 10
_LAYER_BYTES = 200_000_000
_FILES = 2_000
_FILE_BYTES = 10_000


@dataclass(frozen=True)
class Measured:
    """One side's median, in seconds, and how many times as long as ours it took."""

    what: str
    side: str
    seconds: float
    to_ours: float


@dataclass(frozen=True)
class Place:
    """Where everything is.

    Attributes:
        docker_host: the engine that buildx builds with.
        registry: the registry's address.
        docker, crane: the programs.
        linked, plain: the same code, with `COPY --link` and with `COPY`.
    """

    docker_host: str
    registry: str
    docker: str
    crane: str
    linked: Path
    plain: Path

    @property
    def base(self) -> str:
        """The base's name."""
        return f"{self.registry}/bench/base:1"


Side = Callable[[Place, str, Path], None]
"""Pushes the code under a name; the folder is its cache."""


def main() -> None:
    """Measure, print and save."""
    with _place() as (place, engine):
        print(f"Docker {engine.version}, buildx {buildx_version(place.docker)}, {machine()}")
        _push_base(place)
        engine.client.images.pull(place.base)
        sides = {OURS: _ours, PLAIN: _plain, BUILDX: _buildx, CRANE: _crane}
        table = _three_pushes(place, sides)
        save(
            "daemonless",
            [],
            engine=engine.version,
            buildx=buildx_version(place.docker),
            medians=[asdict(row) for row in table],
            memory=_memory(place.registry),
        )


@contextmanager
def _place() -> Iterator[tuple[Place, Engine]]:
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
    from testbed.bed import Testbed
    from testbed.daemon import host_engine
    from testbed.images import ENGINE_VERSIONS
    from testbed.programs import read_programs
    from testbed.settings import TestbedSettings

    settings = TestbedSettings()
    with host_engine(settings) as host:
        testbed = Testbed(host, settings)
        try:
            docker = docker_program(testbed.toolbox)
            crane = scratch() / "crane"
            crane.write_bytes(read_programs(testbed.toolbox, "/usr/bin/crane")["/usr/bin/crane"])
            crane.chmod(0o755)
            with testbed.disposable_engine(ENGINE_VERSIONS[-1]) as engine:
                address = engine.registry.address
                linked = _code("linked", address, "COPY --link . /app/")
                plain = _code("plain", address, "COPY . /app/")
                host_of = engine.docker_host
                yield Place(host_of, address, docker, str(crane), linked, plain), engine
        finally:
            testbed.close()


# --- the sides ---------------------------------------------------------------


def _ours(place: Place, name: str, cache: Path) -> None:
    _build(place, name, cache, place.linked)


def _plain(place: Place, name: str, cache: Path) -> None:
    _build(place, name, cache, place.plain)


def _build(place: Place, name: str, cache: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "imagebuilders", "build", "--builder", "daemonless", "--push"]
    _run([*command, "-t", name, str(folder)], place, IMAGEBUILDERS_CACHE_DIR=str(cache))


def _buildx(place: Place, name: str, cache: Path) -> None:
    del cache
    # Ours makes no attestations unless it is asked to.
    command = [place.docker, "buildx", "build", "--provenance=false", "--push"]
    _run([*command, "-t", name, str(place.linked)], place)


def _crane(place: Place, name: str, cache: Path) -> None:
    archive = cache / "layer.tar"
    folder = place.linked
    pack = f"tar -C {folder} --transform 's,^\\.,app,' -cf {archive} ."
    append = f"{place.crane} append -b {place.base} -f {archive} -t {name}"
    _run(["sh", "-c", f"{pack} && {append}"], place)


def _run(command: list[str], place: Place, **more: str) -> None:
    environment = {
        **os.environ,
        "DOCKER_HOST": place.docker_host,
        "DOCKER_CONFIG": str(docker_config()),
        **more,
    }
    # As a user has it: modules that were imported once are compiled from then on.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)}:\n{done.stderr}")


# --- what is measured --------------------------------------------------------


def _three_pushes(place: Place, sides: Mapping[str, Side]) -> list[Measured]:
    taken: dict[tuple[str, str], list[float]] = {}
    for number in range(ROUNDS):
        for position, (side, push) in enumerate(sides.items()):
            with tempfile.TemporaryDirectory() as cache:
                name = f"{place.registry}/bench/app{position}-{number}:1"
                _change(place)
                for step in (FIRST, UNCHANGED, CHANGED):
                    if step == CHANGED:
                        _change(place)
                    began = time.perf_counter()
                    push(place, name, Path(cache))
                    taken.setdefault((step, side), []).append(time.perf_counter() - began)
    return [
        row
        for step in (FIRST, UNCHANGED, CHANGED)
        for row in _compare(step, {side: taken[step, side] for side in sides})
    ]


def _compare(step: str, taken: Mapping[str, list[float]]) -> list[Measured]:
    what = "20 MB in 2,000 files on a base of 2 GB: " + step
    medians = {side: statistics.median(seconds) for side, seconds in taken.items()}
    table = [Measured(what, side, mid, mid / medians[OURS]) for side, mid in medians.items()]
    for row in table:
        print(f"{what}: {row.side}: {row.seconds:.3f} s, {row.to_ours:.2f} times ours", flush=True)
    return table


_MEMORY_PROGRAM = """
import json, sys
from imagebuilders import BuildContext, DaemonlessImageBuilder
folder, name, options = sys.argv[1:]
DaemonlessImageBuilder().build(name, BuildContext(root=folder), json.loads(options))
"""


def _memory(registry: str) -> dict[str, float]:
    """Measure the peak memory of a process with a layer of 1 MB and with one of 2 GB.

    Once the image is written to a folder, once it is pushed.
    """
    peaks = {}
    for what, size in (("a layer of 1 MB", 1_000_000), ("a layer of 2 GB", 2_000_000_000)):
        folder = _large(size)
        with tempfile.TemporaryDirectory() as out:
            options = {"outputs": f"type=oci,tar=false,dest={out}"}
            peaks[what] = _peak(folder, "memory:1", options)
        name = f"{registry}/bench/memory-{size}:{os.urandom(4).hex()}"
        peaks[f"{what}, pushed"] = _peak(folder, name, {"push": True})
    print(", ".join(f"{what}: {peak:.0f} MiB at most" for what, peak in peaks.items()), flush=True)
    return peaks


def _peak(folder: Path, name: str, options: Mapping[str, object]) -> float:
    """Return the most memory that a build takes, in MiB."""
    peak, _ = peak_memory(_MEMORY_PROGRAM, str(folder), name, json.dumps(options))
    return peak


def _large(size: int) -> Path:
    """Make a folder with a file of so many random bytes, and a Dockerfile that copies it."""
    folder = scratch() / f"daemonless-{size}"
    if not folder.exists():
        folder.mkdir()
        with (folder / "large.bin").open("wb") as output:
            for _ in range(size // 1_000_000):
                output.write(os.urandom(1_000_000))
        (folder / "Dockerfile").write_text("FROM scratch\nCOPY large.bin /\n")
    return folder


# --- what is pushed ------------------------------------------------------------


def _code(name: str, registry: str, step: str) -> Path:
    """Make the folder of the code, anew: the registry's address stands in its Dockerfile."""
    folder = scratch() / f"daemonless-{name}"
    if not folder.exists():
        chance = random.Random(_FILES)
        for number in range(_FILES):
            path = folder / f"part{number // 100:02}" / f"file{number:04}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            # Text, as code is: about a third of it stays after compression.
            words = (f"name_{chance.randrange(5000)} = {chance.random()}\n" for _ in range(400))
            path.write_text("".join(words)[:_FILE_BYTES])
    (folder / "Dockerfile").write_text(f"FROM {registry}/bench/base:1\n{step}\nCMD app\n")
    (folder / ".dockerignore").write_text("Dockerfile\n.dockerignore\n")
    return folder


def _change(place: Place) -> None:
    """Give one file new content of the same size, for all sides."""
    content = os.urandom(_FILE_BYTES // 2).hex()
    for folder in (place.linked, place.plain):
        sorted(folder.glob("part*/*"))[-7].write_text(content)


def _push_base(place: Place) -> None:
    """Push a base of ten layers, each with a thousand files of random bytes."""
    from imagebuilders.distribution import RegistryClient
    from imagebuilders.oci.digest import Digest
    from imagebuilders.oci.image_config import HistoryEntry, ImageConfig
    from imagebuilders.oci.manifest import Manifest
    from imagebuilders.oci.media_types import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST
    from imagebuilders.oci.platform import Platform

    chance = random.Random(_LAYERS)
    layers, diff_ids = [], []
    with RegistryClient(place.registry) as client:
        repository = client.repository("bench/base")
        for number in range(_LAYERS):
            archive = _layer(number, chance)
            stored = repository.upload_blob(archive)
            layers.append(replace(stored, media_type=OCI_LAYER))
            diff_ids.append(Digest.of(archive))
        config = ImageConfig(
            Platform("linux", "amd64"),
            tuple(diff_ids),
            history=(HistoryEntry(created_by="base"),) * _LAYERS,
        ).to_bytes()
        stored = replace(repository.upload_blob(config), media_type=OCI_CONFIG)
        manifest = Manifest(stored, tuple(layers)).to_bytes()
        repository.write_manifest(manifest, OCI_MANIFEST, "1")


def _layer(number: int, chance: random.Random) -> bytes:
    from imagebuilders.oci.file_tree import File
    from imagebuilders.oci.layer_writer import write_layer
    from imagebuilders.oci.members import Member

    size = _LAYER_BYTES // 1_000
    files = (
        Member(f"opt/layer{number}/module{file:04}.so", File("file", data=chance.randbytes(size)))
        for file in range(1_000)
    )
    return b"".join(write_layer(files))


if __name__ == "__main__":
    main()
