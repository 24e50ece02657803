"""What tells the shells apart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """One shell's ways.

    Attributes:
        name: `dash`, `busybox` or `bash`.
        has_arrays: whether it knows arrays, `[[ ]]` with patterns, `(( ))`, `function` and more.
        has_double_brackets: whether it knows `[[ ]]`.
        has_braces: whether `{a,b}` and `{1..3}` are expanded.
        has_both_redirection: whether `&>` and `|&` redirect both outputs.
        has_process_substitution: whether `<(…)` and `>(…)` are known.
        has_dollar_quotes: whether `$'…'` is known.
        has_substring: whether `${x:1:2}` and `${x/a/b}` are known.
        echo_escapes: whether `echo` reads backslashes without `-e`.
    """

    name: str
    has_arrays: bool = False
    has_double_brackets: bool = False
    has_braces: bool = False
    has_both_redirection: bool = False
    has_process_substitution: bool = False
    has_dollar_quotes: bool = False
    has_substring: bool = False
    echo_escapes: bool = False

    @property
    def program(self) -> str:
        """The program that a script without `#!` is read by, when this shell starts it."""
        return "bash" if self.is_bash else "sh"

    @property
    def is_bash(self) -> bool:
        """Whether it is bash."""
        return self.name == "bash"

    @property
    def is_dash(self) -> bool:
        """Whether it is dash."""
        return self.name == "dash"

    @property
    def is_busybox(self) -> bool:
        """Whether it is busybox's ash."""
        return self.name == "busybox"


DASH = Dialect("dash", echo_escapes=True)
BUSYBOX = Dialect(
    "busybox",
    has_double_brackets=True,
    has_both_redirection=True,
    has_process_substitution=True,
    has_dollar_quotes=True,
    has_substring=True,
)
BASH = Dialect(
    "bash",
    has_arrays=True,
    has_double_brackets=True,
    has_braces=True,
    has_both_redirection=True,
    has_process_substitution=True,
    has_dollar_quotes=True,
    has_substring=True,
)
