"""LLVM's intermediate representation, as far as the kernels share how they write it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llvmlite import ir

BIT, BYTE, SHORT, INT, LONG = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))
HALF, FLOAT, POINTER = ir.HalfType(), ir.FloatType(), ir.PointerType()


class Writer:
    """Writes the body of one function of a module."""

    def __init__(self, made: ir.Module, name: str, arguments: Sequence[ir.Type]) -> None:
        self.made = made
        self.function = ir.Function(made, ir.FunctionType(ir.VoidType(), arguments), name)
        self.at = ir.IRBuilder(self.function.append_basic_block())

    def declare(self, name: str, result: ir.Type, arguments: Sequence[ir.Type]) -> ir.Function:
        """One of LLVM's own functions."""
        return ir.Function(self.made, ir.FunctionType(result, arguments), name)

    def loop(
        self,
        start: ir.Value,
        stop: ir.Value,
        step: int,
        body: Callable[..., list[ir.Value] | None],
        carried: Sequence[ir.Value] = (),
    ) -> list[ir.Value]:
        """Write `for i in range(start, stop, step)`; `body` gets i, and what is `carried` from one turn to the next."""
        at, before = self.at, self.at.block
        head, inside, behind = (self.function.append_basic_block() for _ in range(3))
        at.branch(head)
        at.position_at_end(head)
        i = at.phi(LONG)
        i.add_incoming(start, before)
        values = []
        for value in carried:
            values.append(at.phi(value.type))
            values[-1].add_incoming(value, before)
        at.cbranch(at.icmp_signed("<", i, stop), inside, behind)
        at.position_at_end(inside)
        after = (body(i, values) if carried else body(i)) or []
        i.add_incoming(at.add(i, long(step)), at.block)
        for phi, value in zip(values, after, strict=True):
            phi.add_incoming(value, at.block)
        at.branch(head)
        at.position_at_end(behind)
        return values

    def element(self, pointer: ir.Value, index: ir.Value, of: ir.Type) -> ir.Value:
        """The place of element `index`, counted in 64 bits."""
        return self.at.gep(pointer, [index], source_etype=of)

    def load(self, pointer: ir.Value, of: ir.Type, align: int) -> ir.Value:
        value = self.at.load(pointer, typ=of)
        value.align = align
        return value

    def store(self, value: ir.Value, pointer: ir.Value) -> None:
        self.at.store(value, self.at.bitcast(pointer, value.type.as_pointer())).align = 4

    def spread(self, scalar: ir.Value, into: ir.VectorType) -> ir.Value:
        """A scalar in every lane."""
        undefined = ir.Constant(into, ir.Undefined)
        lanes = ir.Constant(ir.VectorType(INT, into.count), [0] * into.count)
        return self.at.shuffle_vector(self.at.insert_element(undefined, scalar, INT(0)), undefined, lanes)


def long(number: int) -> ir.Constant:
    """A whole number of 64 bits."""
    return ir.Constant(LONG, number)
