"""AWS CodeBuild as an HTTP service, whose builds run their buildspec for real."""

from __future__ import annotations

from .aws import FakeAWS
from .builds import FakeBuild
from .faults import Fault
from .runner import ShellRunner
from .service import FakeCodeBuild

__all__ = ["FakeAWS", "FakeBuild", "FakeCodeBuild", "Fault", "ShellRunner"]
