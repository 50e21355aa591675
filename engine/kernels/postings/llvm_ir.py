"""The scan of posting lists as LLVM IR, for one dimension.

Half a byte of a patch's signs selects one of 16 sums of four query numbers. The sums are bytes, so a row of the lookup
table fills a register and one shuffle looks up half a byte of 32 patches at once; the table stays in registers or in
the L1 cache. This is PQ Fast Scan: André, Kermarrec and Le Scouarnec, "Cache locality is not enough: high-performance
nearest neighbor search with product quantization fast scan", 2015.
"""

from __future__ import annotations

from llvmlite import ir

from ..jit.llvm_ir import BIT, BYTE, FLOAT, INT, LONG, POINTER, SHORT, FunctionWriter, long
from .scan import BLOCK, HEAD_BYTES

NAME = "scan"
TABLE_BYTES = 16
"""Bytes of a row of the lookup table."""

BYTES, SHORTS, INTS, FLOATS, BITS = (ir.VectorType(each, BLOCK) for each in (BYTE, SHORT, INT, FLOAT, BIT))
HALF_SHORTS = ir.VectorType(SHORT, BLOCK // 2)


def module(dim: int) -> str:
    """The text of a module with one function, NAME: `Postings.update_maxima` for vectors of `dim` dimensions.

    Its arguments: the lists; the first patch of each list to scan, and the one after its last (n,), (n,) int64; the
    products of their centroids with the query vector (n,) float32; n; the lookup table (D / 4, 16) uint8, its step and
    its offset; the floor; the row in `best` of each page (P,) int32; P; `best`, float32. Pages from P on are damage in
    the file and are skipped.
    """
    built = ir.Module(name=NAME)
    _Scan(dim, built).write()
    return str(built)


class _Scan(FunctionWriter):
    """Writes the body of the function NAME."""

    def __init__(self, dim: int, module: ir.Module) -> None:
        arguments = [*[POINTER] * 4, LONG, POINTER, *[FLOAT] * 3, POINTER, LONG, POINTER]
        super().__init__(module, NAME, arguments)
        self.sign_bytes = dim // 8
        self.shuffle = self.declare("llvm.x86.avx2.pshuf.b", BYTES, [BYTES, BYTES])
        self.zeros_below = self.declare("llvm.cttz.i32", INT, [INT, BIT])
        self.similarities = self.builder.alloca(ir.ArrayType(FLOAT, BLOCK))

    def write(self) -> None:
        """Loop over lists and their blocks of patches."""
        lists, begins, ends, products, count, *_ = self.function.args
        builder = self.builder

        def one_list(i: ir.Value) -> None:
            begin = builder.load(self.element(begins, i, LONG), typ=LONG)
            end = builder.load(self.element(ends, i, LONG), typ=LONG)
            product = self.broadcast(builder.load(self.element(products, i, FLOAT), typ=FLOAT), FLOATS)

            def block(start: ir.Value) -> None:
                left = builder.sub(end, start)
                size = builder.select(builder.icmp_signed("<", left, long(BLOCK)), left, long(BLOCK))
                address = self.element(lists, builder.mul(start, long(HEAD_BYTES + self.sign_bytes)), BYTE)
                self.update_maxima(address, self.above_floor(address, size, product))

            self.loop(begin, end, BLOCK, block)

        self.loop(long(0), count, 1, one_list)
        builder.ret_void()

    def above_floor(self, block: ir.Value, size: ir.Value, product: ir.Value) -> ir.Value:
        """Compute similarities for the `size` patches at `block`; return a bitmask of those above the floor."""
        builder = self.builder
        *_, step, offset, floor, _, _, _ = self.function.args
        coefficient = self.level(self.element(block, builder.mul(size, long(4)), BYTE))
        patch_step = self.level(self.element(block, builder.mul(size, long(5)), BYTE))
        signs = self.element(block, builder.mul(size, long(HEAD_BYTES)), BYTE)
        sums = builder.uitofp(self.sign_sums(signs, size), FLOATS)
        residual = builder.fadd(builder.fmul(sums, self.broadcast(step, FLOATS)), self.broadcast(offset, FLOATS))
        similarity = builder.fadd(builder.fmul(coefficient, product), builder.fmul(patch_step, residual))
        self.store(similarity, self.similarities)
        above = builder.bitcast(builder.fcmp_ordered(">", similarity, self.broadcast(floor, FLOATS)), INT)
        # What was read beyond a short block is no patch.
        missing = builder.trunc(builder.sub(long(BLOCK), size), INT)
        return builder.and_(above, builder.lshr(ir.Constant(INT, 2**32 - 1), missing))

    def level(self, codes: ir.Value) -> ir.Value:
        """The numbers that a block's codes encode, as `residual.LEVELS`: 0, or 2^(code / 16 - 12)."""
        builder = self.builder
        code = builder.zext(self.load(codes, BYTES, 1), INTS)
        part = builder.fmul(builder.uitofp(builder.and_(code, _constant(INTS, 15)), FLOATS), _constant(FLOATS, 1 / 16))
        # A quadratic for 2^x on [0, 1], off by 0.2 %; the integer part is added to the exponent.
        square = builder.fmul(builder.fmul(part, part), _constant(FLOATS, 0.34375))
        power = builder.fadd(
            builder.fadd(builder.fmul(part, _constant(FLOATS, 0.65625)), _constant(FLOATS, 1.0)), square
        )
        exponent = builder.shl(
            builder.sub(builder.lshr(code, _constant(INTS, 4)), _constant(INTS, 12)), _constant(INTS, 23)
        )
        value = builder.bitcast(builder.add(builder.bitcast(power, INTS), exponent), FLOATS)
        return builder.select(builder.icmp_unsigned("==", code, _constant(INTS, 0)), _constant(FLOATS, 0.0), value)

    def sign_sums(self, signs: ir.Value, size: ir.Value) -> ir.Value:
        """For each patch of a block, the sum of the table's entries that its signs select, 16 bits each."""
        builder, table = self.builder, self.function.args[5]
        even, odd = (ir.Constant(HALF_SHORTS, [0] * (BLOCK // 2)) for _ in range(2))
        for i in range(self.sign_bytes):
            codes = self.load(self.element(signs, builder.mul(size, long(i)), BYTE), BYTES, 1)
            low = builder.and_(codes, _constant(BYTES, 15))
            shifted = builder.lshr(builder.bitcast(codes, HALF_SHORTS), ir.Constant(HALF_SHORTS, [4] * (BLOCK // 2)))
            high = builder.and_(builder.bitcast(shifted, BYTES), _constant(BYTES, 15))
            both = builder.add(self.table_lookup(table, 2 * i, low), self.table_lookup(table, 2 * i + 1, high))
            pairs = builder.bitcast(both, HALF_SHORTS)
            even = builder.add(even, builder.and_(pairs, ir.Constant(HALF_SHORTS, [255] * (BLOCK // 2))))
            odd = builder.add(odd, builder.lshr(pairs, ir.Constant(HALF_SHORTS, [8] * (BLOCK // 2))))
        order = [i // 2 + BLOCK // 2 * (i % 2) for i in range(BLOCK)]
        return builder.shuffle_vector(even, odd, ir.Constant(INTS, order))

    def table_lookup(self, table: ir.Value, row: int, codes: ir.Value) -> ir.Value:
        """The entries of a table row at codes 0 to 15."""
        small = self.load(self.element(table, long(TABLE_BYTES * row), BYTE), ir.VectorType(BYTE, TABLE_BYTES), 1)
        twice = self.builder.shuffle_vector(small, small, ir.Constant(INTS, [i % TABLE_BYTES for i in range(BLOCK)]))
        return self.builder.call(self.shuffle, [twice, codes])

    def update_maxima(self, block: ir.Value, above: ir.Value) -> None:
        """Raise the maxima of the pages of those patches of a block whose bit in `above` is set."""
        builder, before = self.builder, self.builder.block
        *_, page_rows, pages, best = self.function.args
        head, inside, known, larger, next_one, after_loop = (self.function.append_basic_block() for _ in range(6))
        builder.branch(head)
        builder.position_at_end(head)
        left = builder.phi(INT)
        left.add_incoming(above, before)
        builder.cbranch(builder.icmp_unsigned("!=", left, ir.Constant(INT, 0)), inside, after_loop)
        builder.position_at_end(inside)
        which = builder.zext(builder.call(self.zeros_below, [left, BIT(1)]), LONG)
        page = builder.zext(self.load(self.element(block, which, INT), INT, 1), LONG)
        builder.cbranch(builder.icmp_unsigned("<", page, pages), known, next_one)
        builder.position_at_end(known)
        into = self.element(best, builder.zext(builder.load(self.element(page_rows, page, INT), typ=INT), LONG), FLOAT)
        similarity = builder.load(self.element(self.similarities, which, FLOAT), typ=FLOAT)
        builder.cbranch(builder.fcmp_ordered(">", similarity, builder.load(into, typ=FLOAT)), larger, next_one)
        builder.position_at_end(larger)
        builder.store(similarity, into)
        builder.branch(next_one)
        builder.position_at_end(next_one)
        left.add_incoming(builder.and_(left, builder.sub(left, ir.Constant(INT, 1))), next_one)
        builder.branch(head)
        builder.position_at_end(after_loop)


def _constant(kind: ir.VectorType, value: float) -> ir.Constant:
    """The same number in every lane, as a constant."""
    return ir.Constant(kind, [value] * kind.count)
