"""The double shows what real engines showed; no engine is needed to see that."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from double_contract import double_contract
from pytest_mock import MockerFixture

from fakes.contracts.engine import transcripts
from fakes.contracts.engine.registry import scenarios
from fakes.contracts.engine.transcripts import (
    NotRecordedError,
    is_complete,
    not_recorded,
    recorded_engine,
    transcript,
    write,
)
from fakes.engine.containers import host_ports
from fakes.engine.versions import LOOKS, OLDEST


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

for _index, _look in enumerate(LOOKS):
    _missing = not_recorded(_look, _NAMES)
    _recorded = [name for name in _NAMES[_index :: len(LOOKS)] if name not in _missing]
    _like = double_contract(_look, _recorded)
    globals()[_like.__name__] = _like


@pytest.mark.parametrize("look", LOOKS)
def test_transcripts_name_the_engine_they_are_of(look: str) -> None:
    """Each transcript says which full version was recorded and when."""
    assert recorded_engine(look).startswith(LOOKS[look].version)


@pytest.mark.parametrize("look", LOOKS)
def test_each_scenario_has_a_transcript_of_each_look(look: str) -> None:
    """It says what was seen, which version showed the same, or why it was not recorded."""
    missing = not_recorded(look, _NAMES)
    assert not (is_complete(look) and missing)
    for name in _NAMES:
        assert missing.get(name) or transcript(look, name)


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        pytest.param(None, LookupError, id="missing"),
        pytest.param({"not recorded": "no engine"}, NotRecordedError, id="marked"),
        pytest.param({"as": "1.0"}, LookupError, id="refers-to-nothing"),
    ],
)
def test_without_a_transcript_there_is_an_error(
    entry: object, error: type[Exception], mocker: MockerFixture
) -> None:
    """The oldest version's does not stand in for it."""
    recorded = {"is_complete": True, "scenarios": {} if entry is None else {"a.b": entry}}
    mocker.patch.object(transcripts, "_stored", return_value={"28.5": recorded})
    with pytest.raises(error) as caught:
        transcript("28.5", "a.b")
    assert caught.type is error


@pytest.fixture
def _own_transcripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Write to a copy of the recordings."""
    file = tmp_path / "transcripts.json.xz"
    file.write_bytes(transcripts._path().read_bytes())
    monkeypatch.setattr(transcripts, "_path", lambda: file)
    transcripts._stored.cache_clear()
    yield
    transcripts._stored.cache_clear()


@pytest.mark.usefixtures("_own_transcripts")
def test_a_recording_is_written_where_it_is_read() -> None:
    """A group takes the place of the old one, and what equals the oldest version refers to it."""
    same, other = transcript(OLDEST, "saves.documents"), [{"what": "GET /x", "seen": 1}]
    write("28.5", "saves", "28.5.9", "2030-01-02", {"saves.documents": same, "saves.other": other})
    assert recorded_engine("28.5") == "28.5.9 (2030-01-02)"
    assert transcript("28.5", "saves.documents") == same
    assert transcript("28.5", "saves.other") == other
    kept = transcripts._stored()["28.5"]["scenarios"]
    assert {name for name in kept if name.startswith("saves.")} == {
        "saves.documents",
        "saves.other",
    }
    assert kept["saves.documents"] == {"as": OLDEST}
    assert any(name.startswith("images.") for name in kept)


@pytest.mark.usefixtures("_own_transcripts")
def test_a_late_scenario_is_added_to_what_was_recorded_once() -> None:
    """Of a look that is not complete the others of the group stay, and it stays incomplete."""
    look = next(one for one in LOOKS if not is_complete(one))
    before = set(transcripts._stored()[look]["scenarios"])
    write(look, "images", "29.9", "2030-01-02", {"images.late": []})
    assert set(transcripts._stored()[look]["scenarios"]) == before | {"images.late"}
    assert not is_complete(look)
