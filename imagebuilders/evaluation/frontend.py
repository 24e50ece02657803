"""What differs between the versions of BuildKit's Dockerfile frontend.

The frontend has versions of its own (`docker/dockerfile:1.19`): 1.19 is built into BuildKit 0.25
and Docker 28.5, 1.26 into BuildKit 0.32.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from imagebuilders.dockerfile import BUILDKIT, Grammar


@dataclass(frozen=True, order=True)
class Frontend:
    """A version of the frontend, and how it behaves.

    Attributes:
        major: 1.
        minor: as in 26 of `docker/dockerfile:1.26`.
    """

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"

    @cached_property
    def grammar(self) -> Grammar:
        """What it reads; the flags that it knows."""
        if self >= Frontend(1, 20):
            return BUILDKIT
        flags = dict(BUILDKIT.flags)
        flags["COPY"] -= {"parents"}
        flags["RUN"] -= {"security"}
        return Grammar(flags=flags)

    @property
    def checks_comments(self) -> bool:
        """A comment `# check=` above an instruction counts for that instruction."""
        return self >= Frontend(1, 21)

    @property
    def warns_of_ignored_files(self) -> bool:
        """The rule CopyIgnoredFile is not experimental, and knows lines that begin with `!`."""
        return self >= Frontend(1, 21)

    @property
    def looks_for_scripts_behind_tabs(self) -> bool:
        """A RUN's here-document `<<-EOF` is a script if `#!` stands behind its tabs."""
        return self >= Frontend(1, 21)

    @property
    def takes_secret_files(self) -> bool:
        """SecretsUsedInArgOrEnv does not warn of names such as TOKEN_FILE and KEY_VERSION."""
        return self >= Frontend(1, 22)

    @property
    def knows_ignored_roots(self) -> bool:
        """CopyIgnoredFile warns of `COPY .` only if everything is ignored."""
        return self >= Frontend(1, 26)

    @property
    def writes_health_check_fields(self) -> bool:
        """The record of HEALTHCHECK names the fields, as in `{Test:[CMD-SHELL x] Interval:0s …}`.

        Older ones write the values as quoted words, the retries as a quoted character.
        """
        return self >= Frontend(1, 24)

    @property
    def copies_inherited_settings(self) -> bool:
        """A stage that begins with another one has labels, ports, volumes and records of its own.

        Before, what it adds to those of its base the base has, too, and so do stages that
        begin with the same one later; and records take the place of those of other stages.
        """
        return self >= Frontend(1, 24)

    @property
    def derives_source_date_epoch(self) -> bool:
        """SOURCE_DATE_EPOCH may be `context`, a stage or a named context."""
        return self >= Frontend(1, 24)


NEWEST = Frontend(1, 26)
"""The newest version whose behaviour is known, built into BuildKit 0.32."""
