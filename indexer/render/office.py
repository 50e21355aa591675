"""Converts Office documents to PDF with LibreOffice, each in a process of its own that is killed with all it started.

LibreOffice runs without a window, on a copy of the document under another name, with macros and links to other files
switched off, and within limits of time, memory and output (`sandbox`). Each conversion has a profile to itself, which
the next one uses again: making a profile takes seconds.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ...engine.errors import DocumentError
from ...engine.store.unread import PARTIAL
from ..kinds import OFFICE_SUFFIXES, PDF_MAGIC
from . import libreoffice
from .backend import one_line
from .sandbox import kill_group
from .unread import Unread

SANDBOX, SHEET_COLUMNS, SHEET_ROWS = (
    Path(__file__).with_name(name) for name in ("sandbox.py", "sheet_columns.py", "sheet_rows.py")
)
CONVERSION_TIMEOUT_S = 120.0
MEMORY_LIMIT_MB = 4096
"""LibreOffice reserves far more address space than it uses."""
OUTPUT_MAX_MB = 512
KEPT = 8
"""Converted documents that are kept: pages of one may be rendered by several processes, one after the other."""
SPREADSHEETS = frozenset((".xlsx", ".xlsm", ".xls", ".ods"))
PRESENTATIONS = frozenset((".pptx", ".pptm", ".ppsx", ".odp", ".ppt", ".pps"))
SHEET_PAGES_MAX = 1000
"""Pages of a spreadsheet that are read: tables of more rows belong in a database, and would fill the index."""
PREPARED = {".xlsx": (SHEET_ROWS, SHEET_COLUMNS), ".xlsm": (SHEET_ROWS, SHEET_COLUMNS), ".ods": (SHEET_ROWS,)}
"""What prepares a spreadsheet with this extension."""
PREPARING_TIMEOUT_S = 60.0
ROWS_READ, ROWS = "rows-read", re.compile(r"(\d{1,9}) (\d{1,9})")
"""The file beside a PDF with what `sheet_rows` printed, if it left out rows."""
NOBODY, NO_PORT = "127.0.0.1", "9"
"""The address of a proxy that is not there: what LibreOffice asks of a server, it asks of nobody."""
SETTINGS = (
    ("Office.Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("Office.Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("Office.Common/Security/Scripting", "DisableActiveContent", "true"),
    ("Office.Common/Load", "UpdateDocMode", "0"),
    ("Office.Writer/Content/Update", "Link", "0"),
    ("Office.Calc/Content/Update", "Link", "2"),
    ("Office.Common/Filter/PDF/Export", "ExportNotes", "true"),
    ("Office.Common/Filter/PDF/Export", "UseTaggedPDF", "true"),
    ("Inet/Settings", "ooInetProxyType", "2"),
    *(("Inet/Settings", f"ooInet{scheme}ProxyName", NOBODY) for scheme in ("HTTP", "HTTPS", "FTP")),
    *(("Inet/Settings", f"ooInet{scheme}ProxyPort", NO_PORT) for scheme in ("HTTP", "HTTPS", "FTP")),
    ("Inet/Settings", "ooInetNoProxy", ""),
)
"""LibreOffice's settings, each with its component and value: no macros, active content, linked files and servers."""


def converts(file: Path) -> bool:
    """Whether a file is converted: an Office document by its name, no PDF by its content, and LibreOffice is there."""
    if file.suffix.lower() not in OFFICE_SUFFIXES or libreoffice.program() is None:
        return False
    try:
        with file.open("rb") as stream:
            return not stream.read(len(PDF_MAGIC)).startswith(PDF_MAGIC)
    except OSError:  # opening it will tell the reason
        return False


def pages_read(converted: Path | None, pdf: Path, count: int) -> tuple[int, tuple[Unread, ...]]:
    """How many of the `count` pages of `pdf` are read, which LibreOffice made of the document `converted`, and what is
    not read; all of a document that was not converted, None.
    """
    if converted is None or converted.suffix.lower() not in SPREADSHEETS:
        return count, ()
    rows = _rows_read(pdf)
    if count <= SHEET_PAGES_MAX:
        return count, rows
    return SHEET_PAGES_MAX, (Unread(PARTIAL, 0, f"the first {SHEET_PAGES_MAX:,} pages of the spreadsheet"), *rows)


def _rows_read(pdf: Path) -> tuple[Unread, ...]:
    """The report of rows that were left out of a spreadsheet before it was converted to `pdf`."""
    try:
        kept, total = map(int, pdf.with_name(ROWS_READ).read_text("utf-8").split())
    except OSError:
        return ()
    return (Unread(PARTIAL, 0, f"the first {kept:,} of {total:,} rows"),)


def export_options(suffix: str) -> str:
    """What LibreOffice is told to make of a document with this extension.

    Hidden slides are exported, so that pages are numbered as slides are; of spreadsheets one page more than is read,
    which tells whether there are more.
    """
    if suffix in PRESENTATIONS:
        options: dict[str, dict[str, str]] = {"ExportHiddenSlides": {"type": "boolean", "value": "true"}}
        return f"pdf:impress_pdf_Export:{json.dumps(options)}"
    if suffix in SPREADSHEETS:
        options = {"PageRange": {"type": "string", "value": f"1-{SHEET_PAGES_MAX + 1}"}}
        return f"pdf:calc_pdf_Export:{json.dumps(options)}"
    return "pdf"


@dataclass(slots=True)
class Conversion:
    """A document that is being converted, or was: `pdf`, or the `error`, once it is `done`."""

    done: threading.Event = field(default_factory=threading.Event)
    pdf: Path | None = None
    error: str = ""


class OfficeConverter:
    """Converts documents, each once, for all the threads that ask for it.

    The PDFs lie in a temporary folder, which `close` deletes; KEPT of them are kept.
    """

    def __init__(self, timeout_s: float = CONVERSION_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._lock = threading.Lock()  # guards all fields below
        self._folder: Path | None = None
        self._conversions: OrderedDict[tuple[str, int, int], Conversion] = OrderedDict()
        self._profiles: list[Path] = []  # those that no conversion uses
        self._running: set[subprocess.Popen[bytes]] = set()
        self._made = 0
        self._closed = False

    def pdf(self, file: Path) -> Path:
        """The PDF of an Office document; waits while another thread converts it. Raises DocumentError."""
        try:
            status = file.stat()
        except OSError as err:
            raise DocumentError(f"the file cannot be read: {err.strerror or err}") from err
        key = (os.fspath(file), status.st_size, status.st_mtime_ns)
        with self._lock:
            conversion = self._conversions.get(key)
            is_new = conversion is None
            if conversion is None:
                conversion = self._conversions[key] = Conversion()
            self._conversions.move_to_end(key)
            self._drop_oldest()
        if is_new:
            try:
                conversion.pdf = self._convert(file)
            except DocumentError as err:
                conversion.error = str(err)
            except OSError as err:
                conversion.error = f"LibreOffice cannot be run: {err.strerror or err}"
            finally:
                conversion.error = conversion.error or ("" if conversion.pdf else "the conversion was stopped")
                conversion.done.set()
        conversion.done.wait()
        if conversion.pdf is None:
            raise DocumentError(conversion.error)
        return conversion.pdf

    def kill(self) -> None:
        """End all conversions; later ones fail at once."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for process in running:
            kill_group(process)

    def close(self) -> None:
        """End all conversions and delete what they made."""
        self.kill()
        with self._lock:
            folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _drop_oldest(self) -> None:
        """Forget conversions beyond KEPT; expects the lock."""
        while len(self._conversions) > KEPT:
            key = next((key for key, each in self._conversions.items() if each.done.is_set()), None)
            if key is None:
                return
            pdf = self._conversions.pop(key).pdf
            if pdf is not None:
                shutil.rmtree(pdf.parent, ignore_errors=True)

    def _convert(self, file: Path) -> Path:
        with self._lock:
            if self._closed:
                raise DocumentError("the conversion was stopped")
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="docsearch-office-"))
            self._made += 1
            work = self._folder / f"{self._made}"
            profile = self._profiles.pop() if self._profiles else self._folder / f"profile-{self._made}"
        work.mkdir()
        if not profile.is_dir():
            _write_profile(profile)
        source = work / f"document{file.suffix.lower()}"
        try:
            shutil.copyfile(file, source)
            for script in PREPARED.get(source.suffix, ()):
                self._prepare(source, work, script)
            report = self._run(source, work, profile)
        except OSError as err:
            raise DocumentError(f"the document cannot be converted: {err.strerror or err}") from err
        finally:
            source.unlink(missing_ok=True)
        pdf = work / "document.pdf"
        if not pdf.is_file() or not pdf.stat().st_size:
            raise DocumentError(f"LibreOffice cannot convert the document{f': {report}' if report else ''}")
        return pdf

    def _run(self, source: Path, work: Path, profile: Path) -> str:
        """Run LibreOffice; return the last line that it printed. Raises DocumentError if it takes too long."""
        path = libreoffice.program()
        if path is None:
            raise DocumentError("LibreOffice is not installed")
        command = [
            *(path, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--invisible", "--nologo"),
            *("--nodefault", "--norestore", "--nolockcheck", "--nofirststartwizard"),
            *("--convert-to", export_options(source.suffix), "--outdir", str(work), str(source)),
        ]
        printed = self._limited(command, work, self._timeout_s, _environment(profile))
        with self._lock:
            self._profiles.append(profile)
        errors = [line for line in printed.split("\n") if line.startswith("Error")]
        return one_line(Exception((errors or [""])[-1])) if errors else ""

    def _prepare(self, source: Path, work: Path, script: Path) -> None:
        """Run a script that prepares a spreadsheet; one that cannot be read stays as it is."""
        with suppress(DocumentError):
            command = [sys.executable, "-I", str(script), str(source)]
            printed = self._limited(command, work, min(PREPARING_TIMEOUT_S, self._timeout_s), dict(os.environ))
            if ROWS.fullmatch(printed):
                (work / ROWS_READ).write_text(printed, "utf-8")

    def _limited(self, command: Sequence[str], work: Path, timeout_s: float, environment: Mapping[str, str]) -> str:
        """Run a program in the sandbox; return the start of what it printed. Raises DocumentError if it takes too long,
        or was ended by `kill`.
        """
        limits = (str(MEMORY_LIMIT_MB), str(int(timeout_s) + 5), str(OUTPUT_MAX_MB))
        with tempfile.TemporaryFile() as printed:
            process = subprocess.Popen(
                [sys.executable, "-I", str(SANDBOX), *limits, *command],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=work,
                start_new_session=True,
            )
            with self._lock:
                self._running.add(process)
                is_closed = self._closed
            try:
                if is_closed:
                    raise DocumentError("the conversion was stopped")
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                raise DocumentError(f"LibreOffice took longer than {timeout_s:g} s") from None
            finally:
                kill_group(process)
                process.wait()
                with self._lock:
                    self._running.discard(process)
            printed.seek(0)
            return printed.read(1 << 16).decode("utf-8", "replace").strip()


def _write_profile(profile: Path) -> None:
    items = "".join(
        f'<item oor:path="/org.openoffice.{component}"><prop oor:name="{name}" oor:op="fuse">'
        f"<value>{value}</value></prop></item>"
        for component, name, value in SETTINGS
    )
    (profile / "user").mkdir(parents=True)
    (profile / "user/registrymodifications.xcu").write_text(
        '<?xml version="1.0" encoding="UTF-8"?><oor:items xmlns:oor="http://openoffice.org/2001/registry" '
        'xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"{items}</oor:items>",
        "utf-8",
    )


def _environment(profile: Path) -> dict[str, str]:
    """The environment of LibreOffice: a home of its own, no display, and a proxy at which nobody listens."""
    nowhere = f"http://{NOBODY}:{NO_PORT}"
    own = {"HOME": str(profile), "SAL_USE_VCLPLUGIN": "svp"}
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "ftp_proxy", "all_proxy"), nowhere)
    return {**os.environ, **own, **proxies, "no_proxy": ""}
