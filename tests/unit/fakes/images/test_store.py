"""Images by id and name; what the ids are is a strategy."""

from __future__ import annotations

import json
from threading import RLock

import pytest

from fakes.images.identity import ConfigDigestIdentity, ImageIdentity
from fakes.images.image import Image
from fakes.images.layers import Layer, digest_of
from fakes.images.reference import parse
from fakes.images.store import Images
from imagebuilders.oci.file_tree import File
from imagebuilders.oci.tar_writer import write_tar


class _Prefixed:
    """Stands for the digest of a manifest: known from the image, and not its configuration's."""

    def of(self, image: Image) -> str:
        return digest_of(b"manifest of " + image.document)


def _layer(name: str) -> Layer:
    return Layer(write_tar([(name, File("file", data=b"1"), "")]))


def _image(number: int, *layers: Layer, made_from: Image | None = None) -> Image:
    return Image(json.dumps({"number": number}).encode(), layers, made_from)


def _images(identity: ImageIdentity) -> Images:
    return Images(RLock(), lambda: 7, identity)


@pytest.mark.parametrize("identity", [ConfigDigestIdentity(), _Prefixed()])
def test_a_store_finds_images_by_the_ids_that_its_strategy_gives(identity: ImageIdentity) -> None:
    """Also as parents and under names; the configuration has its own digest."""
    images = _images(identity)
    base = images.add(_image(1))
    child = images.add(_image(2, made_from=base))
    images.tag(parse("app:1"), child)
    assert base.id == identity.of(base)
    assert base.config_digest == digest_of(base.document)
    assert images.get(base.id) is base
    assert images.children(base.id) == [child]
    assert images.id_of(parse("app:1")) == child.id
    assert child.parent == base.id


def test_an_image_is_kept_once() -> None:
    """And those that it was made from are kept again with it."""
    images = _images(ConfigDigestIdentity())
    base = images.add(_image(1))
    child = images.add(_image(2, made_from=base))
    assert images.add(_image(1)) is base
    images.drop(base.id)
    assert images.children(base.id) == [child]
    images.add(child)
    assert images.get(base.id) is None
    images.drop(child.id)
    images.add(child)
    assert images.all() == [child, base]


def test_names_follow_images() -> None:
    """One name is of one image; with the image they go."""
    images = _images(ConfigDigestIdentity())
    one, two = images.add(_image(1)), images.add(_image(2))
    for name in ("b:1", "a:1"):
        images.tag(parse(name), one)
    images.tag(parse("b:1"), two)
    assert [str(name) for name in images.tags_of(one.id)] == ["a:1"]
    images.add_digest(parse("b@sha256:" + "1" * 64), two.id)
    images.untag(parse("c:1"))
    images.drop(two.id)
    assert images.references() == {"docker.io/library/a:1": one.id}


def test_chains_are_known_as_long_as_an_image_has_them() -> None:
    """Of several images they are counted."""
    images = _images(ConfigDigestIdentity())
    low, high = _layer("a"), _layer("b")
    one, two = images.add(_image(1, low)), images.add(_image(2, low, high))
    assert [images.has_chain(chain) for chain in two.chain_ids] == [True, True]
    images.drop(two.id)
    assert [images.has_chain(chain) for chain in two.chain_ids] == [True, False]
    images.drop(one.id)
    assert not images.has_chain(one.chain_ids[0])


def test_a_new_parent_takes_the_child_over() -> None:
    """As when its steps are found in a cache."""
    images = _images(ConfigDigestIdentity())
    child, parent = _image(1), _image(2)
    images.adopt(child, parent)
    assert images.children("") == [parent]
    assert images.children(parent.id) == [child]
