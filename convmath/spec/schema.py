"""The JSON Schema of a spec file, made from the vocabulary: what editors complete, explain and check.

Most of it says what may stand where. Three rules hold in some files only, and reach every
entry wherever it is nested: without ``blocks`` a word must be a kind; without ``blocks`` and
``let`` no name stands for a word or a flag; a kind needs its required fields unless
``defaults`` may give them.

A new kind of layer needs nothing here, a new structure word or top-level key one line.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from inspect import cleandoc

from convmath.spec.branches import MERGES
from convmath.spec.build import MOST_NAME
from convmath.spec.expressions import FUNCTIONS, MOST_CHARACTERS, RESERVED
from convmath.spec.fields import REQUIRED, FieldKind, Schema, number_schema, or_name
from convmath.spec.given import NUMBERS
from convmath.spec.kinds import ALIASES, VOCABULARY, field_kinds
from convmath.spec.layer import Layer, Merge
from convmath.spec.parse import POSITION, VERSION

DRAFT = "https://json-schema.org/draft/2020-12/schema"
LAYERS: Schema = {"$ref": "#/$defs/layers"}
"""A list of layers; wherever this stands, the rules for entries are applied inside."""
WORDS: dict[str, type[Layer]] = {**VOCABULARY, **{alias: VOCABULARY[kind] for alias, kind in ALIASES.items()}}
"""Every kind by every name."""


def _fields(fields: Mapping[str, Schema], *required: str) -> Schema:
    """Return the schema of a mapping with these fields and no others."""
    needed: Schema = {"required": [*required]} if required else {}
    return {"type": "object", "properties": dict(fields), **needed, "additionalProperties": False}


def _symbols(*taken: str) -> str:
    """Return the pattern of names in expressions, where some more are taken."""
    return f"^(?!({'|'.join(sorted({*RESERVED, *taken}))})$)[A-Za-z_][A-Za-z0-9_]{{0,63}}$"


def _bound(values: Schema, *taken: str) -> Schema:
    """Return the schema of a mapping from names in expressions to *values*, or of nothing."""
    return {
        "type": ["object", "null"],
        "propertyNames": {"pattern": _symbols(*taken)},
        "additionalProperties": values,
    }


COMMON: dict[str, Schema] = {
    "name": {"description": "What the layer, or the output of these layers, is called.", "$ref": "#/$defs/name"},
    "from": {"description": "The output that goes in, by its name; else the one above.", "$ref": "#/$defs/outputs"},
    "share": {"description": "The layer or block whose parameters are used.", "$ref": "#/$defs/outputs"},
}
"""The fields of every entry, be it a layer, a call or structure."""

_RESIDUAL: Schema = _fields(
    {
        **COMMON,
        "layers": LAYERS,
        "shortcut": {
            "description": "Layers on the way around; unless given, what arrives is added as it is.",
            "anyOf": [LAYERS, {"type": "null"}],
        },
    },
    "layers",
)
STRUCTURE: dict[str, Schema] = {
    "repeat": {
        "description": "Run the layers several times, one pass after the other.",
        **_fields(
            {
                **COMMON,
                "times": {"description": "The number of passes.", **number_schema(0)},
                "index": {
                    "description": "A name for the number of the pass, counted from 0.",
                    "anyOf": [{"$ref": "#/$defs/symbol"}, {"type": "null"}],
                },
                "layers": LAYERS,
            },
            "times",
            "layers",
        ),
    },
    "residual": {
        "description": "Add what arrives to the output of the layers, or the output of a shortcut.",
        "anyOf": [LAYERS, _RESIDUAL],
    },
    "parallel": {
        "description": "Branches that all begin with what arrives, and are merged at their ends.",
        **_fields(
            {
                **COMMON,
                "merge": {"description": "How the branches are merged.", **or_name({"enum": [*MERGES]}, names=True)},
                "branches": {
                    "description": "The branches, each a list of layers; an empty one passes on what arrives.",
                    "type": "array",
                    "items": LAYERS,
                    "minItems": 1,
                },
            },
            "merge",
            "branches",
        ),
    },
}
"""The words that are no kind of layer and no block."""
PLAIN: dict[str, dict[str, Schema]] = {"parallel": {"merge": {"enum": [*MERGES]}}}
"""What structure takes where no name stands for a word or a flag."""
MERGING = [word for word, cls in WORDS.items() if issubclass(cls, Merge)]
"""The kinds that take the names of what they join, which no defaults can give."""

_CONSTANT: Schema = {**number_schema(0), "pattern": f"^([^A-Za-z_]|{'|'.join(FUNCTIONS)})*$"}
"""A number or an expression without names."""
_SYMBOL: Schema = {
    **_fields(
        {
            "min": {"description": "The least value; 1 unless given.", **_CONSTANT},
            "max": {"description": "The greatest value.", **_CONSTANT},
            "default": {"description": "The value at which numbers are shown.", **_CONSTANT},
        }
    ),
    "type": ["object", "null"],
}
_PARAMETER: Schema = {
    "anyOf": [
        {"type": "string", "pattern": _symbols(*COMMON)},
        {"type": "object", "propertyNames": {"pattern": _symbols(*COMMON)}, "minProperties": 1, "maxProperties": 1},
    ]
}
_BLOCK: Schema = _fields(
    {
        "params": {
            "description": "The parameters in order: a name, or {name: default}.",
            "type": ["array", "null"],
            "items": _PARAMETER,
        },
        "let": {"description": "Names for values inside the block.", **_bound({"$ref": "#/$defs/value"})},
        "layers": LAYERS,
    },
    "layers",
)

_SHAPE: Schema = {"type": "array", "items": number_schema(1), "minItems": 1}

TOP: dict[str, Schema] = {
    "convmath": {"description": "The version of the format.", "const": VERSION},
    "name": {"description": "What the network is called.", "$ref": "#/$defs/name", "type": "string"},
    "input": {
        "description": "The shape of one sample, channels first: [C], [C, L], [C, H, W], [C, D, H, W], …",
        **_SHAPE,
    },
    "inputs": {
        "description": "The shapes of several inputs by their names, as in {left: [3, H, W], right: [3, H, W]}.",
        "type": "object",
        "propertyNames": {"$ref": "#/$defs/name"},
        "additionalProperties": _SHAPE,
        "minProperties": 1,
    },
    "symbols": {
        "description": "Ranges and defaults of symbols, as in {H: {default: 224}}.",
        **_bound(_SYMBOL, POSITION),
    },
    "let": {
        "description": "Names for values and expressions, as in {wide: 2*width}.",
        **_bound({"$ref": "#/$defs/value"}, POSITION),
    },
    "defaults": {
        "description": "Fields per kind that hold unless a layer says otherwise.",
        "type": ["object", "null"],
        "properties": {
            word: {"type": "object", "maxProperties": 0}
            if word in MERGING
            else {"$ref": f"#/$defs/{cls.kind}", "type": "object", "propertyNames": {"not": {"enum": [*COMMON]}}}
            for word, cls in WORDS.items()
        },
        "additionalProperties": False,
    },
    "blocks": {
        "description": "Parts of a network that are called like a kind of layer.",
        "type": ["object", "null"],
        "propertyNames": {"not": {"enum": [*WORDS, *STRUCTURE]}},
        "additionalProperties": _BLOCK,
    },
    "layers": {"description": "The layers, from top to bottom.", **LAYERS, "minItems": 1},
    "outputs": {
        "description": "The names of the outputs, where there are more than the last layer's.",
        "type": ["array", "null"],
        "items": {"$ref": "#/$defs/outputs"},
        "minItems": 1,
    },
    "about": {
        "description": "Anything you like: paper, source, remarks. No analysis reads it.",
        "type": ["object", "null"],
    },
}
"""The keys of a file."""

EXPRESSION: Schema = {"minLength": 1, "maxLength": MOST_CHARACTERS, "pattern": r"^[A-Za-z0-9_ \t+*/%(),-]*$"}
"""What tells an expression from other text, as far as single characters can."""

PRINTABLE = r"^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e]*$"

PARTS: dict[str, Schema] = {
    "number": {"type": ["integer", "string"], **EXPRESSION},
    "decimal": {
        "type": "string",
        "anyOf": [{"pattern": r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*$"}, {"pattern": _symbols()}],
    },
    "numbers": NUMBERS,
    "value": EXPRESSION,
    "symbol": {"type": "string", "pattern": _symbols()},
    "name": {
        "type": ["string", "null"],
        "minLength": 1,
        "maxLength": MOST_NAME,
        "pattern": PRINTABLE,
    },
    "outputs": {
        "anyOf": [
            {"type": "string", "minLength": 1, "pattern": PRINTABLE},
            {"type": "array", "items": {"$ref": "#/$defs/outputs"}, "minItems": 1},
        ]
    },
    "call": {
        "description": "A call of a block: nothing, the value of its first parameter, or values by name.",
        "properties": COMMON,
    },
    "layers": {"type": "array", "items": {"$ref": "#/$defs/entry"}},
}
"""What the others refer to; kinds, entries and rules are made below.

They have no descriptions of their own, which editors would show in place of the field's.
"""


def schema() -> Schema:
    """Return the JSON Schema of a spec file, as plain data."""
    return {
        "$schema": DRAFT,
        "$comment": "Printed by 'convmath schema'.",
        "title": "convmath spec",
        "description": "A convolutional network for convmath, with a number or a symbol for any size.",
        **_fields(TOP, "convmath", "layers"),
        "oneOf": [{"required": ["input"]}, {"required": ["inputs"]}],
        "allOf": [*_conditions()],
        "$defs": {
            **PARTS,
            "entry": {"anyOf": [_word(), _line()]},
            **dict(_rules()),
            **{kind: _kind(cls) for kind, cls in VOCABULARY.items()},
        },
    }


def _word() -> Schema:
    """Return the schema of ``- kind``: a kind that needs no value, or a block."""
    alone = {word: cls for word, cls in WORDS.items() if not _needed(cls) and word not in MERGING}
    known = [{"const": word, "description": _meaning(cls)} for word, cls in alone.items()]
    return {"type": "string", "anyOf": [*known, {"not": {"enum": [*STRUCTURE, *MERGING]}}]}


def _line() -> Schema:
    """Return the schema of ``- kind: …``."""
    kinds = {word: {"$ref": f"#/$defs/{cls.kind}", **_several(cls)} for word, cls in WORDS.items()}
    return {
        "type": "object",
        "properties": {**kinds, **STRUCTURE},
        "additionalProperties": {"$ref": "#/$defs/call"},
        "minProperties": 1,
        "maxProperties": 1,
    }


def _several(cls: type[Layer]) -> Schema:
    """Return that a layer which takes several maps says which, where defaults cannot say it."""
    if cls.joins_when is None:
        return {}
    field, word = cls.joins_when
    return {"if": {"properties": {field: {"const": word}}, "required": [field]}, "then": {"required": ["from"]}}


def _kind(cls: type[Layer]) -> Schema:
    """Return the schema of what stands behind a kind: nothing, fields, or the value of the one-line form."""
    kinds = field_kinds(cls)
    fields = {name: _field(kind, kinds) for name, kind in kinds.items()}
    head = {"title": cls.kind, "description": _meaning(cls)}
    if cls.kind in MERGING:
        names = {"description": "The names of what is joined, in order.", "$ref": "#/$defs/outputs"}
        return {**head, "anyOf": [_fields({**fields, **COMMON, "from": names}, "from"), names]}
    common = dict(COMMON)
    if cls.joins_when is not None:
        several = f"The output that goes in; with {': '.join(cls.joins_when)} a list of all that do, in order."
        common["from"] = {**COMMON["from"], "description": several}
    mapping = {**_fields({**fields, **common}), "type": ["object", "null"]}
    if cls.value is None:
        return head | mapping
    return {**head, "anyOf": [mapping, kinds[cls.value].schema(names=True)]}


def _field(kind: FieldKind, kinds: Collection[str]) -> Schema:
    """Return the schema of a field, with its meaning and its default."""
    text = _text(type(kind))
    more: Schema = {}
    if isinstance(kind.default, str) and kind.default in kinds:
        text += f" Unless given, it is {kind.default}."
    elif kind.default is not REQUIRED:
        more = {"default": kind.default}
    return {"description": text, **more, **kind.schema(names=True)}


def _meaning(cls: type[Layer]) -> str:
    """Return what a kind computes, in words and as its equation."""
    return f"{_text(cls)}\n\n{cls.meaning.equation}"


def _text(described: type) -> str:
    """Return a docstring as one line of plain text: not every editor reads more from a description."""
    return " ".join(cleandoc(described.__doc__ or "").replace("``", "").split())


def _needed(cls: type[Layer]) -> list[str]:
    """Return the fields that a kind needs."""
    return [name for name, kind in field_kinds(cls).items() if kind.default is REQUIRED]


def _conditions() -> Iterator[Schema]:
    """Yield which rule holds in which files."""
    blocks, let = {"required": ["blocks"]}, {"required": ["let"]}
    needed = sorted({name for cls in VOCABULARY.values() for name in _needed(cls)})
    given = {"additionalProperties": {"propertyNames": {"not": {"enum": needed}}}}
    plain = {**_leads(TOP, "plain_word"), "defaults": {"$ref": "#/$defs/plain_word"}}
    yield {"if": blocks, "else": _asking(_leads(TOP, "known_word"))}
    yield {"if": {"anyOf": [blocks, let]}, "else": _asking(plain)}
    yield {"if": {"properties": {"defaults": given}}, "then": _asking(_leads(TOP, "required_fields"))}


def _rules() -> Iterator[tuple[str, Schema]]:
    """Yield every rule for an entry and for all entries inside it, by its name."""
    known = [*WORDS, *STRUCTURE]
    complete = {word: _complete(cls) for word, cls in WORDS.items() if _needed(cls)}
    plain = {word: part for word, cls in WORDS.items() if (part := _plain(cls))}
    word = {"if": {"type": "string"}, "then": {"enum": known}, "propertyNames": {"enum": known}}
    alone = {"if": {"type": "string"}, "then": {"not": {"enum": [*complete]}}}
    yield "known_word", {**word, **_asking(_leads(STRUCTURE, "known_word"))}
    inside = _leads(STRUCTURE, "plain_word")
    strict = {name: {"allOf": [inside[name], _asking(fields)]} for name, fields in PLAIN.items()}
    yield "plain_word", _asking({**plain, **inside, **strict})
    yield "required_fields", {**alone, **_asking({**complete, **_leads(STRUCTURE, "required_fields")})}


def _plain(cls: type[Layer]) -> Schema:
    """Return what a kind takes where no name stands for a word or a flag, if that makes a difference."""
    kinds = field_kinds(cls)
    strict = {name: kind.schema(names=False) for name, kind in kinds.items()}
    strict = {name: part for name, part in strict.items() if part != kinds[name].schema(names=True)}
    if cls.value in strict:
        return {"anyOf": [{"type": ["object", "null"], **_asking(strict)}, strict[cls.value]]}
    return _asking(strict)


def _complete(cls: type[Layer]) -> Schema:
    """Return that a kind has all the fields that it needs."""
    needed = _needed(cls)
    some: Schema = {"not": {"type": "null"}} if needed == [cls.value] else {"type": "object"}
    return {**some, "required": needed}


def _asking(more: Mapping[str, Schema]) -> Schema:
    """Return the schema that asks more of some keys; as patterns, or editors would offer each key once more."""
    alike: dict[str, list[str]] = {}
    for key, part in more.items():
        alike.setdefault(json.dumps(part), []).append(key)
    patterns = {f"^({'|'.join(keys)})$": json.loads(part) for part, keys in alike.items()}
    return {"patternProperties": patterns} if patterns else {}


def _leads(parts: Mapping[str, Schema], rule: str) -> dict[str, Schema]:
    """Return those of the parts that lead to lists of layers."""
    return {name: lead for name, part in parts.items() if (lead := _lead(part, rule))}


def _lead(part: Schema, rule: str) -> Schema:
    """Return what of a schema leads to lists of layers, with the rule at their entries.

    It asks for no type, so each alternative of an ``anyOf`` concerns values of its own type
    only, and all of them can be asked for at once.
    """
    if part.get("$ref") == LAYERS["$ref"]:
        return {"items": {"$ref": f"#/$defs/{rule}"}}
    inner = {key: part[key] for key in ("items", "additionalProperties") if isinstance(part.get(key), dict)}
    branches = [lead for each in part.get("anyOf", ()) if (lead := _lead(each, rule))]
    every: Schema = {"allOf": branches} if branches else {}
    return {**_leads(inner, rule), **_asking(_leads(part.get("properties", {}), rule)), **every}
