"""Exported pages as an Arrow table, the rows of a Parquet file or a Lance dataset, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..engine.install import pyarrow
from .pages import ExportedPages

METADATA = "docsearch"
"""The key of a table's metadata under which the description of the export is, as JSON."""


def table(pages: ExportedPages, description: Mapping[str, object], thumbnails: list[bytes | None] | None = None) -> Any:
    """A row for each page: a pyarrow.Table, with the `description` of the export in its metadata.

    Columns are `id`, `doc_id`, `path`, `page`, `width`, `height` (points), `text`, `headings`, `ocr_engine` and, where
    they were exported, `vectors` (a list of vectors of float16) or `codes`, `scales` and the codec in the metadata;
    `boxes`, `words`, `single` and `thumbnail` (JPEG).
    """
    pa, _ = pyarrow()
    columns = {
        "id": pa.array(pages.ids, pa.string()),
        "doc_id": pa.array([ref.doc_id for ref in pages.refs], pa.string()),
        "path": pa.array([ref.path for ref in pages.refs], pa.string()),
        "page": pa.array([ref.page for ref in pages.refs], pa.int32()),
        "width": pa.array(pages.sizes[:, 0]),
        "height": pa.array(pages.sizes[:, 1]),
        "text": pa.array(pages.texts, pa.string()),
        "headings": pa.array(pages.headings, pa.string()),
        "ocr_engine": pa.array(pages.ocr_engines, pa.string()),
    }
    if pages.offsets is not None:
        offsets = pa.array(pages.offsets.astype(np.int32))

        def of_pages(values: np.ndarray) -> Any:
            return pa.ListArray.from_arrays(offsets, rows_of(values))

        if pages.vectors is not None:
            columns["vectors"] = of_pages(pages.vectors.values)
        if pages.coded is not None:
            columns["codes"] = of_pages(pages.coded.values)
            if pages.coded.scales is not None:
                columns["scales"] = of_pages(pages.coded.scales)
        if pages.boxes is not None:
            columns["boxes"] = of_pages(pages.boxes)
        if pages.words is not None:
            columns["words"] = of_pages(pages.words)
        if pages.single is not None and pages.single.shape[1]:
            columns["single"] = rows_of(pages.single)
    if thumbnails is not None:
        columns["thumbnail"] = pa.array(thumbnails, pa.binary())
    made = pa.table(columns)
    return made.replace_schema_metadata({METADATA: json.dumps(description)})


def rows_of(values: np.ndarray) -> Any:
    """An array (T,) or (T, D) as Arrow numbers, or lists of D numbers, without a copy."""
    pa, _ = pyarrow()
    flat = pa.array(np.ascontiguousarray(values).reshape(-1))
    return flat if values.ndim == 1 else pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
