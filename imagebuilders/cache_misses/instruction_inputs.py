"""What a single step is made of: RUN, COPY, ADD or WORKDIR at its place in a stage.

RUN sees all variables, COPY, ADD and WORKDIR only those that they name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from imagebuilders.cache_misses.copied_files import ContextFiles, UnknownFilesError
from imagebuilders.cache_misses.scope import Scope
from imagebuilders.cache_misses.step_inputs import (
    EXPANDED,
    OPTION,
    ORDER,
    SETTING,
    VARIABLE,
    Point,
    StepInputs,
)
from imagebuilders.dockerfile import Instruction, flag_fields
from imagebuilders.go_text import clean_path, to_lower

if TYPE_CHECKING:
    from imagebuilders.build_options.options import DockerBuildOptions
    from imagebuilders.cache_misses.fingerprints import Fingerprints

_OF_RUN = ("network_mode", "shmsize", "ulimit", "cgroup_parent")
_DEFAULT_SHELL = "/bin/sh\0-c"
_REMOTE = ("http://", "https://", "git@", "git://", "ssh://")


class InstructionReader:
    """Reads the instructions of one build."""

    def __init__(
        self,
        options: DockerBuildOptions,
        arguments: Mapping[str, str],
        files: ContextFiles,
        fingerprints: Fingerprints,
        find: Callable[[str], Point | None],
    ) -> None:
        """Take what holds for all of them.

        Args:
            options: the build's options.
            arguments: the build arguments.
            files: the context.
            fingerprints: of values.
            find: returns what `--from` leads to; `None` for a context that is not known.
        """
        self._options = options
        self._arguments = arguments
        self._files = files
        self._of = fingerprints.of
        self._find = find

    def read(self, step: StepInputs, instruction: Instruction, scope: Scope) -> StepInputs:
        """Return a step with what it is made of.

        Args:
            step: the step, which has its place alone.
            instruction: its instruction.
            scope: what holds for it.
        """
        step = replace(step, text=self._text(instruction))
        match instruction.name:
            case "RUN":
                return self._run(step, instruction, scope)
            case "WORKDIR":
                return self._path_step(step, instruction, scope)
            case _:
                return self._copy(step, instruction, scope)

    def _text(self, instruction: Instruction) -> str:
        documents = [
            f"{each.name}\0{each.expand}\0{each.text}" for each in instruction.here_documents
        ]
        flags = [str(flag) for flag in instruction.flags]
        return self._of(
            instruction.name,
            str(instruction.exec_form),
            *(str(len(part)) for part in (flags, instruction.arguments, documents)),
            *flags,
            *instruction.arguments,
            *documents,
        )

    def _run(self, step: StepInputs, instruction: Instruction, scope: Scope) -> StepInputs:
        values = {f"{VARIABLE}{name}": self._of(value) for name, value in scope.variables.items()}
        values[ORDER] = self._of(*scope.variables)
        values[f"{SETTING}WORKDIR"] = self._of(_folder(scope))
        values[f"{SETTING}USER"] = self._of(scope.user)
        if not instruction.exec_form:
            values[f"{SETTING}SHELL"] = self._of(scope.shell or _DEFAULT_SHELL)
        for name in _OF_RUN:
            if value := getattr(self._options, name, None):
                values[f"{OPTION}{name}"] = self._of(str(value))
        if hosts := [line.host for line in self._options.extra_hosts]:
            values[f"{OPTION}extra_hosts"] = self._of(*hosts)  # their addresses do not count
        hostname = self._arguments.get("BUILDKIT_SANDBOX_HOSTNAME")
        if hostname is not None:
            values[f"{VARIABLE}BUILDKIT_SANDBOX_HOSTNAME"] = self._of(hostname)
        step = replace(step, values=values, arguments=scope.arguments)
        for mount in instruction.flag_values("mount"):
            step = self._mount(step, mount, scope)
        return step

    def _mount(self, step: StepInputs, mount: str, scope: Scope) -> StepInputs:
        """Return a step with what one of its mounts adds."""
        try:
            fields = dict(_field(text) for text in flag_fields(mount))
        except ValueError:
            return replace(step, is_known=False)
        kind = fields.get("type", "bind")
        if kind not in ("bind", "cache"):
            return step
        origin = scope.expand(fields.get("from", ""))[0]
        if origin and self._files.named(origin) is None:
            return self._with_source(step, origin)
        if kind == "cache" and not origin:
            return step
        if "rw" in fields or "readwrite" in fields or fields.get("ro", "true") == "false":
            return replace(step, is_known=False)  # such a mount is known by more than its content
        source = scope.expand(fields.get("source", fields.get("src", "")))[0]
        return self._with_files(step, (source,), (), origin)

    def _copy(self, step: StepInputs, instruction: Instruction, scope: Scope) -> StepInputs:
        step = self._path_step(step, instruction, scope)
        words = [scope.expand(word)[0] for word in instruction.arguments[:-1]]
        named = {f"<<{document.name}" for document in instruction.here_documents}
        sources = [
            word for word in words if word.replace("<<-", "<<").replace('"', "") not in named
        ]
        if len(instruction.here_documents) != len(words) - len(sources):
            return replace(step, is_known=False)
        origin = scope.expand(instruction.flag("from") or "")[0]
        if origin and self._files.named(origin) is None:
            return self._with_source(step, origin)
        local = [word for word in sources if not word.startswith(_REMOTE)]
        if len(local) < len(sources):
            # What lies at an address may have changed.
            step = replace(step, is_known=False, fetches=True)
        if not local:
            return step
        excludes = [scope.expand(each)[0] for each in instruction.flag_values("exclude")]
        return self._with_files(step, tuple(local), tuple(excludes), origin)

    def _path_step(self, step: StepInputs, instruction: Instruction, scope: Scope) -> StepInputs:
        """Return a COPY, ADD or WORKDIR with the values that it names."""
        used: set[str] = set()
        expanded = []
        for word in _words(instruction):
            text, names = scope.expand(word)
            expanded.append(text)
            used |= names
        values = {f"{VARIABLE}{name}": self._of(scope.variables[name]) for name in sorted(used)}
        values[EXPANDED] = self._of(*expanded)
        target = instruction.arguments[-1] if instruction.arguments else "/"
        if not scope.expand(target)[0].startswith("/"):
            values[f"{SETTING}WORKDIR"] = self._of(_folder(scope))
        if instruction.name == "WORKDIR":
            values[f"{SETTING}USER"] = self._of(scope.user)
        return replace(step, values=values, arguments=scope.arguments & used)

    def _with_files(
        self, step: StepInputs, sources: tuple[str, ...], excludes: tuple[str, ...], origin: str
    ) -> StepInputs:
        """Return a step with files of the context, or of a named one that is a folder."""
        folder = self._files.named(origin)
        try:
            found = (folder or self._files).copied(sources, excludes)
        except UnknownFilesError:
            return replace(step, is_known=False)
        if folder is not None:
            found = {f"{origin}: {path}": mark for path, mark in found.items()}
        return replace(step, files={**step.files, **found})

    def _with_source(self, step: StepInputs, name: str) -> StepInputs:
        point = self._find(name)
        if point is None:
            return replace(step, is_known=False)
        return replace(step, sources=(*step.sources, point))


def _folder(scope: Scope) -> str:
    """Return the working folder in its normal form; the root where no instruction sets one."""
    return clean_path(f"/{scope.workdir}")


def _field(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    return to_lower(key), value


def _words(instruction: Instruction) -> Iterator[str]:
    """Yield all of an instruction in which variables are replaced."""
    yield from instruction.arguments
    for flag in instruction.flags:
        if flag.value is not None:
            yield flag.value
    for document in instruction.here_documents:
        if document.expand:
            yield document.text
