"""Whether a peer that says nothing is still there."""

from __future__ import annotations
