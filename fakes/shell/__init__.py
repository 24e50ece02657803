"""Commands whose work is done by functions, for no double executes any."""

from __future__ import annotations

from .process import Process, ProcessStoppedError

__all__ = ["Process", "ProcessStoppedError"]
