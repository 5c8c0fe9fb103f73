"""``convmath completion``: the script with which a shell completes what is typed after ``convmath``."""

from __future__ import annotations

import click

from convmath.cli.output import emit
from convmath.cli.shells import SHELLS, script


@click.command("completion")
@click.argument("shell", type=click.Choice(tuple(SHELLS)))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script for SHELL: bash, zsh, fish or powershell.

    \b
    bash        eval "$(convmath completion bash)"                   in ~/.bashrc
    zsh         eval "$(convmath completion zsh)"                    in ~/.zshrc, after compinit
    fish        convmath completion fish | source                    in config.fish
    powershell  convmath completion powershell | Out-String | Invoke-Expression
                                                                     in $PROFILE

    Exit status: 0 fine, 2 wrong usage.
    """  # noqa: D301  (\b keeps click from filling the lines)
    emit(script(context.find_root().command, shell).rstrip("\n"), None, ascii_only=True)
