"""What a BuildKit double does for a build: it evaluates Dockerfiles, and executes nothing.

`Solver` is the script of the daemon that a build is asked of. It gets the Dockerfile and the
context from the client's session, evaluates them by `imagebuilders.evaluation`, tells of each step
as real daemons do, and hands the image to a `Worker`, which whoever has the daemon gives it.
"""

from __future__ import annotations

from .gateway import SolverGateway
from .look import LOOKS, Look
from .remote_contents import RemoteContents
from .remote_seeds import RemoteSeedDouble
from .solver import Solver
from .usage import SolverUsage
from .worker import Worker
from .worker_records import daemon_worker, engine_worker, version_record

__all__ = [
    "LOOKS",
    "Look",
    "RemoteContents",
    "RemoteSeedDouble",
    "Solver",
    "SolverGateway",
    "SolverUsage",
    "Worker",
    "daemon_worker",
    "engine_worker",
    "version_record",
]
