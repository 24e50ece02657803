"""What commands do, told to an engine that executes none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Effects(Protocol):
    """An engine that executes nothing and is told what commands do, as the double is.

    Each method has the meaning that `fakes.FakeDockerEngine` gives it.
    """

    def on_run(
        self,
        pattern: str,
        *,
        files: Mapping[str, str | bytes | None] | None = None,
        env: Mapping[str, str] | None = None,
        output: str = "",
        error_output: str = "",
        exit_code: int = 0,
    ) -> None:
        """Give the RUN steps that match effects."""
        ...

    def on_container(
        self,
        image: str = "*",
        *,
        command: str = "*",
        output: str | bytes = "",
        error_output: str | bytes = "",
        exit_code: int = 0,
        delay: float = 0.0,
        service: bool = False,
        files: Mapping[str, str | bytes | None] | None = None,
    ) -> None:
        """Give containers effects."""
        ...

    def on_exec(
        self,
        command: str = "*",
        *,
        image: str = "*",
        output: str | bytes = "",
        error_output: str | bytes = "",
        exit_code: int = 0,
        delay: float = 0.0,
        files: Mapping[str, str | bytes | None] | None = None,
    ) -> None:
        """Give commands in running containers effects."""
        ...
