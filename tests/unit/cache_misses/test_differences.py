"""What differs between two steps of the same instruction."""

from __future__ import annotations

from imagebuilders.cache_misses.differences import differing
from imagebuilders.cache_misses.records import StepRecord


def _step(files: dict[str, str] | None = None, **values: str) -> StepRecord:
    named = {name.replace("variable_", "variable:"): value for name, value in values.items()}
    return StepRecord("COPY $A /", "key", "parent", named, files=files or {})


def test_a_variable_counts_where_the_text_changes_with_it() -> None:
    """One that the instruction names, but that leaves it as it was, is no reason."""
    before = _step(variable_A="1", expanded="COPY x /")
    assert differing(_step(variable_A="2", expanded="COPY x /"), before) == frozenset()
    assert differing(_step(variable_A="2", expanded="COPY y /"), before) == {"variable:A"}
    assert differing(_step(variable_A="1", expanded="COPY x /"), before) == frozenset()


def test_a_variable_counts_where_the_text_is_not_known() -> None:
    """Neither step says what became of it."""
    assert differing(_step(variable_A="2"), _step(variable_A="1")) == {"variable:A"}


def test_other_values_and_files_count_whatever_the_text_is() -> None:
    """A new one, one that is gone, and one that changed."""
    before = _step({"a": "1", "b": "1", "c": "1"}, expanded="x", platform="p")
    now = _step({"a": "1", "b": "2", "d": "1"}, expanded="x", platform="q")
    files = {name for name in differing(now, before) if name != "platform"}
    assert {name.rpartition(":")[2] for name in files} == {"b", "c", "d"}
    assert "platform" in differing(now, before)
