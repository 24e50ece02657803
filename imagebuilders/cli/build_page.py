"""`--report FILE`: the page of a build, written however the build ends."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from imagebuilders import events
from imagebuilders.cli import failures, output
from imagebuilders.context.dockerfile_lookup import DEFAULT_DOCKERFILE, dockerfile_name
from imagebuilders.control_files import read_control_file
from imagebuilders.exceptions import ControlFileError, ImageBuilderError
from imagebuilders.report import ReportedLayer, ReportRecorder, image_layers, render_page

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from imagebuilders.build_context import BuildContext
    from imagebuilders.build_options import DockerBuildOptions


class BuildPage:
    """Hears a build inside of a `with` block, and writes its page at the end.

    Args:
        path: the file.
        context: the build's context.
        options: its options, whose build arguments are not shown.
    """

    def __init__(self, path: str, context: BuildContext, options: DockerBuildOptions) -> None:
        self._path = path
        values = [value for value in options.buildargs.values() if value]
        content = _dockerfile(context.root, options.dockerfile)
        self._recorder = ReportRecorder(content, masked=values)
        self._layers: tuple[ReportedLayer, ...] = ()
        self._listening = ExitStack()

    def __enter__(self) -> Self:
        self._listening.enter_context(events.listen(self._recorder))
        return self

    def look_into(self, image: str) -> None:
        """Show the layers of the image that was built.

        Args:
            image: spelled as for `imagebuilders inspect`.
        """
        try:
            self._layers = image_layers(image)
        except ImageBuilderError as error:
            output.warning_message(f"The report shows no layers: {error}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listening.close()
        words = ""
        if isinstance(error, Exception):
            words = failures.message(error)
        elif error is not None:
            words = str(failures.InterruptedByUserError())
        page = render_page(self._recorder.reports(layers=self._layers, error=words))
        try:
            output.write_pieces(self._path, [page.encode("utf-8", "backslashreplace")])
        except failures.OutputFailedError as trouble:
            if error is None:
                raise
            output.warning_message(str(trouble))


def _dockerfile(root: str | None, name: str | None) -> bytes | None:
    """Return what is in the Dockerfile; `None` where that is not on this machine."""
    if root is None and not (name and os.path.isabs(name)):
        return None
    found = dockerfile_name(root, name or DEFAULT_DOCKERFILE, lambda _: False)
    try:
        return read_control_file(os.path.join(root or "", found)).content
    except ControlFileError:
        return None  # the build tells what is wrong with it
