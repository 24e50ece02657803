"""What differs between the versions of BuildKit's Dockerfile frontend.

The frontend has versions of its own (`docker/dockerfile:1.19`): 1.2 is built into BuildKit 0.8 and
Docker 20.10, 1.7 into BuildKit 0.13 and Docker 26.1, 1.19 into BuildKit 0.25 and Docker 28.5, 1.26
into BuildKit 0.32.
"""

from __future__ import annotations

from dataclasses import dataclass

from imagebuilders.dockerfile import Grammar
from imagebuilders.evaluation.older_grammars import grammar_of


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

    @property
    def grammar(self) -> Grammar:
        """What it reads; the flags that it knows."""
        return grammar_of(self.minor)

    @property
    def knows_folders_by_dots(self) -> bool:
        """A destination that ends with `/.` is a folder."""
        return self >= Frontend(1, 3)

    @property
    def knows_named_contexts(self) -> bool:
        """A named context may stand for an image or a stage."""
        return self >= Frontend(1, 4)

    @property
    def records_copy_flags(self) -> bool:
        """The records of COPY and ADD name `--chown` and `--chmod`."""
        return self >= Frontend(1, 7)

    @property
    def expands_modes(self) -> bool:
        """Variables in `--chmod` are replaced."""
        return self >= Frontend(1, 8)

    @property
    def knows_target_stage(self) -> bool:
        """The argument TARGETSTAGE is the name of the stage that is built."""
        return self >= Frontend(1, 8)

    @property
    def refuses_global_arguments(self) -> bool:
        """An ARG before the first FROM that cannot be expanded is an error; before, it is empty."""
        return self >= Frontend(1, 8)

    @property
    def warns(self) -> bool:
        """It looks for broken rules, and `# check=` counts."""
        return self >= Frontend(1, 8)

    @property
    def records_inherited_arguments(self) -> bool:
        """The record of ARG has the value that counts, and not only the one that is written."""
        return self >= Frontend(1, 8)

    @property
    def takes_files_in_triggers(self) -> bool:
        """A trigger may take files from an image or from a stage that nothing else needs.

        Before, what triggers record as triggers is lost, too.
        """
        return self >= Frontend(1, 11)

    @property
    def expands_mounts(self) -> bool:
        """Variables in mounts are replaced; before, they are read with the file, without hints."""
        return self >= Frontend(1, 3)

    @property
    def knows_secret_variables(self) -> bool:
        """A secret may be a variable of a RUN."""
        return self >= Frontend(1, 10)

    @property
    def refuses_later_stages(self) -> bool:
        """Files of a stage that is not resolved yet are refused; before, it has none."""
        return self >= Frontend(1, 3)

    @property
    def knows_symbolic_modes(self) -> bool:
        """`--chmod` takes `u+x`; before, what is not octal means nothing."""
        return self >= Frontend(1, 13)

    @property
    def quotes_targets(self) -> bool:
        """A target that is not there is told between quotation marks."""
        return self >= Frontend(1, 7)

    @property
    def suggests_targets(self) -> bool:
        """A target that is not there is told with the name that was meant."""
        return self >= Frontend(1, 15)

    @property
    def has_own_ports(self) -> bool:
        """EXPOSE is read by the frontend itself, and not by a package of Docker's."""
        return self >= Frontend(1, 18)

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
    def writes_start_intervals(self) -> bool:
        """The record of HEALTHCHECK has a value for `--start-interval`."""
        return self >= Frontend(1, 6)

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
