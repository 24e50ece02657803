"""Why a path is in a context, or is not."""

from __future__ import annotations

from imagebuilders.context.entries import show_path
from imagebuilders.context.rules import IgnoreRules
from imagebuilders.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Explanation:
    """What decided about one path.

    Attributes:
        path: the path, relative to the root.
        kept: whether it is in the context.
        file: the ignore file with the deciding line; `None` when no line decided.
        line: the number of the deciding line, from 1.
        pattern: the deciding line.
        above: the folder above the path that the line hit first, when it hit one.
        reason: one sentence on all of this.
    """

    path: str
    kept: bool
    file: str | None
    line: int | None
    pattern: str | None
    above: str | None
    reason: str


def explain(
    path: str, rules: IgnoreRules, file: str | None, root: str | None = None
) -> Explanation:
    """Return what the rules say of a path.

    Args:
        path: the path, relative to the root.
        rules: the ignore rules.
        file: the ignore file they come from.
        root: the context's folder, to be named where there is no ignore file.

    Raises:
        RuleError: a pattern turns out to be malformed now that it is tried.
    """
    verdicts = rules.judge_deep(path)
    verdict = verdicts[-1][1]
    kept = not verdict.excluded
    shown = show_path(path)
    word = "kept" if kept else "left out"
    if verdict.decisive is None:
        place = "" if root is None else f" in {_shown_folder(root)}"
        why = f"no line of {file} matches it" if file else f"there is no ignore file{place}"
        return Explanation(path, kept, None, None, None, None, f"{shown} is {word}: {why}.")
    pattern = rules.patterns[verdict.decisive]
    bit = 1 << verdict.decisive
    first = next(above for above, judged in verdicts if judged.hits & bit)
    above = None if first == path else first
    reach = "" if above is None else f", which matches {show_path(above)} and all that is in it"
    if not pattern.line:
        reason = f"{shown} is {word}: {pattern.glob} is always in a build context."
        return Explanation(path, kept, None, None, pattern.text, above, reason)
    reason = (
        f"{shown} is {word} by line {pattern.line} of {file}: {show_path(pattern.text)}{reach}."
    )
    return Explanation(path, kept, file, pattern.line, pattern.text, above, reason)


def _shown_folder(root: str) -> str:
    # "." before a full stop reads as the folder above.
    return "the working directory" if root == "." else show_path(root)
