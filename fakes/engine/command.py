"""`python -m fakes engine` and `python -m fakes run`: the engine double for other programs."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from ..http import command_line
from ..http.signals import run as run_program
from ..images.reference import HUB, InvalidReferenceError, parse
from .control import KINDS
from .environment import HIDING
from .versions import CONTAINERD, DEFAULT, OVERLAY2, VERSIONS

if TYPE_CHECKING:
    from .engine import FakeDockerEngine

_Command = TypeVar("_Command", bound=Callable[..., Any])

_VERSION = click.option(
    "--engine-version",
    type=click.Choice(list(VERSIONS)),
    default=DEFAULT,
    show_default=True,
    help="Engine version to look like.",
)
_STORE = click.option(
    "--image-store",
    type=click.Choice([OVERLAY2, CONTAINERD]),
    help="Where the engine keeps its images.  [default: as a new engine of the version]",
)
_SEED = click.option(
    "--seed",
    "seeds",
    multiple=True,
    metavar="NAME",
    help="Give the engine an image: one of the public hub, as in python:3.12-slim, can be "
    "pulled; any other, as in registry.example/base:1, is there already. May be repeated.",
)

_SERVICE = click.option(
    "--service",
    "services",
    multiple=True,
    metavar="IMAGE",
    help="Let the containers of an image run until they are stopped. May be repeated.",
)
_RECORDS = click.option(
    "--keep-records",
    type=click.IntRange(min=0),
    metavar="N",
    help="Remember the newest N requests, builds and events.  [default: all]",
)


def _options(command: _Command) -> _Command:
    """What both commands say of the engine."""
    shared = (
        *(command_line.NETWORK, command_line.REGISTRY, _RECORDS),
        *(command_line.EXECUTE, command_line.RULES, _SERVICE, _SEED),
    )
    for option in (*shared, _STORE, _VERSION):
        command = option(command)
    return command


def _engine(
    engine_version: str,
    image_store: str | None,
    seeds: tuple[str, ...],
    services: tuple[str, ...],
    rules: TextIO | None,
    keep_records: int | None,
    registries: tuple[str, ...],
    network: bool,
    execute: str | None,
) -> FakeDockerEngine:
    from .engine import FakeDockerEngine

    if image_store not in (None, *VERSIONS[engine_version].stores):
        known = ", ".join(VERSIONS[engine_version].stores)
        raise click.BadParameter(
            f"{engine_version} has no {image_store}; it has: {known}", param_hint="--image-store"
        )
    try:
        made = FakeDockerEngine(
            engine_version,
            image_store=image_store,
            keep_records=keep_records,
            registries=command_line.places(registries),
            network=network,
            execute=execute,
        )
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--registry") from error
    for name in seeds:
        _seed(made, name)
    for image in services:
        made.on_container(image, service=True)
    command_line.apply_rules(made, rules, KINDS)
    return made


def _seed(engine: FakeDockerEngine, name: str) -> None:
    try:
        reference = parse(name)
    except InvalidReferenceError as error:
        raise click.BadParameter(f"{name!r}: {error}", param_hint="--seed") from error
    if reference.digest and reference.domain != HUB:
        raise click.BadParameter(
            f"{name!r}: an image gets its digest from its content; give a name with a tag",
            param_hint="--seed",
        )
    if reference.domain == HUB:
        engine.seed_hub(name)
    else:
        engine.seed_image(name)


@click.command("engine")
@command_line.LISTEN
@command_line.TLS
@command_line.CERTIFICATE
@command_line.CONTROL
@_options
def engine(listen: str, control: bool, tls: bool, certificate: Path | None, **options: Any) -> None:
    """Serve a Docker Engine double until interrupted; print its DOCKER_HOST.

    \b
    Examples:
      python -m fakes engine
      python -m fakes engine --engine-version 28.5 --seed python:3.12-slim
      python -m fakes engine --listen tcp://127.0.0.1:0 --tls --certificate ca.pem
    """
    double = _engine(**options)
    context = command_line.server_context(listen, certificate) if tls else None
    served = double.serve(listen, control=control, tls=context)
    command_line.serve_until_stopped(served, variable="DOCKER_HOST", listen=listen)


@click.command(
    "run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def run(context: click.Context, /, command: tuple[str, ...], **options: Any) -> None:
    """Run COMMAND with DOCKER_HOST set to a Docker Engine double.

    Ends with COMMAND's exit code, or 128 and the number of the signal that ended it.

    \b
    Examples:
      python -m fakes run docker version
      python -m fakes run --engine-version 28.5 --seed alpine:3.22 docker build .
      python -m fakes run --rules rules.toml pytest -q
    """
    try:
        with _engine(**options).serve() as docker_host:
            environment = {**os.environ, "DOCKER_HOST": docker_host}
            for variable in HIDING:
                environment.pop(variable, None)
            code = run_program(command, environment)
    except OSError as error:
        raise click.UsageError(f"cannot run {command[0]}: {error.strerror}") from error
    except KeyboardInterrupt:
        # It came before COMMAND was there to get it.
        code = 128 + signal.SIGINT
    context.exit(code)
