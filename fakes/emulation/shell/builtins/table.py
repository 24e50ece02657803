"""All commands of the shells, by their names: importing this module makes them known."""

from __future__ import annotations

from . import control, folders, jobs, names, output, reading, settings, test, traps, variables
from .registry import BUILTINS, SPECIAL

MODULES = (control, folders, jobs, names, output, reading, settings, test, traps, variables)
"""Where they are."""

__all__ = ["BUILTINS", "MODULES", "SPECIAL"]
