"""SOURCE_DATE_EPOCH: the time that a build's files and records shall have.

https://reproducible-builds.org/docs/source-date-epoch/
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from imagebuilders.dockerfile.document import Stage
from imagebuilders.evaluation.bases import named_context
from imagebuilders.evaluation.epoch_sources import source_of_context, source_of_stage
from imagebuilders.evaluation.options import ResolveOptions
from imagebuilders.evaluation.steps import ContextOrigin, GitSource, UrlSource
from imagebuilders.evaluation.variables import Environment
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import quote, to_lower

NAME = "SOURCE_DATE_EPOCH"
_INTEGER = re.compile(r"[+-]?[0-9]+")
_LARGEST = 2**63


def read_epoch(
    options: ResolveOptions, arguments: Environment, stages: Sequence[Stage], escape: str
) -> int | None:
    """Return the seconds since the epoch that a build's times shall be; `None` for its own.

    A name stands for when something was made: `context` for the main context, else a named
    context, or what a stage adds from a URL or a repository. The options' `source_times` is asked.

    Args:
        options: of the build.
        arguments: those before the first FROM.
        stages: of the Dockerfile.
        escape: the escape character.

    Raises:
        EvaluationError: the value is malformed, or what it names is; in BuildKit's words.
        ImageBuilderError: what it names cannot be had.
    """
    derives = options.frontend.derives_source_date_epoch
    text = options.build_args.get(NAME)
    if text is None:
        text = arguments.get(NAME, "") if derives else ""
    if not text:
        return None
    if _INTEGER.fullmatch(text) and -_LARGEST <= int(text) < _LARGEST:
        return int(text)
    if not derives:
        problem = f"strconv.ParseInt: parsing {quote(text)}: invalid syntax"
        raise EvaluationError(f"invalid {NAME}: {text}: {problem}")
    source = _named(text, options, arguments, stages, escape)
    if source is None or options.source_times is None:
        return None
    return options.source_times.time(source)


def _named(
    text: str,
    options: ResolveOptions,
    arguments: Environment,
    stages: Sequence[Stage],
    escape: str,
) -> UrlSource | GitSource | ContextOrigin | None:
    """Return what a name stands for; `None` for what has no time."""
    if text == "context":
        return ContextOrigin()
    if key := named_context(text, options.target_platform, options):
        return source_of_context(options.named_contexts[key])
    for stage in stages:
        if stage.name and stage.name == to_lower(text):
            return source_of_stage(stage, arguments, options, escape)
    raise EvaluationError(f"invalid {NAME}: {text}")


def with_epoch(
    options: ResolveOptions, arguments: Environment, epoch: int | None
) -> tuple[ResolveOptions, Environment]:
    """Return options and arguments with the seconds in the place of what stands for them.

    Newer frontends do that: instructions see a number, or nothing where a name stands for no
    time.

    Args:
        options: of the build.
        arguments: those before the first FROM.
        epoch: the seconds; `None` for no time.
    """
    if not options.frontend.derives_source_date_epoch:
        return options, arguments
    own = {NAME: str(epoch)} if epoch is not None else {}
    if NAME in options.build_args:
        others = {name: value for name, value in options.build_args.items() if name != NAME}
        options = replace(options, build_args={**others, **own})
    if NAME in arguments:
        arguments = arguments.copy()
        arguments.remove(NAME)
        for name, value in own.items():
            arguments.set(name, value)
    return options, arguments
