"""The rules against the answers of Docker's own code."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import Any

from imagebuilders.context.entries import encode_path
from imagebuilders.context.ignore_file import compile_rules, parse_lines
from imagebuilders.context.rules import IgnoreRules, RuleError
from imagebuilders.context.walk import select
from imagebuilders.exceptions import IgnoreFileError

Case = dict[str, Any]


def walk_in_memory(case: Case, rules: IgnoreRules, *, fast: bool) -> list[str]:
    """Walk the tree of a case; fast is as the walk does it, else every rule on every path."""
    children: dict[str, list[dict[str, str]]] = defaultdict(list)
    for node in case["tree"]:
        children[node["path"].rpartition("/")[0]].append(node)
    kept: set[str] = set()

    def walk(folder: str, hits: int) -> None:
        prefix = folder and folder + "/"
        judge = rules.in_folder(prefix, hits)
        for node in children[folder]:
            path = node["path"]
            if fast:
                excluded, below = judge(path[len(prefix) :])
            else:
                verdict = rules.judge(path, hits)
                excluded, below = verdict.excluded, verdict.hits
            if not excluded:
                kept.add(path)
                kept.update(path[:at] for at, char in enumerate(path) if char == "/")
            opened = not fast or not excluded or rules.may_keep_below(path + "/", below)
            if node["type"] == "dir" and opened:
                walk(path, below)

    walk("", 0)
    return sorted(kept, key=encode_path)


def answers(case: Case) -> list[object]:
    """Give what the case asks for, the paths or the stage of the error, found in both ways."""
    stage = "read"
    try:
        lines = parse_lines(case["dockerignore"].encode())
        stage = "compile"
        rules = compile_rules(lines)
    except IgnoreFileError:
        return [stage]
    return [found(case, rules, fast=fast) for fast in (False, True)]


def found(case: Case, rules: IgnoreRules, *, fast: bool) -> object:
    """Give the paths that are kept, or the stage of the error."""
    try:
        return walk_in_memory(case, rules, fast=fast)
    except RuleError:
        return "match"


def test_agrees_with_docker(golden_cases: list[Case]) -> None:
    """Every case has Docker's answer, pattern by pattern as well as folder by folder."""
    wrong = [
        case["name"]
        for case in golden_cases
        if any(given != (case.get("error_stage") or case["context"]) for given in answers(case))
    ]
    assert len(golden_cases) == 1500
    assert wrong == []


def test_on_disk_agrees_with_docker(golden_cases: list[Case], tmp_path: Path) -> None:
    """The walk of a real tree gives Docker's answer, in the order of a context."""
    for number, case in enumerate(golden_cases[::25]):
        if "error_stage" in case:
            continue
        root = tmp_path / str(number)
        root.mkdir()
        for node in case["tree"]:
            place = root / node["path"]
            if node["type"] == "dir":
                place.mkdir()
            elif node["type"] == "symlink":
                os.symlink(node["target"], place)
            else:
                place.touch()
        rules = compile_rules(parse_lines(case["dockerignore"].encode()))
        paths = [selected.path for selected in select(str(root), rules)]
        assert sorted(paths, key=encode_path) == case["context"], case["name"]
        assert paths == sorted(paths, key=lambda path: encode_path(path).split(b"/"))
