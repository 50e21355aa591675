"""The scan of posting lists as LLVM's intermediate representation: dimensions in, the text of a module out.

Half a byte of a patch's signs stands for one of sixteen sums of four numbers of the query. Those sums, as bytes, fill a
register, so one shuffle looks up half a byte of 32 patches; the table never leaves the registers or the first cache.
André, Kermarrec and Le Scouarnec, "Cache locality is not enough: high-performance nearest neighbor search with product
quantization fast scan", 2015.
"""

from __future__ import annotations

from llvmlite import ir

from ..jit.llvm_ir import BIT, BYTE, FLOAT, INT, LONG, POINTER, SHORT, Writer, long

NAME = "scan"
BLOCK = 32
"""Patches that lie together and are scored together."""
HEAD_BYTES = 6
"""Of a patch, before its signs: its page as 4 bytes, and a code each for its share of the word and for its step."""
TABLE_BYTES = 16

BYTES, SHORTS, INTS, FLOATS, BITS = (ir.VectorType(each, BLOCK) for each in (BYTE, SHORT, INT, FLOAT, BIT))
HALF_SHORTS = ir.VectorType(SHORT, BLOCK // 2)


def module(dim: int) -> str:
    """The module with the one function NAME, which raises a page's number where a patch of it is nearer to one query
    vector than it says.

    Its arguments: lists, as `postings.Postings` describes them; where the lists to look at begin and end, in patches
    (n,), (n,); the products of their words with the query vector (n,); n; the sums of half bytes as bytes, (D / 4, 16);
    the step between them, and what the sum of all is at 0; the floor below which nothing counts; the place in `best` of
    each page (P,) int32; P; best, float32. Pages from P on are damage, and are left out.
    """
    made = ir.Module(name=NAME)
    _Scan(dim, made).write()
    return str(made)


class _Scan(Writer):
    """Writes the body of the function."""

    def __init__(self, dim: int, made: ir.Module) -> None:
        arguments = [*[POINTER] * 4, LONG, POINTER, *[FLOAT] * 3, POINTER, LONG, POINTER]
        super().__init__(made, NAME, arguments)
        self.sign_bytes = dim // 8
        self.shuffle = self.declare("llvm.x86.avx2.pshuf.b", BYTES, [BYTES, BYTES])
        self.zeros_below = self.declare("llvm.cttz.i32", INT, [INT, BIT])
        self.similarities = self.at.alloca(ir.ArrayType(FLOAT, BLOCK))

    def write(self) -> None:
        """All lists, each a block of patches after the other."""
        lists, begins, ends, products, count, *_ = self.function.args
        at = self.at

        def one_list(i: ir.Value) -> None:
            begin = at.load(self.element(begins, i, LONG), typ=LONG)
            end = at.load(self.element(ends, i, LONG), typ=LONG)
            product = self.spread(at.load(self.element(products, i, FLOAT), typ=FLOAT), FLOATS)

            def block(start: ir.Value) -> None:
                left = at.sub(end, start)
                size = at.select(at.icmp_signed("<", left, long(BLOCK)), left, long(BLOCK))
                place = self.element(lists, at.mul(start, long(HEAD_BYTES + self.sign_bytes)), BYTE)
                self.raise_pages(place, self.near(place, size, product))

            self.loop(begin, end, BLOCK, block)

        self.loop(long(0), count, 1, one_list)
        at.ret_void()

    def near(self, place: ir.Value, size: ir.Value, product: ir.Value) -> ir.Value:
        """Compute the similarities of a block of patches; which of them lie above the floor, a bit each."""
        at = self.at
        *_, step, start, floor, _, _, _ = self.function.args
        share = self.number(self.element(place, at.mul(size, long(4)), BYTE))
        own_step = self.number(self.element(place, at.mul(size, long(5)), BYTE))
        sums = at.uitofp(self.summed(self.element(place, at.mul(size, long(HEAD_BYTES)), BYTE), size), FLOATS)
        across = at.fadd(at.fmul(sums, self.spread(step, FLOATS)), self.spread(start, FLOATS))
        similarity = at.fadd(at.fmul(share, product), at.fmul(own_step, across))
        self.store(similarity, self.similarities)
        above = at.bitcast(at.fcmp_ordered(">", similarity, self.spread(floor, FLOATS)), INT)
        # What was read behind a short block are no patches.
        missing = at.trunc(at.sub(long(BLOCK), size), INT)
        return at.and_(above, at.lshr(ir.Constant(INT, 2**32 - 1), missing))

    def number(self, codes: ir.Value) -> ir.Value:
        """What the codes of a block stand for, `residual.LEVELS`: 0, or 2^(code / 16 - 12)."""
        at = self.at
        code = at.zext(self.load(codes, BYTES, 1), INTS)
        part = at.fmul(at.uitofp(at.and_(code, _all(INTS, 15)), FLOATS), _all(FLOATS, 1 / 16))
        # 2^x between 0 and 1, off by 0.2 %; whole powers are added to the exponent.
        square = at.fmul(at.fmul(part, part), _all(FLOATS, 0.34375))
        power = at.fadd(at.fadd(at.fmul(part, _all(FLOATS, 0.65625)), _all(FLOATS, 1.0)), square)
        exponent = at.shl(at.sub(at.lshr(code, _all(INTS, 4)), _all(INTS, 12)), _all(INTS, 23))
        value = at.bitcast(at.add(at.bitcast(power, INTS), exponent), FLOATS)
        return at.select(at.icmp_unsigned("==", code, _all(INTS, 0)), _all(FLOATS, 0.0), value)

    def summed(self, signs: ir.Value, size: ir.Value) -> ir.Value:
        """The sums of the table's bytes of each patch of a block, 16 bits each."""
        at, table = self.at, self.function.args[5]
        even, odd = (ir.Constant(HALF_SHORTS, [0] * (BLOCK // 2)) for _ in range(2))
        for i in range(self.sign_bytes):
            codes = self.load(self.element(signs, at.mul(size, long(i)), BYTE), BYTES, 1)
            low = at.and_(codes, _all(BYTES, 15))
            shifted = at.lshr(at.bitcast(codes, HALF_SHORTS), ir.Constant(HALF_SHORTS, [4] * (BLOCK // 2)))
            high = at.and_(at.bitcast(shifted, BYTES), _all(BYTES, 15))
            both = at.add(self.looked_up(table, 2 * i, low), self.looked_up(table, 2 * i + 1, high))
            pairs = at.bitcast(both, HALF_SHORTS)
            even = at.add(even, at.and_(pairs, ir.Constant(HALF_SHORTS, [255] * (BLOCK // 2))))
            odd = at.add(odd, at.lshr(pairs, ir.Constant(HALF_SHORTS, [8] * (BLOCK // 2))))
        order = [i // 2 + BLOCK // 2 * (i % 2) for i in range(BLOCK)]
        return at.shuffle_vector(even, odd, ir.Constant(INTS, order))

    def looked_up(self, table: ir.Value, row: int, codes: ir.Value) -> ir.Value:
        """A row of the table at codes 0 to 15."""
        small = self.load(self.element(table, long(TABLE_BYTES * row), BYTE), ir.VectorType(BYTE, TABLE_BYTES), 1)
        twice = self.at.shuffle_vector(small, small, ir.Constant(INTS, [i % TABLE_BYTES for i in range(BLOCK)]))
        return self.at.call(self.shuffle, [twice, codes])

    def raise_pages(self, place: ir.Value, above: ir.Value) -> None:
        """Raise the pages of the patches whose bit is set."""
        at, before = self.at, self.at.block
        *_, places, pages, best = self.function.args
        head, inside, known, larger, next_one, behind = (self.function.append_basic_block() for _ in range(6))
        at.branch(head)
        at.position_at_end(head)
        left = at.phi(INT)
        left.add_incoming(above, before)
        at.cbranch(at.icmp_unsigned("!=", left, ir.Constant(INT, 0)), inside, behind)
        at.position_at_end(inside)
        which = at.zext(at.call(self.zeros_below, [left, BIT(1)]), LONG)
        page = at.zext(self.load(self.element(place, which, INT), INT, 1), LONG)
        at.cbranch(at.icmp_unsigned("<", page, pages), known, next_one)
        at.position_at_end(known)
        into = self.element(best, at.zext(at.load(self.element(places, page, INT), typ=INT), LONG), FLOAT)
        similarity = at.load(self.element(self.similarities, which, FLOAT), typ=FLOAT)
        at.cbranch(at.fcmp_ordered(">", similarity, at.load(into, typ=FLOAT)), larger, next_one)
        at.position_at_end(larger)
        at.store(similarity, into)
        at.branch(next_one)
        at.position_at_end(next_one)
        left.add_incoming(at.and_(left, at.sub(left, ir.Constant(INT, 1))), next_one)
        at.branch(head)
        at.position_at_end(behind)


def _all(kind: ir.VectorType, value: float) -> ir.Constant:
    """The same number in every lane."""
    return ir.Constant(kind, [value] * kind.count)
