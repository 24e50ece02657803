"""`awk`: mawk's and busybox's, as far as they agree with POSIX.

It is longer because the language's reader and its evaluation are one module each would need all of
the other's classes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ...endings import ProcessExit
from ..options import usage
from .expressions import ExpressionError, compile_expression
from .formatting import Formatter
from .inputs import lines_of

if TYPE_CHECKING:
    from ...process import Process


class _AwkSyntaxError(Exception):
    pass


class _Next(BaseException):
    pass


class _Exit(BaseException):
    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


class _Break(BaseException):
    pass


class _Continue(BaseException):
    pass


class _Return(BaseException):
    def __init__(self, value: object) -> None:
        super().__init__(value)
        self.value = value


class _Numeric(str):
    """A text from outside that looks like a number, and compares as one."""

    __slots__ = ()


Value = str | float
Node = tuple[Any, ...]

_KEYWORDS = frozenset(
    [
        "BEGIN",
        "END",
        "function",
        "func",
        "if",
        "else",
        "while",
        "for",
        "do",
        "break",
        "continue",
        "next",
        "nextfile",
        "exit",
        "return",
        "delete",
        "in",
        "getline",
        "print",
        "printf",
    ]
)
_FUNCTIONS = frozenset(
    [
        "length",
        "substr",
        "index",
        "split",
        "sub",
        "gsub",
        "match",
        "sprintf",
        "sin",
        "cos",
        "atan2",
        "exp",
        "log",
        "sqrt",
        "int",
        "rand",
        "srand",
        "tolower",
        "toupper",
        "system",
        "close",
        "fflush",
        "strftime",
        "systime",
    ]
)
_TOKEN = re.compile(
    r"""(?P<space>(?:[ \t\r]|\\\n|\#[^\n]*)+)|(?P<newline>\n)
    |(?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
    |(?P<string>"(?:[^"\\\n]|\\.|\\\n)*")|(?P<name>[A-Za-z_]\w*)
    |(?P<operator>\*\*=|\+=|-=|\*=|/=|%=|\^=|==|<=|>=|!=|!~|\+\+|--|&&|\|\||>>|\*\*|[{}()\[\];,+\-*/%^!><|?:~$=&])""",
    re.X | re.S,
)
_MOST_FIELDS = 32_767
_NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*")
_LEADING = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def awk(process: Process) -> int:
    """Do a program for each record."""
    words = process.arguments[1:]
    separator: str | None = None
    assigned: list[tuple[str, str]] = []
    sources: list[str] = []
    busybox = process.system.programs.is_busybox
    while words and words[0].startswith("-") and len(words[0]) > 1:
        word = words.pop(0)
        if word == "--":
            break
        letter, value = word[1], word[2:]
        if letter in "Fvf" and not value:
            if not words:
                raise usage(process, f"option requires an argument -- '{letter}'", 2)
            value = words.pop(0)
        if letter == "F":
            separator = value
        elif letter == "v":
            name, _, text = value.partition("=")
            assigned.append((name, text))
        elif letter == "f":
            try:
                sources.append(process.system.files.read_file(process, value).decode("latin-1"))
            except OSError as error:
                raise process.fail(
                    f"can't open '{value}': {error.strerror}"
                    if busybox
                    else f"cannot open {value} ({error.strerror})"
                    if not busybox
                    else "",
                    1 if busybox else 2,
                ) from error
        elif word == "-W" or word.startswith("--"):
            continue
        else:
            if busybox:
                raise usage(process, f"invalid option -- '{letter}'")
            process.complain(f"not an option: {word}")
            raise ProcessExit(2)
    if not sources:
        if not words:
            if busybox:
                raise usage(process)
            process.print_error("Usage: mawk [Options] [Program] [file ...]\n")
            raise ProcessExit(2)
        sources = [words.pop(0)]
    try:
        program = _Reader("\n".join(sources)).program()
    except (_AwkSyntaxError, ExpressionError) as error:
        raise process.fail(
            "cmd. line:1: Unexpected token" if busybox else f"line 1: {error}", 1 if busybox else 2
        ) from error
    return _Machine(process, program, words).run(separator, assigned)


class _Reader:
    """Reads a program."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._position = 0
        self._last: tuple[str, str] = ("newline", "\n")
        self._token = self._scan()
        self._in_parentheses = 0
        self._no_in = 0
        self._no_greater = 0

    # --- tokens ---------------------------------------------------------------------------

    def _scan(self) -> tuple[str, str]:
        while self._position < len(self._source):
            letter = self._source[self._position]
            if letter == "/" and self._wants_expression():
                return self._expression_token()
            match = _TOKEN.match(self._source, self._position)
            if match is None:
                raise _AwkSyntaxError(f"syntax error at or near {letter}")
            self._position = match.end()
            kind = match.lastgroup or ""
            if kind == "space":
                continue
            text = match[0]
            if kind == "name" and text in _KEYWORDS:
                kind = "keyword"
            elif kind == "name" and text in _FUNCTIONS:
                kind = "builtin"
            elif kind == "name" and self._source.startswith("(", self._position):
                kind = "call"
            return kind, text
        return "end", ""

    def _wants_expression(self) -> bool:
        kind, text = self._last
        return not (
            kind in ("number", "string", "name", "builtin") or text in (")", "]", "$", "++", "--")
        )

    def _expression_token(self) -> tuple[str, str]:
        position = self._position + 1
        in_bracket = False
        out: list[str] = []
        while True:
            if position >= len(self._source) or self._source[position] == "\n":
                raise _AwkSyntaxError("unterminated regexp")
            letter = self._source[position]
            if letter == "\\" and position + 1 < len(self._source):
                following = self._source[position + 1]
                out.append("/" if following == "/" else letter + following)
                position += 2
                continue
            if letter == "[" and not in_bracket:
                in_bracket = True
                out.append(letter)
                position += 1
                if self._source[position : position + 1] == "^":
                    out.append("^")
                    position += 1
                if self._source[position : position + 1] == "]":
                    out.append("]")
                    position += 1
                continue
            if letter == "]":
                in_bracket = False
            if letter == "/" and not in_bracket:
                self._position = position + 1
                return "regex", "".join(out)
            out.append(letter)
            position += 1

    def _take(self) -> tuple[str, str]:
        token = self._token
        self._last = token
        self._token = self._scan()
        return token

    def _is(self, *texts: str) -> bool:
        return self._token[1] in texts and self._token[0] in ("operator", "keyword")

    def _expect(self, text: str) -> None:
        if not self._is(text):
            shown = self._token[1].strip() if self._token[0] != "end" else ""
            raise _AwkSyntaxError(f"syntax error at or near {shown or 'end of file'}")
        self._take()

    def _skip_newlines(self) -> None:
        while self._token[0] == "newline":
            self._take()

    def _skip_ends(self) -> None:
        while self._token[0] == "newline" or self._is(";"):
            self._take()

    # --- programs -------------------------------------------------------------------------

    def program(self) -> dict[str, Any]:
        found: dict[str, Any] = {"begin": [], "rules": [], "end": [], "functions": {}}
        self._skip_ends()
        while self._token[0] != "end":
            if self._is("function", "func"):
                self._take()
                name = self._take()[1]
                self._expect("(")
                parameters = []
                while not self._is(")"):
                    parameters.append(self._take()[1])
                    if self._is(","):
                        self._take()
                        self._skip_newlines()
                self._take()
                self._skip_newlines()
                found["functions"][name] = (parameters, self._block())
            elif self._is("BEGIN"):
                self._take()
                found["begin"].append(self._block())
            elif self._is("END"):
                self._take()
                found["end"].append(self._block())
            else:
                pattern: Node | None = None
                second: Node | None = None
                if not self._is("{"):
                    pattern = self._expression()
                    if self._is(","):
                        self._take()
                        self._skip_newlines()
                        second = self._expression()
                body = self._block() if self._is("{") else None
                found["rules"].append([pattern, second, body, False])
            self._skip_ends()
        return found

    def _block(self) -> Node:
        self._skip_newlines()
        self._expect("{")
        statements = []
        self._skip_ends()
        while not self._is("}"):
            if self._token[0] == "end":
                raise _AwkSyntaxError("syntax error at or near end of file")
            statements.append(self._statement())
            self._skip_ends()
        self._take()
        return ("block", statements)

    def _simple_or_block(self) -> Node:
        self._skip_newlines()
        if self._is(";"):
            self._take()
            return ("block", [])
        return self._statement()

    def _end_of_statement(self) -> None:
        if self._is(";") or self._token[0] == "newline":
            self._take()
        elif not self._is("}") and self._token[0] != "end":
            raise _AwkSyntaxError(f"syntax error at or near {self._token[1]}")

    def _statement(self) -> Node:
        if self._is("{"):
            return self._block()
        if self._token[0] == "keyword":
            handler = getattr(self, f"_{self._token[1]}_statement", None)
            if handler is not None:
                return handler()  # type: ignore[no-any-return]
        node = self._simple()
        self._end_of_statement()
        return node

    def _simple(self) -> Node:
        if self._is("print", "printf"):
            return self._print()
        if self._is("delete"):
            self._take()
            name = self._take()[1]
            if self._is("["):
                return ("delete", name, self._subscript())
            return ("delete", name, None)
        return ("expression", self._expression())

    def _if_statement(self) -> Node:
        self._take()
        self._expect("(")
        condition = self._expression()
        self._expect(")")
        body = self._simple_or_block()
        position, token, last = self._position, self._token, self._last
        self._skip_ends()
        if self._is("else"):
            self._take()
            return ("if", condition, body, self._simple_or_block())
        self._position, self._token, self._last = position, token, last
        return ("if", condition, body, None)

    def _while_statement(self) -> Node:
        self._take()
        self._expect("(")
        condition = self._expression()
        self._expect(")")
        return ("while", condition, self._simple_or_block())

    def _do_statement(self) -> Node:
        self._take()
        body = self._simple_or_block()
        self._skip_ends()
        self._expect("while")
        self._expect("(")
        condition = self._expression()
        self._expect(")")
        self._end_of_statement()
        return ("do", condition, body)

    def _for_statement(self) -> Node:
        self._take()
        self._expect("(")
        match = re.compile(r"\s*([A-Za-z_]\w*)\s+in\s+([A-Za-z_]\w*)\s*\)").match(
            self._source, self._position - len(self._token[1])
        )
        if match is not None and self._token[0] == "name":
            self._position = match.end()
            self._last = ("operator", ")")
            self._token = self._scan()
            return ("forin", match[1], match[2], self._simple_or_block())
        first = None if self._is(";") else self._simple()
        self._expect(";")
        self._skip_newlines()
        condition = None if self._is(";") else self._expression()
        self._expect(";")
        self._skip_newlines()
        step = None if self._is(")") else self._simple()
        self._expect(")")
        return ("for", first, condition, step, self._simple_or_block())

    def _plain_statement(self) -> Node:
        name = self._take()[1]
        self._end_of_statement()
        return (name,)

    _break_statement = _continue_statement = _next_statement = _nextfile_statement = (
        _plain_statement
    )

    def _exit_statement(self) -> Node:
        name = self._take()[1]
        value = None
        if not (self._is(";", "}") or self._token[0] in ("newline", "end")):
            value = self._expression()
        self._end_of_statement()
        return (name, value)

    _return_statement = _exit_statement

    def _print(self) -> Node:
        name = self._take()[1]
        arguments: list[Node] = []
        self._no_greater += 1
        if not (self._is(";", "}", ">", ">>", "|") or self._token[0] in ("newline", "end")):
            arguments.append(self._expression())
            if len(arguments) == 1 and arguments[0][0] == "group" and not self._is(","):
                arguments = (
                    list(arguments[0][1]) if isinstance(arguments[0][1], list) else arguments
                )
            while self._is(","):
                self._take()
                self._skip_newlines()
                arguments.append(self._expression())
        self._no_greater -= 1
        operator = None
        target = None
        if self._is(">", ">>", "|"):
            operator = self._take()[1]
            target = self._concatenation()
        return (name, arguments, operator, target)

    # --- expressions ----------------------------------------------------------------------

    def _expression(self) -> Node:
        left = self._ternary()
        if self._is("=", "+=", "-=", "*=", "/=", "%=", "^=", "**=") and left[0] in (
            "name",
            "index",
            "field",
        ):
            operator = self._take()[1]
            self._skip_newlines()
            return ("assign", operator.replace("**", "^"), left, self._expression())
        return left

    def _ternary(self) -> Node:
        condition = self._or()
        if self._is("?"):
            self._take()
            self._skip_newlines()
            first = self._expression()
            self._skip_newlines()
            self._expect(":")
            self._skip_newlines()
            return ("ternary", condition, first, self._expression())
        return condition

    def _or(self) -> Node:
        left = self._and()
        while self._is("||"):
            self._take()
            self._skip_newlines()
            left = ("or", left, self._and())
        return left

    def _and(self) -> Node:
        left = self._in()
        while self._is("&&"):
            self._take()
            self._skip_newlines()
            left = ("and", left, self._in())
        return left

    def _in(self) -> Node:
        left = self._match()
        while self._is("in"):
            self._take()
            left = (
                "in",
                left[1] if left[0] == "group" and isinstance(left[1], list) else [left],
                self._take()[1],
            )
        return left

    def _match(self) -> Node:
        left = self._comparison()
        while self._is("~", "!~"):
            operator = self._take()[1]
            left = ("match", operator, left, self._comparison())
        return left

    def _comparison(self) -> Node:
        left = self._concatenation()
        operators = ("<", "<=", "==", "!=", ">=") + (
            () if self._no_greater and not self._in_parentheses else (">",)
        )
        if self._is(*operators):
            operator = self._take()[1]
            return ("compare", operator, left, self._concatenation())
        return left

    def _starts_operand(self) -> bool:
        kind, text = self._token
        if kind in ("number", "string", "name", "builtin", "call", "regex"):
            return True
        if kind == "keyword":
            return False
        return kind == "operator" and text in ("$", "!", "(", "-", "+", "++", "--")

    def _concatenation(self) -> Node:
        left = self._additive()
        while self._starts_operand() and not self._is("+", "-") and not (self._is("in")):
            left = ("concat", left, self._additive())
        if self._is("|") and not self._no_greater:
            while self._is("|"):
                position, token, last = self._position, self._token, self._last
                self._take()
                if not self._is("getline"):
                    self._position, self._token, self._last = position, token, last
                    break
                self._take()
                left = ("getline", "|", left, self._optional_target())
        return left

    def _additive(self) -> Node:
        left = self._multiplicative()
        while self._is("+", "-"):
            operator = self._take()[1]
            left = ("arithmetic", operator, left, self._multiplicative())
        return left

    def _multiplicative(self) -> Node:
        left = self._unary()
        while self._is("*", "/", "%"):
            operator = self._take()[1]
            left = ("arithmetic", operator, left, self._unary())
        return left

    def _unary(self) -> Node:
        if self._is("!"):
            self._take()
            return ("not", self._unary())
        if self._is("-", "+"):
            operator = self._take()[1]
            return ("sign", operator, self._unary())
        return self._power()

    def _power(self) -> Node:
        base = self._postfix()
        if self._is("^", "**"):
            self._take()
            exponent = self._unary() if self._is("-", "+", "!") else self._power()
            return ("arithmetic", "^", base, exponent)
        return base

    def _postfix(self) -> Node:
        node = self._primary()
        if self._is("++", "--") and node[0] in ("name", "index", "field"):
            return ("postfix", self._take()[1], node)
        return node

    def _subscript(self) -> list[Node]:
        self._expect("[")
        self._in_parentheses += 1
        items = [self._expression()]
        while self._is(","):
            self._take()
            items.append(self._expression())
        self._in_parentheses -= 1
        self._expect("]")
        return items

    def _arguments(self) -> list[Node]:
        self._expect("(")
        self._in_parentheses += 1
        self._skip_newlines()
        found = []
        while not self._is(")"):
            found.append(self._expression())
            self._skip_newlines()
            if self._is(","):
                self._take()
                self._skip_newlines()
        self._in_parentheses -= 1
        self._take()
        return found

    def _optional_target(self) -> Node | None:
        if self._token[0] == "name" or self._is("$"):
            return self._postfix()
        return None

    def _primary(self) -> Node:
        kind, text = self._token
        if kind == "number":
            self._take()
            return ("value", float(int(text, 16)) if text[:2].lower() == "0x" else float(text))
        if kind == "string":
            self._take()
            return ("value", _unescaped(text[1:-1]))
        if kind == "regex":
            self._take()
            compile_expression(text, extended=True)
            return ("regex", text)
        if kind == "builtin":
            self._take()
            if self._is("("):
                return ("builtin", text, self._arguments())
            if text != "length":
                raise _AwkSyntaxError(
                    f"syntax error at or near {self._token[1].strip() or 'end of file'}"
                )
            return ("builtin", text, [])
        if kind == "call":
            self._take()
            return ("call", text, self._arguments())
        if kind == "name":
            self._take()
            if self._is("["):
                return ("index", text, self._subscript())
            return ("name", text)
        if self._is("getline"):
            self._take()
            target = self._optional_target()
            if self._is("<"):
                self._take()
                return ("getline", "<", self._postfix(), target)
            return ("getline", "", None, target)
        if self._is("$"):
            self._take()
            if self._is("++", "--"):
                operator = self._take()[1]
                return ("field", ("prefix", operator, self._primary()))
            return ("field", self._primary() if not self._is("-") else self._unary())
        if self._is("++", "--"):
            operator = self._take()[1]
            return ("prefix", operator, self._primary())
        if self._is("("):
            self._take()
            self._in_parentheses += 1
            self._skip_newlines()
            items = [self._expression()]
            while self._is(","):
                self._take()
                self._skip_newlines()
                items.append(self._expression())
            self._in_parentheses -= 1
            self._skip_newlines()
            self._expect(")")
            return ("group", items) if len(items) > 1 else ("group", items[0])
        if self._is("-", "+", "!"):
            return self._unary()
        shown = "end of line" if kind == "newline" else text.strip() or "end of file"
        raise _AwkSyntaxError(f"syntax error at or near {shown}")


def _unescaped(text: str) -> str:
    names = {
        "n": "\n",
        "t": "\t",
        "r": "\r",
        "\\": "\\",
        '"': '"',
        "/": "/",
        "a": "\a",
        "b": "\b",
        "f": "\f",
        "v": "\v",
    }

    def replace(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 8) & 0xFF)
        if match[2] == "\n":
            return ""
        return names.get(match[2], "\\" + match[2])

    return re.sub(r"\\(?:([0-7]{1,3})|(.))", replace, text, flags=re.S)


class _Machine:
    """Runs a program."""

    def __init__(self, process: Process, program: dict[str, Any], operands: list[str]) -> None:
        self._process = process
        self._busybox = process.system.programs.is_busybox
        self._program = program
        self._operands = operands
        self._names: dict[str, Any] = {
            "FS": " ", "OFS": " ", "ORS": "\n", "RS": "\n", "NR": 0.0, "FNR": 0.0, "SUBSEP": "\x1c",
            "CONVFMT": "%.6g", "OFMT": "%.6g", "RSTART": 0.0, "RLENGTH": -1.0, "FILENAME": "",
            "ENVIRON": {name: _outside(value) for name, value in process.environment.items()},
        }  # fmt: skip
        self._frames: list[dict[str, Any]] = []
        self._record = ""
        self._fields: list[str] = []
        self._split_done = True
        self._outputs: dict[str, list[str]] = {}
        self._modes: dict[str, str] = {}
        self._inputs: dict[str, Iterator[bytes]] = {}
        self._records: Iterator[str] | None = None
        self._failed = 0
        self._in_end = False

    def run(self, separator: str | None, assigned: list[tuple[str, str]]) -> int:
        if separator is not None:
            self._names["FS"] = "\t" if separator == "t" else _unescaped(separator)
        for name, value in assigned:
            self._names[name] = _outside(_unescaped(value))
        self._names["ARGC"] = float(len(self._operands) + 1)
        self._names["ARGV"] = {
            "0": self._process.name,
            **{str(place): _outside(word) for place, word in enumerate(self._operands, 1)},
        }
        code = 0
        try:
            try:
                for block in self._program["begin"]:
                    self._run(block)
                if self._program["rules"] or self._program["end"]:
                    self._main()
            except _Exit as ended:
                code = ended.code or 0
            try:
                self._in_end = True
                for block in self._program["end"]:
                    self._run(block)
            except _Exit as ended:
                code = ended.code if ended.code is not None else code
        except (_Return, _Next, _Break, _Continue) as astray:
            self._flush_all()
            name = type(astray).__name__.strip("_").lower()
            raise self._process.fail(f"{name} used outside of its place", 2) from None
        except ZeroDivisionError as error:
            self._flush_all()
            raise self._process.fail(
                "cmd. line:1: Division by zero" if self._busybox else "division by zero",
                1 if self._busybox else 2,
            ) from error
        self._flush_all()
        return code or self._failed

    def _main(self) -> None:
        for record in self._all_records():
            self._set_record(record)
            try:
                self._rules()
            except _Next:
                continue

    def _rules(self) -> None:
        for rule in self._program["rules"]:
            pattern, second, body, is_active = rule
            if second is not None:
                if not is_active:
                    if not self._true(self._value(pattern)):
                        continue
                    rule[3] = True
                if self._true(self._value(second)):
                    rule[3] = False
            elif pattern is not None and not self._true(self._value(pattern)):
                continue
            if body is None:
                self._output(None, None, self._record + self._text(self._names["ORS"]))
            else:
                self._run(body)

    # --- records ----------------------------------------------------------------------------

    def _all_records(self) -> Iterator[str]:
        if self._records is None:
            self._records = self._read_all()
        yield from self._records

    def _read_all(self) -> Iterator[str]:
        used = False
        place = 1
        while place < int(self._number(self._names["ARGC"])):
            word = self._names["ARGV"].get(str(place), "")
            place += 1
            word = self._text(word)
            if not word:
                continue
            match = re.fullmatch(r"([A-Za-z_]\w*)=(.*)", word, re.S)
            if match is not None:
                self._names[match[1]] = _outside(_unescaped(match[2]))
                continue
            used = True
            self._names["FILENAME"] = word
            self._names["FNR"] = 0.0
            try:
                yield from self._from(word)
            except OSError as error:
                self._flush_all()
                if self._busybox:
                    self._process.complain(f"{word}: {error.strerror}")
                    self._failed = 1
                    continue
                raise self._process.fail(f"cannot open {word} ({error.strerror})", 2) from error
        if not used:
            yield from self._from("-")

    def _from(self, path: str) -> Iterator[str]:
        for record in self._split_records(lines_of(self._process, path)):
            self._names["NR"] = self._number(self._names["NR"]) + 1
            self._names["FNR"] = self._number(self._names["FNR"]) + 1
            yield record

    def _split_records(self, lines: Iterator[bytes]) -> Iterator[str]:
        separator = self._text(self._names["RS"])
        if separator == "\n":
            for line in lines:
                self._process.step()
                yield (
                    line.rstrip(b"\n").decode("latin-1")
                    if line.endswith(b"\n")
                    else line.decode("latin-1")
                )
            return
        text = b"".join(lines).decode("latin-1")
        if separator == "":
            for paragraph in re.split(r"\n\n+", text.strip("\n")):
                if paragraph:
                    yield paragraph
            return
        parts = (
            text.split(separator)
            if len(separator) == 1
            else re.split(self._regex(separator).pattern, text)
        )
        if parts and parts[-1] in ("", "\n"):
            parts.pop()
        yield from parts

    def _set_record(self, record: str) -> None:
        self._record = record
        self._split_done = False

    def _split(self) -> list[str]:
        if not self._split_done:
            self._fields = self._split_text(self._record, self._text(self._names["FS"]))
            self._split_done = True
        return self._fields

    def _split_text(self, text: str, separator: str) -> list[str]:
        if not text:
            return []
        if separator == " ":
            return text.split()
        if separator == "":
            return list(text)
        if len(separator) == 1 and separator not in "\\":
            parts = text.split(separator)
            if self._text(self._names["RS"]) == "":
                parts = [piece for part in parts for piece in part.split("\n")]
            return parts
        pattern = self._regex(separator)
        parts, last = [], 0
        for match in pattern.finditer(text):
            if match.end() == match.start():
                continue
            parts.append(text[last : match.start()])
            last = match.end()
        return [*parts, text[last:]]

    def _get_field(self, number: int) -> str:
        if number < 0:
            raise self._process.fail(f"attempt to access field {number}", 2)
        if number == 0:
            return _outside(self._record)
        fields = self._split()
        return _outside(fields[number - 1]) if number <= len(fields) else _outside("")

    def _set_field(self, number: int, value: str) -> None:
        if number == 0:
            self._set_record(value)
            return
        fields = self._split()
        fields += [""] * (self._count_of_fields(number) - len(fields))
        fields[number - 1] = value
        self._record = self._text(self._names["OFS"]).join(fields)

    def _count_of_fields(self, count: int) -> int:
        if not 0 <= count <= _MOST_FIELDS:
            raise self._process.fail(f"program limit exceeded: {count} fields", 2)
        return count

    # --- values -------------------------------------------------------------------------------

    def _text(self, value: object, conversion: str = "CONVFMT") -> str:
        if isinstance(value, str):
            return str(value)
        if value is None:
            return ""
        if isinstance(value, float):
            if math.isinf(value) or math.isnan(value):
                return ("-" if value < 0 else "") + ("inf" if math.isinf(value) else "nan")
            if value == int(value) and abs(value) < 1e16:
                return str(int(value))
            return _formatted(self._text(self._names[conversion]), value)
        return ""

    @staticmethod
    def _number(value: object) -> float:
        if isinstance(value, float):
            return value
        if isinstance(value, str):
            match = _LEADING.match(value)
            return float(match[0]) if match else 0.0
        return 0.0

    def _true(self, value: object) -> bool:
        if isinstance(value, float):
            return value != 0
        if isinstance(value, _Numeric):
            return float(value) != 0
        return bool(value)

    def _regex(self, source: str) -> re.Pattern[str]:
        try:
            return compile_expression(source, extended=True)
        except ExpressionError as error:
            raise self._process.fail(
                f"regular expression compile failed ({error})\n{source}", 2
            ) from error

    def _pattern(self, node: Node) -> re.Pattern[str]:
        if node[0] == "regex":
            return self._regex(node[1])
        return self._regex(self._text(self._value(node)))

    def _scope(self, name: str) -> dict[str, Any]:
        if self._frames and name in self._frames[-1]:
            return self._frames[-1]
        return self._names

    def _array(self, name: str) -> dict[str, Any]:
        scope = self._scope(name)
        value = scope.get(name)
        if not isinstance(value, dict):
            if value not in (None, ""):
                raise self._process.fail(
                    f"{name} is not an array",
                    2,
                )
            value = scope[name] = {}
        return value

    def _key(self, items: list[Node]) -> str:
        separator = self._text(self._names["SUBSEP"])
        return separator.join(self._text(self._value(item)) for item in items)

    def _assign(self, target: Node, value: object) -> object:
        if target[0] == "group":
            target = target[1]
        if target[0] == "name":
            name = target[1]
            if name == "NF":
                fields = self._split()
                count = self._count_of_fields(int(self._number(value)))
                del fields[count:]
                fields += [""] * (count - len(fields))
                self._record = self._text(self._names["OFS"]).join(fields)
                return value
            self._scope(name)[name] = self._process.hold(value) if isinstance(value, str) else value
        elif target[0] == "index":
            self._array(target[1])[self._key(target[2])] = value
        elif target[0] == "field":
            self._set_field(int(self._number(self._value(target[1]))), self._text(value))
        else:
            raise self._process.fail("assignment to what is no variable", 2)
        return value

    def _value(self, node: Node) -> Any:
        return _EVALUATORS[node[0]](self, node)

    def _name_value(self, node: Node) -> Any:
        name = node[1]
        if name == "NF":
            return float(len(self._split()))
        return self._scope(name).get(name)

    def _index_value(self, node: Node) -> Any:
        array = self._array(node[1])
        key = self._key(node[2])
        if key not in array:
            array[key] = None
        return array[key]

    def _assign_value(self, node: Node) -> Any:
        _, operator, target, expression = node
        value = self._value(expression)
        if operator != "=":
            value = self._arithmetic(
                operator[:-1], self._number(self._value(target)), self._number(value)
            )
        return self._assign(target, value)

    def _arithmetic(self, operator: str, left: float, right: float) -> float:
        try:
            if operator == "+":
                return left + right
            if operator == "-":
                return left - right
            if operator == "*":
                return left * right
            if operator == "/":
                if not right and not self._busybox:
                    return math.nan if not left else math.copysign(math.inf, left)
                return left / right
            if operator == "%":
                if not right and not self._busybox:
                    return math.nan
                return math.fmod(left, right)
            return float(left**right)
        except OverflowError:
            return math.inf

    def _compare_value(self, node: Node) -> float:
        _, operator, left_node, right_node = node
        left, right = self._value(left_node), self._value(right_node)
        numeric = (float, _Numeric, type(None))
        if isinstance(left, numeric) and isinstance(right, numeric):
            a: object = self._number(left)
            b: object = self._number(right)
        else:
            a, b = self._text(left), self._text(right)
        return float({
            "<": a < b, "<=": a <= b, "==": a == b, "!=": a != b, ">=": a >= b, ">": a > b,  # type: ignore[operator]
        }[operator])  # fmt: skip

    def _step(self, node: Node, *, is_prefix: bool) -> float:
        _, operator, target = node
        if target[0] == "group":
            target = target[1]
        old = self._number(self._value(target))
        new = old + (1 if operator == "++" else -1)
        self._assign(target, new)
        return new if is_prefix else old

    def _group_value(self, node: Node) -> Any:
        if isinstance(node[1], list):
            return self._text(self._names["SUBSEP"]).join(
                self._text(self._value(one)) for one in node[1]
            )
        return self._value(node[1])

    def _getline_value(self, node: Node) -> float:
        _, kind, source, target = node
        if kind == "":
            if self._records is None:
                self._records = self._read_all()
            record = next(self._records, None)
            if record is None:
                return 0.0
            if target is None:
                self._set_record(record)
            else:
                self._assign(target, _outside(record))
            return 1.0
        name = self._text(self._value(source))
        if name not in self._inputs:
            try:
                self._inputs[name] = self._opened(name, kind)
            except OSError:
                return -1.0
        try:
            line = next(self._inputs[name], None)
        except OSError:
            return -1.0
        if line is None:
            return 0.0
        text = line.rstrip(b"\n").decode("latin-1")
        if kind == "|":
            self._names["NR"] = self._number(self._names["NR"]) + 1
        if target is None:
            self._set_record(text)
        else:
            self._assign(target, _outside(text))
        return 1.0

    def _opened(self, name: str, kind: str) -> Iterator[bytes]:
        if kind == "<":
            self._process.system.files.node(self._process, name) if name != "-" else None
            return lines_of(self._process, name)
        return iter(self._shell(name, captures=True)[1].splitlines(keepends=True))

    def _shell(
        self, command: str, *, captures: bool = False, data: bytes | None = None
    ) -> tuple[int, bytes]:
        from ...open_files import Bytes
        from ..invoking import invoke

        self._flush_stdout()
        stdin = Bytes(data) if data is not None else None
        words = ["/bin/sh", "-c", command]
        if captures:
            return self._process.capture(lambda child: invoke(child, words, stdin=stdin))
        return invoke(self._process, words, stdin=stdin), b""

    # --- statements -----------------------------------------------------------------------------

    def _run(self, node: Node) -> None:
        self._process.step()
        kind = node[0]
        if kind == "block":
            for statement in node[1]:
                self._run(statement)
        elif kind == "expression":
            self._value(node[1])
        elif kind == "print":
            joined = (
                self._text(self._names["OFS"]).join(
                    self._text(self._value(one), "OFMT") for one in node[1]
                )
                if node[1]
                else self._record
            )
            self._output(node[2], node[3], joined + self._text(self._names["ORS"]))
        elif kind == "printf":
            if not node[1]:
                raise self._process.fail("printf: no format", 2)
            values = [self._value(one) for one in node[1]]
            self._output(node[2], node[3], self._sprintf(values))
        elif kind == "if":
            if self._true(self._value(node[1])):
                self._run(node[2])
            elif node[3] is not None:
                self._run(node[3])
        elif kind in ("while", "do", "for"):
            self._loop(node)
        elif kind == "forin":
            self._for_in(node)
        elif kind == "delete":
            array = self._array(node[1])
            if node[2] is None:
                array.clear()
            else:
                array.pop(self._key(node[2]), None)
        elif kind == "next" or kind == "nextfile":
            raise _Next
        elif kind == "exit":
            raise _Exit(None if node[1] is None else int(self._number(self._value(node[1]))) & 0xFF)
        elif kind == "return":
            raise _Return(None if node[1] is None else self._value(node[1]))
        elif kind == "break":
            raise _Break
        elif kind == "continue":
            raise _Continue

    def _loop(self, node: Node) -> None:
        if node[0] == "for":
            _, first, condition, step, body = node
            if first is not None:
                self._run(first)
        else:
            _, condition, body = node
            step = None
        checks = node[0] != "do"
        while True:
            self._process.step()
            if checks and condition is not None and not self._true(self._value(condition)):
                return
            checks = True
            try:
                self._run(body)
            except _Break:
                return
            except _Continue:
                pass
            if step is not None:
                self._run(step)

    def _for_in(self, node: Node) -> None:
        _, name, array_name, body = node
        for key in list(self._array(array_name)):
            self._assign(("name", name), _outside(key))
            try:
                self._run(body)
            except _Break:
                return
            except _Continue:
                continue

    def _output(self, operator: str | None, target: Node | None, text: str) -> None:
        if operator is None or target is None:
            self._process.print(text)
            return
        name = self._text(self._value(target))
        if name in ("/dev/stdout", "-") and operator != "|":
            self._process.print(text)
        elif name == "/dev/stderr" and operator != "|":
            self._process.print_error(text)
        else:
            if name not in self._outputs:
                self._modes[name] = operator
                if operator == ">":
                    try:
                        self._process.system.files.write_file(self._process, name, b"")
                    except OSError as error:
                        raise self._process.fail(
                            f"can't redirect to {name} ({error.strerror})"
                            if not self._busybox
                            else f"{name}: {error.strerror}",
                            2,
                        ) from error
            self._outputs.setdefault(name, []).append(text)

    def _flush_stdout(self) -> None:
        self._process.flush()

    def _flush_function(self, arguments: list[Node]) -> float:  # noqa: ARG002
        self._flush_stdout()
        return 0.0

    def _close(self, name: str) -> int:
        self._inputs.pop(name, None)
        texts = self._outputs.pop(name, None)
        if texts is None:
            return -1
        data = "".join(texts).encode("latin-1")
        if self._modes[name] == "|":
            self._flush_stdout()
            return self._shell(name, data=data)[0]
        opened = self._process.system.files.open(
            self._process, name, reads=False, writes=True, creates=True, appends=True
        ).retain()
        try:
            opened.write(self._process, data)
        finally:
            opened.release()
        return 0

    def _flush_all(self) -> None:
        self._process.flush()
        for name in list(self._outputs):
            self._close(name)

    # --- functions --------------------------------------------------------------------------------

    def _sprintf(self, values: list[Any]) -> str:
        texts: list[str] = []
        pattern = self._text(values[0])
        kinds = re.findall(r"%[-+ #0]*(?:\*|\d+)?(?:\.(?:\*|\d+)?)?[hlL]*([a-zA-Z%])", pattern)
        rest = list(values[1:])
        out = []
        position = 0
        for match in re.finditer(r"%([-+ #0]*)(\*|\d+)?(\.(?:\*|\d+)?)?[hlL]*([a-zA-Z%])", pattern):
            out.append(pattern[position : match.start()])
            position = match.end()
            flags, width, precision, letter = match[1], match[2] or "", match[3] or "", match[4]
            if letter == "%":
                out.append("%")
                continue
            if width == "*":
                width = str(int(self._number(rest.pop(0) if rest else None)))
            if precision == ".*":
                precision = "." + str(int(self._number(rest.pop(0) if rest else None)))
            if not rest:
                if not self._busybox:
                    shown = pattern.replace("\n", "\\n")
                    raise self._process.fail(
                        f'run time error: not enough arguments passed to printf("{shown}")\n'
                        f'\tFILENAME="{self._text(self._names["FILENAME"])}" '
                        f"FNR={self._text(self._names['FNR'])} NR={self._text(self._names['NR'])}",
                        2,
                    )
                value: Any = ""
            else:
                value = rest.pop(0)
            directive = f"%{flags}{width}{precision}"
            if letter in "di":
                number = self._number(value)
                out.append(
                    _one(directive + "d", str(int(number)) if math.isfinite(number) else "0")
                )
            elif letter in "ouxX":
                out.append(_one(directive + letter, str(int(self._number(value)))))
            elif letter in "eEfFgG":
                out.append(_formatted(directive + letter, self._number(value)))
            elif letter == "c":
                if isinstance(value, (float, _Numeric)):
                    text = chr(int(self._number(value)) & 0xFF)
                else:
                    text = self._text(value)[:1]
                out.append(_one(f"%{flags}{width}s", text))
            elif letter == "s":
                out.append(_one(directive + "s", self._text(value)))
            else:
                out.append(match[0])
        out.append(pattern[position:])
        del texts, kinds
        return "".join(out)

    def _call_value(self, node: Node) -> Any:
        _, name, arguments = node
        function = self._program["functions"].get(name)
        if function is None:
            raise self._process.fail(f"function {name} never defined", 2)
        parameters, body = function
        frame: dict[str, Any] = {}
        for place, parameter in enumerate(parameters):
            if place < len(arguments):
                argument = arguments[place]
                if argument[0] == "name":
                    scope = self._scope(argument[1])
                    value = scope.get(argument[1])
                    if value is None and argument[1] not in ("NF",):
                        frame[parameter] = _Later(scope, argument[1])
                        continue
                    frame[parameter] = (
                        self._value(argument) if not isinstance(value, dict) else value
                    )
                else:
                    frame[parameter] = self._value(argument)
            else:
                frame[parameter] = None
        for parameter, value in list(frame.items()):
            if isinstance(value, _Later):
                # An unset variable may become an array inside: it gets one only if it is used so.
                frame[parameter] = None
                if _uses_as_array(body, parameter, self._program["functions"]):
                    value.scope[value.name] = frame[parameter] = {}
        if len(self._frames) > 200:
            raise self._process.fail("function call nesting too deep", 2)
        self._frames.append(frame)
        try:
            self._run(body)
        except _Return as ended:
            return ended.value
        finally:
            self._frames.pop()
        return None

    def _builtin_value(self, node: Node) -> Any:
        _, name, arguments = node
        handler = _FUNCTION_TABLE[name]
        return handler(self, arguments)

    def _need(self, arguments: list[Node], least: int, name: str) -> None:
        if len(arguments) < least:
            self._flush_all()
            raise self._process.fail(
                f"wrong number of arguments in call to {name}", 2 if not self._busybox else 1
            )

    def _length(self, arguments: list[Node]) -> float:
        if not arguments:
            return float(len(self._record))
        if arguments[0][0] == "name" and isinstance(
            self._scope(arguments[0][1]).get(arguments[0][1]), dict
        ):
            return float(len(self._array(arguments[0][1])))
        return float(len(self._text(self._value(arguments[0]))))

    def _index_function(self, arguments: list[Node]) -> float:
        self._need(arguments, 2, "index")
        text, part = (self._text(self._value(one)) for one in arguments[:2])
        return 0.0 if not part and self._busybox else float(text.find(part) + 1)

    def _substr(self, arguments: list[Node]) -> str:
        self._need(arguments, 2, "substr")
        text = self._text(self._value(arguments[0]))
        start = self._number(self._value(arguments[1]))
        length = self._number(self._value(arguments[2])) if len(arguments) > 2 else math.inf
        if math.isnan(start) or math.isnan(length):
            return ""
        # Neither counts what lies before the text off the length, as POSIX would have it.
        first = _rounded(start)
        if not self._busybox and first < 0:
            length -= first
        first = max(first, 1)
        last = math.inf if math.isinf(length) else _rounded(first + length)
        last = min(last, len(text) + 1)
        return text[int(first) - 1 : int(last) - 1] if last > first else ""

    def _split_function(self, arguments: list[Node]) -> float:
        self._need(arguments, 2, "split")
        text = self._text(self._value(arguments[0]))
        if len(arguments) > 2:
            separator = (
                arguments[2][1]
                if arguments[2][0] == "regex"
                else self._text(self._value(arguments[2]))
            )
            if arguments[2][0] == "regex" and len(separator) == 1:
                separator = f"[{separator}]" if separator != "^" else r"\^"
        else:
            separator = self._text(self._names["FS"])
        array = self._array(arguments[1][1])
        array.clear()
        parts = self._split_text(text, separator)
        for place, part in enumerate(parts, 1):
            array[str(place)] = _outside(part)
        return float(len(parts))

    def _substitute(self, arguments: list[Node], *, everywhere: bool) -> float:
        self._need(arguments, 2, "gsub" if everywhere else "sub")
        pattern = self._pattern(arguments[0])
        replacement = self._text(self._value(arguments[1]))
        target: Node = arguments[2] if len(arguments) > 2 else ("field", ("value", 0.0))
        text = self._text(self._value(target))
        count = 0
        out: list[str] = []
        position = last = 0
        previous = -1
        while position <= len(text):
            match = pattern.search(text, position)
            if match is None:
                break
            if match.start() == match.end() == previous:
                position += 1
                continue
            out.append(text[last : match.start()])
            out.append(_substituted(replacement, match[0]))
            count += 1
            last = previous = match.end()
            position = match.end() if match.end() > match.start() else match.end() + 1
            if not everywhere:
                break
        if count:
            out.append(text[last:])
            self._assign(target, "".join(out))
        return float(count)

    def _match_function(self, arguments: list[Node]) -> float:
        self._need(arguments, 2, "match")
        match = self._pattern(arguments[1]).search(self._text(self._value(arguments[0])))
        self._names["RSTART"] = float(match.start() + 1) if match else 0.0
        self._names["RLENGTH"] = float(match.end() - match.start()) if match else -1.0
        return self._names["RSTART"]  # type: ignore[no-any-return]

    def _srand(self, arguments: list[Node]) -> float:
        self._process.system.random.seed(
            self._number(self._value(arguments[0])) if arguments else self._process.system.now()
        )
        return 0.0

    def _system(self, arguments: list[Node]) -> float:
        self._flush_all()
        return float(self._shell(self._text(self._value(arguments[0])))[0])

    def _strftime(self, arguments: list[Node]) -> str:
        from ..machine.dates import format_date

        pattern = self._text(self._value(arguments[0])) if arguments else "%a %b %d %H:%M:%S %Z %Y"
        moment = (
            self._number(self._value(arguments[1]))
            if len(arguments) > 1
            else self._process.system.now()
        )
        return format_date(pattern, moment)


class _Later:
    """A variable that nothing was assigned to, given to a function."""

    def __init__(self, scope: dict[str, Any], name: str) -> None:
        self.scope = scope
        self.name = name


def _uses_as_array(node: object, name: str, functions: dict[str, Any], depth: int = 0) -> bool:
    if isinstance(node, tuple):
        if node and node[0] in ("index", "delete") and node[1] == name:
            return True
        if node and node[0] in ("in", "forin") and node[2] == name:
            return True
        if (
            node
            and node[0] == "builtin"
            and node[1] == "split"
            and len(node[2]) > 1
            and node[2][1] == ("name", name)
        ):
            return True
        if node and node[0] == "call" and depth < 5 and node[1] in functions:
            parameters, body = functions[node[1]]
            for parameter, argument in zip(parameters, node[2], strict=False):
                if argument == ("name", name) and _uses_as_array(
                    body, parameter, functions, depth + 1
                ):
                    return True
    if isinstance(node, (tuple, list)):
        return any(_uses_as_array(one, name, functions, depth) for one in node)
    return False


def _rounded(value: float) -> float:
    return value if math.isinf(value) else math.floor(value + 0.5)


def _outside(text: str) -> str:
    return _Numeric(text) if _NUMBER.fullmatch(text) else text


def _formatted(pattern: str, value: float) -> str:
    if math.isinf(value) or math.isnan(value):
        return ("-" if value < 0 else "") + ("inf" if math.isinf(value) else "nan")
    if re.search(r"[di]$", pattern):
        return pattern % int(value)
    return pattern % value


def _one(pattern: str, text: str) -> str:
    return (
        Formatter("gnu", lambda _message: None).format(pattern.replace("\\", "\\\\"), [text])
        if "%" in pattern
        else pattern
    )


def _substituted(replacement: str, matched: str) -> str:
    return re.sub(
        r"\\\\|\\&|&|\\",
        lambda match: {"\\\\": "\\", "\\&": "&", "&": matched}.get(match[0], match[0]),
        replacement,
    )


def _match_value(machine: _Machine, node: Node) -> float:
    found = machine._pattern(node[3]).search(machine._text(machine._value(node[2]))) is not None
    return float(found == (node[1] == "~"))


_EVALUATORS: dict[str, Callable[[_Machine, Node], Any]] = {
    "value": lambda _machine, node: node[1],
    "regex": lambda machine, node: float(
        machine._regex(node[1]).search(machine._record) is not None
    ),
    "name": _Machine._name_value,
    "index": _Machine._index_value,
    "field": lambda machine, node: machine._get_field(
        int(machine._number(machine._value(node[1])))
    ),
    "assign": _Machine._assign_value,
    "ternary": lambda machine, node: machine._value(
        node[2] if machine._true(machine._value(node[1])) else node[3]
    ),
    "or": lambda machine, node: float(
        machine._true(machine._value(node[1])) or machine._true(machine._value(node[2]))
    ),
    "and": lambda machine, node: float(
        machine._true(machine._value(node[1])) and machine._true(machine._value(node[2]))
    ),
    "in": lambda machine, node: float(machine._key(node[1]) in machine._array(node[2])),
    "match": _match_value,
    "compare": _Machine._compare_value,
    "concat": lambda machine, node: machine._process.hold(
        machine._text(machine._value(node[1])) + machine._text(machine._value(node[2]))
    ),
    "arithmetic": lambda machine, node: machine._arithmetic(
        node[1], machine._number(machine._value(node[2])), machine._number(machine._value(node[3]))
    ),
    "not": lambda machine, node: float(not machine._true(machine._value(node[1]))),
    "sign": lambda machine, node: (
        machine._number(machine._value(node[2])) * (-1 if node[1] == "-" else 1)
    ),
    "prefix": lambda machine, node: machine._step(node, is_prefix=True),
    "postfix": lambda machine, node: machine._step(node, is_prefix=False),
    "group": _Machine._group_value,
    "getline": _Machine._getline_value,
    "call": _Machine._call_value,
    "builtin": _Machine._builtin_value,
}


def _math(function: Callable[[float], float]) -> Callable[[_Machine, list[Node]], float]:
    def work(machine: _Machine, arguments: list[Node]) -> float:
        try:
            return function(machine._number(machine._value(arguments[0])))
        except ValueError:
            return math.nan
        except OverflowError:
            return math.inf

    return work


def _close(machine: _Machine, arguments: list[Node]) -> float:
    return float(machine._close(machine._text(machine._value(arguments[0]))))


_FUNCTION_TABLE: dict[str, Callable[[_Machine, list[Node]], Any]] = {
    "length": _Machine._length,
    "substr": _Machine._substr,
    "index": _Machine._index_function,
    "split": _Machine._split_function,
    "sub": lambda machine, arguments: machine._substitute(arguments, everywhere=False),
    "gsub": lambda machine, arguments: machine._substitute(arguments, everywhere=True),
    "match": _Machine._match_function,
    "sprintf": lambda machine, arguments: machine._sprintf(
        [machine._value(one) for one in arguments]
    ),
    "sin": _math(math.sin),
    "cos": _math(math.cos),
    "exp": _math(math.exp),
    "log": _math(
        lambda value: math.log(value) if value > 0 else (-math.inf if value == 0 else math.nan)
    ),
    "sqrt": _math(math.sqrt),
    "int": _math(lambda value: float(int(value))),
    "atan2": lambda machine, arguments: math.atan2(
        machine._number(machine._value(arguments[0])), machine._number(machine._value(arguments[1]))
    ),
    "rand": lambda machine, _arguments: machine._process.system.random.random(),
    "srand": _Machine._srand,
    "tolower": lambda machine, arguments: _case(
        machine._text(machine._value(arguments[0])), upper=False
    ),
    "toupper": lambda machine, arguments: _case(
        machine._text(machine._value(arguments[0])), upper=True
    ),
    "system": _Machine._system,
    "close": _close,
    "fflush": _Machine._flush_function,
    "strftime": _Machine._strftime,
    "systime": lambda machine, _arguments: float(int(machine._process.system.now())),
}


def _case(text: str, *, upper: bool) -> str:
    """Change the case of ASCII letters alone, as in the POSIX locale."""
    return "".join(
        (one.upper() if upper else one.lower()) if one.isascii() else one for one in text
    )
