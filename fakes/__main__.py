"""`python -m fakes`: the doubles as programs."""

from __future__ import annotations

from importlib import import_module

import click

# Loaded when asked for, so that one double's needs are not another's.
_COMMANDS = {
    "buildkit": ".buildkit.command",
    "engine": ".engine.command",
    "registry": ".registry.command",
    "run": ".engine.command",
}


class _Doubles(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(import_module(_COMMANDS[cmd_name], __package__), cmd_name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Doubles)
def main() -> None:
    """Run a double as a program of its own."""


if __name__ == "__main__":
    main(prog_name="python -m fakes")
