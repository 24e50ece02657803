"""The reader behind `expand`.

The text is read once from left to right, with a stack of what is open, so that neither depth nor
length of a word matters.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from imagebuilders.dockerfile.grammar import Grammar
from imagebuilders.dockerfile.shell_patterns import (
    PatternError,
    replace,
    trim_prefix,
    trim_suffix,
)
from imagebuilders.dockerfile.shell_scanner import Scanner, Words
from imagebuilders.exceptions import ShellWordError
from imagebuilders.go_text import quote
from imagebuilders.lazy_dataclass import dataclass

_NO_CHARACTER = "\ufffd"


class Quotes(enum.Enum):
    """What happens to quotes."""

    REMOVE = enum.auto()
    """They group, and go."""
    KEEP = enum.auto()
    """They group, and stay."""
    IGNORE = enum.auto()
    """They are characters like others, as in a here-document."""


@dataclass
class _Frame:
    """Something that is open: the word as a whole, double quotes, or the inside of `${…}`.

    Attributes:
        stop: the character that closes it.
        keep_escapes: escapes stay in its text.
        parts: where its text goes: often straight to what it stands in, or nowhere.
        name, modifier: of `${…}`.
        pattern: of `${name/pattern/replacement}`, once that is read.
        everywhere: of `${name//pattern/replacement}`.
        kept: it is left as it is, since the variable has no value.
    """

    stop: str
    keep_escapes: bool
    parts: list[str]
    name: str = ""
    modifier: str = ""
    pattern: str | None = None
    kept: bool = False
    everywhere: bool = False

    @property
    def is_variable(self) -> bool:
        return bool(self.modifier)


class ShellReader:
    """Reads one word, once.

    Attributes:
        words: the text, split at spaces that were not quoted.
        names: the variables it names.
    """

    def __init__(
        self,
        word: str,
        env: Mapping[str, str],
        escape: str,
        quotes: Quotes,
        keep_unset: bool,
        grammar: Grammar,
    ) -> None:
        self.word = word
        self.scanner = Scanner(word)
        self.env = env
        self.escape = escape
        self.quotes = quotes
        self.keep_unset = keep_unset
        self.grammar = grammar
        self.words = Words()
        self.names: set[str] = set()
        self.frames: list[_Frame] = []
        self._mark = 0

    def read(self, keep_escapes: bool) -> str:
        """Return the word expanded; `words` and `names` are complete then.

        Raises:
            ShellWordError: the word cannot be expanded.
        """
        whole = _Frame("", keep_escapes, [])
        self.frames.append(whole)
        while not self.scanner.at_end:
            if self.frames[-1].stop == '"':
                self._step_in_quotes(self.frames[-1])
            else:
                self._step(self.frames[-1])
        if len(self.frames) > 1:
            raise self._error("unexpected end of statement while looking for matching double-quote")
        self.words.finish()
        return "".join(whole.parts)

    # --- characters -----------------------------------------------------------

    def _step(self, frame: _Frame) -> None:
        char = self.scanner.peek()
        if char == frame.stop:
            self.scanner.take()
            self._close_variable(frame)
        elif char == "$":
            self._variable(frame)
        elif char == "<" and self.grammar.here_document_spaces:
            self._add(frame, self.scanner.take_here_document(), whole=True)
        elif char in "'\"" and self.quotes is not Quotes.IGNORE:
            self._quoted(frame)
        elif char == self.escape:
            self.scanner.take()
            kept = char if frame.keep_escapes else ""
            self._add(frame, kept + self.scanner.take(), whole=True)
        else:
            self._add(frame, self.scanner.take_plain())

    def _step_in_quotes(self, frame: _Frame) -> None:
        char = self.scanner.peek()
        if char == '"':
            self.scanner.take()
            if self.quotes is Quotes.KEEP:
                frame.parts.append(char)
            self._pop()
        elif char == "$":
            self._variable(frame)
        elif char == self.escape:
            self.scanner.take()
            if frame.keep_escapes:
                frame.parts.append(char)
            frame.parts.append(
                self.scanner.take() if self.scanner.peek() in ('"', "$", char) else char
            )
        else:
            frame.parts.append(self.scanner.take_plain())

    def _quoted(self, frame: _Frame) -> None:
        mark = self.scanner.take()
        kept = mark if self.quotes is Quotes.KEEP else ""
        if mark == '"':
            self._push(_Frame(mark, frame.keep_escapes, frame.parts))
            frame.parts.append(kept)
            return
        text = self.scanner.take_until(mark)
        if text is None:
            raise self._error("unexpected end of statement while looking for matching single-quote")
        self._add(frame, kept + text + kept, whole=True)

    def _add(self, frame: _Frame, text: str, *, whole: bool = False) -> None:
        """Add text to a frame, and to the words if nothing else is open."""
        frame.parts.append(text)
        if frame is self.frames[0]:
            (self.words.add_whole if whole else self.words.add)(text)

    # --- what is open ---------------------------------------------------------

    def _push(self, frame: _Frame) -> None:
        if len(self.frames) == 1:
            self._mark = len(self.frames[0].parts)
        self.frames.append(frame)

    def _pop(self) -> None:
        """Close what was opened last; its text is among its parent's parts."""
        closed = self.frames.pop()
        if len(self.frames) == 1:
            text = "".join(self.frames[0].parts[self._mark :])
            (self.words.add if closed.is_variable else self.words.add_whole)(text)

    # --- variables ------------------------------------------------------------

    def _variable(self, frame: _Frame) -> None:
        self.scanner.take()
        if self.scanner.peek() != "{":
            name = self.scanner.take_name()
            self._add(frame, self._value(name, f"${name}") if name else "$")
            return
        self.scanner.take()
        if not self.scanner.peek():
            raise self._error("syntax error: missing '}'")
        if self.scanner.peek() in "{}:":
            raise self._error("syntax error: bad substitution")
        name = self.scanner.take_name()
        modifier = self.scanner.take()
        if modifier == "}":
            self._add(frame, self._value(name, f"${{{name}}}"))
            return
        if modifier == ":":
            modifier += self.scanner.take()
        self._open_variable(frame, name, modifier)

    def _value(self, name: str, written: str) -> str:
        self.names.add(name)
        return self.env.get(name, written if self.keep_unset else "")

    def _open_variable(self, frame: _Frame, name: str, modifier: str) -> None:
        known = self.grammar.modifiers
        if modifier not in known and not (modifier.startswith(":") and self._reads_word(modifier)):
            raise self._unsupported(modifier)
        self.names.add(name)
        if not self.grammar.word_before_modifier:
            self.words.current = []
        opened = _Frame("}", modifier[-1:] in ("#", "%", "/"), [], name, modifier)
        opened.kept = self.keep_unset and name not in self.env
        self._push(opened)
        if modifier == "/":
            opened.stop = "/"
            if self.scanner.peek() == "/":
                self.scanner.take()
                opened.everywhere = True
        if opened.kept:
            opened.parts = frame.parts
            frame.parts.append(f"${{{name}{modifier}")
        elif modifier[-1:] in ("-", "+"):
            self._choose(frame, opened)

    def _reads_word(self, modifier: str) -> bool:
        """Whether the word behind an unknown `:…` is read before that is told."""
        return modifier[1:] not in self.grammar.modifiers & {"#", "%"}

    def _choose(self, frame: _Frame, opened: _Frame) -> None:
        """Decide between the value and the word before the word is read."""
        value = self.env.get(opened.name)
        absent = value is None or (not value and opened.modifier[0] == ":")
        if absent == (opened.modifier[-1] == "-"):
            opened.parts = frame.parts
        elif value is not None and not absent:
            frame.parts.append(value)

    def _close_variable(self, frame: _Frame) -> None:
        if frame.stop == "/":
            frame.stop = "}"
            if frame.kept:
                frame.parts.append("/")
            else:
                frame.pattern = "".join(frame.parts)
                frame.parts = []
            return
        if frame.kept:
            frame.parts.append("}")
        elif frame.modifier[-1:] not in ("-", "+"):
            self.frames.pop()
            text = self._substituted(frame, "".join(frame.parts))
            self.frames[-1].parts.append(text)
            self.frames.append(frame)
        self._pop()

    def _substituted(self, frame: _Frame, word: str) -> str:
        value = self.env.get(frame.name)
        modifier = frame.modifier
        if modifier in ("?", ":?"):
            if value is None or (not value and modifier == ":?"):
                reason = "unset" if value is None else "empty"
                raise self._error(f"{frame.name}: {word or f'is not allowed to be {reason}'}")
            return value
        try:
            if frame.pattern is not None:
                return replace(value or "", frame.pattern, word, everywhere=frame.everywhere)
            if modifier in self.grammar.modifiers:
                mark = modifier[-1]
                greedy = word.startswith(mark)
                trim = trim_prefix if mark == "#" else trim_suffix
                return trim(value or "", word[1:] if greedy else word, greedy=greedy)
        except PatternError as error:
            raise self._error(str(error)) from None
        raise self._unsupported(modifier)

    # --- errors ---------------------------------------------------------------

    def _unsupported(self, modifier: str) -> ShellWordError:
        written = modifier + _NO_CHARACTER if modifier in ("", ":") else modifier
        return self._error(f"unsupported modifier ({written}) in substitution", modifier=written)

    def _error(self, problem: str, *, modifier: str = "") -> ShellWordError:
        """Return an error; at the end of the text, whatever `${` is still open is what counts."""
        if self.scanner.at_end:
            outermost = next((frame for frame in self.frames if frame.is_variable), None)
            if outermost is not None:
                modifier = ""
                missing = "'/' in ${}" if outermost.stop == "/" else "'}'"
                problem = f"syntax error: missing {missing}"
        message = f"failed to process {quote(self.word)}: {problem}"
        # A variable that is open has not been looked up yet.
        met = self.names - {frame.name for frame in self.frames if frame.is_variable}
        unset = frozenset(met.difference(self.env))
        return ShellWordError(message, self.word, problem, modifier, unset)
