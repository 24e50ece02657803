"""The layers of an image with their largest files."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest
from pytest_mock import MockerFixture

from fakes import FakeRegistry
from imagebuilders.exceptions import ImageBuilderError
from imagebuilders.report import image_layers
from imagebuilders.report.image_layers import _instruction


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    """A registry with an image of several files."""
    with FakeRegistry() as registry:
        registry.seed("app:1", files={f"f{number}": "x" * number for number in range(1, 9)})
        yield registry


def test_the_largest_files(registry: FakeRegistry) -> None:
    """Five of each layer, the largest first."""
    (layer,) = image_layers(f"docker://{registry.address}/app:1")
    assert [(file.path, file.size) for file in layer.files] == [
        (f"/f{number}", number) for number in (8, 7, 6, 5, 4)
    ]


def test_large_images_are_not_read(registry: FakeRegistry, mocker: MockerFixture) -> None:
    """Their layers are told without files."""
    # The package has a function of the module's name, which a dotted path would lead to.
    module = import_module("imagebuilders.report.image_layers")
    mocker.patch.object(module, "MAX_READ_BYTES", 10)
    (layer,) = image_layers(f"docker://{registry.address}/app:1")
    assert layer.files == ()
    assert layer.size


def test_an_image_that_is_not_there(registry: FakeRegistry) -> None:
    """The error is the library's."""
    with pytest.raises(ImageBuilderError):
        image_layers(f"docker://{registry.address}/nowhere:1")


@pytest.mark.parametrize(
    ("created_by", "shown"),
    [
        ("COPY a /a # buildkit", "COPY a /a # buildkit"),
        ("RUN |1 T=v /bin/sh -c make # buildkit", "RUN /bin/sh -c make # buildkit"),
        ("|2 A=1 B=/bin/sh -c secret /bin/bash -ec make", "RUN /bin/bash -ec make"),
        ("RUN |1 T=v python -c 'x'", "RUN"),
        ("/bin/sh -c  make   all", "/bin/sh -c make all"),
    ],
)
def test_values_of_arguments_are_left_out(created_by: str, shown: str) -> None:
    """Histories have those of RUN."""
    assert _instruction(created_by) == shown
