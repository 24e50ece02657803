"""Random Dockerfiles with their contexts, in the form of the cases that `buildkit_cases` holds.

What they may hold is what a daemon evaluates without running anything and without a network: the
bases are those of the cases, commands and URLs do not occur, archives are of the compressions
that need no program. A seed always makes the same.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import random
import tarfile
from collections.abc import Sequence
from typing import Any, TypeVar

import dockerfile_words as words
from buildkit_cases import Case
from dockerfile_words import Choices

ChoiceT = TypeVar("ChoiceT")


class DockerfileGenerator:
    """Makes cases.

    Args:
        seed: decides all of them.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._is_odd = False
        self._entries: list[dict[str, Any]] = []
        self._stages: list[str] = []
        self._aliases: list[str] = []

    def case(self) -> Case:
        """Return the next one; a third of them may fail."""
        self._is_odd = self._chance(0.35)
        self._entries, self._stages, self._aliases = self._context(), [], []
        case: dict[str, Any] = {"run_free": True}
        if self._chance(0.2):
            case["named_contexts"] = self._named_contexts()
            self._aliases = [*case["named_contexts"]]
        case["dockerfile"] = self._dockerfile()
        if self._chance(0.3):
            text = self._pick(words.IGNORES)
            if self._chance(0.3):
                case["dockerfile_dockerignore"] = text
            else:
                case["dockerignore"] = text
                self._entries.append(self._file(".dockerignore", text.encode()))
        if self._chance(0.35):
            names = self._random.sample(sorted(words.GIVEN), self._random.randint(1, 4))
            case["build_args"] = {name: words.GIVEN[name] for name in names}
        if self._chance(0.1):
            case["labels"] = {"given": "one two", "base.one": "over", "VAR": "$VAR"}
        if self._chance(0.15):
            odd = ["0", "Build0", "none"] if self._is_odd else []
            case["target"] = self._pick([*self._stages, *self._stages, *odd] or [""])
        if self._chance(0.1):
            case["platform"] = "linux/amd64"
        if self._chance(0.05):
            case["options"] = {"hostname": "host"}
        return {**case, "context": self._entries}

    # --- context -------------------------------------------------------------

    def _context(self) -> list[dict[str, Any]]:
        folders, files = [""], list[str]()
        # What the triggers of a base copy.
        entries = [self._file("def.txt", b"d"), self._file("last.txt", b"l")]
        taken = {"def.txt", "last.txt"}

        def free(name: str) -> str | None:
            above = self._pick(folders)
            path = f"{above}/{name}" if above else name
            if path in taken:
                return None
            taken.add(path)
            return path

        for _ in range(self._random.randint(1, 5)):
            if path := free(self._pick(words.NAMES)):
                folders.append(path)
                entries.append(self._entry(path, "dir", self._pick(words.FOLDER_MODES)))
        for _ in range(self._random.randint(2, 7)):
            if path := free(self._pick(words.STEMS) + self._pick(words.ENDINGS)):
                files.append(path)
                entries.append(self._file(path, path.encode() * self._random.randint(0, 3)))
        for number in range(self._random.randint(0, 3)):
            if path := free(f"ln{number}"):
                target = self._link_target(path, [*files, *folders])
                entries.append({**self._entry(path, "symlink"), "target": target})
        if files and self._chance(0.2):
            entries.append({"path": "hard", "type": "hardlink", "target": self._pick(files)})
        if self._chance(0.35):
            entries.append(self._file(*self._archive()))
        return entries

    def _link_target(self, path: str, others: Sequence[str]) -> str:
        up, other = "../" * path.count("/"), self._pick(others)
        odd = (f"{up}missing", "..", f"{up}ln0", "/missing/x", "../../../..")
        plain = (f"{up}{other}" or ".", f"/{other}", f"{up}./{other}")
        return self._pick(odd if self._is_odd and self._chance(0.4) else plain)

    def _entry(self, path: str, kind: str, mode: str = "0777") -> dict[str, Any]:
        mtime = self._random.randint(10**8, 10**9)
        return {"path": path, "type": kind, "mode": mode, "mtime": mtime}

    def _file(self, path: str, content: bytes) -> dict[str, Any]:
        held = {"content_base64": base64.b64encode(content).decode()}
        return {**self._entry(path, "file", self._pick(words.MODES)), **held}

    def _archive(self) -> tuple[str, bytes]:
        buffer = io.BytesIO()
        form = self._pick((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT))
        with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
            for _ in range(self._random.randint(1, 7)):
                self._add_member(archive)
        raw = buffer.getvalue()
        packed = (
            (".tar", raw),
            (".bin", raw),
            (".tgz", gzip.compress(raw, mtime=0)),
            (".tar.bz2", bz2.compress(raw)),
        )
        ending, content = self._pick(packed)
        cut = len(content) // 2 if self._is_odd and self._chance(0.2) else len(content)
        return f"pack{ending}", content[:cut]

    def _add_member(self, archive: tarfile.TarFile) -> None:
        name = self._pick(words.MEMBERS)
        info = tarfile.TarInfo(name)
        info.mtime, info.mode = self._random.randint(0, 10**9), int(self._pick(words.MODES), 8)
        info.uid, info.gid = self._pick((0, 1000)), self._pick((0, 50))
        kind = self._random.random()
        if name in ("t", "d", ".") or kind < 0.1:
            info.type = tarfile.DIRTYPE
        elif name == "ln" or kind < 0.2:
            info.type, info.linkname = tarfile.SYMTYPE, self._pick(words.LINKS)
        elif self._is_odd and (name == "h" or kind < 0.25):
            info.type, info.linkname = tarfile.LNKTYPE, self._pick(("t/one", "d/x", "opt/file"))
        elif kind < 0.25:
            info.type = tarfile.FIFOTYPE
        content = name.encode() if info.type == tarfile.REGTYPE else b""
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))

    def _named_contexts(self) -> dict[str, Any]:
        entries = [
            self._entry("src", "dir", "0755"),
            self._file("src/b.md", b"named"),
            self._file("file", b"a"),
        ]
        named: dict[str, Any] = {}
        for name in self._random.sample(("assets", "st1", "bare", "alias"), 2):
            image = {"type": "image", "ref": self._pick(("accounts", "configured", "bare"))}
            named[name] = image if self._chance(0.5) else {"type": "local", "entries": entries}
        return named

    # --- Dockerfile ----------------------------------------------------------

    def _dockerfile(self) -> str:
        lines = []
        if self._chance(0.12):
            lines.append(self._choose(words.COMMENTS))
        if self._chance(0.35):
            lines.append(f"ARG GLOBAL={self._pick(words.GLOBALS)}")
        if self._chance(0.1):
            lines.append(f"ARG OTHER={self._choose(words.VALUES)}")
        for number in range(self._random.randint(1, 3)):
            lines.append(self._from(number))
            lines += [self._instruction() for _ in range(self._random.randint(1, 8))]
        return "\n".join(lines) + "\n"

    def _from(self, number: int) -> str:
        common = ["scratch", "accounts", *words.BASES, "${GLOBAL:-bare}", *self._stages]
        base = self._pick([*common, *self._aliases, *(["$GLOBAL", "Build0"] * self._is_odd)])
        name = self._pick(("", f" AS st{number}", f" AS st{number}", f" as Build{number}"))
        if name:
            self._stages.append(name.split()[1].lower())
        platform = f"--platform={self._pick(words.PLATFORMS)} " if self._chance(0.1) else ""
        return f"{self._pick(('FROM', 'FROM', 'FROM', 'from'))} {platform}{base}{name}"

    def _instruction(self) -> str:
        kind = self._random.random()
        if kind < 0.42:
            return self._copy()
        if kind < 0.5:
            return self._document()
        if kind < 0.6:
            return f"WORKDIR {self._choose(words.FOLDERS)}"
        if kind < 0.66:
            return f"ONBUILD {self._choose(words.TRIGGERS)}"
        if kind < 0.8:
            return self._choose(words.METADATA)
        return self._pairs() if kind < 0.92 else self._argument()

    def _pairs(self) -> str:
        word = self._pick(("ENV", "ENV", "LABEL"))
        if self._chance(0.15):
            return f"{word} {self._pick(words.KEYS)} {self._choose(words.VALUES)}"
        keys = words.KEYS if word == "ENV" else (*words.KEYS, *words.LABELS)
        count = self._random.randint(1, 3)
        pairs = [f"{self._pick(keys)}={self._choose(words.VALUES)}" for _ in range(count)]
        return f"{word} " + self._pick((" ", " ", " \\\n    ", "  ", " \\\n# c\n ")).join(pairs)

    def _argument(self) -> str:
        value = self._pick(("", "=", f"={self._choose(words.VALUES)}"))
        first = f"ARG {self._pick(words.ARGUMENTS)}{value}"
        return first + self._pick(("", "", f" {self._pick(words.ARGUMENTS)}=$VAR"))

    def _copy(self) -> str:
        word, flags = self._pick(("COPY", "COPY", "COPY", "ADD")), list[str]()
        sources: Sequence[str] = self._context_sources()
        if word == "COPY" and self._chance(0.35):
            origin, sources = self._origin()
            flags.append(f"--from={origin}")
        if self._chance(0.2):
            flags.append(f"--chown={self._choose(words.OWNERS)}")
        if self._chance(0.2):
            flags.append(f"--chmod={self._choose(words.CHMODS)}")
        if self._chance(0.2):
            flags.append(self._pick(("--link", "--link", "--link=true", "--link=false")))
        if self._chance(0.15):
            count = self._random.randint(1, 2)
            flags += [f"--exclude={self._pick(words.PATTERNS)}" for _ in range(count)]
        if word == "ADD" and self._chance(0.15):
            flags.append(self._pick(words.ADD_FLAGS))
        if self._is_odd and self._chance(0.03):
            flags.append("--parents")
        self._random.shuffle(flags)
        taken = [self._pick(sources) for _ in range(self._pick((1, 1, 1, 1, 2, 2, 3)))]
        taken.append(self._choose(words.DESTINATIONS))
        if self._chance(0.15):
            return " ".join([word, *flags, "[" + ", ".join(f'"{text}"' for text in taken) + "]"])
        return " ".join([word, *flags, *taken])

    def _context_sources(self) -> list[str]:
        paths = [entry["path"] for entry in self._entries]
        folders = [entry["path"] for entry in self._entries if entry["type"] == "dir"]
        written = [*paths, *(f"{path}/" for path in folders), *(f"/{path}" for path in paths[:3])]
        below = [f"{path}/*" for path in folders] + [f"{path}/../{path}" for path in folders]
        archives = [path for path in paths if path.startswith("pack")]
        written += [*below, *archives, *archives, *words.SOURCES.plain]
        return [*written, *words.SOURCES.odd] if self._is_odd else written

    def _origin(self) -> tuple[str, Sequence[str]]:
        """Return what a COPY is from, and what may be copied from it."""
        if self._stages and self._chance(0.5):
            name = self._pick((self._pick(self._stages), "0", "Build0" if self._is_odd else "0"))
            return name, ("/", "/*", "/x*", "/opt*", *(("/x", "/opt") * self._is_odd))
        if self._aliases and self._chance(0.5):
            return self._pick(self._aliases), ("/", "/*", *(("src", "/src/b.md") * self._is_odd))
        name = self._pick([*words.BASES])
        return name, words.BASES[name] if name not in self._aliases else ("/", "/f*")

    def _document(self) -> str:
        word = self._pick(("COPY", "COPY", "ADD"))
        mark = self._pick(("<<EOF", "<<-EOF", "<<'EOF'", '<<"EOF"', "<<-'EOF'"))
        flags = self._pick(words.DOCUMENT_FLAGS)
        lines = [self._pick(words.TEXT) for _ in range(self._random.randint(0, 4))]
        if self._chance(0.15):
            mark, lines = f"{mark} <<two", [*lines, "EOF", "second $VAR", "two"]
        else:
            lines.append("EOF")
        return "\n".join([f"{word} {flags}{mark} {self._choose(words.DESTINATIONS)}", *lines])

    # --- chance --------------------------------------------------------------

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _pick(self, given: Sequence[ChoiceT]) -> ChoiceT:
        return self._random.choice(given)

    def _choose(self, choices: Choices) -> str:
        return self._pick(choices.odd if self._is_odd and self._chance(0.12) else choices.plain)
