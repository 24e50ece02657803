"""Steering a served double from outside Python: JSON below `/_double/`.

| request | what it does |
|---|---|
| `GET /_double/` | tells which double it is, and its own defects |
| `POST /_double/seed` | puts an image in |
| `POST /_double/rules` | gives it rules |
| `POST`, `GET`, `DELETE /_double/faults` | plans one, lists all with their hits, takes all back |
| `GET`, `DELETE /_double/records` | tells what was done, forgets it |
| `POST /_double/reset` | lets it be as it was when it was made |

These are no requests to what is doubled: no fault, rule or login is for them, and no record tells
of them.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from inspect import Parameter, signature
from typing import Any, Protocol

from ..faults import Fault
from .crashes import Crashes
from .messages import Request, Response
from .reasons import REASONS

PREFIX = "/_double"

Document = Mapping[str, Any]


class Steered(Protocol):
    """What a double lets be done to it from outside."""

    crashes: Crashes

    def about(self) -> Document:
        """Return which double it is."""
        ...

    def seed(self, document: Document) -> Document:
        """Put an image in, and return what it is called by."""
        ...

    def add_rules(self, document: Document) -> None:
        """Give it rules."""
        ...

    def plan(self, document: Document) -> None:
        """Plan a fault."""
        ...

    def faults(self) -> Iterable[Fault]:
        """Return the faults that are planned."""
        ...

    def clear_faults(self) -> None:
        """Take all faults back."""
        ...

    def records(self) -> Document:
        """Return what was done."""
        ...

    def forget_records(self) -> None:
        """Forget what was done."""
        ...

    def reset(self) -> None:
        """Let it be as it was when it was made."""
        ...


_FUNCTIONS = ("does", "answers")
"""Arguments that are functions, which no document can hold."""


def controlled(
    handle: Callable[[Request], Response], double: Steered
) -> Callable[[Request], Response]:
    """Return what answers requests below `/_double/` itself and hands on all others.

    Args:
        handle: answers all others.
        double: what is steered.
    """
    answers = _answers(double)

    def answer(request: Request) -> Response:
        if request.path != PREFIX and not request.path.startswith(f"{PREFIX}/"):
            return handle(request)
        body = request.content
        try:
            return _answer(answers, request, body)
        except Exception as error:
            told = double.crashes.keep(f"{request.method} {request.path}", error)
            return _refusal(500, str(told))

    return answer


_Answers = Mapping[str, Mapping[str, Callable[[Document], object]]]


def _answers(double: Steered) -> _Answers:
    """Return what is done by path and method."""
    return {
        "": {"GET": lambda _: {**double.about(), "crashes": double.crashes.told}},
        "seed": {"POST": double.seed},
        "rules": {"POST": double.add_rules},
        "faults": {
            "POST": double.plan,
            "GET": lambda _: {"faults": [_shown_fault(fault) for fault in double.faults()]},
            "DELETE": lambda _: double.clear_faults(),
        },
        "records": {
            "GET": lambda _: double.records(),
            "DELETE": lambda _: double.forget_records(),
        },
        "reset": {"POST": lambda _: double.reset()},
    }


def _answer(answers: _Answers, request: Request, body: bytes) -> Response:
    name = request.path.removeprefix(PREFIX).strip("/")
    if name not in answers:
        known = ", ".join(f"{PREFIX}/{each}" for each in answers)
        return _refusal(404, f"nothing is steered by {request.path}; known: {known}")
    methods = answers[name]
    if request.method not in methods:
        allowed = ", ".join(methods)
        refusal = _refusal(405, f"{PREFIX}/{name} takes {allowed}, not {request.method}")
        refusal.headers.add("Allow", allowed)
        return refusal
    try:
        done = methods[request.method](_read(body))
    except ValueError as error:
        return _refusal(400, str(error))
    return Response(204) if done is None else Response.json(200, _plain(done))


def _refusal(status: int, message: str) -> Response:
    message = message or REASONS[status]
    return Response.json(status, {"message": message})


def _read(body: bytes) -> Document:
    """Read what was sent.

    Raises:
        ValueError: it is no JSON object.
    """
    if not body.strip():
        return {}
    try:
        document = json.loads(body)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"no JSON: {error}") from error
    if not isinstance(document, dict):
        raise ValueError("a JSON object is expected, as in {}")
    read: Document = _with_bytes(document)
    return read


def _with_bytes(value: Any) -> Any:
    """Return a JSON value in which `{"base64": "…"}` stands for bytes."""
    if isinstance(value, list):
        return [_with_bytes(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"base64"}:
        try:
            return base64.b64decode(value["base64"], validate=True)
        except (TypeError, binascii.Error) as error:
            raise ValueError(f"no base64: {error}") from error
    return {name: _with_bytes(each) for name, each in value.items()}


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        named = {each.name: getattr(value, each.name) for each in fields(value)}
        return {name: _plain(each) for name, each in named.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes | bytearray | memoryview):
        return {"base64": base64.b64encode(value).decode("ascii")}
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    return value


def _shown_fault(fault: Fault) -> Document:
    shown = ("kind", "endpoint", "method", "path", "call", "times", "skip", "hits")
    return {name: getattr(fault, name) for name in shown if hasattr(fault, name)}


def call(method: Callable[..., object], arguments: object, place: str) -> object:
    """Call a method with arguments that a document names.

    Args:
        method: the method.
        arguments: its arguments by name.
        place: where they stand in the document, for errors.

    Returns:
        What the method returns.

    Raises:
        ValueError: they are no arguments of it, or it refuses them.
    """
    if not isinstance(arguments, Mapping):
        raise ValueError(f"{place} is an object with arguments, not {arguments!r}")
    parameters = signature(method).parameters
    known = {name: parameters[name] for name in parameters if name not in _FUNCTIONS}
    is_open = any(each.kind is Parameter.VAR_KEYWORD for each in known.values())
    if not is_open and (unknown := arguments.keys() - known.keys()):
        raise ValueError(f"{place} has no {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    try:
        return method(**arguments)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{place}: {error}") from error


def add_rules(double: object, document: Document, kinds: Iterable[str]) -> None:
    """Give a double the rules of a document, in its order; the newest wins.

    Args:
        double: has a method for each kind.
        document: lists of rules by kind, each with the arguments of that method.
        kinds: the kinds that there are.

    Raises:
        ValueError: a rule cannot be; its place is told.
    """
    for kind, rules in document.items():
        if kind not in kinds:
            raise ValueError(f"no kind of rule {kind!r}; known: {', '.join(kinds)}")
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            raise ValueError(f"{kind} is a list of tables, each begun by [[{kind}]] in TOML")
        for number, rule in enumerate(rules, 1):
            call(getattr(double, kind), rule, f"rule {number} of {kind}")


def plan(faults: object, document: Document, kinds: Iterable[str]) -> None:
    """Plan a fault that a document describes.

    Args:
        faults: has a method for each kind.
        document: the kind, as `fault`, and the arguments of that method.
        kinds: the kinds that there are.

    Raises:
        ValueError: it cannot be.
    """
    arguments = dict(document)
    kind = arguments.pop("fault", None)
    if kind not in kinds:
        raise ValueError(f"fault is one of {', '.join(kinds)}, not {kind!r}")
    call(getattr(faults, kind), arguments, f"fault {kind}")
