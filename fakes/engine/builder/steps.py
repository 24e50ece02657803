"""The instructions that change only the configuration."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

from ... import go_text
from .. import messages
from ..dockerfile.instructions import Instruction
from ..dockerfile.words import Syntax, process_word, process_words
from ..errors import DockerfileError, StepError
from ..versions import EngineVersion
from .state import StageState, substitution_env

_EXPANDED = frozenset(
    {"env", "label", "add", "copy", "workdir", "user", "volume", "stopsignal", "arg"}
)

ConfigStep = Callable[[StageState, Instruction, Syntax], str]


def expand(instruction: Instruction, state: StageState, syntax: Syntax) -> None:
    """Substitute the variables of an instruction, in place.

    Raises:
        StepError: when a substitution fails.
    """
    if instruction.keyword not in _EXPANDED or not instruction.expand:
        return
    env = substitution_env(state)
    try:
        instruction.pairs = [
            (
                process_word(name, env, syntax),
                None if value is None else process_word(value, env, syntax),
            )
            for name, value in instruction.pairs
        ]
        if "chown" in instruction.flags:
            instruction.flags["chown"] = process_word(instruction.flags["chown"], env, syntax)
        instruction.arguments = [process_word(word, env, syntax) for word in instruction.arguments]
    except DockerfileError as error:
        raise StepError(error.message) from error


def _env(state: StageState, instruction: Instruction, _syntax: Syntax) -> str:
    env = list(state.config.env or [])
    words = []
    for name, value in instruction.pairs:
        pair = f"{name}={value}"
        words.append(pair)
        for index, existing in enumerate(env):
            if existing.partition("=")[0] == name:
                env[index] = pair
                break
        else:
            env.append(pair)
    state.config.env = env
    return "ENV " + " ".join(words)


def _label(state: StageState, instruction: Instruction, _syntax: Syntax) -> str:
    labels = dict(state.config.labels or {})
    labels.update({name: value or "" for name, value in instruction.pairs})
    state.config.labels = labels
    return "LABEL " + " ".join(f"{name}={value}" for name, value in instruction.pairs)


def _maintainer(state: StageState, instruction: Instruction, _syntax: Syntax) -> str:
    state.maintainer = instruction.arguments[0]
    return f"MAINTAINER {state.maintainer}"


def command_line(state: StageState, instruction: Instruction) -> list[str]:
    """The words to run: the shell first when the instruction is in shell form."""
    words = list(instruction.arguments)
    if instruction.is_json:
        return words
    return [*state.shell(), *words] if words else words


def _cmd(state: StageState, instruction: Instruction, _syntax: Syntax) -> str:
    words = command_line(state, instruction)
    if not instruction.is_json and not words:
        words = state.shell()
    state.config.cmd = words
    if instruction.arguments:
        state.cmd_set = True
    return f"CMD {go_text.quoted_words(words)}"


def _entrypoint(state: StageState, instruction: Instruction, _syntax: Syntax) -> str:
    words = command_line(state, instruction)
    state.config.entrypoint = words or None
    if not state.cmd_set:
        state.config.cmd = None
    return f"ENTRYPOINT {go_text.quoted_words(words)}"


def _expose(state: StageState, instruction: Instruction, syntax: Syntax) -> str:
    env = substitution_env(state)
    ports: list[str] = []
    try:
        for word in instruction.arguments:
            ports.extend(process_words(word, env, syntax))
    except DockerfileError as error:
        raise StepError(error.message) from error
    exposed = dict(state.config.exposed_ports or {})
    for port in ports:
        exposed.update({name: {} for name in parse_ports(port, syntax.dialect.version)})
    state.config.exposed_ports = exposed
    return "EXPOSE " + " ".join(ports)


def parse_ports(text: str, version: EngineVersion) -> list[str]:
    """`80`, `80/udp`, `8000-8002` as the configuration names them.

    Args:
        text: of an EXPOSE.
        version: whose words an error has.

    Raises:
        StepError: in the engine's words.
    """
    spec, slash, protocol = text.partition("/")
    protocol = protocol.lower() if slash and protocol else "tcp"
    container = spec.rpartition(":")[2]
    if not container:
        raise StepError(f"No port specified: {text}<empty>")
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", container)
    first = int(match.group(1)) if match else -1
    last = int(match.group(2) or first) if match else -1
    if not match or last < first or last > 65535:
        raise StepError(messages.BAD_PORT(version, container))
    if protocol not in ("tcp", "udp", "sctp"):
        raise StepError(messages.BAD_PROTOCOL(version, protocol))
    return [f"{port}/{protocol}" for port in range(first, last + 1)]


def _user(state: StageState, instruction: Instruction, _syntax: Syntax) -> str:
    state.config.user = instruction.arguments[0]
    return f"USER {state.config.user}"


def _volume(state: StageState, instruction: Instruction, _syntax: Syntax) -> str:
    volumes = dict(state.config.volumes or {})
    for path in instruction.arguments:
        if not path:
            raise StepError("VOLUME specified can not be an empty string")
        volumes[path] = {}
    state.config.volumes = volumes
    return f"VOLUME [{' '.join(instruction.arguments)}]"


def _stopsignal(state: StageState, instruction: Instruction, _syntax: Syntax) -> str:
    state.config.stop_signal = instruction.arguments[0]
    return f"STOPSIGNAL {instruction.arguments[0]}"


def _arg(state: StageState, instruction: Instruction, _syntax: Syntax) -> str:
    words = []
    for name, value in instruction.pairs:
        words.append(name if value is None else f"{name}={value}")
        state.arguments.declare(name, value)
    return "ARG " + " ".join(words)


def _shell(state: StageState, instruction: Instruction, _syntax: Syntax) -> str:
    state.config.shell = list(instruction.arguments)
    return f"SHELL [{' '.join(instruction.arguments)}]"


def _onbuild(state: StageState, instruction: Instruction, _syntax: Syntax) -> str:
    state.config.on_build = [*(state.config.on_build or []), instruction.arguments[0]]
    return f"ONBUILD {instruction.arguments[0]}"


def _healthcheck(state: StageState, instruction: Instruction, _syntax: Syntax) -> str:
    state.config.healthcheck = instruction.health
    return "HEALTHCHECK"


def health_comment(instruction: Instruction, version: EngineVersion) -> str:
    """A health check as it stands in the history: a structure, printed as Go prints it."""
    health = instruction.health or {}
    test: list[str] = list(health.get("Test") or [])
    keys = ["Interval", "Timeout", "StartPeriod"]
    if version >= "23.0":
        keys.append("StartInterval")
    times = [go_text.duration(health.get(key, 0)) for key in keys]
    retries = health.get("Retries", 0)
    if version >= "29.0":
        fields = {"Test": f"[{' '.join(test)}]", **dict(zip(keys, times, strict=True))}
        shown = " ".join(f"{key}:{value}" for key, value in fields.items())
        return f"HEALTHCHECK &{{{shown} Retries:{retries}}}"
    if version >= "28.0":
        return f"HEALTHCHECK &{{[{' '.join(test)}] {' '.join(times)} {retries}}}"
    quoted = " ".join(go_text.quote(time) for time in times)
    last = go_text.quoted_character(retries)
    return f"HEALTHCHECK &{{{go_text.quoted_words(test)} {quoted} {last}}}"


def working_directory(state: StageState, requested: str) -> str:
    """The new working directory of a WORKDIR.

    Raises:
        StepError: when there is no path left after substitution.
    """
    if not requested:
        raise StepError("cannot normalize nothing")
    if requested.startswith("/"):
        return requested
    joined = posixpath.normpath(f"/{state.config.working_dir}/{requested}")
    return "/" + joined.lstrip("/")


CONFIG_STEPS: dict[str, ConfigStep] = {
    "arg": _arg,
    "cmd": _cmd,
    "entrypoint": _entrypoint,
    "env": _env,
    "expose": _expose,
    "healthcheck": _healthcheck,
    "label": _label,
    "maintainer": _maintainer,
    "onbuild": _onbuild,
    "shell": _shell,
    "stopsignal": _stopsignal,
    "user": _user,
    "volume": _volume,
}


def needs_buildkit(flag: str) -> StepError:
    """A flag that the classic builder does not have."""
    return StepError(
        f"the --{flag} option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ "
        "to learn how to build images with BuildKit enabled"
    )
