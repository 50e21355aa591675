"""MaxSim as LLVM's intermediate representation: a codec, dimensions and a vector width in, the text of a module out.

Lanes of a register are query vectors. A tile of a page's patches is decoded into whole numbers (float16: into float32)
that stay in the first cache; each is spread over the lanes and multiplied into accumulators, which stay in registers.
So similarities never reach memory, and the best of a page needs no sum across lanes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llvmlite import ir

from ...compression.codecs import PACKED_BITS, stored_width
from ..jit.llvm_ir import BIT, BYTE, FLOAT, HALF, INT, LONG, POINTER, SHORT, Writer, long

NAME = "maxsim"
DECODED_AT_ONCE = 32
"""Dimensions that are decoded together; a vector has a multiple of them."""
WIDE = 2
"""Registers of query vectors that a block has, while there are so many; the last block may have one."""
CACHE_LINE = 64

Along = tuple[ir.Value, ir.Value]
"""A patch's share of its visual word, in every lane, and where that word's products with the query stand."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a kernel is made for: a `codec`, vectors of `dim` dimensions, `lanes` of 32 bits in a register, and how many
    patches are scored together, `tile`.
    """

    codec: str
    dim: int
    lanes: int
    tile: int

    @property
    def together(self) -> int:
        """Dimensions that one multiplication takes: two of 16 bits, or one of 32."""
        return 1 if self.codec == "float16" else 2


def module(shape: Shape) -> str:
    """The module with the one function NAME, which fills rows of `out` with the largest products of pages.

    Its arguments: for each page the address of its values, that of its scales, and how many patches it has; first and
    last page, query, blocks of WIDE registers, further blocks of one, out. `query` holds for each block its numbers as
    (D / together, registers, lanes, together), int16 or float32; `out` one row a page, of as many lanes as the blocks
    have, whose numbers are raised where a product is larger. For residual there follow the address of each page's
    visual words, their products with the query, one row a word as in `out`, and the numbers that the bytes in scales
    stand for.
    """
    made = ir.Module(name=NAME)
    arguments = [POINTER, POINTER, POINTER, LONG, LONG, POINTER, LONG, LONG, POINTER]
    arguments += [POINTER, POINTER, POINTER] if shape.codec == "residual" else []
    _MaxSim(shape, made, arguments).write()
    return str(made)


class _MaxSim(Writer):
    """Writes the body of the function."""

    def __init__(self, shape: Shape, made: ir.Module, arguments: Sequence[ir.Type]) -> None:
        super().__init__(made, NAME, arguments)
        self.shape = shape
        self.is_float = shape.codec == "float16"
        self.number = FLOAT if self.is_float else SHORT
        self.sums = ir.VectorType(FLOAT if self.is_float else INT, shape.lanes)
        self.factors = ir.VectorType(self.number, shape.lanes * shape.together)
        self.floats = ir.VectorType(FLOAT, shape.lanes)
        self.larger = self.declare(f"llvm.maxnum.v{shape.lanes}f32", self.floats, [self.floats] * 2)
        if self.is_float:
            self.multiply_add = self.declare(f"llvm.fma.v{shape.lanes}f32", self.sums, [self.sums] * 3)
        else:
            # Pairs of 16 bits: with the sum behind it LLVM makes VNNI's vpdpwssd of it where there is one.
            name = {16: "llvm.x86.avx512.pmaddw.d.512", 8: "llvm.x86.avx2.pmadd.wd"}[shape.lanes]
            self.multiply_pairs = self.declare(name, self.sums, [self.factors] * 2)

    def write(self) -> None:
        """All pages, each a tile of patches after the other."""
        values_of, scales_of, lengths, first, last, query, wide, single, out, *more = self.function.args
        size = self.shape.tile * self.shape.dim
        decoded = self.at.alloca(ir.ArrayType(self.number, size))
        decoded.align = CACHE_LINE
        block = self.shape.dim * self.shape.lanes
        row = self.at.mul(self.at.add(self.at.mul(wide, long(WIDE)), single), long(self.shape.lanes))

        def page(number: ir.Value) -> None:
            end = self.at.load(self.element(lengths, number, LONG), typ=LONG)
            values, scales = (self.address(each, number) for each in (values_of, scales_of))
            best = self.element(out, self.at.mul(number, row), FLOAT)

            def tile(start: ir.Value) -> None:
                patches = [self.clamped(start, i, end) for i in range(self.shape.tile)]
                for i, patch in enumerate(patches):
                    self.decode(values, patch, self.element(decoded, long(i * self.shape.dim), self.number))
                factors, along = [], []
                if self.shape.codec == "residual":
                    words_of, table, levels = more
                    words = self.address(words_of, number)
                    factors = [self.level(scales, patch, 1, levels) for patch in patches]
                    along = [
                        (self.level(scales, patch, 0, levels), self.products(words, patch, table, row))
                        for patch in patches
                    ]
                elif not self.is_float:
                    factors = [self.scale(scales, patch) for patch in patches]

                def wide_block(i: ir.Value) -> None:
                    own = self.element(query, self.at.mul(i, long(WIDE * block)), self.number)
                    into = self.element(best, self.at.mul(i, long(WIDE * self.shape.lanes)), FLOAT)
                    at_block = self.at.mul(i, long(WIDE * self.shape.lanes))
                    self.score(decoded, factors, own, into, WIDE, self.shifted(along, at_block))

                def last_block(_: ir.Value) -> None:
                    own = self.element(query, self.at.mul(wide, long(WIDE * block)), self.number)
                    into = self.element(best, self.at.mul(wide, long(WIDE * self.shape.lanes)), FLOAT)
                    at_block = self.at.mul(wide, long(WIDE * self.shape.lanes))
                    self.score(decoded, factors, own, into, 1, self.shifted(along, at_block))

                self.loop(long(0), wide, 1, wide_block)
                self.loop(long(0), single, 1, last_block)

            self.loop(long(0), end, self.shape.tile, tile)

        self.loop(first, last, 1, page)
        self.at.ret_void()

    def address(self, of_pages: ir.Value, page: ir.Value) -> ir.Value:
        """What is written of a page in a table of addresses."""
        return self.at.load(self.element(of_pages, page, POINTER), typ=POINTER)

    def clamped(self, start: ir.Value, i: int, end: ir.Value) -> ir.Value:
        """Patch `start` + i, or the page's last: a maximum does not mind taking one twice."""
        patch, last = self.at.add(start, long(i)), self.at.sub(end, long(1))
        return self.at.select(self.at.icmp_signed("<", patch, last), patch, last)

    def decode(self, values: ir.Value, patch: ir.Value, into: ir.Value) -> None:
        """Write one patch's numbers, without its scale."""
        codec, dim = self.shape.codec, self.shape.dim
        width = stored_width(codec, dim) * (2 if self.is_float else 1)
        source = self.element(values, self.at.mul(patch, long(width)), BYTE)

        def some(d: ir.Value) -> None:
            at = self.at
            if codec == "float16":
                halves = self.load(self.element(source, d, HALF), ir.VectorType(HALF, DECODED_AT_ONCE), 1)
                numbers = at.fpext(halves, ir.VectorType(FLOAT, DECODED_AT_ONCE))
            elif codec == "int8":
                codes = self.load(self.element(source, d, BYTE), ir.VectorType(BYTE, DECODED_AT_ONCE), 1)
                numbers = at.sext(codes, ir.VectorType(SHORT, DECODED_AT_ONCE))
            else:
                numbers = self.odd_numbers(source, d, PACKED_BITS[codec])
            self.store(numbers, self.element(into, d, self.number))

        self.loop(long(0), long(dim), DECODED_AT_ONCE, some)

    def odd_numbers(self, source: ir.Value, d: ir.Value, bits: int) -> ir.Value:
        """The numbers that codes of 1 or 4 bits stand for, from dimension `d` on."""
        at, n = self.at, DECODED_AT_ONCE
        shorts = ir.VectorType(SHORT, n)
        place = self.element(source, at.lshr(d, long({1: 3, 4: 1}[bits])), BYTE)
        if bits == 1:
            chosen = at.bitcast(self.load(place, INT, 1), ir.VectorType(BIT, n))
            return at.select(chosen, ir.Constant(shorts, [1] * n), ir.Constant(shorts, [-1] * n))
        halves = ir.VectorType(BYTE, n // 2)
        pairs = self.load(place, halves, 1)
        low = at.and_(pairs, ir.Constant(halves, [15] * (n // 2)))
        high = at.lshr(pairs, ir.Constant(halves, [4] * (n // 2)))
        order = [i // 2 + n // 2 * (i % 2) for i in range(n)]
        codes = at.zext(at.shuffle_vector(low, high, ir.Constant(ir.VectorType(INT, n), order)), shorts)
        return at.sub(at.shl(codes, ir.Constant(shorts, [1] * n)), ir.Constant(shorts, [15] * n))

    def scale(self, scales: ir.Value, patch: ir.Value) -> ir.Value:
        """A patch's scale in every lane."""
        half = self.at.load(self.element(scales, patch, HALF), typ=HALF)
        return self.spread(self.at.fpext(half, FLOAT), self.floats)

    def level(self, codes: ir.Value, patch: ir.Value, which: int, levels: ir.Value) -> ir.Value:
        """In every lane the number that one of a patch's two codes stands for."""
        place = self.element(codes, self.at.add(self.at.mul(patch, long(2)), long(which)), BYTE)
        code = self.at.zext(self.at.load(place, typ=BYTE), LONG)
        return self.spread(self.at.load(self.element(levels, code, FLOAT), typ=FLOAT), self.floats)

    def products(self, words: ir.Value, patch: ir.Value, table: ir.Value, row: ir.Value) -> ir.Value:
        """Where the products of a patch's visual word begin."""
        word = self.at.zext(self.at.load(self.element(words, patch, SHORT), typ=SHORT), LONG)
        return self.element(table, self.at.mul(word, row), FLOAT)

    def shifted(self, along: Sequence[Along], by: ir.Value) -> list[Along]:
        """The products of patches' words with the query vectors of one block."""
        return [(share, self.element(products, by, FLOAT)) for share, products in along]

    def score(
        self,
        decoded: ir.Value,
        scales: Sequence[ir.Value],
        query: ir.Value,
        into: ir.Value,
        registers: int,
        along: Sequence[Along],
    ) -> None:
        """Raise `into` to the products of the decoded patches, and of what of them is `along` their words, with one
        block of query vectors.
        """
        at, shape = self.at, self.shape
        pairs = [(i, r) for i in range(shape.tile) for r in range(registers)]

        def some(d: ir.Value, sums: Sequence[ir.Value]) -> list[ir.Value]:
            start = at.mul(d, long(registers * shape.lanes))
            asked = [
                self.load(self.element(query, at.add(start, long(r * shape.lanes * shape.together)), self.number),
                          self.factors, 4)
                for r in range(registers)
            ]  # fmt: skip
            spread = []
            for i in range(shape.tile):
                place = self.element(decoded, at.add(d, long(i * shape.dim)), self.number)
                each = FLOAT if self.is_float else INT
                lanes = self.spread(self.load(place, each, 4), ir.VectorType(each, shape.lanes))
                spread.append(at.bitcast(lanes, self.factors))
            return [self.multiplied(spread[i], asked[r], so_far) for (i, r), so_far in zip(pairs, sums, strict=True)]

        nothing = ir.Constant(self.sums, [0] * shape.lanes)
        sums = self.loop(long(0), long(shape.dim), shape.together, some, [nothing] * len(pairs))
        for r in range(registers):
            place = self.element(into, long(r * shape.lanes), FLOAT)
            best = self.load(place, self.floats, 4)
            for i in range(shape.tile):
                product = sums[i * registers + r]
                if not self.is_float:
                    product = at.fmul(at.sitofp(product, self.floats), scales[i])
                if along:
                    share, products = along[i]
                    word = self.load(self.element(products, long(r * shape.lanes), FLOAT), self.floats, 4)
                    product = at.fadd(product, at.fmul(word, share))
                best = at.call(self.larger, [best, product])
            self.store(best, place)

    def multiplied(self, patch: ir.Value, asked: ir.Value, so_far: ir.Value) -> ir.Value:
        """`so_far` and the products of one step over the dimensions."""
        if self.is_float:
            return self.at.call(self.multiply_add, [patch, asked, so_far])
        return self.at.add(so_far, self.at.call(self.multiply_pairs, [patch, asked]))
