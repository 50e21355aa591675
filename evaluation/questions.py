"""Questions with judged answers: what `docsearch eval` measures a search with, whatever file they came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Literal

from ..engine.records import FloatBox

BoxUnit = Literal["points", "fractions"]
"""Unit of `Judgement.boxes`: PDF points from the top left corner of the page, or fractions of its width and height."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A judged page, or a judged document as a whole.

    `path` is the document as the questions name it; `matching` finds it in an index. `page` counts from 1; None means
    that any page of the document is the answer. `grade` is the relevance, 0 for judged and not relevant. `boxes` are
    the places of the answer on the page, x0, y0, x1, y1, in the unit that `Questions.box_unit` names.
    """

    path: str
    page: int | None
    grade: int = 1
    boxes: tuple[FloatBox, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """One question with what is judged for it, at least one judgement of a grade above 0.

    Either all judgements are of pages, or all are of whole documents. `within` restricts the search to documents, as
    `Query.path` does; `inside` restricts it to the one document that the judgements name. `columns` are further facts
    of the question, by which results can be grouped; one with several values is in several groups. `where` says where
    the question was read, for messages.
    """

    query_id: str
    text: str
    judgements: tuple[Judgement, ...]
    within: str | None = None
    inside: bool = False
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    where: str = ""

    @property
    def of_documents(self) -> bool:
        """Whether the answers are whole documents, so that a ranking of documents is measured."""
        return all(each.page is None for each in self.judgements)

    @property
    def documents(self) -> tuple[str, ...]:
        """The documents that are judged relevant, each once."""
        return tuple(dict.fromkeys(each.path for each in self.judgements if each.grade > 0))


@dataclass(frozen=True, slots=True)
class Questions:
    """The questions of a file, folder or benchmark called `source`, in its order.

    `unjudged` counts questions that were left out because nothing is judged relevant for them. `synthetic` questions
    were made by a program. `main` is the metric that the benchmark, or this project, reports first.
    """

    source: str
    items: tuple[Question, ...]
    unjudged: int = 0
    synthetic: bool = False
    box_unit: BoxUnit = "points"
    main: str = "ndcg@10"

    def __len__(self) -> int:
        return len(self.items)

    def where(self, column: str, value: str) -> Questions:
        """The questions that have `value` in `column`."""
        return self._with(lambda question: value in question.columns.get(column, ()))

    def columns(self) -> tuple[str, ...]:
        """The names of all columns, in the order of their first use."""
        return tuple(dict.fromkeys(name for question in self.items for name in question.columns))

    def asked_inside(self) -> Questions:
        """The same questions, each asked inside the one document that answers it."""
        return replace(self, items=tuple(replace(question, inside=True) for question in self.items))

    def among(self, query_ids: AbstractSet[str]) -> Questions:
        """The questions with one of these ids."""
        return self._with(lambda question: question.query_id in query_ids)

    def _with(self, is_kept: Callable[[Question], bool]) -> Questions:
        return replace(self, items=tuple(filter(is_kept, self.items)))
