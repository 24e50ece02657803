"""What a RUN step does, for it is never executed."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, field

FileContent = str | bytes | None


@dataclass(frozen=True)
class RunEffect:
    """The effects an engine gives to the RUN steps that match a pattern.

    Attributes:
        pattern: a shell pattern for the command, as in `pip install *`.
        files: absolute paths with their content; `None` removes the path.
        env: variables the commands of the image see from then on.
        output: what the command prints.
        error_output: what it prints to standard error.
        exit_code: any but 0 fails the build.
    """

    pattern: str
    files: Mapping[str, FileContent] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    output: str = ""
    error_output: str = ""
    exit_code: int = 0

    def matches(self, command: str) -> bool:
        """Whether it is meant for this command."""
        return fnmatch.fnmatchcase(command, self.pattern)
