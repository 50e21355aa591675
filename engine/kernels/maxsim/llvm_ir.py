"""The MaxSim kernel as LLVM IR, for one codec, dimension and register width.

Each lane of a register belongs to one query vector. A tile of a page's patches is decoded to 16-bit integers (float16:
to float32) that stay in the L1 cache; each number is broadcast to all lanes and multiplied into accumulators, which
stay in registers. Similarities are therefore never written to memory, and a page's maximum needs no reduction across
lanes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llvmlite import ir

from ...compression.codecs import PACKED_BITS, stored_width
from ..jit.llvm_ir import BIT, BYTE, FLOAT, HALF, INT, LONG, POINTER, SHORT, FunctionWriter, long

NAME = "maxsim"
DECODED_AT_ONCE = 32
"""Dimensions decoded in one step; the dimension of vectors is a multiple of it."""
WIDE = 2
"""Registers of query vectors in a block; the last block has one if their number is odd."""
CACHE_LINE = 64
"""Alignment of the decoded tile, in bytes."""

CentroidTerm = tuple[ir.Value, ir.Value]
"""For the codec residual: a patch's centroid coefficient in every lane, and the address of that centroid's products
with the query vectors.
"""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a kernel is compiled for: a `codec`, vectors of `dim` dimensions, registers of `lanes` of 32 bits, and tiles
    of `tile` patches that are scored together.
    """

    codec: str
    dim: int
    lanes: int
    tile: int

    @property
    def packed(self) -> int:
        """Dimensions that one lane multiplies at once: two of 16 bits, or one of 32."""
        return 1 if self.codec == "float16" else 2


def module(shape: Shape) -> str:
    """The text of a module with one function, NAME, which raises rows of `out` to the largest products with each page.

    Its arguments: `values` and `scales` (N,), the address of each page's values and scales; `lengths` (N,) int64,
    patches of each page; the first page to score, and the one after the last; `query`; the number of blocks of WIDE
    registers, and of blocks of one register (0 or 1); `out`. `query` holds for each block its numbers as (D / packed,
    registers, lanes, packed), int16 or float32. `out` has a row of float32 for each page, with as many lanes as the
    blocks together. For the codec residual there follow: the address of each page's visual words (N,); the products of
    each visual word with the query, laid out like rows of `out`; and the 256 numbers that the bytes in `scales` encode.
    """
    built = ir.Module(name=NAME)
    arguments = [POINTER, POINTER, POINTER, LONG, LONG, POINTER, LONG, LONG, POINTER]
    arguments += [POINTER, POINTER, POINTER] if shape.codec == "residual" else []
    _MaxSim(shape, built, arguments).write()
    return str(built)


class _MaxSim(FunctionWriter):
    """Writes the body of the function NAME."""

    def __init__(self, shape: Shape, module: ir.Module, arguments: Sequence[ir.Type]) -> None:
        super().__init__(module, NAME, arguments)
        self.shape = shape
        self.is_float = shape.codec == "float16"
        self.number = FLOAT if self.is_float else SHORT
        self.sums = ir.VectorType(FLOAT if self.is_float else INT, shape.lanes)
        self.factors = ir.VectorType(self.number, shape.lanes * shape.packed)
        self.floats = ir.VectorType(FLOAT, shape.lanes)
        self.larger = self.declare(f"llvm.maxnum.v{shape.lanes}f32", self.floats, [self.floats] * 2)
        if self.is_float:
            self.multiply_add = self.declare(f"llvm.fma.v{shape.lanes}f32", self.sums, [self.sums] * 3)
        else:
            # Pairs of 16 bits. LLVM fuses this and the addition after it into VNNI's vpdpwssd where the CPU has it.
            name = {16: "llvm.x86.avx512.pmaddw.d.512", 8: "llvm.x86.avx2.pmadd.wd"}[shape.lanes]
            self.multiply_pairs = self.declare(name, self.sums, [self.factors] * 2)

    def write(self) -> None:
        """Loop over pages, their tiles of patches, and blocks of query vectors."""
        values_of, scales_of, lengths, first, last, query, wide, single, out, *more = self.function.args
        size = self.shape.tile * self.shape.dim
        decoded = self.builder.alloca(ir.ArrayType(self.number, size))
        decoded.align = CACHE_LINE
        block = self.shape.dim * self.shape.lanes
        row = self.builder.mul(self.builder.add(self.builder.mul(wide, long(WIDE)), single), long(self.shape.lanes))

        def page(number: ir.Value) -> None:
            end = self.builder.load(self.element(lengths, number, LONG), typ=LONG)
            values, scales = (self.address(each, number) for each in (values_of, scales_of))
            best = self.element(out, self.builder.mul(number, row), FLOAT)

            def tile(start: ir.Value) -> None:
                patches = [self.clamped(start, i, end) for i in range(self.shape.tile)]
                for i, patch in enumerate(patches):
                    self.decode(values, patch, self.element(decoded, long(i * self.shape.dim), self.number))
                scales_of_tile, centroid_terms = [], []
                if self.shape.codec == "residual":
                    words_of, table, levels = more
                    words = self.address(words_of, number)
                    scales_of_tile = [self.level(scales, patch, 1, levels) for patch in patches]
                    centroid_terms = [
                        (self.level(scales, patch, 0, levels), self.centroid_products(words, patch, table, row))
                        for patch in patches
                    ]
                elif not self.is_float:
                    scales_of_tile = [self.scale(scales, patch) for patch in patches]

                def score_block(number: ir.Value, registers: int) -> None:
                    lane = self.builder.mul(number, long(WIDE * self.shape.lanes))
                    numbers = self.element(query, self.builder.mul(number, long(WIDE * block)), self.number)
                    into = self.element(best, lane, FLOAT)
                    self.score(decoded, scales_of_tile, numbers, into, registers, self.shifted(centroid_terms, lane))

                def wide_block(i: ir.Value) -> None:
                    score_block(i, WIDE)

                def last_block(_: ir.Value) -> None:
                    score_block(wide, 1)

                self.loop(long(0), wide, 1, wide_block)
                self.loop(long(0), single, 1, last_block)

            self.loop(long(0), end, self.shape.tile, tile)

        self.loop(first, last, 1, page)
        self.builder.ret_void()

    def address(self, of_pages: ir.Value, page: ir.Value) -> ir.Value:
        """A page's entry in a table of addresses."""
        return self.builder.load(self.element(of_pages, page, POINTER), typ=POINTER)

    def clamped(self, start: ir.Value, i: int, end: ir.Value) -> ir.Value:
        """Patch `start` + i, or the page's last one: scoring a patch twice does not change a maximum."""
        patch, last = self.builder.add(start, long(i)), self.builder.sub(end, long(1))
        return self.builder.select(self.builder.icmp_signed("<", patch, last), patch, last)

    def decode(self, values: ir.Value, patch: ir.Value, into: ir.Value) -> None:
        """Decode one patch's values to `into`, without its scale."""
        codec, dim = self.shape.codec, self.shape.dim
        width = stored_width(codec, dim) * (2 if self.is_float else 1)
        source = self.element(values, self.builder.mul(patch, long(width)), BYTE)

        def step(d: ir.Value) -> None:
            builder = self.builder
            if codec == "float16":
                halves = self.load(self.element(source, d, HALF), ir.VectorType(HALF, DECODED_AT_ONCE), 1)
                numbers = builder.fpext(halves, ir.VectorType(FLOAT, DECODED_AT_ONCE))
            elif codec == "int8":
                codes = self.load(self.element(source, d, BYTE), ir.VectorType(BYTE, DECODED_AT_ONCE), 1)
                numbers = builder.sext(codes, ir.VectorType(SHORT, DECODED_AT_ONCE))
            else:
                numbers = self.odd_numbers(source, d, PACKED_BITS[codec])
            self.store(numbers, self.element(into, d, self.number))

        self.loop(long(0), long(dim), DECODED_AT_ONCE, step)

    def odd_numbers(self, source: ir.Value, d: ir.Value, bits: int) -> ir.Value:
        """Decode codes of 1 or 4 bits to odd integers, DECODED_AT_ONCE of them from dimension `d` on."""
        builder, n = self.builder, DECODED_AT_ONCE
        shorts = ir.VectorType(SHORT, n)
        place = self.element(source, builder.lshr(d, long({1: 3, 4: 1}[bits])), BYTE)
        if bits == 1:
            chosen = builder.bitcast(self.load(place, INT, 1), ir.VectorType(BIT, n))
            return builder.select(chosen, ir.Constant(shorts, [1] * n), ir.Constant(shorts, [-1] * n))
        halves = ir.VectorType(BYTE, n // 2)
        pairs = self.load(place, halves, 1)
        low = builder.and_(pairs, ir.Constant(halves, [15] * (n // 2)))
        high = builder.lshr(pairs, ir.Constant(halves, [4] * (n // 2)))
        order = [i // 2 + n // 2 * (i % 2) for i in range(n)]
        codes = builder.zext(builder.shuffle_vector(low, high, ir.Constant(ir.VectorType(INT, n), order)), shorts)
        return builder.sub(builder.shl(codes, ir.Constant(shorts, [1] * n)), ir.Constant(shorts, [15] * n))

    def scale(self, scales: ir.Value, patch: ir.Value) -> ir.Value:
        """A patch's scale in every lane."""
        half = self.builder.load(self.element(scales, patch, HALF), typ=HALF)
        return self.broadcast(self.builder.fpext(half, FLOAT), self.floats)

    def level(self, codes: ir.Value, patch: ir.Value, which: int, levels: ir.Value) -> ir.Value:
        """In every lane, the number that code `which` (0 or 1) of a patch encodes."""
        place = self.element(codes, self.builder.add(self.builder.mul(patch, long(2)), long(which)), BYTE)
        code = self.builder.zext(self.builder.load(place, typ=BYTE), LONG)
        return self.broadcast(self.builder.load(self.element(levels, code, FLOAT), typ=FLOAT), self.floats)

    def centroid_products(self, words: ir.Value, patch: ir.Value, table: ir.Value, row: ir.Value) -> ir.Value:
        """The address of a patch's centroid's products with the query vectors; rows of `table` have `row` lanes."""
        word = self.builder.zext(self.builder.load(self.element(words, patch, SHORT), typ=SHORT), LONG)
        return self.element(table, self.builder.mul(word, row), FLOAT)

    def shifted(self, terms: Sequence[CentroidTerm], by: ir.Value) -> list[CentroidTerm]:
        """The same terms for the block of query vectors that begins `by` lanes further on."""
        return [(coefficient, self.element(products, by, FLOAT)) for coefficient, products in terms]

    def score(
        self,
        decoded: ir.Value,
        scales: Sequence[ir.Value],
        query: ir.Value,
        into: ir.Value,
        registers: int,
        centroid_terms: Sequence[CentroidTerm],
    ) -> None:
        """Raise `into` to the inner products of a decoded tile with a block of query vectors.

        The block fills `registers` registers. Integer products are multiplied with the patches' `scales`;
        `centroid_terms` are added for the codec residual.
        """
        builder, shape = self.builder, self.shape
        pairs = [(i, r) for i in range(shape.tile) for r in range(registers)]

        def step(d: ir.Value, sums: Sequence[ir.Value]) -> list[ir.Value]:
            start = builder.mul(d, long(registers * shape.lanes))
            vectors = [
                self.load(self.element(query, builder.add(start, long(r * shape.lanes * shape.packed)), self.number),
                          self.factors, 4)
                for r in range(registers)
            ]  # fmt: skip
            patches = []
            for i in range(shape.tile):
                place = self.element(decoded, builder.add(d, long(i * shape.dim)), self.number)
                each = FLOAT if self.is_float else INT
                lanes = self.broadcast(self.load(place, each, 4), ir.VectorType(each, shape.lanes))
                patches.append(builder.bitcast(lanes, self.factors))
            return [self.multiplied(patches[i], vectors[r], so_far) for (i, r), so_far in zip(pairs, sums, strict=True)]

        zeros = ir.Constant(self.sums, [0] * shape.lanes)
        sums = self.loop(long(0), long(shape.dim), shape.packed, step, [zeros] * len(pairs))
        for r in range(registers):
            place = self.element(into, long(r * shape.lanes), FLOAT)
            best = self.load(place, self.floats, 4)
            for i in range(shape.tile):
                product = sums[i * registers + r]
                if not self.is_float:
                    product = builder.fmul(builder.sitofp(product, self.floats), scales[i])
                if centroid_terms:
                    coefficient, products = centroid_terms[i]
                    centroid = self.load(self.element(products, long(r * shape.lanes), FLOAT), self.floats, 4)
                    product = builder.fadd(product, builder.fmul(centroid, coefficient))
                best = builder.call(self.larger, [best, product])
            self.store(best, place)

    def multiplied(self, patch: ir.Value, vector: ir.Value, so_far: ir.Value) -> ir.Value:
        """`so_far` plus the products of one step over the dimensions."""
        if self.is_float:
            return self.builder.call(self.multiply_add, [patch, vector, so_far])
        return self.builder.add(so_far, self.builder.call(self.multiply_pairs, [patch, vector]))
