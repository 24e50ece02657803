"""What the operations of LLB begin with: images, folders of the client, repositories, URLs.

https://github.com/moby/buildkit/tree/master/source
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from imagebuilders.buildkit.proto.ops_pb2 import Definition, Op, OpMetadata, SourceOp
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.evaluation.steps import GitSource, UrlSource
from imagebuilders.evaluation.trees import folder_of
from imagebuilders.evaluation.url_sources import name_in
from imagebuilders.oci.file_tree import File
from imagebuilders.oci.platform import Platform

from .client_folders import folder_tree, transferred
from .made import Made

if TYPE_CHECKING:
    from imagebuilders.buildkit.proto import ops_pb2
    from imagebuilders.buildkit.proto.control_pb2 import Vertex
    from imagebuilders.evaluation.trees import Folder

    from ..session_peer import SessionPeer
    from .bases import BaseImages
    from .client_folders import ClientFolders, CopiedFolder
    from .outcome import BuiltImage
    from .progress import Progress
    from .remote_contents import RemoteContents

LOCAL = "local://"
"""What the name of a folder of the client's begins with."""

_RESULT = "build-result"
"""The scheme of what this double made itself: its definitions name the result alone."""

_DEFAULT = Platform("linux", "amd64")
_FILE_MODE = 0o600


def definition_of(name: str) -> Definition:
    """Return a definition of a result, for builds that begin with it.

    Args:
        name: of the result.
    """
    source = Op(source=SourceOp(identifier=f"{_RESULT}://{name}")).SerializeToString()
    digest = _digest(source)
    last = Op()
    last.inputs.add(digest=digest)
    content = last.SerializeToString()
    definition = Definition(metadata={digest: OpMetadata(), _digest(content): OpMetadata()})
    getattr(definition, "def").extend([source, content])  # a word of Python's
    return definition


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Sources:
    """Fetches what operations begin with.

    Args:
        images: finds images.
        find_session: returns the client's session.
        folders: keeps what clients sent.
        remote: what lies on other machines.
        results: what the double has made, by name.
        clock: the time of what is made.
    """

    def __init__(
        self,
        images: BaseImages,
        find_session: Callable[[], SessionPeer],
        folders: ClientFolders,
        remote: RemoteContents,
        results: Mapping[str, BuiltImage],
        clock: Callable[[], int],
    ) -> None:
        self._images = images
        self._find_session = find_session
        self._folders = folders
        self._remote = remote
        self._results = results
        self._clock = clock

    def fetch(self, source: SourceOp, platform: ops_pb2.Platform) -> Made:
        """Return what an operation begins with, other than a folder of the client's.

        Raises:
            ImageBuilderError: it is not there.
            CallError: the client refused, or there is no such kind.
        """
        kind, _, rest = source.identifier.partition("://")
        if kind == _RESULT:
            return self._result(rest)
        if kind == "docker-image":
            return self._image(rest, platform)
        if kind == "oci-layout":
            return self._image(source.identifier, platform)
        if kind == "git":
            return Made(self._remote.repositories.fetch(_repository(rest, source.attrs)))
        if kind in ("http", "https"):
            return Made(self._download(source))
        raise _refused(f"failed to load LLB: unknown scheme {kind}")

    def _result(self, name: str) -> Made:
        built = self._results.get(name)
        if built is None:
            raise _refused(f"the BuildKit double does not have the result {name} any more")
        return Made(built.tree, built.image.layers, ("",) * len(built.image.layers))

    def _image(self, reference: str, platform: ops_pb2.Platform) -> Made:
        wanted = _DEFAULT
        if platform.OS:
            wanted = Platform(platform.OS, platform.Architecture, platform.Variant)
        base = self._images.look(reference, wanted)
        layers = base.image.layers
        return Made(folder_of(base.image.tree), layers, ("",) * len(layers))

    def folder(self, source: SourceOp, progress: Progress, vertex: Vertex) -> Made:
        """Return a folder of the client's, and tell how much was sent.

        Raises:
            CallError: the client refused.
        """
        name, attributes = source.identifier.removeprefix(LOCAL), source.attrs

        def copy(session: SessionPeer) -> CopiedFolder:
            return self._folders.copy(
                session,
                name,
                hint=attributes.get("local.sharedkeyhint", ""),
                follow=_listed(attributes, "local.followpaths"),
                exclude=_listed(attributes, "local.excludepatterns"),
                include=_listed(attributes, "local.includepattern"),
            )

        files = transferred(progress, vertex, name, self._find_session, copy)
        return Made(folder_tree(files, self._clock))

    def _download(self, source: SourceOp) -> Folder:
        url = source.identifier
        name = source.attrs.get("http.filename") or name_in(url)
        content = self._remote.downloads.read(UrlSource(url, url, name))
        mode = int(source.attrs.get("http.perm") or oct(_FILE_MODE), 0)
        return folder_of({name: File("file", mode, data=content)})


def _listed(attributes: Mapping[str, str], name: str) -> list[str]:
    return [str(each) for each in json.loads(attributes.get(name) or "[]")]


def _repository(identifier: str, attributes: Mapping[str, str]) -> GitSource:
    address, _, fragment = identifier.partition("#")
    ref, _, folder = fragment.partition(":")
    remote = attributes.get("git.fullurl") or address
    return GitSource(identifier, remote, ref, folder)


def _refused(words: str) -> CallError:
    return CallError(RpcStatus(Code.UNKNOWN, words))
