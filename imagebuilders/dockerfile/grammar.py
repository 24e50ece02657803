"""Which parts of the language a version of an engine knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from imagebuilders.lazy_dataclass import dataclass

MODIFIERS = frozenset({":-", ":+", ":?", "-", "+", "?", "#", "%", "/"})
"""What may follow the name in `${name…}`; `##`, `%%` and `//` belong to their single forms."""

_FLAGS: dict[str, frozenset[str]] = {
    "ADD": frozenset({"chown", "chmod", "link", "keep-git-dir", "checksum", "unpack", "exclude"}),
    "COPY": frozenset({"from", "chown", "chmod", "link", "parents", "exclude"}),
    "FROM": frozenset({"platform"}),
    "HEALTHCHECK": frozenset({"interval", "timeout", "start-period", "start-interval", "retries"}),
    "RUN": frozenset({"mount", "network", "security", "device"}),
}


@dataclass(frozen=True)
class Grammar:
    """What is read as more than plain words; by default all that BuildKit 0.32 knows.

    Attributes:
        directives: the names of the parser directives.
        here_documents: `<<EOF` begins a here-document.
        here_document_spaces: white space may stand between `<<` and the word.
        whole_json: an exec form is the whole rest of the instruction; older engines let any text
            follow the list.
        flag_escape: flags are read with the escape character of `# escape=`; older engines always
            take the backslash there.
        word_before_modifier: text in front of `${name:-…}` counts when a word is split at spaces;
            BuildKit loses it since 0.14, which only EXPOSE and the words of here-documents show.
        modifiers: what may follow the name in `${name…}`. BuildKit before 0.14 has `:#` and `:%`,
            too, which mean the same as `#` and `%`.
        zero_is_default: a zero among the options of HEALTHCHECK stands for the default; older
            engines refuse it.
        flags: the flags of each instruction, by the instruction's name in upper case. Reading
            keeps every flag; `check` tells the ones that are not listed.
    """

    directives: frozenset[str] = frozenset({"syntax", "escape", "check"})
    here_documents: bool = True
    here_document_spaces: bool = True
    whole_json: bool = True
    flag_escape: bool = True
    word_before_modifier: bool = False
    modifiers: frozenset[str] = MODIFIERS
    zero_is_default: bool = True
    flags: Mapping[str, frozenset[str]] = field(default_factory=lambda: _FLAGS)


BUILDKIT = Grammar()
"""What BuildKit 0.32 reads without a `# syntax=` of its own."""
