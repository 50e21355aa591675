"""Prints hits: as a table, as JSON, as CSV, or as the paths of their files.

Hits are mappings as `Hit.as_dict` makes them, with the details of `HitDetails.as_dict` where they were asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engine.details import line_place
from ..engine.printable import also_at, printable
from .output import print_json

if TYPE_CHECKING:
    from rich.text import Text

Hits = Sequence[Mapping[str, Any]]
Locate = Callable[[Mapping[str, Any]], Path | None]
"""Finds the file of a hit's document; None where it is gone."""
PAGES_PER_DOCUMENT = 10
"""Hits that are asked for, for each document that is shown, where hits are put together by document."""
HITS_MAX = 1000
CSV_COLUMNS = (
    "rank",
    "score",
    "path",
    "page",
    "lines",
    "label",
    "title",
    "modified",
    "doc_id",
    "also",
    "index",
    "pages",
    "snippet",
    "ocr_engine",
)
OPTIONAL_COLUMNS = ("lines", "index", "pages", "snippet", "ocr_engine")
"""Columns that are left out where no hit has them."""
MATCH_STYLE = "bold yellow"
SEEN = "in the picture: "
"""Before the words that the model sees on a page without a text layer."""


def print_hits(hits: Hits, about: Mapping[str, Any], *, output: str, locate: Locate, links: bool = False) -> None:
    """Print hits in the format `output`, with what is known `about` the answer where it is JSON.

    A table has columns separated by tabs where stdout is no terminal. In a terminal that knows them, names of files are
    `links` to the files.
    """
    if output == "json":
        for hit in hits:
            print_json({**hit, **about})
    elif output == "csv":
        _print_csv(hits)
    elif output == "paths":
        for path in dict.fromkeys(str(locate(hit) or hit["path"]) for hit in hits):
            print(printable(path))
    elif hits and sys.stdout.isatty():
        _print_table(hits, locate if links else lambda _: None)
        for hit in (each for each in hits if "explanation" in each):
            _print_explanation(hit, about)
    elif hits:
        _print_columns(hits)
        if "explanation" in hits[0]:
            _print_explanation_columns(hits)


def hits_wanted(count: int) -> int:
    """How many hits to ask for, to show `count` documents."""
    return max(count, min(PAGES_PER_DOCUMENT * count, HITS_MAX))


def by_document(hits: Hits, count: int) -> list[dict[str, Any]]:
    """The first `count` documents of some hits: the best hit of each, with all its "pages" among them, best first."""
    found: dict[tuple[str | None, str], dict[str, Any]] = {}
    for hit in hits:
        its = found.setdefault((hit.get("index"), hit["doc_id"]), {**hit, "rank": len(found) + 1, "pages": []})
        its["pages"].append({"page": hit["page"], "score": hit["score"]})
    return list(found.values())[:count]


def _print_columns(hits: Hits) -> None:
    """Print columns separated by tabs; that of copies, and that of snippets, only where there are some."""
    has_copies, has_snippets = any(hit["also"] for hit in hits), any("snippet" in hit for hit in hits)
    has_indexes = any("index" in hit for hit in hits)
    print("rank\tscore\tfile\tpage" + "\tindex" * has_indexes + "\tcopies" * has_copies + "\tsnippet" * has_snippets)
    for hit in hits:
        also = f"\t{printable(hit['index'])}" if has_indexes else ""
        also += f"\t{also_at(hit['also'])}" if has_copies else ""
        passage = f"\t{printable(plain_snippet(hit))}" if has_snippets else ""
        print(f"{hit['rank']}\t{hit['score']:.3f}\t{_file(hit)}\t{_pages(hit)}{also}{passage}")


PARTS = {
    "from_picture": "picture",
    "from_text": "text",
    "from_document": "document",
    "prior": "page",
    "from_passages": "meaning",
    "from_kinds": "kinds of figures",
}
"""The parts of a score, with their names in the tables."""
WORD_COLUMNS = ("word", "weight", "picture", "first page", "text weight", "text", "times")


def _word_row(word: Mapping[str, Any]) -> list[str]:
    numbers = (word[name] for name in ("weight", "picture", "first_page", "text_weight", "text"))
    name = printable(word["word"]) + (" (implied)" if word["is_implied"] else "")
    return [name, *(f"{number:.2f}" for number in numbers), str(word["times"])]


def _print_explanation(hit: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    """Print what the score of a hit is made of, and a table of its words."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    its = hit["explanation"]
    parts = " + ".join(f"{its[part]:.3f} {name}" for part, name in PARTS.items() if its[part])
    sure = about.get("confidence") if hit["rank"] == 1 else None
    confidence = "" if sure is None else f"; confidence {sure:.2f}"
    table = Table(box=box.SIMPLE_HEAD)
    for name in WORD_COLUMNS:
        table.add_column(name, justify="left" if name == "word" else "right")
    for word in its["words"]:
        table.add_row(*_word_row(word))
    console = Console()
    console.print(
        f"{hit['rank']}  {hit_place(hit)}: {its['score']:.3f} = {parts or '0'}{confidence}",
        markup=False,
        highlight=False,
    )
    console.print(
        f"   by the picture alone {its['picture']:.3f}, {its['pairs']:.3f} of it for neighbouring words side by side",
        style="dim",
    )
    console.print(table)


def _print_explanation_columns(hits: Hits) -> None:
    print("\t".join(("rank", "score", *PARTS.values())))
    for hit in hits:
        its = hit["explanation"]
        print("\t".join([str(hit["rank"]), f"{its['score']:.4f}", *(f"{its[part]:.4f}" for part in PARTS)]))
    print("\t".join(("rank", *WORD_COLUMNS)))
    for hit in hits:
        for word in hit["explanation"]["words"]:
            print("\t".join([str(hit["rank"]), *_word_row(word)]))


def _print_csv(hits: Hits) -> None:
    import csv

    from .answer_formats import spreadsheet_cell

    columns = [name for name in CSV_COLUMNS if name not in OPTIONAL_COLUMNS or any(name in hit for hit in hits)]
    writer = csv.DictWriter(sys.stdout, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for hit in hits:
        row = {**hit, "path": printable(hit["path"]), "also": " ".join(map(printable, hit["also"]))}
        if "lines" in hit:
            row["lines"] = "-".join(map(str, hit["lines"]))
        row |= {"snippet": plain_snippet(hit), "pages": " ".join(str(each["page"]) for each in hit.get("pages", ()))}
        writer.writerow({name: spreadsheet_cell(row.get(name, "")) for name in columns})


def plain_snippet(hit: Mapping[str, Any]) -> str:
    """The snippet of a hit as text, or the words that were recognised in its place."""
    if hit.get("snippet") is not None:
        return str(hit["snippet"]["text"])
    words = ", ".join(each["word"] for each in hit.get("recognised", ()))
    return f"{SEEN}{words}" if words else ""


def _print_table(hits: Hits, locate: Locate) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("rank", justify="right")
    table.add_column("score", justify="right")
    table.add_column("file", overflow="fold")
    table.add_column("page", justify="right")
    for hit in hits:
        table.add_row(str(hit["rank"]), f"{hit['score']:.3f}", _file_cell(hit, locate), _pages(hit))
    Console().print(table)


def _file_cell(hit: Mapping[str, Any], locate: Locate) -> Text:
    """The name of a hit's document, where else it is, its title and date, and the passage that matches."""
    from rich.text import Text

    file = Text()
    found = locate(hit)
    file.append(_file(hit), style=f"link {hit_url(found, hit)}" if found is not None else "")
    if "index" in hit:
        file.append(f"\nin {printable(hit['index'])}", style="dim")
    if hit["also"]:
        file.append(f"\n{also_at(hit['also'])}", style="dim")
    known = [printable(hit.get("title", "")), hit.get("modified", "")[:10]]
    if any(known):
        file.append("\n" + " · ".join(filter(None, known)), style="dim")
    if (passage := hit.get("snippet")) is not None:
        file.append("\n")
        at = 0
        for start, end in passage["spans"]:
            file.append(printable(passage["text"][at:start]))
            file.append(printable(passage["text"][start:end]), style=MATCH_STYLE)
            at = end
        file.append(printable(passage["text"][at:]))
    elif hit.get("recognised"):
        file.append(f"\n{SEEN}", style="dim")
        file.append(", ".join(printable(each["word"]) for each in hit["recognised"]), style=MATCH_STYLE)
    return file


def hit_place(hit: Mapping[str, Any]) -> str:
    """Where a hit is, for people: "report.pdf, page 3", or "main.py:120-160" in a text file."""
    return _file(hit) if "lines" in hit else f"{printable(hit['path'])}, page {hit['page']}"


def _file(hit: Mapping[str, Any]) -> str:
    """The path of a hit's document, with the lines of a text file unless there are several pages of it."""
    path = printable(hit["path"])
    return path if "lines" not in hit or len(hit.get("pages", ())) > 1 else line_place(path, hit["lines"])


def _pages(hit: Mapping[str, Any]) -> str:
    """The page of a hit, with the number that is printed on it; or the pages of a document."""
    if len(hit.get("pages", ())) > 1:
        return ", ".join(str(each["page"]) for each in hit["pages"])
    label = printable(hit.get("label", ""))
    return f"{hit['page']} ({label})" if label else str(hit["page"])


def hit_url(file: Path, hit: Mapping[str, Any]) -> str:
    """The URL of a hit's page in `file`, or of its first line, which terminals pass on to editors."""
    return page_url(file, hit["page"]) if "lines" not in hit else f"{file.absolute().as_uri()}#{hit['lines'][0]}"


def page_url(file: Path, page: int) -> str:
    """The URL of a page of a file, which viewers of PDFs in browsers open at that page."""
    return f"{file.absolute().as_uri()}#page={page}"
