"""The bytes of an ONNX file without its large tensors, found by walking over the lengths that protobuf writes.

A model of 500 MB is graph and names for some kilobytes, and weights for the rest. A
parser of protobuf copies all of it. Here every field is looked at by its tag and its length
only: payloads of tensors are passed over without being touched, and what is left is a small
message of the same schema, which a real parser reads.

Only what the tables below name is taken over. So nothing that convmath has no use for,
such as documentation or the places of external data, takes memory or reaches any code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from mmap import mmap
from typing import TypeAlias

from convmath.errors import LimitError, Problem, SpecError, UnsupportedError, inert
from convmath.limits import Limits

Buffer: TypeAlias = "bytes | mmap"
Field: TypeAlias = tuple[int, int, int, int, int]
"""The number and the wire type of a field, and where its tag, its content and the next field begin."""

SMALL = 4096
"""Payloads of at most so many bytes stay: shapes, bounds and other numbers that steer the graph."""
MOST_FIELDS = 5_000_000
"""A parser makes up to some hundred bytes of a field of two; real models have about fifty for each node."""

MOST_KEPT = 64 << 20
"""Bytes of the graph without its tensors: packed numbers grow to many times their size in a parser."""
LONGEST_NOTE = 1024

VARINT, EIGHT, BYTES, FOUR = 0, 1, 2, 5
TEXT, PLAIN, NOTE = "text", "plain", "note"
"""Leaves: text must be UTF-8, plain fields are taken over as they are, notes as long as they are short."""
NODE, TENSOR, GRAPH = "node", "tensor", "graph"

KEPT: dict[str, dict[int, str]] = {
    "model": {1: PLAIN, 2: TEXT, 3: TEXT, 7: GRAPH, 8: "opset", 14: NOTE, 25: "function"},
    "opset": {1: TEXT, 2: PLAIN},
    "function": {
        1: TEXT, 4: TEXT, 5: TEXT, 6: TEXT, 7: NODE, 9: "opset", 10: TEXT, 11: "attribute", 12: "value", 13: TEXT
    },
    GRAPH: {1: NODE, 2: TEXT, 5: TENSOR, 11: "value", 12: "value", 13: "value", 15: "sparse"},
    NODE: {1: TEXT, 2: TEXT, 3: TEXT, 4: TEXT, 5: "attribute", 7: TEXT, 8: TEXT, 9: NOTE},
    "attribute": {
        1: TEXT, 2: PLAIN, 3: PLAIN, 4: PLAIN, 5: TENSOR, 6: GRAPH, 7: PLAIN, 8: PLAIN, 9: PLAIN, 10: TENSOR,
        11: GRAPH, 20: PLAIN, 21: TEXT, 22: "sparse", 23: "sparse",
    },
    "value": {1: TEXT, 2: "type"},
    "type": {1: "tensor type"},
    "tensor type": {1: PLAIN, 2: "shape"},
    "shape": {1: "dimension"},
    "dimension": {1: PLAIN, 2: TEXT},
    "sparse": {1: TENSOR, 2: TENSOR, 3: PLAIN},
    TENSOR: {1: PLAIN, 2: PLAIN, 8: TEXT, 14: PLAIN},
}  # fmt: skip
"""What is kept of each message of onnx.proto, by field number: a leaf, or the message to walk on in."""
PAYLOADS = frozenset({4, 5, 6, 7, 9, 10, 11})
"""The fields of a tensor that hold its elements."""
RAW_DATA, SEGMENT = 9, 3


@dataclass(frozen=True, slots=True)
class Span:
    """A tensor whose elements were left out: where it stands, and its ``raw_data`` if all elements are there.

    ``held`` is how many bytes its elements take, without the tags between them.
    """

    start: int
    stop: int
    raw: tuple[int, int] | None
    held: int


@dataclass(slots=True)
class Walk:
    """One pass over a file; ``spans`` has a place for each large tensor, in the order in which they are met.

    A slim tensor holds its number among them where the schema has a field that no writer of
    ONNX uses: ``segment.begin``.
    """

    data: Buffer
    file: str
    limits: Limits
    spans: list[Span] = field(default_factory=list)
    fields: int = 0
    nodes: int = 0
    kept: int = 0

    def slim(self) -> bytes:
        """Return the model without its large tensors.

        Raises ``SpecError`` where the bytes are no model, ``LimitError`` for too many
        nodes, too many fields or graphs that are nested too deep.
        """
        return bytes(self._message("model", 0, len(self.data), 0))

    def _message(self, kind: str, start: int, stop: int, depth: int) -> bytearray:
        kept, data, found, inside = KEPT[kind], self.data, bytearray(), 0
        for each in self._fields(start, stop):
            number, wire, tag, begin, end = each
            inner = kept.get(number)
            if inner is None:
                continue
            if inner == PLAIN:
                found += data[tag:end]
                continue
            if wire != BYTES:
                raise self._damaged(f"field {number} of a {kind} has the wrong type, at byte {tag}")
            if inner == TEXT:
                found += self._text(each, kind)
            elif inner == NOTE:
                if end - begin <= LONGEST_NOTE:
                    found += data[tag:end]
            else:
                self._check(inner, depth)
                if inner == TENSOR:
                    body = self._tensor(begin, end)
                else:
                    body = self._message(inner, begin, end, depth + (inner == GRAPH))
                    inside += len(body)
                found += _head(number, len(body)) + body
        self.kept += len(found) - inside
        if self.kept > MOST_KEPT:
            message = f"the graph takes more than {MOST_KEPT >> 20} MiB, its tensors apart"
            raise LimitError(Problem("too-large", message, file=self.file))
        return found

    def _tensor(self, start: int, stop: int) -> bytearray:
        """Return a tensor, without its elements where they take much room."""
        kept, data, found = KEPT[TENSOR], self.data, bytearray()
        payloads: list[Field] = []
        for each in self._fields(start, stop):
            number, wire, tag, _, end = each
            if number == SEGMENT:
                raise UnsupportedError(
                    f"{inert(self.file)}: a tensor is cut into segments, which no reader of ONNX joins"
                )
            if number in PAYLOADS:
                payloads.append(each)
            elif number in kept:
                found += self._text(each, TENSOR) if kept[number] == TEXT and wire == BYTES else data[tag:end]
        if sum(end - tag for _, _, tag, _, end in payloads) <= SMALL:
            for _, _, tag, _, end in payloads:
                found += data[tag:end]
            return found
        raw = payloads[0][3:] if len(payloads) == 1 and payloads[0][:2] == (RAW_DATA, BYTES) else None
        place = b"\x08" + _varint_bytes(len(self.spans))
        held = sum(end - begin for _, _, _, begin, end in payloads)
        self.spans.append(Span(start, stop, raw, held))
        found += _head(SEGMENT, len(place)) + place
        return found

    def _fields(self, start: int, stop: int) -> Iterator[Field]:
        """Yield the fields between two places; Raises ``SpecError`` where there are none."""
        data, at = self.data, start
        while at < stop:
            tag = at
            self.fields += 1
            if self.fields > MOST_FIELDS:
                message = f"the graph has more than {MOST_FIELDS:,} fields"
                raise LimitError(Problem("too-many-fields", message, file=self.file))
            key = data[at]
            at += 1
            if key > 127:
                key, at = self._varint(tag, stop)
            wire = key & 7
            begin = at
            if wire == BYTES:
                # Most lengths are one byte; a call for each would double the time of the walk.
                length = data[at] if at < stop else 128
                begin = at = at + 1
                if length > 127:
                    length, begin = self._varint(at - 1, stop)
                at = begin + length
            elif wire == VARINT:
                _, at = self._varint(at, stop)
            elif wire in (EIGHT, FOUR):
                at += 8 if wire == EIGHT else 4
            else:
                raise self._damaged(f"byte {tag} begins nothing that protobuf knows")
            if not 7 < key < 1 << 32:
                raise self._damaged(f"byte {tag} begins nothing that protobuf knows")
            if at > stop:
                where = "the file ends" if stop == len(data) else "what contains it ends"
                raise self._damaged(f"what begins at byte {tag} would reach to byte {at}, but {where} at byte {stop}")
            yield key >> 3, wire, tag, begin, at

    def _varint(self, at: int, stop: int) -> tuple[int, int]:
        """Return a number of protobuf's, seven bits to a byte, and the place behind it."""
        data, value, shift = self.data, 0, 0
        while at < stop:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value, at
            shift += 7
            if shift > 63:
                raise self._damaged(f"the number that ends at byte {at} is longer than any")
        raise self._damaged(f"byte {stop} ends within a number")

    def _check(self, inner: str, depth: int) -> None:
        if inner == NODE:
            self.nodes += 1
            most = self.limits.onnx_nodes
            if self.nodes > most:
                help_ = f"{self.limits.flag('onnx_nodes')} raises the limit"
                raise LimitError(
                    Problem("too-many-nodes", f"the file has more than {most:,} nodes", help_, file=self.file)
                )
        if inner == GRAPH and depth >= self.limits.onnx_graphs:
            message = f"graphs nested more than {self.limits.onnx_graphs} deep"
            help_ = f"{self.limits.flag('onnx_graphs')} raises the limit"
            raise LimitError(Problem("too-deep", message, help_, file=self.file))

    def _text(self, each: Field, kind: str) -> bytes:
        """Return a field that holds text; the parser would hand on what is no UTF-8 as bytes, where all expect str."""
        _, _, tag, begin, end = each
        try:
            self.data[begin:end].decode("utf-8")
        except UnicodeDecodeError:
            raise self._damaged(f"a name of a {kind} is no UTF-8, at byte {begin}") from None
        return self.data[tag:end]

    def _damaged(self, message: str) -> SpecError:
        return SpecError(Problem("bad-onnx", f"this is no ONNX model, or a damaged one: {message}", file=self.file))


def _head(number: int, length: int) -> bytes:
    """Return what stands before the content of a message."""
    if length < 128 and number < 16:
        return bytes((number << 3 | BYTES, length))
    return _varint_bytes(number << 3 | BYTES) + _varint_bytes(length)


def _varint_bytes(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)
