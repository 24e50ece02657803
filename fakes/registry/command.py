"""`python -m fakes registry`: a registry for any program to talk to."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import click

from imagebuilders.exceptions import ImageBuilderError

from ..http import command_line
from ..http.signals import stop_on_signals
from .auth import AuthKind
from .registry import FakeRegistry


@click.command()
@click.option(
    "--listen",
    default="tcp://127.0.0.1:5000",
    show_default=True,
    metavar="ADDRESS",
    help="tcp://HOST:PORT, or HOST:PORT alone; port 0 picks a free one.",
)
@click.option(
    "--auth",
    type=click.Choice([kind.value for kind in AuthKind]),
    help="How clients prove who they are.  [default: basic with --user, else none]",
)
@click.option(
    "--user", "users", multiple=True, metavar="NAME:PASSWORD", help="A user. May be repeated."
)
@click.option("--anonymous-pull", is_flag=True, help="Let anyone pull.")
@click.option("--read-only", is_flag=True, help="Refuse pushes and deletes.")
@click.option("--storage-limit", type=click.IntRange(min=0), metavar="BYTES", help="Keep no more.")
@click.option(
    "--keep-records",
    type=click.IntRange(min=0),
    metavar="N",
    help="Remember the newest N requests, and keep N manifests without a tag.  [default: all]",
)
@command_line.TLS
@command_line.CERTIFICATE
@command_line.CONTROL
@click.option(
    "--seed",
    "seeds",
    multiple=True,
    metavar="NAME:TAG=PATH",
    help="Put an image in, from an OCI layout or a `docker save` tar. May be repeated.",
)
def registry(
    listen: str,
    auth: str | None,
    users: tuple[str, ...],
    anonymous_pull: bool,
    read_only: bool,
    storage_limit: int | None,
    keep_records: int | None,
    tls: bool,
    certificate: Path | None,
    control: bool,
    seeds: tuple[str, ...],
) -> None:
    """Serve a registry double until interrupted; print its URL.

    \b
    Examples:
      python -m fakes registry
      python -m fakes registry --listen tcp://127.0.0.1:0 --user ann:secret
      python -m fakes registry --seed team/app:1=app.tar --read-only
    """
    host, _, port = listen.removeprefix("tcp://").rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise click.BadParameter(
            f"expected HOST:PORT with a port up to 65535, not {listen!r}", param_hint="--listen"
        )
    known = dict(_pair(user, ":", "--user") for user in users)
    try:
        double = FakeRegistry(
            auth=auth or ("basic" if known else "none"),
            users=known,
            anonymous_pull=anonymous_pull,
            read_only=read_only,
            storage_limit=storage_limit,
            keep_records=keep_records,
            tls=tls,
            control=control,
            host=host.strip("[]"),
            port=int(port),
        )
        for seed in seeds:
            name, path = _pair(seed, "=", "--seed")
            double.seed(name, path)
        double.start()
    except (ImageBuilderError, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    stop = Event()
    stop_on_signals(stop)
    with double:
        if certificate is not None and tls:
            double.certificate.write(certificate)
        click.echo(f"registry: {double.url}")
        stop.wait()


def _pair(text: str, separator: str, option: str) -> tuple[str, str]:
    left, found, right = text.partition(separator)
    if not (left and found and right):
        raise click.BadParameter(f"{left}… has no {separator!r}", param_hint=option)
    return left, right
