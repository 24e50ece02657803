"""How each engine version writes the configurations of images and containers."""

from __future__ import annotations

from collections.abc import Collection

from ..versions import ByVersion

LEFT_OUT: ByVersion[Collection[str]] = ByVersion((), {"29.0": ("OnBuild",)})
"""The keys that an engine leaves out where they say nothing, and older ones did not."""
