"""Which stages are built: those that the target's result is made of, and no other."""

from __future__ import annotations

from pathlib import Path

import buildkit_execution
import pytest
from buildkit_cases import LOOKS, Look

_KNOWING_CONTEXTS = [look for look in LOOKS if look.frontend.knows_named_contexts]
_STANDS_FOR_TARGET = {"last": {"type": "image", "ref": "bare"}}


@pytest.mark.parametrize("look", _KNOWING_CONTEXTS, ids=lambda look: look.name)
@pytest.mark.parametrize(
    "copying",
    ["COPY --from=0 /x /\n", "RUN --mount=from=first,target=/m true\n", "ENV a=b\n"],
    ids=["copy", "mount", "nothing"],
)
def test_nothing_is_built_for_a_stage_that_a_context_stands_for(
    copying: str, look: Look, tmp_path: Path
) -> None:
    """What the replaced stage would copy is not missed."""
    case = {
        "run_free": True,
        "context": [],
        "named_contexts": _STANDS_FOR_TARGET,
        "dockerfile": f"FROM bare AS first\nCOPY missing /\nFROM twolayer AS last\n{copying}",
    }
    outcome = buildkit_execution.evaluated(case, look, tmp_path)
    assert outcome["ok"], outcome["error"]
    assert [entry["path"] for entry in outcome["tree"]] == ["file"]


@pytest.mark.parametrize(
    "copying",
    ["COPY --from=0 /x /\n", "FROM first\n", "RUN --mount=from=first,target=/m true\n"],
    ids=["copy", "base", "mount"],
)
def test_what_the_target_is_made_of_is_built(copying: str, tmp_path: Path) -> None:
    """By a COPY, a base or a mount."""
    middle = "" if copying.startswith("FROM") else "FROM bare\n"
    case = {
        "run_free": True,
        "context": [],
        "dockerfile": f"FROM bare AS first\nCOPY missing /\n{middle}{copying}",
    }
    outcome = buildkit_execution.evaluated(case, LOOKS[0], tmp_path)
    assert '"/missing": not found' in outcome["error"]
