"""Names of answers in an index, and what is measured of a system."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytrec_eval

import toy_words
from docsearch.commands import eval_output
from docsearch.engine.errors import UsageError
from docsearch.engine.records import QUESTION_MAX_CHARS
from docsearch.engine.searcher import Searcher, open_searcher
from docsearch.evaluation import metrics
from docsearch.evaluation.comparison import Comparison
from docsearch.evaluation.matching import IndexNames, strictly_falling
from docsearch.evaluation.questions import Judgement, Question, Questions
from docsearch.evaluation.readers import trec
from docsearch.evaluation.run import Measured, System, measure
from toy_words import ToyEncoder

PAGES = {
    "2023/report.pdf": [[1, 2, 3], [4, 5, 6], [7, 8, 9]],
    "2024/report.pdf": [[11, 12, 13], [14, 15, 16]],
    "lease.pdf": [[1, 21, 24], [22, 23]],
    "old/copy of lease.pdf": [[1, 21, 24], [22, 23]],
}
CONTENT = {"lease.pdf": "same", "old/copy of lease.pdf": "same"}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measured") / "index"
    toy_words.write(folder, PAGES, sha256=lambda path: CONTENT.get(path, path), noise=0)
    return folder


@pytest.fixture
def searcher(directory: Path) -> Iterator[Searcher]:
    with open_searcher(directory, encoder=ToyEncoder()) as searcher:
        yield searcher


def question(text: str, *judgements: tuple[str, int | None], **more: object) -> Question:
    made = Question(text, text, tuple(Judgement(path, page) for path, page in judgements), where="q.jsonl:1")
    return replace(made, **more)  # type: ignore[arg-type]


def asked(*questions: Question) -> Questions:
    return Questions("q.jsonl", questions)


def run(searcher: Searcher, *questions: Question) -> Measured:
    return measure(searcher, asked(*questions), System("toy", Path("toy.index")))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("lease.pdf", "lease.pdf"),
        ("./lease.pdf", "lease.pdf"),
        ("2024/report.pdf", "2024/report.pdf"),
        ("2024\\report.pdf", "2024/report.pdf"),
        ("Copy of LEASE.pdf", "old/copy of lease.pdf"),
        ("/home/me/2024/report.pdf", None),
        ("ase.pdf", None),
    ],
)
def test_a_name_is_a_path_or_the_end_of_one(searcher: Searcher, name: str, path: str | None) -> None:
    assert IndexNames(searcher.snapshot).document(name) == path


def test_an_ambiguous_name_is_an_error(searcher: Searcher) -> None:
    with pytest.raises(UsageError, match=r"q\.jsonl:1: 'report\.pdf' is ambiguous: .* 2023/report\.pdf, 2024/report"):
        run(searcher, question("w4", ("report.pdf", 2)))


def test_the_right_page_first_is_one_everywhere(searcher: Searcher) -> None:
    (outcome,) = run(searcher, question("w4 w5", ("2023/report.pdf", 2))).outcomes
    assert outcome.rank == 1
    assert set(outcome.values.values()) == {1.0}
    assert outcome.best is not None
    assert (outcome.best.ref.path, outcome.best.ref.page) == ("2023/report.pdf", 2)
    assert outcome.seconds > 0


def test_a_copy_is_as_right_as_the_document_itself(searcher: Searcher) -> None:
    (outcome,) = run(searcher, question("w22 w23", ("copy of lease.pdf", 2), ("lease.pdf", 2))).outcomes
    assert (outcome.rank, outcome.values["recall@1"]) == (1, 1.0)


def test_of_a_document_any_page_is_right_and_documents_are_ranked(searcher: Searcher) -> None:
    # Two pages of another document come first: as documents, these are one.
    first = question("w1 w2 w4 w5 w21", ("lease.pdf", None))
    (outcome,) = run(searcher, first).outcomes
    assert set(outcome.scores) <= {"2023/report.pdf", "2024/report.pdf", "lease.pdf"}
    assert outcome.rank == 2


def test_answers_that_are_not_in_the_index_are_counted_and_count(searcher: Searcher) -> None:
    measured = run(
        searcher,
        question("w4 w5", ("2023/report.pdf", 2), ("2023/report.pdf", 9), ("gone.pdf", 1)),
        question("w7", ("gone.pdf", None)),
    )
    assert [(each.path, each.page) for each in measured.missing()] == [
        ("2023/report.pdf", 9), ("gone.pdf", 1), ("gone.pdf", None),
    ]  # fmt: skip
    assert measured.judged() == 4
    assert measured.outcomes[0].values["recall@10"] == pytest.approx(1 / 3)
    assert measured.outcomes[1].values["ndcg@10"] == 0.0
    assert measured.outcomes[0].expected.page == 2


def test_a_page_that_is_missing_is_known_by_any_name_of_its_document(searcher: Searcher) -> None:
    (outcome,) = run(searcher, question("w22 w23", ("copy of lease.pdf", 9), ("lease.pdf", 2))).outcomes
    assert [(each.path, each.page) for each in outcome.matched.missing] == [("old/copy of lease.pdf", 9)]
    assert outcome.expected.page == 2


def test_inside_a_document_only_its_pages_are_found(searcher: Searcher) -> None:
    first = question("w1 w21", ("2023/report.pdf", 1))
    over_all, inside = run(searcher, first, replace(first, inside=True)).outcomes
    assert over_all.rank == 2
    assert inside.rank == 1
    assert all(name.startswith("2023/report.pdf#") for name in inside.scores)


def test_inside_a_document_is_not_inside_another_of_that_name(tmp_path: Path) -> None:
    toy_words.write(tmp_path / "index", {"a.pdf": [[1, 2], [3, 4]], "old/a.pdf": [[3, 5]]}, noise=0)
    with open_searcher(tmp_path / "index", encoder=ToyEncoder()) as searcher:
        (outcome,) = run(searcher, question("w3 w5", ("a.pdf", 2), inside=True)).outcomes
    assert outcome.rank == 1
    assert {name.partition("#")[0] for name in outcome.scores} == {"a.pdf"}


def test_a_question_may_be_asked_within_a_glob(searcher: Searcher) -> None:
    (outcome,) = run(searcher, question("w1 w21", ("2023/report.pdf", 1), within="202*/*")).outcomes
    assert outcome.rank == 1
    assert {name.partition("/")[0] for name in outcome.scores} <= {"2023", "2024"}


def test_a_question_of_two_documents_cannot_be_asked_inside_one(searcher: Searcher) -> None:
    with pytest.raises(UsageError, match="answered by 2 documents"):
        run(searcher, question("w1", ("2023/report.pdf", 1), ("lease.pdf", 1), inside=True))


def test_a_question_without_words_has_no_hits_and_counts(searcher: Searcher) -> None:
    measured = run(searcher, question(" ", ("lease.pdf", 1)), question("w22", ("lease.pdf", 2)))
    assert [each.rank for each in measured.outcomes] == [None, 1]
    assert measured.interval("mrr").mean == 0.5


def test_of_a_question_that_is_too_long_the_beginning_is_asked(searcher: Searcher) -> None:
    measured = run(searcher, question("w22 " * QUESTION_MAX_CHARS, ("lease.pdf", 2)))
    assert measured.outcomes[0].rank == 1


def test_groups_and_questions_in_several(searcher: Searcher) -> None:
    first = question("w4", ("2023/report.pdf", 2), columns={"kind": ("table", "text")})
    measured = run(
        searcher,
        first,
        question("w22", ("lease.pdf", 1), columns={"kind": ("text",)}),
        question("w7", ("lease.pdf", 2)),
    )
    found = measured.groups("kind")
    assert {value: len(group.outcomes) for value, group in found.items()} == {"": 1, "table": 1, "text": 2}
    assert found["table"].interval("success@1").mean == 1.0
    assert found["text"].interval("success@1").mean == 0.5


def test_equal_scores_keep_the_order_of_the_engine_in_trec_eval(searcher: Searcher, tmp_path: Path) -> None:
    # Pages 1 of two documents match "w1" alike. The files give trec_eval the numbers that are printed.
    measured = run(searcher, question("w1", ("lease.pdf", 1)), question("w1 w2", ("2023/report.pdf", 1)))
    assert [each.rank for each in measured.outcomes] == [2, 1]
    eval_output.write_run(tmp_path / "run.trec", measured)
    eval_output.write_qrels(tmp_path / "qrels.trec", measured)
    with (tmp_path / "run.trec").open() as run_file, (tmp_path / "qrels.trec").open() as qrels_file:
        evaluator = pytrec_eval.RelevanceEvaluator(pytrec_eval.parse_qrel(qrels_file), {"ndcg_cut_10", "recip_rank"})
        found = evaluator.evaluate(pytrec_eval.parse_run(run_file))
    for outcome in measured.outcomes:
        of_trec = found[trec.field(outcome.question.query_id)]
        assert of_trec["ndcg_cut_10"] == pytest.approx(outcome.values["ndcg@10"])
        assert of_trec["recip_rank"] == pytest.approx(outcome.values["mrr"])


def test_falling_scores_fall_in_float32() -> None:
    scores = strictly_falling([0.5, 0.5, 0.5, 0.25])
    assert metrics.ranking(dict(zip("abcd", scores, strict=True))) == list("abcd")
    assert scores[2] > 0.49999


def test_a_comparison_finds_what_changed(searcher: Searcher) -> None:
    questions = [question("w4 w5", ("2023/report.pdf", 2)), question("w1 w21", ("2023/report.pdf", 1))]
    over_all = run(searcher, *questions)
    inside = measure(searcher, asked(*questions).asked_inside(), System("inside", Path("toy.index")))
    compared = Comparison(over_all, inside)
    (change,) = compared.changes("mrr")
    assert (change.first.question.text, change.difference) == ("w1 w21", 0.5)
    difference = compared.difference("mrr")
    assert difference.interval.mean == 0.25
    assert difference.p_value == 1.0


def test_json_has_every_metric(searcher: Searcher) -> None:
    questions = asked(question("w4", ("2023/report.pdf", 2), columns={"kind": ("table",)}))
    measured = measure(searcher, questions, System("toy", Path("toy.index")))
    found = json.loads(json.dumps(eval_output.as_dict(measured, questions, "kind")))
    assert found["metrics"].keys() == set(metrics.METRICS) == found["groups"]["table"]["metrics"].keys()
    assert found["metrics"]["mrr"] == {"mean": 1.0, "low": 1.0, "high": 1.0}
    assert (found["pages"], found["questions"], found["mode"]) == (9, 1, "visual")
