"""The formats of `printf`, as each shell and program has them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timezone

from ...endings import BoundReachedError
from ...shell.escapes import argument_text, format_text

_DIRECTIVE = re.compile(r"%([-+ #0']*)(\*|\d+)?(?:\.(\*|-?\d+)?)?(hh|h|ll|l|L|j|z|t)?(.)?", re.S)
_WIDEST = 1_000_000
_SIGN = re.compile(r"\A[-+ ]?(?:0[xX])?")
_HAS_PRECISION = re.compile(r"%[-+ #0']*(?:\*|\d+)?\.")


class Formatter:
    """Formats texts as one `printf` does.

    Args:
        dialect: `dash`, `busybox`, `bash` or `gnu`.
        complain: told what is wrong.
        now: the time, for `%(…)T`.
    """

    def __init__(
        self, dialect: str, complain: Callable[[str], None], now: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._dialect = dialect
        self._complain = complain
        self._now = now
        self.status = 0
        self._arguments: list[str] = []
        self._is_short = False

    def format(self, pattern: str, arguments: Sequence[str]) -> str:
        """Return the text; `status` says whether all was well."""
        self._arguments = list(arguments)
        pieces: list[str] = []
        while True:
            before = len(self._arguments)
            text, stops = self._once(pattern)
            pieces.append(text)
            if stops or not self._arguments or len(self._arguments) == before:
                return "".join(pieces)

    def _next(self) -> str | None:
        return self._arguments.pop(0) if self._arguments else None

    def _once(self, pattern: str) -> tuple[str, bool]:
        pieces: list[str] = []
        position = 0
        while position < len(pattern):
            stop = pattern.find("%", position)
            stop = len(pattern) if stop < 0 else stop
            literal, stopped = format_text(pattern[position:stop], has_hex=self._dialect != "dash")
            pieces.append(literal)
            if stopped:
                return "".join(pieces), True
            if stop == len(pattern):
                break
            if pattern.startswith("%%", stop):
                pieces.append("%")
                position = stop + 2
                continue
            if self._dialect == "bash" and (
                moment := re.compile(r"%(-?\d*)\((.*?)\)T").match(pattern, stop)
            ):
                pieces.append(self._time(moment[2]))
                position = moment.end()
                continue
            match = _DIRECTIVE.match(pattern, stop)
            assert match is not None
            position = match.end()
            text, stopped = self._directive(match)
            pieces.append(text)
            if stopped:
                return "".join(pieces), True
        return "".join(pieces), False

    def _time(self, pattern: str) -> str:
        argument = self._next()
        seconds = self._now() if argument in (None, "", "-1", "-2") else float(argument or 0)
        return datetime.fromtimestamp(seconds, timezone.utc).strftime(pattern or "%H:%M:%S")

    def _size(self, text: str | None) -> int | None:
        if text is None or text == "":
            return None
        if text == "*":
            argument = self._next()
            return self._integer(argument or "0")
        return int(text)

    def _directive(self, match: re.Match[str]) -> tuple[str, bool]:
        flags, kind = match[1] or "", match[5] or ""
        width = self._size(match[2])
        has_precision = _HAS_PRECISION.match(match[0]) is not None
        precision = self._size(match[3]) if has_precision else None
        if has_precision and precision is None:
            precision = 0
        if max(abs(width or 0), abs(precision or 0)) > _WIDEST:
            raise BoundReachedError(f"a field of {_WIDEST} letters")
        if width is not None and width < 0:
            flags, width = flags + "-", -width
        if kind in "di" and kind:
            return self._pad(
                self._signed(flags, precision), flags, width, numeric=precision is None
            ), False
        if kind in "ouxX" and kind:
            return self._pad(
                self._unsigned(kind, flags, precision), flags, width, numeric=precision is None
            ), False
        if kind in "eEfFgGaA" and kind:
            return self._pad(self._float(kind, flags, precision), flags, width, numeric=True), False
        if kind == "c":
            argument = self._next() or ""
            return self._pad(argument[:1], flags, width), False
        if kind == "s":
            text = self._next() or ""
            return self._pad(text if precision is None else text[:precision], flags, width), False
        if kind == "b":
            text, stopped = argument_text(self._next() or "", has_hex=self._dialect != "dash")
            return self._pad(text if precision is None else text[:precision], flags, width), stopped
        if kind == "q" and self._dialect in ("bash", "gnu"):
            return self._pad(_shell_quoted(self._next() or ""), flags, width), False
        self._wrong(match[0], kind)
        return "", True

    def _wrong(self, directive: str, kind: str) -> None:
        self.status = 1
        if self._dialect == "bash":
            shown = f"`{kind}'" if kind else "`%'"
            self._complain(
                f"{shown}: invalid format character"
                if kind
                else f"{shown}: missing format character"
            )
        elif self._dialect == "dash":
            self.status = 2
            self._complain(f"{directive}: invalid directive")
        elif self._dialect == "busybox":
            self._complain(f"{directive}: invalid format")
        else:
            self._complain(f"{directive}: invalid conversion specification")

    def _pad(self, text: str, flags: str, width: int | None, *, numeric: bool = False) -> str:
        if width is None or len(text) >= width:
            return text
        if "-" in flags:
            return text.ljust(width)
        if "0" in flags and numeric:
            return _SIGN.sub(lambda sign: sign[0] + "0" * (width - len(text)), text, count=1)
        return text.rjust(width)

    def _integer(self, text: str) -> int:
        if text[:1] in ("'", '"'):
            return ord(text[1]) if len(text) > 1 else 0
        match = re.match(r"\s*([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)?", text)
        assert match is not None
        digits = match[2]
        value = 0
        if digits:
            base = (
                16
                if digits[:2].lower() == "0x"
                else 8
                if digits[0] == "0" and len(digits) > 1
                else 10
            )
            value = int(digits, base)
        rest = text[match.end() :]
        if rest or not digits:
            if text or self._dialect == "gnu":
                self._bad_number(text, bool(digits))
            if self._dialect == "busybox":
                value = 0
        value = -value if match[1] == "-" else value
        if value >= 1 << 63 or value < -(1 << 63):
            self.status = 1
            self._complain(
                f"warning: {text}: Numerical result out of range"
                if self._dialect == "bash"
                else f"{text}: Numerical result out of range"
            )
            value = (1 << 63) - 1 if value > 0 else -(1 << 63)
        return value

    def _bad_number(self, text: str, has_digits: bool) -> None:
        self.status = 1
        if self._dialect == "bash":
            self._complain(f"{text}: invalid number")
        elif self._dialect == "dash":
            self._complain(
                f"{text}: not completely converted"
                if has_digits
                else f"{text}: expected numeric value"
            )
        elif self._dialect == "busybox":
            self._complain(f"invalid number '{text}'")
        else:
            self._complain(
                f"'{text}': value not completely converted"
                if has_digits
                else f"'{text}': expected a numeric value"
            )

    def _number_argument(self) -> int:
        argument = self._next()
        return 0 if argument is None else self._integer(argument)

    def _signed(self, flags: str, precision: int | None) -> str:
        value = self._number_argument()
        digits = str(abs(value))
        if precision is not None:
            digits = digits.zfill(precision) if value or precision else ""
        sign = "-" if value < 0 else "+" if "+" in flags else " " if " " in flags else ""
        return sign + digits

    def _unsigned(self, kind: str, flags: str, precision: int | None) -> str:
        value = self._number_argument() & ((1 << 64) - 1)
        digits = {"o": f"{value:o}", "u": str(value), "x": f"{value:x}", "X": f"{value:X}"}[kind]
        if precision is not None:
            digits = digits.zfill(precision)
        if "#" in flags and value:
            digits = {"o": "0", "x": "0x", "X": "0X"}.get(kind, "") + digits
        return digits

    def _float(self, kind: str, flags: str, precision: int | None) -> str:
        text = self._next()
        value = 0.0
        if text:
            match = re.match(
                r"\s*[-+]?(\d+\.?\d*([eE][-+]?\d+)?|\.\d+([eE][-+]?\d+)?|inf|nan)", text, re.I
            )
            if match is not None:
                value = float(match[0])
                if match.end() != len(text):
                    self._bad_number(text, has_digits=True)
            elif text[0] in "'\"":
                value = float(self._integer(text))
            else:
                self._bad_number(text, has_digits=False)
        sign = "+" if "+" in flags else " " if " " in flags else ""
        shown = "g" if kind in "aA" else kind
        alternative = "#" if "#" in flags else ""
        digits = 6 if precision is None else precision
        return f"{value:{sign}{alternative}.{digits}{shown}}"


def _shell_quoted(text: str) -> str:
    if not text:
        return "''"
    if re.search(r"[\x00-\x1f\x7f-\xff]", text):
        from ...shell.quoting import quoted

        return quoted(text)
    return re.sub(r"([^A-Za-z0-9_%+,./:=@^-])", r"\\\1", text)
