"""A small layer over llvmlite's IRBuilder, shared by the kernels that write LLVM IR."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llvmlite import ir

BIT, BYTE, SHORT, INT, LONG = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))
HALF, FLOAT, POINTER = ir.HalfType(), ir.FloatType(), ir.PointerType()


class FunctionWriter:
    """Writes the body of one function, which returns nothing, into an LLVM module."""

    def __init__(self, module: ir.Module, name: str, arguments: Sequence[ir.Type]) -> None:
        self.module = module
        self.function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), name)
        self.builder = ir.IRBuilder(self.function.append_basic_block())

    def declare(self, name: str, result: ir.Type, arguments: Sequence[ir.Type]) -> ir.Function:
        """Declare one of LLVM's intrinsics."""
        return ir.Function(self.module, ir.FunctionType(result, arguments), name)

    def loop(
        self,
        start: ir.Value,
        stop: ir.Value,
        step: int,
        body: Callable[..., list[ir.Value] | None],
        carried: Sequence[ir.Value] = (),
    ) -> list[ir.Value]:
        """Write `for i in range(start, stop, step)`.

        `body` gets i and, if there are any, the values `carried` from one iteration to the next, of which it returns
        the new ones. Returns their values after the last iteration.
        """
        builder, before = self.builder, self.builder.block
        head, inside, after_loop = (self.function.append_basic_block() for _ in range(3))
        builder.branch(head)
        builder.position_at_end(head)
        i = builder.phi(LONG)
        i.add_incoming(start, before)
        values = []
        for value in carried:
            values.append(builder.phi(value.type))
            values[-1].add_incoming(value, before)
        builder.cbranch(builder.icmp_signed("<", i, stop), inside, after_loop)
        builder.position_at_end(inside)
        after = (body(i, values) if carried else body(i)) or []
        i.add_incoming(builder.add(i, long(step)), builder.block)
        for phi, value in zip(values, after, strict=True):
            phi.add_incoming(value, builder.block)
        builder.branch(head)
        builder.position_at_end(after_loop)
        return values

    def element(self, pointer: ir.Value, index: ir.Value, of: ir.Type) -> ir.Value:
        """The address of element `index` (64 bits) of an array of type `of`."""
        return self.builder.gep(pointer, [index], source_etype=of)

    def load(self, pointer: ir.Value, of: ir.Type, align: int) -> ir.Value:
        """Load a value of type `of` from an address that is a multiple of `align` bytes."""
        value = self.builder.load(pointer, typ=of)
        value.align = align
        return value

    def store(self, value: ir.Value, pointer: ir.Value) -> None:
        """Store a value at an address that is a multiple of 4 bytes."""
        self.builder.store(value, self.builder.bitcast(pointer, value.type.as_pointer())).align = 4

    def broadcast(self, scalar: ir.Value, into: ir.VectorType) -> ir.Value:
        """A vector with the scalar in every lane."""
        undefined = ir.Constant(into, ir.Undefined)
        lanes = ir.Constant(ir.VectorType(INT, into.count), [0] * into.count)
        return self.builder.shuffle_vector(self.builder.insert_element(undefined, scalar, INT(0)), undefined, lanes)


def long(number: int) -> ir.Constant:
    """A 64-bit integer constant."""
    return ir.Constant(LONG, number)
