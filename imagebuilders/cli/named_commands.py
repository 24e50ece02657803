"""A group of commands that are imported when they are called."""

from __future__ import annotations

from collections.abc import Mapping
from pkgutil import resolve_name

import click

from imagebuilders.lazy_dataclass import dataclass


@dataclass(frozen=True)
class NamedCommand:
    """Where a command is, and what it does in a line.

    Attributes:
        place: its module and name, as in `imagebuilders.cli.build_command:build`.
        summary: the line that stands beside it in the list of commands.
    """

    place: str
    summary: str


class NamedCommands(click.Group):
    """A group that knows its commands by name, so that a call of one does not wait for the others.

    Its help needs none of them; completion imports those that begin with what was typed.
    """

    def __init__(
        self, name: str | None = None, *, named: Mapping[str, NamedCommand], **settings: object
    ) -> None:
        """Make the group.

        Args:
            name: what it is called.
            named: its commands, by name.
            settings: what every group of click takes.
        """
        super().__init__(name, **settings)  # type: ignore[arg-type]
        self._named = named

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names."""
        del ctx
        return sorted(self._named)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; return `None` if there is none of that name."""
        # What click suggests in place of an unknown name, it takes from those that are there.
        for name in (cmd_name,) if cmd_name in self._named else self._named:
            if name not in self.commands:
                command: click.Command = resolve_name(self._named[name].place)
                command.short_help = self._named[name].summary
                self.add_command(command, name)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        rows = [(name, self._named[name].summary) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
