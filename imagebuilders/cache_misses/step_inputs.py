"""What BuildKit's cache knows each step of a Dockerfile by, as far as a client can know it.

A step's key is made of the step itself, of what it builds upon and of what it copies:
https://docs.docker.com/build/cache/invalidation/. Only RUN, COPY, ADD and WORKDIR are steps; what
other instructions set counts where a step uses it. RUN sees all variables, COPY and WORKDIR only
those that they name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from imagebuilders.cache_misses.copied_files import ContextFiles, UnknownFilesError
from imagebuilders.cache_misses.scope import Scope, global_arguments
from imagebuilders.dockerfile import Dockerfile, Instruction, Stage, flag_fields
from imagebuilders.exceptions import ImageNameError
from imagebuilders.go_text import to_lower
from imagebuilders.oci.reference import DEFAULT_TAG, ImageReference

if TYPE_CHECKING:
    from imagebuilders.build_options.options import DockerBuildOptions
    from imagebuilders.cache_misses.fingerprints import Fingerprints

SCRATCH = "scratch"
STEPS = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})

Point: TypeAlias = int | str
"""Something to build upon or to copy from: the index of a step, or the name of an image."""

EXPANDED = "expanded"
ORDER = "order"
VARIABLE = "variable:"
OPTION = "option:"
SETTING = "setting:"

_OF_RUN = ("network_mode", "shmsize", "ulimit", "cgroup_parent")
_REMOTE = ("http://", "https://", "git@", "git://", "ssh://")


@dataclass(frozen=True)
class StepInputs:
    """A step, and what its key is made of.

    Attributes:
        stage: its stage's name, `stage-N` for one without.
        number: its number among the events of the stage.
        line: the line that it begins in.
        name: its keyword in upper case.
        code: the instruction as it is written, on one line.
        text: the fingerprint of the instruction, variables not replaced.
        values: fingerprints of what holds for it, by a name that says what it is.
        arguments: the variables among them that are build arguments.
        files: what it takes of the context: a mark by each path.
        parent: what it builds upon.
        sources: what else it takes files from.
        base: the image that its stage, or the stage that this one begins with, begins with.
        is_linked: whether it is a `--link`.
        is_known: whether nothing of its key lies beyond a client's sight.
        fetches: whether it fetches something from an address.
    """

    stage: str
    number: int
    line: int
    name: str
    code: str = field(repr=False)
    text: str
    values: Mapping[str, str]
    arguments: frozenset[str]
    files: Mapping[str, str]
    parent: Point
    sources: tuple[Point, ...]
    base: str
    is_linked: bool = False
    is_known: bool = True
    fetches: bool = False


@dataclass(frozen=True)
class BuildInputs:
    """What a build is made of.

    Attributes:
        steps: the steps of all stages, each behind what it needs.
        images: the names of the images that stages begin with or copy from.
    """

    steps: tuple[StepInputs, ...]
    images: tuple[str, ...]


def image_key(name: str) -> str:
    """Return an image's name in full, as `docker.io/library/busybox:latest`."""
    try:
        found = ImageReference.parse(name)
    except ImageNameError:
        return name
    tag = found.tag or ("" if found.digest else DEFAULT_TAG)
    return (
        f"{found.domain}/{found.path}"
        + (f":{tag}" if tag else "")
        + (f"@{found.digest}" if found.digest else "")
    )


def read_inputs(
    dockerfile: Dockerfile,
    options: DockerBuildOptions,
    arguments: Mapping[str, str],
    files: ContextFiles,
    fingerprints: Fingerprints,
) -> BuildInputs:
    """Return what the steps of a Dockerfile are made of.

    Args:
        dockerfile: the Dockerfile.
        options: the build's options.
        arguments: the build arguments.
        files: the context.
        fingerprints: of values.
    """
    reader = _Reader(dockerfile, options, arguments, files, fingerprints)
    for stage in dockerfile.stages:
        reader.read_stage(stage)
    return BuildInputs(tuple(reader.steps), tuple(dict.fromkeys(reader.images)))


@dataclass(frozen=True)
class _StageEnd:
    """What a stage comes to."""

    point: Point
    scope: Scope
    base: str


class _Reader:
    """Goes through the stages."""

    def __init__(
        self,
        dockerfile: Dockerfile,
        options: DockerBuildOptions,
        arguments: Mapping[str, str],
        files: ContextFiles,
        fingerprints: Fingerprints,
    ) -> None:
        self.steps: list[StepInputs] = []
        self.images: list[str] = []
        self._dockerfile = dockerfile
        self._options = options
        self._arguments = arguments
        self._globals = global_arguments(dockerfile, arguments)
        self._files = files
        self._of = fingerprints.of
        self._ends: dict[int, _StageEnd] = {}
        self._contexts = {to_lower(name): value for name, value in options.build_contexts.items()}

    # --- stages ----------------------------------------------------------------

    def read_stage(self, stage: Stage) -> None:
        start, is_counted = self._start(stage)
        label = stage.name or f"stage-{stage.number}"
        end, number = start, 1 if is_counted else 0
        for instruction in stage.steps:
            if instruction.name in STEPS and not self._is_root_workdir(instruction, end.scope):
                number += 1
                step = self._step(instruction, end, label, number)
                self.steps.append(step)
                end = replace(end, point=len(self.steps) - 1)
            scope = end.scope.after(instruction, self._arguments, self._globals)
            end = replace(end, scope=scope)
        self._ends[stage.number] = end

    def _start(self, stage: Stage) -> tuple[_StageEnd, bool]:
        """Return what a stage begins with, and whether its FROM is a step of its own."""
        scope = Scope(self._globals, escape=self._dockerfile.escape)
        name = scope.expand(stage.base)[0]
        platform = scope.expand(stage.platform)[0]
        earlier = None if to_lower(name) in self._contexts else self._earlier(name, stage.number)
        if earlier is not None:
            return earlier, False
        key = self._image(name)
        if platform:
            key = f"{key} {platform}"
        is_counted = key != SCRATCH
        return _StageEnd(key, Scope(escape=self._dockerfile.escape), key), is_counted

    def _earlier(self, name: str, before: int) -> _StageEnd | None:
        """Return what an earlier stage of a name comes to."""
        for stage in reversed(self._dockerfile.stages[:before]):
            if stage.name and stage.name == to_lower(name):
                return self._ends[stage.number]
        return None

    def _copied_point(self, name: str) -> Point | None:
        """Return what `--from` leads to; `None` for a context that is not known here."""
        if to_lower(name) in self._contexts:
            return None
        found = self._dockerfile.stage(name)
        if found is not None and found.number in self._ends:
            return self._ends[found.number].point
        return self._image(name)

    def _image(self, name: str) -> str:
        if name == SCRATCH:
            return SCRATCH
        context = self._contexts.get(to_lower(name))
        key = f"context:{self._of(context)}" if context is not None else image_key(name)
        self.images.append(key)
        return key

    # --- steps -----------------------------------------------------------------

    def _is_root_workdir(self, instruction: Instruction, scope: Scope) -> bool:
        """Tell whether it is a `WORKDIR /`, for which nothing is to be done."""
        words = instruction.arguments
        if instruction.name != "WORKDIR" or not words:
            return False
        return set(scope.expand(words[0])[0]) == {"/"}

    def _step(self, instruction: Instruction, at: _StageEnd, stage: str, number: int) -> StepInputs:
        step = StepInputs(
            stage=stage,
            number=number,
            line=instruction.line,
            name=instruction.name,
            code=instruction.code,
            text=self._text(instruction),
            values={},
            arguments=frozenset(),
            files={},
            parent=at.point,
            sources=(),
            base=at.base,
        )
        if instruction.name == "RUN":
            return self._run(step, instruction, at.scope)
        if instruction.name == "WORKDIR":
            return self._path_step(step, instruction, at.scope)
        return self._copy(step, instruction, at.scope)

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
        values[f"{SETTING}WORKDIR"] = self._of(scope.workdir)
        values[f"{SETTING}USER"] = self._of(scope.user)
        if not instruction.exec_form:
            values[f"{SETTING}SHELL"] = self._of(scope.shell)
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
        if origin:
            return self._with_source(step, origin)
        if kind == "cache":
            return step
        if "rw" in fields or "readwrite" in fields or fields.get("ro", "true") == "false":
            return replace(step, is_known=False)  # such a mount is known by more than its content
        source = scope.expand(fields.get("source", fields.get("src", "")))[0]
        return self._with_files(step, (source,), ())

    def _copy(self, step: StepInputs, instruction: Instruction, scope: Scope) -> StepInputs:
        step = self._path_step(step, instruction, scope)
        step = replace(step, is_linked=instruction.flag("link") in ("", "true"))
        words = [scope.expand(word)[0] for word in instruction.arguments[:-1]]
        named = {f"<<{document.name}" for document in instruction.here_documents}
        sources = [
            word for word in words if word.replace("<<-", "<<").replace('"', "") not in named
        ]
        if len(instruction.here_documents) != len(words) - len(sources):
            return replace(step, is_known=False)
        origin = instruction.flag("from")
        if origin:
            return self._with_source(step, scope.expand(origin)[0])
        local = [word for word in sources if not word.startswith(_REMOTE)]
        if len(local) < len(sources):
            # What lies at an address may have changed.
            step = replace(step, is_known=False, fetches=True)
        if not local:
            return step
        excludes = [scope.expand(each)[0] for each in instruction.flag_values("exclude")]
        return self._with_files(step, tuple(local), tuple(excludes))

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
            values[f"{SETTING}WORKDIR"] = self._of(scope.workdir)
        if instruction.name == "WORKDIR":
            values[f"{SETTING}USER"] = self._of(scope.user)
        return replace(step, values=values, arguments=scope.arguments & used)

    def _with_files(
        self, step: StepInputs, sources: tuple[str, ...], excludes: tuple[str, ...]
    ) -> StepInputs:
        try:
            found = self._files.copied(sources, excludes)
        except UnknownFilesError:
            return replace(step, is_known=False)
        return replace(step, files={**step.files, **found})

    def _with_source(self, step: StepInputs, name: str) -> StepInputs:
        point = self._copied_point(name)
        if point is None:
            return replace(step, is_known=False)
        return replace(step, sources=(*step.sources, point))


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
