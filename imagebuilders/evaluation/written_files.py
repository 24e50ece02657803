"""Here-documents of COPY and ADD as files of a tree."""

from __future__ import annotations

from collections.abc import Callable

from imagebuilders.evaluation.steps import TextSource
from imagebuilders.evaluation.trees import Folder, folder_of, stamped
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import clean_path
from imagebuilders.oci.file_tree import File

_MODE = 0o644


def written_file(source: TextSource, clock: Callable[[], int]) -> tuple[Folder, str]:
    """Return the tree that a here-document makes, and where it is in there.

    It is written into an empty folder, in which there are no others to write into.

    Args:
        source: the here-document.
        clock: the time of what is made, in nanoseconds since 1970.

    Raises:
        EvaluationError: its name makes that impossible; in BuildKit's words.
    """
    path = clean_path(f"/{source.name}")[1:]
    if not path:
        raise EvaluationError("open : is a directory")
    if "/" in path:
        raise EvaluationError(f"open /{path}: no such file or directory")
    file = stamped(File("file", _MODE, data=source.content), clock())
    return folder_of({path: file}), path
