"""What SOURCE_DATE_EPOCH names: the one URL or repository that a stage adds, or a context."""

from __future__ import annotations

from imagebuilders.dockerfile import Instruction, expand
from imagebuilders.dockerfile.document import Stage
from imagebuilders.evaluation.git_sources import parse_git
from imagebuilders.evaluation.options import ResolveOptions
from imagebuilders.evaluation.stages import SCRATCH, lines_of
from imagebuilders.evaluation.steps import GitSource, UrlSource
from imagebuilders.evaluation.url_sources import check_digest, is_url, name_in
from imagebuilders.evaluation.variables import Environment
from imagebuilders.evaluation.written_sources import boolean_flag, written_sources
from imagebuilders.exceptions import EvaluationError, ShellWordError
from imagebuilders.go_text import quote

_NAME = "SOURCE_DATE_EPOCH"
_ONE_ADD = f"{_NAME} stage must contain exactly one remote ADD"


def source_of_context(written: str) -> UrlSource | GitSource | None:
    """Return what a named context is, if it lies at a URL or in a repository.

    Raises:
        EvaluationError: the address of a repository is malformed.
    """
    return _repository(written, checksum="", keep=None) or (
        UrlSource(written, written, name_in(written)) if is_url(written) else None
    )


def source_of_stage(
    stage: Stage, arguments: Environment, options: ResolveOptions, escape: str
) -> UrlSource | GitSource:
    """Return the one thing that a stage adds from elsewhere.

    Args:
        stage: may hold nothing else than that ADD, and ARGs.
        arguments: those before the first FROM.
        options: of the build.
        escape: the escape character.

    Raises:
        EvaluationError: the stage is made in another way; in BuildKit's words.
    """
    lines = lines_of(stage.instruction)
    try:
        return _Stage(stage, arguments, options, escape).source()
    except EvaluationError as error:
        raise EvaluationError(error.message, line=lines.first, end_line=lines.last) from error
    except ShellWordError as error:
        raise EvaluationError(str(error), line=lines.first, end_line=lines.last) from error


class _Stage:
    def __init__(
        self, stage: Stage, arguments: Environment, options: ResolveOptions, escape: str
    ) -> None:
        self._stage = stage
        self._given = options.build_args
        self._grammar = options.frontend.grammar
        self._escape = escape
        self._arguments = arguments.copy()
        self._arguments.remove(_NAME)

    def source(self) -> UrlSource | GitSource:
        stage = self._stage
        try:
            base = self._expand(stage.base)
        except ShellWordError as error:
            name = quote(stage.base)
            raise EvaluationError(
                f"failed to process source stage base name {name}: {error}"
            ) from error
        if base != SCRATCH:
            raise EvaluationError(f"{_NAME} stage must use FROM scratch")
        found: UrlSource | GitSource | None = None
        for instruction in stage.steps:
            if instruction.name == "ARG":
                self._set_arguments(instruction)
            elif instruction.name != "ADD":
                raise EvaluationError(
                    f"{_NAME} stage does not meet source-only requirements: unsupported "
                    f"{instruction.keyword} instruction"
                )
            elif found is not None:
                raise EvaluationError(_ONE_ADD)
            else:
                found = self._added(instruction)
        if found is None:
            raise EvaluationError(_ONE_ADD)
        return found

    def _expand(self, word: str) -> str:
        return expand(word, self._arguments, escape=self._escape, grammar=self._grammar).text

    def _set_arguments(self, instruction: Instruction) -> None:
        for pair in instruction.pairs:
            if pair.name in self._given:
                self._arguments.set(pair.name, self._given[pair.name])
            elif pair.value is not None:
                self._arguments.set(pair.name, self._expand(pair.value))

    def _added(self, instruction: Instruction) -> UrlSource | GitSource:
        paths, documents = written_sources(instruction, self._grammar)
        if documents or len(paths) != 1:
            raise EvaluationError(f"{_ONE_ADD} source")
        path = self._expand(paths[0])
        checksum = self._expand(instruction.flag("checksum") or "")
        found = _repository(path, checksum, boolean_flag(instruction, "keep-git-dir"))
        if found is not None:
            return found
        if not is_url(path):
            raise EvaluationError(f"{_NAME} stage source must be a single HTTP(S) or Git ADD")
        if checksum:
            check_digest(checksum)
        return UrlSource(path, path, name_in(path), checksum)


def _repository(written: str, checksum: str, keep: bool | None) -> GitSource | None:
    found = parse_git(written)
    if found is None:
        return None
    return GitSource(
        written=written,
        remote=found.remote,
        ref=found.ref,
        folder=found.folder,
        keep_git_dir=bool(keep or found.keep_git_dir),
        checksum=checksum or found.checksum,
        submodules=found.submodules,
        fetch_by_commit=found.fetch_by_commit,
    )
