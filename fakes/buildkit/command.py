"""`python -m fakes buildkit`: the BuildKit double for other programs."""

from __future__ import annotations

import ssl
import sys
from pathlib import Path
from threading import Event

import click

from imagebuilders.exceptions import ImageBuilderError

from ..http.certificates import make_certificate
from ..http.signals import stop_on_signals
from .fake import FakeBuildKit

_PLATFORMS = ("linux/amd64", "linux/arm64")


@click.command("buildkit")
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
    help="With --tls: write the certificate there, for clients to trust.",
)
@click.option(
    "--client-ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --tls: clients have to show a certificate of this authority.",
)
@click.option(
    "--seed",
    "seeds",
    multiple=True,
    metavar="NAME",
    help="Let a registry have an image, as in python:3.12-slim. Repeatable.",
)
def buildkit(
    listen: str,
    tls: bool,
    certificate: Path | None,
    client_ca: Path | None,
    seeds: tuple[str, ...],
) -> None:
    """Serve a BuildKit double until interrupted; prints its BUILDKIT_HOST."""
    double = FakeBuildKit()
    for name in seeds:
        _seed(double, name)
    context = _certified(listen, certificate, client_ca) if tls else None
    stop = Event()
    stop_on_signals(stop)
    try:
        with double.serve(listen, tls=context) as address:
            click.echo(f"BUILDKIT_HOST={address}")
            sys.stdout.flush()
            stop.wait()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise click.UsageError(f"cannot listen on {listen}: {why}") from error


def _seed(double: FakeBuildKit, name: str) -> None:
    try:
        double.seed_image(name, platforms=_PLATFORMS)
    except ValueError as error:
        raise click.BadParameter(f"{name!r}: {error}", param_hint="--seed") from error


def _certified(listen: str, target: Path | None, client_ca: Path | None) -> ssl.SSLContext:
    """Make a certificate for an address, and write it for clients to trust."""
    host = listen.removeprefix("tcp://").rpartition(":")[0].strip("[]")
    try:
        made = make_certificate(host if listen.startswith("tcp://") and host else "localhost")
        if target is not None:
            made.write(target)
        context = made.server_context()
        context.set_alpn_protocols(["h2"])
        if client_ca is not None:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (ImageBuilderError, OSError) as error:
        raise click.ClickException(str(error)) from error
    return context
