"""The record of the last builds of one context and target, in the user's cache folder.

Of values and instructions it has fingerprints alone; of files their paths and fingerprints.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import TypeAdapter

from imagebuilders.context.digest_cache import limit_folder
from imagebuilders.lazy_dataclass import dataclass

logger = logging.getLogger(__name__)

FORMAT = 1
MAX_BUILDS = 5
MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_FOLDER_BYTES = 256 * 1024 * 1024

State: TypeAlias = Literal["built", "cached", "ended", "unseen"]
"""Whether a step was executed to its end, came from the cache, began or waited and did not end,
or was not told of."""


@dataclass(frozen=True)
class BaseRecord:
    """An image that a stage begins with.

    Attributes:
        name: the fingerprint of its name.
        id: what it is known by, and behind a colon what tells its content; empty when that is not
            known.
        shown: the digest that a person is told; empty when it is not known.
    """

    name: str
    id: str
    shown: str = ""


@dataclass(frozen=True)
class StepRecord:
    """A step of a build; the fields are those of `StepInputs` where they have the same names.

    Attributes:
        key: stands for the step with all that it builds upon.
        parent: the key of what it builds upon.
        sources: the keys of what else it takes files from.
        base: the image that it builds upon directly; `None` when that is a step.
        state: what became of it.
    """

    text: str
    key: str
    parent: str
    values: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    base: BaseRecord | None = None
    state: State = "unseen"
    is_known: bool = True


@dataclass(frozen=True)
class BuildRecord:
    """A build.

    Attributes:
        time: when it began, in seconds since 1970.
        steps: its steps.
    """

    time: float
    steps: tuple[StepRecord, ...]


@dataclass(frozen=True)
class _StoredStep:
    """A step whose files stand elsewhere, once for all builds."""

    step: StepRecord
    files: int


@dataclass(frozen=True)
class _StoredBuild:
    time: float
    steps: tuple[_StoredStep, ...]


@dataclass(frozen=True)
class _Stored:
    """What stands in a file."""

    format: int
    key: str
    file_sets: list[dict[str, str]]
    builds: tuple[_StoredBuild, ...]


_FILE = TypeAdapter(_Stored)


def record_path(folder: Path, *identity: str) -> Path:
    """Return the file of the builds that are compared with one another.

    Args:
        folder: the folder of the records.
        identity: what they have in common: context, Dockerfile, target, platform, daemon.
    """
    text = "\0".join(identity).encode("utf-8", "surrogateescape")
    return folder / f"{hashlib.sha256(text).hexdigest()[:40]}.json"


def read_records(path: Path, key: str) -> tuple[BuildRecord, ...]:
    """Return the builds on record, the last one first; none if the file cannot be used.

    Args:
        path: the file.
        key: the name of the key that fingerprints are made under.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return ()
        # Not by pydantic's own reader: names that are no UTF-8 stand in the file as surrogates.
        stored = _FILE.validate_python(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, RecursionError) as error:
        logger.debug("The record %s is ignored: %s", path, type(error).__name__)
        return ()
    if stored.format != FORMAT or stored.key != key:
        return ()
    sets = stored.file_sets
    try:
        return tuple(
            BuildRecord(
                build.time,
                tuple(replace(each.step, files=sets[each.files]) for each in build.steps),
            )
            for build in stored.builds
        )
    except IndexError:
        return ()


def write_records(path: Path, key: str, builds: Sequence[BuildRecord]) -> None:
    """Write builds down, the last one first; those that are too many or too much are left out.

    Raises:
        OSError: the file cannot be written.
    """
    for count in range(min(len(builds), MAX_BUILDS), 0, -1):
        document = _FILE.dump_python(_stored(key, builds[:count]))
        content = json.dumps(document, separators=(",", ":")).encode("ascii")
        if len(content) <= MAX_FILE_BYTES:
            break
    else:
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(".tmp", ".build-", path.parent)  # with mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    limit_folder(path.parent, MAX_FOLDER_BYTES)


def _stored(key: str, builds: Sequence[BuildRecord]) -> _Stored:
    sets: list[dict[str, str]] = []
    known: dict[tuple[tuple[str, str], ...], int] = {}

    def place(files: dict[str, str]) -> int:
        items = tuple(files.items())
        if items not in known:
            known[items] = len(sets)
            sets.append(files)
        return known[items]

    stored = tuple(
        _StoredBuild(
            build.time,
            tuple(_StoredStep(replace(step, files={}), place(step.files)) for step in build.steps),
        )
        for build in builds
    )
    return _Stored(FORMAT, key, sets, stored)
