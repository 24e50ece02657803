"""The status of a failed call as JSON, with the typed details that daemons put into it."""

from __future__ import annotations

import base64
import json
from typing import Any

from imagebuilders.buildkit.proto.rpc_pb2 import Status
from imagebuilders.buildkit.transport.status import RpcStatus

from .messages import Json


def shown_status(status: RpcStatus) -> Json:
    """Return how a call ended."""
    found: Json = {"code": int(status.code), "message": status.message}
    if status.details:
        found["details"] = [
            {"type_url": detail.type_url, "json": _readable(json.loads(detail.value or b"{}"))}
            for detail in Status.FromString(status.details).details
        ]
    return found


def _readable(value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("info"), dict) and "data" in value["info"]:
        info = dict(value["info"])
        info["data_text"] = base64.b64decode(info.pop("data")).decode("utf-8", "replace")
        return {**value, "info": info}
    return value
