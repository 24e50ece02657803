"""`python -m fakes`: the doubles as programs."""

from __future__ import annotations

from importlib import import_module

import click

# Loaded when asked for, so that one double's needs are not another's.
_COMMANDS = {
    "buildkit": (".buildkit.command", "Serve a BuildKit double; print its BUILDKIT_HOST."),
    "engine": (".engine.command", "Serve a Docker Engine double; print its DOCKER_HOST."),
    "registry": (".registry.command", "Serve a registry double; print its URL."),
    "run": (".engine.command", "Run a command with a Docker Engine double."),
}


class _Doubles(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module, _ = _COMMANDS[cmd_name]
        command = getattr(import_module(module, __package__), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in _COMMANDS.items()])


@click.group(cls=_Doubles, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run a double as a program of its own.

    \b
    Examples:
      python -m fakes engine --seed python:3.12-slim
      python -m fakes registry --listen tcp://127.0.0.1:0
      python -m fakes run --engine-version 28.5 pytest -q
    """


if __name__ == "__main__":
    main(prog_name="python -m fakes")
