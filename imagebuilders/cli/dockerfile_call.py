"""`imagebuilders build --call`: what is asked of a Dockerfile in place of a build."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

import click

from imagebuilders.build_options.parsing import parse_switch
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.sanitize import printable_lines

if TYPE_CHECKING:
    from imagebuilders.base_image_builder import BaseImageBuilder
    from imagebuilders.build_context import BuildContext
    from imagebuilders.build_options import DockerBuildOptions

_CALLS = {"check": "check", "lint": "check", "outline": "outline", "targets": "targets"}


class Answer(Protocol):
    """What a frontend answers."""

    @property
    def text(self) -> str:
        """All of it, for people."""
        ...

    @property
    def json(self) -> str:
        """All of it, for programs."""
        ...


@dataclass(frozen=True)
class DockerfileCall:
    """A question.

    Attributes:
        name: `check`, `outline` or `targets`.
        as_json: whether the answer is to be JSON.
        ignores_status: whether broken rules are no failure.
    """

    name: str
    as_json: bool = False
    ignores_status: bool = False

    @classmethod
    def parse(cls, text: str) -> DockerfileCall | None:
        """Read `check`, or `outline,format=json`; `None` for a build.

        Raises:
            click.BadParameter: there is no such call.
        """
        name, *fields = text.split(",")
        if "=" in name:
            name, fields = "", [name, *fields]
        split = [field.partition("=") for field in fields]
        settings = {key: value for key, _, value in split}
        is_json = settings.pop("format", "text")
        ignores = parse_switch(settings.pop("ignorestatus", "false"))
        name = name.removeprefix("frontend.")
        if settings or is_json not in ("text", "json") or ignores is None:
            raise _refused(f"{text!r}: there are format=text, format=json and ignorestatus=true.")
        if name in ("", "build"):
            return None
        if name not in _CALLS:
            raise _refused(f"{name!r}: there are build, check, outline and targets.")
        return cls(_CALLS[name], is_json == "json", ignores)

    def ask(
        self, builder: BaseImageBuilder, context: BuildContext, options: DockerBuildOptions
    ) -> Answer:
        """Ask a builder.

        Raises:
            click.UsageError: it answers no questions.
            ImageBuilderError: it failed.
        """
        from imagebuilders.buildkit.dockerfile_questions import DockerfileQuestions

        if not isinstance(builder, DockerfileQuestions):
            raise click.UsageError(
                f"--call: the image builder {type(builder).__name__} answers no questions."
            )
        if self.name == "check":
            return builder.check(context, options)
        if self.name == "outline":
            return builder.outline(context, options)
        return builder.targets(context, options)

    def shown(self, answer: Answer) -> str:
        """Return the answer as it is to be shown; it may quote a Dockerfile that others wrote."""
        if self.as_json:
            return answer.json.rstrip("\n")
        return printable_lines(answer.text.rstrip("\n"))

    def exit_code(self, answer: Answer) -> int:
        """Return 1 for a check that found something, as `docker buildx` does; else 0."""
        return int(not self.ignores_status and not getattr(answer, "is_clean", True))


def metadata_of(answer: Answer) -> dict[str, object]:
    """Return an answer as the metadata of a result."""
    return {"result.json": json.loads(answer.json or "{}"), "result.txt": answer.text}


def _refused(text: str) -> click.BadParameter:
    return click.BadParameter(text, param_hint="'--call'")
