"""A BuildKit daemon that does what a script says.

Its end of every connection is that of a real daemon: HTTP/2 and gRPC on a byte stream, calls to
the client's session by `POST /session` or inside `Control/Session`. It builds nothing: a script,
which is a function, says what the daemon tells, asks and answers.
"""

from __future__ import annotations

from .daemon import ScriptedBuildKit
from .failures import SourceLines, solve_status
from .file_transfer import SentEntry, SyncedFile
from .script import ScriptedBuild
from .session_peer import SessionPeer

__all__ = [
    "ScriptedBuild",
    "ScriptedBuildKit",
    "SentEntry",
    "SessionPeer",
    "SourceLines",
    "SyncedFile",
    "solve_status",
]
