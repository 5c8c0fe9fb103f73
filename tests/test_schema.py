"""The JSON Schema of a spec file: it says what the reader says, as far as single values show it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from specs import STRATEGIES, mutated, specs
from test_documentation import PAGES, ROOT, examples

from convmath.cli.main import run
from convmath.errors import SpecError
from convmath.limits import DEFAULT
from convmath.spec.document import Document
from convmath.spec.files import read_bytes
from convmath.spec.kinds import VOCABULARY, field_kinds
from convmath.spec.parse import KEYS, parse
from convmath.spec.schema import LAYERS, STRUCTURE, TOP, schema
from convmath.zoo.catalogue import names, spec_of

SCHEMA = schema()
VALIDATOR = Draft202012Validator(SCHEMA)
DECLARED = [(cls.kind, name) for cls in VOCABULARY.values() for name in field_kinds(cls)]
EXAMPLES = sorted(path for path in (ROOT / "docs" / "examples").glob("*.yaml") if ".claims" not in path.name)
FILES = {name: spec_of(name) for name in names()} | {path.stem: path.read_text(encoding="utf-8") for path in EXAMPLES}
ON_PAGES = [
    (f"{page.name}:{each.line}", each)
    for page in PAGES
    for each in examples(page)
    if each.language in ("yaml", "toml", "json") and "convmath" in each.body.partition("\n")[0] + each.body[:20]
]

SEEN = {
    "bad-entry", "bad-name", "bad-size", "bad-version", "missing-field", "missing-key", "no-layers", "no-names",
    "no-version", "not-a-flag", "not-a-list", "not-a-number", "not-a-shape", "not-fields", "two-inputs",
    "unknown-field", "unknown-key", "unknown-kind", "unknown-word",
}  # fmt: skip
"""The reader's codes for faults of structure; of these the schema misses only what other places decide."""


def data_of(text: str, ending: str = ".yaml") -> Any:
    return read_bytes(text.encode(), "net", ending, DEFAULT).data


def problems(data: Any) -> list[str]:
    """Return the codes of what the reader has against a file."""
    try:
        parse(Document("net", "", data))
    except SpecError as error:
        return [each.code for each in error.problems]
    return []


def accepts(data: Any) -> bool:
    return VALIDATOR.is_valid(data)


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for each in part.values():
            yield from references(each)
    elif isinstance(part, list):
        for each in part:
            yield from references(each)


# what it is


def test_it_is_a_schema_and_plain_data() -> None:
    Draft202012Validator.check_schema(SCHEMA)

    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


def test_every_reference_leads_to_a_part_and_every_part_is_used() -> None:
    assert {each.removeprefix("#/$defs/") for each in references(SCHEMA)} == SCHEMA["$defs"].keys()


def test_no_kind_has_the_name_of_another_part() -> None:
    titles = {name: part.get("title") for name, part in SCHEMA["$defs"].items()}

    assert {name for name, title in titles.items() if title == name} == VOCABULARY.keys()


@pytest.mark.parametrize(("kind", "field"), DECLARED)
def test_every_declared_field_has_a_schema_with_help_and_default(kind: str, field: str) -> None:
    declared = field_kinds(VOCABULARY[kind])[field]
    held = SCHEMA["$defs"][kind]
    shown = (held.get("properties") or held["anyOf"][0]["properties"])[field]

    assert declared.schema(names=True).items() <= shown.items()
    assert shown["description"]
    assert isinstance(declared.schema(names=False), dict)
    assert type(declared) in STRATEGIES


@pytest.mark.parametrize("kind", VOCABULARY)
def test_every_kind_is_explained(kind: str) -> None:
    words, equation = SCHEMA["$defs"][kind]["description"].split("\n\n")

    assert words
    assert "`" not in words
    assert equation == VOCABULARY[kind].meaning.equation


def test_every_key_and_word_is_described() -> None:
    described = [*TOP.values(), *STRUCTURE.values()]

    assert all(each["description"] for each in described)


def test_the_keys_are_the_readers() -> None:
    assert TOP.keys() == set(KEYS)


# it accepts what the reader accepts


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_every_file_of_the_zoo_and_of_the_examples_is_accepted(text: str) -> None:
    VALIDATOR.validate(data_of(text))


@pytest.mark.parametrize("example", [each for _, each in ON_PAGES], ids=[where for where, _ in ON_PAGES])
def test_every_example_of_the_documentation_is_judged_as_the_reader_judges(example: Any) -> None:
    data = data_of(example.body, f".{example.language}")

    found = problems(data)

    assert accepts(data) == (not set(found) & SEEN)
    assert accepts(data) or found


def test_the_documentation_has_examples_in_every_format() -> None:
    assert {each.language for _, each in ON_PAGES} == {"yaml", "toml", "json"}


SMALL: dict[str, Any] = {"convmath": 1, "input": [3, "H", "W"], "layers": ["relu"]}
BODY = {
    "params": ["c", {"m": "same"}],
    "let": {"d": "2*c"},
    "layers": [{"conv": {"out_channels": "d", "kernel_size": 3}}],
}


CONV = {"out_channels": 4, "kernel_size": 3}
MOVED = {**CONV, "from": ["input", "input"]}
GIVEN = {**MOVED, "offsets": "given"}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"name": "Größe", "about": {"paper": 1.5, "notes": [None, {}]}},
        {"about": None, "symbols": None, "let": None, "defaults": None, "blocks": None},
        {"symbols": {"H": {"default": "2*3"}, "p": {"min": 0, "max": 9}, "q": None, "r": {"max": "max(2, 3)"}}},
        {"let": {"p": "same", "k": [3, 5], "f": False, "r": 0.5, "none": None}},
        {"defaults": {"conv": {"bias": False}, "linear": {"bias": True}}},
        {"defaults": {"dense": {"out_features": 3}}, "layers": ["flatten", "dense", {"dense": None}, {"dense": {}}]},
        {"defaults": {"conv": {"kernel_size": 3}}, "layers": [{"depthwise_conv": None}]},
        {"blocks": {"b": BODY}, "layers": [{"b": 3}, {"b": {"c": 3, "m": "valid", "name": "x"}}]},
        {"blocks": {"b": {"params": ["k"], "layers": [{"max_pool": "k"}]}}, "layers": [{"b": [1, 2]}]},
        {"blocks": {"": {"layers": []}}, "layers": ["", {"": None}, "relu"]},
        {"blocks": {"a b": {"params": None, "layers": ["relu"]}}, "layers": ["a b"]},
        {"layers": [{"repeat": {"times": 0, "layers": []}}, {"relu": {"name": None}}, {"relu": None}]},
        {"layers": [{"repeat": {"name": "r", "times": "2*3", "index": "j", "layers": [{"pad": "j"}]}}]},
        {"layers": [{"repeat": {"name": None, "times": 1, "index": None, "layers": ["relu"]}}]},
        {"layers": [{"batch_norm": {"eps": "1e-3"}}, {"dropout": "0.5"}, {"dropout": 0}]},
        {"layers": ["relu", {"add": "relu1"}, {"concat": ["input", ["relu1", "add1"]]}, {"add": {"from": ["add1"]}}]},
        {"layers": [{"deformable_conv": GIVEN}]},
        {"defaults": {"deformable_conv": {"offsets": "given"}}, "layers": [{"deformable_conv": MOVED}]},
        {"let": {"k": ["input", "input"], "given": 3}, "layers": [{"deformable_conv": {**GIVEN, "from": "k"}}]},
        {"layers": ["relu", {"tanh": {"from": ["relu1"], "name": "a"}}, {"tanh": {"share": "a"}}], "outputs": ["a"]},
        {"let": {"k": ["relu1", "input"], "m": "concat"}, "layers": ["relu", {"add": "k"}], "outputs": None},
        {"let": {"m": "concat"}, "layers": [{"parallel": {"merge": "m", "branches": [[], ["relu"]]}}]},
        {"layers": [{"residual": []}, {"residual": {"layers": ["relu"], "shortcut": None, "name": None}}]},
        {"layers": [{"parallel": {"merge": "add", "branches": [[]], "name": "p", "from": "input"}}]},
        {"layers": [{"repeat": {"times": "2*n", "layers": [{"residual": ["relu"]}]}}, {"squeeze_excitation": "C"}]},
        {"defaults": {"add": {}, "squeeze_excitation": {"gate": "tanh"}}, "layers": ["relu"]},
        {"blocks": {"b": BODY}, "layers": [{"b": {"c": 3, "name": "x"}}, {"b": {"c": 3, "from": "x", "share": "x"}}]},
        {"blocks": {"b": {"params": ["s"], "layers": [{"add": "s"}]}}, "layers": ["relu", {"b": [["relu1", "input"]]}]},
        {"layers": [{"upsample": 1.5}, {"upsample": ["1/2", 0.25]}, {"upsample": {"scale_factor": "5/4"}}]},
        {"layers": [{"upsample": 2}, {"upsample": {"size": ["H", "2*W"]}}, {"upsample": {"scale_factor": [2, 3]}}]},
        {"layers": [{"upsample": {"size": 9, "scale_factor": None, "mode": "bilinear", "align_corners": True}}]},
        {"defaults": {"upsample": {"mode": "bilinear"}}, "layers": [{"upsample": {"size": "H"}}]},
        {"layers": [{"hard_tanh": {"min_val": 0, "max_val": "6"}}, {"celu": {"alpha": 0.5}}, {"gelu": None}, "celu"]},
        {"layers": ["relu", {"subtract": ["relu1", "input"]}, {"divide": {"from": ["relu1", "input"]}}]},
        {"layers": [{"pad": [[0, "H"], 3]}, {"max_pool": ["H", 2]}, {"max_pool": {"kernel_size": 2, "padding": "H"}}]},
    ],
)  # fmt: skip
def test_forms_that_both_accept(more: dict[str, Any]) -> None:
    data = SMALL | more

    assert problems(data) == []
    VALIDATOR.validate(data)


def test_values_of_settings_may_stand_for_real_fields() -> None:
    data = SMALL | {"layers": [{"leaky_relu": "slope"}]}

    parse(Document("net", "", data), {"slope": 2})

    assert accepts(data)


@settings(max_examples=150)
@given(specs())
def test_files_made_from_the_vocabulary_are_accepted(data: dict[str, Any]) -> None:
    assert problems(data) == []
    VALIDATOR.validate(data)


# it refuses what the reader refuses


def conv(**fields: Any) -> dict[str, Any]:
    return {"layers": [{"conv": CONV | fields}]}


STRUCTURAL: dict[str, dict[str, Any]] = {
    "an unknown key": {"layer": []},
    "outputs without names": {"outputs": []},
    "a name for outputs": {"outputs": "relu1"},
    "a number among outputs": {"outputs": [1]},
    "an input and inputs": {"inputs": {"a": [3, "H", "W"]}},
    "a version of another time": {"convmath": 2},
    "a version as text": {"convmath": "1"},
    "a version as a flag": {"convmath": True},
    "no name": {"name": ""},
    "a number for a name": {"name": 5},
    "nothing for a name": {"name": None},
    "a name that cannot be printed": {"name": "a\x1bb"},
    "a long name": {"name": "a" * 201},
    "a number for a shape": {"input": 3},
    "an empty shape": {"input": []},
    "an input of size 0": {"input": [0, "H"]},
    "a decimal in a shape": {"input": [3, 1.5]},
    "no layers": {"layers": []},
    "a mapping of layers": {"layers": {"relu": None}},
    "text for layers": {"layers": "relu"},
    "a list for symbols": {"symbols": ["H"]},
    "a symbol that is a number": {"symbols": {"H": 224}},
    "an unknown field of a symbol": {"symbols": {"H": {"minimum": 3}}},
    "a decimal default": {"symbols": {"H": {"default": 1.5}}},
    "a name for a default": {"symbols": {"H": {"default": "W"}}},
    "a flag for a default": {"symbols": {"H": {"default": True}}},
    "a negative least value": {"symbols": {"H": {"min": -1}}},
    "a keyword for a symbol": {"symbols": {"lambda": {}}},
    "a function for a symbol": {"symbols": {"floor": {}}},
    "the output position for a symbol": {"symbols": {"i": {}}},
    "a symbol with a space": {"symbols": {"a b": {}}},
    "a list of values": {"let": ["a"]},
    "a value named like a function": {"let": {"max": 3}},
    "a value that is no expression": {"let": {"a": "3 ; 4"}},
    "a number for about": {"about": 3},
    "an unknown kind": {"layers": ["cnv"]},
    "an unknown kind with fields": {"layers": [{"cnv": {"kernel_size": 3}}]},
    "an unknown kind in a repeat": {"layers": [{"repeat": {"times": 1, "layers": ["cnv"]}}]},
    "a block that is not there": {"layers": [{"body": 3}], "let": {"a": 1}},
    "two kinds in one entry": {"layers": [{"relu": None, "tanh": None}]},
    "an empty entry": {"layers": [{}]},
    "a number for an entry": {"layers": [3]},
    "a list for an entry": {"layers": [["relu"]]},
    "nothing for an entry": {"layers": [None]},
    "an unknown field": conv(kernal_size=3),
    "channels that are known": conv(in_channels=3),
    "a field of another kind": {"layers": [{"relu": {"kernel_size": 3}}]},
    "a missing field": {"layers": [{"conv": {"kernel_size": 3}}]},
    "a missing field in a block": {"blocks": {"b": {"layers": [{"conv": {}}]}}, "layers": ["b"]},
    "a missing field in a repeat": {"layers": [{"repeat": {"times": 1, "layers": ["conv"]}}]},
    "a missing field beside defaults": {"defaults": {"conv": {"bias": False}}, "layers": ["conv"]},
    "a missing value": {"layers": ["dense"]},
    "nothing for a value": {"layers": [{"dense": None}]},
    "no fields for a kind that needs them": {"layers": [{"max_pool": {}}]},
    "a value for a kind without": {"layers": [{"relu": 3}]},
    "a number for fields": {"layers": [{"conv": 3}]},
    "a list for a number": conv(groups=[1]),
    "a list for a one-line value": {"layers": ["flatten", {"dense": [3]}]},
    "a flag for a number": conv(out_channels=True),
    "a flag for a value per axis": conv(stride=False),
    "a flag in a list": conv(stride=[True, 1]),
    "a flag for padding": conv(padding=True),
    "a flag for a real number": {"layers": [{"dropout": True}]},
    "a decimal for a size": conv(kernel_size=1.5),
    "a decimal in a list": conv(kernel_size=[3, 1.5]),
    "nothing for a size": conv(stride=None),
    "a mapping for a size": conv(stride={"a": 1}),
    "a stride of 0": conv(stride=0),
    "a negative padding": conv(padding=-1),
    "a negative padding in a pair": conv(padding=[0, [0, -1]]),
    "a word in a pair": conv(padding=[0, ["same", 1]]),
    "a triple": conv(padding=[[1, 2, 3], 0]),
    "an empty list": conv(stride=[]),
    "text that is no expression": conv(stride="1; 2"),
    "no text": conv(stride=""),
    "a number for a flag": conv(bias=1),
    "text for a flag": conv(bias="no"),
    "a misspelled word": conv(padding_mode="zero"),
    "a number for a word": conv(padding_mode=3),
    "a misspelled word in the defaults": {"defaults": {"conv": {"padding_mode": "zero"}}, **conv()},
    "a probability above 1": {"layers": [{"dropout": 1.5}]},
    "text for a real number": {"layers": [{"elu": "1_0.5"}]},
    "a number for the name of a layer": {"layers": [{"relu": {"name": 5}}]},
    "an empty name of a layer": {"layers": [{"relu": {"name": ""}}]},
    "defaults of an unknown kind": {"defaults": {"cnv": {"bias": False}}},
    "defaults of a repeat": {"defaults": {"repeat": {"times": 3}}},
    "an unknown field in the defaults": {"defaults": {"conv": {"bia": False}}},
    "a name in the defaults": {"defaults": {"conv": {"name": "c"}}},
    "a number for defaults": {"defaults": {"conv": 3}},
    "nothing for defaults": {"defaults": {"conv": None}},
    "a block that is a list": {"blocks": {"b": ["relu"]}},
    "a block without layers": {"blocks": {"b": {"params": ["c"]}}},
    "a block with one layer as text": {"blocks": {"b": {"layers": "relu"}}},
    "an unknown field of a block": {"blocks": {"b": {"layers": ["relu"], "layer": 3}}},
    "a block named like a kind": {"blocks": {"conv": {"layers": ["relu"]}}},
    "a block named like an alias": {"blocks": {"linear": {"layers": ["relu"]}}},
    "a block named like structure": {"blocks": {"repeat": {"layers": ["relu"]}}},
    "a parameter that is a number": {"blocks": {"b": {"layers": ["relu"], "params": [1]}}},
    "a parameter called name": {"blocks": {"b": {"layers": ["relu"], "params": ["name"]}}},
    "a parameter with two defaults": {"blocks": {"b": {"layers": ["relu"], "params": [{"c": 1, "d": 2}]}}},
    "no text for parameters": {"blocks": {"b": {"layers": ["relu"], "params": ""}}},
    "a number for the values of a block": {"blocks": {"b": {"layers": ["relu"], "let": 0}}},
    "text for parameters": {"blocks": {"b": {"layers": ["relu"], "params": "c"}}},
    "a list of values of a block": {"blocks": {"b": {"layers": ["relu"], "let": ["c"]}}},
    "a number for the name of a call": {"blocks": {"b": {"layers": ["relu"]}}, "layers": [{"b": {"name": 5}}]},
    "a merge that is a word": {"layers": ["add"]},
    "a merge that is a word beside blocks": {"blocks": {"b": BODY}, "layers": ["concat"]},
    "a merge of nothing": {"layers": [{"add": None}]},
    "a merge without names": {"layers": [{"add": {"name": "a"}}]},
    "a merge of an empty list": {"layers": [{"multiply": []}]},
    "a merge of an empty list in a list": {"layers": ["relu", {"multiply": ["relu1", []]}]},
    "a merge of a number": {"layers": [{"concat": 3}]},
    "a merge of mappings": {"layers": [{"concat": [{"a": 1}]}]},
    "an unknown field of a merge": {"layers": ["relu", {"concat": {"from": "relu1", "axis": 1}}]},
    "a merge in the defaults": {"defaults": {"add": {"from": "relu1"}}},
    "a shared layer in the defaults": {"defaults": {"conv": {"share": "a"}}},
    "nothing to come from": {"layers": [{"relu": {"from": None}}]},
    "a number to come from": {"layers": [{"relu": {"from": 1}}]},
    "no name to come from": {"layers": ["relu", {"relu": {"from": ""}}]},
    "given offsets from nowhere": {"layers": [{"deformable_conv": {**CONV, "offsets": "given"}}]},
    "given offsets in a repeat from nowhere": {
        "layers": [{"repeat": {"times": 2, "layers": [{"deformable_conv": {**CONV, "offsets": "given"}}]}}]
    },
    "nothing to share": {"layers": [{"relu": {"share": None}}]},
    "a number to share": {"blocks": {"b": {"layers": ["relu"]}}, "layers": ["b", {"b": {"share": 1}}]},
    "parameters called from and share": {"blocks": {"b": {"layers": ["relu"], "params": ["share"]}}},
    "a residual that is a word": {"layers": ["residual"]},
    "a residual of a number": {"layers": [{"residual": 3}]},
    "a residual without layers": {"layers": [{"residual": {"shortcut": ["relu"]}}]},
    "an unknown field of a residual": {"layers": [{"residual": {"layers": ["relu"], "short": []}}]},
    "a number for a shortcut": {"layers": [{"residual": {"layers": ["relu"], "shortcut": 0}}]},
    "a shortcut of one layer as text": {"layers": [{"residual": {"layers": ["relu"], "shortcut": "relu"}}]},
    "an unknown kind in a shortcut": {"layers": [{"residual": {"layers": ["relu"], "shortcut": ["cnv"]}}]},
    "a list for parallel": {"layers": [{"parallel": [["relu"]]}]},
    "parallel without branches": {"layers": [{"parallel": {"merge": "add"}}]},
    "parallel without a merge": {"layers": [{"parallel": {"branches": [["relu"]]}}]},
    "parallel with no branch": {"layers": [{"parallel": {"merge": "add", "branches": []}}]},
    "a layer for a branch": {"layers": [{"parallel": {"merge": "add", "branches": ["relu"]}}]},
    "an unknown merge": {"layers": [{"parallel": {"merge": "sum", "branches": [["relu"]]}}]},
    "a flag in a branch": {"layers": [{"parallel": {"merge": "add", "branches": [[{"conv": CONV | {"bias": 1}}]]}}]},
    "a missing field in a residual": {"layers": [{"residual": ["conv"]}]},
    "a block named like a residual": {"blocks": {"residual": {"layers": ["relu"]}}},
    "an unknown word in squeeze and excitation": {
        "layers": [{"squeeze_excitation": {"squeeze_channels": 2, "gate": "relu"}}]
    },
    "a repeat that is a number": {"layers": [{"repeat": 3}]},
    "a repeat that is a word": {"layers": ["repeat"]},
    "a repeat that is a word beside blocks": {"blocks": {"b": BODY}, "layers": ["repeat"]},
    "a repeat without times": {"layers": [{"repeat": {"layers": ["relu"]}}]},
    "a repeat without layers": {"layers": [{"repeat": {"times": 3}}]},
    "an unknown field of a repeat": {"layers": [{"repeat": {"times": 3, "layers": ["relu"], "indx": "j"}}]},
    "an index that is a number": {"layers": [{"repeat": {"times": 3, "layers": ["relu"], "index": 3}}]},
    "an index named like a function": {"layers": [{"repeat": {"times": 3, "layers": ["relu"], "index": "max"}}]},
    "negative times": {"layers": [{"repeat": {"times": -1, "layers": ["relu"]}}]},
    "decimal times": {"layers": [{"repeat": {"times": 1.5, "layers": ["relu"]}}]},
    "text for the layers of a repeat": {"layers": [{"repeat": {"times": 1, "layers": "relu"}}]},
}  # fmt: skip


@pytest.mark.parametrize("fault", STRUCTURAL)
def test_faults_of_structure_are_refused_by_both(fault: str) -> None:
    data = SMALL | STRUCTURAL[fault]

    assert problems(data)
    assert not accepts(data)


@pytest.mark.parametrize(
    "inputs", [None, {}, ["a"], {"a": 3}, {"a": []}, {"a": [0, "H"]}, {"": [3, "H"]}, {"a" * 201: [3, "H"]}]
)
def test_faulty_inputs_are_refused_by_both(inputs: Any) -> None:
    data = {"convmath": 1, "inputs": inputs, "layers": [{"relu": {"from": "a"}}]}

    assert problems(data)
    assert not accepts(data)
    assert accepts(data | {"inputs": {"a": [3, "H"]}})


@pytest.mark.parametrize("key", ["convmath", "input", "layers"])
def test_keys_that_must_be_there(key: str) -> None:
    data = {name: held for name, held in SMALL.items() if name != key}

    assert problems(data)
    assert not accepts(data)


@pytest.mark.parametrize("data", [None, [], "relu", 3, {}])
def test_what_is_no_mapping_is_no_spec(data: Any) -> None:
    assert problems(data)
    assert not accepts(data)


BEYOND: dict[str, dict[str, Any]] = {
    "the names of blocks": {"blocks": {"b": {"layers": ["relu"]}}, "layers": ["bb"]},
    "the parameters of blocks": {"blocks": {"b": BODY}, "layers": [{"b": {"cc": 3}}]},
    "blocks that call themselves": {"blocks": {"b": {"layers": ["b"]}}, "layers": ["b"]},
    "lengths per axis": conv(stride=[1, 2, 3]),
    "whether an image arrives": {"layers": ["flatten", {"max_pool": 2}]},
    "names that are given twice": {"layers": [{"relu": {"name": "a"}}, {"tanh": {"name": "a"}}]},
    "names of outputs": {"layers": ["relu", {"add": ["relu1", "tanh1"]}]},
    "names that stand for several outputs": {"layers": ["relu", {"relu": {"from": ["relu1", "relu1"]}}]},
    "the number of maps": {"layers": [{"deformable_conv": {**CONV, "from": ["input", "input"]}}]},
    "the number of maps beside given offsets": {
        "layers": [{"deformable_conv": {**CONV, "offsets": "given", "modulated": True, "from": ["input", "input"]}}]
    },
    "given offsets by default": {
        "defaults": {"deformable_conv": {"offsets": "given"}},
        "layers": [{"deformable_conv": CONV}],
    },
    "names that hold no names": {"let": {"k": []}, "layers": ["relu", {"add": "k"}]},
    "what may be shared": {"layers": ["relu", {"tanh": {"share": "relu1"}}]},
    "merges beside names": {"let": {"k": 3}, "layers": [{"parallel": {"merge": "added", "branches": [["relu"]]}}]},
    "whether what is joined has the same axes": {
        "layers": [{"parallel": {"merge": "add", "branches": [[], ["flatten"]]}}]
    },
    "repeats of symbolic depth that take what comes from elsewhere": {
        "layers": ["relu", {"repeat": {"times": "n", "layers": [{"tanh": {"from": "input"}}]}}]
    },
    "expressions with a fault": conv(stride="3 +"),
    "values of expressions": conv(stride="2 - 2"),
    "words that may be symbols": conv(padding="vlaid"),
    "names bound to something else": {"let": {"k": [3, 5]}, **conv(out_channels="k")},
    "flags beside names": {"let": {"k": 3}, **conv(bias="no")},
    "ranges": {"symbols": {"H": {"min": 5, "max": 4}}},
    "required fields that defaults may give": {"defaults": {"conv": {"kernel_size": 3}}, "layers": ["conv"]},
    "a decimal point without decimals": conv(stride=2.0),
}


@pytest.mark.parametrize("fault", BEYOND)
def test_what_the_schema_cannot_see(fault: str) -> None:
    data = SMALL | BEYOND[fault]

    assert problems(data)
    assert accepts(data)


NOT_READ: dict[str, dict[str, Any]] = {
    "a block that nothing calls": {"blocks": {"b": {"layers": [{"relu": 3}]}}},
    "defaults of a kind that does not occur": {"defaults": {"conv": {"stride": 0}}},
    "the layers of no passes": {"layers": ["relu", {"repeat": {"times": 0, "layers": [3]}}]},
}


@pytest.mark.parametrize("part", NOT_READ)
def test_the_schema_also_judges_what_the_reader_never_reads(part: str) -> None:
    data = SMALL | NOT_READ[part]

    assert problems(data) == []
    assert not accepts(data)


@settings(max_examples=400)
@given(st.data())
def test_a_planted_fault_is_judged_alike(data: st.DataObject) -> None:
    spec, fault = data.draw(mutated(specs()))

    found = problems(spec)

    # Where a file binds names, a word that no schema can know may stand for a flag, a word or a decimal.
    a_name = {"let", "blocks"} & spec.keys() and "zzz" in str(fault.now)
    if not found:
        VALIDATOR.validate(spec)
    elif a_name and set(found) <= {"not-a-number", "not-a-flag", "unknown-word"}:
        return
    elif fault.structural and set(found) <= (SEEN - {"unknown-kind"} if "blocks" in spec else SEEN):
        assert not accepts(spec), (fault, found)


@pytest.mark.parametrize("inner", ["cnv", "conv", {"conv": {"out_channels": 1, "kernel_size": 1, "bias": "no"}}])
@pytest.mark.parametrize(
    "wrapped",
    [
        lambda each: {"residual": [each]},
        lambda each: {"residual": {"layers": ["relu"], "shortcut": [each]}},
        lambda each: {"parallel": {"branches": [["relu"], ["relu", each]]}},
        lambda each: {"parallel": {"branches": [[{"residual": [{"repeat": {"times": 1, "layers": [each]}}]}]]}},
    ],
)
def test_rules_reach_into_structure_of_any_shape(monkeypatch: pytest.MonkeyPatch, wrapped: Any, inner: Any) -> None:
    both = {"type": "object", "properties": {"layers": LAYERS, "shortcut": LAYERS}}
    branches = {"type": "object", "properties": {"branches": {"type": "array", "items": LAYERS}}}
    monkeypatch.setitem(STRUCTURE, "residual", {"anyOf": [LAYERS, both]})
    monkeypatch.setitem(STRUCTURE, "parallel", branches)

    validator = Draft202012Validator(schema())

    assert validator.is_valid(SMALL | {"layers": [wrapped("tanh")]})
    assert not validator.is_valid(SMALL | {"layers": [wrapped(inner)]})


# the command


def test_the_command_prints_the_schema(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["schema"]) == 0
    printed = capsys.readouterr().out
    target = tmp_path / "convmath.schema.json"
    assert run(["schema", "-o", str(target)]) == 0

    assert json.loads(printed) == SCHEMA
    assert printed.isascii()
    assert target.read_text(encoding="utf-8") == printed
    assert run(["schema", "-o", str(tmp_path)]) == 2
