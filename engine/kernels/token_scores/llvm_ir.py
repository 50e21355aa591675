"""`scoring.score_tokens` as LLVM IR, for one register width.

Each lane of a register belongs to one page. The scores of a few pages are summed over all tokens in registers, so
maxima are read once and matches are never written to memory.
"""

from __future__ import annotations

from llvmlite import ir

from ..jit.llvm_ir import FLOAT, INT, LONG, POINTER, FunctionWriter, long

NAME = "token_scores"


def module(lanes: int) -> str:
    """The text of a module with one function, NAME, which fills `out` (N,) float32 with the scores of N pages.

    N is at least `lanes`. Its arguments: the address of the maxima (N,) of each token, then of each expansion term; the
    number of tokens Q; for each token its weight, its floor and its slope, 1 / (ceiling - floor), all (Q,) float32;
    where the expansion terms of each token begin in the two arrays that follow, (Q + 1,) int64; for each term its row
    among the maxima, int64, and its weight, float32; the row of the first page of each page's document (N,) int64; the
    first-page weight; the first page to score, and the one after the last; `out`.
    """
    built = ir.Module(name=NAME)
    _Scores(lanes, built).write()
    return str(built)


class _Scores(FunctionWriter):
    """Writes the body of the function NAME."""

    def __init__(self, lanes: int, module: ir.Module) -> None:
        arguments = [POINTER, LONG, *[POINTER] * 7, FLOAT, LONG, LONG, POINTER]
        super().__init__(module, NAME, arguments)
        self.lanes = lanes
        self.floats = ir.VectorType(FLOAT, lanes)
        self.larger = self.declare(f"llvm.maxnum.v{lanes}f32", self.floats, [self.floats] * 2)
        self.smaller = self.declare(f"llvm.minnum.v{lanes}f32", self.floats, [self.floats] * 2)
        self.zero = ir.Constant(self.floats, [0.0] * lanes)

    def write(self) -> None:
        """Loop over pages, a register of them at a time; the last ones may be scored twice."""
        builder = self.builder
        _, tokens, weights, floors, slopes, *_, first_pages, first_page_weight, first, last, out = self.function.args

        def pages(start: ir.Value) -> None:
            end = builder.sub(last, long(self.lanes))
            page = builder.select(builder.icmp_signed("<", start, end), start, end)
            first_page_rows = self.element(first_pages, page, LONG)
            share = self.broadcast(first_page_weight, self.floats)

            def token(t: ir.Value, sums: list[ir.Value]) -> list[ir.Value]:
                total, best = sums
                maxima = self.maxima_of(t)
                floor, slope = (self.broadcast_element(each, t) for each in (floors, slopes))
                own = self.match(self.load(self.element(maxima, page, FLOAT), self.floats, 4), floor, slope)
                own = self.with_expansion(t, page, own, floor, slope)
                on_first_page = builder.fmul(self.match(self.gather(maxima, first_page_rows), floor, slope), share)
                match = builder.call(self.larger, [own, on_first_page])
                weighted = builder.fmul(match, self.broadcast_element(weights, t))
                return [builder.fadd(total, weighted), builder.call(self.larger, [best, own])]

            total, best = self.loop(long(0), tokens, 1, token, [self.zero, self.zero])
            has_match = builder.fcmp_ordered(">", best, self.zero)
            self.store(builder.select(has_match, total, self.zero), self.element(out, page, FLOAT))

        self.loop(first, last, self.lanes, pages)
        builder.ret_void()

    def maxima_of(self, row: ir.Value) -> ir.Value:
        """The address of the maxima of a token or expansion term."""
        return self.builder.load(self.element(self.function.args[0], row, POINTER), typ=POINTER)

    def with_expansion(
        self, token: ir.Value, page: ir.Value, own: ir.Value, floor: ir.Value, slope: ir.Value
    ) -> ir.Value:
        """The best of a token's `own` match and of the weighted matches of its expansion terms."""
        begins, rows, weights = self.function.args[5:8]
        begin, end = (
            self.builder.load(self.element(begins, i, LONG), typ=LONG)
            for i in (token, self.builder.add(token, long(1)))
        )

        def term(i: ir.Value, best: list[ir.Value]) -> list[ir.Value]:
            row = self.builder.load(self.element(rows, i, LONG), typ=LONG)
            maxima = self.load(self.element(self.maxima_of(row), page, FLOAT), self.floats, 4)
            match = self.builder.fmul(self.match(maxima, floor, slope), self.broadcast_element(weights, i))
            return [self.builder.call(self.larger, [best[0], match])]

        return self.loop(begin, end, 1, term, [own])[0]

    def match(self, similarity: ir.Value, floor: ir.Value, slope: ir.Value) -> ir.Value:
        """`scoring.rise`: similarities to matches in 0..1."""
        rising = self.builder.fmul(self.builder.fsub(similarity, floor), slope)
        one = ir.Constant(self.floats, [1.0] * self.lanes)
        return self.builder.call(self.smaller, [self.builder.call(self.larger, [rising, self.zero]), one])

    def gather(self, numbers: ir.Value, indices: ir.Value) -> ir.Value:
        """The elements of an array at as many indices as there are lanes."""
        value = ir.Constant(self.floats, ir.Undefined)
        for lane in range(self.lanes):
            index = self.builder.load(self.element(indices, long(lane), LONG), typ=LONG)
            number = self.builder.load(self.element(numbers, index, FLOAT), typ=FLOAT)
            value = self.builder.insert_element(value, number, INT(lane))
        return value

    def broadcast_element(self, numbers: ir.Value, index: ir.Value) -> ir.Value:
        """One element of an array in every lane."""
        return self.broadcast(self.builder.load(self.element(numbers, index, FLOAT), typ=FLOAT), self.floats)
