"""Many builds and uploads, some of them with a fault, and a look at what they left behind.

Everything runs in this process: engines, a registry and stores are doubles, S3 is moto's server
behind a network that can be spoiled. What is under test is the production code alone.
"""

from __future__ import annotations

import gc
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any, TypeAlias

import boto3  # type: ignore[import-untyped]
from fault_proxy import FaultProxy
from moto.server import ThreadedMotoServer

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry, InMemoryArtifactStore
from imagebuilders import BuildContext, LocalArtifactStore, LocalImageBuilder, upload_build_context
from imagebuilders.artifact_stores import BaseArtifactStore, RetryPolicy, S3ArtifactStore
from imagebuilders.artifact_stores.archive_trailer import ArchiveTrailer, read_trailer
from imagebuilders.artifact_stores.s3 import S3ArtifactStoreConfig
from imagebuilders.container_registries import DefaultContainerRegistry
from imagebuilders.events import Event, listen
from imagebuilders.exceptions import ImageBuilderError

MIB = 1024 * 1024
_AWS = {"region_name": "us-east-1", "aws_access_key_id": "k", "aws_secret_access_key": "s"}
_BUCKET = "soak"

Fault: TypeAlias = "type[BaseException] | Callable[[], object]"
"""What a listener raises, or what spoils something; perhaps for as long as a block lasts."""


class QuickS3ArtifactStore(S3ArtifactStore):
    """The production store; it only pauses less."""

    @property
    def retry_policy(self) -> RetryPolicy:
        """The attempts of the settings, without pauses."""
        return RetryPolicy(attempts=self.config.attempts, first_delay=0.0)


class ListenerError(Exception):
    """What a caller's own listener may raise in the middle of everything."""


@dataclass(frozen=True)
class Leftovers:
    """What a process holds that it would have to give back."""

    threads: frozenset[str]
    descriptors: int
    temporary: frozenset[str]

    @classmethod
    def seen(cls, temporary: Path) -> Leftovers:
        """Look at this process, and at its folder for temporary files."""
        gc.collect()
        names = frozenset(str(path.relative_to(temporary)) for path in temporary.rglob("*"))
        threads = frozenset(f"{each.name} ({each.ident})" for each in threading.enumerate())
        return cls(threads, len(os.listdir("/proc/self/fd")), names)

    def grew(self, temporary: Path, *, within: float = 10.0) -> dict[str, object]:
        """Tell what there is more by now; threads that are about to end may take a moment."""
        deadline = time.monotonic() + within
        while True:
            now = Leftovers.seen(temporary)
            more: dict[str, object] = {
                "threads": sorted(now.threads - self.threads),
                "descriptors": max(0, now.descriptors - self.descriptors),
                "temporary files": sorted(now.temporary - self.temporary),
            }
            if not any(more.values()) or time.monotonic() > deadline:
                return {name: value for name, value in more.items() if value}
            threading.Event().wait(0.02)


@dataclass
class Soak:
    """The services, and what came of the rounds."""

    folder: Path
    engine: FakeDockerEngine
    docker_host: str
    registry: FakeRegistry
    memory: InMemoryArtifactStore
    network: FaultProxy
    s3_store: S3ArtifactStore
    s3: Any
    random: random.Random
    outcomes: Counter[str] = field(default_factory=Counter)
    half_made: list[str] = field(default_factory=list)
    number: int = 0

    def run(self, rounds: int) -> None:
        """Build and upload; every third time something goes wrong."""
        ways = [
            (self._build_in_memory, self._each_in_turn(self._build_faults())),
            (self._build_by_socket, self._each_in_turn(self._build_faults())),
            (self._build_and_push, self._each_in_turn(self._push_faults())),
            (self._upload_to_memory, self._each_in_turn(self._memory_faults())),
            (self._upload_to_folder, self._each_in_turn([])),
            (self._upload_small_to_s3, self._each_in_turn(self._small_s3_faults())),
            (self._upload_large_to_s3, self._each_in_turn(self._large_s3_faults())),
        ]
        for _ in range(rounds):
            self.number += 1
            act, faults = ways[self.number % len(ways)]
            if self.number % 3:
                act()
                self.outcomes["done"] += 1
            else:
                self._go_wrong(act, next(faults))
            if self.number % 50 == 0 or self.number == rounds:
                self.half_made += self._look()
                self.remove_objects()

    def _each_in_turn(self, faults: list[Callable[[], object]]) -> Iterator[Fault]:
        """Go round and round through the faults of a way, and those that any may have."""
        anywhere: list[Fault] = [ListenerError, KeyboardInterrupt, self._vanishing_file]
        mixed = [*anywhere, *faults]
        self.random.shuffle(mixed)
        return cycle(mixed)

    def _go_wrong(self, act: Callable[[], None], fault: Fault) -> None:
        try:
            if isinstance(fault, type):
                with listen(_raise(fault, after=self.random.randrange(4))):
                    act()
            else:
                with ExitStack() as lasting:
                    begun = fault()
                    if isinstance(begun, AbstractContextManager):
                        lasting.enter_context(begun)
                    act()
            self.outcomes["survived"] += 1
        except (ImageBuilderError, ListenerError, KeyboardInterrupt) as error:
            self.outcomes[type(error).__name__] += 1
        self.engine.faults.clear()
        self.engine.on_run("make", output="made")
        self.registry.faults.clear()
        self.memory.clear_faults()
        self.network.clear()

    # --- what is done ---------------------------------------------------------------

    def _context(self, size: int = 2000) -> BuildContext:
        root = self.folder / "context"
        root.mkdir(exist_ok=True)
        (root / "Dockerfile").write_text("FROM base:1\nCOPY . /app\nRUN make\n")
        content = b"%d" % self.number + self.random.randbytes(size)
        (root / "data").write_bytes(content)
        return BuildContext(str(root))

    @contextmanager
    def _vanishing_file(self) -> Iterator[None]:
        """Let a file of the context be gone when it is to be read."""

        def vanish(_: Event) -> None:
            (self.folder / "context" / "data").unlink(missing_ok=True)

        with listen(vanish):
            yield

    def _build_in_memory(self) -> None:
        client = FakeDockerClient(self.engine)
        try:
            LocalImageBuilder(docker_client=client).build(
                f"app:{self.number % 5}", self._context(), {"timeout": 0.2}
            )
        finally:
            client.close()

    def _build_by_socket(self) -> None:
        LocalImageBuilder().build(f"app:{self.number % 5}", self._context(), {"timeout": 0.2})

    def _build_and_push(self) -> None:
        name = f"{self.registry.address}/team/app:{self.number % 5}"
        with closing(DefaultContainerRegistry(uri=self.registry.address)) as registry:
            LocalImageBuilder().build(name, self._context(), container_registry=registry)

    def _upload_to_memory(self) -> None:
        upload_build_context(self._context(), self.memory, "contexts")

    def _upload_to_folder(self) -> None:
        upload_build_context(self._context(), self.local, "contexts")

    def _upload_small_to_s3(self) -> None:
        upload_build_context(self._context(), self.s3_store, "contexts")

    def _upload_large_to_s3(self) -> None:
        upload_build_context(self._context(6 * MIB), self.s3_store, "contexts")

    @property
    def local(self) -> BaseArtifactStore:
        """A store in a folder."""
        return LocalArtifactStore(path=str(self.folder / "store"))

    # --- what goes wrong --------------------------------------------------------------

    def _build_faults(self) -> list[Callable[[], object]]:
        faults, build = self.engine.faults, "POST /build"
        said: list[bytes | dict[str, object]] = [{"stream": "Step 1/3 : FROM base:1\n"}]
        return [
            lambda: faults.fail(build, 500, "words"),
            lambda: faults.fail("GET /version", 503, "words"),
            lambda: faults.drop(build),
            lambda: faults.cut(build, after_bytes=40),
            lambda: faults.die_at_step("copy"),
            lambda: faults.no_space_at_step("copy"),
            faults.no_space_for_context,
            lambda: faults.answer(build, said, then="break"),
            lambda: faults.answer(build, said, then="hang"),
            lambda: faults.answer(build, b"<html>not JSON</html>"),
            lambda: self.engine.on_run("make", exit_code=2, error_output="no rule"),
        ]

    def _push_faults(self) -> list[Callable[[], object]]:
        engine, registry = self.engine.faults, self.registry.faults
        return [
            engine.deny_push,
            lambda: engine.cut("POST /images/*/push", after_bytes=10),
            lambda: engine.drop("POST /images/*/push"),
            lambda: registry.status(500, method="PATCH", times=None),
            lambda: registry.status(403, method="PUT", times=None),
            lambda: registry.cut(after=100, method="PATCH"),
            lambda: registry.too_many_requests(),
        ]

    def _memory_faults(self) -> list[Callable[[], object]]:
        memory = self.memory
        return [
            lambda: memory.fail("publish", times=2),
            lambda: memory.fail("publish", times=None),
            lambda: memory.fail("read_tail", lambda: PermissionError(13, "no")),
            lambda: memory.cut_write(1000),
            lambda: memory.cut_write(1000, memory.full),
            lambda: memory.cut_write(1000, times=None),
        ]

    def _small_s3_faults(self) -> list[Callable[[], object]]:
        network = self.network
        return [
            lambda: network.answer(503, "SlowDown", method="PUT"),
            lambda: network.answer(503, "SlowDown", method="PUT", times=99),
            lambda: network.answer(403, "AccessDenied", method="GET"),
            lambda: network.answer(403, "AccessDenied", method="PUT"),
            lambda: network.answer(501, "NotImplemented", method="PUT"),
            lambda: network.answer(409, "ConditionalRequestConflict", method="PUT"),
            lambda: network.cut(100, method="PUT"),
            lambda: network.cut(0, method="GET", times=99),
            lambda: network.lose_answer(method="PUT"),
            lambda: network.lose_answer(method="HEAD"),
        ]

    def _large_s3_faults(self) -> list[Callable[[], object]]:
        network = self.network
        return [
            lambda: network.answer(503, "SlowDown", method="POST", target="uploads"),
            lambda: network.answer(403, "AccessDenied", method="POST", target="uploads"),
            lambda: network.answer(500, "InternalError", method="PUT", target="partNumber=2"),
            lambda: network.answer(403, "AccessDenied", method="PUT", target="partNumber=1"),
            lambda: network.cut(MIB, method="PUT", target="partNumber=1"),
            lambda: network.cut(MIB, method="PUT", target="partNumber=2", times=99),
            lambda: network.answer(403, "AccessDenied", method="POST", target="uploadId"),
            lambda: network.answer(501, "NotImplemented", method="POST", target="uploadId"),
            lambda: network.lose_answer(method="POST", target="uploadId"),
            lambda: network.answer(503, "SlowDown", method="DELETE"),
        ]

    # --- what stands in the stores ----------------------------------------------------

    def _look(self) -> list[str]:
        """Return what is in the stores and is not a whole archive of its name."""
        files = (self.folder / "store").glob("*/*")
        kept = {f"folder/{path.name}": path.read_bytes() for path in files}
        kept |= {f"memory/{path}": content for path, content in self.memory.files.items()}
        for key in self._keys():
            kept[f"s3/{key}"] = self.s3.get_object(Bucket=_BUCKET, Key=key)["Body"].read()
        uploads = self.s3.list_multipart_uploads(Bucket=_BUCKET).get("Uploads", [])
        return [name for name, content in kept.items() if not _is_whole(name, content)] + [
            f"parts of {upload['Key']}" for upload in uploads
        ]

    def remove_objects(self) -> None:
        """Empty the bucket: moto's objects are this process's files."""
        for key in self._keys():
            self.s3.delete_object(Bucket=_BUCKET, Key=key)

    def _keys(self) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=_BUCKET)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


@contextmanager
def soak(folder: Path, seed: int) -> Iterator[Soak]:
    """Start the services, which are gone at the end of the block."""
    with ExitStack() as opened:
        engine = FakeDockerEngine()
        engine.seed_image("base:1", files={"/bin/sh": ""})
        engine.on_run("make", output="made")
        docker_host = opened.enter_context(engine.serve())
        registry = opened.enter_context(FakeRegistry())
        moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        moto.start()
        opened.callback(moto.stop)
        upstream = f"http://127.0.0.1:{moto.get_host_and_port()[1]}"
        network = opened.enter_context(FaultProxy(upstream))
        client = boto3.client("s3", endpoint_url=upstream, **_AWS)
        opened.callback(client.close)
        client.create_bucket(Bucket=_BUCKET)
        opened.callback(client.delete_bucket, Bucket=_BUCKET)
        made = Soak(
            folder,
            engine,
            docker_host,
            registry,
            InMemoryArtifactStore(),
            network,
            opened.enter_context(_s3_store(network.url)),
            client,
            random.Random(seed),
        )
        opened.callback(made.remove_objects)
        yield made


def _s3_store(url: str) -> S3ArtifactStore:
    settings = {
        "path": f"s3://{_BUCKET}/prefix",
        "endpoint_url": url,
        "region": "us-east-1",
        "key": "k",
        "secret": "s",
        "attempts": 2,
        "part_size": 5 * MIB,
    }
    return QuickS3ArtifactStore(S3ArtifactStoreConfig.model_validate(settings))


def _raise(error: type[BaseException], *, after: int) -> Callable[[Event], None]:
    left = after

    def listener(_: Event) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise error

    return listener


def _is_whole(name: str, content: bytes) -> bool:
    digest = name.rpartition("/")[2].removesuffix(".tar.gz")
    return read_trailer(content) == ArchiveTrailer(len(content), f"sha256:{digest}")
