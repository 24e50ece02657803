"""Runs a buildspec in a real shell, as a build's container does.

All commands are run by one POSIX shell, so that variables which one exports are there for the next
(https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html).
"""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from .builds import BuildStoppedError, FakeBuild, PhaseFailedError
from .buildspec import Buildspec, read_buildspec


class Programs(Protocol):
    """The programs that a build finds on its `PATH`."""

    def installed(self, folder: Path) -> None:
        """Put the programs into a folder."""
        ...


class ShellRunner:
    """Runs buildspecs on this machine.

    Args:
        environment: the environment variables of every build, as CodeBuild gives them.
        programs: installs further programs, found before those of this machine.
        resolve_secret: returns a secret, by the type and the name of its variable.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        programs: Programs | None = None,
        resolve_secret: Callable[[str, str], str] | None = None,
    ) -> None:
        self._environment = dict(environment)
        self._programs = programs
        self._resolve_secret = resolve_secret

    def run(self, build: FakeBuild) -> None:
        """Run a build to its end.

        Raises:
            PhaseFailedError: a phase failed.
            BuildStoppedError: the build was stopped.
        """
        with tempfile.TemporaryDirectory(prefix="code-build-") as made:
            folder = Path(made)
            try:
                spec = read_buildspec(build.buildspec)
                variables = self._variables(build, folder)
            except PhaseFailedError:
                with build.phase("INSTALL"):
                    raise
            _Shell(build, spec, folder, variables).run()

    def _variables(self, build: FakeBuild, folder: Path) -> dict[str, str]:
        bin_folder, source, home = folder / "bin", folder / "src", folder / "home"
        for made in (bin_folder, source, home):
            made.mkdir()
        if self._programs is not None:
            self._programs.installed(bin_folder)
        variables = {
            "PATH": f"{bin_folder}:{os.environ.get('PATH', os.defpath)}",
            "HOME": str(home),
            "CODEBUILD_SRC_DIR": str(source),
            "CODEBUILD_BUILD_ID": build.id,
            "CODEBUILD_BUILD_ARN": build.arn,
            **self._environment,
        }
        for item in build.request.get("environmentVariablesOverride", ()):
            value = item["value"]
            if item.get("type", "PLAINTEXT") != "PLAINTEXT":
                value = self._secret(item["type"], value)
            variables[item["name"]] = value
        return variables

    def _secret(self, kind: str, name: str) -> str:
        if self._resolve_secret is None:
            raise PhaseFailedError(f"{kind}_ERROR", f"{name} is not there")
        return self._resolve_secret(kind, name)


class _Shell:
    """The shell of one build."""

    def __init__(
        self, build: FakeBuild, spec: Buildspec, folder: Path, variables: Mapping[str, str]
    ) -> None:
        self._build = build
        self._spec = spec
        self._folder = folder
        self._variables = variables
        # Nothing that a command prints is taken for a word of the shell's own.
        self._mark = secrets.token_hex(16)
        self._ended: list[tuple[str, int]] = []

    def run(self) -> None:
        script = self._script()
        shell = shutil.which("sh") or "/bin/sh"
        with (
            subprocess.Popen(
                [shell, str(script)],
                cwd=self._folder / "src",
                env=dict(self._variables),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            ) as process,
            self._killed_when_stopped(process),
        ):
            assert process.stdout is not None
            lines = iter(process.stdout.readline, b"")
            for phase in self._spec.phases:
                self._phase(phase, lines)

    def _phase(self, name: str, lines: Iterator[bytes]) -> None:
        """Follow the shell through one phase."""
        with self._build.phase(name.upper()):
            command = ""
            for raw in lines:
                line = raw.decode("utf-8", "replace").rstrip("\n")
                if not line.startswith(self._mark):
                    self._build.write_log(line)
                    continue
                kind, _, rest = line[len(self._mark) + 1 :].partition(" ")
                if kind == "begin":
                    command = self._spec.commands[int(rest)].text
                    self._build.write_log(f"[Container] Running command {command}")
                elif kind == "export":
                    variable, _, value = rest.partition(" ")
                    self._build.exported[variable] = value
                elif kind == "failed":
                    raise self._failure(command, rest)
                elif kind == "phase":
                    return
            if self._build.stop.is_set():
                raise BuildStoppedError
            raise self._failure(command, "2")

    def _failure(self, command: str, code: str) -> Exception:
        if self._build.stop.is_set():
            return BuildStoppedError()
        return PhaseFailedError(
            "COMMAND_EXECUTION_ERROR",
            f"Error while executing command: {command}. Reason: exit status {code}",
        )

    def _script(self) -> Path:
        """Write what the shell runs: each command in its own file, in the shell itself."""
        told = f"printf '%s %s\\n' {self._mark}"
        lines = []
        for phase in self._spec.phases:
            for index, command in enumerate(self._spec.commands):
                if command.phase != phase:
                    continue
                file = self._folder / f"command-{index}"
                file.write_text(command.text + "\n", encoding="utf-8")
                lines += [
                    f"{told} 'begin {index}'",
                    f". {shlex.quote(str(file))}",
                    f'code=$?; if [ "$code" -ne 0 ]; then {told} "failed $code"; exit 1; fi',
                ]
            lines += [f'{told} "export {name} ${{{name}}}"' for name in self._spec.exported]
            lines.append(f"{told} 'phase {phase}'")
        script = self._folder / "script"
        script.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return script

    @contextmanager
    def _killed_when_stopped(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        """Kill the shell and all that it started when the build is stopped."""
        is_over = threading.Event()

        def watch() -> None:
            while not is_over.is_set():
                if self._build.stop.wait(0.05):
                    break
            with suppress(ProcessLookupError):
                if self._build.stop.is_set():
                    os.killpg(process.pid, signal.SIGKILL)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            is_over.set()
            watcher.join()
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
