"""The command: its subcommands, and how it ends."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import click

from imagebuilders.cli import failures, output
from imagebuilders.cli.named_commands import NamedCommand, NamedCommands
from imagebuilders.cli.next_steps import next_step
from imagebuilders.sanitize import printable_lines
from imagebuilders.version import VERSION

PROGRAM = "imagebuilders"


_HERE = "imagebuilders.cli"
_COMMANDS = {
    "bake": NamedCommand(
        f"{_HERE}.bake_command:bake", "Build the targets of compose files and of bake's JSON."
    ),
    "build": NamedCommand(f"{_HERE}.build_command:build", "Build an image from a folder."),
    "cache": NamedCommand(
        f"{_HERE}.cache_commands:cache",
        "Look at what earlier builds left for later ones, and remove it.",
    ),
    "completion": NamedCommand(
        f"{_HERE}.completion_command:completion", "Print what makes a shell complete the command."
    ),
    "context": NamedCommand(f"{_HERE}.context_commands:context", "Look at what goes into a build."),
    "diff": NamedCommand(f"{_HERE}.diff_command:diff", "Show what differs between two images."),
    "doctor": NamedCommand(
        f"{_HERE}.doctor_command:doctor", "See whether builds can work here, and what is missing."
    ),
    "flavors": NamedCommand(f"{_HERE}.stack_commands:flavors", "List what a stack can be made of."),
    "history": NamedCommand(
        f"{_HERE}.history_commands:history", "Show the builds that the daemon remembers."
    ),
    "inspect": NamedCommand(
        f"{_HERE}.inspect_command:inspect", "Show an image: platforms, layers, attestations."
    ),
    "plan": NamedCommand(f"{_HERE}.plan_command:plan", "Show what a build would do, step by step."),
    "push": NamedCommand(f"{_HERE}.push_command:push", "Push images that the Docker Engine has."),
    "report": NamedCommand(f"{_HERE}.report_command:report", "Write the page of an earlier build."),
    "split": NamedCommand(
        f"{_HERE}.split_command:split", "Show where a Dockerfile could be cut in two."
    ),
    "stack": NamedCommand(f"{_HERE}.stack_commands:stack", "Look at the active stack."),
}


class _Commands(NamedCommands):
    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise failures.InterruptedByUserError from None


@click.group(
    cls=_Commands,
    named=_COMMANDS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(VERSION, prog_name=PROGRAM)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Build container images, and look into what goes into them.

    \b
    Examples:
      imagebuilders build app -t shop:1.4
      imagebuilders doctor
      imagebuilders inspect shop:1.4
    """
    output.help_without_command(ctx)


def run(words: Sequence[str], is_stopped: Callable[[], bool] = lambda: False) -> int:
    """Run the command, and give its exit code.

    Args:
        words: what stands after the command's name.
        is_stopped: tells whether a signal has told the process to stop, of which a library may
            make any error.
    """
    with output.standard_streams():
        return _run(list(words), is_stopped)


def _run(words: list[str], is_stopped: Callable[[], bool]) -> int:
    try:
        # Without "standalone mode" click raises its errors and returns what `--help` ends with.
        code = command.main(words, prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
    except (failures.OutputClosedError, BrokenPipeError, SystemExit) as ended:
        # In this mode click exits by itself for two reasons: a shell was told what completes a
        # line, or `--help` met a closed pipe.
        if isinstance(ended, SystemExit) and ended.code == 0:
            return 0
        output.give_up_output()
        return failures.OUTPUT_CLOSED
    except (click.Abort, failures.InterruptedByUserError):
        return _report(failures.InterruptedByUserError(), as_json="--json" in words)
    except Exception as error:  # a fault too, such as one of a third party's builder
        if is_stopped() or failures.is_interruption(error):
            return _report(failures.InterruptedByUserError(), as_json="--json" in words)
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
        if step := next_step(error):
            output.labelled("next", "bold cyan", step)
    except failures.OutputClosedError:
        output.give_up_output()
    except failures.OutputFailedError:
        output.give_up_unwritable()
    return failures.exit_code(error)
