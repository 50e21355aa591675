"""Instructions in a question are left out; what looks like one in a question about the subject itself stays."""

from __future__ import annotations

import pytest

from docsearch.engine.query.instructions import without_instructions


@pytest.mark.parametrize(
    ("question", "kept"),
    [
        ("Please tell me who signed the lease.", "who signed the lease."),
        ("What is the margin? Round your answer to two decimal places.", "What is the margin?"),
        ("What is the margin? Answer in one word.", "What is the margin?"),
        ("Could you please find the notice period?", "the notice period?"),
        ("Give a response to the question by relying on the details shown in the balance sheet.", "balance sheet."),
        (
            "What is total debt? Base your answer on the information provided in table 3.",
            "What is total debt? table 3.",
        ),
        ("What is net debt? Answer using only the cash flow statement.", "What is net debt? cash flow statement."),
        ("Is the ratio rising? If the ratio is not a useful metric, then explain why.", "Is the ratio rising?"),
        ("Assume that you are a public equities analyst. How high is capex?", "How high is capex?"),
    ],
)
def test_instructions_are_left_out(question: str, kept: str) -> None:
    assert without_instructions(question) == kept


@pytest.mark.parametrize(
    "question",
    [
        "revenue chart 2023",
        "How do I round a number to the nearest integer?",
        "answer to interrogatory no. 4",
        "Who answered the question of the chairman?",
        "What does the report show about the base rate?",
        "rounded edges of the table top",
        "Show trial results",
        "Find Me Records, annual report",
        "Umsatz 2023?",
        "",
        "?",
    ],
)
def test_questions_about_the_subject_stay(question: str) -> None:
    assert without_instructions(question) == question


def test_a_question_of_instructions_alone_stays() -> None:
    assert without_instructions("Please answer in one word.") == "Please answer in one word."


@pytest.mark.parametrize("unit", ["give the ", "the role of a ", "if the a b c "])
def test_long_questions_end_and_keep_what_is_no_instruction(unit: str) -> None:
    """A pattern that went back over the question again and again would not end."""
    question = (unit * 4000).strip()
    assert without_instructions(question) == question
