"""Scripts that were run in real containers, and the emulated shell made to run them.

A case names an image (``busybox``, ``debian``), how its process starts (``run``, ``exec``,
``RUN``), its script or words, and what a real engine gave: output, exit code, and the files that
it left behind.
"""

from __future__ import annotations

import json
import lzma
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from fakes.emulation.accounts import Accounts
from fakes.emulation.credentials import Credentials
from fakes.emulation.file_system import FileSystem
from fakes.emulation.file_table import TreeTable
from fakes.emulation.open_files import Bytes, Device, Sink
from fakes.emulation.process import Bounds, Process
from fakes.emulation.programs.lookup import Missing, find_program, run_program
from fakes.emulation.programs.table import make_programs
from fakes.emulation.system import System
from imagebuilders.oci.file_tree import File

_DATA = Path(__file__).parents[1] / "data"
_MOUNTS = {"etc/hosts": b"127.0.0.1\tlocalhost\n", "etc/hostname": b"box\n", "etc/resolv.conf": b""}
_NOW = 20_786 * 86_400 + 80_000
"""When emulated commands run: on the day that the accounts of the images were made."""
_SIDE_BY_SIDE = re.compile(r"sleep 0\.\d+[^&|]*& [^&|;]*sleep 0\.\d")
_DAY = str(_NOW // 86_400).encode()

Case = Mapping[str, Any]


@cache
def data() -> Mapping[str, Any]:
    """Return ``bases``, by image, and ``cases``, each with what it ``gave``."""
    return _read("shell_cases.json.xz")


def _read(name: str) -> Mapping[str, Any]:
    read: Mapping[str, Any] = json.loads(lzma.decompress((_DATA / name).read_bytes()))
    return read


def cases() -> dict[str, Case]:
    """Return the cases of what people write, by their names."""
    return {case["id"]: case for case in data()["cases"]}


@cache
def flag_cases() -> dict[str, Case]:
    """Return the cases that try most options of each program, by their names.

    ``apart`` tells how far each is known to differ: ``lines`` of output, and in which ``parts``.
    """
    return {case["id"]: case for case in _read("shell_flag_cases.json.xz")["cases"]}


@cache
def command_cases() -> dict[str, Case]:
    """Return the cases of many single commands each, which were put together at random.

    Each shows a command, what it printed and its exit code, and then the next one.
    """
    read = _read("shell_command_cases.json.xz")
    return {case["id"]: {**case, "files": read["files"]} for case in read["cases"]}


def differing_lines(case: Case, outcome: Outcome) -> int:
    """Return how many lines of the real output are not in the emulated one, in their order."""
    wanted = case["gave"]["stdout"].splitlines()
    got = outcome.stdout.decode("utf-8", "replace").splitlines()
    matcher = SequenceMatcher(None, wanted, got, autojunk=False)
    return len(wanted) - sum(block.size for block in matcher.get_matching_blocks())


_BY_CHANCE = re.compile(r"[Bb]roken pipe|Terminated|Killed|^\[\d+\]")
"""What processes that run side by side complain of, or not."""


def differing_complaints(case: Case, outcome: Outcome) -> int:
    """Return how many lines of the real complaints are not among the emulated ones."""
    if isinstance(case["gave"]["stderr"], dict):
        return 0
    lines = case["gave"]["stderr"].splitlines()
    wanted = Counter(line for line in lines if not _BY_CHANCE.search(line))
    return (wanted - Counter(outcome.stderr.decode("utf-8", "replace").splitlines())).total()


@cache
def known_complaints() -> Mapping[str, int]:
    """Return in how many lines of complaints the cases are known to differ, by their names."""
    read: Mapping[str, int] = json.loads((_DATA / "shell_complaints.json").read_text("utf-8"))
    return read


@dataclass
class Outcome:
    """What a process gave.

    Attributes:
        stdout: what it printed.
        stderr: what it complained of.
        exit_code: its exit code; `None` where it could not be started, and left none.
        could_start: whether there was such a process.
        files: what it left behind, by path.
    """

    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    exit_code: int | None = None
    could_start: bool = True
    files: dict[str, dict[str, Any]] = field(default_factory=dict)


def bytes_of(text: str) -> str:
    """Return a text as the shell has it, a character for each byte."""
    return text.encode().decode("latin-1")


def base_tree(image: str) -> dict[str, File]:
    """Return the files of an image."""
    return dict(_base(image))


@cache
def _base(image: str) -> Mapping[str, File]:
    tree: dict[str, File] = {}
    links = []
    for path, entry in data()["bases"][image]["entries"]:
        key, kind = path.lstrip("/"), entry.get("type", "file")
        if kind == "hardlink":
            links.append((key, entry["linkname"].lstrip("/")))
            continue
        tree[key] = _file({"type": kind, "mtime": _time_in_base(image, key, kind), **entry})
    for key, target in links:
        if not tree[target].inode:
            tree[target] = tree[target]._replace(inode=1)
        tree[key] = tree[target]
    for key, content in _MOUNTS.items():
        tree[key] = File("file", 0o644, mtime=_NOW - 1000, data=content)
    for key in ("proc", "sys", "dev"):
        tree.setdefault(key, File("dir", 0o755))
    return tree


def _time_in_base(image: str, key: str, kind: str) -> int:
    if kind not in ("dir", "symlink"):
        if image == "busybox":
            return 1_700_000_000
        if key.startswith("etc/skel/"):
            return 1_778_185_982
    return _NOW - 1000


def _file(entry: Mapping[str, Any]) -> File:
    kind = entry["type"]
    mode = int(entry.get("mode", "0755" if kind == "dir" else "0644"), 8)
    content = b""
    if kind == "file":
        text = entry.get("text", entry.get("content"))
        is_program = text is None and entry.get("size")
        content = b"\x7fELF" + bytes(4092) if is_program else (text or "").encode()
    return File(
        kind,
        0o777 if kind == "symlink" else mode,
        entry.get("uid", 0),
        entry.get("gid", 0),
        entry.get("mtime", _NOW - 1000),
        content,
        link=entry.get("linkname", ""),
    )


def make_system(tree: dict[str, File], *, is_busybox: bool, bounds: Bounds | None = None) -> System:
    """Return a system of processes over a tree, at a time that stands still."""
    files = FileSystem(TreeTable(tree), lambda: float(_NOW))
    files.has_mounts = True
    return System(
        files,
        make_programs(is_busybox=is_busybox),
        hostname="box",
        now=lambda: float(_NOW),
        bounds=bounds,
    )


def run_case(case: Case) -> Outcome:
    """Run a case in the emulated shell."""
    case = _with_order(case)
    start = base_tree(case["image"])
    _add_files(start, case.get("files", ()))
    tree = dict(start)
    system = make_system(tree, is_busybox=case["image"] == "busybox")
    outcome = Outcome()
    try:
        _start(case, system, outcome)
    finally:
        system.stop()
    if case["as"] != "RUN" or not outcome.exit_code:
        outcome.files = _changes(start, tree)
    return outcome


def _with_order(case: Case) -> Case:
    """Let what sleeps side by side end in its order on a busy machine, too: it sleeps longer."""
    script = case.get("script")
    if not isinstance(script, str) or _SIDE_BY_SIDE.search(script) is None:
        return case
    longer = re.sub(r"sleep (0\.\d+)", lambda match: f"sleep {float(match[1]) * 5:g}", script)
    return {**case, "script": longer}


def _add_files(tree: dict[str, File], files: list[Mapping[str, Any]]) -> None:
    for entry in files:
        key = entry["path"].lstrip("/")
        parts = key.split("/")
        for count in range(1, len(parts)):
            tree.setdefault("/".join(parts[:count]), File("dir", 0o755, mtime=_NOW - 1000))
        when = 1_700_000_000 if entry["type"] != "dir" else _NOW - 1000
        tree[key] = _file({"mtime": when, **entry})


def _start(case: Case, system: System, outcome: Outcome) -> None:
    image = case.get("image_config") or {}
    config = data()["bases"][case["image"]]["config"]
    first = system.start(
        ["sleep", "600"],
        environment={},
        credentials=Credentials(),
        number=system.next_number() if case["as"] == "exec" else 99_990,
    )
    user = case.get("user") or (image.get("user") if case["as"] != "exec" else "")
    credentials, home = _who(first, user or "")
    if credentials is None:
        outcome.could_start = False
        return
    folder = case.get("workdir") or image.get("workdir") or "/"
    _make_folder(first, folder)
    environment = dict(one.split("=", 1) for one in config["Env"])
    environment.update({**(image.get("env") or {}), **(case.get("env") or {})})
    environment = {"HOME": home, **environment, "HOSTNAME": "box"}
    process = system.start(
        [bytes_of(word) for word in _words(case, image, config)],
        environment={name: bytes_of(value) for name, value in environment.items()},
        credentials=credentials,
        working_dir=folder,
    )
    stdin = Bytes(case["stdin"].encode()) if "stdin" in case else Device("null")
    process.set_descriptor(0, stdin)
    process.set_descriptor(1, Sink(outcome.stdout.extend))
    process.set_descriptor(2, Sink(outcome.stderr.extend))
    _run(case, process, environment.get("PATH"), outcome)


def _run(case: Case, process: Process, path: str | None, outcome: Outcome) -> None:
    word = process.arguments[0]
    found = find_program(process, word, path)
    missing = found if isinstance(found, Missing) else run_program(process, found, on_script="sh")
    if missing is None:
        outcome.exit_code = process.status
        return
    process.end(missing.code)
    outcome.exit_code = None if case["as"] == "RUN" else missing.code
    if case["as"] == "exec":
        reason = (
            "permission denied" if missing.error == 13 else "executable file not found in $PATH"
        )
        outcome.stdout += (
            "OCI runtime exec failed: exec failed: unable to start container process: "
            f'exec: "{word}": {reason}\r\n'
        ).encode()
    elif missing.interpreter:
        outcome.exit_code = 255
        outcome.stderr += f"exec {word}: no such file or directory\n".encode()
    else:
        outcome.could_start = False


def _who(process: Process, user: str) -> tuple[Credentials | None, str]:
    name = user.partition(":")[0]
    if not name:
        return Credentials(0, 0, (0,)), "/root"
    accounts = Accounts.read(process)
    account = accounts.user(name) or (accounts.user(int(name)) if name.isdigit() else None)
    if account is not None:
        return accounts.credentials(account), account.home
    return (Credentials(int(name), 0, (0,)) if name.isdigit() else None), "/"


def _make_folder(process: Process, folder: str) -> None:
    files, path = process.system.files, ""
    for part in folder.strip("/").split("/"):
        path += f"/{part}"
        if part and not files.exists(process, path):
            files.make_folder(process, path)
            files.set_mode(process, path, 0o755)


def _words(case: Case, image: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    words: list[str] = list(case.get("argv") or ())
    if "script" in case and not words:
        shell = ["bash" if case["shell"] == "bash" else "sh", "-c"]
        if case["as"] == "RUN":
            shell = case.get("shell_argv") or [f"/bin/{shell[0]}", "-c"]
        words = [*shell, case["script"]]
    if case.get("use_image_cmd"):
        words = image.get("cmd") or config["Cmd"]
    entrypoint = case.get("entrypoint") or image.get("entrypoint") or []
    return [*([entrypoint] if isinstance(entrypoint, str) else entrypoint), *words]


# --- what is left behind ---------------------------------------------------------------


def _is_left_out(path: str) -> bool:
    return not path or path.split("/")[0] in ("dev", "proc", "sys") or path in _MOUNTS


def _changes(start: Mapping[str, File], tree: Mapping[str, File]) -> dict[str, dict[str, Any]]:
    found = {}
    for path, file in tree.items():
        old = start.get(path)
        if not _is_left_out(path) and old != file and (entry := _change(path, old, file)):
            found[f"/{path}"] = entry
    gone = {path for path in start if path not in tree and not _is_left_out(path)}
    for path in gone:
        parts = path.split("/")
        if not any("/".join(parts[:count]) in gone for count in range(1, len(parts))):
            found[f"/{path}"] = {"change": "deleted"}
    return found


def _change(path: str, old: File | None, file: File) -> dict[str, Any] | None:
    content = b"".join(file.pieces()) if file.kind == "file" else b""
    entry: dict[str, Any] = {
        "change": "added" if old is None else "changed",
        "type": file.kind,
        "uid": file.uid,
        "gid": file.gid,
    }
    if old is not None and (old.kind, old.mode, old.uid, old.gid, old.link) == (
        file.kind,
        file.mode,
        file.uid,
        file.gid,
        file.link,
    ):
        if file.kind == "dir":
            return None
        if file.kind == "file" and b"".join(old.pieces()) == content:
            return None
    if file.kind == "file":
        if path in ("etc/shadow", "etc/shadow-"):
            content = content.replace(b":" + _DAY + b":", b":DAY:")
        entry |= {"size": len(content), "sha256": sha256(content).hexdigest()}
    if file.kind == "symlink":
        entry["linkname"] = file.link
    else:
        entry["mode"] = f"{file.mode:04o}"
    if file.kind in ("char", "block"):
        entry["device"] = "{}:{}".format(*file.device)
    if file.kind != "symlink" and abs(file.mtime - _NOW) > 5000:
        entry["mtime"] = file.mtime
    return entry


# --- comparison ------------------------------------------------------------------------

_CLASSES = {
    "not found": r"not found",
    "no such file": r"[Nn]o such file|can.t cd to|nonexistent directory|annot open|can.t open"
    r"|can.t stat|cannot stat|cannot access",
    "no such account": r"unknown user|invalid (?:user|spec|group)|unknown (?:group|uid|ID)"
    r"|no such (?:user|group)|does not exist|cannot find name|is not the name of a known",
    "refused": r"Permission denied|[Nn]ot permitted|must be root|only root|may not",
    "read only": r"Read-only file system|is read only|readonly variable",
    "exists": r"File exists|already exists|in use|is not unique",
    "a folder": r"[Ii]s a directory|omitting directory|directory nonexistent|refusing to remove",
    "no folder": r"[Nn]ot a directory",
    "not empty": r"Directory not empty",
    "the same": r"same file",
    "busy": r"resource busy",
    "no program": r"Exec format error|cannot execute|required file not found|bad interpreter",
    "syntax": r"yntax error|nexpected|nterminated|ad substitution|issing|unmatched|unbalanced"
    r"|bad number|llegal number|invalid number|out of range|arithmetic|divi(?:sion|de) by"
    r"|expecting|unknown oper|integer expression|value too great|token is",
    "usage": r"sage:|nrecognized option|nvalid option|llegal option|nknown option"
    r"|requires? an? (?:operand|argument)|missing operand|too (?:few|many) |Try .*--help"
    r"|BusyBox v|extra operand|bad option|nknown predicate",
    "unset": r"parameter (?:not set|null)|unbound variable",
    "no process": r"o such process|not a child",
    "descriptor": r"ad file descriptor",
    "full": r"No space left",
    "killed": r"^(?:Killed|Terminated|Hangup)",
    "differs": r" differ|WARNING: ",
}


def error_classes(text: str) -> set[str]:
    """Return what kinds of complaints a text has, in whatever words."""
    found = {name for name, pattern in _CLASSES.items() if re.search(pattern, text, re.M)}
    return found or ({"other"} if text.strip() else set())


def differences(case: Case, outcome: Outcome) -> list[str]:
    """Return how an outcome differs from what a real engine gave."""
    gave = case["gave"]
    return [
        *_difference("exit code", gave["exit_code"], outcome.exit_code),
        *_difference("start", not gave.get("start_error"), outcome.could_start),
        *_difference("stdout", gave["stdout"], _text(outcome.stdout, case, gave["stdout"])),
        *_error_difference(case, gave["stderr"], _text(outcome.stderr, case, gave["stderr"])),
        *(
            _file_differences({one["path"]: one for one in gave["files"]}, outcome.files)
            if "files" in gave
            else ()
        ),
    ]


def _text(data: bytearray, case: Case, like: object) -> object:
    if isinstance(like, dict):
        return {"hex": data.hex()}
    return data.decode("utf-8", "replace" if case["as"] == "run" else "backslashreplace")


def _difference(what: str, wanted: object, got: object) -> Iterator[str]:
    if wanted != got:
        yield f"{what}: {got!r} instead of {wanted!r}"


def _error_difference(case: Case, wanted: str, got: object) -> Iterator[str]:
    classes = error_classes(wanted)
    if case.get("stderr_exact") and classes <= {"other"}:
        return _difference("stderr", wanted, got)
    difference = _difference("stderr", sorted(classes), sorted(error_classes(str(got))))
    return (f"{one} ({got!r} instead of {wanted!r})" for one in difference)


def _file_differences(
    wanted: Mapping[str, Mapping[str, Any]], got: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    keys = ("change", "type", "mode", "uid", "gid", "size", "sha256", "linkname", "device", "mtime")
    for path in sorted(wanted.keys() | got.keys()):
        if wanted.get(path, {}).get("only_mtime"):
            continue
        one, other = (
            {
                key: side[path][key]
                for key in keys
                if side[path].get(key) is not None
                and not (key in ("size", "sha256") and side[path].get("type") != "file")
                and not (key == "mode" and side[path].get("type") == "symlink")
            }
            if path in side
            else None
            for side in (wanted, got)
        )
        yield from _difference(path, one, other)


def evaluate(
    script: str,
    *,
    shell: str = "bash",
    bounds: Bounds | None = None,
    stdin: bytes = b"",
    files: Mapping[str, File] | None = None,
) -> Outcome:
    """Evaluate a script, and end all that it has started.

    Args:
        script: the script.
        shell: ``dash``, ``bash`` or ``busybox``.
        bounds: how much it may do.
        stdin: what it can read.
        files: further files.
    """
    image = "busybox" if shell == "busybox" else "debian"
    tree = base_tree(image) | dict(files or {})
    system = make_system(tree, is_busybox=image == "busybox", bounds=bounds)
    outcome = Outcome()
    process = system.start(
        ["bash" if shell == "bash" else "sh", "-c", bytes_of(script)],
        environment={"PATH": "/usr/bin:/bin", "HOME": "/root"},
        credentials=Credentials(),
    )
    process.set_descriptor(0, Bytes(stdin))
    process.set_descriptor(1, Sink(outcome.stdout.extend))
    process.set_descriptor(2, Sink(outcome.stderr.extend))
    try:
        found = find_program(process, process.arguments[0], "/usr/bin:/bin")
        assert not isinstance(found, Missing)
        assert run_program(process, found, on_script="sh") is None
        outcome.exit_code = process.status
    finally:
        system.stop()
    return outcome
