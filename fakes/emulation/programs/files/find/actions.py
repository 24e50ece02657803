"""The actions of an expression."""

from __future__ import annotations

import posixpath

from ....endings import ProcessExit
from ....shell.escapes import format_text
from ...invoking import invoke
from .formats import Format
from .tests import Tests
from .visit import Test, Visit


class Actions(Tests):
    """Makes actions of words."""

    def _acting(self, test: Test) -> Test:
        self._search.acts = True
        return test

    def _print(self, visit: Visit) -> bool:
        self._process.print(visit.path + "\n")
        return True

    def _print0(self, visit: Visit) -> bool:
        self._process.print(visit.path + "\0")
        return True

    def _quit(self, _visit: Visit) -> bool:
        raise ProcessExit(self._search.code)

    def _prune_test(self) -> Test:
        def test(_visit: Visit) -> bool:
            self._search.prunes = True
            return True

        return test

    def _deleting(self) -> Test:
        self._search.acts = self._search.depth_first = True

        def test(visit: Visit) -> bool:
            if visit.path in (".", "./"):
                return True
            files = self._process.system.files
            try:
                if visit.status.kind == "dir":
                    files.remove_folder(self._process, visit.path)
                else:
                    files.remove_file(self._process, visit.path)
            except OSError as error:
                self._process.complain(
                    f"cannot delete '{visit.path}': {error.strerror}"
                    if not self._busybox
                    else f"{visit.path}: {error.strerror}"
                )
                self._search.code = 1
                return False
            return True

        return test

    def _exec(self, word: str, *, in_folder: bool = False) -> Test:
        self._search.acts = True
        command: list[str] = []
        while True:
            if self._position >= len(self._words):
                raise self._wrong(
                    f"missing argument to `{word}'"
                    if not self._busybox
                    else f"requires an argument: {word}"
                )
            one = self._words[self._position]
            self._position += 1
            if one == ";":
                break
            if one == "+" and (self._busybox or (command and command[-1] == "{}")):
                if self._busybox and sum(part.count("{}") for part in command) != 1:
                    raise self._process.fail("only one '{}' allowed for -exec +")
                batch: list[str] = []
                self._search.batches.append((command[:-1], batch))

                def add(visit: Visit, batch: list[str] = batch) -> bool:
                    batch.append(visit.path)
                    return True

                return add
            command.append(one)
        if not command:
            raise self._wrong(f"missing argument to `{word}'")

        def test(visit: Visit) -> bool:
            shown, home = visit.path, self._process.working_dir
            self._process.flush()
            if in_folder:
                folder, _, name = visit.path.rpartition("/")
                shown = f"./{name}"
                self._process.working_dir = posixpath.normpath(
                    posixpath.join(home, folder or ("/" if visit.path[:1] == "/" else "."))
                )
            words = [one.replace("{}", shown) for one in command]
            try:
                return not invoke(self._process, words, complain=self._not_run)
            finally:
                self._process.working_dir = home

        return test

    def _not_run(self, name: str, reason: str) -> None:
        self._process.complain(self._shown(name, reason))

    def _printf(self, word: str) -> Test:
        self._search.acts = True
        pattern, _ = format_text(self._take(word))
        shown = Format(self._process, self._accounts, pattern)

        def test(visit: Visit) -> bool:
            self._process.print(shown.text(visit))
            return True

        return test
