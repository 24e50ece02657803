"""What can be given to a build: its targets, arguments, secrets and agents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace

from imagebuilders.dockerfile import Dockerfile, Instruction, expand
from imagebuilders.evaluation.stages import StageState, lines_of, needed_by
from imagebuilders.evaluation.steps import Lines, Run
from imagebuilders.evaluation.variables import Environment
from imagebuilders.exceptions import ShellWordError
from imagebuilders.lazy_dataclass import dataclass

_DEFAULT_AGENT = "default"


@dataclass(frozen=True)
class Target:
    """A stage that can be built.

    Attributes:
        name: in lower case; empty without one.
        default: it is built if nothing is asked for.
        base: the image or stage behind FROM, as it is written.
        description: a comment above it that begins with its name.
        platform: of `--platform`, as it is written.
        lines: where its FROM stands.
    """

    name: str
    default: bool
    base: str
    description: str
    platform: str
    lines: Lines


@dataclass(frozen=True)
class Argument:
    """A build argument that a target uses.

    Attributes:
        name: its name.
        value: the value it has; empty without one.
        description: a comment above it that begins with its name.
        lines: where its ARG stands.
    """

    name: str
    value: str
    description: str
    lines: Lines


@dataclass(frozen=True)
class SessionValue:
    """A secret, or an agent's socket, that a target asks for.

    Attributes:
        name: its id.
        required: the build fails without it.
        lines: where the first RUN stands that asks for it.
    """

    name: str
    required: bool
    lines: Lines


@dataclass(frozen=True)
class Outline:
    """What can be given to the build of a target, each in the order of the file.

    Attributes:
        name: the target's name; empty without one.
        description: a comment above it that begins with its name.
        arguments, secrets, agents: that it uses.
    """

    name: str
    description: str
    arguments: tuple[Argument, ...] = ()
    secrets: tuple[SessionValue, ...] = ()
    agents: tuple[SessionValue, ...] = ()


def targets_of(dockerfile: Dockerfile) -> tuple[Target, ...]:
    """Return the stages that can be built."""
    last = len(dockerfile.stages) - 1
    return tuple(
        Target(
            name=stage.name,
            default=stage.number == last,
            base=stage.base,
            description=_description(stage.instruction, stage.name),
            platform=stage.platform,
            lines=lines_of(stage.instruction),
        )
        for stage in dockerfile.stages
    )


@dataclass
class _Notes:
    """What is known of one stage."""

    arguments: dict[str, Argument] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    secrets: dict[str, SessionValue] = field(default_factory=dict)
    agents: dict[str, SessionValue] = field(default_factory=dict)


def _used_in(value: str, values: Environment, escape: str) -> frozenset[str]:
    """Return the arguments that a default names; none of one that older frontends pass over."""
    try:
        return expand(value, values, escape=escape).used
    except ShellWordError:
        return frozenset()


class Outliner:
    """Gathers the outline of each stage while it is resolved."""

    def __init__(self) -> None:
        self._global: dict[str, Argument] = {}
        self._needs: dict[str, frozenset[str]] = {}
        self._notes: dict[StageState, _Notes] = {}

    def note_global(
        self,
        instructions: Iterable[Instruction],
        given: Mapping[str, str],
        values: Environment,
        escape: str,
    ) -> None:
        """Take note of the ARGs before the first FROM."""
        for instruction in instructions:
            for pair in instruction.pairs:
                name = pair.name
                needs: frozenset[str] = frozenset()
                if pair.value is not None and name not in given:
                    needs = _used_in(pair.value, values, escape)
                    if name in needs:
                        needs = (needs - {name}) | self._needs.get(name, frozenset())
                self._needs[name] = needs
                has_value = name in given or pair.value is not None
                value = values.get(name, "") if has_value else ""
                self._global[name] = _argument(instruction, name, value)

    def begin(self, state: StageState, used: Iterable[str] = ()) -> None:
        """Take note of a stage, and of the arguments that its FROM uses."""
        if state.base is not None and state.base in self._notes:
            base = self._notes[state.base]
            notes = _Notes(
                dict(base.arguments), set(base.used), dict(base.secrets), dict(base.agents)
            )
        else:
            notes = _Notes(dict(self._global))
        notes.used.update(used)
        self._notes[state] = notes

    def note_argument(
        self,
        state: StageState,
        instruction: Instruction,
        name: str,
        value: str | None,
        *,
        inherited: bool,
    ) -> None:
        """Take note of an ARG of a stage.

        Args:
            state: the stage.
            instruction: the ARG.
            name: its name.
            value: its value.
            inherited: the value is that of the ARG before the first FROM.
        """
        notes = self._notes.setdefault(state, _Notes(dict(self._global)))
        if not inherited:
            notes.arguments[name] = _argument(instruction, name, value or "")
        notes.used.add(name)

    def note_mounts(self, state: StageState, step: Run) -> None:
        """Take note of the secrets and agents that a RUN asks for."""
        notes = self._notes.setdefault(state, _Notes(dict(self._global)))
        for mount in step.mounts:
            name = mount.id or _DEFAULT_AGENT
            value = SessionValue(name, mount.required, step.lines)
            if mount.kind == "secret":
                notes.secrets.setdefault(name, value)
            elif mount.kind == "ssh":
                notes.agents.setdefault(name, value)

    def outline(self, target: StageState, stage: Instruction) -> Outline:
        """Return the outline of a stage and all it depends on."""
        outline = Outline(target.name, _description(stage, target.name))
        arguments: dict[str, Argument] = {}
        secrets: dict[str, SessionValue] = {}
        agents: dict[str, SessionValue] = {}
        ordered = sorted(needed_by(target), key=lambda state: (state is not target, -state.index))
        for state in ordered:
            notes = self._notes.get(state)
            if notes is None:
                continue
            for name in self._all_used(notes):
                arguments.setdefault(name, notes.arguments[name])
            for name, value in notes.secrets.items():
                secrets.setdefault(name, value)
            for name, value in notes.agents.items():
                agents.setdefault(name, value)
        return replace(
            outline,
            arguments=tuple(sorted(arguments.values(), key=_place_of_argument)),
            secrets=tuple(sorted(secrets.values(), key=_place)),
            agents=tuple(sorted(agents.values(), key=_place)),
        )

    def _all_used(self, notes: _Notes) -> list[str]:
        used: set[str] = set()
        waiting = list(notes.used)
        while waiting:
            name = waiting.pop()
            if name not in used:
                used.add(name)
                waiting += self._needs.get(name, ())
        return sorted(used & notes.arguments.keys())


def _argument(instruction: Instruction, name: str, value: str) -> Argument:
    return Argument(name, value, _description(instruction, name), lines_of(instruction))


def _description(instruction: Instruction, name: str) -> str:
    """Return the rest of the first comment above that begins with a name."""
    for comment in instruction.comments if name else ():
        text = comment.strip()
        if text.startswith(f"{name} "):
            return text[len(name) + 1 :]
    return ""


def _place(value: SessionValue) -> tuple[int, str]:
    return value.lines.first, value.name


def _place_of_argument(argument: Argument) -> tuple[int, str]:
    return argument.lines.first, argument.name
