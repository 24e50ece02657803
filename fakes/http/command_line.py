"""What the commands that serve doubles have in common: options, certificates, and when they end."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event
from typing import TextIO

import click

from imagebuilders.exceptions import ImageBuilderError

from .certificates import make_certificate
from .control import add_rules
from .signals import stop_on_signals

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LISTEN = click.option(
    "--listen",
    default="tcp://127.0.0.1:0",
    show_default=True,
    metavar="ADDRESS",
    help="unix://PATH or tcp://HOST:PORT; port 0 picks a free one.",
)
TLS = click.option("--tls", is_flag=True, help="Speak TLS with a certificate made on the spot.")
CERTIFICATE = click.option(
    "--certificate",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --tls: write the certificate there, for clients to trust, as in "
    "DOCKER_CERT_PATH/ca.pem.",
)
CONTROL = click.option("--control", is_flag=True, help="Let it be steered by JSON below /_double/.")
RULES = click.option(
    "--rules",
    type=click.File(encoding="utf-8"),
    metavar="FILE",
    help="What commands do, in TOML: a table such as [[on_run]] for each rule, with the arguments "
    "of that method.",
)
REGISTRY = click.option(
    "--registry",
    "registries",
    multiple=True,
    metavar="HOST=ADDRESS",
    help="Where a name's host leads, as in ghcr.io=127.0.0.1:5000; docker.io is the public hub. "
    "Repeatable.",
)
NETWORK = click.option(
    "--network", is_flag=True, help="Ask registries at other hosts over the network."
)


def places(registries: Iterable[str]) -> dict[str, str]:
    """Return the addresses that hosts lead to.

    Args:
        registries: as `--registry` gives them, `HOST=ADDRESS`.
    """
    parts = (pair.partition("=") for pair in registries)
    return {host: address for host, _, address in parts}


EXECUTE = click.option(
    "--execute",
    type=click.Choice(["shell"]),
    help="Evaluate commands that no rule is meant for, by an emulated shell in memory.  "
    "[default: nothing is evaluated]",
)


def apply_rules(double: object, rules: TextIO | None, kinds: Iterable[str]) -> None:
    """Give a double the rules of a TOML file, in its order; the newest wins.

    Args:
        double: has a method for each kind.
        rules: the file, with a table `[[on_run]]` or of another kind for each rule, whose keys are
            the arguments of that method.
        kinds: the kinds that there are.

    Raises:
        click.BadParameter: it is no TOML, or a rule cannot be; its place is told.
    """
    if rules is None:
        return
    try:
        add_rules(double, tomllib.loads(rules.read()), kinds)
    except ValueError as error:
        raise click.BadParameter(f"{rules.name}: {error}", param_hint="--rules") from error


def server_context(listen: str, target: Path | None) -> ssl.SSLContext:
    """Return the context of a server with a certificate for its address.

    Args:
        listen: the address.
        target: where the certificate is written for clients to trust.

    Raises:
        click.ClickException: it cannot be made or written.
    """
    host = listen.removeprefix("tcp://").rpartition(":")[0].strip("[]")
    try:
        made = make_certificate(host if listen.startswith("tcp://") and host else "localhost")
        if target is not None:
            made.write(target)
    except (ImageBuilderError, OSError) as error:
        raise click.ClickException(str(error)) from error
    return made.server_context()


def serve_until_stopped(served: AbstractContextManager[str], *, variable: str, listen: str) -> None:
    """Serve until a signal comes; print the address as an environment variable.

    Args:
        served: serves as long as it is entered; its value is the address.
        variable: the name of the variable, as in `DOCKER_HOST`.
        listen: where it was asked to listen.

    Raises:
        click.UsageError: it cannot listen there.
    """
    stop = Event()
    stop_on_signals(stop)
    try:
        with served as address:
            click.echo(f"{variable}={address}")
            sys.stdout.flush()
            stop.wait()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise click.UsageError(f"cannot listen on {listen}: {why}") from error
