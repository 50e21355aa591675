"""Size, quality and speed of each codec: eval-dev's questions on one index, stored in each codec."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from docsearch.evaluation.metrics import mean, ndcg, overlap

from .. import eval_dev, indexes
from ..setting import Row, Setting
from ..timing import summary_ms, timed

TOP = 10
TIMED_QUERIES = 20
RUNS = 3


def run(setting: Setting) -> Iterator[Row]:
    """Index in float16, then convert a copy to each codec by compaction and score every page for every question."""
    from docsearch.engine.compression.codecs import CODECS, vector_bytes
    from docsearch.engine.searcher import open_searcher
    from docsearch.engine.store import open_writer

    asked = eval_dev.questions(setting)
    exact = indexes.ready(setting, f"{eval_dev.NAME}-float16", [eval_dev.documents(setting)], ("--codec", "float16"))
    wanted: list[list[object]] = []
    whole: dict[str, float] = {}
    for codec in sorted(CODECS, key=lambda name: -vector_bytes(name, 128)):
        with tempfile.TemporaryDirectory(dir=setting.cache) as folder:
            directory = shutil.copytree(exact, Path(folder) / "index")
            with open_searcher(directory) as searcher:
                codebook = searcher.codebook
            with open_writer(directory, fingerprint=None) as writer:
                writer.compact(codec, codebook)
            with open_searcher(directory) as searcher:
                found = [
                    hits
                    for _, hits in searcher.search_many(
                        [question.as_query() for question in asked], k=TOP, exact=True, mode="visual"
                    )
                ]
                texts = [question.text for question in asked if question.scope == "corpus"][:TIMED_QUERIES]
                seconds = [
                    timed(lambda t=text: searcher.search(t, exact=True, mode="visual"))
                    for _ in range(RUNS)
                    for text in texts
                ]
                facts, dim = searcher.snapshot.info(), int(str(searcher.snapshot.info()["dim"]))
        refs: list[list[object]] = [[hit.ref for hit in hits] for hits in found]
        wanted = wanted or refs
        row: Row = {"what": codec, "vector_bytes": vector_bytes(codec, dim)}
        row["of_float16"] = round(vector_bytes(codec, dim) / vector_bytes("float16", dim), 4)
        row["bytes_a_page"] = int(float(str(facts["bytes_per_page"])))
        for scope in ("corpus", "document"):
            chosen = [i for i, question in enumerate(asked) if question.scope == scope]
            gains = mean([ndcg(eval_dev.pages(found[i]), asked[i].relevant, 5) for i in chosen])
            whole.setdefault(scope, gains)
            row[f"ndcg@5_{scope}"] = round(gains, 4)
            row[f"loss_{scope}"] = round(1 - gains / whole[scope], 4)
        row["recall_of_top10"] = round(mean([overlap(own, want) for own, want in zip(refs, wanted, strict=True)]), 4)
        yield {**row, **summary_ms(seconds), "pages": int(str(facts["pages"])), "queries": len(asked)}
