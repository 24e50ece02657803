"""What a Dockerfile frontend answers about a Dockerfile without building it, as values.

The answers are JSON; their forms are those of `docker buildx build --call`. Source:
frontend/subrequests of https://github.com/moby/buildkit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from imagebuilders.buildkit.control.failure import SourceRange
from imagebuilders.dockerfile import excerpt, parse
from imagebuilders.exceptions import BuildKitError

ValueT = TypeVar("ValueT")


@dataclass(frozen=True)
class LintWarning:
    """A rule of the frontend's checks that a Dockerfile breaks.

    Attributes:
        rule: the rule's name, as in `MaintainerDeprecated`.
        description: what the rule asks for.
        detail: what is wrong here.
        url: the rule's page.
        lines: the lines of the Dockerfile, in the order of the file.
    """

    rule: str
    description: str
    detail: str
    url: str
    lines: tuple[SourceRange, ...] = ()


@dataclass(frozen=True)
class DockerfileCheck:
    """What the frontend's checks found.

    Attributes:
        warnings: the broken rules, in the order of the file.
        error: why the Dockerfile cannot be built at all; empty when it can.
        error_lines: the lines that the error is about.
        text: all of it, for people.
        json: the frontend's own words.
    """

    warnings: tuple[LintWarning, ...]
    error: str
    error_lines: tuple[SourceRange, ...]
    text: str
    json: str

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing to say."""
        return not self.warnings and not self.error


@dataclass(frozen=True)
class OutlineArgument:
    """A build argument that has an effect on a stage.

    Attributes:
        name: its name.
        value: what it stands for in this build; empty when it has no default and none was given.
        description: the comment before it.
        lines: where it is declared.
    """

    name: str
    value: str = ""
    description: str = ""
    lines: tuple[SourceRange, ...] = ()


@dataclass(frozen=True)
class OutlineMount:
    """A secret or an SSH agent that a stage uses.

    Attributes:
        name: its ID.
        is_required: whether the build fails without it.
        lines: where it is used.
    """

    name: str
    is_required: bool = False
    lines: tuple[SourceRange, ...] = ()


@dataclass(frozen=True)
class OutlineCache:
    """A cache that steps of a stage keep between builds.

    Attributes:
        id: its ID.
        lines: where it is used.
    """

    id: str
    lines: tuple[SourceRange, ...] = ()


@dataclass(frozen=True)
class DockerfileOutline:
    """What a build of one stage takes from outside.

    Attributes:
        target: the stage's name; empty for the last one, if it has none.
        description: the comment before it.
        arguments: its build arguments.
        secrets: its secrets.
        ssh: its SSH agents.
        caches: its caches.
        text: all of it, for people.
        json: the frontend's own words.
    """

    target: str
    description: str
    arguments: tuple[OutlineArgument, ...]
    secrets: tuple[OutlineMount, ...]
    ssh: tuple[OutlineMount, ...]
    caches: tuple[OutlineCache, ...]
    text: str
    json: str


@dataclass(frozen=True)
class BuildTarget:
    """A stage that can be built.

    Attributes:
        name: its name; empty for a last stage that has none.
        is_default: whether it is built when no other is asked for.
        base: what its `FROM` names.
        platform: what its `--platform` says; empty without one.
        description: the comment before it.
        lines: where it begins.
    """

    name: str
    is_default: bool = False
    base: str = ""
    platform: str = ""
    description: str = ""
    lines: tuple[SourceRange, ...] = ()


@dataclass(frozen=True)
class DockerfileTargets:
    """The stages of a Dockerfile that can be built.

    Attributes:
        targets: the stages, in the order of the file.
        text: all of it, for people.
        json: the frontend's own words.
    """

    targets: tuple[BuildTarget, ...]
    text: str
    json: str


# --- reading -----------------------------------------------------------------


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
