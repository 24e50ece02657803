"""`docker login` and `docker buildx`, which build on the engine double by our own builder.

https://docs.docker.com/reference/cli/docker/buildx/build/
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from imagebuilders.auth.credentials import Credentials
from imagebuilders.build_context import BuildContext
from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.parsing import parse_fields
from imagebuilders.build_options.values import BuildSecret
from imagebuilders.container_registries.default import DefaultContainerRegistry
from imagebuilders.distribution.client import RegistryClient
from imagebuilders.distribution.retries import RetryPolicy
from imagebuilders.events import Event, ImageBuilt, StepStarted, listen_alone
from imagebuilders.exceptions import BuildError, ImageBuilderError, PushError, RegistryError
from imagebuilders.local_image_builder import LocalImageBuilder
from imagebuilders.oci.reference import parse_build_target

from ...engine.client import FakeDockerClient
from .host import Command, UsageError, options_of
from .rawjson import RawJSON

if TYPE_CHECKING:
    from ...engine import FakeDockerEngine

_OPTIONS = {
    "--build-arg": "buildargs",
    "--label": "labels",
    "--target": "target",
    "--platform": "platform",
    "--cache-from": "cache_from",
    "--cache-to": "cache_to",
    "--network": "network_mode",
    "--add-host": "extra_hosts",
    "--build-context": "build_contexts",
    "--resource": "container_limits",
    "--cgroup-parent": "cgroup_parent",
    "--shm-size": "shmsize",
    "--ulimit": "ulimit",
    "--no-cache-filter": "no_cache_filter",
    "--attest": "attest",
    "--sbom": "sbom",
    "--provenance": "provenance",
    "--annotation": "annotations",
    "--allow": "allow",
    "--policy": "policy",
}
_ONE = frozenset(
    {"--target", "--platform", "--network", "--cgroup-parent", "--shm-size", "--sbom"}
    | {"--provenance"}
)
_OTHERS = frozenset({"--file", "--metadata-file", "--output", "--progress", "--secret"})
_SWITCHES = {"--pull": "pull", "--no-cache": "nocache"}


class Docker:
    """The programs of all builds on one engine.

    Args:
        engine: the engine double that builds.
    """

    def __init__(self, engine: FakeDockerEngine) -> None:
        self._engine = engine

    def __call__(self, command: Command) -> int:
        """Run a command of `docker`.

        Raises:
            UsageError: the real one, or the double, does not take it.
        """
        match command.arguments:
            case ["login", *words]:
                return _log_in(command, words)
            case ["buildx", "create", *words]:
                return _create(command, words)
            case ["buildx", "build", *words]:
                return self._build(command, words)
            case _:
                raise UsageError(f"unknown command: docker {' '.join(command.arguments[:2])}")

    def _build(self, command: Command, words: list[str]) -> int:
        flags, rest = options_of(
            words, valued=frozenset(_OPTIONS) | _OTHERS, switches=frozenset(_SWITCHES)
        )
        if len(rest) != 1:
            raise UsageError(f"'docker buildx build' requires 1 argument, not {len(rest)}")
        names = _pushed_names(flags.pop("--output", []))
        if flags.pop("--progress", [])[-1:] != ["rawjson"]:
            raise UsageError("the double tells its progress as rawjson alone")
        printer = RawJSON(command.complain)
        image_id = ""
        last = ""

        def hear(event: Event) -> None:
            nonlocal image_id, last
            if isinstance(event, ImageBuilt):
                image_id = event.image_id
            if isinstance(event, StepStarted):
                last = event.instruction
            printer(event)

        metadata = command.path(flags.pop("--metadata-file")[-1])
        try:
            options = _options(command, flags)
            context = BuildContext(root=str(command.path(rest[0])))
            with listen_alone(hear):
                built = self._pushed(command, names, context, options)
        except PushError as error:
            command.complain(
                f"ERROR: failed to build: failed to solve: failed to push {error.image_name}: "
                f"{error.detail}\n"
            )
            return 1
        except ImageBuilderError as error:
            if isinstance(error, BuildError) and error.instruction:
                if error.instruction != last:
                    printer(StepStarted(1, 1, error.instruction))
                printer.fail(_words(error))
            command.complain(f"ERROR: failed to build: failed to solve: {_words(error)}\n")
            return 1
        finally:
            printer.close()
        said = {
            "buildx.build.ref": "default/default/double",
            "containerimage.config.digest": image_id,
            "containerimage.digest": built.partition("@")[2],
            "image.name": ",".join(names),
        }
        metadata.write_text(json.dumps(said, indent=2))
        return 0

    def _pushed(
        self,
        command: Command,
        names: list[str],
        context: BuildContext,
        options: DockerBuildOptions,
    ) -> str:
        """Build under the first name, push under all; return the first one's repo digest."""
        client = FakeDockerClient(self._engine)
        try:
            built = ""
            for name in names:
                domain = parse_build_target(name).domain
                username, password = _logins(command).get(domain, (None, None))
                registry = DefaultContainerRegistry(
                    uri=domain, docker_client=client, username=username, password=password
                )
                digest = LocalImageBuilder().build(name, context, options, registry)
                built = built or digest
            return built
        finally:
            client.close()


def _log_in(command: Command, words: list[str]) -> int:
    flags, rest = options_of(
        words, valued=frozenset({"--username"}), switches=frozenset({"--password-stdin"})
    )
    if len(rest) != 1 or "--password-stdin" not in flags or "--username" not in flags:
        raise UsageError("the double logs in with --username and --password-stdin at one host")
    credentials = Credentials(flags["--username"][-1], command.input.decode().rstrip("\r\n"))
    if not credentials.password:
        command.complain("Error: password is empty\n")
        return 1
    host = rest[0]
    try:
        with RegistryClient(
            host, credentials=_Always(credentials), retries=RetryPolicy(attempts=1)
        ) as client:
            client.ping()
    except RegistryError as error:
        command.complain(f"Error response from daemon: {error}\n")
        return 1
    logins = {**_logins(command), host: [credentials.username, credentials.password]}
    _login_file(command).write_text(json.dumps(logins))
    command.tell("Login Succeeded\n")
    return 0


def _login_file(command: Command) -> Any:
    return command.path(command.environment["HOME"]) / ".logins.json"


def _logins(command: Command) -> dict[str, list[str]]:
    file = _login_file(command)
    found: dict[str, list[str]] = json.loads(file.read_text()) if file.exists() else {}
    return found


def _create(command: Command, words: list[str]) -> int:
    flags, rest = options_of(
        words,
        valued=frozenset({"--name", "--driver", "--driver-opt"}),
        switches=frozenset({"--use"}),
    )
    if rest or flags.get("--driver") != ["docker-container"]:
        raise UsageError("the double makes builders of the driver docker-container alone")
    command.tell(f"{flags['--name'][-1]}\n")
    return 0


def _options(command: Command, flags: dict[str, list[str]]) -> DockerBuildOptions:
    """Return the options that flags stand for."""
    given: dict[str, object] = {
        "dockerfile": str(command.path(flags.pop("--file")[-1])),
        "secrets": [_secret(command, text) for text in flags.pop("--secret", [])],
    }
    for flag, values in flags.items():
        if flag in _SWITCHES:
            given[_SWITCHES[flag]] = values[-1] == "true"
        else:
            given[_OPTIONS[flag]] = values[-1] if flag in _ONE else values
    if not given["secrets"]:
        del given["secrets"]
    return DockerBuildOptions.from_any(given)


def _secret(command: Command, text: str) -> BuildSecret:
    fields = parse_fields(text)
    value = command.environment.get(fields.get("env", ""))
    if set(fields) != {"id", "env"} or value is None:
        raise UsageError(f"a secret of a build comes from a variable that is set: {sorted(fields)}")
    return BuildSecret(fields["id"], get=lambda: value)


def _pushed_names(outputs: list[str]) -> list[str]:
    """Return the names that an output pushes under."""
    if len(outputs) != 1:
        raise UsageError("the double has one output")
    fields = parse_fields(outputs[0])
    if fields.pop("type", "") != "image" or fields.pop("push", "") != "true":
        raise UsageError("the double pushes images")
    names = fields.pop("name", "")
    fields.pop("rewrite-timestamp", None)
    if fields or not names:
        raise UsageError(f"unknown attributes of an output: {sorted(fields)}")
    return names.split(",")


def _words(error: ImageBuilderError) -> str:
    """Return what the engine said, without what our builder says around it."""
    lines = str(error).splitlines()
    has_step = isinstance(error, BuildError) and error.instruction is not None
    return lines[1] if has_step and len(lines) > 1 else " ".join(lines)


class _Always:
    """Answers with the same credentials everywhere."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def credentials_for(self, registry: str) -> Credentials:
        """Return the credentials."""
        del registry
        return self._credentials
