"""What outlives a build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from imagebuilders.evaluation.trees import Folder

    from .client_folders import ClientFolders
    from .look import Look
    from .mounts import CacheMounts
    from .outcome import BuiltImage
    from .remote_contents import RemoteContents
    from .step_cache import StepCache
    from .worker import Worker


class Keeper(Protocol):
    """What outlives a build.

    Attributes:
        worker: has images, rules and the time.
        look: what the daemon looks like.
        folders: what clients sent of their folders.
        cache: the steps that were done.
        cache_mounts: the folders of cache mounts.
        trees: the files of images, by their IDs.
        remote: what lies on other machines, as far as it was seeded.
        results: what was built, for builds that begin with it, by name.
        pulled: the manifests of the images that were pulled.
    """

    worker: Worker
    look: Look
    folders: ClientFolders
    cache: StepCache
    cache_mounts: CacheMounts
    trees: dict[str, Folder]
    remote: RemoteContents
    results: dict[str, BuiltImage]
    pulled: set[str]
