"""Clients of S3 that send one new object at the same time: one of them does, the others wait."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from memory_s3 import MemoryS3, MemoryS3Store

from imagebuilders.artifact_stores.retries import RetryPolicy
from imagebuilders.artifact_stores.s3 import turn
from imagebuilders.cancellation import Cancellation
from imagebuilders.exceptions import ArtifactExistsError, UploadError

KEY = "prefix/file"
PART = 5 * 1024 * 1024
"""Bytes; the least that S3 takes as a part."""
ABOUT_TURNS = (
    "create_multipart_upload",
    "list_multipart_uploads",
    "head_object",
    "abort_multipart_upload",
)


# --- any order of requests -------------------------------------------------------


class _Gate:
    """Lets one client at a time make one request, in an order that a test chooses."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._at_gate: set[int] = set()
        self._let_in: int | None = None
        self._over: set[int] = set()
        self._is_killed = False

    def step(self, client: int) -> None:
        """Wait for the client's turn; called by its thread before each request and pause."""
        with self._changed:
            self._at_gate.add(client)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._let_in == client or self._is_killed)
            self._at_gate.discard(client)
            self._let_in = None
            if self._is_killed:
                raise _KilledError

    def end(self, client: int) -> None:
        """Note that a client makes no more requests."""
        with self._changed:
            self._over.add(client)
            self._changed.notify_all()

    def let_in(self, choice: int, clients: int) -> bool:
        """Let one of those that wait go on, once all do; whether any was there."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._let_in is None and len(self._at_gate) + len(self._over) == clients
            )
            if not self._at_gate:
                return False
            waiting = sorted(self._at_gate)
            self._let_in = waiting[choice % len(waiting)]
            self._changed.notify_all()
            return True

    def kill(self) -> None:
        """Let all that wait end where they are."""
        with self._changed:
            self._is_killed = True
            self._changed.notify_all()


class _KilledError(BaseException):
    """Ends a client's thread; what it would do on its way out fails, too."""


class _Client(MemoryS3Store):
    """A client that waits at a gate before each request."""

    gate: _Gate
    number: int

    @property
    def retry_policy(self) -> RetryPolicy:
        """A pause lets others go on."""
        return RetryPolicy(sleep=lambda _: self.gate.step(self.number))

    def _connect(self) -> Any:
        return _Gated(self.service, lambda: self.gate.step(self.number))


class _Gated:
    """The service, behind a gate."""

    is_foreign = False
    takes_conditions = True
    gives_turns = True

    def __init__(self, service: MemoryS3, step: Callable[[], None]) -> None:
        self._service = service
        self._step = step

    def request(self, method: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        self._step()
        return self._service.request(method, arguments)

    def close(self) -> None:
        """Nothing is open."""


class _Race:
    """Clients that publish one object, each in a thread."""

    def __init__(self, size: int, count: int, salt: int = 0) -> None:
        self.service = MemoryS3()
        self.service.salt = salt
        self.gate = _Gate()
        self.said: dict[int, str] = {}
        self._count = count
        self._content = [bytes(size)]
        self._threads = [threading.Thread(target=self._publish, args=(n,)) for n in range(count)]

    def _publish(self, number: int) -> None:
        client = _Client(path="s3://bucket/prefix", part_size=PART, concurrency=1)
        client.service, client.gate, client.number = self.service, self.gate, number
        try:
            client.publish("file", self._content, replace=False)
            self.said[number] = "sent"
        except ArtifactExistsError:
            self.said[number] = "found"
        except _KilledError:
            self.said[number] = "waits"
        finally:
            self.gate.end(number)

    def run(self, order: list[int], ticks: set[int]) -> None:
        """Let requests be made in an order; the rest in turn.

        Args:
            order: who of those that wait makes each request.
            ticks: before which requests the service's clock goes on.
        """
        for thread in self._threads:
            thread.start()
        try:
            self._steps(order, ticks)
        finally:
            self.gate.kill()
            for thread in self._threads:
                thread.join()

    def _steps(self, order: list[int], ticks: set[int]) -> None:
        for step in range(2000):
            if step in ticks:
                self.service.now += timedelta(seconds=1)
            if not self.gate.let_in(order[step] if step < len(order) else step, self._count):
                return
        raise AssertionError("they wait for each other")

    def sends(self) -> Counter[str]:
        """Count the requests that carried content."""
        count = self.service.count()
        return Counter({name: count[name] for name in ("put_object", "upload_part") if count[name]})


@settings(max_examples=60, deadline=None)
@given(
    clients=st.integers(2, 4),
    order=st.lists(st.integers(0, 3), max_size=60),
    ticks=st.sets(st.integers(0, 40)),
    salt=st.integers(0, 9),
)
@example(clients=2, order=[], ticks=set(), salt=0)
@example(clients=2, order=[0] * 3 + [1] * 30, ticks=set(), salt=0)
@example(clients=2, order=[0] * 3 + [1] * 30, ticks=set(), salt=1)
def test_one_sends_in_any_order(clients: int, order: list[int], ticks: set[int], salt: int) -> None:
    """Whoever comes first, and however coarse the service's clock is; nothing is left."""
    race = _Race(100, clients, salt)
    race.run(order, ticks)
    assert sorted(race.said.values()) == ["found"] * (clients - 1) + ["sent"]
    assert race.sends() == {"put_object": 1}
    assert (list(race.service.objects), race.service.uploads) == ([KEY], {})


@pytest.mark.parametrize("order", [[0] * 20, [1] * 20, [0, 1] * 20, [0, 0, 1, 1] * 10])
def test_one_sends_many_parts(order: list[int]) -> None:
    """The upload by which it took its turn takes the parts."""
    race = _Race(PART + 1, 2)
    race.run(order, set())
    assert sorted(race.said.values()) == ["found", "sent"]
    assert race.sends() == {"upload_part": 2}
    assert race.service.uploads == {}


# --- what a client sees ----------------------------------------------------------


def test_alone(s3_store: MemoryS3Store) -> None:
    """Who is alone asks once who else is there."""
    s3_store.publish("file", [b"x"], replace=False)
    count = s3_store.service.count()
    assert count == {**dict.fromkeys(ABOUT_TURNS, 1), "put_object": 1}


def test_what_may_replace_takes_no_turn(s3_store: MemoryS3Store) -> None:
    """The last one counts there."""
    s3_store.service.begin(KEY)
    s3_store.publish("file", [b"x"])
    assert s3_store.service.count() == {"put_object": 1}


def _during_pauses(store: MemoryS3Store, *steps: Callable[[], object]) -> None:
    """Let something happen during each pause of a store; a further pause is an error."""
    left = list(steps)

    def sleep(_: float) -> None:
        left.pop(0)()

    policy = RetryPolicy(sleep=sleep)
    store.__class__ = type("Waiting", (MemoryS3Store,), {"retry_policy": policy})


def _finish(service: MemoryS3, upload: str) -> Callable[[], None]:
    def finish() -> None:
        service.request("put_object", {"Bucket": "bucket", "Key": KEY, "Body": b"theirs"})
        del service.uploads[upload]

    return finish


def test_a_client_that_sends_is_waited_for(s3_store: MemoryS3Store) -> None:
    """However long it takes, as long as it sends parts."""
    service = s3_store.service
    theirs = service.begin(KEY)
    service.now += timedelta(seconds=1000)

    def send(number: int) -> Callable[[], object]:
        part = {"Bucket": "bucket", "UploadId": theirs, "PartNumber": number, "Body": b"x"}
        return lambda: service.request("upload_part", part)

    send(1)()
    service.page = 1
    _during_pauses(s3_store, send(2), send(3), _finish(service, theirs))
    with pytest.raises(ArtifactExistsError):
        s3_store.publish("file", [b"mine"], replace=False)
    assert service.contents == {KEY: b"theirs"}
    assert service.uploads == {}
    assert service.count()["list_multipart_uploads"] >= 3


def test_a_client_that_gives_up_is_followed(s3_store: MemoryS3Store) -> None:
    """The next one begins anew when the upload it waited for is taken back."""
    service = s3_store.service
    theirs = service.begin(KEY)
    _during_pauses(s3_store, lambda: None, lambda: service.uploads.pop(theirs))
    assert s3_store.publish("file", [b"mine"], replace=False) == 4
    assert service.count()["create_multipart_upload"] == 2
    assert service.uploads == {}


@pytest.mark.parametrize("has_parts", [False, True])
def test_a_client_that_died_is_passed_over(s3_store: MemoryS3Store, has_parts: bool) -> None:
    """What sent nothing for minutes is not waited for; it stays for the lifecycle rule."""
    service = s3_store.service
    theirs = service.begin(KEY)
    part = {"Bucket": "bucket", "UploadId": theirs, "PartNumber": 1, "Body": b"x"}
    if has_parts:
        service.request("upload_part", part)
    service.now += timedelta(seconds=turn.LONGEST_SILENCE + 1)
    _during_pauses(s3_store)
    s3_store.publish("file", [b"mine"], replace=False)
    assert list(service.uploads) == [theirs]


def test_a_client_that_is_silent_for_a_moment_is_not_passed_over(s3_store: MemoryS3Store) -> None:
    """Up to the limit it is waited for."""
    service = s3_store.service
    theirs = service.begin(KEY)
    service.now += timedelta(seconds=turn.LONGEST_SILENCE / 2)
    _during_pauses(s3_store, _finish(service, theirs))
    with pytest.raises(ArtifactExistsError):
        s3_store.publish("file", [b"mine"], replace=False)


def test_uploads_of_other_keys_do_not_count(s3_store: MemoryS3Store) -> None:
    """Those of longer keys are listed by the same prefix."""
    service = s3_store.service
    for _ in range(3):
        service.begin(f"{KEY}.other")
    service.page = 1
    _during_pauses(s3_store)
    s3_store.publish("file", [b"mine"], replace=False)
    assert len(service.uploads) == 3
    assert service.count()["list_multipart_uploads"] == 4


# --- services that give no turns -------------------------------------------------


@pytest.mark.parametrize("method", ["create_multipart_upload", "list_multipart_uploads"])
@pytest.mark.parametrize(("code", "status"), [("AccessDenied", 403), ("NotImplemented", 501)])
def test_where_it_is_refused_everybody_sends(
    s3_store: MemoryS3Store, method: str, code: str, status: int
) -> None:
    """The service is asked once only, and what was begun is taken back."""
    service = s3_store.service
    service.fail(method, service.error(code, status), times=1)
    s3_store.publish("file", [b"mine"], replace=False)
    assert service.gives_turns is False
    before = service.count()
    s3_store.publish("other", [b"mine"], replace=False)
    assert service.count() - before == {"put_object": 1}
    assert service.uploads == {}


def test_where_parts_may_not_be_listed_their_age_counts(s3_store: MemoryS3Store) -> None:
    """A client is passed over when it has begun long ago."""
    service = s3_store.service
    service.begin(KEY)
    service.now += timedelta(seconds=turn.LONGEST_SILENCE + 1)
    service.fail("list_parts", service.error("AccessDenied", 403))
    s3_store.publish("file", [b"mine"], replace=False)
    assert service.contents == {KEY: b"mine"}


def test_a_listing_that_does_not_show_ones_own(s3_store: MemoryS3Store) -> None:
    """Such a listing tells nothing."""
    service = s3_store.service
    service.begin(KEY)
    service.answers["list_multipart_uploads"] = lambda **_: {"Uploads": []}
    s3_store.publish("file", [b"mine"], replace=False)
    assert service.gives_turns is False


@pytest.mark.parametrize("method", ["create_multipart_upload", "list_multipart_uploads"])
def test_what_may_pass_is_no_refusal(s3_store: MemoryS3Store, method: str) -> None:
    """A busy service is asked as often as for every request, and for the next object again."""
    service = s3_store.service
    service.fail(method, service.error("SlowDown", 503), times=5)
    s3_store.publish("file", [b"mine"], replace=False)
    assert service.count()[method] == 5
    assert service.gives_turns is True
    assert service.uploads == {}


def test_a_lost_answer_is_not_waited_for(s3_store: MemoryS3Store) -> None:
    """An upload whose name never came is nobody's; it stays for the lifecycle rule."""
    service = s3_store.service
    service.lose_answer("create_multipart_upload", ConnectionResetError())
    _during_pauses(s3_store)
    s3_store.publish("file", [b"mine"], replace=False)
    assert service.count() == {"create_multipart_upload": 1, "put_object": 1}
    assert len(service.uploads) == 1
    assert service.gives_turns is True


def test_a_service_that_is_away_is_an_error(s3_store: MemoryS3Store) -> None:
    """One, after as many attempts as for every request; nothing is left."""
    service = s3_store.service
    service.fail("list_multipart_uploads", ConnectionResetError(), times=99)
    with pytest.raises(UploadError, match="after 5 attempts"):
        s3_store.publish("file", [b"mine"], replace=False)
    assert (service.contents, service.uploads) == ({}, {})


# --- an end while it waits -------------------------------------------------------


def test_a_cancelled_build_waits_no_longer(s3_store: MemoryS3Store) -> None:
    """Its own upload is not left, and nothing is sent."""
    service = s3_store.service
    theirs = service.begin(KEY)
    cancellation = Cancellation()
    _during_pauses(s3_store, cancellation.cancel)
    with cancellation.as_current(), pytest.raises(UploadError, match="was given up"):
        s3_store.publish("file", [b"mine"], replace=False)
    assert list(service.uploads) == [theirs]
    assert service.contents == {}


def test_ctrl_c_while_others_take_theirs_back(s3_store: MemoryS3Store) -> None:
    """The upload by which the turn was taken is taken back."""
    service = s3_store.service

    def interrupt() -> None:
        raise KeyboardInterrupt

    original = service.begin

    def begin(key: str) -> str:
        mine, theirs = original(key), original(key)
        # Both of the same second: the least goes on.
        if mine > theirs:
            service.uploads[mine], service.uploads[theirs] = (
                service.uploads[theirs],
                service.uploads[mine],
            )
        return min(mine, theirs)

    service.begin = begin  # type: ignore[method-assign]  # one instance, for this test
    _during_pauses(s3_store, interrupt)
    with pytest.raises(KeyboardInterrupt):
        s3_store.publish("file", [b"mine"], replace=False)
    assert len(service.uploads) == 1
