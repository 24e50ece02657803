"""`seq`, `yes` and `factor`."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from ..options import usage

if TYPE_CHECKING:
    from ...process import Process


def seq(process: Process) -> int:
    """Count."""
    busybox = process.system.programs.is_busybox
    separator, width, pattern = "\n", False, None
    words = process.arguments[1:]
    while (
        words
        and words[0].startswith("-")
        and not re.match(r"-[\d.]", words[0])
        and len(words[0]) > 1
    ):
        word = words.pop(0)
        if word in ("-w", "--equal-width"):
            width = True
        elif word.startswith("-s"):
            separator = word[2:] or (words.pop(0) if words else "")
        elif word.startswith("--separator="):
            separator = word.partition("=")[2]
        elif word.startswith("-f") and not busybox:
            pattern = word[2:] or (words.pop(0) if words else "")
        elif word == "--":
            break
        else:
            raise usage(process, f"invalid option -- '{word[1]}'")
    if not words:
        raise usage(process, "" if busybox else "missing operand")
    if len(words) > 3:
        raise usage(process, f"extra operand '{words[3]}'")
    try:
        numbers = [Decimal(word) for word in words]
    except InvalidOperation as error:
        wrong = next(
            word
            for word in words
            if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", word, re.I)
        )
        if busybox:
            raise process.fail(f"invalid number '{wrong}'") from error
        raise usage(process, f"invalid floating point argument: '{wrong}'") from error
    first, step, last = {
        1: (Decimal(1), Decimal(1), numbers[-1]),
        2: (numbers[0], Decimal(1), numbers[-1]),
    }.get(len(numbers), (numbers[0], numbers[1 % len(numbers)], numbers[-1]))
    if not step:
        raise usage(process, f"invalid Zero increment value: '{words[1]}'")
    places = max(
        max(0, -int(number.as_tuple().exponent))
        for number in ((first, step) if len(numbers) > 1 else (first,))
    )
    shown_width = max(len(f"{value:.{places}f}") for value in (first, last)) if width else 0
    value, is_first = first, True
    while (value <= last) if step > 0 else (value >= last):
        process.step()
        text = f"{value:.{places}f}"
        if pattern is not None:
            from .formatting import Formatter

            text = Formatter("gnu", process.complain).format(pattern, [text])
        if width:
            text = (
                ("-" + text[1:].rjust(shown_width - 1, "0"))
                if text.startswith("-")
                else text.rjust(shown_width, "0")
            )
        process.print(("" if is_first else separator) + text)
        is_first = False
        value += step
    if not is_first:
        process.print("\n")
    return 0


def yes(process: Process) -> int:
    """Print a line until nobody reads."""
    line = (" ".join(process.arguments[1:]) or "y") + "\n"
    while True:
        process.print(line * 64)
        process.flush()


def factor(process: Process) -> int:
    """Print prime factors."""
    for word in process.arguments[1:] or process.read_all().decode("latin-1").split():
        if not word.isdigit():
            process.complain(f"'{word}' is not a valid positive integer")
            return 1
        number, factors, divisor = int(word), [], 2
        while divisor * divisor <= number:
            process.step()
            while not number % divisor:
                factors.append(divisor)
                number //= divisor
            divisor += 1
        if number > 1:
            factors.append(number)
        process.print(f"{int(word)}: {' '.join(map(str, factors))}".rstrip() + "\n")
    return 0
