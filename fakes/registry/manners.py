"""How registries differ in what the specification leaves open, as clients meet them."""

from __future__ import annotations

from dataclasses import dataclass

from ..checks import check_count, check_flag
from .errors import OciError
from .routes import Operation, Route

_MEBIBYTE = 1024 * 1024
_HEADS = {"blobs": Operation.CHECK_BLOB, "manifests": Operation.CHECK_MANIFEST}


@dataclass(frozen=True)
class Manners:
    """A registry's ways.

    Attributes:
        mounts: blobs can be mounted from other repositories; else a session is opened, as the
            specification has it.
        without_head: `blobs` and `manifests`, as far as HEAD is not answered for them (405).
        least_chunk: the least bytes of each chunk but the last, told by `OCI-Chunk-Min-Length`.
        largest_chunk: the most bytes of a chunk; a larger one gets 413, and nothing of it is kept.
        relative_locations: the field `Location` has no host in it.

    Raises:
        TypeError: a value is of a wrong type.
        ValueError: a value is out of range.
    """

    mounts: bool = True
    without_head: frozenset[str] = frozenset()
    least_chunk: int = 0
    largest_chunk: int | None = None
    relative_locations: bool = False

    def __post_init__(self) -> None:
        check_flag("mounts", self.mounts)
        check_count("least_chunk", self.least_chunk, least=0)
        check_count("largest_chunk", self.largest_chunk, least=1, optional=True)
        check_flag("relative_locations", self.relative_locations)
        unknown = sorted(set(self.without_head) - set(_HEADS))
        if unknown:
            raise ValueError(f"without_head has blobs and manifests, not {', '.join(unknown)}")

    @classmethod
    def docker_registry(cls) -> Manners:
        """Return the ways of Docker's own registry."""
        return cls()

    @classmethod
    def ecr(cls, *, mounts: bool = False) -> Manners:
        """Return the ways of Amazon ECR, where mounting has to be set."""
        return cls(mounts=mounts, without_head=frozenset({"blobs"}), least_chunk=5 * _MEBIBYTE)

    @classmethod
    def ghcr(cls) -> Manners:
        """Return the ways of GitHub's registry."""
        return cls(largest_chunk=4 * _MEBIBYTE, relative_locations=True)

    def check(self, route: Route) -> None:
        """Refuse what is not answered.

        Raises:
            OciError: UNSUPPORTED, with 405.
        """
        for name in self.without_head:
            if route.operation is _HEADS[name]:
                raise OciError("UNSUPPORTED", message=f"no HEAD for {name} here")

    def location(self, base_url: str, path: str) -> str:
        """Return the field `Location` for a path."""
        return path if self.relative_locations else base_url + path
