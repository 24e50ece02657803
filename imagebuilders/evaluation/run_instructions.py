"""RUN: what it runs, and with what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from imagebuilders.dockerfile import Instruction, here_document_beginning
from imagebuilders.evaluation.frontend import Frontend
from imagebuilders.evaluation.image_draft import WINDOWS, ImageDraft
from imagebuilders.evaluation.mounts import resolve_mounts
from imagebuilders.evaluation.older_words import located
from imagebuilders.evaluation.options import ResolveOptions
from imagebuilders.evaluation.stages import Command, StageState
from imagebuilders.evaluation.steps import Run, TextSource
from imagebuilders.evaluation.titles import first_line
from imagebuilders.evaluation.variables import Words
from imagebuilders.exceptions import EvaluationError

_PIPES = "/dev/pipes/"
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")
_MASK = "****"


def resolve_run(
    command: Command, state: StageState, words: Words, options: ResolveOptions
) -> tuple[Run, str, Mapping[str, str]]:
    """Resolve a RUN.

    Returns:
        The step, without title; the text its title begins with; and the variables for that.

    Raises:
        EvaluationError: it cannot be resolved; in BuildKit's words.
        ShellWordError: a word of a mount cannot be expanded.
    """
    instruction = command.instruction
    working_dir = state.image.working_dir or "/"
    try:
        mounts = resolve_mounts(
            instruction.flag_values("mount"),
            command.sources,
            working_dir,
            words.expand,
            options.frontend,
        )
    except EvaluationError as error:
        if options.frontend.expands_mounts:
            raise
        # Mounts were read with the file.
        text = located(command.lines.first, error.message, options.frontend)
        raise EvaluationError(text) from error
    if instruction.flag_values("device"):
        raise EvaluationError(
            "device feature is only supported in Dockerfile frontend 1.14.0-labs or later"
        )
    written, script = _command(instruction, state.image, options.frontend)
    arguments = written
    if not instruction.exec_form:
        arguments = with_shell(state.image, written)
    network = instruction.flag("network") or "default"
    environment = [*state.environment.items(), *_proxies(options.build_args)]
    agents = [mount for mount in mounts if mount.kind == "ssh"]
    if agents and "SSH_AUTH_SOCK" not in state.environment:
        environment.append(("SSH_AUTH_SOCK", agents[0].target))
    created_by = _record(arguments, state)
    step = Run(
        lines=command.lines,
        created_by=f"RUN {created_by} # buildkit",
        makes_layer=True,
        trigger=command.trigger,
        arguments=arguments,
        environment=tuple(environment),
        user=state.image.user,
        working_dir=working_dir,
        script=script,
        mounts=mounts,
        network=options.network if network == "default" else network,
        security=instruction.flag("security") or "sandbox",
        hostname=options.sandbox_hostname,
        exec_form=instruction.exec_form,
        command=_as_written(instruction),
    )
    masked = {mount.env: _MASK for mount in mounts if mount.env}
    return step, _title(instruction), {**state.environment, **masked}


def with_shell(image: ImageDraft, words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of a shell form with the image's shell in front."""
    default = ("cmd", "/S", "/C") if image.platform.os == WINDOWS else ("/bin/sh", "-c")
    return (*(image.shell or default), " ".join(words))


def _command(
    instruction: Instruction, image: ImageDraft, frontend: Frontend
) -> tuple[tuple[str, ...], TextSource | None]:
    """Return the command without a shell, and the file that is its script."""
    documents = instruction.here_documents
    if not documents or instruction.exec_form:
        return instruction.arguments, None
    text = instruction.arguments[0]
    if here_document_beginning(text) is None:
        return (text + "".join(f"\n{doc.content}{doc.name}" for doc in documents),), None
    content = documents[0].text
    beginning = content if frontend.looks_for_scripts_behind_tabs else documents[0].content
    if image.platform.os != WINDOWS and beginning.startswith("#!"):
        name = documents[0].name
        script = TextSource(name, content.encode("utf-8", "surrogateescape"))
        return (_PIPES + name,), script
    return (content,), None


def _as_written(instruction: Instruction) -> str:
    documents = "".join(f"\n{doc.content}{doc.name}" for doc in instruction.here_documents)
    return " ".join(instruction.arguments) + documents


def _title(instruction: Instruction) -> str:
    documents = instruction.here_documents
    if not documents or not instruction.arguments:
        return instruction.code
    if here_document_beginning(instruction.arguments[0]) is None:
        return instruction.code
    return f"{instruction.code} ({first_line(documents[0].content)})"


def _proxies(build_args: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Return the variables that build arguments such as `http_proxy` set, in both cases."""
    found: dict[str, str] = {}
    for name in sorted(build_args):
        if name.lower() in _PROXIES:
            found[name.lower()] = build_args[name]
    for name in _PROXIES:
        if found.get(name):
            yield name.upper(), found[name]
            yield name, found[name]


def _record(arguments: tuple[str, ...], state: StageState) -> str:
    """Return the command with the values of the arguments in front, as the history has it."""
    values: dict[str, str] = {}
    for name, value in state.arguments:
        values[name] = state.environment.get(name, value or "")
    count = [f"|{len(values)}"] if values else []
    return " ".join([*count, *(f"{name}={value}" for name, value in values.items()), *arguments])
