"""A stream whose pieces are made in another thread, a few ahead of who takes them."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

from imagebuilders.lazy_dataclass import dataclass

PieceT = TypeVar("PieceT")
_AHEAD = 4


@dataclass(frozen=True)
class _Failed:
    """What ended the stream early."""

    error: BaseException


_END = object()


def read_ahead(pieces: Iterable[PieceT], ahead: int = _AHEAD) -> Generator[PieceT, None, None]:
    """Yield the pieces of a stream; the next ones are made meanwhile.

    Close it (`contextlib.closing`) where it may not be taken to its end. What making a piece
    raises is raised here.

    Args:
        pieces: the stream; it is taken in a thread that ends with this generator.
        ahead: so many pieces are made before one is taken.
    """
    made: queue.SimpleQueue[object] = queue.SimpleQueue()
    places = threading.Semaphore(ahead)
    unwanted = threading.Event()

    def make() -> None:
        try:
            for piece in pieces:
                made.put(piece)
                places.acquire()
                if unwanted.is_set():
                    return
            made.put(_END)
        except BaseException as error:  # all of it is for who takes the pieces
            made.put(_Failed(error))

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(make,), name="imagebuilders read ahead")
    thread.start()
    try:
        while (piece := made.get()) is not _END:
            if isinstance(piece, _Failed):
                raise piece.error
            places.release()
            yield piece  # type: ignore[misc]
    finally:
        unwanted.set()
        places.release()
        thread.join()
