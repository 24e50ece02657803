"""The instructions of a stage, resolved one after another.

The module is longer because all instructions are seen in one place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TypedDict

from imagebuilders.dockerfile import expand, read_health_check
from imagebuilders.dockerfile.signals import is_signal
from imagebuilders.evaluation import go_values
from imagebuilders.evaluation.copy_instructions import CopyContext, resolve_copy
from imagebuilders.evaluation.frontend import Frontend
from imagebuilders.evaluation.lint import Linter
from imagebuilders.evaluation.older_words import word_refusal
from imagebuilders.evaluation.options import ResolveOptions
from imagebuilders.evaluation.outline import Outliner
from imagebuilders.evaluation.paths import is_absolute, to_slashes, working_dir
from imagebuilders.evaluation.ports import read_ports, read_ports_of_docker
from imagebuilders.evaluation.run_instructions import resolve_run, with_shell
from imagebuilders.evaluation.stages import Command, StageState
from imagebuilders.evaluation.steps import (
    Arg,
    Cmd,
    Entrypoint,
    Env,
    Expose,
    Healthcheck,
    Label,
    Lines,
    Maintainer,
    Onbuild,
    Shell,
    Step,
    StopSignal,
    User,
    Volume,
    Workdir,
)
from imagebuilders.evaluation.titles import expanded, numbered
from imagebuilders.evaluation.variables import NOT_IN_ENVIRONMENT, Environment, Words
from imagebuilders.exceptions import EvaluationError, ImageBuilderError, ShellWordError
from imagebuilders.go_text import quote
from imagebuilders.lazy_dataclass import dataclass

_SECRET = re.compile(
    r"(?:_|^)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|$)",
    re.IGNORECASE,
)
_PUBLIC = re.compile(r"(?:_|^)public(?:_|$)", re.IGNORECASE)
_NO_SECRET = re.compile(r"(?:_|^)(?:public|file|version)(?:_|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Resolver:
    """Resolves the commands of stages.

    Attributes:
        options: of the build.
        escape: the escape character.
        global_arguments: the ARGs before the first FROM, and those that every build has.
        copy_context: for COPY and ADD.
        linter: is told of broken rules.
        outliner: is told of arguments and secrets.
    """

    options: ResolveOptions
    escape: str
    global_arguments: Environment
    copy_context: CopyContext
    linter: Linter
    outliner: Outliner

    def resolve(self, command: Command, state: StageState) -> None:
        """Resolve a command: add its step to the stage, and change the stage's image.

        Raises:
            EvaluationError: it cannot be resolved; with its lines.
        """
        try:
            _Instruction(self, command, state).resolve()
        except ImageBuilderError as error:
            message = error.message if isinstance(error, EvaluationError) else str(error)
            if isinstance(error, ShellWordError):
                message = word_refusal(error, self.options.frontend)
            lines = command.lines
            raise EvaluationError(message, line=lines.first, end_line=lines.last) from error


class _Common(TypedDict):
    """The fields that every step has."""

    lines: Lines
    created_by: str
    trigger: bool


class _Instruction:
    """One command on its way to a step."""

    def __init__(self, resolver: Resolver, command: Command, state: StageState) -> None:
        self.resolver = resolver
        self.command = command
        self.instruction = command.instruction
        self.state = state
        self.image = state.image
        self.frontend = resolver.options.frontend
        self.linter = resolver.linter.above(command.instruction.comments)
        self.words = Words(
            state.environment,
            resolver.escape,
            resolver.options.frontend.grammar,
            [name for name, _ in state.arguments],
            self.linter,
            command.lines,
        )

    def resolve(self) -> None:
        step = _RESOLVERS[self.instruction.name](self)
        if step.created_by:
            self.image.record(step.created_by, makes_layer=step.makes_layer)
        self.state.steps.append(step)

    def warn(self, rule: str, text: str) -> None:
        self.linter.warn(rule, text, self.command.lines)

    # --- files ----------------------------------------------------------------

    def copy(self) -> Step:
        context = replace(self.resolver.copy_context, linter=self.linter)
        step, _ = resolve_copy(self.command, self.state, self.words, context)
        return replace(step, title=self._title(self.instruction.code))

    def run(self) -> Step:
        step, title, environment = resolve_run(
            self.command, self.state, self.words, self.resolver.options
        )
        self.resolver.outliner.note_mounts(self.state, step)
        text = expanded(title, environment, self.resolver.escape, is_command=True)
        return replace(step, title=self._numbered(text))

    def workdir(self) -> Step:
        path = self.words.expand(self.instruction.arguments[0])
        system = self.state.runs_on.os
        if not self.state.has_working_dir and not is_absolute(path, system):
            text = (
                f"Relative workdir {quote(path)} can have unexpected results if the base image "
                "changes"
            )
            self.warn("WorkdirRelativePath", text)
        self.state.has_working_dir = True
        self.image.working_dir = working_dir(self.image.working_dir, path, system)
        found = to_slashes(self.image.working_dir, system)
        makes_layer = found != "/"
        return Workdir(
            lines=self.command.lines,
            created_by=f"WORKDIR {found}",
            makes_layer=makes_layer,
            trigger=self.command.trigger,
            title=self._title(self.instruction.code) if makes_layer else "",
            path=found,
            owner=self.image.user,
        )

    def _title(self, code: str) -> str:
        return self._numbered(expanded(code, self.state.environment, self.resolver.escape))

    def _numbered(self, text: str) -> str:
        return numbered(
            self.state,
            text,
            with_platform=self.resolver.options.prefix_platform,
            trigger=self.command.trigger,
        )

    # --- variables ------------------------------------------------------------

    def env(self) -> Step:
        values = self._pairs()
        for name, value in values:
            self._warn_of_secret("ENV", name)
            self.state.environment.set(name, value)
            self.image.set_env(name, value)
        return Env(values=values, **self._common("ENV", *map("=".join, values)))

    def label(self) -> Step:
        values = self._pairs()
        self.image.labels.update(values)
        return Label(values=values, **self._common("LABEL", *map("=".join, values)))

    def _pairs(self) -> tuple[tuple[str, str], ...]:
        """Return names and values; what one sets the others do not see."""
        pairs = self.instruction.pairs
        expand_word = self.words.expand
        values = tuple((expand_word(pair.name), expand_word(pair.value or "")) for pair in pairs)
        keyword = self.instruction.keyword
        for pair in pairs:
            if pair.separator == " ":
                text = (
                    f'"{keyword} key=value" should be used instead of legacy '
                    f'"{keyword} key value" format'
                )
                self.warn("LegacyKeyValueFormat", text)
        return values

    def _warn_of_secret(self, name: str, key: str) -> None:
        harmless = _NO_SECRET if self.frontend.takes_secret_files else _PUBLIC
        if _SECRET.search(key) and not harmless.search(key):
            text = f"Do not use ARG or ENV instructions for sensitive data ({name} {quote(key)})"
            self.warn("SecretsUsedInArgOrEnv", text)

    def arg(self) -> Step:
        values: list[tuple[str, str | None]] = []
        given = self.resolver.options.build_args
        for pair in self.instruction.pairs:
            self._warn_of_secret("ARG", pair.name)
            value = pair.value
            inherited = False
            if pair.name in given:
                value = given[pair.name]
            elif value is None:
                value = self.resolver.global_arguments.get(pair.name)
                inherited = value is not None
            else:
                value = self._default(value)
            if value is not None and pair.name not in NOT_IN_ENVIRONMENT:
                self.state.environment.set(pair.name, value)
            self.resolver.outliner.note_argument(
                self.state, self.instruction, pair.name, value, inherited=inherited
            )
            self.state.arguments.append((pair.name, value))
            if not self.frontend.records_inherited_arguments:
                value = None if pair.value is None else self._default(pair.value)
            values.append((pair.name, value))
        written = [name if value is None else f"{name}={value}" for name, value in values]
        return Arg(values=tuple(values), **self._common("ARG", *written))

    def _default(self, value: str) -> str:
        words = Words(
            self.state.environment,
            self.resolver.escape,
            self.resolver.options.frontend.grammar,
            [name for name, _ in self.state.arguments],
            self.linter,
            self.command.lines,
        )
        return words.expand(value)

    # --- configuration --------------------------------------------------------

    def cmd(self) -> Step:
        arguments = self._command_line("CMD")
        self.image.cmd = arguments
        self.image.args_escaped = True
        return Cmd(arguments=arguments, **self._common("CMD", go_values.quoted_words(arguments)))

    def entrypoint(self) -> Step:
        arguments = self._command_line("ENTRYPOINT")
        self.image.entrypoint = arguments
        if "CMD" not in self.state.used:
            self.image.cmd = None
        return Entrypoint(
            arguments=arguments, **self._common("ENTRYPOINT", go_values.quoted_words(arguments))
        )

    def _command_line(self, name: str) -> tuple[str, ...]:
        self._use_once(name)
        if self.instruction.exec_form:
            return self.instruction.arguments
        if not self.image.shell:
            text = (
                f"JSON arguments recommended for {self.instruction.keyword} to prevent "
                "unintended behavior related to OS signals"
            )
            self.warn("JSONArgsRecommended", text)
        return with_shell(self.image, self.instruction.arguments)

    def _use_once(self, name: str) -> None:
        """Warn of the instruction before this one, which does not count any more."""
        used = self.state.used.get(name)
        if used is not None:
            text = (
                f"Multiple {self.instruction.keyword} instructions should not be used in the same "
                "stage because only the last one will be used"
            )
            self.linter.warn("MultipleInstructionsDisallowed", text, used)
        self.state.used[name] = self.command.lines

    def healthcheck(self) -> Step:
        self._use_once("HEALTHCHECK")
        check = read_health_check(self.instruction)
        fields: dict[str, object] = {
            "Test": list(check.test),
            "Interval": check.interval,
            "Timeout": check.timeout,
            "StartPeriod": check.start_period,
            "StartInterval": check.start_interval,
            "Retries": check.retries,
        }
        value = {name: content for name, content in fields.items() if content}
        self.image.health_check = value
        if self.frontend.writes_health_check_fields:
            written = go_values.health_check_fields(value)
        else:
            written = go_values.health_check_values(
                value, start_interval=self.frontend.writes_start_intervals
            )
        return Healthcheck(value=value, **self._common("HEALTHCHECK", written))

    def expose(self) -> Step:
        ports: list[str] = []
        for word in sorted(self.instruction.arguments, key=_bytes):
            words = expand(
                word,
                self.state.environment,
                escape=self.resolver.escape,
                grammar=self.frontend.grammar,
            ).words
            for found in words:
                if self.frontend.has_own_ports:
                    ports += read_ports(found, self.linter, self.command.lines)
                else:
                    ports += read_ports_of_docker(found)
        self.image.ports.update(ports)
        written = go_values.words(ports)
        if not self.frontend.has_own_ports:
            written = go_values.keys(ports)
        return Expose(ports=tuple(ports), **self._common("EXPOSE", written))

    def user(self) -> Step:
        user = self.words.expand(self.instruction.arguments[0])
        self.image.user = user
        return User(user=user, **self._common("USER", user))

    def volume(self) -> Step:
        paths = tuple(self.words.expand(path.strip()) for path in self.instruction.arguments)
        if "" in paths:
            raise EvaluationError("VOLUME specified can not be an empty string")
        self.image.volumes.update(paths)
        return Volume(paths=paths, **self._common("VOLUME", go_values.words(paths)))

    def stop_signal(self) -> Step:
        signal = self.words.expand(self.instruction.arguments[0])
        if not is_signal(signal):
            word = "invalid" if self.frontend >= Frontend(1, 3) else "Invalid"
            raise EvaluationError(f"{word} signal: {signal}")
        self.image.stop_signal = signal
        return StopSignal(signal=signal, **self._common("STOPSIGNAL", signal))

    def shell(self) -> Step:
        words = self.instruction.arguments
        self.image.shell = words
        return Shell(arguments=words, **self._common("SHELL", go_values.words(words)))

    def onbuild(self) -> Step:
        text = self.instruction.trigger_text
        if self.frontend.takes_files_in_triggers or not self.command.trigger:
            self.image.on_build.append(text)
        return Onbuild(instruction=text, **self._common())

    def maintainer(self) -> Step:
        author = self.instruction.arguments[0]
        self.image.author = author
        return Maintainer(author=author, **self._common("MAINTAINER", author))

    def _common(self, *record: str) -> _Common:
        return _Common(
            lines=self.command.lines, created_by=" ".join(record), trigger=self.command.trigger
        )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


_RESOLVERS: dict[str, Callable[[_Instruction], Step]] = {
    "ADD": _Instruction.copy,
    "ARG": _Instruction.arg,
    "CMD": _Instruction.cmd,
    "COPY": _Instruction.copy,
    "ENTRYPOINT": _Instruction.entrypoint,
    "ENV": _Instruction.env,
    "EXPOSE": _Instruction.expose,
    "HEALTHCHECK": _Instruction.healthcheck,
    "LABEL": _Instruction.label,
    "MAINTAINER": _Instruction.maintainer,
    "ONBUILD": _Instruction.onbuild,
    "RUN": _Instruction.run,
    "SHELL": _Instruction.shell,
    "STOPSIGNAL": _Instruction.stop_signal,
    "USER": _Instruction.user,
    "VOLUME": _Instruction.volume,
    "WORKDIR": _Instruction.workdir,
}
