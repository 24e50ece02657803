"""The paths in compose files: from which folder each leads.

What stands in a file that another one includes or extends leads from the folder of that file.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import cast

from imagebuilders.bake.compose_merge import Node
from imagebuilders.bake.yaml_text import Override

_REMOTE = ("https://", "http://", "git://", "ssh://", "github.com/", "git@")


def section_of(sections: Node, name: str) -> dict[str, Node]:
    """Return a section of a file, which is made where there is none."""
    return cast("dict[str, Node]", sections.setdefault(name, {}))


def set_default_contexts(sections: Node) -> None:
    """Let a build that names no context have the folder of its file."""
    for service in section_of(sections, "services").values():
        build = service.get("build")
        if isinstance(build, dict):
            build.setdefault("context", ".")


def resolved(sections: Node, folder: str) -> Node:
    """Return the sections with paths that lead from where a folder does."""
    return _with_paths(sections, lambda path: _joined(folder, path))


def relative_to(sections: Node, folder: str) -> Node:
    """Return the sections with paths that lead from inside a folder, where they will be joined."""
    if folder in ("", "."):
        return sections
    return _with_paths(sections, lambda path: _from(folder, path))


def _from(folder: str, path: str) -> str:
    return path if os.path.isabs(path) else os.path.relpath(path, folder)


def _joined(folder: str, path: str) -> str:
    if path.startswith("~"):
        path = os.path.expanduser(path)
    return os.path.normpath(os.path.join(folder, path))


def _with_paths(sections: Node, place: Callable[[str], str]) -> Node:
    services = {
        name: _service_with_paths(service, place)
        for name, service in section_of(sections, "services").items()
    }
    secrets: Node = {}
    for name, secret in section_of(sections, "secrets").items():
        if isinstance(secret, dict) and isinstance(secret.get("file"), str):
            secret = {**secret, "file": place(cast("str", secret["file"]))}
        secrets[name] = secret
    return {"services": services, "secrets": secrets}


def _service_with_paths(service: Node, place: Callable[[str], str]) -> Node:
    changed = dict(service)
    build = service.get("build")
    if isinstance(build, Override):
        changed["build"] = Override(_build_with_paths(build.value, place))
    else:
        changed["build"] = _build_with_paths(build, place)
    if changed["build"] is None:
        changed.pop("build")
    files = service.get("env_file")
    if isinstance(files, list):
        changed["env_file"] = [_env_file_at(each, place) for each in files]
    extends = service.get("extends")
    if isinstance(extends, dict) and isinstance(extends.get("file"), str):
        changed["extends"] = {**extends, "file": place(extends["file"])}
    return changed


def _env_file_at(entry: object, place: Callable[[str], str]) -> object:
    if isinstance(entry, str):
        return place(entry)
    if isinstance(entry, dict) and isinstance(entry.get("path"), str):
        return {**entry, "path": place(entry["path"])}
    return entry


def _build_with_paths(build: object, place: Callable[[str], str]) -> object:
    if not isinstance(build, dict):
        return build
    changed: Node = dict(build)
    if isinstance(build.get("context"), str):
        changed["context"] = _context_at(build["context"], place)
    for key, mapped in (("additional_contexts", _context_at), ("ssh", _agent_at)):
        if isinstance(build.get(key), dict):
            changed[key] = {
                name: mapped(value, place) if isinstance(value, str) else value
                for name, value in build[key].items()
            }
    return changed


def _context_at(context: str, place: Callable[[str], str]) -> str:
    is_elsewhere = "://" in context or context.startswith(("service:", "target:", *_REMOTE))
    return context if is_elsewhere or not context else place(context)


def _agent_at(path: str, place: Callable[[str], str]) -> str:
    return place(path) if path else path
