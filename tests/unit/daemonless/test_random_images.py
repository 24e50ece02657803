"""Random Dockerfiles, pushed without a daemon: what is in the registry is what was evaluated.

That the evaluation makes what a real engine makes of the same Dockerfiles is shown with engines.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import buildkit_cases
import buildkit_execution
from buildkit_cases import LOOKS, Outcome
from comparison_size import size
from pushed_images import IGNORE_FILE, PushedImages
from random_dockerfiles import DockerfileGenerator

_PARTS = ("config", "history", "layers", "tree")
_SEED = 1900
_COUNT = size(20, 300)
_MADE = 1_800_000_000
"""What is as old as this or younger was made by the evaluation."""


def _without_times(outcome: Outcome) -> Outcome:
    """Return an outcome without the times of what the build made, as recorded ones have it."""
    for image in outcome.get("platforms", {"": outcome}).values():
        own = [layer["entries"] for layer in image.get("layers", ()) if "entries" in layer]
        for entry in (*chain.from_iterable(own), *image.get("tree", ())):
            if entry["mtime"] >= _MADE:
                del entry["mtime"]
    return outcome


def test_random_images(pushed: PushedImages, tmp_path: Path) -> None:
    """Configuration, history, layers with their order, files, warnings, and words of errors."""
    generator, found, built = DockerfileGenerator(_SEED), {}, 0
    for number in range(_COUNT):
        case = {"id": str(number), "group": "random", **generator.case()}
        folders = [tmp_path / f"{number}-{side}" for side in ("evaluated", "pushed")]
        for folder in folders:
            folder.mkdir()
        wanted = _without_times(buildkit_execution.evaluated(case, LOOKS[0], folders[0]))
        outcome = pushed.outcome(case, folders[1])
        if outcome.get("error") == IGNORE_FILE and not wanted["ok"]:
            continue
        built += wanted["ok"]
        differences = buildkit_cases.differences(wanted, outcome, parts=_PARTS)
        orders = [buildkit_execution.layer_order(each) for each in (wanted, outcome)]
        if not differences and orders[0] != orders[1]:
            differences.append(f"order: expected {orders[0]}, got {orders[1]}")
        if differences:
            found[number] = [case["dockerfile"], *differences]
    assert found == {}
    assert built > _COUNT // 3
