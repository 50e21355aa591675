"""Scores of pages by their maxima with words, as LLVM's intermediate representation: a vector width in, a module out.

Lanes of a register are pages. All words of a few pages are added up in registers, so the maxima are read once, and the
matches never reach memory.
"""

from __future__ import annotations

from llvmlite import ir

from ..jit.llvm_ir import FLOAT, INT, LONG, POINTER, Writer, long

NAME = "word_scores"


def module(lanes: int) -> str:
    """The module with the one function NAME, which fills `out` (N,) float32; N is at least `lanes`.

    Its arguments: the address of the N maxima of each word, then of each other; words; for each word its weight, its
    floor and what a similarity above it is multiplied with; where each word's others begin in the two that follow,
    (words + 1,) int64; the row of each other, its share; the first pages (N,) int64 of documents; how much a match
    there counts; the first and the last page to score; out.
    """
    made = ir.Module(name=NAME)
    _Scores(lanes, made).write()
    return str(made)


class _Scores(Writer):
    """Writes the body of the function."""

    def __init__(self, lanes: int, made: ir.Module) -> None:
        arguments = [POINTER, LONG, *[POINTER] * 7, FLOAT, LONG, LONG, POINTER]
        super().__init__(made, NAME, arguments)
        self.lanes = lanes
        self.floats = ir.VectorType(FLOAT, lanes)
        self.larger = self.declare(f"llvm.maxnum.v{lanes}f32", self.floats, [self.floats] * 2)
        self.smaller = self.declare(f"llvm.minnum.v{lanes}f32", self.floats, [self.floats] * 2)
        self.zero = ir.Constant(self.floats, [0.0] * lanes)

    def write(self) -> None:
        """All pages, as many at once as a register holds; the last ones perhaps twice."""
        at = self.at
        _, words, weights, floors, slopes, *_, titles, share, first, last, out = self.function.args

        def some(start: ir.Value) -> None:
            end = at.sub(last, long(self.lanes))
            page = at.select(at.icmp_signed("<", start, end), start, end)
            lenders = self.element(titles, page, LONG)

            def word(w: ir.Value, sums: list[ir.Value]) -> list[ir.Value]:
                total, best = sums
                row = self.maxima_of(w)
                floor, slope = (self.one(each, w) for each in (floors, slopes))
                printed = self.match(self.load(self.element(row, page, FLOAT), self.floats, 4), floor, slope)
                own = self.best_of_others(w, page, printed, floor, slope)
                lent = at.fmul(self.match(self.gathered(row, lenders), floor, slope), self.spread(share, self.floats))
                counted = at.fmul(at.call(self.larger, [own, lent]), self.one(weights, w))
                return [at.fadd(total, counted), at.call(self.larger, [best, own])]

            total, best = self.loop(long(0), words, 1, word, [self.zero, self.zero])
            matched = at.fcmp_ordered(">", best, self.zero)
            self.store(at.select(matched, total, self.zero), self.element(out, page, FLOAT))

        self.loop(first, last, self.lanes, some)
        at.ret_void()

    def maxima_of(self, row: ir.Value) -> ir.Value:
        """Where the maxima of a word or other lie."""
        return self.at.load(self.element(self.function.args[0], row, POINTER), typ=POINTER)

    def best_of_others(
        self, word: ir.Value, page: ir.Value, own: ir.Value, floor: ir.Value, slope: ir.Value
    ) -> ir.Value:
        """The best of a word's `own` match and of the shares of its others'."""
        begins, rows, shares = self.function.args[5:8]
        begin, end = (self.at.load(self.element(begins, i, LONG), typ=LONG) for i in (word, self.at.add(word, long(1))))

        def other(i: ir.Value, best: list[ir.Value]) -> list[ir.Value]:
            row = self.at.load(self.element(rows, i, LONG), typ=LONG)
            place = self.element(self.maxima_of(row), page, FLOAT)
            match = self.match(self.load(place, self.floats, 4), floor, slope)
            return [self.at.call(self.larger, [best[0], self.at.fmul(match, self.one(shares, i))])]

        return self.loop(begin, end, 1, other, [own])[0]

    def match(self, similarity: ir.Value, floor: ir.Value, slope: ir.Value) -> ir.Value:
        """Similarities as matches, 0 to 1."""
        rising = self.at.fmul(self.at.fsub(similarity, floor), slope)
        one = ir.Constant(self.floats, [1.0] * self.lanes)
        return self.at.call(self.smaller, [self.at.call(self.larger, [rising, self.zero]), one])

    def gathered(self, row: ir.Value, places: ir.Value) -> ir.Value:
        """The numbers of a row at as many places as there are lanes."""
        value = ir.Constant(self.floats, ir.Undefined)
        for lane in range(self.lanes):
            place = self.at.load(self.element(places, long(lane), LONG), typ=LONG)
            number = self.at.load(self.element(row, place, FLOAT), typ=FLOAT)
            value = self.at.insert_element(value, number, INT(lane))
        return value

    def one(self, numbers: ir.Value, index: ir.Value) -> ir.Value:
        """One of some numbers in every lane."""
        return self.spread(self.at.load(self.element(numbers, index, FLOAT), typ=FLOAT), self.floats)
