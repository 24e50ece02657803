"""`python -m fakes engine` and `python -m fakes run`: the engine double for other programs."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import click

from fakes.engine.versions import VERSIONS

if TYPE_CHECKING:
    from fakes.engine.engine import FakeDockerEngine

_VERSION = click.option(
    "--engine-version",
    type=click.Choice(list(VERSIONS)),
    default="20.10",
    show_default=True,
    help="Engine version to look like.",
)
_SEED = click.option(
    "--seed",
    "seeds",
    multiple=True,
    metavar="NAME",
    help="Make a name of the public hub available, as in python:3.12-slim. Repeatable.",
)


def _engine(version: str, seeds: tuple[str, ...]) -> FakeDockerEngine:
    from fakes.engine.engine import FakeDockerEngine

    made = FakeDockerEngine(version)
    for name in seeds:
        made.seed_hub(name)
    return made


@click.command("engine")
@click.option(
    "--listen",
    default="tcp://127.0.0.1:0",
    show_default=True,
    metavar="ADDRESS",
    help="unix://PATH or tcp://HOST:PORT; port 0 picks a free one.",
)
@_VERSION
@_SEED
def engine(listen: str, engine_version: str, seeds: tuple[str, ...]) -> None:
    """Serve an engine double until interrupted; prints its DOCKER_HOST."""
    try:
        with _engine(engine_version, seeds).serve(listen) as docker_host:
            click.echo(f"DOCKER_HOST={docker_host}")
            sys.stdout.flush()
            threading.Event().wait()
    except KeyboardInterrupt:
        return
    except (OSError, ValueError) as error:
        raise click.UsageError(f"cannot listen on {listen}: {error}") from error


@click.command(
    "run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@_VERSION
@_SEED
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def run(
    context: click.Context, engine_version: str, seeds: tuple[str, ...], command: tuple[str, ...]
) -> None:
    """Run COMMAND with DOCKER_HOST set to an engine double."""
    with _engine(engine_version, seeds).serve() as docker_host:
        environment = {**os.environ, "DOCKER_HOST": docker_host}
        environment.pop("DOCKER_CONTEXT", None)
        try:
            code = subprocess.run(list(command), env=environment, check=False).returncode
        except OSError as error:
            raise click.UsageError(f"cannot run {command[0]}: {error.strerror}") from error
    context.exit(code)
