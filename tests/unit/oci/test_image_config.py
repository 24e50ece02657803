"""Image configurations: read strictly, written again, nothing lost."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.exceptions import ImageFormatError
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.image_config import (
    MAX_CONFIG_BYTES,
    ContainerConfig,
    HistoryEntry,
    ImageConfig,
    chain_ids,
)
from imagebuilders.oci.platform import Platform

_texts = st.lists(st.text(max_size=5), max_size=2, unique=True).map(tuple)
_unknown = st.dictionaries(st.text(max_size=5).map("x-".__add__), st.integers(), max_size=2)
_configs = st.builds(
    ImageConfig,
    platform=st.builds(
        Platform, os=st.text(max_size=5), architecture=st.text(max_size=5), variant=st.just("v7")
    ),
    diff_ids=st.lists(st.binary(max_size=3).map(Digest.of), max_size=3).map(tuple),
    config=st.builds(
        ContainerConfig,
        user=st.text(max_size=5),
        exposed_ports=st.none() | _texts,
        env=st.none() | _texts,
        entrypoint=st.none() | _texts,
        cmd=st.none() | _texts,
        volumes=st.none() | _texts,
        labels=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
        on_build=st.none() | _texts,
        shell=st.none() | _texts,
        unknown=_unknown,
    ),
    history=st.lists(
        st.builds(
            HistoryEntry,
            created_by=st.text(max_size=5),
            empty_layer=st.booleans(),
            unknown=_unknown,
        ),
        max_size=2,
    ).map(tuple),
    created=st.text(max_size=5),
    author=st.text(max_size=5),
    unknown=_unknown,
)


@given(_configs)
def test_a_configuration_is_written_and_read(config: ImageConfig) -> None:
    """With all that is unknown here; empty and absent lists are told apart."""
    assert ImageConfig.parse(config.to_bytes()) == config


def test_what_engines_write_is_read() -> None:
    """With null where Go has nothing, and fields of Docker's own."""
    config = ImageConfig.parse(
        json.dumps(
            {
                "architecture": "arm64",
                "os": "linux",
                "variant": "v8",
                "config": {
                    "Env": ["PATH=/bin"],
                    "Cmd": None,
                    "ExposedPorts": {"80/tcp": {}},
                    "Healthcheck": {"Test": ["NONE"]},
                    "Labels": None,
                },
                "docker_version": "28.5",
                "history": [{"created_by": "COPY", "empty_layer": True}],
                "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "1" * 64]},
            }
        ).encode()
    )
    assert str(config.platform) == "linux/arm64/v8"
    assert config.config.env == ("PATH=/bin",)
    assert config.config.cmd is None
    assert config.config.exposed_ports == ("80/tcp",)
    assert config.config.unknown == {"Healthcheck": {"Test": ["NONE"]}}
    assert config.history[0].empty_layer
    assert config.unknown == {"docker_version": "28.5"}


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({"os": 1}, "The image configuration is malformed: os is of type int"),
        ({"config": []}, "config is of type list"),
        ({"config": {"Env": "A=1"}}, "config.Env is of type str, not a list"),
        ({"config": {"Volumes": ["/a"]}}, "config.Volumes is of type list, not an object"),
        ({"history": [{"empty_layer": 1}]}, r"history\[0\].empty_layer is of type int"),
        ({"rootfs": {"diff_ids": ["x"]}}, r"rootfs.diff_ids\[0\]: 'x' is not a digest"),
    ],
)
def test_a_malformed_configuration_is_refused(document: object, complaint: str) -> None:
    """With the place of what is wrong."""
    with pytest.raises(ImageFormatError, match=complaint):
        ImageConfig.parse(json.dumps(document).encode())


def test_a_huge_configuration_is_refused() -> None:
    """Before it is parsed."""
    with pytest.raises(ImageFormatError, match="at most 8388608 are read"):
        ImageConfig.parse(b" " * (MAX_CONFIG_BYTES + 1))


def test_chain_ids_name_each_layer_with_those_below() -> None:
    """The first is the layer's own; each next one is of the two before it, as the spec says."""
    one, two, three = (Digest.of(bytes([number])) for number in range(3))
    second = Digest.of(f"{one} {two}".encode())
    assert chain_ids([one, two, three]) == (one, second, Digest.of(f"{second} {three}".encode()))
    assert ImageConfig(Platform(), (one,)).chain_ids == (one,)
    assert chain_ids([]) == ()
