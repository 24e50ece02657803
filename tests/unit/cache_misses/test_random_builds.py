"""Reasons for misses in sequences of random builds, by a cache that follows BuildKit's rules."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from cache_walk import Judge, Program, edited, first_program
from comparison_size import size

from imagebuilders import BuildContext
from imagebuilders.auth.keychain import Keychain
from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.job import BuildJob
from imagebuilders.cache_misses.base_image import BaseImage
from imagebuilders.cache_misses.explanation import CacheExplanation
from imagebuilders.events import CacheMissed, Event, StepAdded, StepFinished, StepStarted

BASES = ("base:1", "base:2")


def _find_base(name: str) -> BaseImage:
    return BaseImage(f"sha256:{name}", (name,), "{}")


def _build(program: Program, cache: set[object]) -> list[CacheMissed]:
    """Build with a cache, and return what is told of misses."""
    context = BuildContext()
    for path, content in program.files.items():
        context.add_file(content, path)
    context.add_file(program.dockerfile(BASES), "Dockerfile")
    options = DockerBuildOptions.from_any(program.options)
    told: list[Event] = []
    explanation = CacheExplanation(told.append)
    job = BuildJob(context.build_snapshot(), options, ("walk:1",), Keychain({}))
    explanation.begin(job, daemon="test", find_base=_find_base)
    for event in _told(program, cache):
        explanation(event)
    explanation.finish()
    cache |= {step.key for step in program.steps()}
    return [event for event in told if isinstance(event, CacheMissed)]


def _told(program: Program, cache: set[object]) -> Iterator[Event]:
    for step in program.steps():
        id_ = f"{step.stage}/{step.number}"
        yield StepAdded(step.number, 0, step.text, step_id=id_, stage=step.stage)
        yield StepStarted(step.number, 0, step.text, step_id=id_, stage=step.stage)
        yield StepFinished(step.number, step.key in cache, step_id=id_)


@pytest.mark.parametrize("unrecorded", [0.0, 0.3])
@pytest.mark.parametrize("seed", range(size(2, 100)))
def test_no_reason_is_wrong(
    seed: int, unrecorded: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each miss has reasons that are right, and nearly each one that is known."""
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path))
    rng = random.Random(seed)
    program = first_program("salt", rng)
    cache: set[object] = set()
    judge = Judge()
    problems: list[str] = []
    for _ in range(30):
        if rng.random() < unrecorded:
            cache |= {step.key for step in program.steps()}
        else:
            missed = _build(program, cache)
            problems += judge.wrong(program, missed)
            judge.note(program)
        program = edited(program, rng)
    assert problems == []
    assert judge.told > 20
    assert judge.uncertain < judge.told / 3
