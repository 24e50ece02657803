"""`python -m fakes buildkit`: the BuildKit double for other programs."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TextIO

import click

from ..http import command_line
from .control import KINDS
from .fake import FakeBuildKit

_PLATFORMS = ("linux/amd64", "linux/arm64")


@click.command("buildkit")
@command_line.LISTEN
@command_line.TLS
@command_line.CERTIFICATE
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
    help="Let a registry have an image, as in python:3.12-slim. May be repeated.",
)
@command_line.REGISTRY
@command_line.NETWORK
@command_line.EXECUTE
@command_line.RULES
@command_line.CONTROL
def buildkit(
    listen: str,
    tls: bool,
    certificate: Path | None,
    client_ca: Path | None,
    seeds: tuple[str, ...],
    registries: tuple[str, ...],
    network: bool,
    execute: str | None,
    rules: TextIO | None,
    control: bool,
) -> None:
    """Serve a BuildKit double until interrupted; print its BUILDKIT_HOST.

    \b
    Examples:
      python -m fakes buildkit
      python -m fakes buildkit --seed alpine:3.22 --rules rules.toml
      python -m fakes buildkit --listen unix:///tmp/buildkit.sock
    """
    try:
        double = FakeBuildKit(
            execute=execute, registries=command_line.places(registries), network=network
        )
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--registry") from error
    for name in seeds:
        _seed(double, name)
    command_line.apply_rules(double, rules, KINDS)
    context = _context(listen, certificate, client_ca) if tls else None
    served = double.serve(listen, control=control, tls=context)
    command_line.serve_until_stopped(served, variable="BUILDKIT_HOST", listen=listen)


def _seed(double: FakeBuildKit, name: str) -> None:
    try:
        double.seed_image(name, platforms=_PLATFORMS)
    except ValueError as error:
        raise click.BadParameter(f"{name!r}: {error}", param_hint="--seed") from error


def _context(listen: str, target: Path | None, client_ca: Path | None) -> ssl.SSLContext:
    """Return the context of a server of HTTP/2, which may ask clients for certificates."""
    context = command_line.server_context(listen, target)
    context.set_alpn_protocols(["h2"])
    if client_ca is not None:
        try:
            context.load_verify_locations(client_ca)
        except OSError as error:
            raise click.ClickException(str(error)) from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context
