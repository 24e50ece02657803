"""The files that say what is to be built: which there are, and what is in them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from imagebuilders.bake.compose_model import ComposeFile, load_compose
from imagebuilders.bake.compose_targets import compose_targets
from imagebuilders.bake.definition import DEFAULT, Definition
from imagebuilders.bake.env_file import read_dot_env
from imagebuilders.bake.json_files import Group, needs_hcl, read_bake_json
from imagebuilders.bake.target import Target
from imagebuilders.control_files import is_there
from imagebuilders.exceptions import BakeError

DEFAULT_FILES = (
    *("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"),
    *("docker-bake.json", "docker-bake.hcl"),
    *("docker-bake.override.json", "docker-bake.override.hcl"),
)
"""All of these that exist are read when no file is named. `compose.override.yaml` is not, as with
`docker buildx bake`."""

FILES_VARIABLE = "BUILDX_BAKE_FILE"
SEPARATOR_VARIABLE = "BUILDX_BAKE_PATH_SEPARATOR"
NO_LOOKUP_VARIABLE = "BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP"

_STANDARD_INPUT = "-"


def read_definition(
    paths: Sequence[str] = (),
    *,
    variables: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    standard_input: str = "",
) -> Definition:
    """Return what files define: compose files, and bake's JSON.

    Relative paths, `.env` and the default files are looked for in the working directory.

    Args:
        paths: the files; `-` is standard input. Without any, those of `BUILDX_BAKE_FILE`, else
            the default ones that exist.
        variables: values of variables that count before those of the environment.
        environment: the variables; those of this process by default.
        standard_input: what stands on standard input.

    Raises:
        BakeError: a file is missing or malformed, none is there, or one is written in HCL.
    """
    surroundings = os.environ if environment is None else environment
    given = dict(variables or {})
    texts = {
        path: standard_input if path == _STANDARD_INPUT else ComposeFile.read(path).text
        for path in _located(paths, surroundings)
    }
    compose = [ComposeFile(path, text) for path, text in texts.items() if _is_compose(path, text)]
    bake = {path: text for path, text in texts.items() if not _is_compose(path, text)}
    looks_up = surroundings.get(NO_LOOKUP_VARIABLE, "").lower() not in ("1", "t", "true")
    outside = surroundings if looks_up else {}
    targets: dict[str, Target] = {}
    groups: dict[str, Group] = {}
    unset: dict[str, None] = {}
    project = ""
    if compose:
        known = {**read_dot_env(outside), **given}
        model = load_compose(compose, known, lambda name: unset.setdefault(name))
        targets = {target.name: target for target in compose_targets(model)}
        project = model.project
        if model.services:
            groups[DEFAULT] = Group(DEFAULT, tuple(targets))
    if bake:
        more, further = read_bake_json(bake, lambda name: given.get(name, outside.get(name)))
        for target in more:
            before = targets.get(target.name)
            targets[target.name] = target if before is None else before.merged(target)
        groups.update({group.name: group for group in further})
    notices = [f"The variable {name} is not set; nothing stands in its place." for name in unset]
    return Definition(
        tuple(targets.values()),
        tuple(groups.values()),
        tuple(notices),
        normalized_project(project or os.path.basename(os.getcwd())) or "bake",
    )


def normalized_project(name: str) -> str:
    """Return a project's name as compose writes it: lower-case letters, digits, `-` and `_`."""
    return re.sub(r"[^a-z0-9_-]", "", name.lower()).lstrip("_-")


def _located(paths: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    named = list(paths)
    if not named and environment.get(FILES_VARIABLE):
        separator = environment.get(SEPARATOR_VARIABLE, os.pathsep)
        text = environment[FILES_VARIABLE]
        named = [path for path in (text.split(separator) if separator else [text]) if path]
    found = named or [path for path in DEFAULT_FILES if is_there(path)]
    if not found:
        raise BakeError(
            "There is nothing to build: no compose.yaml, docker-compose.yml or docker-bake.json "
            "is in the working directory. Name a file with -f."
        )
    for path in found:
        if path.lower().endswith(".hcl") and is_there(path):
            raise needs_hcl(path, f"{path} is written in HCL, which is not read")
        if "://" in path or path.startswith("git@"):
            raise BakeError(f"{path} is not a file of this machine; only these are read.")
    return list(dict.fromkeys(found))


def _is_compose(path: str, text: str) -> bool:
    lowered = path.lower()
    if lowered.endswith((".yml", ".yaml")):
        return True
    if lowered.endswith(".json"):
        return False
    return not text.lstrip().startswith("{")
