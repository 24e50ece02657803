"""Random builds, one after the other, with what BuildKit's cache must know each step by.

That is worked out here from the program itself, not from a Dockerfile's text, and so can judge what
a build says of its own cache misses.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from imagebuilders.events import CacheMissed

Instruction: TypeAlias = tuple[str, ...]
"""`("run", words)`, `("copy", source)`, `("from", path)`, `("arg", name, default)`,
`("env", name, value)`, `("user", name)`, `("workdir", path)`."""

_NAMES = ("ONE", "TWO")
_FILES = ("a", "b", "dir/c", "dir/d", "f")
_UNCERTAIN = {"unknown", "no-record", "not-built-before"}
MAX_RECORDS = 5


@dataclass(frozen=True)
class Program:
    """All that goes into a build.

    Attributes:
        salt: makes its steps other than those of all other programs.
        build: the instructions of the first stage.
        final: those of the second one, which copies `/f` from the first.
        files: contents by path.
        arguments: build arguments.
        base: which of several base images.
        host: a host and its address, for the option `extra_hosts`; the address does not count.
    """

    salt: str
    build: tuple[Instruction, ...]
    final: tuple[Instruction, ...]
    files: Mapping[str, str]
    arguments: Mapping[str, str] = field(default_factory=dict)
    base: int = 0
    host: str = ""

    @property
    def options(self) -> dict[str, object]:
        """The options of the build."""
        options: dict[str, object] = {"buildargs": dict(self.arguments)}
        if self.host:
            options["extra_hosts"] = [self.host]
        return options

    def dockerfile(self, bases: Sequence[str]) -> str:
        """Return the Dockerfile."""
        lines = [f"FROM {bases[self.base]} AS build", *map(self._line, self.build)]
        lines += [f"FROM {bases[self.base]}", *map(self._line, self.final)]
        return "\n".join([*lines, ""])

    def _line(self, instruction: Instruction) -> str:
        match instruction:
            case ("run", words):
                return f"RUN echo {self.salt} {words}"
            case ("copy", source):
                return f"COPY {source} /{source}"
            case ("from", path):
                return f"COPY --from=build {path} {path}"
            case ("arg", name, default):
                return f"ARG {name}={default}"
            case (name, *words):
                return f"{name.upper()} {'='.join(words)}"
        raise AssertionError(instruction)

    def steps(self) -> list[TrueStep]:
        """Return the steps, as BuildKit knows them."""
        first = self._stage("build", self.build, line=1, above=())
        return [
            *first,
            *self._stage("stage-1", self.final, line=len(self.build) + 2, above=tuple(first)),
        ]

    def _stage(
        self,
        stage: str,
        instructions: Sequence[Instruction],
        *,
        line: int,
        above: tuple[TrueStep, ...],
    ) -> list[TrueStep]:
        variables: dict[str, str] = {}
        user = folder = ""
        parent: tuple[object, ...] = ("base", self.base)
        steps: list[TrueStep] = []
        for instruction in instructions:
            line += 1
            own: dict[str, object] = {}
            match instruction:
                case ("arg", name, default):
                    variables.pop(name, None)
                    variables[name] = self.arguments.get(name, default)
                    continue
                case ("env", name, value):
                    variables.pop(name, None)
                    variables[name] = value
                    continue
                case ("user", name):
                    user = name
                    continue
                case ("run", _):
                    own = {f"variable {name}": value for name, value in variables.items()}
                    own |= {"setting USER": user, "setting WORKDIR": folder}
                    own |= {
                        "option extra_hosts": self.host.partition(":")[0],
                        "order": tuple(variables),
                    }
                case ("copy", source):
                    own = {
                        f"file {path}": text
                        for path, text in self.files.items()
                        if path == source or path.startswith(f"{source}/")
                    }
                case ("from", path):
                    own = {"content": self.files.get(path[1:])}
                case ("workdir", path):
                    folder = path
                    own = {"setting USER": user}
            text = self._line(instruction)
            sources = above if instruction[0] == "from" else ()
            step = TrueStep(stage, len(steps) + 2, line, text, own, parent, tuple(steps), sources)
            steps.append(step)
            parent = step.key
        return steps


@dataclass(frozen=True)
class TrueStep:
    """A step.

    Attributes:
        stage, number, line: where it stands.
        text: the instruction.
        own: what else it is known by itself, by kind and name.
        parent: the key of what it builds upon.
        before: the steps before it in its stage.
        sources: the steps of the stage that it copies from.
    """

    stage: str
    number: int
    line: int
    text: str
    own: Mapping[str, object]
    parent: tuple[object, ...]
    before: tuple[TrueStep, ...] = field(repr=False)
    sources: tuple[TrueStep, ...] = field(repr=False)

    @property
    def key(self) -> tuple[object, ...]:
        """What BuildKit's cache knows it by."""
        return (self.text, tuple(sorted(self.own.items(), key=repr)), self.parent)


def first_program(salt: str, rng: random.Random) -> Program:
    """Return a program to begin with."""
    build = (("arg", "ONE", "0"), ("run", "first"), ("copy", "f"), ("run", "second"))
    final = (
        ("run", "third"),
        ("env", "TWO", "0"),
        ("arg", "ONE", "0"),
        ("workdir", "/w"),
        ("copy", "a"),
        ("from", "/f"),
        ("copy", "dir"),
        ("user", "0"),
        ("run", "last"),
    )
    files = {path: str(rng.randrange(3)) for path in _FILES}
    return Program(salt, build, final, files)


def edited(program: Program, rng: random.Random) -> Program:
    """Return a program with one to three random changes."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        program = rng.choice(_EDITS)(program, rng)
    return program


def _edit_file(program: Program, rng: random.Random) -> Program:
    path = rng.choice(_FILES)
    return replace(program, files={**program.files, path: str(rng.randrange(4))})


def _edit_folder(program: Program, rng: random.Random) -> Program:
    files = dict(program.files)
    path = rng.choice(("dir/d", "dir/e"))
    if files.pop(path, None) is None:
        files[path] = str(rng.randrange(2))
    return replace(program, files=files)


def _edit_argument(program: Program, rng: random.Random) -> Program:
    arguments = dict(program.arguments)
    name = rng.choice((*_NAMES, "NOBODY"))
    if rng.random() < 0.3:
        arguments.pop(name, None)
    else:
        arguments[name] = str(rng.randrange(3))
    return replace(program, arguments=arguments)


def _edit_instruction(program: Program, rng: random.Random) -> Program:
    def change(instruction: Instruction) -> Instruction:
        match instruction:
            case ("run", _):
                return ("run", f"words {rng.randrange(4)}")
            case ("arg" | "env" as kind, name, _):
                return (kind, name, str(rng.randrange(3)))
            case ("user", _):
                return ("user", str(rng.randrange(3)))
            case _:
                return instruction

    return _in_stage(program, rng, lambda instructions, at: [
        *instructions[:at], change(instructions[at]), *instructions[at + 1 :]
    ])  # fmt: skip


def _insert(program: Program, rng: random.Random) -> Program:
    new: Instruction = rng.choice(
        (
            ("run", f"words {rng.randrange(4)}"),
            ("arg", rng.choice(_NAMES), str(rng.randrange(2))),
            ("env", rng.choice(_NAMES), str(rng.randrange(2))),
            ("copy", rng.choice(("b", "a"))),
            ("user", str(rng.randrange(3))),
        )
    )
    return _in_stage(
        program, rng, lambda instructions, at: [*instructions[:at], new, *instructions[at:]]
    )


def _remove(program: Program, rng: random.Random) -> Program:
    def remove(instructions: list[Instruction], at: int) -> list[Instruction]:
        kept = instructions[at][0] in ("from",) or instructions[at] == ("copy", "f")
        return instructions if kept else [*instructions[:at], *instructions[at + 1 :]]

    return _in_stage(program, rng, remove)


def _swap(program: Program, rng: random.Random) -> Program:
    return _in_stage(program, rng, lambda instructions, at: [
        *instructions[:at], *reversed(instructions[at : at + 2]), *instructions[at + 2 :]
    ])  # fmt: skip


def _edit_base(program: Program, rng: random.Random) -> Program:
    return replace(program, base=1 - program.base)


def _edit_option(program: Program, rng: random.Random) -> Program:
    return replace(program, host=rng.choice(("", "one:10.0.0.1", "one:10.0.0.2", "two:10.0.0.2")))


def _keep(program: Program, rng: random.Random) -> Program:
    return program


def _in_stage(
    program: Program,
    rng: random.Random,
    change: Callable[[list[Instruction], int], list[Instruction]],
) -> Program:
    if rng.random() < 0.5:
        build = list(program.build)
        return replace(program, build=tuple(change(build, rng.randrange(len(build)))))
    final = list(program.final)
    return replace(program, final=tuple(change(final, rng.randrange(len(final)))))


_EDITS = (
    *(_edit_file, _edit_file, _edit_folder, _edit_argument, _edit_argument, _edit_instruction),
    *(_edit_instruction, _insert, _remove, _swap, _edit_base, _edit_option, _keep),
)


class Judge:
    """Knows the builds so far, and what is right to say of a miss."""

    def __init__(self) -> None:
        """Begin."""
        self._builds: list[list[TrueStep]] = []
        self.told = 0
        self.uncertain = 0

    def note(self, program: Program) -> None:
        """Note that a program was built, as the last of those on record."""
        self._builds = [program.steps(), *self._builds[: MAX_RECORDS - 1]]

    def wrong(self, program: Program, events: Sequence[CacheMissed]) -> list[str]:
        """Return what is wrong with the reasons that a build told; call it before `note`."""
        steps = {step.line: step for step in program.steps()}
        missed = {event.line for event in events}
        problems = []
        for line in sorted(missed):
            of_line = [event for event in events if event.line == line]
            self.told += 1
            if {event.kind for event in of_line} & _UNCERTAIN:
                self.uncertain += 1
                continue
            problem = self._problem(steps[line], of_line, missed)
            if problem:
                problems.append(f"{steps[line].text}: {problem}: {of_line}")
        return problems

    def _problem(
        self, step: TrueStep, events: Sequence[CacheMissed], missed: set[int]
    ) -> str | None:
        recorded = [each for build in self._builds for each in build]
        same = [each for each in recorded if each.text == step.text]
        kinds = {event.kind for event in events}
        if "earlier-step" in kinds:
            (event,) = events
            above = [*step.before, *step.sources]
            above += [each for one in step.before for each in one.sources]
            keys = {each.key for each in recorded}
            blamed = [each for each in above if each.text == event.subjects[0]]
            if not any(each.line in missed or each.key not in keys for each in blamed):
                return "no such step was missed before it"
            return None
        if "instruction" in kinds:
            return "it is on record" if same else None
        if "order" in kinds or ("base" in kinds and len(events) == 1):
            # What is copied from a stage may be other, too: the parent's being another suffices.
            alike = [each for each in same if _differing(step, each) <= {"content", "order"}]
            fits = bool(alike) and all(each.parent != step.parent for each in alike)
            return None if fits else "it is not the parent that differs"
        named = {
            f"{event.kind.replace('argument', 'variable')} {name}"
            for event in events
            for name in event.subjects
        }
        if kinds == {"variable"} and not named:
            named = {"order"}
        near = [each for each in same if each.parent == step.parent]
        if any(_differing(step, each) - {"order"} == named - {"order"} for each in near):
            return None
        # Where no recorded step builds upon the same, what is named must be new to all of them.
        if named and all(named <= _differing(step, each) for each in same):
            return None
        return f"differs in {[sorted(_differing(step, each)) for each in near or same]}"


def _differing(now: TrueStep, before: TrueStep) -> set[str]:
    names = {*now.own, *before.own}
    return {name for name in names if now.own.get(name) != before.own.get(name)}
