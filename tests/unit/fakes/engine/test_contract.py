"""The double shows what real engines showed; no engine is needed to see that."""

from __future__ import annotations

import lzma
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from double_contract import double_contract
from pytest_mock import MockerFixture

from fakes.contracts.engine import transcripts
from fakes.contracts.engine.registry import scenarios
from fakes.contracts.engine.transcripts import (
    Notes,
    NotRecordedError,
    not_recorded,
    recorded_engine,
    transcript,
    write,
)
from fakes.engine.containers import host_ports
from fakes.engine.versions import LOOKS


@pytest.fixture(autouse=True)
def _own_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold the ports that scenarios publish by number on an address of this process alone.

    On 127.0.0.1 another process may run a scenario of the same port, or a client's connection
    may just have had it.
    """
    own = f"127.{os.getpid() >> 16 & 255}.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
    usual = ("127.0.0.1", *host_ports._LOOPBACK)
    monkeypatch.setattr(
        host_ports, "_LOOPBACK", {address: own for address in usual if ":" not in address}
    )


# Each scenario runs in the clothes of one version, in turn; the integration tests run it in those
# of every other one, and `whole` in all.
_NAMES = sorted(scenarios())


def _in_turn() -> dict[str, list[str]]:
    """Give each scenario to a look; when it was not recorded of that, to the next one."""
    looks = list(LOOKS)
    missing = {look: not_recorded(look, _NAMES) for look in looks}
    taken: dict[str, list[str]] = {look: [] for look in looks}
    for turn, name in enumerate(_NAMES):
        order = (looks[(turn + step) % len(looks)] for step in range(len(looks)))
        taken[next(look for look in order if name not in missing[look])].append(name)
    return taken


for _look, _names in _in_turn().items():
    _like = double_contract(_look, _names)
    globals()[_like.__name__] = _like


@pytest.mark.parametrize("look", LOOKS)
def test_transcripts_name_the_engine_they_are_of(look: str) -> None:
    """Each transcript says which full version was recorded and when."""
    assert recorded_engine(look).startswith(LOOKS[look].version)


@pytest.mark.parametrize("look", LOOKS)
def test_each_scenario_has_a_transcript_of_each_look(look: str) -> None:
    """It says what was seen, or which version showed the same, or a mark says why there is none."""
    missing = not_recorded(look, _NAMES)
    for name in _NAMES:
        assert missing.get(name) or transcript(look, name)


@pytest.mark.parametrize("look", transcripts.marked_looks())
def test_marks_are_of_scenarios_that_have_no_transcript(look: str) -> None:
    """A mark that a later recording or another name made wrong is noticed."""
    assert look in LOOKS
    for name in transcripts.marked(look):
        assert name in _NAMES
        with pytest.raises(NotRecordedError):
            transcript(look, name)


@pytest.mark.parametrize("entry", [None, {"as": "1.0"}], ids=["missing", "refers-to-nothing"])
def test_without_a_transcript_there_is_an_error(entry: object, mocker: MockerFixture) -> None:
    """The oldest version's does not stand in for it."""
    recorded = {"scenarios": {} if entry is None else {"a.b": entry}}
    mocker.patch.object(transcripts, "_stored", return_value={"28.5": recorded})
    with pytest.raises(LookupError) as caught:
        transcript("28.5", "a.b")
    assert caught.type is LookupError


_ONE: Notes = [{"what": "x", "seen": 1}]
_TWO: Notes = [{"what": "y", "seen": 2}]
_KNOWN = ("a.b", "a.c", "a.d")


@pytest.fixture
def _own_transcripts(tmp_path: Path, mocker: MockerFixture) -> Iterator[None]:
    """Transcripts of the test's own: 28.5 and 29.7 showed one thing, and 29.7 has two marks."""
    mocker.patch.object(transcripts, "_folder", return_value=tmp_path)
    (tmp_path / "not_recorded.json").write_text("{}")
    (tmp_path / "transcripts.json.xz").write_bytes(lzma.compress(b"{}"))
    transcripts.forget()
    for look, version in (("28.5", "28.5.2"), ("29.7", "29.7.2")):
        write(look, version, "2026-11-28", {"a.b": _ONE}, _KNOWN)
    transcripts.mark("29.7", ["a.c", "a.d"], "no engine")
    yield
    transcripts.forget()


@pytest.mark.usefixtures("_own_transcripts")
def test_a_mark_says_why_there_is_no_transcript() -> None:
    """It is an error of its own; of another look's scenario nothing is known."""
    assert not_recorded("29.7", ["a.b", "a.c"]) == {"a.c": "no engine"}
    with pytest.raises(NotRecordedError, match="no engine"):
        transcript("29.7", "a.c")
    with pytest.raises(LookupError, match=r"no transcript of a\.c for 29\.7-overlay2"):
        transcript("29.7-overlay2", "a.c")


@pytest.mark.usefixtures("_own_transcripts")
def test_what_is_recorded_loses_its_mark() -> None:
    """The others keep theirs, and what is not recorded again stays."""
    write("29.7", "29.7.3", "2026-12-01", {"a.c": _TWO}, _KNOWN)
    assert (transcript("29.7", "a.b"), transcript("29.7", "a.c")) == (_ONE, _TWO)
    assert transcripts.marked("29.7") == {"a.d": "no engine"}
    assert recorded_engine("29.7") == "29.7.3 (2026-12-01)"


@pytest.mark.usefixtures("_own_transcripts")
def test_the_last_mark_goes() -> None:
    """A look without marks is not among the marked ones."""
    write("29.7", "29.7.3", "2026-12-01", dict.fromkeys(_KNOWN, _TWO), _KNOWN)
    assert transcripts.marked_looks() == []


@pytest.mark.usefixtures("_own_transcripts")
def test_what_an_older_look_showed_is_stored_once() -> None:
    """The newer one's entry names the older look, and keeps its own when that is other later."""
    assert transcripts._stored()["29.7"]["scenarios"]["a.b"] == {"as": "28.5"}
    write("28.5", "28.5.3", "2026-12-01", {"a.b": _TWO}, _KNOWN)
    assert (transcript("28.5", "a.b"), transcript("29.7", "a.b")) == (_TWO, _ONE)


@pytest.mark.usefixtures("_own_transcripts")
def test_what_a_scenario_of_another_name_showed_is_not_kept() -> None:
    """Of scenarios that are no more nothing is stored."""
    write("29.7", "29.7.3", "2026-12-01", {"a.c": _TWO}, ["a.c"])
    with pytest.raises(LookupError, match="no transcript"):
        transcript("29.7", "a.b")


def test_nothing_is_stored_of_scenarios_that_are_no_more() -> None:
    """Of any look."""
    stored = transcripts._stored().values()
    assert {name for one in stored for name in one["scenarios"]} <= set(_NAMES)
