"""Readers of benchmarks, each on a folder in the published layout."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from PIL import Image

import published_layouts as layouts
from docsearch.evaluation.datasets import beir_tables, collection
from docsearch.evaluation.datasets.collection import Collection, Corpus, CorpusPage, Subset
from docsearch.evaluation.datasets.parquet import Table
from docsearch.evaluation.datasets.registry import load


def only(read: Collection) -> Subset:
    (subset,) = read.subsets
    return subset


def judgements(subset: Subset) -> dict[str, dict[str, int]]:
    return {query.query_id: dict(query.grades) for query in subset.queries}


def test_the_size_of_a_huge_picture_is_read_without_its_pixels() -> None:
    out = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(out, "PNG")
    corpus = Corpus(("a",), lambda: iter([CorpusPage("a", out.getvalue())]))
    assert collection.picture_sizes(corpus, {"a"}) == {"a": (12_000, 12_000)}


@pytest.mark.parametrize("plain_binary", [False, True])
@pytest.mark.parametrize("with_scores", [False, True])
def test_vidore_v1(tmp_path: Path, plain_binary: bool, with_scores: bool) -> None:
    read = load(
        str(
            layouts.vidore_v1(
                tmp_path / "docvqa_test_subsampled_beir", plain_binary=plain_binary, with_scores=with_scores
            )
        )
    )
    subset = only(read)
    assert read.main == "ndcg@5"
    assert subset.corpus.ids == ("0", "1", "2")
    pages = list(subset.corpus.read())
    assert [page.page_id for page in pages] == ["0", "1", "2"]
    assert pages[0].picture == pages[2].picture == layouts.picture("alpha")
    assert judgements(subset) == {"0": {"0": 1, "2": 1}, "1": {"1": 1}}
    assert subset.unjudged == 1


def test_rows_of_questions_are_pages_by_the_name_of_their_picture(tmp_path: Path) -> None:
    subset = only(load(str(layouts.vidore_v1_rows(tmp_path / "docvqa_test_subsampled"))))
    assert subset.corpus.ids == ("a.png", "g.png", "b.png")
    assert [page.page_id for page in subset.corpus.read()] == ["a.png", "g.png", "b.png"]
    assert {query.text: dict(query.grades) for query in subset.queries} == {
        "alpha": {"a.png": 1},
        "first letter": {"a.png": 1},
        "beta": {"b.png": 1},
    }


def test_languages_are_filtered_by_queries_and_the_pages_stay(tmp_path: Path) -> None:
    folder = str(layouts.vidore_v2(tmp_path / "esg_reports_v2"))
    assert load(folder).languages == ("english", "french")
    read = load(folder, languages=["fr"])
    assert judgements(only(read)) == {"1": {"0": 1}, "3": {"1": 1}}
    assert only(read).corpus.ids == ("0", "1")
    assert read.main == "ndcg@5"


def test_vidore_v3(tmp_path: Path) -> None:
    read = load(str(layouts.vidore_v3(tmp_path / "vidore_v3_hr")))
    subset = only(read)
    assert read.main == "ndcg@10"
    assert judgements(subset) == {"10": {"0": 2, "1": 1}, "11": {"0": 2}, "12": {"2": 1}}
    assert subset.unjudged == 1, "a query whose text is null"
    assert [query.columns for query in subset.queries] == [
        {"query_types": ("extractive",)},
        {"query_types": ("extractive",)},
        {"query_types": ("numerical", "boolean")},
    ]
    assert [page.text for page in subset.corpus.read()] == ["", "", ""]


def test_texts_are_read_only_when_asked(tmp_path: Path) -> None:
    subset = only(load(str(layouts.vidore_v3(tmp_path)), with_text=True))
    assert [page.text for page in subset.corpus.read()] == ["# alpha", "", ""]


def test_boxes_in_pixels_become_fractions_of_the_page(tmp_path: Path) -> None:
    read = load(str(layouts.vidore_v3(tmp_path)))
    found = collection.questions(read, read.subsets)
    assert found.box_unit == "fractions"
    boxes = {(one.query_id, each.path): each.boxes for one in found.items for each in one.judgements if each.boxes}
    assert boxes == {("10", "0"): ((0.1, 0.1, 0.5, 0.5),)}
    assert all(each.page == 1 for one in found.items for each in one.judgements)


def test_six_languages_with_the_same_pages_share_one_corpus(tmp_path: Path) -> None:
    read = load(str(layouts.mteb_upload(tmp_path / "Vidore3HrOCRRetrieval")))
    assert [subset.name for subset in read.subsets] == ["english", "german"]
    ((corpus, subsets),) = read.by_corpus()
    assert corpus.ids == ("corpus-test-0", "corpus-test-1")
    found = collection.questions(read, subsets)
    assert [question.query_id for question in found.items] == ["english/query-test-0", "german/query-test-0"]
    assert [question.columns["language"] for question in found.items] == [("english",), ("german",)]
    assert read.main == "ndcg@10"


def test_equal_ids_of_other_pages_are_another_corpus(tmp_path: Path) -> None:
    read = load(str(layouts.mteb_upload(tmp_path, other_pages=True)))
    assert len(read.by_corpus()) == 2


def test_jina_vdr_has_pages_for_each_language(tmp_path: Path) -> None:
    read = load(str(layouts.jina_vdr(tmp_path)))
    assert [(subset.name, subset.queries[0].language) for subset in read.subsets] == [
        ("en", "english"),
        ("jp", "japanese"),
    ]
    assert len(read.by_corpus()) == 2
    assert [subset.name for subset in load(str(tmp_path), languages=["ja"]).subsets] == ["jp"]


def test_domains_are_subsets_that_are_no_languages(tmp_path: Path) -> None:
    read = load(str(layouts.mteb_domains(tmp_path / "MMDocIRT2ITRetrieval")))
    assert read.main == "recall@5"
    assert [(subset.name, subset.queries[0].language) for subset in read.subsets] == [("laws", ""), ("news", "")]
    asked = [collection.questions(read, subsets).items[0] for _, subsets in read.by_corpus()]
    assert [(one.query_id, one.columns) for one in asked] == [
        ("laws/q1", {"subset": ("laws",)}),
        ("news/q1", {"subset": ("news",)}),
    ]


def test_pictures_in_a_table_of_their_own(tmp_path: Path) -> None:
    subset = only(load(str(layouts.miracl_vision(tmp_path)), with_text=True))
    assert [(page.page_id, page.picture, page.text) for page in subset.corpus.read()] == [
        ("b#0", layouts.picture("beta"), ""),
        ("a#0", layouts.picture("alpha"), "the first"),
    ]
    assert subset.corpus.ids == ("b#0", "a#0")
    assert (subset.name, subset.queries[0].language) == ("de", "german")


def test_the_card_says_where_the_tables_are(tmp_path: Path) -> None:
    subset = only(load(str(layouts.hugging_face_beir(tmp_path))))
    assert subset.corpus.ids == ("p 1",)
    assert judgements(subset) == {"q1": {"p 1": 1}}


def test_a_card_may_name_folders_instead_of_files(tmp_path: Path) -> None:
    folder = layouts.vidore_v1(tmp_path)
    (folder / "corpus").rename(folder / "first")
    (folder / "qrels").rename(folder / "second")
    configs = {"corpus": "first", "qrels": "second", "queries": "queries"}
    lines = "".join(f"- config_name: {name}\n  data_dir: {folder}\n" for name, folder in configs.items())
    (folder / "README.md").write_text(f"---\nconfigs:\n{lines}---\n")
    assert judgements(only(load(str(folder)))) == {"0": {"0": 1, "2": 1}, "1": {"1": 1}}


@pytest.mark.slow
def test_pictures_as_datasets_writes_them(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="needs datasets")
    (tmp_path / "corpus").mkdir()
    pages = {"corpus-id": [0, 1], "image": [{"bytes": layouts.picture(each)} for each in ("alpha", "beta")]}
    features = datasets.Features({"corpus-id": datasets.Value("int64"), "image": datasets.Image()})
    file = tmp_path / "corpus/test-00000-of-00001.parquet"
    datasets.Dataset.from_dict(pages, features=features).to_parquet(file)
    corpus = beir_tables.read_corpus(Table((file,)), with_text=False)
    assert [(page.page_id, page.picture) for page in corpus.read()] == [
        ("0", layouts.picture("alpha")),
        ("1", layouts.picture("beta")),
    ]


def test_beir_folder_with_pictures(tmp_path: Path) -> None:
    subset = only(load(str(layouts.beir_folder(tmp_path / "beir")), with_text=True))
    assert [(page.page_id, page.text) for page in subset.corpus.read()] == [("d1", "A\nalpha text"), ("d2", "")]
    assert judgements(subset) == {"q1": {"d1": 1, "d2": 0}}
    assert subset.queries[0].language == "english"
    assert subset.unjudged == 1


def test_mmdocir_is_asked_inside_its_documents(tmp_path: Path) -> None:
    read = load(str(layouts.mmdocir(tmp_path / "MMDocIR_Evaluation_Dataset")))
    subset = only(read)
    assert read.main == "recall@5"
    assert subset.corpus.ids == ("a.pdf/0", "a.pdf/1", "b.pdf/0")
    (query,) = subset.queries
    assert (query.within, query.grades, subset.unjudged) == ("a.pdf/*", {"a.pdf/1": 1}, 1)
    assert query.boxes == {"a.pdf/1": ((0.1, 0.1, 0.5, 0.5),)}
    assert query.columns == {"domain": ("News",), "kind": ("Text",)}


def test_mmlongbench_names_pages_of_files(tmp_path: Path) -> None:
    read = load(str(layouts.mmlongbench(tmp_path / "MMLongBench-Doc")))
    subset = only(read)
    assert subset.corpus.documents == tmp_path / "MMLongBench-Doc/documents"
    found = collection.questions(read, read.subsets)
    (question,) = found.items
    assert [(each.path, each.page) for each in question.judgements] == [("a.pdf", 2)]
    assert question.within == "a.pdf"
    assert question.columns["evidence_sources"] == ("Chart", "Table")
    assert found.unjudged == 1


def test_memory_is_that_of_a_row_group_whatever_the_size_of_the_corpus(tmp_path: Path) -> None:
    megabyte, rows, groups = 1 << 20, 4, 12
    schema = pa.schema([("id", pa.int64()), ("image", pa.binary())])
    with parquet.ParquetWriter(tmp_path / "test.parquet", schema) as writer:
        for group in range(groups):
            pictures = [os.urandom(megabyte) for _ in range(rows)]
            writer.write_table(pa.table([range(group * rows, (group + 1) * rows), pictures], schema=schema))
    usual = pa.default_memory_pool()
    counted = pa.proxy_memory_pool(usual)
    pa.set_memory_pool(counted)
    try:
        corpus = beir_tables.read_corpus(Table((tmp_path / "test.parquet",)), with_text=False)
        assert sum(len(page.picture) for page in corpus.read()) == groups * rows * megabyte
    finally:
        pa.set_memory_pool(usual)
    assert counted.max_memory() < 4 * rows * megabyte
