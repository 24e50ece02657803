"""One image: its configuration, its layers, and what it was made from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from imagebuilders.exceptions import LayerFormatError
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.file_tree import Tree
from imagebuilders.oci.image_config import chain_ids
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import ImageReference

from .. import go_text
from .config import RunConfig
from .layers import Layer, digest_of, flatten
from .manifests import Content, own_manifest

MACHINE = Platform("linux", "amd64")
"""What the machines of doubles are."""


@dataclass(eq=False)
class Image:
    """An image.

    Attributes:
        document: the exact bytes of its configuration.
        layers: lowest first.
        made_from: the image it was made from here.
        last_tagged: nanoseconds since the epoch, 0 when it never was.
        recorded: the commands that nobody executed of the step that made it.
        manifest: its manifest, when it has one of its own already; see `target`.
        index: the index by which it came, which leads to the manifest.
        beside: the other manifests that the index leads to and that are here.
        blobs: what those lead to, by digest.
        step: what the last step of its build ran, where its document does not say it.
        is_unpacked: its layers lie unpacked in containerd's store.
        trouble: why its layers cannot be unpacked, in the engine's words; empty when they can.
        builds: the builds here that made it: their names, and when, in nanoseconds since the epoch.
        sources: the repositories it was pulled from or pushed to, by their hosts without the ports.
    """

    document: bytes = field(repr=False)
    layers: tuple[Layer, ...] = field(default=(), repr=False)
    made_from: Image | None = field(default=None, repr=False)
    last_tagged: int = 0
    recorded: tuple[str, ...] = ()
    manifest: Content | None = field(default=None, repr=False)
    index: Content | None = field(default=None, repr=False)
    beside: tuple[Content, ...] = field(default=(), repr=False)
    blobs: dict[str, bytes] = field(default_factory=dict, repr=False)
    step: RunConfig | None = field(default=None, repr=False)
    is_unpacked: bool = True
    trouble: str = ""
    builds: tuple[tuple[str, int], ...] = ()
    sources: dict[str, list[str]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.config_digest = digest_of(self.document)
        self.id = self.config_digest
        """What it is found by; a store gives the id by its own strategy."""
        self.parsed: dict[str, Any] = json.loads(self.document)
        self._tree: Tree | None = None

    def note_source(self, name: ImageReference) -> None:
        """Remember that a repository has it."""
        host = str(urlsplit(f"//{name.domain}").hostname)
        self.sources[host] = sorted({*self.sources.get(host, ()), name.path})

    @property
    def own_manifest(self) -> Content:
        """The manifest: the one that it came with, or the one that an engine makes for it."""
        if self.manifest is None:
            base = self.made_from.own_manifest.layers if self.made_from else ()
            self.manifest = own_manifest(self.document, self.layers, base)
        return self.manifest

    @property
    def target(self) -> Content:
        """What names of it lead to in containerd's store: the index, or the manifest."""
        return self.index or self.own_manifest

    @cached_property
    def others(self) -> tuple[Image, ...]:
        """Those for other platforms that the index leads to and that are here."""
        return tuple(
            Image(
                self.blobs[manifest.parsed["config"]["digest"]],
                tuple(Layer.of_blob(self.blobs[each["digest"]]) for each in manifest.layers),
                manifest=manifest,
                index=self.index,
                is_unpacked=False,
            )
            for manifest in self.beside
            if manifest.is_image and all(each["digest"] in self.blobs for each in manifest.leads_to)
        )

    @property
    def index_entry(self) -> dict[str, Any] | None:
        """What the index says of the manifest; `None` without an index."""
        listed = [] if self.index is None else self.index.parsed.get("manifests") or []
        digest = self.own_manifest.digest
        return next((each for each in listed if each["digest"] == digest), None)

    def alone(self) -> Image:
        """Return it without its index: what its own manifest leads to."""
        entry = self.index_entry
        if entry is None:
            return self
        manifest = replace(self.own_manifest, notes=entry.get("annotations") or {})
        return Image(self.document, self.layers, manifest=manifest)

    def for_platform(self, platform: Platform) -> Image | None:
        """Return that of its index for a platform; `None` if it has none."""
        return next((each for each in (self, *self.others) if platform.runs(each.platform)), None)

    @cached_property
    def platform(self) -> Platform:
        """What it is for, as its configuration says."""
        found = self.parsed
        variant = found.get("variant") or ""
        return Platform(found.get("os") or "linux", found.get("architecture") or "", variant)

    @property
    def parent(self) -> str:
        """The id of the image it was made from here, or empty."""
        return self.made_from.id if self.made_from else ""

    @property
    def short_id(self) -> str:
        """The twelve digits that messages show."""
        return self.id[7:19]

    @property
    def created(self) -> int:
        """Nanoseconds since the epoch."""
        return go_text.parse_rfc3339(self.parsed.get("created") or "")

    @property
    def size(self) -> int:
        """The bytes of the files in all layers."""
        return sum(layer.size for layer in self.layers)

    @property
    def history(self) -> list[dict[str, Any]]:
        """The history, oldest first."""
        return self.parsed.get("history") or []

    @property
    def tree(self) -> Tree:
        """The root file system; not to be changed.

        Raises:
            LayerFormatError: its layers cannot be unpacked.
        """
        if self.trouble:
            raise LayerFormatError(f"The image has no files: {self.trouble}.")
        if self._tree is None:
            self._tree = flatten(self.layers)
        return self._tree

    def remember_tree(self, tree: Tree) -> None:
        """Keep a tree that is known already."""
        self._tree = tree

    @cached_property
    def chain_ids(self) -> list[str]:
        """The ids of its layer chains."""
        diff_ids = (Digest.parse(layer.diff_id) for layer in self.layers)
        return [str(chain) for chain in chain_ids(diff_ids)]

    def run_config(self) -> RunConfig | None:
        """What a container of it runs, `None` when its document says nothing."""
        config = self.parsed.get("config")
        return None if config is None else RunConfig.from_json(config)

    @property
    def has_step(self) -> bool:
        """Whether it is known what the last step of its build ran."""
        return self.step is not None or "container_config" in self.parsed

    def container_config(self) -> RunConfig:
        """What the last step of its build ran."""
        if self.step is not None:
            return self.step
        return RunConfig.from_json(self.parsed.get("container_config"))
