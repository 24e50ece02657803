"""Steps found in the history of images that `cache_from` names."""

from __future__ import annotations

import io
import tarfile

import pytest

from fakes.engine.builder.cache import find_in_history
from fakes.images.config import ImageDocument, RunConfig, history_entry
from fakes.images.image import Image
from fakes.images.layers import Layer


def _layer(name: str) -> Layer:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    return Layer(written.getvalue())


_LAYERS = {name: _layer(name) for name in "abc"}


def _image(*commands: str, layers: str = "") -> Image:
    """An image that commands made; each letter is a layer of its own."""
    history = [history_entry(0, command) for command in commands]
    found = tuple(_LAYERS[name] for name in layers)
    document = ImageDocument(history=history, diff_ids=[layer.diff_id for layer in found])
    return Image(document.to_bytes(), found)


@pytest.mark.parametrize(
    ("parent", "target", "is_found"),
    [
        (None, _image("one"), True),
        (None, _image("two"), False),
        (None, _image(), False),
        (_image(), _image("one"), True),
        (_image("zero"), _image("zero", "one"), True),
        (_image("zero"), _image("other", "one"), False),
        (_image("zero"), _image("zero"), False),
        (_image("zero", "one"), _image("zero", "one"), False),
        (_image("zero", layers="a"), _image("zero", "one", layers="a"), True),
        (_image("zero", layers="a"), _image("zero", "one", layers="ab"), True),
        (_image("zero", layers="a"), _image("zero", "one", layers="b"), False),
        (_image("zero", layers="ab"), _image("zero", "one", layers="a"), False),
        (_image("zero", layers="ab"), _image("zero", "one", layers="ba"), False),
        (_image(layers="a"), _image("one", layers="a"), True),
        (_image(layers="a"), _image("one", layers="b"), False),
        (_image(layers="a"), _image("one"), False),
    ],
)
def test_a_history_that_goes_on_with_a_step(
    parent: Image | None, target: Image, is_found: bool
) -> None:
    """The image has the parent's history and layers, and then the step."""
    found = find_in_history([_image("else"), target], parent, RunConfig(cmd=["one"]))
    assert (found is target) is is_found


def test_the_first_image_that_goes_on_is_taken() -> None:
    """In the order in which they were named."""
    first, second = _image("run it", "more"), _image("run it")
    step = RunConfig(cmd=["run", "it"])
    assert find_in_history([second, first], None, step) is second
    assert find_in_history([first, second], None, step) is first
