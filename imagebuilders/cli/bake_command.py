"""`imagebuilders bake`.

It is longer than other modules: the flags stand where they are used.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from imagebuilders.cli import output
from imagebuilders.cli.bake_results import show_results
from imagebuilders.cli.builder_switches import builder_switches
from imagebuilders.cli.completion import builders
from imagebuilders.cli.dockerfile_argument import dockerfile_of
from imagebuilders.cli.dockerfile_call import DockerfileCall
from imagebuilders.cli.named_builder import BUILDERS, named_builder
from imagebuilders.cli.progress import Display, chosen_display, progress
from imagebuilders.exceptions import BakeError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.temporary_folder import temporary_folder

if TYPE_CHECKING:
    from imagebuilders.bake import BakePlan, Definition, TargetBuild
    from imagebuilders.base_image_builder import BaseImageBuilder
    from imagebuilders.build_context import BuildContext
    from imagebuilders.many_builds import BuildResult, BuildTask
    from imagebuilders.stack import Stack

_CALL_NAMES = {"check": "lint"}
"""What bake's JSON calls a question."""


@dataclass(frozen=True)
class _Settings:
    """What the command line asks for, apart from the targets."""

    display: Display
    parallel: int
    allowed: Sequence[str]
    metadata_file: str | None
    explains_cache: bool
    call: DockerfileCall | None


@click.command()
@click.argument("targets", metavar="[TARGET]...", nargs=-1)
@click.option(
    "-f",
    "--file",
    "files",
    metavar="FILE",
    multiple=True,
    help="A compose file, or bake's JSON; - is standard input. May be repeated: later files lie "
    "over earlier ones. By default those that exist of compose.yaml, compose.yml, "
    "docker-compose.yml, docker-compose.yaml and docker-bake.json.",
)
@click.option(
    "--set",
    "overrides",
    metavar="TARGET.KEY=VALUE",
    multiple=True,
    help="Say something over the files, as in web.args.V=1 or *.platform=linux/arm64.",
)
@click.option("--var", "variables", metavar="NAME=VALUE", multiple=True, help="Set a variable.")
@click.option("--print", "prints", is_flag=True, help="Print what would be built, as JSON.")
@click.option("--list", "lists", metavar="targets", help="List the targets and groups.")
@click.option("--push", is_flag=True, help="Push the images to the registries that they name.")
@click.option("--load", is_flag=True, help="Put the images into the engine's store.")
@click.option("--no-cache", is_flag=True, help="Build every step anew.")
@click.option("--pull", is_flag=True, help="Look for newer base images.")
@click.option("--sbom", metavar="VALUE", help="Attest what is in the images.")
@click.option("--provenance", metavar="VALUE", help="Attest how the images were built.")
@click.option("--call", metavar="CALL", help="Ask check, outline or targets instead of building.")
@click.option("--check", is_flag=True, help="The same as --call=check.")
@click.option(
    "--allow",
    "allowed",
    metavar="NAME",
    multiple=True,
    help="Allow network.host, security.insecure, ssh, fs=PATH, fs.read=PATH or fs.write=PATH.",
)
@click.option(
    "--explain-cache",
    is_flag=True,
    help="Tell at the end why steps did not come from the cache, compared with the last builds "
    "that had this flag.",
)
@click.option("--metadata-file", metavar="FILE", help="Write what is said of the results, as JSON.")
@click.option("--builder", metavar="NAME", help=BUILDERS, shell_complete=builders)
@click.option(
    "--parallel",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="So many builds run at a time.",
)
@click.option("--progress", "progress_type", metavar="TYPE", default="", help="auto, plain, …")
@click.option("-q", "--quiet", is_flag=True, help="Print digests or IDs, no more.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, one object per line.")
def bake(
    targets: Sequence[str],
    files: Sequence[str],
    overrides: Sequence[str],
    variables: Sequence[str],
    prints: bool,
    lists: str | None,
    call: str | None,
    check: bool,
    allowed: Sequence[str],
    metadata_file: str | None,
    explain_cache: bool,
    builder: str | None,
    parallel: int,
    progress_type: str,
    quiet: bool,
    as_json: bool,
    **flags: object,
) -> int:
    """Build the targets of compose files and of bake's JSON, side by side.

    TARGET is a service, a target or a group; without any, all services, or the
    target or group "default", are built.

    Progress goes to standard error; the images' names, or their digests once they
    are pushed, to standard output.

    \b
    Examples:
      imagebuilders bake
      imagebuilders bake web worker --push --set '*.platform=linux/arm64'
      imagebuilders bake -f docker-bake.json release --print
    """
    if prints and lists:
        raise click.UsageError("--print and --list cannot be used together.")
    from imagebuilders.bake import read_definition

    question = DockerfileCall.parse("check" if check else call or "")
    definition = read_definition(
        files, variables=_variables(variables), standard_input=_standard_input(files)
    )
    if lists:
        return _list(definition, lists)
    said = [*overrides, *_overrides(flags, question)]
    plan = definition.plan(targets, overrides=said)
    if prints:
        output.result(json.dumps(plan.as_json(), indent=2))
        return 0
    display = chosen_display(progress_type, quiet=quiet, as_json=as_json)
    settings = _Settings(display, parallel, allowed, metadata_file, explain_cache, question)
    return _run(definition, plan, settings, builder)


def _variables(given: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    wrong = next((name for name, equals, _ in pairs if not name or not equals), None)
    if wrong is not None:
        raise click.UsageError(f"--var {wrong}: write it as NAME=VALUE.")
    return {name: value for name, _, value in pairs}


def _standard_input(files: Sequence[str]) -> str:
    return sys.stdin.buffer.read().decode("utf-8", "replace") if "-" in files else ""


def _overrides(flags: Mapping[str, object], question: DockerfileCall | None) -> Iterator[str]:
    """Say what flags mean of all targets."""
    for name in ("push", "load", "no_cache", "pull"):
        if flags[name]:
            yield f"*.{name.replace('_', '-')}=true"
    for kind in ("sbom", "provenance"):
        value = str(flags[kind] or "")
        lowered = value.lower()
        if lowered in ("true", "1"):
            yield f"*.attest=type={kind}"
        elif lowered in ("false", "0"):
            yield f"*.attest=type={kind},disabled=true"
        elif value:
            yield f"*.attest=type={kind},{value}"
    if question is not None:
        yield f"*.call={_CALL_NAMES.get(question.name, question.name)}"


def _list(definition: Definition, what: str) -> int:
    if what != "targets":
        raise click.UsageError(f"--list {what}: there is 'targets'.")
    rows = [(group.name, ", ".join(group.targets)) for group in definition.groups]
    rows += [(target.name, target.description) for target in definition.targets]
    output.result("TARGET\tDESCRIPTION")
    for name, text in sorted(rows):
        output.result(f"{name}\t{text}")
    return 0


# --- building --------------------------------------------------------------------


def _run(
    definition: Definition, plan: BakePlan, settings: _Settings, builder_name: str | None
) -> int:
    from imagebuilders.bake import target_builds
    from imagebuilders.bake.permissions import check_permissions
    from imagebuilders.stack import Client

    if not plan.targets:
        raise BakeError("There is nothing to build: no service has a 'build'.")
    check_permissions(plan, settings.allowed, os.environ)
    stack = Client().active_stack
    builder = named_builder(stack, builder_name)
    builds = target_builds(plan, definition.project)
    for text in definition.notices:
        output.warning_message(text)
    if settings.call is not None:
        return _ask(builder, builds, settings.call, settings.display)
    with ExitStack() as opened, progress(settings.display, are_many=True):
        said = Path(opened.enter_context(temporary_folder()))
        tasks = [_task(each, stack, builder, said, opened) for each in builds]
        switches = builder_switches(builder, explain_cache=settings.explains_cache)
        results = builder.build_many(tasks, max_parallel=settings.parallel, **switches)
        if settings.metadata_file:
            _write_metadata(settings.metadata_file, said, results)
    return show_results(builds, results, settings.display)


def _task(
    build: TargetBuild, stack: Stack, builder: BaseImageBuilder, said: Path, opened: ExitStack
) -> BuildTask:
    """Return what the builder is asked for; files that it needs live as long as `opened`."""
    from imagebuilders.many_builds import BuildTask

    context, options = opened.enter_context(_context(build, builder))
    first, *others = build.image_names
    options["tags"] = others
    options["metadata_file"] = str(said / build.name)
    if build.pushes:
        options["push"] = True
    return BuildTask(
        first,
        context,
        options,
        stack.container_registry if build.pushes else None,
        name=build.name,
    )


@contextmanager
def _context(
    build: TargetBuild, builder: BaseImageBuilder
) -> Iterator[tuple[BuildContext, dict[str, object]]]:
    from imagebuilders.bake.tasks import is_url
    from imagebuilders.remote_context import RemoteContext

    options = dict(build.options)
    with ExitStack() as opened:
        if build.dockerfile is not None:
            content = build.dockerfile.encode()
            options["dockerfile"] = opened.enter_context(dockerfile_of(content))
        if is_url(build.context):
            yield RemoteContext(build.context), options
        else:
            yield builder.build_context_class(build.context), options


def _ask(
    builder: BaseImageBuilder,
    builds: Sequence[TargetBuild],
    call: DockerfileCall,
    display: Display,
) -> int:
    from imagebuilders.build_options import DockerBuildOptions

    code = 0
    for build in builds:
        with (
            temporary_folder() as empty,
            _context(build, builder) as (context, options),
            progress(display),
        ):
            options["build_contexts"] = _without_links(options.get("build_contexts"), empty)
            answer = call.ask(builder, context, DockerBuildOptions.from_any(options))
        output.result(f"{build.name}\n\n{call.shown(answer)}")
        code = max(code, call.exit_code(answer))
    return code


def _without_links(contexts: object, empty: str) -> dict[str, str]:
    """Return contexts in which a folder stands for other targets: nothing of them is built."""
    from imagebuilders.bake.target import LINK

    given = contexts if isinstance(contexts, dict) else {}
    return {name: empty if value.startswith(LINK) else value for name, value in given.items()}


def _write_metadata(path: str, said: Path, results: Sequence[BuildResult]) -> None:
    found = {}
    for result in results:
        file = said / result.task.name
        if file.exists():
            found[result.task.name] = json.loads(file.read_text(encoding="utf-8"))
    try:
        Path(path).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise BakeError(f"The file {path} cannot be written: {error.strerror}.") from error
