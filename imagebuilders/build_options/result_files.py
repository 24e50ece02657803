"""The files that tell other programs what was built: the image's ID, and what is said of it."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress

from imagebuilders.build_options.fields import OptionValues
from imagebuilders.exceptions import BuildOptionsError

_NO_IMAGE = frozenset({"local", "tar"})


def check_result_files(options: OptionValues) -> None:
    """See, before the build, whether the files can be written.

    Raises:
        BuildOptionsError: one cannot, or there will be no image whose ID could be written.
    """
    for option in ("iidfile", "metadata_file"):
        path = getattr(options, option)
        if not path:
            continue
        folder = os.path.dirname(os.path.abspath(path))
        if os.path.isdir(path) or not os.path.isdir(folder):
            problem = f"{path!r} is a folder" if os.path.isdir(path) else f"there is no {folder}"
            raise BuildOptionsError(
                f"The option {option!r} cannot be used: {problem}.",
                option=option,
                problems={option: problem},
            )
    if options.iidfile and any(output.type in _NO_IMAGE for output in options.outputs):
        raise BuildOptionsError(
            "The options 'iidfile' and 'outputs' exclude each other: an output of type 'local' or "
            "'tar' is no image, and has no ID.",
            option="iidfile",
        )


def write_result_files(options: OptionValues, image_id: str, metadata: Mapping[str, str]) -> None:
    """Write the files that were asked for, each whole or not at all.

    Args:
        options: the options.
        image_id: the image's ID; empty when there is no image.
        metadata: what the builder says of the result.

    Raises:
        OSError: one cannot be written.
    """
    if options.iidfile:
        _write(options.iidfile, image_id)
    if options.metadata_file:
        said = {name: _decoded(value) for name, value in sorted(metadata.items())}
        write_metadata(options.metadata_file, said)


def write_metadata(path: str, said: Mapping[str, object]) -> None:
    """Write what is said of a result as JSON, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    _write(path, json.dumps(said, indent=2))


def _decoded(value: str) -> object:
    """Return a value as it was before it became a text: objects are JSON in Base64."""
    with suppress(ValueError, RecursionError):
        decoded = json.loads(base64.b64decode(value, validate=True))
        if isinstance(decoded, dict):
            return decoded
    return value


def _write(path: str, text: str) -> None:
    folder, name = os.path.split(os.path.abspath(path))
    drawn = os.path.join(folder, f".{name[:100]}-{secrets.token_hex(8)}")
    try:
        with open(drawn, "x", encoding="utf-8") as file:
            file.write(text)
        os.replace(drawn, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(drawn)
        raise
