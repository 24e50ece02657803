"""What older versions of the frontend read: directives, flags, here-documents, variables."""

from __future__ import annotations

from functools import cache

from imagebuilders.dockerfile import BUILDKIT, MODIFIERS, Grammar

_FLAGS = {
    ("ADD", "checksum"): 6,
    ("ADD", "exclude"): 19,
    ("ADD", "keep-git-dir"): 5,
    ("ADD", "link"): 4,
    ("ADD", "unpack"): 17,
    ("COPY", "exclude"): 19,
    ("COPY", "link"): 4,
    ("COPY", "parents"): 20,
    ("HEALTHCHECK", "start-interval"): 6,
    ("RUN", "device"): 14,
    ("RUN", "network"): 3,
    ("RUN", "security"): 20,
}
"""The minor version of the frontend that knew a flag first; what is not here, all know."""

_DIRECTIVES = frozenset({"escape", "syntax"})


@cache
def grammar_of(minor: int) -> Grammar:
    """Return what the frontend 1.MINOR reads."""
    flags = {
        instruction: frozenset(
            flag for flag in known if _FLAGS.get((instruction, flag), 0) <= minor
        )
        for instruction, known in BUILDKIT.flags.items()
    }
    if minor >= 8:
        return Grammar(flags=flags)
    is_first = minor < 4
    return Grammar(
        directives=_DIRECTIVES,
        here_documents=not is_first,
        here_document_spaces=False,
        whole_json=False,
        flag_escape=False,
        word_before_modifier=True,
        zero_is_default=minor >= 5,
        modifiers=frozenset({":-", ":+", ":?", "?"}) if is_first else MODIFIERS | {":#", ":%"},
        flags=flags,
    )
