"""What shells complete on the command line, beside names of commands and flags."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

from imagebuilders.context.dockerfile_lookup import DEFAULT_DOCKERFILE, dockerfile_name
from imagebuilders.control_files import read_control_file
from imagebuilders.exceptions import ImageBuilderError
from imagebuilders.user_folders import docker_config_directory

Complete = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]

_FLAVORS = ("local", "classic", "buildkit", "daemonless", "aws")
_PLATFORMS = (
    *("linux/amd64", "linux/arm64", "linux/arm/v7", "linux/arm/v6", "linux/386", "linux/ppc64le"),
    *("linux/riscv64", "linux/s390x"),
)


def files(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Let the shell complete a file's name."""
    return [CompletionItem(incomplete, type="file")]


def folders(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Let the shell complete a folder's name."""
    return [CompletionItem(incomplete, type="dir")]


def words(*known: str) -> Complete:
    """Return what completes one of these words."""

    def complete(
        _ctx: click.Context, _param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return _those(known, incomplete)

    return complete


def stages(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a stage's name, from the Dockerfile that the line names so far."""
    from imagebuilders.dockerfile import parse

    # A line that ends with a flag without its value was read up to there: the rest was left.
    folder = str(next(iter(ctx.args), None) or ctx.params.get("path") or os.curdir)
    given = ctx.params.get("dockerfile")
    named = os.path.join(folder, dockerfile_name(folder, DEFAULT_DOCKERFILE, lambda _: False))
    try:
        parsed = parse(read_control_file(str(given) if given else named).content)
    except ImageBuilderError:
        return []
    return _those([stage.name for stage in parsed.stages if stage.name], incomplete)


def builders(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete what builds: the flavors, instances of buildx, contexts of Docker."""
    from imagebuilders.buildkit.buildx_builders import builder_names
    from imagebuilders.connections.cli_contexts import context_names

    folder = docker_config_directory(os.environ)
    contexts = [] if folder is None else context_names(folder)
    return _those(dict.fromkeys((*_FLAVORS, *builder_names(), *contexts)), incomplete)


def _those(known: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in known if name.startswith(incomplete)]


COMPLETIONS: dict[str, Complete] = {
    "builder": builders,
    "target": stages,
    "no_cache_filter": stages,
    "dockerfile": files,
    "iidfile": files,
    "metadata_file": files,
    "progress": words("auto", "plain", "tty", "quiet", "none", "rawjson"),
    "call": words("build", "check", "outline", "targets"),
    "network_mode": words("default", "none", "host"),
    "platform": words(*_PLATFORMS),
    "allow": words("network.host", "security.insecure", "device"),
}
"""What completes the values of flags, by the option that a flag gives."""
