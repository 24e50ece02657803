"""The flags of `imagebuilders build`: those of `docker buildx build`, spelled and read as there.

https://docs.docker.com/reference/cli/docker/buildx/build/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import click

from imagebuilders.build_options.parsing import parse_switch
from imagebuilders.cli.completion import COMPLETIONS
from imagebuilders.cli.named_builder import BUILDERS
from imagebuilders.lazy_dataclass import dataclass

DecoratedT = TypeVar("DecoratedT", bound=Callable[..., object])


@dataclass(frozen=True)
class Flag:
    """A flag.

    Attributes:
        name: its long spelling.
        option: the build option that it gives, or what the command itself makes of it.
        help: what it does.
        metavar: what stands for its value; a flag without one is on or off, as in `--push` and
            `--push=false`.
        short: its short spelling.
        is_repeated: whether each further one adds to the others; else the last one counts.
        is_hidden: whether it is only there because older scripts have it.
    """

    name: str
    option: str
    help: str = ""
    metavar: str = ""
    short: str = ""
    is_repeated: bool = False
    is_hidden: bool = False

    @property
    def spellings(self) -> tuple[str, ...]:
        """All of its spellings."""
        return (self.short, self.name) if self.short else (self.name,)


def _many(name: str, option: str, metavar: str, text: str, short: str = "") -> Flag:
    return Flag(name, option, f"{text} May be repeated.", metavar, short, is_repeated=True)


BUILDX_FLAGS = (
    _many("--add-host", "extra_hosts", "HOST:IP", "Add a line to /etc/hosts while steps run."),
    _many("--allow", "allow", "NAME", "Allow network.host, security.insecure or device."),
    _many("--annotation", "annotations", "K=V", "Annotate the image, as in index:k=v."),
    _many("--attest", "attest", "type=TYPE", "Attest how the image was made, or what is in it."),
    _many("--build-arg", "buildargs", "K=V", "Set a build argument; K alone: the environment's."),
    _many("--build-context", "build_contexts", "NAME=VALUE", "Add a folder, image or address."),
    Flag(
        "--builder",
        "builder",
        BUILDERS,
        "NAME",
    ),
    _many("--cache-from", "cache_from", "CACHE", "Take cached steps from an image or type=…."),
    _many("--cache-to", "cache_to", "CACHE", "Write cached steps to type=…."),
    Flag("--call", "call", "Ask for check, outline or targets in place of a build.", "WHAT"),
    Flag("--cgroup-parent", "cgroup_parent", "The parent of the steps' control groups.", "GROUP"),
    Flag("--check", "check", "The same as --call=check."),
    Flag("--debug", "debug", "Write the log to standard error.", short="-D"),
    Flag(
        "--file",
        "dockerfile",
        "The Dockerfile; PATH/Dockerfile by default. It may lie outside PATH, and - reads it from "
        "standard input.",
        "FILE",
        "-f",
    ),
    Flag("--iidfile", "iidfile", "Write the image's ID to this file.", "FILE"),
    _many("--label", "labels", "K=V", "Set a label of the image."),
    Flag("--load", "load", "Put the image into the engine's store, beside what -o says."),
    Flag("--metadata-file", "metadata_file", "Write what is said of the result here.", "FILE"),
    Flag("--network", "network_mode", "The network of RUN: default, none or host.", "MODE"),
    Flag("--no-cache", "nocache", "Build every step anew."),
    _many("--no-cache-filter", "no_cache_filter", "STAGE", "Build the steps of a stage anew."),
    _many("--output", "outputs", "OUTPUT", "A folder, or as in type=oci,dest=FILE.", "-o"),
    _many("--platform", "platform", "OS/ARCH", "Build for this platform."),
    _many("--policy", "policy", "POLICY", "disabled=true: policies are not warned of."),
    Flag("--progress", "progress", "auto, plain, tty, quiet, none or rawjson.", "TYPE"),
    Flag("--provenance", "provenance", "Attest how the image was made, as in mode=max.", "VALUE"),
    Flag("--pull", "pull", "Look for newer base images."),
    Flag(
        "--push",
        "push",
        "Push the image to the stack's container registry, or, if it has none, to the one that "
        "the name begins with.",
    ),
    Flag("--quiet", "quiet", "Print the digest or the image's ID, no more.", short="-q"),
    _many("--resource", "container_limits", "NAME=VALUE", "Limit steps, as in memory=2g."),
    Flag("--sbom", "sbom", "Attest what is in the image.", "VALUE"),
    _many("--secret", "secrets", "SECRET", "A secret for steps, as in id=tok,env=TOK."),
    Flag("--shm-size", "shmsize", "The size of /dev/shm, as in 64m.", "BYTES"),
    _many("--ssh", "ssh", "AGENT", "An SSH agent or keys for steps: default, or id=path."),
    _many("--tag", "tags", "NAME", "Name of the image, as in name:tag.", "-t"),
    Flag("--target", "target", "Build this stage of the Dockerfile.", "STAGE"),
    _many("--ulimit", "ulimit", "LIMIT", "Limit processes of steps, as in nofile=1:2."),
)
"""The flags that `docker buildx build` shows, by their names."""


def _hidden(name: str, option: str, *, short: str = "", is_switch: bool = False) -> Flag:
    metavar = "" if is_switch else "VALUE"
    return Flag(name, option, metavar=metavar, short=short, is_hidden=True)


HIDDEN_FLAGS = (
    _hidden("--print", "call"),
    _hidden("--memory", "memory", short="-m"),
    _hidden("--memory-swap", "memswap"),
    _hidden("--cpu-shares", "cpushares", short="-c"),
    _hidden("--cpu-period", "cpuperiod"),
    _hidden("--cpu-quota", "cpuquota"),
    _hidden("--cpuset-cpus", "cpusetcpus"),
    _hidden("--cpuset-mems", "cpusetmems"),
    _hidden("--isolation", "isolation"),
    _hidden("--compress", "gzip", is_switch=True),
    _hidden("--squash", "squash", is_switch=True),
    _hidden("--rm", "rm", is_switch=True),
    _hidden("--force-rm", "forcerm", is_switch=True),
)
"""Flags of older commands, which `docker buildx build` takes without showing them."""

LIMITS = ("memory", "memswap", "cpushares", "cpuperiod", "cpuquota", "cpusetcpus", "cpusetmems")
"""What the hidden flags say that are limits of containers."""


class _Switch(click.Option):
    """An option that is on or off; `--push` stands for `--push=true`."""

    def type_cast_value(self, ctx: click.Context, value: object) -> bool | None:
        """Read a truth value as Go does."""
        if value is None:
            return None
        found = parse_switch(str(value))
        if found is None:
            raise click.BadParameter(f"{value!r} is neither true nor false.", ctx, self)
        return found


def buildx_flags(function: DecoratedT) -> DecoratedT:
    """Give a command the flags; each comes under its option, `None` or empty if not given."""
    for flag in reversed((*BUILDX_FLAGS, *HIDDEN_FLAGS)):
        add = click.option(
            *flag.spellings,
            # What two flags give must not be one parameter: each would overwrite the other.
            flag.option if not flag.is_hidden else f"hidden_{flag.option}",
            cls=click.Option if flag.metavar else _Switch,
            metavar=flag.metavar or " ",
            multiple=flag.is_repeated,
            hidden=flag.is_hidden,
            help=flag.help,
            shell_complete=COMPLETIONS.get(flag.option),
        )
        function = add(function)
    return function


class BuildxCommand(click.Command):
    """A command whose words are read as those of `docker buildx build`.

    Switches may have a value (`--push=false`), and a value may stand behind the `=` of a short
    flag (`-t=name`).
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words of the command line."""
        return super().parse_args(ctx, list(self._spelled_out(args)))

    def _spelled_out(self, words: Sequence[str]) -> Iterator[str]:
        known = {
            name: parameter
            for parameter in self.params
            if isinstance(parameter, click.Option)
            for name in parameter.opts
        }
        waiting = list(words)
        while waiting:
            word = waiting.pop(0)
            if word == "--":
                yield from (word, *waiting)
                return
            name, equals, value = word.partition("=")
            if word[:1] == "-" and word[1:2] not in ("-", "") and len(name) > 2:
                name, equals, value = word[:2], "", word[2:]  # as in -tNAME and -qD
                if name in known and isinstance(known[name], _Switch):
                    waiting.insert(0, f"-{value}")
                    value = ""
            parameter = known.get(name)
            if parameter is None or parameter.is_flag:
                yield word
            elif isinstance(parameter, _Switch):
                yield f"{parameter.opts[-1]}={value if equals else 'true'}"
            elif equals or value:
                yield from (name, value)
            else:
                yield word
                if waiting:
                    yield waiting.pop(0)
