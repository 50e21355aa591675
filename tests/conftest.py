"""Fixtures for every test: the corpora outside the repository, documents made on the spot, a small fake encoder.

Without a CUDA device, tests use Triton's interpreter, which has to be selected before any of them imports Triton.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

import hypothesis_profiles

hypothesis_profiles.load_profile()  # before a test module is imported: its own settings build on these

HAS_GPU = False
if importlib.util.find_spec("torch") is not None:
    import torch

    HAS_GPU = torch.cuda.is_available()
if not HAS_GPU:
    os.environ["TRITON_INTERPRET"] = "1"

# A shell has what it starts in the background ignore Ctrl-C, and so would every process that a test interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """Count skipped tests by reason, below pytest's own list: a skipped test does not count as passed."""
    yield
    reasons = Counter(_reason(report) for report in terminalreporter.getreports("skipped"))
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"skipped: {count}, {reason}")


def _reason(report: pytest.TestReport) -> str:
    where = report.longrepr
    return where[2].removeprefix("Skipped: ") if isinstance(where, tuple) else str(where)


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of real documents: $DOCSEARCH_CORPORA, or shared/corpora beside the repository; skips without it."""
    given = os.environ.get("DOCSEARCH_CORPORA")
    folder = Path(given) if given else REPOSITORY.parent / "shared/corpora"
    if not folder.is_dir():
        pytest.skip(f"needs the corpora: {folder} is not a folder; set DOCSEARCH_CORPORA")
    return folder


@pytest.fixture(scope="session")
def sample_docs() -> Path:
    """The documents that ship with the repository."""
    return REPOSITORY / "sample_docs"


@pytest.fixture(scope="session")
def sample_index(sample_docs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the sample documents, made once by `docsearch index`."""
    index = tmp_path_factory.mktemp("sample") / "index"
    command = [sys.executable, "-m", "docsearch", "index", str(sample_docs), "--index", str(index), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=3600)
    assert done.returncode == 0, done.stderr
    return index


@pytest.fixture(scope="session")
def documented_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the examples of the documentation name; `documented_folder.moved` makes a copy to change."""
    from documented_folder import prepare

    folder = tmp_path_factory.mktemp("documented") / "folder"
    prepare(folder)
    return folder


@pytest.fixture(scope="session")
def segmented_index(sample_docs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the sample documents in several segments, of 16 pages or so."""
    from docsearch.engine.store import buffer
    from docsearch.indexer.pipeline import index_documents

    index = tmp_path_factory.mktemp("segmented") / "index"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(buffer, "SEGMENT_PAGES", 8)
        index_documents([sample_docs], index, workers=1)
    return index


@pytest.fixture(scope="session")
def make_pdf() -> Callable[..., Path]:
    """`make_pdf(file, pages)` writes a PDF of as many pages as there are strings, each showing its string."""
    import pymupdf

    def make(file: Path, pages: list[str], *, password: str = "") -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        document = pymupdf.open()
        for text in pages:
            document.new_page(width=200, height=260).insert_text((20, 40), text, fontsize=14)
        if password:
            document.save(file, encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw=password, owner_pw=password)
        else:
            document.save(file)
        document.close()
        return file

    return make
