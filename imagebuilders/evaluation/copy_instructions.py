"""COPY and ADD: what they name, resolved."""

from __future__ import annotations

from collections.abc import Sequence

from imagebuilders.context.rules import IgnoreRules
from imagebuilders.dockerfile import (
    HereDocument,
    Instruction,
    here_document_beginning,
)
from imagebuilders.evaluation.file_modes import check_mode
from imagebuilders.evaluation.frontend import Frontend
from imagebuilders.evaluation.git_sources import GitReference, parse_git
from imagebuilders.evaluation.lint import Linter
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
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import clean_path, quote, to_lower
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
        self.parents = _boolean(self.instruction, "parents") or False
        self.system = state.runs_on.os
        self.chown = self.chmod = self.checksum = ""

    def resolve(self) -> tuple[Copy, str]:
        written, documents = _sources(self.instruction)
        self.chown = self.words.expand(self.instruction.flag("chown") or "")
        self.chmod = self.words.expand(self.instruction.flag("chmod") or "")
        if self.is_add:
            self.checksum = self.words.expand(self.instruction.flag("checksum") or "")
        paths = [self.words.expand(path) for path in written]
        target = self.words.expand(self.instruction.arguments[-1])
        contents = [self._content(document) for document in documents]
        origin = self._origin()
        destination = self._destination(target)
        if self.chmod:
            check_mode(self.chmod)
        self._check_checksum(paths)
        sources: list[Source] = [self._source(path) for path in paths]
        sources += [
            TextSource(self._file_name(document.name), content.encode("utf-8", "surrogateescape"))
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
            chmod=self.chmod,
            link=_boolean(self.instruction, "link") or False,
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
            name = quote(self.instruction.flag("from") or "")
            raise EvaluationError(
                f"cannot copy from stage {name}, it needs to be defined before current stage "
                f"{quote(self.state.title)}"
            )
        return source.files

    def _destination(self, target: str) -> str:
        target = without_drive(target, self.system, keep_slash=True)
        if target in (".", ""):
            target = "./"
        parent = "/" if target.startswith("/") else self.state.image.working_dir or "/"
        return normalize(parent, target, self.system, keep_slash=True)

    def _file_name(self, name: str) -> str:
        return without_drive(name, self.system)

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
        keep = _boolean(self.instruction, "keep-git-dir")
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
            unpack=_boolean(self.instruction, "unpack") or False,
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
        unpack = _boolean(self.instruction, "unpack")
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


def _sources(instruction: Instruction) -> tuple[list[str], list[HereDocument]]:
    """Return the paths and the here-documents that an instruction names."""
    contents = {document.name: document for document in instruction.here_documents}
    paths: list[str] = []
    documents: list[HereDocument] = []
    for word in instruction.arguments[:-1]:
        beginning = here_document_beginning(word)
        if beginning is None:
            paths.append(word)
        else:
            documents.append(contents.get(beginning.name, beginning))
    return paths, documents


def _boolean(instruction: Instruction, name: str) -> bool | None:
    """Return the value of a flag such as `--link`; `None` without it."""
    values = [flag.value for flag in instruction.flags if flag.name == name]
    return to_lower(values[-1] or "true") == "true" if values else None
