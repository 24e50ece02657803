"""COPY and ADD: what they name, resolved."""

from __future__ import annotations

from collections.abc import Sequence

from imagebuilders.context.rules import IgnoreRules, RuleError
from imagebuilders.dockerfile import (
    HereDocument,
)
from imagebuilders.evaluation.file_modes import check_mode, is_octal_mode
from imagebuilders.evaluation.frontend import Frontend
from imagebuilders.evaluation.git_sources import GitReference, parse_git
from imagebuilders.evaluation.lint import Linter
from imagebuilders.evaluation.options import ResolveOptions
from imagebuilders.evaluation.paths import has_wildcards, join, normalize, without_drive
from imagebuilders.evaluation.stages import Command, StageState
from imagebuilders.evaluation.steps import (
    Add,
    ContextOrigin,
    Copy,
    GitSource,
    Origin,
    PathSource,
    Source,
    TextSource,
    UrlSource,
)
from imagebuilders.evaluation.url_sources import (
    check_digest,
    git_or_broken,
    is_url,
    name_in,
)
from imagebuilders.evaluation.variables import Words
from imagebuilders.evaluation.written_sources import boolean_flag, written_sources
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import clean_path, quote
from imagebuilders.lazy_dataclass import dataclass

_EVERYTHING = frozenset({"*", "**", "**/*"})


@dataclass(frozen=True)
class CopyContext:
    """What COPY and ADD are resolved with.

    Attributes:
        frontend: whose behaviour counts.
        ignore_rules: of the main context; `None` without any.
        ignore_lines: the same as they are written.
        linter: is told of sources that are ignored.
    """

    frontend: Frontend
    ignore_rules: IgnoreRules | None
    ignore_lines: tuple[str, ...]
    linter: Linter


def copy_context(options: ResolveOptions, linter: Linter) -> CopyContext:
    """Return what COPY and ADD of a build are resolved with.

    Raises:
        EvaluationError: a pattern of the ignore file is malformed.
    """
    lines = options.ignore_lines
    try:
        rules = IgnoreRules.compile(lines) if lines else None
    except RuleError as error:
        alone = error.pattern.strip("! \t") == ""
        problem = 'illegal exclusion pattern: "!"' if alone else "syntax error in pattern"
        raise EvaluationError(problem) from error
    return CopyContext(options.frontend, rules, lines, linter)


def resolve_copy(
    command: Command, state: StageState, words: Words, context: CopyContext
) -> tuple[Copy, str]:
    """Resolve a COPY or ADD.

    Returns:
        The step, without title, and the line for the history.

    Raises:
        EvaluationError: it cannot be resolved; in BuildKit's words.
        ShellWordError: a word cannot be expanded.
    """
    return _Resolver(command, state, words, context).resolve()


class _Resolver:
    def __init__(
        self, command: Command, state: StageState, words: Words, context: CopyContext
    ) -> None:
        self.command = command
        self.instruction = command.instruction
        self.state = state
        self.words = words
        self.context = context
        self.is_add = self.instruction.name == "ADD"
        self.parents = boolean_flag(self.instruction, "parents") or False
        self.system = state.runs_on.os
        self.chown = self.chmod = self.checksum = ""

    def resolve(self) -> tuple[Copy, str]:
        written, documents = written_sources(self.instruction, self.context.frontend.grammar)
        self.chown = self.words.expand(self.instruction.flag("chown") or "")
        self.chmod = self.instruction.flag("chmod") or ""
        if self.context.frontend.expands_modes:
            self.chmod = self.words.expand(self.chmod)
        if self.is_add:
            self.checksum = self.words.expand(self.instruction.flag("checksum") or "")
        paths = [self.words.expand(path) for path in written]
        target = self.words.expand(self.instruction.arguments[-1])
        contents = [self._content(document) for document in documents]
        origin = self._origin()
        destination = self._destination(target)
        if self.chmod and self.context.frontend.knows_symbolic_modes:
            check_mode(self.chmod)
        self._check_checksum(paths)
        sources: list[Source] = [self._source(path) for path in paths]
        sources += [
            TextSource(
                without_drive(document.name, self.system),
                content.encode("utf-8", "surrogateescape"),
            )
            for document, content in zip(documents, contents, strict=True)
        ]
        created_by = self._created_by(paths, documents, target)
        step = (Add if self.is_add else Copy)(
            lines=self.command.lines,
            created_by=f"{created_by} # buildkit",
            makes_layer=True,
            trigger=self.command.trigger,
            sources=tuple(sources),
            destination=destination,
            origin=origin,
            chown=self.chown,
            chmod=self._mode(),
            link=boolean_flag(self.instruction, "link") or False,
            parents=self.parents,
            excludes=self.instruction.flag_values("exclude"),
        )
        return step, created_by

    def _content(self, document: HereDocument) -> str:
        if not document.expand:
            return document.text
        return self.words.expand_text(document.text)

    def _origin(self) -> Origin:
        if not self.command.sources:
            return ContextOrigin()
        source = self.command.sources[0]
        if not source.dispatched:
            if not self.context.frontend.refuses_later_stages:
                return source.base_image
            name = quote(self.instruction.flag("from") or "")
            raise EvaluationError(
                f"cannot copy from stage {name}, it needs to be defined before current stage "
                f"{quote(self.state.title)}"
            )
        return source.files

    def _destination(self, target: str) -> str:
        if not self.context.frontend.knows_folders_by_dots:
            is_folder = target in (".", "") or target.endswith("/")
            above = "" if target.startswith("/") else self.state.image.working_dir
            found = join(above or "/", target)
            return f"{found}/" if is_folder and found != "/" else found
        target = without_drive(target, self.system, keep_slash=True)
        if target in (".", ""):
            target = "./"
        parent = "/" if target.startswith("/") else self.state.image.working_dir or "/"
        return normalize(parent, target, self.system, keep_slash=True)

    def _mode(self) -> str:
        """Return the mode that counts: of older frontends only an octal one does."""
        is_octal = is_octal_mode(self.chmod)
        return self.chmod if is_octal or self.context.frontend.knows_symbolic_modes else ""

    def _check_checksum(self, paths: Sequence[str]) -> None:
        if not self.checksum:
            return
        if len(paths) != 1:
            raise EvaluationError("checksum can't be specified for multiple sources")
        if git_or_broken(paths[0]) is None and not is_url(paths[0]):
            raise EvaluationError("checksum requires HTTP(S) or Git sources")

    def _created_by(
        self, paths: Sequence[str], documents: Sequence[HereDocument], target: str
    ) -> str:
        parts = [self.instruction.name]
        parts += ["--parents"] if self.parents else []
        if self.context.frontend.records_copy_flags:
            parts += [f"--chown={self.chown}"] if self.chown else []
            parts += [f"--chmod={self.chmod}"] if self.chmod else []
        parts += [*paths, *(f"<<{document.name}" for document in documents), target]
        return " ".join(parts)

    # --- sources --------------------------------------------------------------

    def _source(self, written: str) -> Source:
        reference = parse_git(written)
        if reference is not None:
            if not self.is_add:
                raise EvaluationError("source can't be a git ref for COPY")
            return self._repository(written, reference)
        if is_url(written):
            if not self.is_add:
                raise EvaluationError("source can't be a URL for COPY")
            return self._url(written)
        self._warn_of_ignored(written)
        return self._path(written)

    def _repository(self, written: str, reference: GitReference) -> GitSource:
        keep = boolean_flag(self.instruction, "keep-git-dir")
        if keep is not None and reference.keep_git_dir not in (None, keep):
            raise EvaluationError("inconsistent keep-git-dir configuration")
        if self.checksum and reference.checksum and self.checksum != reference.checksum:
            raise EvaluationError(
                f"checksum mismatch {quote(self.checksum)} != {quote(reference.checksum)}"
            )
        return GitSource(
            written=written,
            remote=reference.remote,
            ref=reference.ref,
            folder=reference.folder,
            keep_git_dir=bool(keep if reference.keep_git_dir is None else reference.keep_git_dir),
            checksum=reference.checksum or self.checksum,
            submodules=reference.submodules,
            fetch_by_commit=reference.fetch_by_commit,
        )

    def _url(self, written: str) -> UrlSource:
        if self.checksum:
            check_digest(self.checksum)
        return UrlSource(
            written=written,
            url=written,
            file_name=name_in(written),
            checksum=self.checksum,
            unpack=boolean_flag(self.instruction, "unpack") or False,
        )

    def _path(self, written: str) -> PathSource:
        path, include, required = written, "", ""
        if self.parents:
            parent, pivot, pattern = written.partition("/./")
            path, pattern = (parent, pattern) if pivot else ("/", written)
            pattern = normalize("/", pattern, self.system, keep_slash=False)
            include = pattern.removeprefix("/")
            if not has_wildcards(path) and not has_wildcards(pattern):
                required = normalize("/", join(path, pattern), self.system, keep_slash=False)
        unpack = boolean_flag(self.instruction, "unpack")
        return PathSource(
            written=written,
            path=normalize("/", path, self.system, keep_slash=False),
            include=include,
            required=required,
            unpack=self.is_add if unpack is None else unpack,
        )

    def _warn_of_ignored(self, written: str) -> None:
        context = self.context
        if self.command.sources or context.ignore_rules is None:
            return
        path = written
        if context.frontend.warns_of_ignored_files:
            if context.ignore_rules.has_negations:
                return
            path = clean_path(written)
        is_root = path in (".", "/") and context.frontend.knows_ignored_roots
        if is_root and not _EVERYTHING.intersection(context.ignore_lines):
            return
        if context.ignore_rules.excludes(path):
            keyword = "Add" if self.is_add else "Copy"
            text = f"Attempting to {keyword} file {quote(path)} that is excluded by .dockerignore"
            context.linter.warn("CopyIgnoredFile", text, self.command.lines)
