"""Documents in object storage: found by listing it, fetched by the workers that read them.

The coordinator fetches those that other documents lie in, such as e-mails and archives, and takes these out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from ...engine.errors import DocumentError, NothingFound, StorageFailed, UsageError
from ...indexer import kinds as file_kinds
from ...indexer.discover import HASH_BLOCK, Discovery, Document
from ...indexer.left_out import is_excluded
from ...indexer.other_kinds import OtherKinds, by_name, summary
from .staging import file_system, retried

T = TypeVar("T")
TIMES = ("LastModified", "mtime", "last_modified", "updated", "created")
"""Names under which file systems of fsspec tell when an object was written."""


@dataclass(frozen=True, slots=True)
class RemoteDocument(Document):
    """A document at a `url` in object storage; `file` is the URL as a path, which no machine has."""

    url: str

    def sha256(self) -> str:
        """As of a `Document`; reads the whole object."""
        files, path = file_system(self.url)
        return _read(self.url, lambda: _hash(files, path))

    def on_disk(self, folder: Path) -> Document:
        """As of a `Document`; copies the object."""
        files, path = file_system(self.url)
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / PurePosixPath(self.path).name
        _read(self.url, lambda: files.get_file(path, str(target)))
        return Document(self.path, target, self.size, self.mtime_ns)


def find(
    urls: Sequence[str],
    *,
    exclude: Sequence[str] = (),
    kinds: Sequence[str] | None = None,
    renderer: str = "mupdf",
) -> Discovery:
    """Find the documents below `urls`, by the names of the objects; as `discover.find` otherwise.

    A document's path is relative to the URL given, and the name alone for the URL of one object. Names that begin with
    a dot are skipped. There are no `.docsearchignore` files. Raises UsageError for a URL that cannot be listed, or two
    documents of the same path, and NothingFound if there is no document.
    """
    wanted = file_kinds.readable(kinds, renderer)
    globs = tuple(pattern.rstrip("/") for pattern in exclude)
    others, excluded = OtherKinds(), 0
    found: dict[str, Document] = {}
    for url in urls:
        scheme = url.partition("://")[0]
        for path, name, info in _objects(url):
            parts = path.split("/")
            if any(part.startswith(".") for part in parts):
                continue
            if any(is_excluded("/".join(parts[:end]), globs) for end in range(1, len(parts) + 1)):
                excluded += 1
            elif file_kinds.suffix_of(parts[-1]) not in wanted:
                others.add(by_name(parts[-1]), path)
            elif path in found:
                raise UsageError(f"{path} is below two of the URLs; index each of them into an index of its own")
            else:
                address = f"{scheme}://{name}"
                found[path] = RemoteDocument(path, Path(address), int(info["size"]), _written(info), address)
    other_kinds = others.found(renderer)
    if not found:
        skipped = f" ({summary(other_kinds).splitlines()[0]})" if other_kinds else ""
        raise NothingFound(f"no documents found in {', '.join(urls)}{skipped}; {file_kinds.read_kinds()}")
    documents = tuple(found[path] for path in sorted(found))
    places = tuple(url.rstrip("/") for url in urls)
    return Discovery(
        (), documents, other_kinds=other_kinds, exclude=globs, excluded=excluded, suffixes=wanted, urls=places
    )


def _objects(url: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Each object at or below a URL: its path from there, its full name, what the storage tells of it."""
    files, root = file_system(url)
    try:
        listed = retried(lambda: files.find(root, detail=True), url)
    except (FileNotFoundError, PermissionError, StorageFailed) as err:
        raise UsageError(f"{url}: cannot be listed: {err}") from err
    for name, info in sorted(listed.items()):
        path = name.removeprefix(root).lstrip("/") or name.rpartition("/")[2]
        yield path, name, info


def _written(info: Mapping[str, Any]) -> int:
    """When an object was written, in nanoseconds since 1970; 0 if the storage does not tell."""
    told = next((info[name] for name in TIMES if info.get(name) is not None), 0)
    seconds = told.timestamp() if isinstance(told, datetime) else told
    return int(seconds * 1e9) if isinstance(seconds, int | float) else 0


def _hash(files: Any, path: str) -> str:
    digest = hashlib.sha256()
    with files.open(path, "rb") as stream:
        while block := stream.read(HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _read(url: str, request: Callable[[], T]) -> T:
    try:
        return retried(request, url)
    except (OSError, StorageFailed) as err:
        raise DocumentError(f"{url} cannot be read: {err}") from err
