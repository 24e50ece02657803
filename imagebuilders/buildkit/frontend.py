"""What reads the Dockerfile: the daemon's own frontend, or one that it pulls as an image.

https://docs.docker.com/build/buildkit/frontend/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from imagebuilders.build_options.parsing import parse_fields
from imagebuilders.exceptions import BuildOptionsError, ImageNameError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.reference import ImageReference

OWN = "dockerfile.v0"
"""The daemon's own frontend. It hands the build on to the image that a `# syntax=` line names."""

_IMAGE = "gateway.v0"
_SYNTAX_ARGUMENT = "BUILDKIT_SYNTAX"
_ENDED = re.compile(r"(failed to solve with frontend \S+: )?exit code: \d+")
"""All that a daemon says of a frontend whose program failed."""

_PULLS = ("resolve image config for ", "docker-image://")
_SBOM = "attest:sbom"
_SCANNER = "docker/buildkit-syft-scanner:stable-1"
"""The image that lists what is in an image, unless the attestation names another."""


@dataclass(frozen=True)
class Frontend:
    """A frontend.

    Attributes:
        name: its name for the daemon.
        attributes: what it is told, beside what the options say.
    """

    name: str = OWN
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_own(self) -> bool:
        """Whether it is the daemon's own."""
        return self.name == OWN

    @property
    def image(self) -> str:
        """The image that it is pulled as; empty for the daemon's own."""
        return self.attributes.get("source", "")


def choose_frontend(setting: str, build_arguments: Mapping[str, str | None]) -> Frontend:
    """Return what a build is read by.

    Args:
        setting: `dockerfile` for what the Dockerfile's `# syntax=` line says, `builtin` for the
            daemon's own in spite of it, or the name of an image.
        build_arguments: the build's; `BUILDKIT_SYNTAX` goes before the setting, as with
            `docker buildx`.

    Raises:
        BuildOptionsError: `BUILDKIT_SYNTAX` is empty.
    """
    given = build_arguments.get(_SYNTAX_ARGUMENT)
    if given is not None:
        if not given.strip():
            raise BuildOptionsError(
                f"The build argument {_SYNTAX_ARGUMENT} is empty. Name the image of a frontend, "
                "or leave it out.",
                option="buildargs",
            )
        return _from_image(given.split()[0], given)
    if setting == "dockerfile":
        return Frontend()
    if setting == "builtin":
        # Told what called it, the frontend takes it that an image was looked for already.
        return Frontend(OWN, {"cmdline": OWN})
    return _from_image(setting, setting)


def _from_image(image: str, command_line: str) -> Frontend:
    return Frontend(_IMAGE, {"source": image, "cmdline": command_line})


def pull_advice(instruction: str, attributes: Mapping[str, str]) -> str:
    """Return what to do when a step failed that fetches a frontend or a scanner.

    Args:
        instruction: what the daemon calls the step.
        attributes: what the frontend was told.

    Returns:
        The advice; empty for another step.
    """
    if not instruction.startswith(_PULLS):
        return ""
    image = instruction.removeprefix(_PULLS[0]).removeprefix(_PULLS[1])
    if _repository(image) == _scanner(attributes) != "":
        return (
            "That image is the scanner that lists what is in the image: the option 'sbom' asks "
            "for it. Where it cannot be pulled, name another one, as in sbom='generator=NAME', or "
            "build without the option."
        )
    return (
        "That image is the frontend that is to read the Dockerfile: its line '# syntax=', or the "
        "setting 'frontend', names it. Where it cannot be pulled, frontend='builtin' of "
        "LocalImageBuilderConfig takes the engine's own."
    )


def _scanner(attributes: Mapping[str, str]) -> str:
    """Return the repository of the image that makes the bill of materials; empty for none."""
    if _SBOM not in attributes:
        return ""
    try:
        fields = parse_fields(attributes[_SBOM])
    except ValueError:  # as another client told it, say
        return ""
    return _repository(fields.get("generator") or _SCANNER)


def _repository(image: str) -> str:
    try:
        return ImageReference.parse(image).full_repository
    except ImageNameError:
        return ""


def ended_frontend_advice(words: str) -> str:
    """Return what it means when a build ended outside of its steps; empty if words say it.

    Args:
        words: what the daemon said.
    """
    if not _ENDED.fullmatch(words.strip()):
        return ""
    return (
        "That is the exit code of the frontend that is to read the Dockerfile: see whether its "
        "line '# syntax=', or the setting 'frontend', names the image of a frontend."
    )
