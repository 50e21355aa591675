"""An export into a Qdrant collection: a point for each page, with its patch vectors as a multi-vector under MaxSim.

Points have a name in Qdrant that follows from the page's id, so that a second export replaces them; those that are
there already, of the same content and model, are skipped, so that a killed export goes on where it was.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.errors import UsageError
from ..engine.install import needs
from ..engine.records import I64
from ..engine.store import Snapshot
from . import pages
from .folder import Exported
from .pages import ExportedPages

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

PATCHES, SINGLE = "patches", "single"
"""Names of a point's vectors."""
NUMBERS_MAX = 1_048_576
"""Numbers that Qdrant takes in one point's multi-vector."""
UPLOAD_PAGES = 16
"""Pages of a request: as JSON, their vectors stay below the 32 MB that a server accepts by default."""
NAMESPACE = uuid.UUID("7b0c1d61-66c9-4f0e-9f6e-4d6f63736561")


def connect(address: str) -> QdrantClient:
    """A client of the server at a URL; or, of another address, one that keeps the collection in that folder.

    Raises UsageError where the package is not installed or the server does not answer.
    """
    try:
        from qdrant_client import QdrantClient
    except ImportError as err:
        raise UsageError(needs("an export into Qdrant needs qdrant-client", "qdrant")) from err
    if not address.startswith(("http://", "https://")):
        return QdrantClient(path=address)
    client = QdrantClient(url=address, check_compatibility=False)
    try:
        client.get_collections()
    except Exception as err:
        raise UsageError(f"{address}: no Qdrant server answers there: {err}") from err
    return client


def export(
    snapshot: Snapshot,
    client: QdrantClient,
    collection: str,
    *,
    path: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Exported:
    """Write the pages of documents that match the glob `path`, or all, to `collection`, which is made if need be.

    A point's payload has the page's `id`, `doc_id`, `path`, `page`, `text`, `ocr_engine` (what read the text by OCR, ""
    for a text layer), and `content`, by which an unchanged page is known. Raises UsageError for a page with more
    numbers than a point takes, and for a collection with other vectors.
    """
    parts = pages.parts(snapshot, path)
    _check_sizes(snapshot, parts)
    facts = snapshot.info()
    dim, dense = int(str(facts["dim"])), snapshot.dense_dim
    _make_collection(client, collection, dim, dense)
    digests = {row.id: row.sha256 for row in snapshot.documents().values()}
    model = ",".join(f"{name}={value}" for name, value in sorted(snapshot.fingerprint.items()))
    total, done, before, numbers = sum(map(len, parts)), 0, 0, 0
    for rows in parts:
        for first in range(0, len(rows), UPLOAD_PAGES):
            some = rows[first : first + UPLOAD_PAGES]
            engines = snapshot.ocr_engines(some.tolist())
            names = {
                _point(ref): " ".join(filter(None, (digests[ref.doc_id], model, engine)))
                for ref, engine in zip(snapshot.refs(some), engines, strict=True)
            }
            known = {
                str(point.id)
                for point in client.retrieve(collection, list(names), with_payload=["content"])
                if (point.payload or {}).get("content") == names[str(point.id)]
            }
            missing = some[[name not in known for name in names]]
            if len(missing):
                read = pages.read(snapshot, missing, "float16")
                client.upsert(collection, _points(read, names, dense), wait=True)
                numbers += int(snapshot.lengths[missing].sum()) * dim + len(missing) * dense
            done, before = done + len(some), before + len(some) - len(missing)
            if on_progress is not None:
                on_progress(done, total)
    return Exported(total, numbers * 4, before)


def _check_sizes(snapshot: Snapshot, parts: list[I64]) -> None:
    dim = int(str(snapshot.info()["dim"]))
    for rows in parts:
        numbers = snapshot.lengths[rows] * dim
        if len(numbers) and numbers.max() > NUMBERS_MAX:
            (ref,) = snapshot.refs(rows[[int(numbers.argmax())]])
            raise UsageError(
                f"{ref.path}, page {ref.page}: has {int(numbers.max()):,} numbers, and a point of Qdrant takes "
                f"{NUMBERS_MAX:,}; index with --pool 2, or export to Parquet"
            )


def _make_collection(client: QdrantClient, collection: str, dim: int, dense: int) -> None:
    from qdrant_client import models

    wanted = {
        PATCHES: models.VectorParams(
            size=dim,
            distance=models.Distance.DOT,
            datatype=models.Datatype.FLOAT16,
            multivector_config=models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM),
            hnsw_config=models.HnswConfigDiff(m=0),  # a graph over multi-vectors: each comparison is a whole MaxSim
        )
    }
    if dense:
        wanted[SINGLE] = models.VectorParams(size=dense, distance=models.Distance.DOT)
    if not client.collection_exists(collection):
        client.create_collection(collection, vectors_config=wanted)
        return
    found = client.get_collection(collection).config.params.vectors
    sizes = {name: params.size for name, params in found.items()} if isinstance(found, dict) else found
    if sizes != {name: params.size for name, params in wanted.items()}:
        raise UsageError(
            f"the collection {collection} is there with other vectors ({sizes}); choose another --collection"
        )


def _point(ref: Any) -> str:
    return str(uuid.uuid5(NAMESPACE, f"{ref.doc_id}-{ref.page}"))


def _points(read: ExportedPages, contents: dict[str, str], dense: int) -> list[Any]:
    from qdrant_client import models

    assert read.vectors is not None
    assert read.single is not None
    made = []
    for i, ref in enumerate(read.refs):
        vectors: dict[str, Any] = {PATCHES: read.vectors[i].astype(np.float32).tolist()}
        if dense:
            vectors[SINGLE] = read.single[i].astype(np.float32).tolist()
        payload = {
            "id": read.ids[i],
            "doc_id": ref.doc_id,
            "path": ref.path,
            "page": ref.page,
            "text": read.texts[i],
            "ocr_engine": read.ocr_engines[i],
            "content": contents[_point(ref)],
        }
        made.append(models.PointStruct(id=_point(ref), vector=vectors, payload=payload))
    return made
