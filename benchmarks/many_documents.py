"""An index of very many documents of one small page each, with their files, written by the index's own writer.

A page has a few patches of the sample documents' pages, so it is searched like any other, and costs little to make.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np

PATCHES = 12
"""Patches of a page: 100,000 pages stay below the number that is searched exactly by default."""
FOLDER_DOCUMENTS = 100
SEED = 14
SIZE = (200, 260)
"""Width and height of a page in pixels."""


def name(number: int) -> str:
    """The path of a document below its folder."""
    return f"folder-{number // FOLDER_DOCUMENTS:05}/page-{number:07}.png"


def write(directory: Path, folder: Path, source: Path, *, documents: int) -> None:
    """Write so many documents into `folder`, and their index into `directory`; neither exists.

    Their patches are those of the index in `source`.
    """
    _write_files(folder, documents)
    _write_index(directory, folder, source, documents)


def _write_files(folder: Path, documents: int) -> None:
    """Write as many equal pictures, as documents of one page, into sub-folders of `folder`."""
    from PIL import Image

    picture = io.BytesIO()
    Image.new("L", SIZE, 255).save(picture, "PNG")
    for number in range(documents):
        file = folder / name(number)
        if number % FOLDER_DOCUMENTS == 0:
            file.parent.mkdir(parents=True)
        file.write_bytes(picture.getvalue())


def _write_index(directory: Path, folder: Path, source: Path, documents: int) -> None:
    """Create an index of the files in `folder` from the patches of the index in `source`.

    Their sizes and times are recorded as the indexer does, so that it takes them for unchanged. Each counts as a file
    of its own content.
    """
    from docsearch.engine.compression.codecs import decode
    from docsearch.engine.models.pixel.text import load_visual_words
    from docsearch.engine.records import PageRef, PagesToStore, PageVectors, Ragged
    from docsearch.engine.store import open_snapshot, open_writer
    from docsearch.engine.store.columns import HAS_TEXT, KIND
    from docsearch.indexer import source_folders

    visual_words, generator = load_visual_words(), np.random.default_rng(SEED)
    with open_snapshot(source) as snapshot:
        words = snapshot.words().values
        boxes = np.concatenate([snapshot.boxes(row) for row in range(len(snapshot))])
        vectors = np.concatenate([decode(block.coded).astype(np.float16) for block in snapshot.blocks()])
        fingerprint = snapshot.fingerprint
    with open_writer(directory, fingerprint=fingerprint) as writer:
        for number in range(documents):
            path = name(number)
            status = (folder / path).stat()
            sha256 = hashlib.sha256(path.encode()).hexdigest()
            doc_id = writer.begin_document(path, sha256, status.st_size, status.st_mtime_ns, 1).doc_id
            patches = generator.integers(0, len(vectors), PATCHES)
            ragged = Ragged.of([vectors[patches]])
            single = visual_words.page_vectors(Ragged(words[patches], ragged.offsets))
            page = PageVectors((PageRef(doc_id, path, 1),), ragged, boxes[patches], single)
            writer.add_pages(PagesToStore(page, [""], np.array([SIZE], np.float64), words[patches]))
            writer.record_properties(doc_id, {KIND: "png", HAS_TEXT: False})
            writer.finish_document(doc_id, 1)
    source_folders.record(directory, [folder.resolve()])
