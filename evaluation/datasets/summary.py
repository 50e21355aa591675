"""The figure that a benchmark is reported by: its main metric for each language, and their mean, with what it is of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..metrics import mean
from ..run import Measured
from ..significance import Interval
from .collection import LANGUAGE, SUBSET, Collection


@dataclass(frozen=True, slots=True)
class Part:
    """The main metric over the questions of one language or domain."""

    questions: int
    interval: Interval


@dataclass(frozen=True, slots=True)
class Summary:
    """The `main` metric of a benchmark: `mean` is that of `parts`, each of which counts once, however many questions.

    `mean_of` says in words what the mean is of, because published ones differ: of all languages, of English alone.
    """

    benchmark: str
    main: str
    parts: Mapping[str, Part]
    mean: float
    mean_of: str

    def as_dict(self) -> dict[str, object]:
        """The summary as a JSON object."""
        return {
            "benchmark": self.benchmark,
            "main": self.main,
            "mean": round(self.mean, 4),
            "mean_of": self.mean_of,
            "parts": {
                name: {"questions": part.questions, **part.interval.as_dict()} for name, part in self.parts.items()
            },
        }


def summarise(collection: Collection, measured: Measured) -> Summary:
    """The main metric of what was measured of a benchmark.

    Its parts are its subsets where it has several that are no languages, else the languages of its questions.
    """
    column = SUBSET if any(SUBSET in each.question.columns for each in measured.outcomes) else LANGUAGE
    parts = {
        name: Part(len(group.outcomes), group.interval(collection.main))
        for name, group in measured.groups(column).items()
    }
    return Summary(
        collection.name,
        collection.main,
        parts,
        mean([part.interval.mean for part in parts.values()]),
        _mean_of(collection, column, list(parts)),
    )


def _mean_of(collection: Collection, column: str, names: list[str]) -> str:
    if column == SUBSET and len(names) > 1:
        return f"{len(names)} subsets, each counted once"
    left_out = [name for name in collection.all_languages if name not in collection.languages]
    if len(names) > 1:
        chosen = f"; the benchmark has {len(collection.all_languages)}" if left_out else ""
        return f"{len(names)} languages, each counted once{chosen}"
    if left_out:
        return f"the questions in {names[0]} only; the benchmark has {', '.join(collection.all_languages)}"
    return "all questions"
