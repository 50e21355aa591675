"""Makes documents of the files that lie in the documents of a run: `mail.eml/report.pdf`, and what lies in that.

Each is taken out by a child process, into a temporary file that exists while its pages are rendered. A document that
has not changed is not opened again, unless something in it has not been read yet.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from ..engine.errors import DocumentError
from ..engine.store import DocumentRow, IndexWriter, UnreadContent
from ..engine.store.attached import container_of
from ..engine.store.unread import ATTACHMENT
from .attached import is_of_a_tool, new_file, take_out, unique_names
from .discover import Discovery, Document, Unreadable
from .kinds import suffix_of
from .render.producer import Layouts
from .render.unpack import MemberReader
from .render.unread import attachments

DEPTH_MAX = 3
"""How deep documents lie that are taken out: a file in an archive that is attached to an attached e-mail."""
FILES_MAX = 10_000
BYTES_MAX = 4 << 30
"""Files, and their bytes, that are taken out of one file on disk."""


@dataclass(slots=True)
class Source:
    """A document of the run, on disk or elsewhere, that others lie in. Counts what has been taken out of it."""

    document: Document
    files: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Holder:
    """A document with files in it: the one at `path` in the index, which lies `depth` documents deep in `source`."""

    path: str
    source: Source
    depth: int


class AttachedDocuments:
    """What lies in the documents of one run over a `discovery`; `rows` are those in the index.

    `files` has the file of each that is none of these, as `IndexWriter.files`. As a context manager it deletes the
    temporary files at the end.
    """

    def __init__(
        self,
        writer: IndexWriter,
        discovery: Discovery,
        rows: Mapping[str, DocumentRow],
        files: Mapping[str, bytes],
        layouts: Layouts,
        *,
        renderer: str = "mupdf",
        passwords: Sequence[str] = (),
    ) -> None:
        self._writer = writer
        self._discovery = discovery
        self._found = {document.path for document in discovery.documents}
        self._reader = MemberReader(renderer, tuple(passwords))
        self._opened = writer.opened()
        self._unread = writer.with_unread_attachments()
        self._holding: Counter[str] = Counter()  # by path: how many documents lie in a document
        self._unfinished: set[str] = set()  # those of them in which one was not read to its end
        for path, row in rows.items():
            is_finished = row.state == "done" and not layouts.is_outdated(path)
            above = None if path in files else container_of(path, rows)
            while above is not None:
                self._holding[above] += 1
                if not is_finished:
                    self._unfinished.add(above)
                above = container_of(above, rows)
        self._noted: set[str] = set()  # documents of this run with files in them
        self._holders: dict[str, Holder] = {}  # what was taken out, by path
        self._waiting: list[Holder] = []
        self._read: list[tuple[Holder, UnreadContent | None]] = []  # with what was not read
        self._too_deep = 0  # documents that are left closed
        self._temporary: dict[str, Path] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> AttachedDocuments:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()
        if self._folder is not None:
            self._folder.cleanup()

    @property
    def is_empty(self) -> bool:
        """Whether no document waits to be opened."""
        return not self._waiting

    def note(self, path: str) -> None:
        """A document of this run has files in it that were not read yet."""
        self._noted.add(path)

    def rendered(self, document: Document) -> None:
        """The pages of a document were read: what lies in it comes next, in the place of what lay in it before."""
        if document.path in self._noted and self._discovery.suffixes:
            self._wait_for(document)
        elif document.path in self._holding:
            self._writer.remove(self._writer.documents_below(document.path))

    def unchanged(self, document: Document) -> int:
        """A document is in the index as it is: it is opened only for what was not read of the files in it.

        Return how many documents in it are unchanged, too: all of them, unless it is opened.
        """
        path, suffixes = document.path, self._discovery.suffixes
        opened = self._opened.get(path)
        has_new_kinds = path in self._unread and not suffixes <= (opened or frozenset())
        has_removed = opened == frozenset()
        if suffixes and (has_new_kinds or has_removed or path in self._unfinished):
            self._wait_for(document)
            return 0
        return self._holding[path]

    def release(self, path: str) -> None:
        """Delete the temporary file of a document that was taken out, if it is one."""
        if (file := self._temporary.pop(path, None)) is not None:
            with suppress(OSError):  # a process that still has it open keeps it on Windows; the folder goes at the end
                file.unlink()

    def documents(self) -> Iterator[Document | Unreadable]:
        """Take the files out of the documents that wait, each when it is asked for; those that cannot be are told."""
        waiting, self._waiting = self._waiting, []
        for holder in waiting:
            source, folder = holder.source.document, Path(tempfile.mkdtemp(dir=self._place()))
            try:
                outermost = source.on_disk(folder).file
                file = take_out(self._reader, outermost, holder.path[len(source.path) + 1 :], self._place())
                listed = self._reader.names(file)
            except DocumentError as err:
                self._read.append((holder, UnreadContent(holder.path, None, ATTACHMENT, 0, str(err))))
                continue
            yield from self._files(holder, file, unique_names(listed.names), listed.left_out)
            if file != outermost:
                file.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)  # with the copy of a document that lies elsewhere

    def record(self) -> int:
        """Record of the documents that were opened that they were; return in how many of them something is unread.

        Called once the pages of what was taken out are in the index: an interrupted run opens them again.
        """
        for holder, left in self._read:
            self._writer.record_opened(holder.path, sorted(self._discovery.suffixes), left)
        count = self._too_deep + sum(left is not None for _, left in self._read)
        self._read.clear()
        self._too_deep = 0
        return count

    def _wait_for(self, document: Document) -> None:
        path = document.path
        holder = self._holders.get(path) or Holder(path, Source(document), 0)
        if holder.depth < DEPTH_MAX:
            self._waiting.append(holder)
        else:
            self._too_deep += 1

    def _files(self, holder: Holder, file: Path, names: Sequence[str], more: int) -> Iterator[Document | Unreadable]:
        source, left = holder.source, []
        for number, name in enumerate(names):
            path = f"{holder.path}/{name}"
            if is_of_a_tool(name) or self._discovery.leaves_out(path):
                continue
            is_over = source.files >= FILES_MAX or source.bytes >= BYTES_MAX
            if is_over or suffix_of(name) not in self._discovery.suffixes or path in self._found:
                left.append(name)
                continue
            target = new_file(self._place(), name)
            source.files += 1
            self._holders[path] = Holder(path, source, holder.depth + 1)
            try:
                size = self._reader.extract(file, number, target)
            except DocumentError as err:
                target.unlink(missing_ok=True)
                yield Unreadable(path, source.document.file, str(err))
                continue
            source.bytes += size
            self._temporary[path] = target
            yield Document(path, target, size, source.document.mtime_ns)
        paths = {f"{holder.path}/{name}" for name in names}
        below = self._writer.documents_below(holder.path)
        self._writer.remove([path for path in below if path not in paths and container_of(path, paths) is None])
        unread = attachments(left, more, looked_at=len(names))
        content = [UnreadContent(holder.path, None, kind, items, detail) for kind, items, detail in unread]
        self._read.append((holder, content[0] if content else None))

    def _place(self) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="docsearch-", ignore_cleanup_errors=True)
        return Path(self._folder.name)
