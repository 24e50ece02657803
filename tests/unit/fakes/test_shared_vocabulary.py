"""Faults, rules and records as all doubles have them."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import pytest

from fakes import FakeDockerEngine, InMemoryArtifactStore
from fakes.clock import ManualClock
from fakes.faults import Fault, Faults, split_endpoint
from fakes.http.messages import Request
from fakes.records import without_secrets
from fakes.rules import Rules


@dataclass
class _Refusal(Fault):
    @property
    def is_answer(self) -> bool:
        return True


def _happen(faults: Faults[Fault], attempts: int) -> list[int]:
    return [len(faults.happening(lambda _: True)) for _ in range(attempts)]


def test_a_fault_happens_so_often_after_so_many() -> None:
    """Those that are let through count only where the fault is for them."""
    faults = Faults[Fault]()
    fault = faults.add(Fault(times=2, skip=1))
    assert faults.happening(lambda _: False) == []
    assert _happen(faults, 5) == [0, 1, 1, 0, 0]
    assert fault.hits == 2
    always = faults.add(Fault(times=None))
    assert _happen(faults, 3) == [1, 1, 1]
    assert always.hits == 3


def test_an_answer_keeps_later_faults_for_the_next() -> None:
    """What goes before it happens with it."""
    faults = Faults[Fault]()
    first, answer, later = Fault(), _Refusal(), _Refusal()
    for fault in (first, answer, later):
        faults.add(fault)
    assert faults.happening(lambda _: True) == [first, answer]
    assert faults.happening(lambda _: True) == [later]


def test_faults_can_be_taken_back() -> None:
    """One, or all; they are told apart though they look alike."""
    faults = Faults[Fault]()
    one, other = faults.add(Fault()), faults.add(Fault())
    faults.remove(other)
    assert [fault is one for fault in faults] == [True]
    faults.clear()
    assert len(faults) == 0


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (Fault(times=0), ValueError, "times is 1 or more or None, not 0"),
        (Fault(skip=-1), ValueError, "skip is 0 or more, not -1"),
    ],
)
def test_what_could_never_happen_is_refused(
    fault: Fault, error: type[Exception], words: str
) -> None:
    """And not planned."""
    faults = Faults[Fault]()
    with pytest.raises(error, match=words):
        faults.add(fault)
    assert len(faults) == 0


def test_a_store_takes_its_faults_along() -> None:
    """To another process."""
    store = InMemoryArtifactStore()
    store.fail("read", ConnectionResetError, skip=1, call=2)
    [fault] = pickle.loads(pickle.dumps(store)).faults
    assert (fault.skip, fault.times) == (2, 1)
    assert len(pickle.loads(pickle.dumps(store)).faults.happening(lambda _: True)) == 0


@pytest.mark.parametrize(
    ("endpoint", "parts"),
    [
        ("POST /build", ("POST", "/build")),
        ("post  /build", ("POST", "/build")),
        ("/a b", ("", "/a b")),
        ("*", ("", "*")),
    ],
)
def test_an_endpoint_is_a_method_and_a_pattern(endpoint: str, parts: tuple[str, str]) -> None:
    """The method can be left out."""
    assert split_endpoint(endpoint) == parts


def test_the_newest_rule_that_matches_wins() -> None:
    """Older ones are there for what it does not match."""
    rules = Rules[str]()
    for rule in ("a*", "ab*", "b*"):
        rules.add(rule)
    assert rules.first(lambda rule: "abc".startswith(rule.rstrip("*"))) == "ab*"
    assert rules.first(lambda rule: "ac".startswith(rule.rstrip("*"))) == "a*"
    assert rules.first(lambda rule: False) is None
    assert list(rules) == ["b*", "ab*", "a*"]


def test_records_have_no_credentials() -> None:
    """Of those with a scheme it is left."""
    fields = [("Authorization", "Basic czNjcmV0"), ("X-Registry-Auth", "czNjcmV0"), ("Host", "x")]
    assert without_secrets(fields) == {
        "authorization": "Basic ***",
        "x-registry-auth": "***",
        "host": "x",
    }


def test_an_engine_s_faults_stack_on_its_clock() -> None:
    """A delay passes on a clock that can, and goes with the answer that follows."""
    clock = ManualClock()
    engine = FakeDockerEngine(clock=clock)
    engine.faults.delay("GET /_ping", 60)
    for status in (503, 500):
        engine.faults.fail("GET /_ping", status)
    answers = [engine.handle(Request("GET", "/_ping")).status for _ in range(3)]
    assert answers == [503, 500, 200]
    assert clock.pauses == [60]
    assert [record.faults for record in engine.requests] == [("delay", "status"), ("status",), ()]
    assert engine.requests[0].body_size == engine.requests[0].request_size == 0
    kinds = [
        engine.faults.drop("/_ping").kind,
        engine.faults.cut("/_ping").kind,
        engine.faults.answer("/_ping", b"").kind,
        engine.faults.deny_push().kind,
    ]
    assert kinds == ["drop", "cut", "answer", "stream_error"]
