"""Requests and answers as botocore's own service models have them.

Both protocols that clients speak are read and written: JSON 1.1
(https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html) and RPC v2 in CBOR
(https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from ..http.messages import Request, Response

_CBOR = "application/cbor"
_JSON = "application/x-amz-json-1.1"


class ServiceError(Exception):
    """An error that the service answers with.

    Attributes:
        code: the service's code.
        status: the HTTP status.
    """

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True)
class Call:
    """A request that was read.

    Attributes:
        service: the service, as boto3 names it.
        operation: as in `StartBuild`.
        arguments: what was sent.
        is_cbor: whether the client speaks CBOR.
    """

    service: str
    operation: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    is_cbor: bool = False


@cache
def _model(service: str) -> Any:
    import botocore.session  # type: ignore[import-untyped]

    return botocore.session.get_session().get_service_model(service)


def named_operation(request: Request, services: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the service and the operation that a request names; `None` for other services.

    Args:
        request: the request.
        services: the services, by their names in requests.
    """
    target, dot, operation = request.headers.get("X-Amz-Target").partition(".")
    if dot and target in services:
        return services[target], operation
    parts = request.path.split("/")
    if len(parts) == 5 and (parts[1], parts[3]) == ("service", "operation"):
        service = services.get(parts[2])
        return None if service is None else (service, parts[4])
    return None


def read_call(request: Request, service: str, operation: str, body: bytes) -> Call:
    """Read a request and check it against the service's model.

    Raises:
        ServiceError: it does not fit.
    """
    is_cbor = request.headers.get("smithy-protocol") == "rpc-v2-cbor"
    arguments = _decoded(body, is_cbor=is_cbor)
    model = _model(service)
    if operation not in model.operation_names:
        raise ServiceError("UnknownOperationException", f"there is no operation {operation}")
    shape = model.operation_model(operation).input_shape
    problem = _problem(arguments, shape)
    if problem:
        raise ServiceError("InvalidInputException", problem)
    return Call(service, operation, arguments, is_cbor)


def answer(call: Call, result: Mapping[str, Any]) -> Response:
    """Return the answer to a call, checked against the service's model.

    Raises:
        AssertionError: it does not fit, which is a defect of the double.
    """
    problem = _problem(result, _model(call.service).operation_model(call.operation).output_shape)
    assert not problem, f"the answer to {call.operation} is not the service's: {problem}"
    return _response(200, result, is_cbor=call.is_cbor)


def error_answer(error: ServiceError, *, is_cbor: bool) -> Response:
    """Return the answer that tells an error."""
    document = {"__type": error.code, "message": str(error)}
    return _response(error.status, document, is_cbor=is_cbor)


def _response(status: int, document: Mapping[str, Any], *, is_cbor: bool) -> Response:
    if is_cbor:
        import cbor2

        body = cbor2.dumps(_without_times(document, cbor2.CBORTag))
        return Response.of(status, {"Content-Type": _CBOR, "smithy-protocol": "rpc-v2-cbor"}, body)
    body = json.dumps(_without_times(document, lambda _, seconds: seconds)).encode()
    return Response.of(status, {"Content-Type": _JSON}, body)


def _without_times(value: Any, timestamp: Any) -> Any:
    """Return a value whose times are seconds since 1970, as the protocol marks them."""
    if isinstance(value, datetime):
        return timestamp(1, value.timestamp())
    if isinstance(value, Mapping):
        return {key: _without_times(each, timestamp) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_times(each, timestamp) for each in value]
    return value


def _decoded(body: bytes, *, is_cbor: bool) -> Mapping[str, Any]:
    if not body:
        return {}
    try:
        if is_cbor:
            import cbor2

            found = cbor2.loads(body)
        else:
            found = json.loads(body)
    except Exception as error:  # whatever the reader says of a broken body
        raise ServiceError("SerializationException", "the body cannot be read") from error
    if not isinstance(found, dict):
        raise ServiceError("SerializationException", "the body is no object")
    return found


def _problem(value: object, shape: Any) -> str:
    """Say what of a value does not fit a shape; nothing when all does."""
    from botocore.validate import ParamValidator  # type: ignore[import-untyped]

    if shape is None:
        return "there is to be nothing" if value else ""
    report: str = ParamValidator().validate(value, shape).generate_report()
    return report or _wrong_enum(value, shape)


def _wrong_enum(value: object, shape: Any) -> str:
    """Say which name or value is none of those that a shape lists."""
    if isinstance(value, Mapping) and shape.type_name == "structure":
        for key, each in value.items():
            if key not in shape.members:
                return f"{shape.name} has no member {key}"
            problem = _wrong_enum(each, shape.members[key])
            if problem:
                return problem
    elif isinstance(value, list):
        for each in value:
            problem = _wrong_enum(each, shape.member)
            if problem:
                return problem
    elif isinstance(value, str) and getattr(shape, "enum", None) and value not in shape.enum:
        return f"{value!r} is no {shape.name}"
    return ""
