"""Images in an archive: of `docker save`, or an image layout as a tar.

The archive is read by the standard library's `tarfile`, which can go back and forth in a file.
https://docs.docker.com/reference/cli/docker/image/save/
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from imagebuilders.exceptions import ImageFormatError, ImageNameError
from imagebuilders.inspection.registry_image import PIECE_BYTES
from imagebuilders.inspection.stored_image import StoredImage
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import Digest, verified
from imagebuilders.oci.image_config import MAX_CONFIG_BYTES, ImageConfig
from imagebuilders.oci.json_document import MAX_DOCUMENT_BYTES, ObjectReader, load_object
from imagebuilders.oci.layout import INDEX, NAME_ANNOTATION, blob_path
from imagebuilders.oci.manifest import Manifest
from imagebuilders.oci.media_types import DOCKER_CONFIG, DOCKER_LAYER, DOCKER_MANIFEST
from imagebuilders.oci.reference import parse_build_target

_SAVED = "manifest.json"
_NAMES = ("io.containerd.image.name", NAME_ANNOTATION)


@contextmanager
def open_archive_image(path: str, name: str = "") -> Iterator[StoredImage]:
    """Lend an image of an archive for a `with` block.

    Args:
        path: the archive, compressed or not.
        name: which image; needed where there are several.

    Raises:
        ImageFormatError: it is no such archive, is malformed, or has no such image.
    """
    try:
        archive = tarfile.open(path)  # noqa: SIM115  (closed below)
    except (OSError, tarfile.TarError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageFormatError(f"{path} is no archive of an image: {reason}.") from error
    with archive:
        members = _Members(path, archive)
        place = f"the archive {path}"
        shown = f"{path}:{name}" if name else path
        if members.has(INDEX):
            yield StoredImage(shown, place, _find(members, name), _LayoutBlobs(members))
        elif members.has(_SAVED):
            yield _saved_image(members, name, shown, place)
        else:
            raise ImageFormatError(
                f"{path} is no archive of an image: it has neither {INDEX} nor {_SAVED}."
            )


class _Members:
    """The files of an archive by their names."""

    def __init__(self, path: str, archive: tarfile.TarFile) -> None:
        self.path = path
        self._archive = archive
        try:
            # The last of a name counts, as when the archive is unpacked.
            self._members = {member.name.removeprefix("./"): member for member in archive}
        except (OSError, tarfile.TarError, EOFError) as error:
            raise ImageFormatError(f"The archive {path} is broken: {error}.") from error

    def has(self, name: str) -> bool:
        return name in self._members

    def size(self, name: str) -> int:
        member = self._members.get(name)
        if member is not None and (member.issym() or member.islnk()):
            return sum(len(piece) for piece in self.pieces(name))
        return 0 if member is None else member.size

    def read(self, name: str, max_bytes: int) -> bytes:
        content = bytearray()
        for piece in self.pieces(name):
            content += piece
            if len(content) > max_bytes:
                raise self.broken(f"{name} has more than {max_bytes} bytes")
        return bytes(content)

    def pieces(self, name: str) -> Iterator[bytes]:
        try:
            member = self._members.get(name)
            # Old engines write a layer that comes twice as a link to where it stands.
            file = None if member is None else self._archive.extractfile(member)
            if file is None:
                raise self.broken(f"it has no file {name}")
            with file:
                while piece := file.read(PIECE_BYTES):
                    yield piece
        except (OSError, tarfile.TarError, EOFError, KeyError, RecursionError) as error:
            raise self.broken(f"{name} cannot be read") from error

    def broken(self, what: str) -> ImageFormatError:
        return ImageFormatError(f"The archive {self.path} is broken: {what}.")


class _LayoutBlobs:
    """The blobs of an image layout in an archive."""

    def __init__(self, members: _Members) -> None:
        self._members = members

    def read(self, descriptor: Descriptor, *, max_bytes: int) -> bytes:
        content = self._members.read(blob_path(descriptor.digest), max_bytes)
        descriptor.digest.verify(content, size=descriptor.size)
        return content

    def open(self, descriptor: Descriptor) -> Iterator[bytes]:
        pieces = self._members.pieces(blob_path(descriptor.digest))
        yield from verified(pieces, descriptor.digest, size=descriptor.size)


def _find(members: _Members, name: str) -> Descriptor:
    what = f"the index of the archive {members.path}"
    fields = ObjectReader(load_object(members.read(INDEX, MAX_DOCUMENT_BYTES), what), what)
    entries = [Descriptor.from_json(each) for each in fields.children("manifests")]
    known = [
        {entry.annotations[key] for key in _NAMES if key in entry.annotations} for entry in entries
    ]
    return entries[_chosen(members, name, known)]


def _chosen(members: _Members, name: str, known: Sequence[set[str]]) -> int:
    """Return the place of the image of a name; without one, of the only image."""
    if not name:
        if len(known) == 1:
            return 0
        raise ImageFormatError(f"{members.path} has {_listed(known)}. Name one of them.")
    wanted = {name, _full(name)}
    for place, names in enumerate(known):
        if wanted & (names | {_full(each) for each in names}):
            return place
    raise ImageFormatError(f"{members.path} has no image {name!r}, but {_listed(known)}.")


def _full(name: str) -> str:
    """Return an image's name as engines complete it; what is no name stays as it is."""
    try:
        return str(parse_build_target(name))
    except ImageNameError:
        return name


def _listed(known: Sequence[set[str]]) -> str:
    names = ", ".join(name for names in known for name in sorted(names))
    return f"{len(known)} images{f' ({names})' if names else ''}"


def _saved_image(members: _Members, name: str, shown: str, place: str) -> StoredImage:
    """Return an image as `docker save` of engines before 25 writes it."""
    what = f"{_SAVED} of the archive {members.path}"
    try:
        document: object = json.loads(members.read(_SAVED, MAX_DOCUMENT_BYTES))
    except (ValueError, RecursionError) as error:
        raise members.broken(f"{_SAVED} is no JSON") from error
    if not isinstance(document, list):
        raise members.broken(f"{_SAVED} is no list")
    entries = [ObjectReader(entry, what) for entry in document]
    known = [set(entry.texts("RepoTags") or ()) for entry in entries]
    entry = entries[_chosen(members, name, known)]
    content = members.read(entry.required_text("Config"), MAX_CONFIG_BYTES)
    names = entry.texts("Layers") or ()
    diff_ids = ImageConfig.parse(content).diff_ids
    if len(names) != len(diff_ids):
        raise members.broken(f"it has {len(names)} layers, and the configuration {len(diff_ids)}")
    layers = tuple(
        Descriptor(DOCKER_LAYER, diff_id, members.size(layer))
        for diff_id, layer in zip(diff_ids, names, strict=True)
    )
    config = Descriptor.of(content, DOCKER_CONFIG)
    made = Manifest(config, layers, media_type=DOCKER_MANIFEST).to_bytes()
    places = {config.digest: entry.text("Config"), **dict(zip(diff_ids, names, strict=True))}
    root = Descriptor.of(made, DOCKER_MANIFEST)
    return StoredImage(shown, place, root, _SavedBlobs(members, places), made)


class _SavedBlobs:
    """The files of an archive that `docker save` of an older engine wrote."""

    def __init__(self, members: _Members, places: Mapping[Digest, str]) -> None:
        self._members = members
        self._places = places

    def read(self, descriptor: Descriptor, *, max_bytes: int) -> bytes:
        return self._members.read(self._places[descriptor.digest], max_bytes)

    def open(self, descriptor: Descriptor) -> Iterator[bytes]:
        pieces = self._members.pieces(self._places[descriptor.digest])
        yield from verified(pieces, descriptor.digest)
