"""Reading files: three formats say the same, and what strangers write is read or refused, never obeyed."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from convmath.errors import ConvmathError, LimitError, SpecError, UsageError
from convmath.limits import DEFAULT, Limits
from convmath.spec.files import READERS, read_any, read_bytes, read_file
from convmath.spec.graph import Network
from convmath.spec.parse import parse

FORMATS = (".yaml", ".toml", ".json")


def data_of(text: str | bytes, ending: str = ".yaml", limits: Limits = DEFAULT) -> Any:
    raw = text.encode() if isinstance(text, str) else text
    return read_bytes(raw, f"net{ending}", ending, limits).data


def network_of(text: str | bytes, ending: str = ".yaml", limits: Limits = DEFAULT) -> Network:
    raw = text.encode() if isinstance(text, str) else text
    return parse(read_bytes(raw, f"net{ending}", ending, limits), limits=limits)


def refusal(text: str | bytes, ending: str = ".yaml", limits: Limits = DEFAULT) -> SpecError:
    """Return the error for a file that must be refused."""
    with pytest.raises(SpecError) as caught:
        network_of(text, ending, limits)
    return caught.value


def codes(error: SpecError) -> list[str]:
    return [each.code for each in error.problems]


def place(error: SpecError) -> tuple[int, int]:
    spot = error.problems[0].spot
    assert spot is not None
    return spot.line, spot.column


YAML = """\
convmath: 1
name: three ways
input: [3, H, W]
symbols: {H: {default: 32}, W: {min: 8, max: 64}}
let: {width: 2*base, mode: reflect}
defaults: {conv: {bias: false}}
blocks:
  body:
    params: [channels, {stride: 1}]
    let: {half: channels//2}
    layers:
      - conv: {out_channels: half, kernel_size: 3, stride: stride, padding: [[1, 2], 0], padding_mode: mode}
      - batch_norm
layers:
  - body: width
  - repeat: {name: stage, times: 2, index: j, layers: [{body: {channels: width + 2*j, stride: 2}}, relu]}
  - max_pool: 2
  - leaky_relu: 0.2
  - flatten
  - dense: {name: out, out_features: 10}
"""

TOML = """\
convmath = 1
name = "three ways"
input = [3, "H", "W"]
let = {width = "2*base", mode = "reflect"}
layers = [
  {body = "width"},
  {repeat = {name = "stage", times = 2, index = "j", layers = [
    {body = {channels = "width + 2*j", stride = 2}}, "relu",
  ]}},
  {max_pool = 2},
  {leaky_relu = 0.2},
  "flatten",
  {dense = {name = "out", out_features = 10}},
]

[symbols]
H = {default = 32}
W = {min = 8, max = 64}

[defaults.conv]
bias = false

[blocks.body]
params = ["channels", {stride = 1}]
let = {half = "channels//2"}
layers = [
  {conv = {out_channels = "half", kernel_size = 3, stride = "stride", padding = [[1, 2], 0], padding_mode = "mode"}},
  "batch_norm",
]
"""

SAID = {".yaml": YAML, ".toml": TOML, ".json": json.dumps(data_of(YAML), indent=1)}


@pytest.mark.parametrize("ending", FORMATS)
def test_the_formats_say_the_same(ending: str) -> None:
    network = network_of(SAID[ending], ending)

    assert data_of(SAID[ending], ending) == data_of(YAML)
    assert network == network_of(YAML)
    assert [each.name for each in network.nodes][:3] == ["conv1", "batch_norm1", "stage.0.conv1"]


@pytest.mark.parametrize("ending", FORMATS)
def test_standard_input_is_recognised_without_an_ending(ending: str) -> None:
    for text in (SAID[ending], "\n" + SAID[ending], "\ufeff" + SAID[ending]):
        assert read_any(text.encode(), "<stdin>", DEFAULT).data == data_of(YAML)


def test_toml_that_begins_with_a_table_is_recognised() -> None:
    assert read_any(b"# a comment\n[symbols]\nH = {default = 3}\n", "<stdin>", DEFAULT).data == {
        "symbols": {"H": {"default": 3}}
    }


@pytest.mark.parametrize("ending", FORMATS)
def test_a_byte_order_mark_is_skipped(ending: str) -> None:
    assert network_of("\ufeff" + SAID[ending], ending) == network_of(YAML)


@pytest.mark.parametrize("ending", FORMATS)
def test_windows_line_ends_are_read(ending: str) -> None:
    assert network_of(SAID[ending].replace("\n", "\r\n"), ending) == network_of(YAML)


scalars = st.one_of(
    st.booleans(),
    st.integers(-(10**17), 10**17),
    st.floats(-1e6, 1e6),
    st.text(st.characters(codec="ascii", min_codepoint=32), max_size=9),
)
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("abcXYZ", min_size=1, max_size=4), inner, max_size=3)
    ),
)


@given(st.dictionaries(st.text("abcXYZ", min_size=1, max_size=4), documents, max_size=4))
def test_json_is_yaml(data: dict[str, Any]) -> None:
    text = json.dumps(data)

    assert data_of(text, ".json") == data == data_of(text, ".yaml")


# where a file is, and how large


def test_a_file_is_read_by_its_ending(tmp_path: Path) -> None:
    for ending, text in SAID.items():
        path = tmp_path / f"net{ending.upper()}"
        path.write_text(text)

        assert read_file(path, DEFAULT).data == data_of(YAML)


def test_yml_is_yaml() -> None:
    assert READERS[".yml"] is READERS[".yaml"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.yaml", "missing.yaml does not exist"),
        (".", "is a directory"),
        ("net.txt", "net.txt: the ending says no format that convmath reads; it reads .yaml, .yml, .toml, .json"),
        ("net", "net: the ending says no format"),
        ("a\x00b.yaml", r"a\\x00b.yaml"),
        ("a\x1b[31mb.yaml", r"a\\x1b\[31mb.yaml does not exist"),
        ("x" * 5000 + ".yaml", "x.yaml"),
    ],
)
def test_what_cannot_be_read_is_wrong_usage(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "net.txt").write_text(YAML)
    (tmp_path / "net").write_text(YAML)

    with pytest.raises(UsageError, match=message) as caught:
        read_file(tmp_path / name, DEFAULT)

    assert caught.value.exit_status == 2
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("ending", FORMATS)
def test_too_large_a_file_is_refused(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"net{ending}"
    path.write_bytes(b" " * (DEFAULT.spec_bytes + 1))

    with pytest.raises(LimitError, match="has more than 1048576 bytes") as caught:
        read_file(path, DEFAULT)

    assert codes(caught.value) == ["too-large"]
    assert caught.value.problems[0].help == "--max-spec-bytes raises the limit"
    assert caught.value.exit_status == 5


@pytest.mark.parametrize("ending", FORMATS)
def test_a_file_of_just_the_limit_is_read(ending: str) -> None:
    text = SAID[ending].encode()

    assert network_of(text, ending, Limits(spec_bytes=len(text))) == network_of(YAML)
    assert codes(refusal(text, ending, Limits(spec_bytes=len(text) - 1))) == ["too-large"]


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize(
    "raw", [b"\xff\xfe", b"a\xc3(", "ä".encode("latin-1"), "convmath: 1".encode("utf-16")], ids=repr
)
def test_what_is_no_utf8_is_refused(ending: str, raw: bytes) -> None:
    assert codes(refusal(raw, ending)) == ["bad-encoding"]


@pytest.mark.parametrize("text", ["", "# nothing", "[]", "5", "~", "{}", "just words", "- relu"])
def test_what_is_no_spec_is_refused(text: str) -> None:
    assert codes(refusal(text)) == ["not-a-spec"]


# nesting and size: bounded before anything is built

DEEP = {
    "brackets": ("[" * 100_000, ".yaml"),
    "closed brackets": ("[" * 1000 + "]" * 1000, ".yaml"),
    "braces": ("{a: " * 100_000, ".yaml"),
    "block lists": ("- " * 1000 + "a", ".yaml"),
    "indented mappings": ("\n".join(" " * at + "a:" for at in range(1000)), ".yaml"),
    "complex keys": ("? " * 1000 + "a", ".yaml"),
    "inside a spec": ("convmath: 1\nabout: {x: " + "[" * 70 + "]" * 70 + "}", ".yaml"),
    "json brackets": ("[" * 100_000, ".json"),
    "json objects": ('{"a": ' * 100_000, ".json"),
    "json after a string": ('["[[", "\\"", ' + "[" * 1000, ".json"),
    "toml brackets": ("x = " + "[" * 100_000, ".toml"),
    "toml braces": ("x = " + "{a = " * 100_000, ".toml"),
    "toml dotted keys": ("a" + ".a" * 20_000 + " = 1", ".toml"),
    "toml dotted header": ("[a" + ".a" * 20_000 + "]", ".toml"),
    "toml dotted keys in braces": ("x = {a" + ".a" * 70 + " = 1}", ".toml"),
    "toml quoted dotted keys": ("'a'" + " . 'a'" * 20_000 + " = 1", ".toml"),
    "toml many tables": ("\n".join("[" + ".".join("a" * depth) + "]" for depth in range(1, 80)), ".toml"),
}


@pytest.mark.parametrize("name", DEEP)
def test_deep_nesting_is_refused(name: str) -> None:
    text, ending = DEEP[name]

    error = refusal(text, ending)

    assert codes(error) in (["too-deep"], ["bad-key"])
    assert isinstance(error, LimitError) == (codes(error) == ["too-deep"])


def test_brackets_hidden_from_the_count_are_refused_all_the_same() -> None:
    assert codes(refusal("x = ['\"', " + "[" * 100_000, ".toml")) in (["too-deep"], ["bad-toml"])


@pytest.mark.parametrize("ending", FORMATS)
def test_the_depth_is_a_limit_that_can_be_set(ending: str) -> None:
    text = SAID[ending]

    assert network_of(text, ending, Limits(depth=8)) == network_of(YAML)
    assert codes(refusal(text, ending, Limits(depth=3))) == ["too-deep"]


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("[" + "0," * 200_000 + "0]", ".yaml"),
        ("[" + "0," * 200_000 + "0]", ".json"),
        ("x = [" + "0," * 200_000 + "]", ".toml"),
    ],
    ids=FORMATS,
)
def test_too_many_values_are_refused(text: str, ending: str) -> None:
    error = refusal(text, ending)

    assert codes(error) == ["too-many-nodes"]
    assert error.problems[0].help == "--max-nodes raises the limit"


@pytest.mark.parametrize(
    "text",
    ['{"a": "' + '\\"' * 300_000, '"' * 300_000, '["' + "\\" * 300_000, "'" * 300_000],
    ids=["escaped", "quotes", "slashes", "single"],
)
@pytest.mark.parametrize("ending", [".json", ".toml"])
def test_unclosed_strings_take_no_quadratic_time(text: str, ending: str) -> None:
    assert codes(refusal(text, ending))[0].startswith(("bad-", "not-a-spec"))


def test_brackets_inside_strings_do_not_count() -> None:
    assert data_of('{"a": "' + "[" * 200 + '\\"' + "{" * 200 + '"}', ".json") == {"a": "[" * 200 + '"' + "{" * 200}
    assert data_of('a = "' + "[" * 200 + "." * 200 + '"', ".toml") == {"a": "[" * 200 + "." * 200}


# YAML: nothing but plain data


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("a: &x 1\nb: *x", "anchor", (1, 4)),
        ("a: *x", "anchor", (1, 4)),
        ("&x a: 1", "anchor", (1, 1)),
        ("- &a conv: {out_channels: 3}", "anchor", (1, 3)),
        ("*x : 1", "anchor", (1, 1)),
        ("a: 1\nb:\n  <<: {c: 1}", "merge-key", (3, 3)),
        ("<<: 1", "merge-key", (1, 1)),
        ("a: !!python/object/apply:os.system [id]", "tag", (1, 4)),
        ("a: !!python/name:os.system", "tag", (1, 4)),
        ("a: !!binary aGk=", "tag", (1, 4)),
        ("a: !!str 1", "tag", (1, 4)),
        ("a: !custom {b: 1}", "tag", (1, 4)),
        ("!!map {a: 1}", "tag", (1, 1)),
        ("!!str a: 1", "bad-key", (1, 1)),
        ("a: 1\n---\nb: 2", "bad-yaml", (2, 1)),
        ("a: 1\na: 2", "duplicate-key", (2, 1)),
        ("x: {a: 1, b: 2, a: 3}", "duplicate-key", (1, 17)),
        ('a: 1\n"a": 2', "duplicate-key", (2, 1)),
        ("1: a", "bad-key", (1, 1)),
        ("1.5: a", "bad-key", (1, 1)),
        ("true: a", "bad-key", (1, 1)),
        ("~: a", "bad-key", (1, 1)),
        ("? [a]\n: b", "bad-key", (1, 3)),
        ("{a: 1}: b", "bad-key", (1, 1)),
        ("a: 010", "bad-number", (1, 4)),
        ("a: -007", "bad-number", (1, 4)),
        ("a: 00", "bad-number", (1, 4)),
        ("a: 1e999", "bad-number", (1, 4)),
        ("a: -1e999", "bad-number", (1, 4)),
        ("a: 1000000000000000000", "number-too-long", (1, 4)),
        ("a: -1000000000000000000", "number-too-long", (1, 4)),
        ("a: " + "9" * 5000, "number-too-long", (1, 4)),
    ],
)
def test_yaml_that_is_refused_at_its_spot(text: str, code: str, where: tuple[int, int]) -> None:
    error = refusal(text)

    assert codes(error) == [code]
    assert place(error) == where
    assert error.exit_status == 3


@pytest.mark.parametrize("text", ["a: [1, 2", "a: 'x", "a: b: c", "a:\n\t- b", "a: @b", "%YAML 9.9\n---\na: 1", "a: }"])
def test_what_is_no_yaml_is_refused_at_a_spot(text: str) -> None:
    error = refusal(text)

    assert codes(error) == ["bad-yaml"]
    assert error.problems[0].spot is not None


CLOSE = "check the indentation, and that brackets and braces are closed"
SPACE = "put a space after '-' and ':'; write '- conv: {…}'"


@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
@pytest.mark.parametrize(
    ("text", "help_"),
    [
        ("a:\n\t- b", "indent with spaces"),
        ("a:\n  - b:\n    \tc: 1", "indent with spaces"),
        ("a:\n  - b\n - c", CLOSE),
        ("a: 1\n  b: 2\n", SPACE),
        ("a: [1]\n  b: 2\n", CLOSE),
        ("a: {b: 1\nc: 2", CLOSE),
        ("a: [1, 2}", CLOSE),
        ("a:\n  - b\n  c\n", CLOSE),
        ("a:\n  - conv: b: 3", SPACE),
        ("a: @b", None),
    ],
)
def test_broken_yaml_says_what_most_often_mends_it(
    monkeypatch: pytest.MonkeyPatch, loader: str, text: str, help_: str | None
) -> None:
    monkeypatch.setattr("convmath.spec.yaml_reader._Loader", getattr(yaml, loader))

    assert refusal(text).problems[0].help == help_


def test_a_key_that_is_no_text_says_how_to_quote_it() -> None:
    assert refusal("5: relu").problems[0].help == 'quote it: "5"'


def test_a_duplicate_key_names_the_first_line() -> None:
    assert "'a' is given twice, first in line 1" in str(refusal("a: 1\nb: 2\na: 3"))


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGE_BOMB = "a: &a {x: 1}\n" + "".join(
    f"{after}: &{after}\n" + f"  <<: [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefghijkl", "bcdefghijklm", strict=True)
)


@pytest.mark.parametrize("bomb", [BOMB, MERGE_BOMB], ids=["values", "merges"])
def test_alias_bombs_are_refused_at_the_first_anchor(bomb: str) -> None:
    error = refusal(bomb)

    assert codes(error) == ["anchor"]
    assert place(error) == (1, 4)


@pytest.mark.parametrize(
    "raw",
    [
        b"a: \x00",
        b"a: \x07",
        b"\x1b[31m: 1",
        b"a: '\\",
        b'a: "\\xZZ"',
        b'a: "\\U00110000"',
        b"a: 2026-13-45",
        b"!",
        b"%",
        b"a: !<",
        b"--- !",
        b"? ? ? :",
        b"*",
        b"&",
    ],
    ids=repr,
)
def test_broken_yaml_is_a_spec_error(raw: bytes) -> None:
    error = refusal(raw)

    assert error.exit_status == 3
    assert all(line.isprintable() for line in str(error).split("\n"))


@given(st.binary(max_size=60), st.sampled_from(FORMATS))
def test_any_bytes_are_read_or_refused(raw: bytes, ending: str) -> None:
    try:
        network_of(raw, ending)
    except SpecError as error:
        assert error.problems  # noqa: PT017


pieces = st.sampled_from(
    [
        "a",
        "1",
        ": ",
        ":",
        "- ",
        "\n",
        "  ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "'",
        '"',
        "#",
        "&x ",
        "*x",
        "!",
        "|",
        ">",
        "?",
        "%",
        "<<",
        "=",
        ".",
        "~",
        "\\",
    ]
)


@given(st.lists(pieces, max_size=25).map("".join), st.sampled_from(FORMATS))
def test_any_text_of_punctuation_is_read_or_refused(text: str, ending: str) -> None:
    try:
        network_of(text, ending)
    except SpecError as error:
        assert error.problems  # noqa: PT017


SCALARS = [
    ("no", "no"),
    ("yes", "yes"),
    ("on", "on"),
    ("off", "off"),
    ("y", "y"),
    ("true", True),
    ("True", True),
    ("FALSE", False),
    ("null", None),
    ("~", None),
    ("", None),
    ("12:30:45", "12:30:45"),
    ("1_000", "1_000"),
    ("0x10", "0x10"),
    ("0o17", "0o17"),
    ("0b11", "0b11"),
    ("1e3", 1000.0),
    ("1.", 1.0),
    (".5", 0.5),
    ("-1.5e-3", -0.0015),
    ("2026-11-21", "2026-11-21"),
    ("=", "="),
    ("<<", "<<"),
    (".inf", ".inf"),
    (".nan", ".nan"),
    ("nan", "nan"),
    ("+7", 7),
    ("-7", -7),
    ("0", 0),
    ("-0", 0),
    ("--1", "--1"),
    ("+-1", "+-1"),
    ("999999999999999999", 999_999_999_999_999_999),
    ("'010'", "010"),
    ('"no"', "no"),
    ("'1'", "1"),
    ("|-\n  1", "1"),
    ('"\\u0041"', "A"),
    ("٣", "٣"),
    ("²", "²"),
]


@pytest.mark.parametrize(("text", "value"), SCALARS, ids=[repr(each) for each, _ in SCALARS])
def test_yaml_scalars_follow_the_core_schema(text: str, value: Any) -> None:
    found = data_of(f"a: {text}")["a"]

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("key", ["no", "on", "yes", "2026-11-21", "0x1", "a b", "'1'", '"true"', "é"])
def test_keys_that_yaml_1_1_would_take_for_something_else_are_text(key: str) -> None:
    assert data_of(f"{key}: 1") == {key.strip("'\""): 1}


WORDS = [
    ("0", "0", "0"),
    ("-12", "-12", "-12"),
    ("0.25", "0.25", "0.25"),
    ("1e3", "1e3", "1e3"),
    ("true", "true", "true"),
    ("false", "false", "false"),
    ("no", '"no"', '"no"'),
    ("1_000", '"1_000"', '"1_000"'),
    ("0x10", '"0x10"', '"0x10"'),
    ("12:30:45", '"12:30:45"', '"12:30:45"'),
    ("2026-11-21", '"2026-11-21"', '"2026-11-21"'),
    ("999999999999999999", "999999999999999999", "999999999999999999"),
    ("H//2", '"H//2"', '"H//2"'),
]


@pytest.mark.parametrize(("yaml", "toml", "json_text"), WORDS)
def test_scalars_mean_the_same_in_every_format(yaml: str, toml: str, json_text: str) -> None:
    found = [data_of(f"a: {yaml}"), data_of(f"a = {toml}", ".toml"), data_of(f'{{"a": {json_text}}}', ".json")]

    assert found[0] == found[1] == found[2]
    assert len({type(each["a"]) for each in found}) == 1


# JSON and TOML

HEAD_OF_A_LONG_ONE = "convmath: 1\ninput: [1]\nlayers: [repeat: {times: 1000000, layers: [relu]}]"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"a": NaN}', "bad-number"),
        ('{"a": Infinity}', "bad-number"),
        ('{"a": -Infinity}', "bad-number"),
        ('{"a": 1e999}', "bad-number"),
        ('{"a": -1e999}', "bad-number"),
        ('{"a": 1.' + "0" * 5000 + "}", "bad-number"),
        ('{"a": 10000000000000000000}', "number-too-long"),
        ('{"a": ' + "9" * 5000 + "}", "number-too-long"),
        ('{"a": 1, "a": 2}', "duplicate-key"),
        ('{"x": [{"a": 1, "b": 2, "a": 1}]}', "duplicate-key"),
        ('{"a": 01}', "bad-json"),
        ('{"a": 1,}', "bad-json"),
        ("{'a': 1}", "bad-json"),
        ('{"a": "\n"}', "bad-json"),
        ("{", "bad-json"),
        ("", "bad-json"),
        ('{"a": 1} {"b": 2}', "bad-json"),
        ('{"a": 1 /* no */}', "bad-json"),
    ],
)
def test_json_that_is_refused(text: str, code: str) -> None:
    assert codes(refusal(text, ".json")) == [code]


def test_broken_json_is_refused_at_its_spot() -> None:
    assert place(refusal('{"a": 1,\n "b": ]}', ".json")) == (2, 7)


def test_faults_in_json_are_shown_at_their_spot() -> None:
    error = refusal(
        '{"convmath": 1, "input": [1, "H"],\n "layers": [{"conv": {"out_channels": 1, "kernal_size": 3}}]}', ".json"
    )

    assert codes(error) == ["unknown-field"]
    assert place(error) == (2, 42)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a = inf", "bad-number"),
        ("a = -inf", "bad-number"),
        ("a = [1.0, nan]", "bad-number"),
        ("a = 1e999", "bad-number"),
        ("a = 2026-11-21", "bad-value"),
        ("a = {b = 2026-11-21T10:00:00Z}", "bad-value"),
        ("a = 10:30:00", "bad-value"),
        ("a = 10000000000000000000", "number-too-long"),
        ("a = -10000000000000000000", "number-too-long"),
        ("a = 0x" + "F" * 30, "number-too-long"),
        ("a = " + "9" * 5000, "bad-toml"),
        ("a = 1\na = 2", "bad-toml"),
        ("[a]\n[a]", "bad-toml"),
        ("a = {b = 1, b = 2}", "bad-toml"),
        ("a = 010", "bad-toml"),
        ("a =", "bad-toml"),
        ("a = 'x", "bad-toml"),
        ("= 1", "bad-toml"),
        ("a = 2026-13-45", "bad-toml"),
    ],
)
def test_toml_that_is_refused(text: str, code: str) -> None:
    assert codes(refusal(text, ".toml")) == [code]


def test_broken_toml_is_refused_at_its_spot() -> None:
    assert place(refusal("a = 1\nb = ]", ".toml")) == (2, 5)


def test_faults_in_toml_are_shown_at_their_spot() -> None:
    error = refusal(
        TOML.replace("max_pool = 2", "max_pool = 2.5").replace("kernel_size = 3,", "kernel_sise = 3,"), ".toml"
    )

    assert [(each.code, each.spot and each.spot.text[each.spot.column - 1 :][:11]) for each in error.problems] == [
        ("unknown-field", "kernel_sise"),
        ("not-a-number", "2.5},"),
    ]


@pytest.mark.parametrize(
    ("text", "ending", "begin"),
    [
        ("", ".yaml", "net.yaml: error[not-a-spec]: "),
        ("", ".toml", "net.toml: error[not-a-spec]: "),
        ("[" * 500, ".json", "net.json: error[too-deep]: nested more than 64 deep"),
        ('{"a": 1, "a": 2}', ".json", "net.json: error[duplicate-key]: 'a' is given twice"),
        ("a = inf", ".toml", "net.toml: error[bad-number]: inf is no number"),
        ("convmath = 1\ninput = [1]", ".toml", "net.toml: error[missing-key]: 'layers' is missing"),
        (HEAD_OF_A_LONG_ONE, ".yaml", "net.yaml: error[too-many-layers]: 'repeat1' would make 1000000 layers"),
    ],
)
def test_faults_without_a_spot_name_the_file(text: str, ending: str, begin: str) -> None:
    assert str(refusal(text, ending)).startswith(begin)


def leaves(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield every value that is no list and no table, with its path."""
    if isinstance(data, dict | list):
        for step, held in data.items() if isinstance(data, dict) else enumerate(data):
            yield from leaves(held, (*path, step))
    else:
        yield path, data


TRICKY = '''\
# a = 1
"quoted \\u0041 key" = 'a # b' # [c]
a.'b.c'.d = 1  # dotted
empty = [ ]
text = """
x = 3 \\"""" # no comment"""
raw = \'\'\'it's ''here\'\'\'
lines = [
  1, # one
  [2, {x.y = 3, z = {}}], "four",
]
[[table]]
name = "first"
[table.inner]
x = +1_000
[[table]]
[table.inner]
x = 2.5e3
[[table.deep]]
x = true
[[table.deep]]
x = 1979 # \N{LINE SEPARATOR} "
["a b".c]
x = 0xff
'''


@pytest.mark.parametrize("text", [TOML, TRICKY, TRICKY.replace("\n", "\r\n")], ids=["plain", "tricky", "windows"])
def test_every_value_of_toml_is_found_where_it_stands(text: str) -> None:
    document = read_bytes(text.encode(), "net.toml", ".toml", DEFAULT)
    lines = text.splitlines()

    for path, held in leaves(document.data):
        spot = document.spot(path)
        assert spot is not None
        written = lines[spot.line - 1][spot.column - 1 :][: spot.width]
        if path == ("text",):
            assert written == '"'  # a value of several lines is marked where it begins
        else:
            assert tomllib.loads(f"x = {written}") == {"x": held}
        key = document.spot(path, key=True)
        if isinstance(path[-1], str):
            assert key is not None
            written = lines[key.line - 1][key.column - 1 :][: key.width]
            assert tomllib.loads(f"{written} = 1") == {path[-1]: 1}


@given(st.lists(st.sampled_from(["a", "'b'", ".", " = ", "1", "[", "]", "{", "}", ",", "\n", '"', "#", "x=[1]\n"])))
def test_marks_of_any_toml_are_of_values_that_it_has(parts: list[str]) -> None:
    text = "".join(parts)
    try:
        document = read_bytes(text.encode(), "net.toml", ".toml", DEFAULT)
    except SpecError:
        return

    for path in document.find_marks():
        held = document.data
        for step in path[:-1] if path[-1] is None else path:
            held = held[step]  # raises for a path that the data does not have


@pytest.mark.parametrize(
    ("text", "ending"), [("a: 1\na: 2", ".yaml"), ("a = 1\na = 2", ".toml"), ('{"a": 1, "a": 2}', ".json")]
)
def test_duplicate_keys_are_refused_in_every_format(text: str, ending: str) -> None:
    with pytest.raises(SpecError):
        data_of(text, ending)


# networks that would not end

HEAD = "convmath: 1\ninput: [1, H, W]\n"


def nested_repeats(times: int, depth: int, inside: str = "relu") -> str:
    return HEAD + "layers: [" + f"repeat: {{times: {times}, layers: [" * depth + inside + "]}" * depth + "]"


def doubling_blocks(depth: int, inside: str) -> str:
    blocks = "".join(f"  b{at}: {{layers: [b{at - 1}, b{at - 1}]}}\n" for at in range(1, depth))
    return HEAD + f"blocks:\n  b0: {{layers: [{inside}]}}\n{blocks}layers: [b{depth - 1}, relu]"


def chained_blocks(depth: int) -> str:
    blocks = "".join(f"  b{at}: {{layers: [b{at - 1}]}}\n" for at in range(1, depth))
    return HEAD + f"blocks:\n  b0: {{layers: [relu]}}\n{blocks}layers: [b{depth - 1}]"


BOMBS = {
    "repeats": (nested_repeats(1000, 3), "too-many-layers"),
    "empty repeats": (nested_repeats(1000, 3, inside=""), "too-many-layers"),
    "repeats of nothing": (nested_repeats(1000, 3, inside="repeat: {times: 0, layers: [relu]}"), "too-many-layers"),
    "one long repeat": (nested_repeats(10**17, 1), "too-many-layers"),
    "one long empty repeat": (nested_repeats(10**17, 1, inside=""), "too-many-layers"),
    "doubling blocks": (doubling_blocks(60, "relu"), "too-many-layers"),
    "doubling empty blocks": (doubling_blocks(60, ""), "too-many-layers"),
    "doubling repeats of nothing": (doubling_blocks(60, "repeat: {times: 0, layers: []}"), "too-many-layers"),
    "a chain of blocks": (chained_blocks(5000), "too-deep"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_expansion_bombs_are_refused_before_they_grow(name: str) -> None:
    text, code = BOMBS[name]

    error = refusal(text, limits=Limits(layers=3000))

    assert isinstance(error, LimitError)
    assert codes(error) == [code]
    assert error.exit_status == 5


def test_the_number_of_layers_is_a_limit_that_can_be_set() -> None:
    assert len(network_of(nested_repeats(10, 2), limits=Limits(layers=100)).nodes) == 100
    assert codes(refusal(nested_repeats(10, 2), limits=Limits(layers=99))) == ["too-many-layers"]


def test_the_number_of_symbols_is_a_limit_that_can_be_set() -> None:
    text = "convmath: 1\ninput: [" + " + ".join(f"s{at}" for at in range(40)) + ", H]\nlayers: [relu]"

    assert len(network_of(text, limits=Limits(symbols=41)).symbols) == 41
    assert codes(refusal(text, limits=Limits(symbols=40))) == ["too-many-symbols"]


@pytest.mark.parametrize(
    "blocks",
    [
        "a: {layers: [a]}",
        "a: {layers: [relu, b]}, b: {layers: [a]}",
        "a: {layers: [repeat: {times: 2, layers: [b]}]}, b: {layers: [a]}",
    ],
)
def test_blocks_that_call_themselves_are_refused(blocks: str) -> None:
    error = refusal(HEAD + f"blocks: {{{blocks}}}\nlayers: [a]")

    assert codes(error) == ["circular"]
    assert "calls itself: a → " in str(error)


def test_values_that_stand_for_ever_larger_products_are_refused() -> None:
    text = HEAD + "let: {" + ", ".join(f"a{at}: a{at + 1}*a{at + 1}" for at in range(60)) + ", a60: 999}\n"

    assert codes(refusal(text + "layers: [conv: {out_channels: a0, kernel_size: 1}]")) == ["expr-too-large"]


def test_values_that_stand_for_one_another_without_end_are_refused() -> None:
    text = HEAD + "let: {" + ", ".join(f"a{at}: a{at + 1} + 1" for at in range(3000)) + ", a3000: 1}\n"

    assert codes(refusal(text + "layers: [conv: {out_channels: a0, kernel_size: 1}]")) == ["expr-too-deep"]


FAULTS = {
    "kinds": HEAD + "layers: [" + "x, " * 20_000 + "]",
    "fields": HEAD + "layers:\n" + "- conv: {kernel: 3}\n" * 20_000,
    "keys": HEAD + "layers: [relu]\n" + "".join(f"k{at}: 1\n" for at in range(20_000)),
    "lets": HEAD + "layers: [relu]\nlet:\n" + "".join(f"  k{at}: 1+\n" for at in range(20_000)),
    "symbols": HEAD + "layers: [relu]\nsymbols:\n" + "".join(f"  k{at}: 1\n" for at in range(20_000)),
    "defaults": HEAD + "layers: [relu]\ndefaults:\n" + "".join(f"  k{at}: 1\n" for at in range(20_000)),
    "blocks": HEAD + "layers: [relu]\nblocks:\n" + "".join(f"  k{at}: 1\n" for at in range(20_000)),
    "repeats": nested_repeats(1000, 3, inside="x"),
    "calls": doubling_blocks(60, "x"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_file_of_faults_is_not_read_to_its_end(name: str) -> None:
    error = refusal(FAULTS[name], limits=Limits(layers=3000))

    assert len(error.problems) <= 300


@pytest.mark.parametrize("name", ["kinds", "keys", "lets"])
def test_a_file_of_faults_says_that_there_may_be_more(name: str) -> None:
    error = refusal(FAULTS[name])

    assert len(error.problems) == 101
    assert codes(error)[-1] == "too-many-faults"


NAMES = ["\x1b[31m", "\u202e", "\u009b", "a\nb", "a\rb", "\x07"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_that_a_terminal_would_obey_are_refused_in_print(name: str) -> None:
    quoted = json.dumps(name)
    texts = [
        HEAD + f"layers: [relu: {{name: {quoted}}}]",
        HEAD + f"name: {quoted}\nlayers: [relu]",
        HEAD + f"layers: [{quoted}]",
        HEAD + f"layers: [conv: {{{quoted}: 3}}]",
        HEAD + f"layers: [dense: {quoted}]",
        HEAD + f"{quoted}: 3\nlayers: [relu]",
    ]

    for text in texts:
        error = refusal(text)
        assert all(line.isprintable() for line in str(error).split("\n"))


def test_every_error_of_reading_is_one_of_convmath() -> None:
    assert issubclass(SpecError, ConvmathError)
    assert issubclass(LimitError, SpecError)
    assert (UsageError.exit_status, SpecError.exit_status, LimitError.exit_status) == (2, 3, 5)
