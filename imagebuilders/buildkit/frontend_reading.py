"""What a Dockerfile frontend answers, read into values: what cannot be read counts as missing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TypeVar

from imagebuilders.buildkit.control.failure import SourceRange
from imagebuilders.buildkit.frontend_answers import (
    BuildTarget,
    DockerfileCheck,
    DockerfileOutline,
    DockerfileTargets,
    LintWarning,
    OutlineArgument,
    OutlineCache,
    OutlineMount,
)
from imagebuilders.dockerfile import excerpt, parse
from imagebuilders.exceptions import BuildKitError

ValueT = TypeVar("ValueT")


def read_check(
    metadata: Mapping[str, bytes], *, dockerfile: str, content: bytes
) -> DockerfileCheck:
    """Read the answer to `frontend.lint`.

    Args:
        metadata: the metadata of the frontend's result.
        dockerfile: what the user calls the Dockerfile.
        content: what is in it, of which the lines are shown that cannot be built.

    Raises:
        BuildKitError: it is no such answer.
    """
    answer, words = _answer(metadata)
    failure = _object(answer.get("buildError"))
    error, error_lines = _text(failure, "message"), _lines(failure)
    warnings = _all(answer, "warnings", _warning)
    warnings = tuple(sorted(warnings, key=lambda found: found.lines[0].start if found.lines else 0))
    parts = [_summary(len(warnings)) if warnings or not error else "", _words(metadata)]
    if error:
        shown = _excerpt(content, error_lines)
        parts.append(f"{dockerfile} cannot be built: {error}\n{shown}".rstrip("\n"))
    text = "\n\n".join(filter(None, parts))
    return DockerfileCheck(warnings, error, error_lines, text, words)


def read_outline(metadata: Mapping[str, bytes]) -> DockerfileOutline:
    """Read the answer to `frontend.outline`.

    Raises:
        BuildKitError: it is no such answer.
    """
    answer, words = _answer(metadata)
    return DockerfileOutline(
        target=_text(answer, "name"),
        description=_text(answer, "description"),
        arguments=_all(answer, "args", _argument),
        secrets=_all(answer, "secrets", _mount),
        ssh=_all(answer, "ssh", _mount),
        caches=_all(answer, "cache", _cache),
        text=_words(metadata),
        json=words,
    )


def read_targets(metadata: Mapping[str, bytes]) -> DockerfileTargets:
    """Read the answer to `frontend.targets`.

    Raises:
        BuildKitError: it is no such answer.
    """
    answer, words = _answer(metadata)
    return DockerfileTargets(_all(answer, "targets", _target), _words(metadata), words)


def _summary(count: int) -> str:
    if not count:
        return "Check complete, no warnings found."
    found = "1 warning has" if count == 1 else f"{count} warnings have"
    return f"Check complete, {found} been found!"


def _answer(metadata: Mapping[str, bytes]) -> tuple[Mapping[str, object], str]:
    words = metadata.get("result.json", b"").decode(errors="replace")
    try:
        answer: object = json.loads(words)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise BuildKitError(
            "The Dockerfile frontend gave no answer that can be read. Use the daemon's own "
            "frontend (frontend='builtin'), or a newer one."
        )
    return answer, words


def _words(metadata: Mapping[str, bytes]) -> str:
    return metadata.get("result.txt", b"").decode(errors="replace").strip("\n")


def _warning(value: Mapping[str, object]) -> LintWarning:
    return LintWarning(
        rule=_text(value, "ruleName"),
        description=_text(value, "description"),
        detail=_text(value, "detail"),
        url=_text(value, "url"),
        lines=_lines(value),
    )


def _argument(value: Mapping[str, object]) -> OutlineArgument:
    return OutlineArgument(
        _text(value, "name"), _text(value, "value"), _text(value, "description"), _lines(value)
    )


def _mount(value: Mapping[str, object]) -> OutlineMount:
    return OutlineMount(_text(value, "name"), value.get("required") is True, _lines(value))


def _cache(value: Mapping[str, object]) -> OutlineCache:
    return OutlineCache(_text(value, "ID") or _text(value, "id"), _lines(value))


def _target(value: Mapping[str, object]) -> BuildTarget:
    return BuildTarget(
        name=_text(value, "name"),
        is_default=value.get("default") is True,
        base=_text(value, "base"),
        platform=_text(value, "platform"),
        description=_text(value, "description"),
        lines=_lines(value),
    )


def _all(
    answer: Mapping[str, object], name: str, make: Callable[[Mapping[str, object]], ValueT]
) -> tuple[ValueT, ...]:
    values = answer.get(name)
    return tuple(make(_object(value)) for value in values) if isinstance(values, list) else ()


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: Mapping[str, object], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def _lines(value: Mapping[str, object]) -> tuple[SourceRange, ...]:
    ranges = _object(value.get("location")).get("ranges")
    if not isinstance(ranges, list):
        return ()
    found = [_range(_object(item)) for item in ranges]
    return tuple(sorted((item for item in found if item), key=lambda item: item.start))


def _range(value: Mapping[str, object]) -> SourceRange | None:
    start, end = (_object(value.get(name)).get("line") for name in ("start", "end"))
    if not isinstance(start, int) or start < 1:
        return None
    return SourceRange(start, end if isinstance(end, int) and end >= start else start)


def _excerpt(content: bytes, lines: tuple[SourceRange, ...]) -> str:
    if not lines:
        return ""
    return excerpt(parse(content), lines[0].start, max(found.end for found in lines))
