"""The options of shells (`set -o`)."""

from __future__ import annotations

OPTIONS = {
    "a": "allexport",
    "b": "notify",
    "C": "noclobber",
    "e": "errexit",
    "f": "noglob",
    "h": "hashall",
    "i": "interactive",
    "m": "monitor",
    "n": "noexec",
    "u": "nounset",
    "v": "verbose",
    "x": "xtrace",
}
"""Options by their letters."""
LONG_OPTIONS = frozenset(
    (*OPTIONS.values(), "pipefail", "posix", "ignoreeof", "vi", "emacs", "nolog")
)
"""All of them by their names."""
