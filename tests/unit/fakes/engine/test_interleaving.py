"""Two requests, one of them in every moment of the other: the outcome is that of a queue."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from fakes import FakeDockerEngine
from fakes.contracts.engine.context import pack
from fakes.http.messages import Headers, Request

_UPON = pack({"Dockerfile": "FROM app:1\nLABEL upon=1\nCOPY a /a\n", "a": "1"})
_AGAIN = pack({"Dockerfile": "FROM scratch\nLABEL loose=1\nCOPY a /a\n", "a": "1"})


class Moments:
    """The moments at which a request holds no lock, and what is to happen in one of them."""

    def __init__(self) -> None:
        self.locks: list[Any] = []
        self._left = -1
        self._act: Callable[[], None] = lambda: None

    def arm(self, moment: int, act: Callable[[], None]) -> None:
        """Do that after so many moments."""
        self._left, self._act = moment, act

    @property
    def came(self) -> bool:
        """Whether the moment came."""
        return self._left < 0

    def pass_by(self) -> None:
        """A lock is about to be taken."""
        if self._left < 0 or any(lock._is_owned() for lock in self.locks):
            return
        self._left -= 1
        if self._left < 0:
            self._act()


class Interposing:
    """A lock at whose free moments somebody else may go first."""

    def __init__(self, lock: threading.RLock, moments: Moments) -> None:
        self._lock, self._moments = lock, moments
        moments.locks.append(lock)

    def __enter__(self) -> None:
        self._moments.pass_by()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _known(name: str) -> str:
    """A name that was given; others are made up, or ids."""
    return name if name in ("app:1", "app:2", "base:1", "there", "new") else ""


class World:
    """An engine with two named images, one without a name, and a container."""

    def __init__(self) -> None:
        ticks = itertools.count(1_700_000_000_000_000_000)
        self.engine = FakeDockerEngine("26.1", clock=lambda: next(ticks))
        self.moments = Moments()
        state, containers = vars(self.engine.state), vars(self.engine.containers)
        state["lock"] = Interposing(self.engine.state.lock, self.moments)
        vars(self.engine.images)["lock"] = state["lock"]
        containers["_lock"] = Interposing(containers["_lock"], self.moments)
        self.engine.seed_image("base:1", files={"b": "1"})
        self.engine.seed_image("app:1", files={"a": "2"})
        self.post("/build?rm=1", _AGAIN)
        self.loose = self.engine.builds[-1].image_id
        self.post("/containers/create?name=there", b'{"Image": "base:1"}')
        self.saved = self._ask("GET", "/images/get?names=app:1")[1]

    def _ask(self, method: str, target: str, body: bytes = b"") -> tuple[int, bytes]:
        headers = {"content-type": "application/json", "content-length": str(len(body))}
        response = self.engine.handle(Request(method, target, Headers(headers.items()), [body]))
        content: Iterable[bytes] = (
            [response.body] if isinstance(response.body, bytes) else response.body
        )
        return response.status, b"".join(content)

    def post(self, target: str, body: bytes = b"") -> tuple[object, ...]:
        """Post; the status, and whether a stream ended in an error."""
        status, content = self._ask("POST", target, body)
        return status, b"errorDetail" in content

    def delete(self, target: str) -> tuple[object, ...]:
        """Remove; the status."""
        return (self._ask("DELETE", target)[0],)

    def lines(self) -> tuple[object, ...]:
        """The list of images."""
        status, content = self._ask("GET", "/images/json?all=1")
        return status, sorted(line["RepoTags"] or [] for line in json.loads(content))

    def kind(self, image_id: str) -> str:
        """What an image is, whatever its id."""
        image = self.engine.images.get(image_id)
        if not image_id:
            return "none"
        if image is None:
            return "missing"
        made = [entry.get("created_by") for entry in image.parsed.get("history", [])]
        return repr((made, image.parsed["rootfs"].get("diff_ids")))

    def state(self) -> object:
        """All there is, without ids and times."""
        images = self.engine.images
        return (
            sorted(self.kind(image.id) + self.kind(image.parent) for image in images.all()),
            sorted((name, self.kind(image_id)) for name, image_id in images.references().items()),
            sorted(
                (_known(c.name), c.status, self.kind(c.image)) for c in self.engine.containers.all()
            ),
            sorted(
                (event["Action"], _known(event["Actor"]["Attributes"].get("name", "")))
                for event in self.engine.events
            ),
        )


Operation = Callable[[World], tuple[object, ...]]
_OPERATIONS: dict[str, Operation] = {
    "tag": lambda w: w.post(f"/images/{w.loose}/tag?repo=app&tag=1"),
    "tag_the_base": lambda w: w.post("/images/app:1/tag?repo=base&tag=1"),
    "remove": lambda w: w.delete("/images/app:1"),
    "remove_by_force": lambda w: w.delete("/images/app:1?force=1"),
    "remove_the_loose": lambda w: w.delete(f"/images/{w.loose}"),
    "prune": lambda w: w.post("/images/prune"),
    "prune_all": lambda w: w.post('/images/prune?filters={"dangling":["false"]}'),
    "create": lambda w: w.post("/containers/create?name=new", b'{"Image": "app:1"}'),
    "create_of_the_loose": lambda w: w.post(
        "/containers/create?name=new", json.dumps({"Image": w.loose}).encode()
    ),
    "remove_the_container": lambda w: w.delete("/containers/there?force=1"),
    "commit": lambda w: w.post("/commit?container=there&repo=app&tag=1"),
    "load": lambda w: w.post("/images/load", w.saved),
    "build_upon": lambda w: w.post("/build?t=app:1&rm=0", _UPON),
    "build_again": lambda w: w.post("/build?t=app:2&rm=1", _AGAIN),
    "list": lambda w: w.lines(),
}


def _outcome(
    first: Operation, second: Operation, moment: int | None
) -> tuple[tuple[object, object, object], bool]:
    """The answers and what is left, with the second in a moment of the first; or after it."""
    world = World()
    answers: list[object] = []
    if moment is not None:
        world.moments.arm(moment, lambda: answers.append(second(world)))
    answer = first(world)
    came = world.moments.came
    world.moments.arm(-1, lambda: None)
    if not answers:
        answers.append(second(world))
    return (answer, answers[0], world.state()), came


_PAIRS = [
    (first, second)
    for first in _OPERATIONS
    for second in _OPERATIONS
    # Two who found a container both removed it; a real engine tells them so too.
    if (first, second) != ("remove_the_container", "remove_the_container")
]


@pytest.mark.parametrize(("first", "second"), _PAIRS)
def test_one_request_in_the_midst_of_another(first: str, second: str) -> None:
    """Whenever it comes, the outcome is that of one after the other.

    A build is many steps, between which others see what it has made so far; nothing may lead
    to an image that is not there.
    """
    one, other = _OPERATIONS[first], _OPERATIONS[second]
    after = _outcome(one, other, None)[0]
    (late, early, state), _ = _outcome(other, one, None)
    serial = (after, (early, late, state))
    for moment in itertools.count():
        outcome, came = _outcome(one, other, moment)
        if not came:
            break
        if first.startswith("build"):
            assert "missing" not in repr(outcome[2])
        else:
            assert outcome in serial, f"moment {moment}"
    assert moment, "there was no moment"
