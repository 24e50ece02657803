"""Every error this package raises, under one root.

An error says what happened, where, and what to do next. Where the documented
abstractions promise a built-in (`RuntimeError`, `ValueError`), the class here
is that built-in too, so `except RuntimeError` keeps working.

All stand in this one module, longer than others of the package, so that what can be caught is
seen in one place.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import cast

from imagebuilders.lazy_dataclass import dataclass


class ImageBuilderError(Exception):
    """The root: `except ImageBuilderError` catches whatever this package raises.

    Errors survive pickling and copying with all their attributes: one that is raised in a worker
    of `multiprocessing.Pool` reaches the process that waits for it.
    """

    def __reduce__(self) -> tuple[object, ...]:
        # By default an exception is made anew from `args`, that is, without keyword arguments.
        return _restored, (type(self), self.args), self.__dict__


def _restored(kind: type[ImageBuilderError], args: tuple[object, ...]) -> ImageBuilderError:
    """Make an error without its `__init__`; its attributes are set by who unpickles or copies."""
    built_in: type[BaseException] = kind
    while built_in.__module__ != "builtins":  # which alone knows how to make one
        built_in = cast("type[BaseException]", built_in.__base__)
    error = built_in.__new__(kind)
    error.args = args
    return error


class Remedy(enum.Enum):
    """What helps against an error, in terms of this package's arguments.

    Such an error's text is its `problem` and then this. A program whose users do not write Python,
    such as the command `imagebuilders`, puts its own words after the `problem`.
    """

    NAME_DOCKERFILE = (
        "Name another with the option 'dockerfile', as in "
        "docker_build_options={'dockerfile': 'docker/app.Dockerfile'}."
    )
    REPLACE_IGNORE_FILE = "Correct the file, or name another one with dockerignore_file=."


# --- files that control a build ----------------------------------------------


class ControlFileError(ImageBuilderError):
    """An ignore file, a Dockerfile, a `config.json` or a stack file cannot be read.

    It is missing, not a regular file, too large, or the system refuses.

    Attributes:
        path: the file.
        reason: why it cannot be read, as in `it is a named pipe (FIFO)`; to be put behind a
            colon in a longer sentence.
    """

    def __init__(self, message: str, *, path: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.path = path
        self.reason = reason


class ControlFileNotFoundError(ControlFileError):
    """There is no file under the path."""


# --- the build context -------------------------------------------------------


class BuildContextError(ImageBuilderError, ValueError):
    """A build context cannot be made from what was given (a missing root, a socket in the tree).

    Attributes:
        path: the file or folder the error is about, if there is one.
        problem: what happened, without what helps.
        remedy: what helps, if that depends on how the package is used.
    """

    def __init__(
        self, problem: str, *, path: str | None = None, remedy: Remedy | None = None
    ) -> None:
        super().__init__(problem if remedy is None else f"{problem} {remedy.value}")
        self.path = path
        self.problem = problem
        self.remedy = remedy


class IgnoreFileError(BuildContextError):
    """An ignore file cannot be read, or a line of it is not a pattern.

    Attributes:
        path: the ignore file.
        line: the line's number, from 1; `None` when the whole file is at fault.
        pattern: the pattern as it stands in the file.
        problem, remedy: as in `BuildContextError`.
    """

    def __init__(
        self,
        problem: str,
        *,
        path: str | None = None,
        line: int | None = None,
        pattern: str | None = None,
        remedy: Remedy | None = None,
    ) -> None:
        super().__init__(problem, path=path, remedy=remedy)
        self.line = line
        self.pattern = pattern


class ContextChangedError(ImageBuilderError, RuntimeError):
    """A file of the context vanished, shrank or grew while it was read.

    Attributes:
        path: the file.
    """

    def __init__(self, message: str, *, path: str | None = None) -> None:
        super().__init__(message)
        self.path = path


# --- Dockerfiles -------------------------------------------------------------


class ShellWordError(ImageBuilderError, ValueError):
    """A word of a Dockerfile cannot be expanded: an unpaired quote, `${name:?…}` without a value.

    Attributes:
        word: the whole word.
        problem: what is wrong, in BuildKit's words and without the word.
        modifier: what stands behind the name in `${name…}`, if that is not known.
        unset: the variables without a value that were met so far.
    """

    def __init__(
        self,
        message: str,
        word: str = "",
        problem: str = "",
        modifier: str = "",
        unset: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(message)
        self.word = word
        self.problem = problem or message
        self.modifier = modifier
        self.unset = unset


class EvaluationError(ImageBuilderError, ValueError):
    """A Dockerfile cannot be evaluated: it is malformed, or a step of it fails.

    Attributes:
        message: what happened, in BuildKit's words.
        line: the line of the instruction, from 1; 0 if it belongs to none.
        end_line: the line the instruction ends in.
    """

    def __init__(self, message: str, *, line: int = 0, end_line: int = 0) -> None:
        place = f" (line {line} of the Dockerfile)" if line and " on line " not in message else ""
        super().__init__(f"{message}{place}")
        self.message = message
        self.line = line
        self.end_line = end_line or line


# --- what the caller asked for -----------------------------------------------


class BuildOptionsError(ImageBuilderError, ValueError):
    """A build option is unknown or has a value that cannot be used.

    Attributes:
        option: the option's name.
        suggestion: the nearest known option, if one is near.
        problems: what is wrong with the value of each option, without the option's name.
    """

    def __init__(
        self,
        message: str,
        *,
        option: str | None = None,
        suggestion: str | None = None,
        problems: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.option = option
        self.suggestion = suggestion
        self.problems = dict(problems or {})


class BakeError(ImageBuilderError, ValueError):
    """A compose file or bake's JSON is at fault, or what is asked of it is not in it.

    Attributes:
        path: the file, if the error is about one.
    """

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class ImageNameError(ImageBuilderError, ValueError):
    """An image name is malformed, or does not belong to the registry it should go to.

    Attributes:
        image_name: the name as it was given.
    """

    def __init__(self, message: str, *, image_name: str) -> None:
        super().__init__(message)
        self.image_name = image_name


class ConfigurationError(ImageBuilderError, ValueError):
    """A stack file, an environment variable or a component's settings are wrong.

    Attributes:
        file: the file, or the name of the environment variable.
        key: the dotted key inside it.
        allowed: the values that would be accepted, when they can be listed.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        key: str | None = None,
        allowed: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.file = file
        self.key = key
        self.allowed = tuple(allowed)


class FlavorError(ConfigurationError):
    """A flavor is unknown, claimed by two packages, or cannot be loaded."""


# --- the engine --------------------------------------------------------------


class AttemptFailure(str, enum.Enum):
    """What kind of thing came between this program and an engine."""

    NOT_RUNNING = "not-running"
    """Nothing listens at the address, or it does not answer."""
    NOT_ALLOWED = "not-allowed"
    """The user may not connect to the engine's socket."""
    ADDRESS = "address"
    """The address cannot be used."""
    CONFIGURATION = "configuration"
    """What was configured for the address is missing or malformed."""
    TLS = "tls"
    """No encrypted connection could be made."""
    COMMAND = "command"
    """The command that reaches the engine, such as ssh, failed."""
    PROXY = "proxy"
    """The proxy before the engine cannot be reached, or lets nobody through."""
    ANSWER = "answer"
    """What answers refuses, or is no Docker Engine."""


@dataclass(frozen=True)
class EngineAttempt:
    """One place where an engine was looked for, and what came of it."""

    source: str
    """Where the address came from: `DOCKER_HOST`, a context's name, a usual socket."""
    address: str
    """The address tried, as in `unix:///var/run/docker.sock`."""
    outcome: str
    """What it answered, or why it could not be asked."""
    failure: AttemptFailure = AttemptFailure.NOT_RUNNING
    """The kind of the outcome."""


class EngineError(ImageBuilderError, RuntimeError):
    """A Docker Engine answered with an error, or went away."""


class EngineNotFoundError(EngineError):
    """No Docker Engine answered.

    Attributes:
        attempts: what was tried, in order.
    """

    def __init__(self, message: str, *, attempts: Sequence[EngineAttempt] = ()) -> None:
        super().__init__(message)
        self.attempts = tuple(attempts)


class EngineResponseError(EngineError):
    """The engine answered a request with an HTTP error.

    Attributes:
        status: the HTTP status.
        explanation: the engine's own text; what the status is when it gave none.
    """

    def __init__(self, explanation: str, *, status: int) -> None:
        told = f"HTTP status {status}"
        words = f": {explanation}" if explanation else ", and gave no reason."
        # What is no word of the engine's own begins with the status.
        answer = explanation if explanation.startswith(f"{told}:") else f"{told}{words}"
        super().__init__(f"The Docker Engine answered with {answer}")
        self.status = status
        self.explanation = explanation or f"HTTP status {status}, without a reason."


class EngineDisconnectedError(EngineError):
    """The connection to the engine was refused or broke off."""


class EngineTimeoutError(EngineError):
    """The engine did not answer within the time the caller allowed."""


class BuildKitError(EngineError):
    """A BuildKit daemon cannot be reached, broke the connection off, or refused a call.

    Builders raise `BuildError` in its place.
    """


class BuildError(EngineError):
    """An image could not be built.

    Attributes:
        instruction: the failing Dockerfile instruction, when a step failed.
        exit_code: the exit code of the failing command, when a command failed.
        output: the last lines of that step's output.
        log: everything the engine printed, line by line.
        excerpt: the lines of the Dockerfile that the error is about, numbered and marked, when
            they are known.
    """

    def __init__(
        self,
        message: str,
        *,
        instruction: str | None = None,
        exit_code: int | None = None,
        output: Sequence[str] = (),
        log: Sequence[str] = (),
        excerpt: str | None = None,
    ) -> None:
        super().__init__(message)
        self.instruction = instruction
        self.exit_code = exit_code
        self.output = tuple(output)
        self.log = tuple(log)
        self.excerpt = excerpt


class DependencyFailedError(BuildError):
    """A build was not begun, as another one that it needs failed.

    Attributes:
        needed: the name of the other build.
    """

    def __init__(self, message: str, *, needed: str = "") -> None:
        super().__init__(message)
        self.needed = needed


# --- images as values --------------------------------------------------------


class ImageFormatError(ImageBuilderError, ValueError):
    """A digest, manifest, index, image configuration or layer is malformed, or too large.

    Attributes:
        field: where in a JSON document, as in `layers[2].digest`, when it is one.
    """

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class LayerFormatError(ImageFormatError):
    """A layer's archive, or its compression, is malformed, too large, or ends too early.

    Attributes:
        is_truncated: whether it ends too early, as after a download that was cut.
    """

    def __init__(self, message: str, *, is_truncated: bool = False) -> None:
        super().__init__(message)
        self.is_truncated = is_truncated


class UnpackError(LayerFormatError):
    """An entry of an archive has no place in the files that it is unpacked onto.

    Attributes:
        operation: what failed, as in `open` or `link`.
        paths: of what, relative to the folder that is written to; the target of a link first.
        reason: why, as in `no such file or directory`.
    """

    def __init__(self, operation: str, paths: tuple[str, ...], reason: str) -> None:
        shown = " ".join(ascii(path[:200]) for path in paths)
        super().__init__(f"The archive cannot be unpacked: {operation} {shown}: {reason}.")
        self.operation = operation
        self.paths = paths
        self.reason = reason


class DigestMismatchError(ImageFormatError):
    """Content is not what its digest or its size says.

    Attributes:
        expected: the digest that was promised.
        actual: the digest of the content; `None` when its size is wrong already.
    """

    def __init__(
        self, message: str, *, expected: str | None = None, actual: str | None = None
    ) -> None:
        super().__init__(message)
        self.expected = expected
        self.actual = actual


# --- registries --------------------------------------------------------------


class RegistryError(ImageBuilderError, RuntimeError):
    """A container registry refused, failed or could not be reached.

    Attributes:
        registry: the registry's address.
    """

    def __init__(self, message: str, *, registry: str | None = None) -> None:
        super().__init__(message)
        self.registry = registry


class ConnectionFailure(str, enum.Enum):
    """What kind of thing came between this program and a registry."""

    CERTIFICATE = "certificate"
    """The registry's certificate is not trusted, has expired, or is another's."""
    PLAIN = "plain"
    """The registry speaks HTTP without TLS."""
    TLS = "tls"
    """No encrypted connection could be made."""
    NAME = "name"
    """There is no host of that name."""
    REFUSED = "refused"
    """Nobody listens there."""
    PROXY = "proxy"
    """The proxy before the registry cannot be reached, or lets nobody through."""
    TIMEOUT = "timeout"
    """Nothing was heard in time."""
    ENDED = "ended"
    """The connection ended before the answer did."""


class RegistryConnectionError(RegistryError):
    """A container registry, or its token service, could not be reached, or the connection ended.

    Attributes:
        registry: the registry's address.
        is_transient: whether the same may succeed when it is tried again.
        failure: the kind of what happened.
    """

    def __init__(
        self,
        message: str,
        *,
        registry: str | None = None,
        is_transient: bool = False,
        failure: ConnectionFailure = ConnectionFailure.ENDED,
    ) -> None:
        super().__init__(message, registry=registry)
        self.is_transient = is_transient
        self.failure = failure


class RegistryContentError(RegistryError):
    """What a container registry answered cannot be used: malformed, too large, other content.

    Its cause is the `ImageFormatError`, where it is about a document or a digest.
    """


class RegistryResponseError(RegistryError):
    """A container registry, or its token service, answered with an error.

    Attributes:
        registry: the registry's address.
        status: the status of the HTTP response.
        code: the error's code, as in `MANIFEST_UNKNOWN` (OCI distribution specification, "Error
            Codes"); empty when the response has none.
        detail: the registry's own words; empty when it has none.
    """

    def __init__(
        self,
        message: str,
        *,
        registry: str | None = None,
        status: int = 0,
        code: str = "",
        detail: str = "",
    ) -> None:
        super().__init__(message, registry=registry)
        self.status = status
        self.code = code
        self.detail = detail


class RegistryAccessError(RegistryResponseError):
    """A container registry wants other credentials (401), or denies access to them (403)."""


class RegistryNotFoundError(RegistryResponseError, LookupError):
    """A container registry does not have what was asked for (404)."""


class PushError(RegistryError):
    """An image was not pushed.

    Attributes:
        image_name: the name that should have been pushed.
        detail: the engine's own words.
    """

    def __init__(
        self,
        message: str,
        *,
        image_name: str,
        registry: str | None = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(message, registry=registry)
        self.image_name = image_name
        self.detail = detail


# --- artifact stores ---------------------------------------------------------


class ArtifactStoreError(ImageBuilderError, RuntimeError):
    """An artifact store refused, failed, is full or could not be reached.

    Attributes:
        path: the object or folder concerned.
    """

    def __init__(self, message: str, *, path: str | None = None) -> None:
        super().__init__(message)
        self.path = path


class ArtifactNotFoundError(ArtifactStoreError, FileNotFoundError):
    """Nothing stands under a path of an artifact store."""


class ArtifactExistsError(ArtifactStoreError, FileExistsError):
    """Something stands under a path where nothing was to be replaced."""


class ArtifactAccessError(ArtifactStoreError, PermissionError):
    """The store refused access, and does not tell whether there is anything under the path."""


class UploadError(ArtifactStoreError):
    """A build context was not uploaded; nothing stands under its final name."""


# --- AWS ---------------------------------------------------------------------


class AWSError(ImageBuilderError, RuntimeError):
    """A service of AWS refused a request, failed, or could not be reached.

    Attributes:
        service: the service, as boto3 names it: `codebuild`, `ecr`, `logs`.
        operation: what was asked, as boto3 names the method: `start_build`.
        code: the service's own code, as in `AccessDeniedException`; empty without an answer.
        is_transient: whether the same request may well succeed later.
    """

    def __init__(
        self,
        message: str,
        *,
        service: str = "",
        operation: str = "",
        code: str = "",
        is_transient: bool = False,
    ) -> None:
        super().__init__(message)
        self.service = service
        self.operation = operation
        self.code = code
        self.is_transient = is_transient
