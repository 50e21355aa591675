"""Answer files (.jsonl, .csv, .parquet, .trec) of `docsearch batch`, written so that a killed run can be resumed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..engine.errors import UsageError
from ..engine.install import pyarrow
from ..engine.printable import json_line
from .answer_formats import HIT_KEYS, INDEX_KEY, LINES_KEY, write_csv, write_parquet, write_trec
from .query_files import QueryRow

if TYPE_CHECKING:
    from ..engine.hits import Hits
    from ..engine.records import Hit, Mode

ANSWER_SUFFIXES = (".jsonl", ".csv", ".parquet", ".trec")
PARTIAL = ".partial"
"""Ends the name of the file that holds the answers of a run that is not finished."""
ASKED = "asked"
"""The key with what a query's row said beside its question."""
OPTIONAL = ("rerank", "where", "snippets")
"""Settings of a run that an answer has only where they were given."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What determines the answers of a run; `snapshot` identifies the state of the index, as in the HTTP API."""

    k: int
    candidates: int | None
    exact: bool
    all_copies: bool
    mode: Mode
    snapshot: str
    rerank: str | None = None
    where: str | None = None
    snippets: bool | None = None

    def as_dict(self) -> dict[str, object]:
        """The value of "run" in an answer. "rerank" is the model and how many hits it reads; "snippets" is true where
        hits have their details.
        """
        fields = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in fields.items() if name not in OPTIONAL or value is not None}


class AnswerFile:
    """An answer file, open for writing; a context manager.

    Answers are appended as JSON lines to `<file>.partial`. At the end they are converted, and the result replaces
    `file`, which stays as it was until then. With `resume`, a run continues after the last complete answer there; if it
    is finished, and `file` is .jsonl, after the last answer of `file`. Other formats do not hold what is needed: their
    answers are made again. Raises UsageError where answers to resume were made with other settings than `run`, and
    while another process writes answers to `file`.
    """

    def __init__(self, file: Path, run: RunSettings, *, resume: bool) -> None:
        self._file = file
        self._suffix = file.suffix.lower()
        if self._suffix not in ANSWER_SUFFIXES:
            raise UsageError(f"{file}: answer files are {' '.join(ANSWER_SUFFIXES)}, not '{file.suffix}'")
        if self._suffix == ".parquet":
            pyarrow()
        from .output_lock import OutputLock

        real = Path(os.path.realpath(file))
        self.partial = real.with_name(real.name + PARTIAL)
        self._run = run.as_dict()
        self.answered: list[tuple[str, str, dict[str, str | int]]] = []
        """Id, text and `QueryRow.asked` of the queries that are answered already, in order."""
        try:
            self._lock = OutputLock(real)
            try:
                self._stream = (self._continued() if resume else None) or self._started()
            except BaseException:
                self._lock.release()
                raise
        except OSError as err:
            raise UsageError(f"{file}: cannot be written: {err.strerror or err}") from err
        self.count = len(self.answered)

    def __enter__(self) -> AnswerFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._stream.close()
            if kind is None:
                self._publish()
            elif not self.count:
                self.partial.unlink(missing_ok=True)
        except OSError as err:
            if kind is None or issubclass(kind, Exception):
                raise self._unwritable(err) from err
        finally:
            self._lock.release()

    def write(self, row: QueryRow, hits: Hits) -> None:
        """Append the answer to one query."""
        answer = {
            "query_id": row.query_id,
            "query": row.text,
            **({ASKED: row.asked} if row.asked else {}),
            **hits.as_dict(),
            "hits": [self._fields(hit) for hit in hits],
            "run": self._run,
        }
        line = json_line(answer) + "\n"
        try:
            self._stream.write(line.encode("utf-8", "backslashreplace"))
        except OSError as err:
            raise self._unwritable(err) from err
        self.count += 1

    def _fields(self, hit: Hit) -> dict[str, object]:
        """What an answer has of a hit."""
        fields = hit.as_dict()
        told = hit.details.as_dict() if self._run.get("snippets") else {}
        return {key: fields[key] for key in (*HIT_KEYS, LINES_KEY, INDEX_KEY) if key in fields} | told

    def flush(self) -> None:
        """Pass buffered answers to the operating system, so that a killed process does not lose them."""
        try:
            self._stream.flush()
        except OSError as err:
            raise self._unwritable(err) from err

    def _unwritable(self, err: OSError) -> UsageError:
        return UsageError(
            f"{self._file}: cannot be written: {err.strerror or err}; the same command with --resume continues from "
            f"{self.partial}"
        )

    def _started(self) -> IO[bytes]:
        self.partial.unlink(missing_ok=True)  # it may be a link to another file
        return self.partial.open("xb")

    def _continued(self) -> IO[bytes] | None:
        """The partial file, open to append to and cut after its last complete answer; None if there is nothing."""
        from ..engine.store.durable import atomic_file

        source = self.partial
        if not source.exists():
            source = self._file
            if self._suffix != ".jsonl" or not source.is_file():
                return None
        end = self._read_answered(source)
        if source is not self.partial:
            with atomic_file(self.partial, sync=False) as temporary:
                shutil.copyfile(source, temporary)
        os.truncate(self.partial, end)
        return self.partial.open("ab")

    def _read_answered(self, source: Path) -> int:
        """Fill `answered` from the answers in `source`; return how many bytes they have, without a half-written last
        line. Raises UsageError if they are not of the same run.
        """
        end = 0
        with source.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                if not line.endswith(b"\n"):
                    break
                try:
                    answer = json.loads(line)
                    asked = answer.get(ASKED, {})
                    self.answered.append((str(answer["query_id"]), str(answer["query"]), asked))
                except (ValueError, KeyError, TypeError) as err:
                    raise UsageError(
                        f"--resume: {source}:{number}: not an answer of 'docsearch batch'; omit --resume to start again"
                    ) from err
                self._check_run(source, answer.get("run"))
                end += len(line)
        return end

    def _check_run(self, source: Path, run: Mapping[str, object] | None) -> None:
        if run == self._run:
            return
        optional = {"snippets"}
        if not isinstance(run, dict) or run.keys() - optional != self._run.keys() - optional:
            raise UsageError(
                f"--resume: {source} does not say with which options and state of the index its answers were made, as "
                "when an earlier docsearch began it; omit --resume to start again"
            )
        if run.get("snapshot") != self._run["snapshot"]:
            raise UsageError(
                f"--resume: the index is not the one that the answers in {source} came from, or has changed since; "
                "omit --resume to start again"
            )
        raise UsageError(
            f"--resume: the answers in {source} were made with {_options(run)}, not {_options(self._run)}; give the "
            "same options, or omit --resume to start again"
        )

    def _publish(self) -> None:
        """Make the complete answers the file, in its format."""
        from ..engine.store import durable

        target = Path(os.path.realpath(self._file))
        if self._suffix == ".jsonl" and (target.is_file() or not target.exists()):
            durable.sync_file(self.partial)
            self.partial.replace(target)
            durable.sync_folder(target.parent)
            return
        write: dict[str, Callable[[Path, Path], object]] = {
            ".jsonl": shutil.copyfile,
            ".csv": write_csv,
            ".parquet": write_parquet,
            ".trec": write_trec,
        }
        with durable.atomic_file(self._file) as temporary:
            write[self._suffix](self.partial, temporary)
        self.partial.unlink()


def unanswered(rows: Iterator[QueryRow], answers: AnswerFile) -> Iterator[QueryRow]:
    """Yield the rows that `answers` lacks. Raises UsageError if it has answers to other queries than these."""
    answered = iter(answers.answered)
    expected = next(answered, None)
    for row in rows:
        if expected is None:
            yield row
        elif (str(row.query_id), row.text, row.asked) == expected:
            expected = next(answered, None)
        else:
            break
    if expected is not None:
        raise UsageError(
            f"--resume: the output has an answer to '{expected[0]}' that the queries do not ask for at that place; it "
            "is from another run. Omit --resume to start again, or choose another -o"
        )


def _options(run: Mapping[str, object]) -> str:
    """The options of a run as they are typed."""
    candidates = "" if run.get("candidates") is None else f" --candidates {run['candidates']}"
    options = " --exact" * bool(run.get("exact")) + " --all-copies" * bool(run.get("all_copies"))
    options += f" --mode {run['mode']}" if "mode" in run else ""
    options += " --snippets" * bool(run.get("snippets"))
    return f"-k {run.get('k')}{candidates}{options}"
