"""`imagebuilders completion`."""

from __future__ import annotations

from importlib import import_module

import click
from click.shell_completion import ShellComplete, get_completion_class

from imagebuilders.cli import output

_PROGRAM = "imagebuilders"
_VARIABLE = "_IMAGEBUILDERS_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete commands, flags, stages, builders and files.

    \b
    Examples:
      imagebuilders completion bash > ~/.local/share/bash-completion/completions/imagebuilders
      imagebuilders completion zsh > ~/.zfunc/_imagebuilders
      imagebuilders completion fish > ~/.config/fish/completions/imagebuilders.fish
    """
    command = import_module("imagebuilders.cli.command").command
    found = get_completion_class(shell)
    assert found is not None  # click has all three
    # The base class's method: that of bash begins one to look at its version.
    output.result(ShellComplete.source(found(command, {}, _PROGRAM, _VARIABLE)))
