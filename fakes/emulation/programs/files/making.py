"""`mkdir`, `touch`, `ln`, `mkfifo`, `mknod`, `mktemp` and `truncate`."""

from __future__ import annotations

import errno
import posixpath
import re
from typing import TYPE_CHECKING

from ..machine.dates import DateError, parse_date
from ..options import Options, usage
from .modes import symbolic_mode

if TYPE_CHECKING:
    from ...process import Process

_TEMPORARY = "/tmp"  # noqa: S108  (the container's own)
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def mkdir(process: Process) -> int:
    """Make folders."""
    options = Options(process, "pm:vZ", "parents:p mode=:m verbose:v")
    options.needs(1)
    text = options.value("m")
    mode: int | None = None
    if text is not None:
        mode = symbolic_mode(text, 0o777, is_folder=True, umask=process.umask)
        if mode is None:
            raise process.fail(f"invalid mode '{text}'")
    status = 0
    for path in options.operands:
        status = _make_folder(process, options, path, mode) or status
    return status


def _make_folder(process: Process, options: Options, path: str, mode: int | None) -> int:
    files = process.system.files
    busybox = process.system.programs.is_busybox
    made: list[str] = []
    try:
        if "p" in options:
            _make_parents(process, path, made)
        else:
            files.make_folder(process, path)
            made.append(path)
        if (mode is not None and made and made[-1] == path.rstrip("/")) or (
            mode is not None and made
        ):
            files.set_mode(process, path, mode)
    except OSError as error:
        shown = error.filename if "p" in options and error.filename else path
        if busybox:
            process.complain(
                f"can't create directory '{shown if 'p' in options else path}': {error.strerror}"
            )
        else:
            process.complain(f"cannot create directory '{shown}': {error.strerror}")
        return 1
    if "v" in options:
        for one in made:
            process.print(
                f"created directory: '{one}'\n"
                if busybox
                else f"mkdir: created directory '{one}'\n"
            )
    return 0


def _make_parents(process: Process, path: str, made: list[str]) -> None:
    files = process.system.files
    parts = path.rstrip("/").split("/")
    current = ""
    for place, part in enumerate(parts):
        current = part if place == 0 else f"{current}/{part}"
        if not current or part in ("", "."):
            continue
        kind = files.kind(process, current)
        if kind == "dir":
            continue
        if kind:
            is_last = place == len(parts) - 1
            number = errno.EEXIST if is_last else errno.ENOTDIR
            import os

            raise OSError(number, os.strerror(number), current)
        files.make_folder(process, current)
        made.append(current)


def touch(process: Process) -> int:
    """Set times, and make files that are missing."""
    options = Options(
        process,
        "cahmr:d:t:f",
        "no-create:c reference=:r date=:d no-dereference:h time=",
    )
    options.needs(1, file=True)
    files = process.system.files
    busybox = process.system.programs.is_busybox
    moment: float | None = None
    try:
        if (date := options.value("d")) is not None:
            moment = parse_date(date, process.system.now(), is_busybox=busybox)
        elif (stamp := options.value("t")) is not None:
            moment = parse_date(_stamp(stamp), process.system.now(), is_busybox=busybox)
    except DateError as error:
        raise process.fail(
            f"invalid date '{options.value('d')}'"
            if busybox
            else f"invalid date format '{options.value('d')}'"
        ) from error
    if (reference := options.value("r")) is not None:
        try:
            status = files.status(process, reference)
        except OSError as error:
            raise process.fail(
                f"{reference}: {error.strerror}"
                if busybox
                else f"failed to get attributes of '{reference}': {error.strerror}"
            ) from error
        moment = status.mtime + status.nanoseconds / 1e9
    code = 0
    for path in options.operands:
        try:
            if not files.exists(process, path, follow="h" not in options):
                if "c" in options or "h" in options:
                    continue
                opened = files.open(process, path, reads=False, writes=True, creates=True)
                opened.retain().release()
                if moment is None:
                    continue
            if "a" in options and "m" not in options:
                continue
            files.set_time(process, path, moment, follow="h" not in options)
        except OSError as error:
            process.complain(
                f"{path}: {error.strerror}"
                if busybox
                else f"cannot touch '{path}': {error.strerror}"
            )
            code = 1
    return code


def _stamp(text: str) -> str:
    match = re.fullmatch(r"(\d{2})?(\d{2})?(\d{2})(\d{2})(\d{2})(\d{2})(?:\.(\d{2}))?", text)
    if match is None:
        return text
    century, year, month, day, hour, minute, second = match.groups()
    full = f"{century or '20'}{year}" if year else "1970"
    return f"{full}-{month}-{day} {hour}:{minute}:{second or '00'}"


def ln(process: Process) -> int:
    """Make links."""
    options = Options(
        process,
        "sfnvrTt:biPLS:",
        "symbolic:s force:f no-dereference:n verbose:v relative:r no-target-directory:T "
        "target-directory=:t backup=?:b",
    )
    files = process.system.files
    operands = list(options.operands)
    options.needs(1, file=True)
    folder = options.value("t")
    if folder is None and len(operands) == 1:
        folder = "."
    elif folder is None:
        last = operands[-1]
        is_folder = files.kind(process, last) == "dir"
        if "n" in options and files.kind(process, last, follow=False) == "symlink":
            is_folder = False
        if is_folder and "T" not in options:
            folder = operands.pop()
        elif len(operands) > 2:
            process.complain(
                f"target '{last}' is not a directory"
                if not process.system.programs.is_busybox
                else f"{last}: Not a directory"
            )
            return 1
    code = 0
    pairs = (
        [(one, f"{folder.rstrip('/')}/{posixpath.basename(one.rstrip('/'))}") for one in operands]
        if folder is not None
        else [(operands[0], operands[1])]
    )
    for target, path in pairs:
        code = _link(process, options, target, path) or code
    return code


def _link(process: Process, options: Options, target: str, path: str) -> int:
    files = process.system.files
    busybox = process.system.programs.is_busybox
    symbolic = "s" in options
    if "r" in options and symbolic:
        target = posixpath.relpath(
            files.real_path(process, target),
            posixpath.dirname(posixpath.join(process.working_dir, path)),
        )
    try:
        if not symbolic:
            kind = files.status(process, target, follow=False).kind
            if kind == "dir":
                if busybox:
                    process.complain(f"{path}: Operation not permitted")
                else:
                    process.complain(f"{target}: hard link not allowed for directory")
                return 1
        if "f" in options and files.exists(process, path, follow=False):
            if files.kind(process, path, follow=False) == "dir":
                process.complain(
                    f"{path}: cannot overwrite directory"
                    if not busybox
                    else f"'{path}' is a directory"
                )
                return 1
            # Busybox looks at nothing first, and loses a file that is linked to itself.
            if not busybox and _is_same_file(process, target, path, symbolic=symbolic):
                process.complain(f"'{target}' and '{path}' are the same file")
                return 1
            files.remove_file(process, path)
        if symbolic:
            files.make_link(process, target, path)
        else:
            files.make_hard_link(process, target, path)
    except OSError as error:
        kind_word = "symbolic" if symbolic else "hard"
        if busybox:
            process.complain(
                f"{path if symbolic or error.errno != 2 else target}: {error.strerror}"
            )
        elif (
            not symbolic
            and error.errno == errno.ENOENT
            and not files.exists(process, target, follow=False)
        ):
            process.complain(f"failed to access '{target}': {error.strerror}")
        elif symbolic:
            process.complain(f"failed to create symbolic link '{path}': {error.strerror}")
        else:
            process.complain(
                f"failed to create {kind_word} link '{path}' => '{target}': {error.strerror}"
                if error.errno != errno.EEXIST
                else f"failed to create hard link '{path}': {error.strerror}"
            )
        return 1
    if "v" in options:
        process.print(f"'{path}' {'->' if symbolic or busybox else '=>'} '{target}'\n")
    return 0


def _is_same_file(process: Process, target: str, path: str, *, symbolic: bool) -> bool:
    """Tell whether a target would go with what is at a path, where its link is to be."""
    files = process.system.files
    if symbolic and not files.exists(process, target):
        return False
    status = files.status(process, path, follow=False)
    if files.status(process, target, follow=symbolic).inode != status.inode:
        return False
    target_key = files.find(process, target, follow=False).key
    return status.links == 1 or target_key == files.find(process, path, follow=False).key


def link(process: Process) -> int:
    """Make one hard link."""
    options = Options(process, "")
    options.needs(2)
    process.system.files.make_hard_link(process, options.operands[0], options.operands[1])
    return 0


def mkfifo(process: Process) -> int:
    """Make named pipes."""
    options = Options(process, "m:", "mode=:m")
    options.needs(1)
    code = 0
    for path in options.operands:
        try:
            process.system.files.make_node(process, path, "fifo", _mode(process, options, 0o666))
            if options.value("m"):
                process.system.files.set_mode(process, path, _mode(process, options, 0o666))
        except OSError as error:  # noqa: PERF203  (each one is told of)
            process.complain(
                f"{path}: {error.strerror}"
                if process.system.programs.is_busybox
                else f"cannot create fifo '{path}': {error.strerror}"
            )
            code = 1
    return code


def _mode(process: Process, options: Options, default: int) -> int:
    text = options.value("m")
    if text is None:
        return default
    mode = symbolic_mode(text, default, is_folder=False, umask=process.umask)
    if mode is None:
        raise process.fail(f"invalid mode: '{text}'")
    return mode


def mknod(process: Process) -> int:
    """Make pipes and devices."""
    options = Options(process, "m:", "mode=:m")
    operands = options.operands
    options.needs(2)
    path, kind = operands[:2]
    kinds = {"p": "fifo", "c": "char", "u": "char", "b": "block"}
    if kind not in kinds:
        raise usage(process, f"invalid device type '{kind}'")
    device = (0, 0)
    if kind != "p":
        if len(operands) < 4:
            raise usage(process, "Special files require major and minor device numbers.")
        device = (int(operands[2], 0), int(operands[3], 0))
    try:
        process.system.files.make_node(
            process, path, kinds[kind], _mode(process, options, 0o666), device
        )
    except OSError as error:
        raise process.fail(f"{path}: {error.strerror}") from error
    return 0


def mktemp(process: Process) -> int:
    """Make a file or folder with a name of its own."""
    options = Options(
        process,
        "dqutp:V",
        "directory:d quiet:q dry-run:u tmpdir=?:p suffix=",
    )
    files = process.system.files
    template = options.operands[0] if options.operands else ""
    suffix = options.value("suffix") or ""
    folder = options.value("p")
    if not template:
        template = "tmp.XXXXXXXXXX" if not process.system.programs.is_busybox else "tmp.XXXXXX"
        folder = folder or process.environment.get("TMPDIR") or _TEMPORARY
    elif ("t" in options or "p" in options) and not template.startswith("/"):
        folder = folder or process.environment.get("TMPDIR") or _TEMPORARY
    match = re.search(r"X{3,}(?=[^X]*$)", template)
    if match is None or (process.system.programs.is_busybox and not template.endswith("XXXXXX")):
        if process.system.programs.is_busybox:
            raise process.fail(f"{template}: Invalid argument")
        raise process.fail(f"too few X's in template '{template}'")
    while True:
        letters = "".join(process.system.random.choice(_LETTERS) for _ in match[0])
        name = template[: match.start()] + letters + template[match.end() :] + suffix
        path = f"{folder.rstrip('/')}/{name}" if folder and not name.startswith("/") else name
        if not files.exists(process, path, follow=False):
            break
    try:
        if "u" not in options:
            if "d" in options:
                files.make_folder(process, path)
                files.set_mode(process, path, 0o700)
            else:
                files.write_file(process, path, b"")
                files.set_mode(process, path, 0o600)
    except OSError as error:
        if "q" in options:
            return 1
        if process.system.programs.is_busybox:
            raise process.fail(f"{template}: {error.strerror}") from error
        what = "directory" if "d" in options else "file"
        shown = f"{folder}/{template}" if folder else template
        raise process.fail(
            f"failed to create {what} via template '{shown}': {error.strerror}"
        ) from error
    process.print(path + "\n")
    return 0


def truncate(process: Process) -> int:
    """Cut files off, or lengthen them."""
    options = Options(process, "cs:r:o", "no-create:c size=:s reference=:r")
    files = process.system.files
    text = options.value("s")
    reference = options.value("r")
    if text is None and reference is None:
        raise usage(process, "you must specify either '--size' or '--reference'")
    options.needs(1, file=True)
    code = 0
    for path in options.operands:
        try:
            exists = files.exists(process, path)
            if not exists:
                if "c" in options:
                    continue
                files.write_file(process, path, b"")
            size = files.status(process, reference or path).size
            files.truncate(process, path, _size(process, text, size) if text else size)
        except OSError as error:
            process.complain(
                f"{path}: {error.strerror}"
                if process.system.programs.is_busybox
                else f"cannot open '{path}' for writing: {error.strerror}"
            )
            code = 1
    return code


_UNITS = {
    "": 1,
    "K": 1024,
    "k": 1024,
    "M": 1 << 20,
    "G": 1 << 30,
    "T": 1 << 40,
    "KB": 1000,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 1024,
    "MiB": 1 << 20,
}


def _size(process: Process, text: str, old: int) -> int:
    match = re.fullmatch(r"([-+<>/%]?)(\d+)([A-Za-z]*)", text)
    if match is None or match[3] not in _UNITS:
        raise process.fail(f"Invalid number: '{text}'")
    value = int(match[2]) * _UNITS[match[3]]
    return {
        "": value,
        "+": old + value,
        "-": max(0, old - value),
        "<": min(old, value),
        ">": max(old, value),
        "/": old // value * value if value else old,
        "%": -(-old // value) * value if value else old,
    }[match[1]]
