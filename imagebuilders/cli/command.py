"""The command: its subcommands, and how it ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from imagebuilders.cli import failures, output
from imagebuilders.cli.bake_command import bake
from imagebuilders.cli.build_command import build
from imagebuilders.cli.cache_commands import cache
from imagebuilders.cli.context_commands import context
from imagebuilders.cli.history_commands import history
from imagebuilders.cli.sanitize import printable_lines
from imagebuilders.cli.stack_commands import flavors, stack
from imagebuilders.version import VERSION

PROGRAM = "imagebuilders"


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise failures.InterruptedByUserError from None


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(VERSION, prog_name=PROGRAM)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Build container images, and look into what goes into them."""
    output.help_without_command(ctx)


command.add_command(build)
command.add_command(bake)
command.add_command(context)
command.add_command(history)
command.add_command(cache)
command.add_command(stack)
command.add_command(flavors)


def run(words: Sequence[str]) -> int:
    """Run the command, and give its exit code.

    Args:
        words: what stands after the command's name.
    """
    with output.standard_streams():
        return _run(list(words))


def _run(words: list[str]) -> int:
    try:
        # Without "standalone mode" click raises its errors and returns what `--help` ends with.
        code = command.main(words, prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
    except (failures.OutputClosedError, BrokenPipeError, SystemExit):
        # In this mode click exits by itself for one reason: `--help` met a closed pipe.
        output.give_up_output()
        return failures.OUTPUT_CLOSED
    except (click.Abort, failures.InterruptedByUserError):
        return _report(failures.InterruptedByUserError(), as_json="--json" in words)
    except Exception as error:  # a fault too, such as one of a third party's builder
        trouble = output.give_up_unwritable()
        if trouble is not None:  # `--help` writes by itself, and raises the system's error
            return _report(failures.OutputFailedError(trouble), as_json=False)
        return _report(error, as_json="--json" in words)
    return code if isinstance(code, int) else 0


def _report(error: Exception, *, as_json: bool) -> int:
    try:
        if as_json:
            output.write_json(sys.stdout, failures.error_record(error))
            return failures.exit_code(error)
        if isinstance(error, click.UsageError) and error.ctx is not None:
            output.write_line(sys.stderr, error.ctx.get_usage())
            output.write_line(sys.stderr, f"See '{error.ctx.command_path} --help'.")
        if not failures.is_expected(error):
            output.write_line(sys.stderr, printable_lines(failures.traceback_of(error)))
        output.error_message(failures.message(error))
    except failures.OutputClosedError:
        output.give_up_output()
    except failures.OutputFailedError:
        output.give_up_unwritable()
    return failures.exit_code(error)
