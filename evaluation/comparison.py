"""Two systems on the same questions: paired differences, and the questions that changed most."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from . import significance
from .metrics import METRICS
from .run import Measured, Outcome
from .significance import Difference


@dataclass(frozen=True, slots=True)
class Change:
    """One question in both systems, and how much its metric rose from `first` to `second`."""

    first: Outcome
    second: Outcome
    difference: float


@dataclass(frozen=True)
class Comparison:
    """The system `second` against the system `first`, which were asked the same questions in the same order."""

    first: Measured
    second: Measured

    def difference(self, name: str) -> Difference:
        """The paired difference of a metric, second minus first."""
        return self._differences[name]

    @cached_property
    def _differences(self) -> dict[str, Difference]:
        found = significance.paired_differences(self.first.matrix(), self.second.matrix())
        return dict(zip(METRICS, found, strict=True))

    def changes(self, name: str) -> list[Change]:
        """The questions whose metric differs, those that changed most first; losses before gains of the same size."""
        pairs = zip(self.first.outcomes, self.second.outcomes, strict=True)
        found = [Change(one, other, other.values[name] - one.values[name]) for one, other in pairs]
        return sorted(
            (each for each in found if each.difference), key=lambda each: (-abs(each.difference), each.difference)
        )
