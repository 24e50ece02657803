"""ADD: archives are unpacked, everything else is copied."""

from __future__ import annotations

import bz2
import gzip

from ..context import Entry, Files, directory, pack, symlink
from ..registry import dockerfiles


def _gzip(content: bytes) -> bytes:
    """The same bytes on every Python: the header names an operating system, or none."""
    made = gzip.compress(content, mtime=0)
    return made[:9] + b"\x03" + made[10:]


_INNER = pack(
    {
        "in": "inner",
        "sub": directory(0o750, 3, 4),
        "sub/owned": Entry(b"o", 0o600, 5, 6),
        "sub/exe": Entry(b"x", 0o4755),
        "ln": symlink("in"),
        "hard": Entry(hard_link="in"),
    }
)
_FILES: Files = {
    "t.tar": _INNER,
    "t.tar.gz": _gzip(_INNER),
    "t.tar.bz2": bz2.compress(_INNER),
    "renamed.txt": _INNER,
    "plain.gz": _gzip(b"not a tar at all, only text"),
    "fake.tar": "this only looks like one by its name",
    "empty.tar": pack({}),
    "up.tar": pack({"../out": "1", "/abs": "2"}),
    "a": "a",
    "d/t.tar": _INNER,
    "d/b": "b",
}

dockerfiles(
    "extracting",
    {
        name: f"FROM scratch\n{body}"
        for name, body in {
            "tar": "ADD t.tar /z/",
            "tar_without_slash": "ADD t.tar /z",
            "tar_to_root": "ADD t.tar /",
            "tar_gz": "ADD t.tar.gz /z/",
            "tar_bz2": "ADD t.tar.bz2 /z/",
            "by_content_not_name": "ADD renamed.txt /z/",
            "gz_without_tar": "ADD plain.gz /z/",
            "name_without_content": "ADD fake.tar /z/",
            "empty_tar": "ADD empty.tar /z/",
            "copy_does_not": "COPY t.tar /z/",
            "directory_is_copied": "ADD d /z/",
            "two": "ADD t.tar a /z/",
            "star": "ADD *.gz /z/",
            "chown": "ADD --chown=7:8 t.tar /z/",
            "chown_file": "ADD --chown=7:8 a /z",
            "over_existing": "COPY a /z/in\nCOPY a /z/sub/new\nADD t.tar /z/",
            "over_a_file": "COPY a /z\nADD t.tar /z",
            "over_a_directory_in_the_way": "COPY d /z/in\nADD t.tar /z",
            "into_workdir": "WORKDIR /w\nADD t.tar .",
            "outside_names": "ADD up.tar /z/",
            "file": "ADD a /z",
        }.items()
    },
    _FILES,
)
