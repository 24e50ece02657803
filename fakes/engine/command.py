"""`python -m fakes engine` and `python -m fakes run`: the engine double for other programs."""

from __future__ import annotations

import os
import signal
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from imagebuilders.exceptions import ImageBuilderError

from ..http.certificates import make_certificate
from ..http.signals import run as run_program
from ..http.signals import stop_on_signals
from ..images.reference import HUB, InvalidReferenceError, parse
from .environment import HIDING
from .rules_file import apply_rules
from .versions import DEFAULT, VERSIONS

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
_SEED = click.option(
    "--seed",
    "seeds",
    multiple=True,
    metavar="NAME",
    help="Give the engine an image: one of the public hub, as in python:3.12-slim, can be "
    "pulled; any other, as in registry.example/base:1, is there already. Repeatable.",
)

_SERVICE = click.option(
    "--service",
    "services",
    multiple=True,
    metavar="IMAGE",
    help="Let the containers of an image run until they are stopped. Repeatable.",
)
_RULES = click.option(
    "--rules",
    type=click.File(encoding="utf-8"),
    metavar="FILE",
    help="What commands do, in TOML: [[on_run]], [[on_container]], [[on_exec]] with the "
    "arguments of these methods.",
)

_RECORDS = click.option(
    "--keep-records",
    type=click.IntRange(min=0),
    metavar="N",
    help="Remember the newest N requests, builds and events.  [default: all]",
)


_REGISTRY = click.option(
    "--registry",
    "registries",
    multiple=True,
    metavar="HOST=ADDRESS",
    help="Where a name's host leads, as in ghcr.io=127.0.0.1:5000; docker.io is the public hub. "
    "Repeatable.",
)
_NETWORK = click.option(
    "--network", is_flag=True, help="Ask registries at other hosts over the network."
)


def _options(command: _Command) -> _Command:
    """What both commands say of the engine."""
    for option in (_NETWORK, _REGISTRY, _RECORDS, _RULES, _SERVICE, _SEED, _VERSION):
        command = option(command)
    return command


def _engine(
    engine_version: str,
    seeds: tuple[str, ...],
    services: tuple[str, ...],
    rules: TextIO | None,
    keep_records: int | None,
    registries: tuple[str, ...],
    network: bool,
) -> FakeDockerEngine:
    from .engine import FakeDockerEngine

    parts = (pair.partition("=") for pair in registries)
    places = {host: address for host, _, address in parts}
    try:
        made = FakeDockerEngine(
            engine_version, keep_records=keep_records, registries=places, network=network
        )
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--registry") from error
    for name in seeds:
        _seed(made, name)
    for image in services:
        made.on_container(image, service=True)
    if rules is not None:
        try:
            apply_rules(made, rules.read())
        except ValueError as error:
            raise click.BadParameter(f"{rules.name}: {error}", param_hint="--rules") from error
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
@click.option(
    "--listen",
    default="tcp://127.0.0.1:0",
    show_default=True,
    metavar="ADDRESS",
    help="unix://PATH or tcp://HOST:PORT; port 0 picks a free one.",
)
@click.option("--tls", is_flag=True, help="Speak TLS with a certificate made on the spot.")
@click.option(
    "--certificate",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --tls: write the certificate there, as in DOCKER_CERT_PATH/ca.pem.",
)
@click.option("--control", is_flag=True, help="Let it be steered by JSON below /_double/.")
@_options
def engine(listen: str, control: bool, tls: bool, certificate: Path | None, **options: Any) -> None:
    """Serve an engine double until interrupted; prints its DOCKER_HOST."""
    double = _engine(**options)
    context = _certified(listen, certificate) if tls else None
    stop = Event()
    stop_on_signals(stop)
    try:
        with double.serve(listen, control=control, tls=context) as docker_host:
            click.echo(f"DOCKER_HOST={docker_host}")
            sys.stdout.flush()
            stop.wait()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise click.UsageError(f"cannot listen on {listen}: {why}") from error


def _certified(listen: str, target: Path | None) -> ssl.SSLContext:
    """Make a certificate for an address, and write it for clients to trust."""
    host = listen.removeprefix("tcp://").rpartition(":")[0].strip("[]")
    try:
        made = make_certificate(host if listen.startswith("tcp://") and host else "localhost")
        if target is not None:
            made.write(target)
    except (ImageBuilderError, OSError) as error:
        raise click.ClickException(str(error)) from error
    return made.server_context()


@click.command(
    "run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def run(context: click.Context, /, command: tuple[str, ...], **options: Any) -> None:
    """Run COMMAND with DOCKER_HOST set to an engine double.

    Ends with COMMAND's exit code, or 128 and the number of the signal that ended it.
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
