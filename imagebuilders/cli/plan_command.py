"""`imagebuilders plan`."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from imagebuilders.cli import output
from imagebuilders.cli.completion import stages
from imagebuilders.cli.dockerfile_argument import dockerfile_path
from imagebuilders.sanitize import printable_lines

if TYPE_CHECKING:
    from imagebuilders.evaluation import BuildPlan, Images, Resolution
    from imagebuilders.evaluation.steps import Stage, Step


@click.command("plan", short_help="Show what a build would do, step by step.")
@click.argument("path", metavar="PATH", default=".", type=click.Path(exists=True, file_okay=False))
@click.option("-f", "--file", "dockerfile", metavar="FILE", help="The Dockerfile; - reads it.")
@click.option(
    "--target", metavar="STAGE", default="", help="The stage to build.", shell_complete=stages
)
@click.option(
    "--build-arg",
    "build_args",
    metavar="K=V",
    multiple=True,
    help="Set a build argument; K alone: the environment's. May be repeated.",
)
@click.option(
    "--build-context",
    "build_contexts",
    metavar="NAME=VALUE",
    multiple=True,
    help="Let a folder, image or address stand for an image or stage. May be repeated.",
)
@click.option("--label", "labels", metavar="K=V", multiple=True, help="Set a label.")
@click.option(
    "--platform",
    "platforms",
    metavar="OS/ARCH",
    multiple=True,
    help="Plan for this platform. May be repeated, or have commas.",
)
@click.option(
    "--offline",
    is_flag=True,
    help="Ask no registry: base images count as such without configuration.",
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
def plan(
    path: str,
    dockerfile: str | None,
    target: str,
    build_args: Sequence[str],
    build_contexts: Sequence[str],
    labels: Sequence[str],
    platforms: Sequence[str],
    offline: bool,
    as_json: bool,
) -> None:
    """Show what a build of the folder PATH would do, step by step, and build nothing.

    The Dockerfile is resolved as BuildKit does it: arguments and variables are replaced, stages
    that are not needed left out, triggers of base images put in. Each step has the line it stands
    on; COPY and ADD have the files they take.

    \b
    Examples:
      imagebuilders plan app
      imagebuilders plan app --target test --build-arg VERSION=2
      imagebuilders plan app --offline --json
    """
    from imagebuilders.evaluation import ResolveOptions, plan_document
    from imagebuilders.evaluation import plan as plan_build
    from imagebuilders.oci.platform import Platform

    options = ResolveOptions(
        target=target,
        build_args=dict(_given(build_args)),
        labels=dict(_pairs(labels, "--label")),
        named_contexts=dict(_contexts(build_contexts)),
    )
    wanted = [Platform.parse(name) for given in platforms for name in given.split(",")]
    with ExitStack() as stack:
        file = stack.enter_context(dockerfile_path(dockerfile))
        images = _images(stack, offline=offline)
        found = plan_build(path, images=images, dockerfile=file, platforms=wanted, options=options)
        if as_json:
            output.write_json(sys.stdout, plan_document(found))
            return
        for line in _lines(found):
            output.result(printable_lines(line))
        for warning in found.warnings:
            output.warning_message(str(warning))


def _images(stack: ExitStack, *, offline: bool) -> Images:
    from imagebuilders.auth.keychain import Keychain
    from imagebuilders.evaluation import RegistryImages, UnknownImages

    return UnknownImages() if offline else stack.enter_context(RegistryImages(Keychain()))


def _given(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Return names and values; of a name alone the environment's, if it has one."""
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            yield name, value
        elif name in os.environ:
            yield name, os.environ[name]


def _pairs(words: Sequence[str], option: str) -> Iterator[tuple[str, str]]:
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{word!r} is not NAME=VALUE.", param_hint=option)
        yield name, value


def _contexts(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Return named contexts as BuildKit writes them; a folder is `local:NAME`."""
    for name, value in _pairs(words, "--build-context"):
        is_address = "://" in value or value.startswith("git@")
        yield name.removesuffix(":latest"), value if is_address else f"local:{name}"


def _lines(found: BuildPlan) -> Iterator[str]:
    for build in found.builds:
        yield str(build.platform)
        for stage in build.stages:
            if stage.needed:
                yield from _stage_lines(found, build, stage)


def _stage_lines(found: BuildPlan, build: Resolution, stage: Stage) -> Iterator[str]:
    name = f" {stage.name}" if stage.name else ""
    built = " (built)" if stage.index == build.target else ""
    yield f"  stage {stage.index}{name}: FROM {stage.written_base}{built}"
    for step in stage.steps:
        yield f"  {step.lines.first:>5}  {_text(step)}"
        for path, destination in _files(found, step):
            yield f"           {path} -> {destination}"


def _text(step: Step) -> str:
    from imagebuilders.evaluation.steps import Onbuild, Run

    if isinstance(step, Run):
        return f"RUN {shlex.join(step.arguments)}"
    if isinstance(step, Onbuild):
        return f"ONBUILD {step.instruction}"
    return step.created_by.removesuffix(" # buildkit")


def _files(found: BuildPlan, step: Step) -> Iterator[tuple[str, str]]:
    from imagebuilders.evaluation.steps import Copy

    if isinstance(step, Copy):
        for file in found.files(step):
            yield file.path, file.destination
