"""Why the test bed cannot be had."""

from __future__ import annotations


class NoTestbedError(Exception):
    """No engine or no images here; the text says why and how to get them."""

    __test__ = False
