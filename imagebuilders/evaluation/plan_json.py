"""A build plan as a JSON document.

Its keys are stable: new ones may be added, none changes its meaning.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass

from imagebuilders.evaluation.lint import LintWarning
from imagebuilders.evaluation.planning import BuildPlan
from imagebuilders.evaluation.resolution import Resolution
from imagebuilders.evaluation.steps import (
    ContextOrigin,
    Copy,
    GitSource,
    ImageOrigin,
    Lines,
    PathSource,
    ScratchOrigin,
    Stage,
    StageOrigin,
    Step,
    TextSource,
    UrlSource,
)
from imagebuilders.evaluation.taken_files import TakenFile
from imagebuilders.oci.platform import Platform

_KINDS: dict[type[object], str] = {
    ContextOrigin: "context",
    GitSource: "git",
    ImageOrigin: "image",
    PathSource: "path",
    ScratchOrigin: "scratch",
    StageOrigin: "stage",
    TextSource: "text",
    UrlSource: "url",
}


def plan_document(plan: BuildPlan) -> dict[str, object]:
    """Return a plan as an object that `json.dumps` takes."""
    return {
        "is_index": plan.is_index,
        "builds": [_build(build, plan) for build in plan.builds],
        "warnings": [_warning(warning) for warning in plan.warnings],
    }


def _build(build: Resolution, plan: BuildPlan) -> dict[str, object]:
    image = json.loads(build.target_stage.image.to_bytes())
    history = image.pop("history", [])
    image.pop("rootfs", None)
    return {
        "platform": str(build.platform),
        "target": build.target,
        "syntax": build.syntax,
        "source_date_epoch": build.source_date_epoch,
        "stages": [_stage(stage, plan) for stage in build.stages if stage.needed],
        "image": image,
        "history": history,
    }


def _stage(stage: Stage, plan: BuildPlan) -> dict[str, object]:
    return {
        "index": stage.index,
        "name": stage.name,
        "from": stage.written_base,
        "base": _value(stage.base),
        "platform": str(stage.platform),
        "lines": _value(stage.lines),
        "steps": [_step(step, plan) for step in stage.steps],
    }


def _step(step: Step, plan: BuildPlan) -> dict[str, object]:
    document: dict[str, object] = {"instruction": step.keyword, **_fields(step)}
    if isinstance(step, Copy):
        document["files"] = [_taken(file) for file in plan.files(step)]
    return document


def _taken(file: TakenFile) -> dict[str, object]:
    return {"path": _text(file.path), "destination": _text(file.destination)}


def _warning(warning: LintWarning) -> dict[str, object]:
    return {
        "rule": warning.rule,
        "text": warning.text,
        "lines": _value(warning.lines),
        "url": warning.url,
    }


def _value(value: object) -> object:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bytes):
        return _content(value)
    if isinstance(value, Lines):
        return [value.first, value.last]
    if isinstance(value, Platform):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _value(content) for key, content in value.items()}
    if isinstance(value, (list, tuple)):
        return [_value(item) for item in value]
    return _fields(value) if is_dataclass(value) else value


def _fields(value: object) -> dict[str, object]:
    """Return the fields of a dataclass, and what kind of source or origin it is."""
    kind = _KINDS.get(type(value))
    document: dict[str, object] = {} if kind is None else {"kind": kind}
    if is_dataclass(value) and not isinstance(value, type):
        document |= {field.name: _value(getattr(value, field.name)) for field in fields(value)}
    return document


def _content(content: bytes) -> object:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


def _text(text: str) -> str:
    """Return a text that every reader of JSON takes: what is not UTF-8 becomes U+FFFD."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
