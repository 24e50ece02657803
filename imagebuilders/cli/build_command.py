"""`imagebuilders build`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import field
from typing import TYPE_CHECKING

import click

from imagebuilders import events
from imagebuilders.cli import output
from imagebuilders.cli.build_flags import BuildxCommand, buildx_flags
from imagebuilders.cli.builder_switches import builder_switches, can_switch
from imagebuilders.cli.completion import folders
from imagebuilders.cli.context_argument import build_context
from imagebuilders.cli.dockerfile_call import DockerfileCall, metadata_of
from imagebuilders.cli.flag_values import flag_values, named_by_outputs, text, texts
from imagebuilders.cli.named_builder import has_engine, named_builder, with_file_lists
from imagebuilders.cli.named_registries import registries_of
from imagebuilders.cli.progress import Display, chosen_display, progress
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from imagebuilders.base_image_builder import BaseImageBuilder
    from imagebuilders.build_context import BuildContext
    from imagebuilders.build_options import DockerBuildOptions
    from imagebuilders.stack import Stack

_NO_IMAGE = frozenset({"local", "tar", "cacheonly"})


@dataclass(frozen=True)
class BuiltImage:
    """What became of one image name, or of an image without one."""

    image: str | None
    image_id: str | None = None
    reference: str | None = None
    """`repo@sha256:…`, when it was pushed."""
    written: str | None = None
    """The digest of what was written, when the image has no name."""

    @property
    def digest(self) -> str | None:
        """The digest in the registry, or of what was written."""
        return self.reference.partition("@")[2] if self.reference else self.written

    def shown(self, *, is_quiet: bool) -> str:
        """Return what the image can be called by; with `is_quiet` a digest or ID, if it has one."""
        by_content = self.written or self.image_id
        if self.reference or (is_quiet and by_content):
            return self.reference or by_content or ""
        return self.image or by_content or ""

    @property
    def record(self) -> dict[str, object]:
        """The image as the JSON object that ends the output."""
        return {
            "event": "result",
            "image": self.image,
            "image_id": self.image_id,
            "reference": self.reference,
            "digest": self.digest,
        }


@dataclass(frozen=True)
class _Request:
    """What the command line asks for."""

    names: Sequence[str]
    options: DockerBuildOptions
    push: bool
    display: Display
    switches: Mapping[str, bool]

    @property
    def makes_image(self) -> bool:
        """Whether there will be an image."""
        outputs = self.options.outputs
        kinds = {each.type for each in outputs}
        return not outputs or not kinds <= _NO_IMAGE or self.push or bool(self.options.load)

    @property
    def writes_to_stdout(self) -> bool:
        """Whether the result itself goes to standard output."""
        for each in self.options.outputs:
            dest = dict(each.attributes).get("dest")
            is_stream = each.type in ("tar", "oci") and dest in (None, "", "-")
            if is_stream or (each.type == "docker" and dest == "-"):
                return True
        return False


@click.command(cls=BuildxCommand)
@click.argument("path", metavar="PATH", shell_complete=folders)
@click.option(
    "--reproducible",
    is_flag=True,
    help="Give files times that depend on their content alone, and the image fixed ones.",
)
@click.option(
    "--explain-cache",
    is_flag=True,
    help="Tell at the end why steps did not come from the cache, compared with the last builds "
    "that had this flag.",
)
@click.option(
    "--skip-unchanged",
    is_flag=True,
    help="With --push: build nothing if the registry has the image of the same context, options "
    "and base images.",
)
@click.option(
    "--file-list-cache",
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="With --builder daemonless: where machines share the lists of bases' files.",
)
@click.option(
    "--report",
    "report_file",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write a page of the build: timeline, cache, layers, logs. Implies --explain-cache.",
)
@buildx_flags
@click.option("--json", "as_json", is_flag=True, help="Write JSON, one object per line.")
def build(
    path: str,
    as_json: bool,
    explain_cache: bool,
    skip_unchanged: bool,
    file_list_cache: str | None,
    report_file: str | None,
    **given: object,
) -> int:
    """Build an image from the folder PATH with the active stack's image builder.

    In place of a folder there may be the address of a git repository or an archive, or - for
    an archive or a Dockerfile on standard input.

    Progress goes to standard error; the image's name, or its digest once it is
    pushed, to standard output.

    \b
    Examples:
      imagebuilders build app -t shop:1.4
      imagebuilders build app -t ghcr.io/me/shop:1.4 --push --platform linux/arm64
      imagebuilders build app -o type=oci,dest=shop.tar --builder daemonless
    """
    from imagebuilders.build_options import DockerBuildOptions
    from imagebuilders.stack import Client

    values = flag_values(given)
    asked = "check" if values.pop("check", None) else text(values.get("call")) or ""
    call = DockerfileCall.parse(asked)
    values.pop("call", None)
    stack = Client().active_stack
    builder = named_builder(stack, text(values.pop("builder", None)))
    builder = with_file_lists(stack, builder, file_list_cache)
    switches = builder_switches(builder, explain_cache=explain_cache, skip_unchanged=skip_unchanged)
    if report_file is not None and can_switch(builder, "explain_cache"):
        switches["explain_cache"] = True
    with (
        output.debug_log(is_on=bool(values.pop("debug", None))),
        build_context(path, text(values.pop("dockerfile", None)), builder.build_context_class) as (
            context,
            dockerfile,
        ),
    ):
        names = texts(values.pop("tags", ()))
        push = bool(values.pop("push", None))
        options = DockerBuildOptions.from_any({**values, "dockerfile": dockerfile})
        if not names:
            names, options = named_by_outputs(options)
        names = list(dict.fromkeys(names))
        display = chosen_display(options.progress or "", quiet=bool(options.quiet), as_json=as_json)
        request = _Request(names, options, push, display, switches)
        if call is not None:
            return _ask(builder, context, call, request)
        _check(request)
        with progress(display):
            if report_file is None:
                results = _build(stack, builder, context, request)
            else:
                results = _reported_build(report_file, stack, builder, context, request)
    if not request.writes_to_stdout:
        _show(results, request)
    return 0


def _check(request: _Request) -> None:
    """See whether the flags can go together.

    Raises:
        click.UsageError: they cannot.
    """
    if request.push and not request.names:
        raise click.UsageError("--push: name the image, as in -t localhost:5000/app:1.")
    if request.display is Display.JSON and request.writes_to_stdout:
        raise click.UsageError("--json and an output to standard output cannot be used together.")


def _ask(
    builder: BaseImageBuilder, context: BuildContext, call: DockerfileCall, request: _Request
) -> int:
    """Ask a question in place of a build; return the exit code."""
    from imagebuilders.build_options.result_files import check_result_files, write_metadata

    check_result_files(request.options)
    with progress(request.display):
        answer = call.ask(builder, context, request.options)
    if request.options.metadata_file:
        write_metadata(request.options.metadata_file, metadata_of(answer))
    output.result(call.shown(answer))
    return call.exit_code(answer)


def _build(
    stack: Stack, builder: BaseImageBuilder, context: BuildContext, request: _Request
) -> list[BuiltImage]:
    """Build one image under all its names; push each."""
    names = request.names
    first, others = next(iter(names), None), names[1:]
    with ExitStack() as opened:
        # All registries before the build: what cannot be pushed need not be built.
        registries = registries_of(stack, names, opened, asked_by="--push") if request.push else {}
        addresses = {registry.address for registry in registries.values()}
        target = registries[first] if first is not None and len(addresses) == 1 else None
        update: dict[str, object] = {"tags": tuple(others)}
        if request.push and (others or request.options.outputs):
            update["push"] = True
        options = request.options.model_copy(update=update)
        noted = _Noted()
        with events.listen(noted):
            returned = builder.build(first, context, options, target, **request.switches)
        if first is None:
            written = returned if returned != noted.image_id else None
            return [BuiltImage(None, noted.image_id, written=written)] if returned else []
        pushed = {first: returned} if request.push and "@" in returned else {}
        for name, registry in registries.items():
            if name not in pushed:
                pushed[name] = noted.reference_of(name) or registry.push_image(name)
    return [BuiltImage(name, noted.image_id, pushed.get(name)) for name in names]


def _reported_build(
    report_file: str,
    stack: Stack,
    builder: BaseImageBuilder,
    context: BuildContext,
    request: _Request,
) -> list[BuiltImage]:
    """Build, and write a page of it."""
    from imagebuilders.cli.build_page import BuildPage

    with BuildPage(report_file, context, request.options) as page:
        results = _build(stack, builder, context, request)
        first = results[0] if results else None
        if first is not None and first.reference:
            page.look_into(f"docker://{first.reference}")
        elif first is not None and first.image_id and has_engine(builder):
            page.look_into(f"docker-daemon:{first.image_id}")
        return results


def _show(results: Sequence[BuiltImage], request: _Request) -> None:
    for built in results if request.makes_image else ():
        if request.display is Display.JSON:
            output.write_json(sys.stdout, built.record)
        else:
            output.result(built.shown(is_quiet=request.display is Display.QUIET))


@dataclass
class _Noted:
    """A listener that keeps what a build tells of its image."""

    image_id: str | None = None
    references: list[str] = field(default_factory=list)

    def __call__(self, event: events.Event) -> None:
        if isinstance(event, events.ImageBuilt):
            self.image_id = event.image_id
        elif isinstance(event, events.ImagePushed):
            self.references.append(event.reference)

    def reference_of(self, name: str) -> str | None:
        """Return the digest that a name was pushed with, if the builder has pushed it."""
        from imagebuilders.oci.reference import parse_build_target

        repository = parse_build_target(name).repository
        found = (each for each in self.references if each.partition("@")[0] == repository)
        return next(found, None)
