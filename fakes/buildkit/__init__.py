"""BuildKit daemons: one that evaluates Dockerfiles, and one that does what a script says.

Their end of every connection is that of a real daemon: HTTP/2 and gRPC on a byte stream, calls to
the client's session by `POST /session` or inside `Control/Session`. `ScriptedBuildKit` builds
nothing: a script, which is a function, says what the daemon tells, asks and answers. The script
of `FakeBuildKit`, and of the BuildKit inside an engine double, is `solver.Solver`.
"""

from __future__ import annotations

from .daemon import ScriptedBuildKit
from .failures import SourceLines, solve_status
from .fake import FakeBuildKit
from .file_transfer import SentEntry, SyncedFile
from .script import ScriptedBuild
from .session_peer import SessionPeer

__all__ = [
    "FakeBuildKit",
    "ScriptedBuild",
    "ScriptedBuildKit",
    "SentEntry",
    "SessionPeer",
    "SourceLines",
    "SyncedFile",
    "solve_status",
]
