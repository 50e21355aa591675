"""Writes the stored indexes of one format: `python tests/engine/store/make_stored_index.py FOLDER`.

Run twice when a format is introduced, by the code that introduces it: as it is, on a processor whose kernels compile,
then with DOCSEARCH_COMPILE=0 for the answers of the numpy kernels, which do not round the query to 16 bits. The result
is committed and never made again. test_stored_indexes.py opens every format that was ever released and expects the
same hits and scores.

One index per codec, with visual words, and one with a dense vector per page instead. Each has two commits, a document
that was removed, one that failed, a page that failed, and a text layer. The questions are stored as vectors, so
that no model is needed to ask them.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from docsearch.engine.compression.codecs import CODECS
from docsearch.engine.compression.visual_words import VisualWords
from docsearch.engine.models.encoder import EncoderSpec
from docsearch.engine.records import PageRef, PagesToStore, PageVectors, Ragged
from docsearch.engine.store import open_writer

WORDS, DIM, WIDTH = 48, 32, 64
PAGES_PER_DOCUMENT, WORDS_PER_PAGE = 5, 14
DENSE = "dense"
DOCUMENTS = ("annual report.pdf", "contracts/lease.pdf", "contracts/sale.pdf", "notes.pdf", "removed.pdf")
LATER = ("später/ergänzt.pdf",)
SPECS = {
    "words": EncoderSpec("stored", "1", "words as directions", "Apache-2.0", 0, DIM, WIDTH, WORDS, 100.0, 10_000),
    DENSE: EncoderSpec("stored-dense", "1", "one vector a page", "Apache-2.0", 0, DIM, DIM, 0, 100.0, 10_000),
}


def main(folder: Path) -> None:
    """Write the indexes and the questions where there are none, and what each index answers with these kernels."""
    from test_stored_indexes import answers, kernels_at_hand, questions_of

    if not folder.exists():
        folder.mkdir(parents=True)
        (folder / "questions.json").write_text(lines(question(i) for i in range(10)), "utf-8")
        for name in (*CODECS, DENSE):
            write(folder / name, name)
            (folder / name / "writer.lock").unlink()
    expected = {}
    for name in (*CODECS, DENSE):
        with TemporaryDirectory() as scratch:  # searching leaves derived files
            copy = shutil.copytree(folder / name, Path(scratch) / name)
            expected[name] = answers(copy, questions_of(folder))
    text = json.dumps(expected, ensure_ascii=False) + "\n"
    (folder / f"answers_{kernels_at_hand()}.json").write_text(text, "utf-8")


def lines(rows: Iterable[object]) -> str:
    """A JSON list with a row per line."""
    return "[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n"


def directions() -> np.ndarray:
    """A unit vector a word, (WORDS, DIM) float32."""
    vectors = np.random.default_rng(20261129).standard_normal((WORDS, DIM)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def write(directory: Path, name: str) -> None:
    """An index of DOCUMENTS, then one less and one more in a second commit."""
    codec, spec = ("int8", SPECS[DENSE]) if name == DENSE else (name, SPECS["words"])
    code, rng = VisualWords(directions(), WIDTH), np.random.default_rng(7)
    codebook = code.codebook if spec.vocabulary else None
    for paths, removed in ((DOCUMENTS, []), (LATER, ["removed.pdf"])):
        with open_writer(directory, fingerprint=spec.fingerprint, codec=codec, codebook=codebook) as writer:
            for path in paths:
                begun = writer.begin_document(path, f"content of {path}", 1000, 1, PAGES_PER_DOCUMENT + 1)
                pages = [rng.choice(WORDS, WORDS_PER_PAGE, replace=False) for _ in range(PAGES_PER_DOCUMENT)]
                noisy = [directions()[page] + 0.05 * rng.standard_normal((len(page), DIM)) for page in pages]
                noisy = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in noisy]
                vectors = Ragged.of([each.astype(np.float16) for each in noisy])
                words = Ragged(code.assign(vectors.values.astype(np.float32)), vectors.offsets)
                dense = np.stack([each.mean(axis=0) for each in noisy]).astype(np.float16)
                refs = tuple(PageRef(begun.doc_id, path, i + 1) for i in range(PAGES_PER_DOCUMENT))
                single = code.page_vectors(words) if spec.vocabulary else dense
                embedded = PageVectors(
                    refs, vectors, np.concatenate([line_of_boxes(len(page)) for page in pages]), single
                )
                texts = [" ".join(f"word{number}" for number in page) for page in pages]
                sizes = np.tile([595.0, 842.0], (len(pages), 1))
                writer.add_pages(PagesToStore(embedded, texts, sizes, words.values if spec.vocabulary else None))
                writer.fail_page(begun.doc_id, PAGES_PER_DOCUMENT + 1, "the page took longer than 30 s")
                writer.finish_document(begun.doc_id, PAGES_PER_DOCUMENT + 1)
            writer.fail_document("locked.pdf", "needs a password")
            writer.remove(removed)


def line_of_boxes(words: int) -> np.ndarray:
    """Words on one line: the next one and the one after it are near, further ones are not."""
    left = 1000 * np.arange(words)
    return np.stack([left, np.full(words, 500), left + 900, np.full(words, 800)], axis=1).astype(np.uint16)


def question(number: int) -> dict[str, object]:
    """Question `number`: words of one to nine tokens, every second with pairs, every third with expansion terms; the
    last two are contextual, as a language model's are.
    """
    rng = np.random.default_rng(100 + number)
    tokens = rng.choice(WORDS, number % 9 + 1, replace=False)
    weights = rng.dirichlet(np.full(len(tokens), 3.0)).astype(np.float32)
    vectors, contextual = directions()[tokens], number >= 8
    out: dict[str, object] = {
        "tokens": [f"word{token}" for token in tokens.tolist()],
        "vectors": vectors.tolist(),
        "weights": (np.full(len(tokens), 1 / len(tokens), np.float32) if contextual else weights).tolist(),
        "single": VisualWords(directions(), WIDTH).query_vector(vectors, weights).tolist(),
        "dense": vectors.mean(axis=0).tolist(),
        "floor": 0.0 if contextual else 0.45,
        "ceiling": 1.0 if contextual else 0.9,
        "contextual": contextual,
        "pairs": [] if contextual or number % 2 == 0 else [*pairwise(range(len(tokens)))],
        "expansion": None,
    }
    if number % 3 == 2 and not contextual:
        more = rng.choice(WORDS, 2, replace=False)
        out["expansion"] = {
            "vectors": directions()[more].tolist(),
            "tokens": [0, len(tokens) - 1],
            "shares": [0.8, 0.6],
        }
    return out


if __name__ == "__main__":
    main(Path(sys.argv[1]))
