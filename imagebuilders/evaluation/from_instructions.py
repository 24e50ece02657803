"""FROM: what a stage is called, begins with and runs on."""

from __future__ import annotations

from imagebuilders.dockerfile import Dockerfile, Expansion, expand
from imagebuilders.dockerfile.document import Stage as WrittenStage
from imagebuilders.dockerfile.suggestions import suggestion
from imagebuilders.evaluation.bases import named_context
from imagebuilders.evaluation.frontend import Frontend
from imagebuilders.evaluation.image_names import parse_name
from imagebuilders.evaluation.lint import Linter
from imagebuilders.evaluation.options import ResolveOptions
from imagebuilders.evaluation.platform_names import parse_platform
from imagebuilders.evaluation.stages import Command, StageState, lines_of
from imagebuilders.evaluation.steps import Lines
from imagebuilders.evaluation.variables import Environment, placed, with_global_arguments
from imagebuilders.exceptions import EvaluationError, ShellWordError
from imagebuilders.go_text import quote
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.platform import Platform

_WITH_LAYER = frozenset({"ADD", "COPY", "RUN", "WORKDIR"})


def check_defaults(
    dockerfile: Dockerfile, beginning: Environment, linter: Linter, frontend: Frontend
) -> None:
    """Warn of bases that are no names unless build arguments are given."""
    try:
        escape, grammar = dockerfile.escape, frontend.grammar
        arguments = with_global_arguments(beginning, dockerfile.global_args, {}, escape, frontend)
        for stage in dockerfile.stages:
            name = expand(stage.base, arguments, escape=escape, grammar=grammar).text
            if not _is_name(name):
                text = (
                    f"Default value for ARG {stage.base} results in empty or invalid base "
                    "image name"
                )
                lines = lines_of(stage.instruction)
                linter.warn("InvalidDefaultArgInFrom", text, lines)
    except ShellWordError:
        return  # it is told when it is used


@dataclass(frozen=True)
class FromInstructions:
    """Reads the FROMs of a Dockerfile.

    Attributes:
        options: of the build.
        escape: the escape character.
        arguments: the ARGs before the first FROM, and those that every build has.
        declared: the names of these.
        linter: is told of broken rules.
    """

    options: ResolveOptions
    escape: str
    arguments: Environment
    declared: tuple[str, ...]
    linter: Linter

    def begin(self, written: WrittenStage) -> tuple[StageState, frozenset[str]]:
        """Return a stage, and the arguments that its FROM uses.

        Raises:
            EvaluationError: its FROM is malformed.
        """
        lines = lines_of(written.instruction)
        linter = self.linter.above(written.instruction.comments)
        base = self._expanded(written.base, lines, linter)
        if not base.text:
            raise EvaluationError(
                f"base name ({written.base}) should not be blank",
                line=lines.first,
                end_line=lines.last,
            )
        state = StageState(
            base_name=base.text,
            lines=lines,
            name=written.name,
            title=written.name or f"stage-{written.number}",
            index=written.number,
            written_base=written.base,
            is_stage=True,
            commands=[Command(step, lines_of(step)) for step in written.steps],
        )
        used = base.used
        if written.platform:
            platform = self._platform(written, lines, linter)
            state.platform, used = platform[0], used | platform[1]
        if written.name:
            state.named_context = named_context(
                written.name,
                state.platform or self.options.platform or self.options.build_platform,
                self.options,
            )
        state.step_count = sum(
            command.instruction.name in _WITH_LAYER for command in state.commands
        )
        return state, used

    def _expanded(self, word: str, lines: Lines, linter: Linter) -> Expansion:
        """Expand a word of a FROM."""
        frontend = self.options.frontend
        with placed(lines, frontend):
            found = expand(word, self.arguments, escape=self.escape, grammar=frontend.grammar)
        for name in sorted(found.unset.difference(self.declared)):
            hint = suggestion(name, frozenset(self.declared), case_sensitive=True)
            text = f"FROM argument '{name}' is not declared{hint}"
            linter.warn("UndefinedArgInFrom", text, lines)
        return found

    def _platform(
        self, written: WrittenStage, lines: Lines, linter: Linter
    ) -> tuple[Platform, frozenset[str]]:
        """Return the platform of a FROM, and the arguments it uses."""
        try:
            found = self._expanded(written.platform, lines, linter)
        except EvaluationError as error:
            raise EvaluationError(
                f"failed to process arguments for platform : {error.message}",
                line=lines.first,
                end_line=lines.last,
            ) from error
        is_target = found.used == {"TARGETPLATFORM"} and not found.unset
        if is_target and found.text == self.arguments["TARGETPLATFORM"]:
            text = (
                f"Setting platform to predefined {written.platform} in FROM is redundant as this "
                "is the default behavior"
            )
            linter.warn("RedundantTargetPlatform", text, lines)
        return self._parsed_platform(written, found, lines, linter), found.used

    def _parsed_platform(
        self, written: WrittenStage, found: Expansion, lines: Lines, linter: Linter
    ) -> Platform:
        hint = self._argument_hint(found) if self.options.frontend.suggests_targets else ""
        frontend = self.options.frontend
        if not found.text and frontend.warns:
            raise EvaluationError(
                f"empty platform value from expression {written.platform}{hint}",
                line=lines.first,
                end_line=lines.last,
            )
        try:
            platform = parse_platform(found.text, frontend)
        except ValueError as error:
            named = written.platform if frontend.warns else found.text
            raise EvaluationError(
                f"failed to parse platform {named}: {error}{hint}",
                line=lines.first,
                end_line=lines.last,
            ) from None
        is_named = platform.os in written.name or platform.architecture in written.name
        if not (found.used or found.unset or is_named):
            text = f"FROM --platform flag should not use constant value {quote(found.text)}"
            linter.warn("FromPlatformFlagConstDisallowed", text, lines)
        return platform

    def _argument_hint(self, found: Expansion) -> str:
        hints = (
            suggestion(name, self.arguments, case_sensitive=True) for name in sorted(found.unset)
        )
        return next(filter(None, hints), "")


def _is_name(text: str) -> bool:
    try:
        parse_name(text)
    except ValueError:
        return False
    return True
