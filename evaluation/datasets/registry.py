"""The benchmarks that `docsearch eval --dataset` knows by name, and `load`, which reads any of them, or a folder."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...engine.errors import UsageError
from . import beir_folder, beir_tables, hub, mmdocir, mmlongbench, qa_rows
from .card import PREFERRED_SPLIT, find_tables
from .collection import Collection, Subset

OTHER_MAIN = "ndcg@10"
MAIN_METRICS = (
    (re.compile(r"vidore[_-]?v?3", re.IGNORECASE), "ndcg@10"),
    (re.compile(r"mmdocir", re.IGNORECASE), "recall@5"),
    (re.compile(r"vidore|_v2\b|_(beir|test_subsampled|test)$|jina|mmlongbench", re.IGNORECASE), "ndcg@5"),
)
"""What a family of benchmarks reports first, by the name of the repository."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark by its `name` here: the repository on the Hugging Face hub, and the metric that the field reports."""

    name: str
    repository: str
    main: str


def _named(prefix: str, repositories: Sequence[tuple[str, str]], main: str) -> tuple[Benchmark, ...]:
    return tuple(Benchmark(f"{prefix}_{short}", repository, main) for short, repository in repositories)


VIDORE_V1 = _named(
    "vidore_v1",
    [
        ("arxivqa", "vidore/arxivqa_test_subsampled_beir"),
        ("docvqa", "vidore/docvqa_test_subsampled_beir"),
        ("infovqa", "vidore/infovqa_test_subsampled_beir"),
        ("tabfquad", "vidore/tabfquad_test_subsampled_beir"),
        ("tatdqa", "vidore/tatdqa_test_beir"),
        ("shiftproject", "vidore/shiftproject_test_beir"),
        ("ai", "vidore/syntheticDocQA_artificial_intelligence_test_beir"),
        ("energy", "vidore/syntheticDocQA_energy_test_beir"),
        ("government", "vidore/syntheticDocQA_government_reports_test_beir"),
        ("healthcare", "vidore/syntheticDocQA_healthcare_industry_test_beir"),
    ],
    "ndcg@5",
)
VIDORE_V2 = _named(
    "vidore_v2",
    [
        ("esg", "vidore/esg_reports_v2"),
        ("economics", "vidore/economics_reports_v2"),
        ("biomedical", "vidore/biomedical_lectures_v2"),
        ("esg_human", "vidore/esg_reports_human_labeled_v2"),
    ],
    "ndcg@5",
)
V3_DOMAINS = (
    "hr",
    "finance_en",
    "finance_fr",
    "industrial",
    "pharmaceuticals",
    "computer_science",
    "energy",
    "physics",
)
VIDORE_V3 = _named("vidore_v3", [(domain, f"vidore/vidore_v3_{domain}") for domain in V3_DOMAINS], "ndcg@10")
JINA_SETS = (
    "medical-prescriptions", "stanford_slide", "donut_vqa", "table-vqa", "ChartQA", "tqa", "openai-news",
    "owid_charts_en", "mpmqa_small", "jina_2024_yearly_book", "wikimedia-commons-maps", "plotqa", "MMTab", "CharXiv-en",
    "student-enrollment", "docqa_healthcare_industry", "docqa_artificial_intelligence", "docqa_gov_report",
    "docqa_energy", "shiftproject", "tatqa", "infovqa", "docvqa", "tabfquad", "arxivqa", "europeana-de-news",
    "europeana-es-news", "europeana-fr-news", "europeana-it-scans", "europeana-nl-legal", "hindi-gov-vqa",
    "automobile_catalogue_jp", "beverages_catalogue_ru", "ramen_benchmark_jp", "jdocqa", "hungarian_doc_qa",
    "arabic_chartqa_ar", "arabic_infographicsvqa_ar", "shanghai_master_plan", "github-readme-retrieval-multilingual",
    "tweet-stock-synthetic-retrieval", "airbnb-synthetic-retrieval", "wikimedia-commons-documents-ml",
)  # fmt: skip
JINA_VDR = _named("jina_vdr", [(each.lower().replace("-", "_"), f"jinaai/{each}_beir") for each in JINA_SETS], "ndcg@5")
OTHERS = (
    # The paper's protocol asks inside a question's document; mteb's over all documents of a domain.
    Benchmark("mmdocir", "MMDocIR/MMDocIR_Evaluation_Dataset", "recall@5"),
    Benchmark("mmdocir_domains", "mteb/MMDocIRT2ITRetrieval", "recall@5"),
    Benchmark("mmlongbench_doc", "yubo2333/MMLongBench-Doc", "ndcg@5"),
    Benchmark("mmlongbench_pages", "VLM2Vec/MMLongBench-doc", "ndcg@5"),
)
BENCHMARKS = {each.name: each for each in (*VIDORE_V1, *VIDORE_V2, *VIDORE_V3, *JINA_VDR, *OTHERS)}


def load(
    source: str, *, languages: Sequence[str] = (), split: str = PREFERRED_SPLIT, with_text: bool = False
) -> Collection:
    """Read a benchmark: a folder, a name of BENCHMARKS, or a repository "owner/name" of the Hugging Face hub.

    `languages` keeps the queries in these. Pages have a text only `with_text`. Raises UsageError, with what to do,
    where there is no such benchmark, it cannot be downloaded, or its files are not what its readers expect.
    """
    folder = Path(source)
    if folder.is_dir():
        collection = Collection(_folder_name(folder), (), _main(_folder_name(folder)))
    elif source in BENCHMARKS:
        known = BENCHMARKS[source]
        collection = Collection(known.name, (), known.main)
        folder = hub.download(known.repository)
    elif hub.is_repository(source) and not folder.exists():
        collection = Collection(source, (), _main(source))
        folder = hub.download(source)
    else:
        close = difflib.get_close_matches(source, BENCHMARKS, n=3)
        meant = f"; did you mean {' or '.join(close)}?" if close else "."
        raise UsageError(
            f"{source}: neither a folder nor a benchmark{meant} Benchmarks are called vidore_v3_hr, vidore_v2_esg, "
            f"vidore_v1_docvqa, jina_vdr_jdocqa, mmdocir and the like: docs/evaluation.md lists all {len(BENCHMARKS)}"
        )
    subsets = read_folder(folder, split=split, with_text=with_text)
    whole = replace(collection, subsets=subsets)
    return replace(whole, all_languages=whole.languages).in_languages(languages)


def read_folder(folder: Path, *, split: str = PREFERRED_SPLIT, with_text: bool = False) -> tuple[Subset, ...]:
    """The subsets of a benchmark in a local folder, in whichever of the known layouts it is. Raises UsageError."""
    if mmdocir.is_mmdocir(folder):
        return mmdocir.read(folder, with_text=with_text)
    if beir_folder.is_beir_folder(folder):
        return beir_folder.read(folder, split=split, with_text=with_text)
    tables = find_tables(folder)
    if beir_tables.is_beir(tables):
        return beir_tables.read(folder, tables, split=split, with_text=with_text)
    if mmlongbench.is_mmlongbench(folder, tables):
        return mmlongbench.read(folder, tables)
    if qa_rows.is_question_rows(tables):
        return qa_rows.read(folder, tables, split=split, with_text=with_text)
    found = f"it has the tables {', '.join(sorted(tables))}" if tables else "it has no .parquet file"
    raise UsageError(
        f"{folder}: no benchmark in a known layout: {found}. Expected are the tables corpus, queries and qrels "
        "(corpus/test-00000-of-00001.parquet, …), a BEIR folder, MMDocIR, MMLongBench-Doc, or rows of questions with "
        "pictures"
    )


def _main(name: str) -> str:
    return next((main for pattern, main in MAIN_METRICS if pattern.search(name)), OTHER_MAIN)


def _folder_name(folder: Path) -> str:
    """The name of a dataset's folder; of a snapshot in the hub's cache, that of the repository."""
    parts = folder.resolve().parts
    cached = next((part for part in reversed(parts) if part.startswith("datasets--")), None)
    return cached.removeprefix("datasets--").replace("--", "/", 1) if cached else folder.resolve().name
