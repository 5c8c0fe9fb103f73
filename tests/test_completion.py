"""Completion: what is offered in which place, in the words of each shell, and typed into the shells that are here."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from terminal import START, stand_in, typed
from test_house import loaded_after

from convmath.cli.analyze import FORMATS
from convmath.cli.complete import PROGRAM, VARIABLE, files
from convmath.cli.main import COMMANDS, group, run
from convmath.cli.shells import SHELLS
from convmath.spec.files import READERS
from convmath.spec.kinds import VOCABULARY
from convmath.zoo.catalogue import names

HERE = [shell for shell in START if shutil.which(shell)]
"""The shells on this machine that can be typed into."""
ZOO = [f"zoo:{name}" for name in names()]


def asked(shell: str, line: str) -> dict[str, str]:
    """Return what the script of a shell sets, when Tab is pressed at the end of *line*."""
    words = shlex.split(line + "|")  # the mark makes a word of what follows a space
    last = words.pop().removesuffix("|")
    given = {VARIABLE: f"{shell}_complete"}
    if shell == "bash":
        return given | {"COMP_LINE": line, "COMP_WORDBREAKS": " \t\n\"'><=;|&(:"}
    quoted = shell == "zsh"
    before = [shlex.quote(word) for word in words] if quoted else words
    return given | {"COMP_WORDS": "\n".join(before), "COMP_WORD": shlex.quote(last) if quoted and last else last}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def offered(shell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> object:
    """A function that returns the words that a shell would put in place of the last word of a line."""

    def ask(line: str) -> list[str]:
        for name, value in asked(shell, line).items():
            monkeypatch.setenv(name, value)
        assert run([]) == 0
        monkeypatch.delenv(VARIABLE)
        out, err = capsys.readouterr()
        assert err == ""
        rows = [row.split("\t") for row in out.splitlines()]
        whole = [row[0] if shell == "fish" else row[1] for row in rows if row[0] not in ("spec", "file")]
        return [cut_back(shell, line, value) for value in whole]

    return ask


def cut_back(shell: str, line: str, value: str) -> str:
    """Return a whole word, since bash is given what follows its last colon, and zsh what follows the option."""
    word = line.rpartition(" ")[2]
    if shell == "bash":
        return word[: max(word.rfind(":"), word.rfind("=")) + 1] + value
    return word[: word.find("=") + 1] + value if shell == "zsh" and word.startswith("-") else value


# what is offered


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("convmath ", sorted(COMMANDS)),
        ("convmath an", ["analyze"]),
        ("convmath nosuch", []),
        ("convmath nosuch more", []),
        ("convmath --ver", ["--version"]),
        ("convmath analyze --num", ["--numbers"]),
        ("convmath analyze zoo:vgg16", ["zoo:vgg16", "zoo:vgg16_bn"]),
        ("convmath analyze zoo:nosuch", []),
        ("convmath analyze --set H=3 zoo:len", ["zoo:lenet5"]),
        ("convmath analyze zoo:lenet5 --format ", [*FORMATS]),
        ("convmath analyze zoo:lenet5 --format j", ["json"]),
        ("convmath analyze zoo:lenet5 --format=", [f"--format={form}" for form in FORMATS]),
        ("convmath analyze zoo:lenet5 --format=c", ["--format=csv"]),
        ("convmath verify --kind adap", ["adaptive_avg_pool", "adaptive_max_pool"]),
        ("convmath verify --kind ", [*VOCABULARY]),
        ("convmath verify --kind=max_", ["--kind=max_pool"]),
        ("convmath zoo len", ["lenet5"]),
        ("convmath zoo zoo:len", ["zoo:lenet5"]),
        ("convmath zoo ", [*names()]),
        ("convmath completion ", ["bash", "zsh", "fish", "powershell"]),
        ("convmath schema --he", ["--help"]),
    ],
)
def test_words_that_can_stand_in_a_place(offered, line: str, wanted: list[str]) -> None:
    assert offered(line) == wanted


def test_every_choice_of_every_command_is_offered(offered) -> None:
    context = click.Context(group)
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        for option in command.params:
            if isinstance(option, click.Option) and isinstance(option.type, click.Choice):
                assert offered(f"convmath {name} {option.opts[0]} ") == [*option.type.choices]


def test_every_spec_and_every_kind_is_completed(offered) -> None:
    context = click.Context(group)
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        called = {each.name for each in command.params}
        if called & {"spec", "specs"}:
            assert offered(f"convmath {name} zoo:len") == ["zoo:lenet5"]
        if "specs" in called:
            assert offered(f"convmath {name} zoo:lenet5 zoo:len") == ["zoo:lenet5"]
        if "kind" in called:
            assert offered(f"convmath {name} --kind max") == ["max_pool"]


def test_every_option_of_every_command_is_offered(offered) -> None:
    context = click.Context(group)
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        known = {opt for option in command.params if isinstance(option, click.Option) for opt in option.opts}
        assert {*offered(f"convmath {name} -")} == known | {"--help"} | ({"-h"} & {*offered(f"convmath {name} -h")})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    (work / "deep").mkdir(parents=True)
    for name in ["net one.yaml", "notes.txt", "a=b.json", "x:y.yml", "größe.toml", ".hidden.yaml", "deep/inner.YAML"]:
        (work / name).touch()
    return work


@pytest.mark.parametrize("shell", [each for each in SHELLS if each != "zsh"], indirect=True)
def test_specs_are_files_folders_and_the_zoo(offered, shell: str, folder: Path, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    slash = "" if shell == "bash" else "/"  # readline puts it there

    assert offered("convmath analyze ") == [*ZOO, "a=b.json", f"deep{slash}", "größe.toml", "net one.yaml", "x:y.yml"]
    assert offered("convmath analyze ne") == ["net one.yaml"]
    assert offered("convmath analyze deep/") == ["deep/inner.YAML"]
    assert offered("convmath analyze .h") == [".hidden.yaml"]
    assert offered("convmath analyze x:") == ["x:y.yml"]
    assert offered("convmath analyze nowhere/") == []


def test_zsh_lists_files_itself(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for line, kind in [("convmath analyze ne", "spec"), ("convmath analyze zoo:lenet5 -o ", "file")]:
        for name, value in asked("zsh", line).items():
            monkeypatch.setenv(name, value)
        run([])
        assert capsys.readouterr().out.splitlines()[-1].split("\t")[0] == kind
    monkeypatch.delenv(VARIABLE)

    assert f"*.({'|'.join(each[1:] for each in (*READERS, '.onnx'))})" in script_of("zsh", capsys)


def test_names_that_cannot_be_printed_are_not_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ["red\x1b[31m.yaml", "two\nlines.yaml", "tab\t.yaml", "back\u202e.yaml", "plain.yaml"]:
        (tmp_path / name).touch()

    assert [*files("", [".yaml"])] == ["plain.yaml"]


def test_files_are_found_at_home_and_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "net.yaml").touch()

    assert [*files("~/n")] == ["~/net.yaml"]
    assert [*files("~nobody-of-that-name/")] == []
    assert [*files("net\0")] == []


# scripts


def script_of(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert run(["completion", shell]) == 0
    return capsys.readouterr().out


def test_the_command_and_the_protocol_give_the_same_script(
    shell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = script_of(shell, capsys)

    monkeypatch.setenv(VARIABLE, f"{shell}_source")
    run([])

    assert capsys.readouterr().out == printed
    assert printed.isascii()
    assert "%(" not in printed


def test_a_script_asks_with_the_variable_and_hides_what_goes_wrong(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = script_of(shell, capsys)

    assert f"{VARIABLE}" in printed
    assert f"{shell}_complete" in printed
    assert PROGRAM in printed
    assert "2>/dev/null" in printed or "2>$null" in printed


def test_the_script_of_powershell_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    printed = script_of("powershell", capsys)

    assert printed.startswith(f"Register-ArgumentCompleter -Native -CommandName {PROGRAM} -ScriptBlock {{\n")
    assert "param($wordToComplete, $commandAst, $cursorPosition)" in printed
    assert "[System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $help)" in printed
    for opening, closing in ("{}", "()", "[]"):
        assert printed.count(opening) == printed.count(closing)
    for name in (f"$env:{VARIABLE}", "$env:COMP_WORDS", "$env:COMP_WORD"):
        assert f"{name}, " in printed or f", {name}" in printed  # what was there before comes back


def test_an_unknown_shell_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    status = run(["completion", "tcsh"])

    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert "'bash', 'zsh', 'fish', 'powershell'" in err


# real shells


def test_bash_is_always_tried() -> None:
    assert "bash" in HERE


@pytest.mark.parametrize("shell", HERE)
@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("convmath anal\t zoo:vgg16_\t", ["analyze", "zoo:vgg16_bn"]),
        ("convmath analyze net\t", ["analyze", "net one.yaml"]),
        ("convmath analyze 'net\t", ["analyze", "net one.yaml"]),
        ("convmath analyze de\tinn\t", ["analyze", "deep/inner.toml"]),
        ("convmath analyze x:\t a\t", ["analyze", "x:y.yaml", "a"]),
        ('convmath analyze --set H=3 "zoo:len\t', ["analyze", "--set", "H=3", "zoo:lenet5"]),
        ("convmath analyze -o no\t", ["analyze", "-o", "notes.txt"]),
        ("convmath verify --kind max\t --format=j\t", ["verify", "--kind", "max_pool", "--format=json"]),
        ("convmath zoo len\t", ["zoo", "lenet5"]),
        ("convmath nosuch no\t", ["nosuch", "no"]),
    ],
)  # fmt: skip
def test_a_line_typed_into_a_shell(shell: str, keys: str, words: list[str], tmp_path: Path) -> None:
    work, programs = tmp_path / "work", tmp_path / "bin"
    (work / "deep").mkdir(parents=True)
    programs.mkdir()
    for name in ["net one.yaml", "notes.txt", "x:y.yaml", "deep/inner.toml"]:
        (work / name).touch()

    assert typed(shell, keys, work, stand_in(programs)) == words


@pytest.mark.parametrize("shell", HERE)
def test_a_script_loads_without_a_word(shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "script"
    prepare = "autoload -Uz compinit && compinit -u -D; " if shell == "zsh" else ""
    script.write_text(prepare + script_of(shell, capsys).replace("#compdef", "\n#compdef"), encoding="utf-8")

    done = subprocess.run([shell, str(script)], capture_output=True, text=True, check=True, cwd=tmp_path)

    assert (done.stdout, done.stderr) == ("", "")


# promises


LINES = ["convmath ", "convmath analyze zoo:", "convmath analyze ", "convmath verify --kind ", "convmath zoo v"]


@pytest.mark.parametrize("line", LINES)
def test_completing_loads_nothing_heavy(shell: str, line: str) -> None:
    code = f"import os\nos.environ.update({json.dumps(asked(shell, line))})\nfrom convmath.cli.main import run\nrun([])"

    assert loaded_after(code) == {"click"}


def test_completing_commands_imports_no_command() -> None:
    code = (
        f"import os, sys\nos.environ.update({json.dumps(asked('bash', 'convmath '))})\n"
        "from convmath.cli.main import COMMANDS, run\nrun([])\n"
        "print(*[name for name in COMMANDS if f'convmath.cli.{name}' in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == ""
    assert len(done.stdout.splitlines()) == len(COMMANDS) + 1


@pytest.mark.parametrize("instruction", ["bash_complete", "zsh_complete", "fish_complete", "powershell_complete"])
@pytest.mark.parametrize("line", ["", "\\", "'", 'convmath "', "convmath \x1b[", "convmath analyze --set", "\n\n\n"])
def test_odd_lines_are_answered_with_nothing_on_standard_error(instruction: str, line: str) -> None:
    environment = {**os.environ, VARIABLE: instruction, "COMP_LINE": line, "COMP_WORDS": line, "COMP_WORD": line}

    done = subprocess.run([sys.executable, "-m", PROGRAM], env=environment, capture_output=True, text=True, check=True)

    assert done.stderr == ""


@pytest.mark.parametrize("instruction", ["tcsh_complete", "bash", "bash_nosuch", "x", "_"])
def test_a_question_that_cannot_be_answered_is_silent(
    instruction: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, instruction)
    monkeypatch.delenv("CONVMATH_DEBUG", raising=False)

    assert run(["analyze", "zoo:lenet5"]) in (0, 70)

    out, err = capsys.readouterr()
    assert err == ""
    assert "LeNet" not in out


def test_an_answer_that_nobody_reads_is_no_traceback() -> None:
    code = (
        "import subprocess, sys\n"
        f"p = subprocess.Popen([sys.executable, '-m', '{PROGRAM}'], stdout=subprocess.PIPE, stderr=subprocess.PIPE)\n"
        "p.stdout.close()\n"
        "print(repr(p.stderr.read()), p.wait())"
    )
    environment = {**os.environ, **asked("bash", "convmath ")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.startswith("b''")
