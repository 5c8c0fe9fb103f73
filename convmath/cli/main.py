"""The entry point: finds the command, and turns every error into one message and one exit status."""

from __future__ import annotations

import gc
import os
import sys
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

import click

from convmath.cli.complete import PROGRAM, VARIABLE
from convmath.cli.output import complain, stdout_is_gone
from convmath.errors import ConvmathError, inert

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "analyze": "every quantity of a network, per layer and in total",
    "check": "put claimed formulas on trial: proved, confirmed, or refuted by the smallest counterexample",
    "compare": "networks, or variants of one, side by side, with ratios in closed form",
    "completion": "the script with which a shell completes what you type",
    "convert": "a network as a spec file that a person can read, with its branches and repeats",
    "draw": "pictures: sliding windows, weight matrices, receptive fields, the network",
    "formulas": "closed forms with their derivations; the general formulas of a kind of layer",
    "run": "execute on real data; write every window as the sum of products that it is",
    "schema": "the JSON Schema of a spec file, for editors",
    "pixels": "which pixels an output reads, and which outputs read a pixel",
    "solve": "the input sizes that are valid, or that give an output",
    "verify": "confirm every formula of a network, or of a kind of layer, by execution",
    "zoo": "well-known networks: list them, print one, check the published figures",
}
USAGE, LIMIT, INTERNAL, INTERRUPTED, BROKEN_PIPE = 2, 5, 70, 130, 141

WELCOME = """convmath derives formulas for convolutional networks: sizes, parameters, MACs,
receptive fields, for numbers and for symbols.

  convmath zoo                        the networks that are built in
  convmath analyze zoo:vgg16          analyze one of them
  convmath zoo lenet5 > lenet5.yaml   take one as the start of your own
  convmath analyze lenet5.yaml
  convmath verify lenet5.yaml         confirm every formula by execution
  convmath --help                     all commands
"""


class LazyGroup(click.Group):
    """A group that imports a command when it is called, so that ``--help`` costs nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command by its name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"convmath.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown one is told with the nearest known one."""
        unknown = args and args[0] not in COMMANDS and not args[0].startswith("-")
        if unknown and not ctx.resilient_parsing:
            near = get_close_matches(args[0], COMMANDS, 1)
            hint = f"; did you mean '{near[0]}'?" if near else f"; the commands are {', '.join(sorted(COMMANDS))}"
            raise click.UsageError(f"No such command '{args[0]}'{hint}", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Return the commands, none of them imported, or the options."""
        from click.shell_completion import CompletionItem

        found = [(name, text) for name, text in sorted(COMMANDS.items()) if name.startswith(incomplete)]
        items = [CompletionItem(name, help=text) for name, text in found]
        return [*items, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands with one line each, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="convmath", prog_name="convmath")
@click.pass_context
def group(context: click.Context) -> None:
    """Derive formulas for convolutional networks, and confirm them."""
    if context.invoked_subcommand is None:
        click.echo(WELCOME, nl=False)


def main() -> None:
    """Run the command line and exit; every failure is one message on standard error."""
    # A deep network makes millions of small objects and hardly a cycle: looking for cycles
    # among them again and again would take a third of the time, and more than linear time.
    gc.set_threshold(500_000, 50, 50)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Return the exit status of a call."""
    asked = os.environ.get(VARIABLE)
    if asked:
        from convmath.cli.shells import answer

        return answer(group, asked)
    try:
        # click's own main would turn a closed pipe into exit status 1.
        with group.make_context(PROGRAM, list(arguments)) as context:
            group.invoke(context)
        if sys.stdout is not None:
            sys.stdout.flush()
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        usage = error.ctx.get_usage() + "\n" if isinstance(error, click.UsageError) and error.ctx else ""
        message = error.format_message()
        if isinstance(error, click.MissingParameter):
            message = " ".join(message.split())  # click lists choices in lines of their own
        complain(f"{usage}error: {inert(message)}")
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        complain("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        stdout_is_gone()
        return BROKEN_PIPE
    except ConvmathError as error:
        complain(str(error))
        return error.exit_status
    except (RecursionError, MemoryError) as error:
        complain(f"error[too-large]: this is too large to handle ({type(error).__name__})")
        return LIMIT
    except Exception as error:
        if os.environ.get("CONVMATH_DEBUG"):
            raise
        what = inert(f"{type(error).__name__}: {error}")[:200]
        complain(f"internal error: {what}. Please report it, with the input; CONVMATH_DEBUG=1 shows where it is.")
        return INTERNAL
    return 0
