"""Compose files as they are read: variables, `include`, `extends`, several files over one another.

https://github.com/compose-spec/compose-spec. Relative paths lead from the working directory for
the files that are named, and from their own folder for those that these include or extend.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from imagebuilders.bake.compose_merge import (
    Node,
    mapping_of,
    merge,
    service_of,
    without_tags,
)
from imagebuilders.bake.compose_paths import (
    relative_to,
    resolved,
    section_of,
    set_default_contexts,
)
from imagebuilders.bake.env_file import read_env_file
from imagebuilders.bake.interpolation import substitute
from imagebuilders.bake.yaml_text import Override, Reset, read_yaml
from imagebuilders.control_files import read_control_file
from imagebuilders.exceptions import BakeError, ControlFileError
from imagebuilders.lazy_dataclass import dataclass

_MAX_DEPTH = 50
_DEFAULT_PROJECT = "bake"


@dataclass(frozen=True)
class ComposeFile:
    """A compose file.

    Attributes:
        path: its path; errors name it.
        text: what is in it.
    """

    path: str
    text: str

    @classmethod
    def read(cls, path: str) -> ComposeFile:
        """Read a file.

        Raises:
            BakeError: it cannot be read.
        """
        try:
            return cls(path, read_control_file(path).content.decode("utf-8-sig"))
        except ControlFileError as error:
            raise BakeError(str(error), path=path) from error
        except UnicodeDecodeError as error:
            raise BakeError(f"The file {path} is not UTF-8.", path=path) from error


@dataclass(frozen=True)
class ComposeModel:
    """What counts of a project.

    Attributes:
        services: the services by name.
        secrets: the project's secrets by name.
        environment: the variables.
        project: what the project is called, if the files or the environment say so.
    """

    services: Mapping[str, Node]
    secrets: Mapping[str, Node]
    environment: Mapping[str, str]
    project: str = ""


def load_compose(
    files: Sequence[ComposeFile], environment: Mapping[str, str], unset: Callable[[str], None]
) -> ComposeModel:
    """Return what several files say together, the later ones over the earlier.

    Args:
        files: the files.
        environment: the variables.
        unset: told the name of each variable that has no value.

    Raises:
        BakeError: a file is malformed or missing.
    """
    project = _project_name(files, environment)
    named = {**environment, "COMPOSE_PROJECT_NAME": project or _DEFAULT_PROJECT}
    loaded = _Loader(unset).load(files, named, folder="", seen=())
    services = section_of(loaded, "services")
    return ComposeModel(
        {name: cast("Node", without_tags(service)) for name, service in services.items()},
        {
            name: mapping_of(without_tags(secret) or {}, f"secrets.{name}")
            for name, secret in section_of(loaded, "secrets").items()
        },
        named,
        project,
    )


def _project_name(files: Sequence[ComposeFile], environment: Mapping[str, str]) -> str:
    name = environment.get("COMPOSE_PROJECT_NAME") or ""
    for file in files:
        for document in read_yaml(file.text, file.path):
            given = document.get("name") if isinstance(document, dict) else None
            if isinstance(given, str) and given:
                name = substitute(given, environment)
    return name


class _Loader:
    """Loads the files of one project."""

    def __init__(self, unset: Callable[[str], None]) -> None:
        self._unset = unset

    def load(
        self,
        files: Sequence[ComposeFile],
        environment: Mapping[str, str],
        *,
        folder: str,
        seen: tuple[str, ...],
    ) -> Node:
        """Return the sections of files that lie over one another, with resolved paths."""
        merged: Node = {}
        for file in files:
            for document in self._documents(file, environment):
                sections = self._sections(document)
                self._include(document, sections, environment, folder, (*seen, file.path))
                self._extend(sections, environment, folder, file.path)
                merged = cast("Node", merge(merged, sections, ""))
        if not folder:
            set_default_contexts(merged)
        return resolved(merged, folder)

    def _documents(self, file: ComposeFile, environment: Mapping[str, str]) -> list[Node]:
        try:
            documents = [
                mapping_of(self._substituted(document, environment), "the top level")
                for document in read_yaml(file.text, file.path)
            ]
        except BakeError as error:
            if error.path:
                raise
            raise BakeError(f"{file.path}: {error}", path=file.path) from error
        if not any(documents):
            raise BakeError(f"The compose file {file.path} is empty.", path=file.path)
        return documents

    def _sections(self, document: Node) -> Node:
        sections: Node = {}
        if document.get("services") is not None:
            services = mapping_of(document["services"], "services")
            sections["services"] = {
                name: service_of(service, name) for name, service in services.items()
            }
        if document.get("secrets") is not None:
            sections["secrets"] = mapping_of(document["secrets"], "secrets")
        return sections

    def _substituted(self, value: object, environment: Mapping[str, str], depth: int = 0) -> object:
        if depth > _MAX_DEPTH:
            raise BakeError("its values are nested too deep")
        if isinstance(value, str):
            return substitute(value, environment, self._unset)
        if isinstance(value, Override):
            return Override(self._substituted(value.value, environment, depth + 1))
        if isinstance(value, dict):
            return {
                key: self._substituted(each, environment, depth + 1)
                for key, each in value.items()
                if depth or _counts(key)
            }
        if isinstance(value, list):
            return [self._substituted(each, environment, depth + 1) for each in value]
        return value

    # --- other files -------------------------------------------------------------

    def _include(
        self,
        document: Node,
        sections: Node,
        environment: Mapping[str, str],
        folder: str,
        seen: tuple[str, ...],
    ) -> None:
        """Add what the files that are included have, below what is said here."""
        given = document.get("include") or []
        if not isinstance(given, list):
            raise BakeError("include must be a list of files.")
        for item in given:
            entry: Node = {"path": item} if isinstance(item, str) else mapping_of(item, "include")
            paths = _texts(entry.get("path"), "include.path")
            if not paths:
                raise BakeError("include has an entry without a path.")
            located = [_local(os.path.join(folder, path), "include") for path in paths]
            repeated = next((path for path in located if path in seen), None)
            if repeated is not None or len(seen) > _MAX_DEPTH:
                raise BakeError(f"The file {repeated or located[0]} includes itself.")
            project = entry.get("project_directory")
            below = os.path.join(folder, str(project)) if project else os.path.dirname(located[0])
            variables = _included_environment(entry, environment, folder, below)
            files = [ComposeFile.read(path) for path in located]
            loaded = self.load(files, variables, folder=below or ".", seen=(*seen, *located))
            # Resolved already: from the folder of the file that includes it.
            loaded = relative_to(loaded, folder)
            for name, section in loaded.items():
                own = sections.get(name, {})
                sections[name] = merge(section, own, name)

    def _extend(
        self, sections: Node, environment: Mapping[str, str], folder: str, path: str
    ) -> None:
        services = section_of(sections, "services")
        for name in list(services):
            services[name] = self._extended(name, services, environment, folder, ((path, name),))

    def _extended(
        self,
        name: str,
        services: dict[str, Node],
        environment: Mapping[str, str],
        folder: str,
        seen: tuple[tuple[str, str], ...],
    ) -> Node:
        service = services[name]
        extends = service.get("extends")
        if extends is None or isinstance(extends, Reset):
            return service
        entry = {"service": extends} if isinstance(extends, str) else mapping_of(extends, "extends")
        base_name, file = entry.get("service"), entry.get("file")
        path = seen[-1][0]
        if not isinstance(base_name, str):
            raise BakeError(f"services.{name}.extends names no service.", path=path)
        if file is not None:
            path = _local(os.path.join(folder, str(file)), "extends")
            services = self._services_of(path, environment, folder)
        if base_name not in services:
            raise BakeError(
                f"The service {name} extends {base_name}, which is not in {path}.", path=path
            )
        if (path, base_name) in seen:
            raise BakeError(f"The service {name} in {path} extends itself.", path=path)
        base = self._extended(base_name, services, environment, folder, (*seen, (path, base_name)))
        merged = cast("Node", merge(base, service, f"services.{name}"))
        merged.pop("extends", None)
        return merged

    def _services_of(
        self, path: str, environment: Mapping[str, str], folder: str
    ) -> dict[str, Node]:
        merged: Node = {}
        for document in self._documents(ComposeFile.read(path), environment):
            merged = cast("Node", merge(merged, self._sections(document), ""))
        below = os.path.dirname(path) or "."
        return section_of(relative_to(resolved(merged, below), folder), "services")


def _counts(key: object) -> bool:
    """Tell whether a top-level section is read at all."""
    return key in ("services", "secrets", "include", "name")


def _texts(value: object, place: str) -> list[str]:
    given = value if isinstance(value, list) else [] if value is None else [value]
    if not all(isinstance(each, str) for each in given):
        raise BakeError(f"{place} must be a text, or a list of texts.")
    return [str(each) for each in given]


def _local(path: str, what: str) -> str:
    if any(part in path for part in ("://", "git@")) or path.startswith("oci:"):
        raise BakeError(f"{what} names {path!r}, which is not a file: only files are read.")
    return os.path.normpath(path)


def _included_environment(
    entry: Node, environment: Mapping[str, str], folder: str, below: str
) -> Mapping[str, str]:
    named = _texts(entry.get("env_file"), "include.env_file")
    if named:
        paths = [os.path.join(folder, path) for path in named if path != os.devnull]
    else:
        default = os.path.join(below, ".env")
        paths = [default] if os.path.isfile(default) else []
    read: dict[str, str] = {}
    for path in paths:
        read.update(read_env_file(path, {**read, **environment}))
    return {**read, **environment}
