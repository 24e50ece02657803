"""What is read of connections that a client took over."""

from __future__ import annotations

import socket

from fakes.engine.routes.hijacked import pieces, reader


def test_so_many_bytes_are_read_and_no_more_is_waited_for() -> None:
    """What was read ahead comes first; at the end there are fewer."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(5)
        read = reader(ours, b"ab")
        assert read(1) == b"a"
        theirs.sendall(b"cdef")
        assert read(3) == b"bcd"
        assert read(2) == b"ef"
        theirs.sendall(b"gh")
        theirs.shutdown(socket.SHUT_WR)
        assert read(5) == b"gh"
        assert read(5) == b""


def test_pieces_begin_with_what_was_read_ahead() -> None:
    """Without any there is no empty one, which would look like an end."""
    for ahead, expected in ((b"ab", [b"ab", b"cd"]), (b"", [b"cd"])):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(b"cd")
            theirs.shutdown(socket.SHUT_WR)
            assert [*pieces(ours, ahead)] == expected
