"""Where cached steps come from and go to, and the folders of this machine among them.

The attributes are those of `docker buildx build --cache-from` and `--cache-to`:
https://docs.docker.com/build/cache/backends/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from imagebuilders.build_options.values import BuildCache
from imagebuilders.buildkit.build import CacheRequest
from imagebuilders.buildkit.cache_services import SECRETS, is_reachable, with_service
from imagebuilders.exceptions import BuildOptionsError, ControlFileError, ImageFormatError
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from imagebuilders.buildkit.session.content import ContentFolder
    from imagebuilders.oci.layout import ImageLayout

_STORE = "local:"
_TAG = "tag"
_DEFAULT_TAG = "latest"


@dataclass(frozen=True)
class Caches:
    """The caches of a build.

    Attributes:
        imports: where cached steps come from.
        exports: where they go to.
        stores: folders among them, by their names for the daemon.
        layouts: the folders that are written to, each with the tag of what is written.
    """

    imports: Sequence[CacheRequest] = ()
    exports: Sequence[CacheRequest] = ()
    stores: Mapping[str, ContentFolder] = field(default_factory=dict)
    layouts: Sequence[tuple[ImageLayout, str]] = ()

    def secrets(self) -> list[bytes]:
        """Return what gives access to the caches, and is not to be shown."""
        return [
            value.encode("utf-8", "surrogateescape")
            for cache in (*self.imports, *self.exports)
            for name, value in cache.attributes.items()
            if name in SECRETS
        ]

    def finish(self, response: Mapping[str, str]) -> None:
        """Write the index of each folder once the daemon is done.

        Args:
            response: what the exporters say of their results.

        Raises:
            OSError, ImageBuilderError: it cannot be written, or the daemon's word is malformed.
        """
        manifest = response.get("cache.manifest")
        if manifest is None:  # nothing was exported
            return
        try:
            descriptor = json.loads(manifest)
        except (ValueError, RecursionError) as error:
            raise ImageFormatError(
                "What the daemon says of the exported cache is not JSON."
            ) from error
        for layout, tag in self.layouts:
            layout.add(descriptor, (tag,))


def plan_caches(
    cache_from: Sequence[BuildCache],
    cache_to: Sequence[BuildCache],
    note: Callable[[str], None],
) -> Caches:
    """Return what the options ask for.

    Args:
        cache_from: where cached steps come from.
        cache_to: where they go to.
        note: told of a cache that is not there, which does not fail a build.

    Raises:
        BuildOptionsError: a cache lacks an attribute.
    """
    stores: dict[str, ContentFolder] = {}
    imports = []
    for cache in cache_from:
        attributes = with_service(cache.type, cache.attributes)
        if not is_reachable(cache.type, attributes, note):
            continue
        _require(cache, attributes, "ref" if cache.type == "registry" else "src", "cache_from")
        if cache.type == "local" and not _find_local(attributes, stores, note):
            continue
        imports.append(CacheRequest(cache.type, attributes))
    exports = []
    layouts = []
    for cache in cache_to:
        attributes = with_service(cache.type, cache.attributes)
        if not is_reachable(cache.type, attributes, note):
            continue
        _require(cache, attributes, "ref" if cache.type == "registry" else "dest", "cache_to")
        if cache.type == "local":
            from imagebuilders.buildkit.session.content import ContentFolder
            from imagebuilders.oci.layout import ImageLayout

            dest = Path(attributes["dest"])
            stores[f"{_STORE}{attributes['dest']}"] = ContentFolder(dest, writable=True)
            layouts.append((ImageLayout(dest), attributes.get(_TAG, _DEFAULT_TAG)))
        exports.append(CacheRequest(cache.type, attributes))
    return Caches(imports, exports, stores, layouts)


def _find_local(
    attributes: dict[str, str], stores: dict[str, ContentFolder], note: Callable[[str], None]
) -> bool:
    """Look the digest of a local cache up; return whether the cache is there."""
    from imagebuilders.buildkit.session.content import ContentFolder
    from imagebuilders.oci.layout import ImageLayout

    source = attributes["src"]
    if "digest" not in attributes:
        layout = ImageLayout(source)
        try:
            found = layout.find(attributes.get(_TAG, _DEFAULT_TAG))
        except (ControlFileError, ImageFormatError) as error:
            note(f"The cache in the folder {source!r} is not used: {error}")
            return False
        if found is None or not layout.has_blob(found):
            tag = attributes.get(_TAG, _DEFAULT_TAG)
            note(f"The cache in the folder {source!r} is not used: it has none of the tag {tag!r}.")
            return False
        attributes["digest"] = str(found.digest)
    # A folder that is written to as well keeps its right to be.
    stores.setdefault(f"{_STORE}{source}", ContentFolder(Path(source)))
    return True


def _require(cache: BuildCache, attributes: Mapping[str, str], name: str, option: str) -> None:
    if cache.type in ("registry", "local") and not attributes.get(name):
        problem = f"a cache of type {cache.type!r} needs {name}"
        raise BuildOptionsError(
            f"The option {option!r} cannot be used: {problem}, as in "
            f"type={cache.type},{name}={'app:cache' if name == 'ref' else 'cache'}.",
            option=option,
            problems={option: problem},
        )
