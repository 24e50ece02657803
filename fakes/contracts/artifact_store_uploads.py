"""What uploads of build contexts do on every artifact store: a part of its contract."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import pytest

from imagebuilders.archivable import ArchiveType
from imagebuilders.artifact_stores.base import BaseArtifactStore
from imagebuilders.artifact_stores.upload import upload_build_context
from imagebuilders.exceptions import ContextChangedError


class _StandInContext:
    """A build context of given bytes that counts how often it was archived."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.archived = 0
        self.changes_while_archived = False

    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.content).hexdigest()

    def iter_archive(self, archive_type: ArchiveType = ArchiveType.TAR) -> Iterator[bytes]:
        assert archive_type is ArchiveType.TAR_GZ
        self.archived += 1
        yield self.content
        if self.changes_while_archived:
            raise ContextChangedError("The context changed while it was read.")


class ArtifactStoreUploadContract:
    """The scenarios with build contexts; `ArtifactStoreContract` has the fixture they need."""

    def test_an_unchanged_context_is_not_sent_again(
        self, artifact_store: BaseArtifactStore
    ) -> None:
        """The second upload of one context finds the first, and makes no archive."""
        context = _StandInContext(b"content")
        path = upload_build_context(context, artifact_store, "contexts")
        name = f"{context.digest().removeprefix('sha256:')}.tar.gz"
        assert path == f"{artifact_store.path}/contexts/{name}"
        assert upload_build_context(context, artifact_store, "contexts") == path
        assert context.archived == 1
        assert artifact_store.listdir("contexts") == [name]

    @pytest.mark.parametrize(
        "damage",
        [
            lambda _: b"",
            lambda content: content[:-1],
            lambda content: content[1:],
            lambda content: content + b"\0",
            lambda content: content + content,
        ],
        ids=["emptied", "end lost", "beginning lost", "byte added", "doubled"],
    )
    def test_an_archive_of_the_wrong_size_is_replaced(
        self, artifact_store: BaseArtifactStore, damage: Callable[[bytes], bytes]
    ) -> None:
        """An object of the right name and the wrong size is found out and replaced."""
        context = _StandInContext(b"content of the context")
        path = upload_build_context(context, artifact_store, "contexts")
        with artifact_store.open(path) as file:
            whole = file.read()
        artifact_store.publish(path, [damage(whole)])
        assert upload_build_context(context, artifact_store, "contexts") == path
        with artifact_store.open(path) as file:
            assert file.read() == whole
        assert context.archived == 2

    def test_a_context_that_changes_is_not_published(
        self, artifact_store: BaseArtifactStore
    ) -> None:
        """A context that changes while it is archived gets no name it does not deserve."""
        context = _StandInContext(b"content")
        context.changes_while_archived = True
        name = f"contexts/{context.digest().removeprefix('sha256:')}.tar.gz"
        with pytest.raises(ContextChangedError):
            upload_build_context(context, artifact_store, "contexts")
        assert not artifact_store.exists(name)
