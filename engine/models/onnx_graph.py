"""Graphs of operators in the ONNX format, written without the `onnx` package: nodes, constants, inputs and outputs.

The format is protocol buffers: fields, each of a number and a wire type (0: varint, 2: bytes, 5: 32 bits). Numbers of
fields are those of onnx.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np

IR_VERSION, OPSET = 8, 17
CONTRIB = "com.microsoft"
"""Domain of the operators that ONNX Runtime adds to the standard."""
CONTRIB_OPSET = 1
TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7}
"""TensorProto.DataType by numpy's name."""
FLOAT_ATTRIBUTE, INT_ATTRIBUTE, INTS_ATTRIBUTE = 1, 2, 7
"""AttributeProto.AttributeType."""

Attribute = int | float | Sequence[int]
NO_ATTRIBUTES: Mapping[str, Attribute] = MappingProxyType({})


class Graph:
    """A graph under construction. Values, the outputs of nodes among them, are known by their names."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._inputs: list[bytes] = []
        self._outputs: list[bytes] = []
        self._count = 0

    def constant(self, values: np.ndarray | np.generic) -> str:
        """A constant of the type and shape of `values`."""
        name = self._new_name()
        array = np.asarray(values)
        dims = b"".join(integer(1, side) for side in array.shape)
        raw = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        self._constants.append(dims + integer(2, TYPES[array.dtype.name]) + text(8, name) + field(9, raw))
        return name

    def node(
        self,
        operator: str,
        inputs: Sequence[str],
        attributes: Mapping[str, Attribute] = NO_ATTRIBUTES,
        *,
        domain: str = "",
        output: str = "",
    ) -> str:
        """A new node. Returns the name of its output: `output`, or else a new one."""
        name = output or self._new_name()
        parts = [text(1, each) for each in inputs] + [text(2, name), text(3, name), text(4, operator)]
        parts += [field(5, attribute(key, value)) for key, value in attributes.items()]
        self._nodes.append(b"".join([*parts, text(7, domain)]))
        return name

    def input(self, name: str, dtype: str, shape: Sequence[int | str]) -> str:
        """An input; sides of its shape that vary are given by a name."""
        self._inputs.append(value_info(name, dtype, shape))
        return name

    def output(self, name: str, dtype: str, shape: Sequence[int | str]) -> None:
        """Make a value an output."""
        self._outputs.append(value_info(name, dtype, shape))

    def serialize(self) -> bytes:
        """The graph as a file of the ONNX format."""
        parts = [field(1, node) for node in self._nodes] + [text(2, "docsearch")]
        parts += [field(5, constant) for constant in self._constants]
        parts += [field(11, each) for each in self._inputs] + [field(12, each) for each in self._outputs]
        opsets = [text(1, domain) + integer(2, version) for domain, version in (("", OPSET), (CONTRIB, CONTRIB_OPSET))]
        return b"".join(
            [integer(1, IR_VERSION), field(7, b"".join(parts)), *(field(8, opset) for opset in opsets)],
        )

    def _new_name(self) -> str:
        self._count += 1
        return f"v{self._count}"


def attribute(name: str, value: Attribute) -> bytes:
    """An AttributeProto."""
    if isinstance(value, int):
        return text(1, name) + integer(3, value) + integer(20, INT_ATTRIBUTE)
    if isinstance(value, float):
        return text(1, name) + tag(2, 5) + struct.pack("<f", value) + integer(20, FLOAT_ATTRIBUTE)
    return text(1, name) + b"".join(integer(8, each) for each in value) + integer(20, INTS_ATTRIBUTE)


def value_info(name: str, dtype: str, shape: Sequence[int | str]) -> bytes:
    """A ValueInfoProto: the name, type and shape of an input or output."""
    sides = [integer(1, side) if isinstance(side, int) else text(2, side) for side in shape]
    tensor = integer(1, TYPES[dtype]) + field(2, b"".join(field(1, side) for side in sides))
    return text(1, name) + field(2, field(1, tensor))


def integer(number: int, value: int) -> bytes:
    """A field that holds an integer."""
    return tag(number, 0) + varint(value)


def text(number: int, value: str) -> bytes:
    """A field that holds text."""
    return field(number, value.encode("utf-8"))


def field(number: int, value: bytes) -> bytes:
    """A field that holds bytes, or a message."""
    return tag(number, 2) + varint(len(value)) + value


def tag(number: int, wire_type: int) -> bytes:
    """The head of a field."""
    return varint(number << 3 | wire_type)


def varint(value: int) -> bytes:
    """An integer in groups of seven bits, the lowest first; negative ones in two's complement of 64 bits."""
    return bytes(_groups(value % (1 << 64)))


def _groups(value: int) -> Iterator[int]:
    while value > 0x7F:
        yield value & 0x7F | 0x80
        value >>= 7
    yield value
