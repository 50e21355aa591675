"""The log of experiments is dated, indexed, and linked from the constants that its experiments chose."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
LOG = (REPOSITORY / "docs/log.md").read_text("utf-8")
HEADINGS = re.findall(r"^## (.+)$", LOG, re.MULTILINE)
ENTRY = re.compile(
    r'^<a id="([a-z0-9-]+)"></a>\n## (\d{4}-\d\d-\d\d) (.+) \((kept|dropped|negative|measured)\)$', re.MULTILINE
)
FRONT_MATTER = ["Contents", "Names that have changed"]
PACKAGES = ("commands", "engine", "indexer", "server", "training", "evaluation", "benchmarks")
REMARKS = [
    pytest.param(anchor, id=f"{file.relative_to(REPOSITORY)}")
    for package in PACKAGES
    for file in sorted((REPOSITORY / package).rglob("*.py"))
    for anchor in re.findall(r"docs/log\.md(?:#([a-z0-9-]+))?", file.read_text("utf-8"))
]


def test_every_entry_has_a_date_and_a_verdict() -> None:
    assert [heading for heading in HEADINGS if heading not in FRONT_MATTER] == [
        f"{day} {title} ({verdict})" for _, day, title, verdict in ENTRY.findall(LOG)
    ]


def test_entries_are_in_order_of_their_days() -> None:
    days = [day for _, day, _, _ in ENTRY.findall(LOG)]
    assert days == sorted(days)


def test_the_contents_list_every_entry() -> None:
    listed = re.findall(r"^\| (\S+) \| \[(.+)\]\(#(\S+)\) \| (\w+) \|$", LOG, re.MULTILINE)
    assert [(anchor, day, title, verdict) for day, title, anchor, verdict in listed] == ENTRY.findall(LOG)


@pytest.mark.parametrize("anchor", REMARKS)
def test_a_remark_in_the_code_names_its_entry(anchor: str) -> None:
    assert anchor in {known for known, _, _, _ in ENTRY.findall(LOG)}
