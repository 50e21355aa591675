"""An index as one object: documents are added, removed and updated, and each search sees the last change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Concatenate, ParamSpec, TypeVar

from ..engine.errors import IndexNotFound
from ..engine.latest import LatestSearcher
from ..engine.models.encoder import Encoder
from ..engine.models.registry import DEFAULT_MODEL
from ..engine.searcher import Searcher
from ..engine.store import open_snapshot
from . import sources
from .page_images import PageImages
from .pipeline import index_documents
from .removal import Removed, remove
from .report import IndexReport, Progress
from .update import update_index

P = ParamSpec("P")
T = TypeVar("T")


def own_model(directory: Path) -> str | None:
    """The model of the index in `directory`, by the name that it was made with; None where there is no index yet."""
    if (record := sources.read(directory)) is not None:
        return record.model
    try:
        with open_snapshot(directory) as snapshot:
            return str(snapshot.fingerprint["name"])
    except IndexNotFound:
        return None


def _of_searcher(method: Callable[Concatenate[Searcher, P], T]) -> Callable[Concatenate[Index, P], T]:
    """The method of the searcher of the last commit."""

    @wraps(method)
    def call(self: Index, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return method(self.searcher, *args, **kwargs)

    return call


class Index:
    """The index in a folder: `add`, `remove` and `update` change it, the methods of `Searcher` search it.

    Each call sees the last commit, also that of another process. `add` makes an index where there is none, with
    `model`; one that exists keeps its own. A context manager. Threads may share it; while one of them changes the
    index, changes by others raise IndexLocked.

    Examples:
        >>> with Index("letters.index") as index:
        ...     index.add("reports/letter-harbour-master.pdf").documents
        ...     [hit.ref.path for hit in index.search("harbour master", k=1)]
        ...     index.remove("letter-*").documents
        ...     len(index)
        1
        ['letter-harbour-master.pdf']
        1
        0
    """

    def __init__(
        self,
        directory: Path | str,
        *,
        model: str | None = None,
        device: str = "auto",
        passwords: Sequence[str] = (),
        encoder: Encoder | None = None,
    ) -> None:
        """`model` is that of a new index, by default `pixel`; `encoder` is used in its place. `device` is where models
        run and pages are scored: "cpu", "cuda", or "auto" for a GPU if there is one. `passwords` are tried on encrypted
        files. Nothing is read before the first call.
        """
        self.directory = Path(directory)
        self._model = model
        self._device = device
        self._passwords = tuple(passwords)
        self._encoder = encoder
        pictures = PageImages.readable(self.directory, passwords=self._passwords)
        self._latest = LatestSearcher(self.directory, encoder=encoder, pictures=pictures, device=device)

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the index. Closing twice is harmless."""
        self._latest.close()

    def __len__(self) -> int:
        """The number of pages; 0 where there is no index yet."""
        try:
            return len(self.searcher.snapshot)
        except IndexNotFound:
            return 0

    def __bool__(self) -> bool:
        return True

    @property
    def searcher(self) -> Searcher:
        """The searcher of the last commit. Raises IndexNotFound, and what else `open_index` raises."""
        return self._latest.current()

    def add(
        self,
        paths: Path | str | Sequence[Path | str],
        *,
        exclude: Sequence[str] = (),
        kinds: Sequence[str] | None = None,
        where: str | None = None,
        metadata: Path | str | None = None,
        workers: int = 1,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> IndexReport:
        """Add the documents at `paths`, a file, a folder or several; those that are known are brought up to date.

        The arguments are those of `index_documents`, and so are the errors.
        """
        with self._changing():
            return index_documents(
                [paths] if isinstance(paths, str | Path) else paths,
                self.directory,
                model=self._model or own_model(self.directory) or DEFAULT_MODEL,
                device=self._device,
                exclude=exclude,
                kinds=kinds,
                where=where,
                passwords=self._passwords,
                metadata=metadata,
                workers=workers,
                on_progress=on_progress,
                encoder=self._encoder,
            )

    def remove(self, *paths: str) -> Removed:
        """Remove documents, by their paths in the index, by folders of it, or by globs; their files stay.

        `update` adds them again where their files are in a folder that was added. Raises UsageError, before anything is
        removed, where no document has one of the paths; IndexNotFound and IndexLocked.
        """
        with self._changing():
            return remove(self.directory, paths)

    def update(
        self,
        *,
        prune: bool = False,
        rehash: bool = False,
        forget: Sequence[Path | str] = (),
        workers: int = 1,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> IndexReport:
        """Read again what changed in everything that was ever added. The arguments and errors are `update_index`'s."""
        with self._changing():
            return update_index(
                self.directory,
                prune=prune,
                rehash=rehash,
                forget=forget,
                passwords=self._passwords,
                device=self._device,
                workers=workers,
                on_progress=on_progress,
                encoder=self._encoder,
            )

    search = _of_searcher(Searcher.search)
    search_many = _of_searcher(Searcher.search_many)
    more_like = _of_searcher(Searcher.more_like)
    scores = _of_searcher(Searcher.scores)
    explain = _of_searcher(Searcher.explain)
    text = _of_searcher(Searcher.text)
    vectors = _of_searcher(Searcher.vectors)
    pages = _of_searcher(Searcher.pages)
    facets = _of_searcher(Searcher.facets)
    info = _of_searcher(Searcher.info)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Notes that the index may have changed, however what is done in it ends."""
        try:
            yield
        finally:
            self._latest.outdated()
