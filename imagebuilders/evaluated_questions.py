"""Questions about a Dockerfile, answered without a daemon: it is evaluated on this machine.

The answers have the forms of BuildKit's own frontend, JSON and text; source:
frontend/subrequests of https://github.com/moby/buildkit.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.environment import with_environment
from imagebuilders.buildkit.dockerfile_questions import DockerfileQuestions, FrontendCall
from imagebuilders.dockerfile import excerpt, parse
from imagebuilders.exceptions import (
    BuildContextError,
    BuildError,
    EvaluationError,
    ImageBuilderError,
)
from imagebuilders.oci.platform import Platform

if TYPE_CHECKING:
    from imagebuilders.build_context import BuildContext
    from imagebuilders.context.dockerfile_lookup import FoundDockerfile
    from imagebuilders.context.snapshot import ContextSnapshot
    from imagebuilders.evaluation import Images, LintWarning, Outline, ResolveOptions, Target
    from imagebuilders.evaluation.outline import SessionValue
    from imagebuilders.evaluation.steps import Lines

_RULER = "--------------------\n"
_EMPTY = "", 0, False, None
"""What JSON has not."""


class EvaluatedQuestions(DockerfileQuestions):
    """Answers what `docker buildx build --call` asks, for builders that have no daemon at hand.

    Base images are looked at in their registries, for what they trigger and set; one that is out of
    reach counts as one that does neither.
    """

    def _ask(
        self,
        call: FrontendCall,
        build_context: BuildContext,
        docker_build_options: Mapping[str, object] | DockerBuildOptions | None,
    ) -> tuple[Mapping[str, bytes], FoundDockerfile]:
        from imagebuilders.auth.keychain import shared_keychain
        from imagebuilders.build_checks import check_types
        from imagebuilders.evaluation import RegistryImages

        check_types(build_context, None)
        options = with_environment(DockerBuildOptions.from_any(docker_build_options))
        snapshot = build_context.build_snapshot(options.dockerfile)
        found = snapshot.dockerfile
        if snapshot.remote is not None or found is None:
            raise BuildContextError("A Dockerfile that is not on this machine cannot be read here.")
        wanted = _resolve_options(options, snapshot)
        with shared_keychain() as keychain, RegistryImages(keychain) as registries:
            images = _LenientImages(registries)
            if call is FrontendCall.CHECK:
                answer, text = _check(found, wanted, images)
            else:
                try:
                    if call is FrontendCall.OUTLINE:
                        answer, text = _outline(found, wanted, images)
                    else:
                        answer, text = _targets(found, wanted)
                except EvaluationError as error:
                    raise _unreadable(found, error) from error
        content: object = base64.b64encode(found.content).decode()
        if call is FrontendCall.CHECK:
            name = os.path.basename(found.name)
            content = {"filename": name, "data": content, "language": "Dockerfile"}
        answer["sources"] = [content]
        metadata = {"result.json": json.dumps(answer).encode(), "result.txt": text.encode()}
        return metadata, found


def _unreadable(found: FoundDockerfile, error: EvaluationError) -> BuildError:
    shown = excerpt(parse(found.content), error.line, error.end_line) if error.line else ""
    text = f"{found.name} could not be read: {error.message}\n{shown}".rstrip("\n")
    return BuildError(text, excerpt=shown or None)


class _LenientImages:
    """Takes an image that cannot be looked at for one without configuration."""

    def __init__(self, images: Images) -> None:
        self._images = images

    def config(self, reference: str, platform: Platform) -> bytes:
        """Return the JSON document of an image's configuration."""
        from imagebuilders.evaluation import UnknownImages

        try:
            return self._images.config(reference, platform)
        except ImageBuilderError:
            return UnknownImages().config(reference, platform)


def _resolve_options(options: DockerBuildOptions, snapshot: ContextSnapshot) -> ResolveOptions:
    from imagebuilders.evaluation import ResolveOptions

    ignore_file = snapshot.ignore_file
    first = (options.platform or "").partition(",")[0]
    return ResolveOptions(
        target=options.target or "",
        build_args={name: value for name, value in options.buildargs.items() if value is not None},
        labels=dict(options.labels),
        platform=Platform.parse(first) if first else None,
        named_contexts={
            name: f"local:{name}" if os.path.isdir(value) else value
            for name, value in options.build_contexts.items()
        },
        ignore_lines=() if ignore_file is None else tuple(line.text for line in ignore_file.lines),
    )


# --- the answers -----------------------------------------------------------------


def _check(
    found: FoundDockerfile, options: ResolveOptions, images: Images
) -> tuple[dict[str, object], str]:
    from dataclasses import replace

    from imagebuilders.evaluation import resolve

    warnings: list[LintWarning] = []
    answer: dict[str, object] = {}
    try:
        # Without a target all stages are checked.
        wanted = replace(options, all_stages=not options.target)
        resolve(found.content, wanted, images, warn=warnings.append)
    except EvaluationError as error:
        place = _location(error.line, error.end_line) if error.line else {}
        answer["buildError"] = {"message": error.message, "location": place}
    answer["warnings"] = [
        _without_empty(
            ruleName=warning.rule,
            description=warning.description,
            url=warning.url,
            detail=warning.text,
            location=_location_of(warning.lines),
        )
        for warning in warnings
    ] or None
    ordered = sorted(warnings, key=lambda each: each.lines.first if each.lines else 0)
    return answer, "".join(_warning_text(each, found) for each in ordered)


def _outline(
    found: FoundDockerfile, options: ResolveOptions, images: Images
) -> tuple[dict[str, object], str]:
    from imagebuilders.evaluation import resolve

    warnings: list[LintWarning] = []  # with `# check=error=true` one of them is an error
    outline = resolve(found.content, options, images, warn=warnings.append).outline
    return _without_empty(
        name=outline.name,
        description=outline.description,
        args=[
            _without_empty(
                name=argument.name,
                value=argument.value,
                description=argument.description,
                location=_location_of(argument.lines),
            )
            for argument in outline.arguments
        ]
        or None,
        secrets=_session_values(outline.secrets),
        ssh=_session_values(outline.agents),
    ), _outline_text(outline)


def _targets(found: FoundDockerfile, options: ResolveOptions) -> tuple[dict[str, object], str]:
    from imagebuilders.evaluation import targets_of
    from imagebuilders.evaluation.reading import read_dockerfile

    targets = targets_of(read_dockerfile(found.content, options, None)[0])
    answer: dict[str, object] = {
        "targets": [
            _without_empty(
                name=target.name,
                default=target.default,
                base=target.base,
                platform=target.platform,
                description=target.description,
                location=_location_of(target.lines),
            )
            for target in targets
        ]
    }
    rows = [("TARGET", "DESCRIPTION")]
    rows += [(_target_name(target), target.description) for target in targets]
    return answer, _table(rows, padding=1)


def _target_name(target: Target) -> str:
    return " ".join(filter(None, (target.name, "(default)" if target.default else "")))


def _session_values(values: Sequence[SessionValue]) -> list[dict[str, object]] | None:
    return [
        _without_empty(name=value.name, required=value.required, location=_location_of(value.lines))
        for value in values
    ] or None


def _without_empty(**fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value not in _EMPTY}


def _location_of(lines: Lines | None) -> dict[str, object] | None:
    return None if lines is None else _location(lines.first, lines.last)


def _location(first: int, last: int) -> dict[str, object]:
    places = [{"line": number} for number in range(first, last + 1)]
    return {"ranges": [{"start": place, "end": place} for place in places]}


# --- as text ---------------------------------------------------------------------


def _outline_text(outline: Outline) -> str:
    text = ""
    if outline.name or outline.description:
        rows = [("TARGET:", outline.name or "default")]
        if outline.description:
            rows.append(("DESCRIPTION:", outline.description))
        text += _table(rows, padding=1) + "\n"
    if outline.arguments:
        named = [(each.name, each.value, each.description) for each in outline.arguments]
        text += _table([("BUILD ARG", "VALUE", "DESCRIPTION"), *named]) + "\n"
    for kind, values in (("SECRET", outline.secrets), ("SSH", outline.agents)):
        if values:
            asked = [(each.name, "true" if each.required else "") for each in values]
            text += _table([(kind, "REQUIRED"), *asked]) + "\n"
    return text


def _table(rows: Iterable[Sequence[str]], *, padding: int = 3) -> str:
    """Return lines in whose columns all but the last are as wide as their widest cell."""
    rows = list(rows)
    widths = [max(map(len, column)) + padding for column in zip(*rows, strict=True)]
    return "".join(
        "".join(cell.ljust(width) for cell, width in zip(row, widths[:-1], strict=False))
        + f"{row[-1]}\n"
        for row in rows
    )


def _warning_text(warning: LintWarning, found: FoundDockerfile) -> str:
    url = f" - {warning.url}" if warning.url else ""
    text = f"\nWARNING: {warning.rule}{url}\n{warning.text}\n"
    if warning.lines is None:
        return text
    lines = found.content.decode("utf-8", "replace").split("\n")
    first, last = warning.lines.first, min(warning.lines.last, len(lines))
    around = 2 if first == last else 1
    shown = [
        f" {number:3} | {'>>>' if first <= number <= last else '   '} {lines[number - 1]}\n"
        for number in range(max(1, first - around), min(len(lines), last + around) + 1)
    ]
    name = os.path.basename(found.name)
    return f"{text}{name}:{first}\n{_RULER}{''.join(shown)}{_RULER}"
