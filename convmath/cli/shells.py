"""Completion in each shell: the script that it runs, what the script asks, and how it is answered.

click finds out what is being typed and what could stand there. The scripts are our own,
since click's do not take a word with a colon, such as ``zoo:vgg16``, as one word in bash,
nor a path with a space; and PowerShell is known to the newest click only.
All scripts read lines of a type, a value and a help text, with tabs between them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import click
from click.shell_completion import CompletionItem, ShellComplete, split_arg_string

from convmath.cli.complete import PROGRAM, SPEC, VARIABLE, files, spec_endings
from convmath.cli.output import stdout_is_gone
from convmath.errors import ConvmathError

BASH = r"""
%(complete_func)s() {
    local type value help
    COMPREPLY=()
    while IFS=$'\t' read -r type value help; do
        case $type in
            plain) COMPREPLY+=("$value") ;;
            path) COMPREPLY+=("$value"); compopt -o filenames 2>/dev/null ;;
            file) compopt -o default 2>/dev/null ;;
        esac
    done < <(env %(complete_var)s=bash_complete COMP_LINE="${COMP_LINE:0:COMP_POINT}" \
        COMP_WORDBREAKS="$COMP_WORDBREAKS" "$1" 2>/dev/null)
}

complete -F %(complete_func)s %(prog_name)s
"""

ZSH = r"""
#compdef %(prog_name)s

%(complete_func)s() {
    local type value help
    local -a plain described
    local before="${(F)words[1,CURRENT-1]}" word="$PREFIX"
    [[ $PREFIX == --*=* ]] && compset -P '*='
    while IFS=$'\t' read -r type value help; do
        case $type in
            plain)
                if [[ -n $help ]]; then
                    described+=("${value//:/\\:}:$help")
                else
                    plain+=("$value")
                fi ;;
            spec) _files -g '*.(%(endings)s)' ;;
            file) _files ;;
        esac
    done < <(env %(complete_var)s=zsh_complete COMP_WORDS="$before" COMP_WORD="$word" "$words[1]" 2>/dev/null)
    (( $#described )) && _describe -t values value described
    (( $#plain )) && compadd -a plain
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""

FISH = r"""
function %(complete_func)s
    set -l words (commandline -opc)
    env %(complete_var)s=fish_complete COMP_WORDS=(string join \n -- $words | string collect) \
        COMP_WORD=(commandline -ct | string collect) $words[1] 2>/dev/null
end

complete --command %(prog_name)s --no-files --keep-order --arguments '(%(complete_func)s)'
"""

POWERSHELL = r"""
Register-ArgumentCompleter -Native -CommandName %(prog_name)s -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = $commandAst.CommandElements |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        ForEach-Object {
            if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value }
            else { $_.Extent.Text }
        }
    $kept = $env:%(complete_var)s, $env:COMP_WORDS, $env:COMP_WORD
    try {
        $env:%(complete_var)s = 'powershell_complete'
        $env:COMP_WORDS = $words -join "`n"
        $env:COMP_WORD = $wordToComplete -replace "^['""]|['""]$", ''
        $answer = & %(prog_name)s 2>$null
    } finally {
        $env:%(complete_var)s, $env:COMP_WORDS, $env:COMP_WORD = $kept
    }
    foreach ($line in $answer) {
        $type, $value, $help = $line -split "`t"
        if (-not $value) { continue }
        if (-not $help) { $help = $value }
        $text = $value
        if ($text -match '[^\w./\\:=~-]') { $text = "'" + ($text -replace "'", "''") + "'" }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $help)
    }
}
"""


class Completer(ShellComplete):
    """A shell that sends the words before the cursor, one a line, and the word at the cursor."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one at the cursor, and that one up to the cursor."""
        return os.environ.get("COMP_WORDS", "").split("\n")[1:], os.environ.get("COMP_WORD", "")

    def complete(self) -> str:
        """Return the answer, one line for each item."""
        args, incomplete = self.get_completion_args()
        before = _option_before(incomplete)
        found = [each for item in self.get_completions(args, incomplete) for each in self.resolve(item)]
        return "".join(self.line(item, self.replaced(before + item.value, incomplete)) + "\n" for item in found)

    def resolve(self, item: CompletionItem[str]) -> Iterator[CompletionItem[str]]:
        """Yield the files that an item stands for, or the item itself."""
        if item.type == "plain":
            yield item
        else:
            yield from (CompletionItem(path) for path in files(item.value, self.endings(item)))

    @staticmethod
    def endings(item: CompletionItem[str]) -> tuple[str, ...] | None:
        """Return the endings of the files that an item stands for; None for any."""
        return spec_endings() if item.type == SPEC else () if item.type == "dir" else None

    def replaced(self, whole: str, incomplete: str) -> str:  # noqa: ARG002
        """Return the part of a word that the shell will put in place of what it takes for the word so far."""
        return whole

    def line(self, item: CompletionItem[str], value: str) -> str:
        """Return the line for an item."""
        return f"{item.type}\t{value}\t{' '.join((item.help or '').split())}".rstrip("\t")

    def source(self) -> str:
        """Return the script without the empty line at its head."""
        return super().source().lstrip("\n")


class Bash(Completer):
    """The shell whose words end at colons and equal signs, quotes aside."""

    name = "bash"
    source_template = BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        # A mark at the cursor makes a word of what follows a space, and is what an open quote holds.
        words = split_arg_string(os.environ.get("COMP_LINE", "") + "\0")
        return words[1:-1], words[-1].removesuffix("\0")

    def resolve(self, item: CompletionItem[str]) -> Iterator[CompletionItem[str]]:
        if item.type == SPEC:  # with its own slash readline would quote and mark what is a file name
            yield from (
                CompletionItem(path.removesuffix("/"), type="path") for path in files(item.value, spec_endings())
            )
        else:
            yield item

    def replaced(self, whole: str, incomplete: str) -> str:
        breaks = re.escape("".join({*":="} & {*os.environ.get("COMP_WORDBREAKS", ":=")}))
        if not breaks or _quoted(os.environ.get("COMP_LINE", "")):
            return whole
        cut = max((found.end() for found in re.finditer(f"[{breaks}]", incomplete)), default=0)
        return whole[cut:]


class Zsh(Completer):
    """The shell that sends words as they were typed, and lists files itself."""

    name = "zsh"
    source_template = ZSH

    def source_vars(self) -> Any:
        return {**super().source_vars(), "endings": "|".join(each.removeprefix(".") for each in spec_endings())}

    def get_completion_args(self) -> tuple[list[str], str]:
        args, incomplete = super().get_completion_args()
        return [_plain(each) for each in args], _plain(incomplete)

    def resolve(self, item: CompletionItem[str]) -> Iterator[CompletionItem[str]]:
        yield item

    def replaced(self, whole: str, incomplete: str) -> str:
        return whole.removeprefix(_option_before(incomplete))


class Fish(Completer):
    """The shell that takes values and their help as they are."""

    name = "fish"
    source_template = FISH

    def get_completion_args(self) -> tuple[list[str], str]:
        args, incomplete = super().get_completion_args()
        return args, _plain(incomplete)

    def line(self, item: CompletionItem[str], value: str) -> str:
        return super().line(item, value).partition("\t")[2]


class PowerShell(Completer):
    """The shell of Windows, also elsewhere."""

    name = "powershell"
    source_template = POWERSHELL


SHELLS: dict[str, type[Completer]] = {each.name: each for each in (Bash, Zsh, Fish, PowerShell)}


def _option_before(incomplete: str) -> str:
    """Return the option in ``--option=value``, of which click completes the value only."""
    return re.match(r"(-[^=]*=)?", incomplete)[0]  # type: ignore[index]


def _plain(word: str) -> str:
    """Return a word as the shell will pass it on: without quotes and backslashes."""
    return "".join(split_arg_string(word)[:1])


def _quoted(line: str) -> bool:
    """Tell whether a quote is open at the end of a line."""
    quote = ""
    for found in re.finditer(r"\\.|[\"']", line):
        if found[0] in ("'", '"') and quote in ("", found[0]):
            quote = "" if quote else found[0]
    return bool(quote)


def script(command: click.Command, shell: str) -> str:
    """Return the script for a shell."""
    return SHELLS[shell](command, {}, PROGRAM, VARIABLE).source()


def answer(command: click.Command, instruction: str) -> int:
    """Answer the script of a shell, and return the exit status; whatever goes wrong, the prompt stays clean."""
    shell, _, wanted = instruction.partition("_")
    try:
        text = (
            script(command, shell) if wanted == "source" else SHELLS[shell](command, {}, PROGRAM, VARIABLE).complete()
        )
        click.echo(text.encode(), nl=False)  # as bytes, since Windows would end the lines with a return
    except (Exception, KeyboardInterrupt):
        if os.environ.get("CONVMATH_DEBUG"):
            raise
        stdout_is_gone()
        return ConvmathError.exit_status
    return 0
