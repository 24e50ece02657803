"""SOURCE_DATE_EPOCH: the time that a build's files and records shall have.

https://reproducible-builds.org/docs/source-date-epoch/
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from imagebuilders.dockerfile.document import Stage
from imagebuilders.evaluation.options import ResolveOptions
from imagebuilders.evaluation.variables import Environment
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import quote, to_lower

NAME = "SOURCE_DATE_EPOCH"
_INTEGER = re.compile(r"[+-]?[0-9]+")
_LARGEST = 2**63


def read_epoch(
    options: ResolveOptions, arguments: Environment, stages: Iterable[Stage]
) -> int | None:
    """Return the seconds since the epoch that a build's times shall be; `None` for its own.

    `context` stands for no time where the context is a folder, and so does the name of a named
    context. The name of a stage stands for the time of the one URL or repository that it adds,
    which nobody is asked for here: it stands for no time, too.

    Raises:
        EvaluationError: the value is malformed.
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
    known = {"context", *options.named_contexts, *(stage.name for stage in stages if stage.name)}
    if text not in known and to_lower(text) not in known:
        raise EvaluationError(f"invalid {NAME}: {text}")
    return None


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
