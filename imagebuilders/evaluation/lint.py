"""What BuildKit warns of, and which of its rules count.

The rules: https://docs.docker.com/reference/build-checks/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import field, replace

from imagebuilders.evaluation.steps import Lines
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import BOOLEANS, WHITE_SPACE, quote, trim_space
from imagebuilders.lazy_dataclass import dataclass

_RULE_PAGES = "https://docs.docker.com/go/dockerfile/rule/"
_DIRECTIVE = re.compile(r"([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*(.+?)[\t\n\f\r ]*")
_WORD_BEGINNING = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

DESCRIPTIONS = {
    "ConsistentInstructionCasing": (
        "All commands within the Dockerfile should use the same casing (either upper or lower)"
    ),
    "CopyIgnoredFile": "Attempting to Copy file that is excluded by .dockerignore",
    "DuplicateStageName": "Stage names should be unique",
    "ExposeInvalidFormat": (
        "IP address and host-port mapping should not be used in EXPOSE instruction. This will "
        "become an error in a future release"
    ),
    "ExposeProtoCasing": "Protocol in EXPOSE instruction should be lowercase",
    "FromAsCasing": "The 'as' keyword should match the case of the 'from' keyword",
    "FromPlatformFlagConstDisallowed": "FROM --platform flag should not use a constant value",
    "InvalidBaseImagePlatform": "Base image platform does not match expected target platform",
    "InvalidDefaultArgInFrom": (
        "Default value for global ARG results in an empty or invalid base image name"
    ),
    "InvalidDefinitionDescription": (
        "Comment for build stage or argument should follow the format: "
        "`# <arg/stage name> <description>`. If this is not intended to be a description "
        "comment, add an empty line or comment between the instruction and the comment."
    ),
    "JSONArgsRecommended": (
        "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to "
        "OS signals"
    ),
    "LegacyKeyValueFormat": (
        "Legacy key/value format with whitespace separator should not be used"
    ),
    "MaintainerDeprecated": (
        "The MAINTAINER instruction is deprecated, use a label instead to define an image author"
    ),
    "MultipleInstructionsDisallowed": (
        "Multiple instructions of the same type should not be used in the same stage"
    ),
    "NoEmptyContinuation": "Empty continuation lines will become errors in a future release",
    "RedundantTargetPlatform": (
        "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the "
        "default behavior"
    ),
    "ReservedStageName": "Reserved words should not be used as stage names",
    "SecretsUsedInArgOrEnv": "Sensitive data should not be used in the ARG or ENV commands",
    "StageNameCasing": "Stage names should be lowercase",
    "UndefinedArgInFrom": "FROM command must use declared ARGs",
    "UndefinedVar": "Variables should be defined before their use",
    "WorkdirRelativePath": (
        "Relative workdir without an absolute workdir declared within the build can have "
        "unexpected results if the base image changes"
    ),
}
"""What each rule is about, by its name."""
EXPERIMENTAL = frozenset({"InvalidDefinitionDescription"})
"""The rules that count only when `# check=experimental=` asks for them."""


@dataclass(frozen=True)
class LintWarning:
    """What BuildKit warns of: mostly a rule that an instruction breaks.

    Attributes:
        rule: as in `UndefinedVar`; empty for what is no rule.
        text: BuildKit's words.
        lines: where; `None` if BuildKit does not tell.
    """

    rule: str
    text: str
    lines: Lines | None = None

    @property
    def description(self) -> str:
        """What the rule is about; empty without a rule."""
        return DESCRIPTIONS.get(self.rule, "")

    @property
    def url(self) -> str:
        """The rule's page; empty for the one that has none, and without a rule."""
        if self.rule in ("", "InvalidBaseImagePlatform"):
            return ""
        return f"{_RULE_PAGES}{_WORD_BEGINNING.sub('-', self.rule).lower()}/"

    def __str__(self) -> str:
        place = f" (line {self.lines.first})" if self.lines else ""
        rule = f"{self.rule}: " if self.rule else ""
        return f"{rule}{self.text}{place}"


Listener = Callable[[LintWarning], None]


@dataclass(frozen=True)
class LintOptions:
    """What `# check=` says.

    Attributes:
        skip_all: no rule counts, but for experimental ones.
        skipped: rules that do not count.
        experimental_all: experimental rules count.
        experimental: experimental rules that count.
        fails: a warning makes the build fail.
    """

    skip_all: bool = False
    skipped: frozenset[str] = frozenset()
    experimental_all: bool = False
    experimental: frozenset[str] = frozenset()
    fails: bool = False

    def merged(self, other: LintOptions) -> LintOptions:
        """Return these options and those of a comment above an instruction."""
        return replace(
            self,
            skip_all=self.skip_all or other.skip_all,
            skipped=self.skipped | other.skipped,
            experimental_all=self.experimental_all or other.experimental_all,
            experimental=self.experimental | other.experimental,
        )


def parse_lint_options(text: str) -> LintOptions:
    """Read the value of `# check=`, such as `skip=JSONArgsRecommended;error=true`.

    Raises:
        ValueError: it is malformed; in BuildKit's words.
    """
    options = LintOptions()
    if not trim_space(text):
        return options
    for part in trim_space(text).split(";", 2):
        key, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"invalid check option {quote(part)}")
        options = _with_option(options, trim_space(key), trim_space(value), part)
    return options


def _with_option(options: LintOptions, key: str, value: str, part: str) -> LintOptions:
    names = frozenset(map(trim_space, value.split(",")))
    if key == "skip":
        return replace(options, **({"skip_all": True} if value == "all" else {"skipped": names}))
    if key == "experimental":
        everything = value == "all"
        return replace(
            options, **({"experimental_all": True} if everything else {"experimental": names})
        )
    if key != "error":
        raise ValueError(f"invalid check option {quote(key)}")
    if value not in BOOLEANS:
        raise ValueError(
            f"failed to parse check option {quote(part)}: "
            f"strconv.ParseBool: parsing {quote(value)}: invalid syntax"
        )
    return replace(options, fails=BOOLEANS[value])


@dataclass(frozen=True)
class Linter:
    """Tells which rules are broken.

    Attributes:
        options: what counts.
        listener: is told of each; `None` for a linter that looks at nothing.
        experimental: the rules that count only on demand.
        reads_comments: `# check=` above an instruction counts.
        broken: the names of the rules that were broken so far.
    """

    options: LintOptions
    listener: Listener | None
    experimental: frozenset[str] = EXPERIMENTAL
    reads_comments: bool = True
    broken: set[str] = field(default_factory=set)

    def warn(self, rule: str, text: str, lines: Lines | None) -> None:
        """Tell that a rule is broken, if it counts."""
        if self.listener is None or not self._counts(rule):
            return
        self.broken.add(rule)
        self.listener(LintWarning(rule, text, lines))

    def _counts(self, rule: str) -> bool:
        if rule in self.experimental:
            return self.options.experimental_all or rule in self.options.experimental
        return not self.options.skip_all and rule not in self.options.skipped

    def above(self, comments: Iterable[str]) -> Linter:
        """Return the linter for an instruction with these comments above it."""
        if not self.reads_comments:
            return self
        for comment in comments:
            match = _DIRECTIVE.fullmatch(comment.lstrip(WHITE_SPACE))
            if match is None or match[1].lower() != "check":
                continue
            try:
                options = parse_lint_options(match[2].partition(" ")[0])
            except ValueError:
                return self
            return replace(self, options=self.options.merged(options))
        return self

    def check(self) -> None:
        """Raise an error if a warning makes the build fail.

        Raises:
            EvaluationError: a rule was broken, and `# check=error=true` stands in the file.
        """
        if self.options.fails and self.broken:
            rules = ", ".join(sorted(self.broken))
            raise EvaluationError(f"lint violation found for rules: {rules}")
