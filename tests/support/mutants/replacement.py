"""The functions of an imported module, changed in place to what another source makes of them."""

from __future__ import annotations

import gc
import sys
from collections import defaultdict
from collections.abc import Iterator
from types import CodeType, FunctionType

_Key = tuple[str, str, int]


class ReplacementError(Exception):
    """Only an import of the changed source shows what it does."""


class LiveFunctions:
    """Every function of this process, by the place of its code."""

    def __init__(self) -> None:
        self._by_key: defaultdict[_Key, list[FunctionType]] = defaultdict(list)
        for each in gc.get_objects():
            if isinstance(each, FunctionType):
                self._by_key[_key(each.__code__)].append(each)

    def replace(self, path: str, before: bytes, after: bytes) -> None:
        """Let the functions of a file do what its changed source says.

        Raises:
            ReplacementError: the change is in none of them, or it changes what they close over.
        """
        if not any(getattr(module, "__file__", None) == path for module in [*sys.modules.values()]):
            return  # whoever imports it later reads the changed file
        old, new = (compile(source, path, "exec") for source in (before, after))
        pairs = [*_pairs(old, new)]
        if not any(self._by_key.get(_key(each)) for each, _ in pairs):
            raise ReplacementError
        if len({_key(each) for each, _ in pairs}) < len(pairs):
            raise ReplacementError  # two lambdas on one line: nobody knows which is which
        try:
            for each, changed in pairs:
                for function in self._by_key.get(_key(each), []):
                    function.__code__ = changed
        except ValueError:  # it closes over fewer variables than before
            raise ReplacementError from None


def _key(code: CodeType) -> _Key:
    return code.co_filename, code.co_name, code.co_firstlineno


def _pairs(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """Each function of a module that changes, as it was and as it is; raise ReplacementError."""
    inner = [[each for each in code.co_consts if isinstance(each, CodeType)] for code in (old, new)]
    if len(inner[0]) != len(inner[1]):
        raise ReplacementError
    for before, after in zip(*inner, strict=True):
        if before.co_name != after.co_name:
            raise ReplacementError
        if before != after:
            yield before, after
            yield from _pairs(before, after)
