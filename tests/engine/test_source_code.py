"""Search of source code: what defines a name comes before what uses it, and tests after both."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from docsearch import Searcher, open_index
from docsearch.engine.ranking.fusion import Fusion
from docsearch.engine.ranking.source_code import OF_TESTS, WithSourceCode
from docsearch.engine.records import SourcePages, TextEvidence
from docsearch.indexer.pipeline import index_documents

USE = (
    "from .store import open_writer\n\n\ndef run_{n}(path):\n    with open_writer(path) as writer:\n"
    "        open_writer(path)\n"
)
FILES = {
    "store.py": "import os\n\nPAGES = 3\n\n\ndef helper(path):\n    return os.stat(path)\n\n\n"
    "def open_writer(path):\n    return helper(path)\n",
    **{f"use_{n}.py": USE.format(n=n) for n in range(4)},
    "tests/test_store.py": USE.format(n=9) + "\n\ndef test_open_writer():\n    assert open_writer\n",
    "web/panZoom.ts": "export function createPanZoom(box: Element) {\n  return box;\n}\n",
    "web/main.ts": 'import { createPanZoom } from "./panZoom";\ncreatePanZoom(a); createPanZoom(b);\n',
}


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    place = tmp_path_factory.mktemp("source")
    for path, text in FILES.items():
        (place / "src" / path).parent.mkdir(parents=True, exist_ok=True)
        (place / "src" / path).write_text(text)
    index_documents([place / "src"], place / "index", kinds=("code",))
    with open_index(place / "index") as opened:
        yield opened


@pytest.mark.parametrize("question", ["open_writer", "openWriter", "open writer", "where is open_writer"])
def test_a_definition_comes_before_uses_and_tests_last(searcher: Searcher, question: str) -> None:
    paths = [hit.ref.path for hit in searcher.search(question)]
    assert (paths[0], paths.index("tests/test_store.py")) == ("store.py", 5)
    assert searcher.search(question, candidates=2)[0].ref.path == "store.py"


def test_a_function_of_javascript_comes_before_its_calls(searcher: Searcher) -> None:
    assert searcher.search("createPanZoom")[0].ref.path == "web/panZoom.ts"


def test_tests_are_found_by_those_who_ask_for_them(searcher: Searcher) -> None:
    assert searcher.search("tests of open_writer")[0].ref.path == "tests/test_store.py"


def test_a_definition_is_explained(searcher: Searcher) -> None:
    hits = searcher.search("open_writer")
    (found, *_) = searcher.explain("open_writer", hits)
    assert found.from_text > 0.5
    assert found.score == pytest.approx(hits[0].score, abs=1e-5)


def test_scores_rise_with_visual_scores_and_stay_in_range() -> None:
    zero, rows = np.zeros(3, np.float32), np.arange(3)
    evidence = TextEvidence(np.array([0.5, 0.0, 0.2], np.float32), zero, np.ones(3, bool), zero, zero)
    source = SourcePages(np.array([1.0, 0.5, 0.0], np.float32), np.array([2]))
    plain, scored = Fusion(evidence), WithSourceCode(Fusion(evidence), source)
    before = np.zeros(3, np.float32)
    for visual in np.linspace(0, 1, 11, dtype=np.float32):
        scores = scored.scores(np.full(3, visual), rows)
        assert (scores >= before).all()
        assert (scores <= 1).all()
        assert scores[2] == pytest.approx(OF_TESTS * plain.scores(np.full(3, visual), rows)[2])
        for row in rows:
            if scores[row]:
                assert sum(scored.parts(float(visual), int(row))) == pytest.approx(scores[row], abs=1e-6)
        before = scores
