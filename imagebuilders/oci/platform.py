"""Platforms: what an image runs on.

OCI image specification, "Platform":
https://github.com/opencontainers/image-spec/blob/main/image-index.md
Spelling and normal form follow containerd's `platforms` package:
https://github.com/containerd/platforms
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field, replace

from imagebuilders.exceptions import ImageFormatError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.json_document import ObjectReader

ARCHITECTURE_ALIASES = {
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "i386": ("386", ""),
}
"""Other names of architectures, each with the architecture and the variant it means."""

ARCHITECTURES = frozenset(
    [
        "386",
        "amd64",
        "arm",
        "arm64",
        "loong64",
        "mips",
        "mips64",
        "mips64le",
        "mipsle",
        "ppc64",
        "ppc64le",
        "riscv64",
        "s390x",
        "wasm",
    ]
)
SYSTEMS = frozenset(
    [
        "aix",
        "darwin",
        "freebsd",
        "linux",
        "netbsd",
        "openbsd",
        "plan9",
        "solaris",
        "wasip1",
        "windows",
    ]
)

_PART = re.compile(r"[A-Za-z0-9_.-]+\Z")
_VARIANT_ORDERS = {
    "amd64": ("v1", "v2", "v3", "v4"),
    "arm": ("v5", "v6", "v7", "v8"),
    "arm64": ("v8", "v9"),
}
_DEFAULT_VARIANTS = {"amd64": "v1", "arm": "v7", "arm64": "v8"}


@dataclass(frozen=True)
class Platform:
    """What an image runs on; an empty text where nothing is said.

    Attributes:
        os: as in `linux`.
        architecture: as in `amd64`.
        variant: as in `v8` of `arm64`.
        os_version: the version of Windows that is needed.
        os_features: features of the system that are needed.
        unknown: further fields of the JSON object.
    """

    os: str = ""
    architecture: str = ""
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()
    unknown: Mapping[str, object] = field(default_factory=dict, hash=False)

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Read `os`, `arch`, `os/arch` or `os/arch/variant`, in its normal form.

        A lone architecture is one of Linux; a lone system is one of amd64.

        Raises:
            ImageFormatError: it is malformed.
        """
        parts = text.split("/") if isinstance(text, str) else []
        if not 1 <= len(parts) <= 3 or not all(_PART.match(part) for part in parts):
            raise _malformed(text)
        if len(parts) > 1:
            return cls(parts[0], parts[1], "".join(parts[2:])).normalized()
        name = parts[0].lower()
        if name in SYSTEMS:
            return cls(name, "amd64")
        if name in ARCHITECTURES or name in ARCHITECTURE_ALIASES:
            return cls("linux", name).normalized()
        raise _malformed(text)

    @classmethod
    def from_json(cls, fields: ObjectReader) -> Platform:
        """Read the object of a descriptor.

        Raises:
            ImageFormatError: a field is of a wrong type.
        """
        return cls(
            os=fields.text("os"),
            architecture=fields.text("architecture"),
            variant=fields.text("variant"),
            os_version=fields.text("os.version"),
            os_features=fields.texts("os.features") or (),
            unknown=fields.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object of a descriptor."""
        known: dict[str, object] = {
            "architecture": self.architecture,
            "os": self.os,
            "os.version": self.os_version,
            "os.features": list(self.os_features),
            "variant": self.variant,
        }
        return {key: value for key, value in known.items() if value} | dict(self.unknown)

    def normalized(self) -> Platform:
        """Return the platform in its normal form: usual names, no variant that says nothing."""
        system = {"macos": "darwin"}.get(self.os.lower(), self.os.lower())
        architecture, implied = self.architecture.lower(), ""
        architecture, implied = ARCHITECTURE_ALIASES.get(architecture, (architecture, ""))
        variant = self.variant.lower() or implied
        if (architecture, variant) == ("arm64", "8") or (
            architecture == "arm" and variant.isdigit()
        ):
            variant = f"v{variant}"
        if architecture == "arm" and not variant:
            variant = _DEFAULT_VARIANTS["arm"]
        elif architecture != "arm" and variant == _DEFAULT_VARIANTS.get(architecture):
            variant = ""
        return replace(self, os=system, architecture=architecture, variant=variant)

    def runs(self, image: Platform) -> bool:
        """Whether a machine of this platform runs an image for another one.

        System and architecture must be the same; a machine runs images for its own variant and
        for lower ones. Images for another architecture, which some machines run too, do not count.
        """
        mine, other = self.normalized(), image.normalized()
        if (mine.os, mine.architecture) != (other.os, other.architecture):
            return False
        if mine.variant == other.variant:
            return True
        return 0 <= _rank(other) <= _rank(mine)

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


def variant_rank(platform: Platform) -> int:
    """Return a number that is higher for a later variant of one architecture; -1 if unknown."""
    return _rank(platform.normalized())


def _rank(platform: Platform) -> int:
    order = _VARIANT_ORDERS.get(platform.architecture, ())
    variant = platform.variant or _DEFAULT_VARIANTS.get(platform.architecture, "")
    return order.index(variant) if variant in order else -1


def _malformed(text: object) -> ImageFormatError:
    return ImageFormatError(
        f"{text!a} is not a platform: write os/arch or os/arch/variant, as in linux/arm64/v8."
    )
