"""The page of what the engine double answers: each operation of the Engine API, by version.

python -m supported_api [PAGE]

The operations are those of the API's documents up to 1.55, in their order; what becomes of each
is asked of the double's routes.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple

from fakes.engine.routes import swarm
from fakes.engine.routes.table import Route, not_implemented, table
from fakes.engine.versions import VERSIONS, EngineVersion, numbers

BEGIN, END = "<!-- begin: generated -->", "<!-- end: generated -->"


class Operation(NamedTuple):
    """An operation of the Engine API.

    Attributes:
        request: method and path, where `{…}` stands for a name.
        since: the API version that brought it.
        note: what of it the double does not do.
    """

    request: str
    since: str = "1.12"
    note: str = ""


_GROUPS: dict[str, tuple[Operation, ...]] = {
    "Containers": (
        Operation("GET /containers/json"),
        Operation("POST /containers/create"),
        Operation("GET /containers/{id}/json"),
        Operation("GET /containers/{id}/top", note="one process"),
        Operation("GET /containers/{id}/logs"),
        Operation("GET /containers/{id}/changes"),
        Operation("GET /containers/{id}/export"),
        Operation("GET /containers/{id}/stats", note="next to nothing is used"),
        Operation("POST /containers/{id}/resize"),
        Operation("POST /containers/{id}/start", note="commands do what rules say"),
        Operation("POST /containers/{id}/stop"),
        Operation("POST /containers/{id}/restart"),
        Operation("POST /containers/{id}/kill"),
        Operation("POST /containers/{id}/update"),
        Operation("POST /containers/{id}/rename"),
        Operation("POST /containers/{id}/pause"),
        Operation("POST /containers/{id}/unpause"),
        Operation("POST /containers/{id}/attach"),
        Operation("GET /containers/{id}/attach/ws"),
        Operation("POST /containers/{id}/wait"),
        Operation("DELETE /containers/{id}"),
        Operation("HEAD /containers/{id}/archive", "1.20"),
        Operation("GET /containers/{id}/archive", "1.20"),
        Operation("PUT /containers/{id}/archive", "1.20"),
        Operation("POST /containers/prune", "1.25"),
    ),
    "Exec": (
        Operation("POST /containers/{id}/exec"),
        Operation("POST /exec/{id}/start", note="commands do what rules say"),
        Operation("POST /exec/{id}/resize"),
        Operation("GET /exec/{id}/json"),
    ),
    "Images": (
        Operation("GET /images/json"),
        Operation("POST /build", note="`remote=` is 501; RUN does what rules say"),
        Operation("POST /build/prune", "1.31"),
        Operation("POST /build/cancel", "1.39"),
        Operation("POST /images/create", note="`fromSrc=` with a URL is 501"),
        Operation("GET /images/{name}/json"),
        Operation("GET /images/{name}/history"),
        Operation("POST /images/{name}/push"),
        Operation("POST /images/{name}/tag"),
        Operation("DELETE /images/{name}"),
        Operation("GET /images/search", note="what is seeded for the hub"),
        Operation("POST /images/prune", "1.25"),
        Operation("POST /commit"),
        Operation("GET /images/{name}/get"),
        Operation("GET /images/get", "1.15"),
        Operation("POST /images/load"),
        Operation("GET /distribution/{name}/json", "1.30"),
    ),
    "BuildKit": (
        Operation("POST /session", "1.31"),
        Operation("POST /grpc", "1.39", "the BuildKit of the engine"),
    ),
    "Networks": (
        Operation("GET /networks", "1.21"),
        Operation("GET /networks/{id}", "1.21"),
        Operation("DELETE /networks/{id}", "1.21"),
        Operation("POST /networks/create", "1.21", "no traffic flows in it"),
        Operation("POST /networks/{id}/connect", "1.21"),
        Operation("POST /networks/{id}/disconnect", "1.21"),
        Operation("POST /networks/prune", "1.25"),
    ),
    "Volumes": (
        Operation("GET /volumes", "1.21"),
        Operation("POST /volumes/create", "1.21"),
        Operation("GET /volumes/{name}", "1.21"),
        Operation("PUT /volumes/{name}", "1.42", "answers as an engine without a swarm"),
        Operation("DELETE /volumes/{name}", "1.21"),
        Operation("POST /volumes/prune", "1.25"),
    ),
    "System": (
        Operation("POST /auth", note="the registry doubles are asked"),
        Operation("GET /info"),
        Operation("GET /version"),
        Operation("GET /_ping"),
        Operation("HEAD /_ping", "1.40"),
        Operation("GET /events"),
        Operation("GET /system/df", "1.25"),
    ),
    "Plugins": (
        Operation("GET /plugins", "1.25", "there are none"),
        Operation("GET /plugins/{name}/json", "1.25", "there are none"),
        Operation("GET /plugins/privileges", "1.25"),
        Operation("POST /plugins/pull", "1.25"),
        Operation("DELETE /plugins/{name}", "1.25"),
        Operation("POST /plugins/{name}/enable", "1.25"),
        Operation("POST /plugins/{name}/disable", "1.25"),
        Operation("POST /plugins/{name}/upgrade", "1.26"),
        Operation("POST /plugins/create", "1.25"),
        Operation("POST /plugins/{name}/push", "1.25"),
        Operation("POST /plugins/{name}/set", "1.25"),
    ),
    "Swarm": (
        *(
            Operation(f"{method} /swarm{path}", "1.24")
            for method, path in (
                *(("GET", ""), ("POST", "/init"), ("POST", "/join"), ("POST", "/leave")),
                *(("POST", "/update"), ("GET", "/unlockkey"), ("POST", "/unlock")),
            )
        ),
        Operation("GET /nodes", "1.24"),
        Operation("GET /nodes/{id}", "1.24"),
        Operation("DELETE /nodes/{id}", "1.24"),
        Operation("POST /nodes/{id}/update", "1.24"),
        *(
            Operation(f"{method} /{kind}{path}", since)
            for kind, since in (("services", "1.24"), ("secrets", "1.25"), ("configs", "1.30"))
            for method, path in (
                *(("GET", ""), ("POST", "/create"), ("GET", "/{id}"), ("DELETE", "/{id}")),
                ("POST", "/{id}/update"),
            )
        ),
        Operation("GET /services/{id}/logs", "1.29"),
        Operation("GET /tasks", "1.24"),
        Operation("GET /tasks/{id}", "1.24"),
        Operation("GET /tasks/{id}/logs", "1.29"),
    ),
}

OPERATIONS = tuple(one for group in _GROUPS.values() for one in group)


def find_route(operation: Operation) -> Route | None:
    """The route of the double that answers an operation."""
    method, _, path = operation.request.partition(" ")
    asked = re.sub(r"\{\w+\}", "x", path)
    routes = (one for one in table() if one.method == method and one.pattern.fullmatch(asked))
    return next(routes, None)


def answer(operation: Operation, version: EngineVersion) -> str:
    """What becomes of an operation in the clothes of a version, in a word."""
    if numbers(version.api) < numbers(operation.since):
        return "absent"
    found = find_route(operation)
    if found is None or found.endpoint is not_implemented:
        return "501" if found else "404"
    is_of_swarms = found.endpoint.__module__ == swarm.__name__
    return "no swarm" if is_of_swarms and "plugins" not in operation.request else "yes"


def generated() -> str:
    """The tables, in Markdown."""
    lines: list[str] = []
    for group, operations in _GROUPS.items():
        lines += [f"### {group}", "", "| operation | since | " + " | ".join(VERSIONS) + " | |"]
        lines.append("|---|---|" + "---|" * len(VERSIONS) + "---|")
        for one in operations:
            cells = [f"`{one.request}`", one.since if one.since != "1.12" else ""]
            cells += [answer(one, version) for version in VERSIONS.values()]
            lines.append("| " + " | ".join([*cells, one.note]) + " |")
        lines.append("")
    return "\n".join(lines)


def replace_generated(text: str) -> str:
    """A page with its generated part made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{generated()}\n{END}{after}"


if __name__ == "__main__":
    page = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/supported-api.md")
    page.write_text(replace_generated(page.read_text(encoding="utf-8")), encoding="utf-8")
