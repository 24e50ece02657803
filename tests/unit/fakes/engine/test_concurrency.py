"""Many clients at once: whatever they do to one engine, no state they leave is wrong."""

from __future__ import annotations

import gc
import io
import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import docker.errors
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from left_threads import left_threads

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from fakes.contracts.engine.context import pack

_CLIENTS = 16
_LOCAL = ("one:1", "two:1", "base:1")
_REMOTE = ("app:1", "app:2", "lib/app:1")
_B = ("first", "second", "third")
_CONTEXTS = [
    *(
        pack({"Dockerfile": "FROM scratch\nCOPY a /a\nCMD x\nCOPY b /b\n", "a": "same", "b": b})
        for b in _B
    ),
    pack({"Dockerfile": "FROM base:1\nENV x=1\nCOPY c /c\n", "c": "upon"}),
]

# The SDK's stubs know less than the client can do.
Client: TypeAlias = Any


@dataclass(frozen=True)
class Operation:
    """What a client does next: a method of `Hands` with its arguments."""

    name: str
    arguments: tuple[Any, ...]


class Hands:
    """What a client can do; names of a registry are written without its address."""

    def __init__(self, client: Client, registry: str) -> None:
        self.client = client
        self.registry = registry

    def full(self, name: str) -> str:
        """A name as the engine is told it."""
        return name if name in _LOCAL else f"{self.registry}/{name}"

    def build(self, context: int, tag: str | None, nocache: bool) -> None:
        """Build one of the contexts."""
        self.client.images.build(
            fileobj=io.BytesIO(_CONTEXTS[context]),
            custom_context=True,
            tag=tag and self.full(tag),
            nocache=nocache,
            rm=True,
            forcerm=True,
        )

    def tag(self, old: str, new: str) -> None:
        """Give an image a second name."""
        self.client.api.tag(self.full(old), *self.full(new).rsplit(":", 1))

    def push(self, name: str) -> None:
        """Push; a refusal in the stream is raised as the SDK raises others."""
        repository, _, tag = self.full(name).rpartition(":")
        push = self.client.images.push
        stream = push(repository, tag, stream=True, decode=True)
        for message in stream:
            if "error" in message:
                raise docker.errors.ImageNotFound(message["error"])

    def pull(self, name: str) -> None:
        """Pull."""
        self.client.images.pull(*self.full(name).rsplit(":", 1))

    def remove(self, name: str, force: bool) -> None:
        """Remove a name."""
        self.client.images.remove(self.full(name), force=force)

    def remove_image(self, name: str, force: bool) -> None:
        """Remove an image by its id."""
        self.client.images.get(self.full(name)).remove(force=force)

    def prune(self, dangling: bool) -> None:
        """Remove what nobody needs."""
        self.client.images.prune({"dangling": dangling})

    def look(self) -> None:
        """List, inspect and read histories."""
        for line in self.client.api.images(all=True):
            self.client.api.history(line["Id"])
        self.client.df()

    def save_and_load(self, name: str) -> None:
        """Take an image out and in again."""
        self.client.images.load(b"".join(self.client.api.get_image(self.full(name))))

    def commit(self, name: str, new: str) -> None:
        """Make an image of a container."""
        container = self.client.containers.create(self.full(name))
        try:
            container.commit(*self.full(new).rsplit(":", 1))
        finally:
            container.remove(force=True)


_local = st.sampled_from(_LOCAL)
_remote = st.sampled_from(_REMOTE)
_any = _local | _remote
_operations = st.one_of(
    *(
        st.builds(Operation, st.just(name), st.tuples(*arguments))
        for name, *arguments in (
            ("build", st.integers(0, len(_CONTEXTS) - 1), _any | st.none(), st.booleans()),
            ("build", st.integers(0, len(_B) - 1), _any, st.just(True)),
            ("tag", _any, _any),
            ("push", _remote),
            ("pull", _remote),
            ("remove", _any, st.booleans()),
            ("remove_image", _any, st.booleans()),
            ("prune", st.booleans()),
            ("prune", st.just(True)),
            # A base that goes while others build upon it.
            ("build", st.just(len(_CONTEXTS) - 1), _any | st.none(), st.booleans()),
            ("build", st.just(0), st.just("base:1"), st.just(True)),
            ("remove_image", st.just("base:1"), st.just(True)),
            ("look",),
            ("save_and_load", _any),
            ("commit", _any, _any),
        )
    )
)
_programs = st.lists(
    st.lists(_operations, min_size=3, max_size=5), min_size=_CLIENTS, max_size=_CLIENTS
)

_MISSING = re.compile(
    r"No such image: |reference does not exist|does not exist locally with the tag: |"
    r"tag does not exist: |"
    r"failed to get digest sha256:|manifest for \S+ not found: manifest unknown|"
    r"pull access denied for base"
)
_CONFLICT = re.compile(r"conflict: unable to (delete|remove)")


def _may_happen(error: Exception) -> bool:
    """Whether a real engine gives that error to a client that others are faster than."""
    if isinstance(error, docker.errors.NotFound):
        return bool(_MISSING.search(str(error)))
    if isinstance(error, docker.errors.BuildError):
        return "pull access denied for base" in str(error)
    if not isinstance(error, docker.errors.APIError):
        return False
    return error.status_code == 409 and bool(_CONFLICT.search(str(error)))


@contextmanager
def _often_interrupted() -> Iterator[None]:
    """Let threads take turns after microseconds, so that races happen."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class GivingWay:
    """A lock that lets another thread go on before it is taken, so that races happen.

    Every look at the images takes it: who holds it already is not disturbed, who should
    hold it and does not finds the images changed between two looks.
    """

    def __init__(self, lock: Any) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        if not self._lock._is_owned():
            time.sleep(0.0002)
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _check_links(engine: FakeDockerEngine) -> None:
    """Names and parents lead to images that are there."""
    with engine.images.lock:
        images = {image.id: image for image in engine.images.all()}
        names = engine.images.references()
    for name, image_id in names.items():
        assert image_id in images, f"{name} points at nothing"
    for image in images.values():
        assert not image.parent or image.parent in images, "a parent is missing"


def _check_files(engine: FakeDockerEngine) -> None:
    """Every image is what one of the contexts makes."""
    for image in engine.images.all():
        assert [layer.diff_id for layer in image.layers] == image.parsed["rootfs"]["diff_ids"]
        files = {path: image.tree[path].data for path in "abc" if path in image.tree}
        assert files.get("a", b"same") == b"same"
        assert files.get("b", b"first").decode() in _B
        assert files.get("c", b"upon") == b"upon"


def _attempt(hands: Hands, operation: Operation) -> Exception | None:
    method: Callable[..., None] = getattr(hands, operation.name)
    try:
        method(*operation.arguments)
        # What is wrong for a moment only may be put right by whoever comes next.
        _check_links(hands.client.engine)
    except Exception as error:
        return error
    return None


def _run(engine: FakeDockerEngine, registry: str, programs: list[list[Operation]]) -> None:
    """Let each client do its operations, all clients at once."""
    start = threading.Barrier(_CLIENTS, timeout=10)
    wrong: list[Exception] = []

    def work(operations: list[Operation]) -> None:
        client = FakeDockerClient(engine)
        hands = Hands(client, registry)
        start.wait()
        for operation in operations:
            error = _attempt(hands, operation)
            if error is not None and not _may_happen(error):
                error.args = (*error.args, operation)
                wrong.append(error)
        client.close()

    threads = [threading.Thread(target=work, args=(program,)) for program in programs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]


def _check_registry(engine: FakeDockerEngine, registry: FakeRegistry, base: str) -> None:
    made = {base, *(build.image_id for build in engine.builds)}
    made |= {event["Actor"]["ID"] for event in engine.events if event["Action"] == "tag"}
    for repository in ("app", "lib/app"):
        if repository not in registry.repositories:
            continue
        for tag in registry.tags(repository):
            manifest = registry.manifest(f"{repository}:{tag}")
            document = json.loads(manifest.content)
            for blob in (document["config"], *document["layers"]):
                assert len(registry.blob(blob["digest"])) == blob["size"]
            assert document["config"]["digest"] in made
            image = registry.image(f"{repository}:{tag}")
            assert image.read("/a") == b"same"
            assert image.read("/b").decode() in _B
    known = {key.partition("/")[2] for key in engine.images.references() if "@" in key}
    for digest in known:
        assert registry.manifest(digest), "the engine knows a digest that the registry has not"


@settings(
    max_examples=4,
    deadline=None,
    # A race does not come again for the asking, so nothing is replayed or made smaller.
    phases=[Phase.generate],
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(_programs)
def test_many_clients_leave_no_wrong_state(programs: list[list[Operation]]) -> None:
    """Sixteen clients build, tag, push, pull, commit and remove; errors are those of a race."""
    before = set(threading.enumerate())
    with FakeRegistry() as registry, _often_interrupted():
        engine = FakeDockerEngine("26.1")
        vars(engine.images)["lock"] = GivingWay(engine.images.lock)
        base = engine.seed_image("base:1", files={"a": "same", "b": "first"})
        _run(engine, registry.address, programs)
        assert engine.containers.all() == []
        _check_links(engine)
        _check_files(engine)
        _check_registry(engine, registry, base.id)
    gc.collect()  # a stream that the SDK did not read to its end keeps its socket till then
    assert left_threads(before) == []
