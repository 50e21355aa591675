"""Files in documents are documents of their own: found, shown, replaced and removed with what they lie in."""

from __future__ import annotations

import io
import mailbox
import tarfile
import zipfile
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path

import pymupdf
import pytest

from docsearch.engine.errors import UsageError
from docsearch.engine.store import Failure, open_snapshot, open_writer
from docsearch.engine.store.unread import ATTACHMENT
from docsearch.indexer import attached_documents, pipeline, plan, removal, source_folders
from docsearch.indexer.attached import new_file, unique_names
from docsearch.indexer.kinds import with_archives
from docsearch.indexer.render import archive
from docsearch.indexer.render.mail import PARTS_MAX
from docsearch.indexer.render.members import EmbeddedFiles
from docsearch.indexer.render.mupdf import ATTACHED_MAX, open_pdf
from docsearch.indexer.report import IndexReport
from docsearch.indexer.settings import FileChoice
from fake_encoder import FakeEncoder


def pdf(text: str, attached: Mapping[str, bytes] | None = None) -> bytes:
    document = pymupdf.open()
    page = document.new_page(width=200, height=260)
    page.insert_text((20, 40), text, fontsize=14)
    for name, content in (attached or {}).items():
        document.embfile_add(name, content)
    content: bytes = document.tobytes()
    return content


def mail(subject: str, attached: Mapping[str, bytes], messages: tuple[EmailMessage, ...] = ()) -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"] = subject, "kim@example.org"
    message.set_content("see the files")
    for name, content in attached.items():
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    for each in messages:
        message.add_attachment(each)
    return message


def zipped(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return stream.getvalue()


def tarred(files: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as packed:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
    return stream.getvalue()


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    return tmp_path / "docs"


def run(docs: Path, *, archives: bool = False, prune: bool = False) -> IndexReport:
    kinds = with_archives(None) if archives else None
    return pipeline.index_documents([docs], docs.parent / "index", encoder=FakeEncoder(), kinds=kinds, prune=prune)


def paths(docs: Path) -> list[str]:
    with open_snapshot(docs.parent / "index") as snapshot:
        return sorted(snapshot.documents())


def ids(docs: Path) -> dict[str, str]:
    with open_snapshot(docs.parent / "index") as snapshot:
        return {path: row.id for path, row in snapshot.documents().items()}


def unread(docs: Path) -> list[str]:
    with open_snapshot(docs.parent / "index") as snapshot:
        found = [each for each in snapshot.unread.all() if each.kind == ATTACHMENT]
    return [f"{each.path}: {each.reason}" for each in found]


def test_attachments_of_a_message_are_documents(docs: Path) -> None:
    content = pdf("engines")
    (docs / "mail.eml").write_bytes(mail("costs", {"report.pdf": content, "x.bin": b"1"}).as_bytes())
    report = run(docs)
    assert paths(docs) == ["mail.eml", "mail.eml/report.pdf"]
    assert (report.documents, report.failed, report.unread[ATTACHMENT]) == (2, (), 1)
    assert unread(docs) == ["mail.eml: 1 attached file was not read: x.bin"]
    with open_snapshot(docs.parent / "index") as snapshot:
        row = snapshot.document(path="mail.eml/report.pdf")
        assert row is not None
        assert (row.page_count, row.size) == (1, len(content))


def test_files_in_pdfs_and_on_their_pages_are_documents(docs: Path) -> None:
    document = pymupdf.open(stream=pdf("cover", {"a.pdf": pdf("alpha")}))
    document[0].add_file_annot((50, 100), pdf("beta"), "b.pdf")
    document.save(docs / "folder.pdf")
    assert run(docs).unread == {}
    assert paths(docs) == ["folder.pdf", "folder.pdf/a.pdf", "folder.pdf/b.pdf"]


def test_a_mailbox_numbers_its_messages(docs: Path) -> None:
    box = mailbox.mbox(docs / "all.mbox")
    for text in ("one", "two"):
        box.add(mail(text, {"report.pdf": pdf(text)}))
    box.close()
    run(docs)
    assert paths(docs) == ["all.mbox", "all.mbox/1/report.pdf", "all.mbox/2/report.pdf"]


def test_what_lies_deeper_is_read_to_a_depth(docs: Path) -> None:
    inner = mail("innermost", {"deep.pdf": pdf("deep")})
    for number in range(4):
        inner = mail(f"around {number}", {}, (inner,))
    (docs / "a.eml").write_bytes(inner.as_bytes())
    report = run(docs)
    assert paths(docs) == ["a.eml" + "/message.eml" * depth for depth in range(attached_documents.DEPTH_MAX + 1)]
    assert report.unread[ATTACHMENT] == 1
    assert unread(docs) == [f"{paths(docs)[-1]}: 1 attached file was not read: message.eml"]


def test_an_unchanged_message_is_not_opened_again(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (docs / "mail.eml").write_bytes(mail("costs", {"report.pdf": pdf("engines"), "x.bin": b"1"}).as_bytes())
    run(docs)
    before = ids(docs)
    monkeypatch.setattr(attached_documents, "take_out", None)
    assert (run(docs, prune=True).removed, ids(docs)) == (0, before)


def test_unchanged_documents_count_with_what_lies_in_them(docs: Path) -> None:
    inner = zipped({"deep.pdf": pdf("deep")})
    (docs / "m.eml").write_bytes(mail("one", {"a.pdf": pdf("a"), "b.zip": inner}).as_bytes())
    (docs / "c.pdf").write_bytes(pdf("c"))
    first = run(docs, archives=True)
    again = run(docs, archives=True)
    assert (first.documents, again.documents, again.skipped) == (5, 0, 5)
    planned = plan.plan([docs], docs.with_name("index"), FileChoice(kinds=tuple(with_archives(None))))
    assert (planned.to_read, planned.unchanged) == ((), 5)


def test_archives_and_mailboxes_in_which_nothing_is_are_no_failures(docs: Path) -> None:
    (docs / "m.eml").write_bytes(mail("one", {"inner.zip": zipped({})}).as_bytes())
    (docs / "a.zip").write_bytes(zipped({}))
    (docs / "b.tar.gz").write_bytes(tarred({}))
    (docs / "c.mbox").write_bytes(b"")
    (docs / "d.txt").write_bytes(b"")
    (docs / "e.pdf").write_bytes(b"")
    for in_documents in (1, 0):  # what is unchanged is not opened again
        report = run(docs, archives=True)
        assert [failure.path for failure in report.failed] == ["e.pdf"]
        counted = {each.kind: each.files for each in report.other_kinds}
        assert counted == {"empty archive": 2 + in_documents, "empty mailbox": 1, "empty file": 1}
        with open_snapshot(docs.with_name("index")) as snapshot:
            assert [failure.path for failure in snapshot.failures()] == ["e.pdf"]
            assert list(snapshot.documents()) == ["e.pdf", "m.eml"]


def test_a_document_whose_content_is_gone_leaves_the_index(docs: Path) -> None:
    (docs / "a.txt").write_bytes(b"some words")
    (docs / "b.pdf").write_bytes(pdf("b"))
    run(docs)
    (docs / "a.txt").write_bytes(b"")
    run(docs)
    with open_snapshot(docs.with_name("index")) as snapshot:
        assert list(snapshot.documents()) == ["b.pdf"]


def test_a_changed_message_replaces_what_was_attached(docs: Path) -> None:
    first = {"keep.pdf": pdf("same"), "change.pdf": pdf("old"), "drop.pdf": pdf("gone")}
    (docs / "mail.eml").write_bytes(mail("costs", first).as_bytes())
    run(docs)
    before = ids(docs)
    (docs / "mail.eml").write_bytes(mail("costs", {"keep.pdf": pdf("same"), "change.pdf": pdf("new text")}).as_bytes())
    run(docs)
    assert paths(docs) == ["mail.eml", "mail.eml/change.pdf", "mail.eml/keep.pdf"]
    assert all(before[path] == doc_id for path, doc_id in ids(docs).items())
    (docs / "mail.eml").write_bytes(mail("nothing attached", {}).as_bytes())
    run(docs)
    assert paths(docs) == ["mail.eml"]


def test_what_is_attached_moves_and_goes_with_the_message(docs: Path) -> None:
    (docs / "mail.eml").write_bytes(mail("costs", {"report.pdf": pdf("engines")}).as_bytes())
    run(docs)
    before = ids(docs)
    (docs / "mail.eml").rename(docs / "moved.eml")
    assert run(docs).moved == 1
    assert ids(docs) == {path.replace("mail", "moved"): doc_id for path, doc_id in before.items()}
    (docs / "moved.eml").unlink()
    (docs / "other.pdf").write_bytes(pdf("other"))
    assert run(docs).vanished == 1
    assert run(docs, prune=True).removed == 1
    assert paths(docs) == ["other.pdf"]


def test_what_was_removed_from_a_document_comes_back_with_the_next_run(docs: Path) -> None:
    (docs / "mail.eml").write_bytes(mail("offer", {"a.pdf": pdf("revenue"), "b.pdf": pdf("costs")}).as_bytes())
    run(docs)
    assert removal.remove(docs.parent / "index", ["mail.eml/a.pdf"]).documents == 1
    assert paths(docs) == ["mail.eml", "mail.eml/b.pdf"]
    assert run(docs).documents == 1
    assert paths(docs) == ["mail.eml", "mail.eml/a.pdf", "mail.eml/b.pdf"]
    assert run(docs).documents == 0


def test_removing_a_message_removes_what_is_attached(docs: Path) -> None:
    (docs / "mail.eml").write_bytes(mail("costs", {"report.pdf": pdf("engines")}).as_bytes())
    run(docs)
    with open_writer(docs.parent / "index", fingerprint=None, create=False) as writer:
        assert writer.remove(["mail.eml", "mail.eml/report.pdf"]) == 2
    assert paths(docs) == []


@pytest.mark.parametrize("name", ["a.eml", "a.mbox"])
def test_what_is_attached_beyond_the_number_that_is_looked_at_is_told(docs: Path, name: str) -> None:
    count = PARTS_MAX + 2  # of which one is the text
    message = mail("many", {f"{n}.txt": b"" for n in range(count)})
    content = message.as_bytes()
    (docs / name).write_bytes(b"From kim\n" + content + b"\n" if name.endswith("mbox") else content)
    run(docs)
    with open_snapshot(docs.parent / "index") as snapshot:
        (told,) = (each for each in snapshot.unread.all() if each.kind == ATTACHMENT)
    assert (told.path, told.reason) == (name, "3 attached files were not read: all after the first 499")


def test_what_lies_in_a_pdf_beyond_the_number_that_is_looked_at_is_told(docs: Path) -> None:
    files = {f"{n}.bin": b"x" for n in range(ATTACHED_MAX + 2)}
    (docs / "a.pdf").write_bytes(pdf("many", files))
    members = EmbeddedFiles(open_pdf(docs / "a.pdf", ()))
    assert (len(members.names), members.left_out) == (ATTACHED_MAX, 2)
    members.close()
    run(docs)
    with open_snapshot(docs.parent / "index") as snapshot:
        (told,) = snapshot.unread.all()
    assert told.reason.startswith("1,002 attached files were not read: 0.bin, ")
    assert told.reason.endswith(", …, and all after the first 1,000")


def test_an_attachment_fails_alone(docs: Path) -> None:
    (docs / "mail.eml").write_bytes(mail("costs", {"good.pdf": pdf("good"), "bad.pdf": b"%PDF-nonsense"}).as_bytes())
    report = run(docs)
    assert [failure.path for failure in report.failed] == ["mail.eml/bad.pdf"]
    assert paths(docs) == ["mail.eml", "mail.eml/bad.pdf", "mail.eml/good.pdf"]
    assert [failure.path for failure in run(docs).failed] == ["mail.eml/bad.pdf"]  # tried again


def test_an_interrupted_run_opens_the_message_again(docs: Path) -> None:
    (docs / "mail.eml").write_bytes(mail("costs", {"a.pdf": pdf("a"), "b.pdf": pdf("b")}).as_bytes())

    def stop(progress: object) -> None:
        if getattr(progress, "path", "") == "mail.eml/b.pdf":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pipeline.index_documents([docs], docs.parent / "index", encoder=FakeEncoder(), on_progress=stop)
    assert run(docs, prune=True).removed == 0
    assert paths(docs) == ["mail.eml", "mail.eml/a.pdf", "mail.eml/b.pdf"]
    assert unread(docs) == []


def test_archives_are_opened_where_that_is_asked_for(docs: Path) -> None:
    files = {"in/a.pdf": pdf("alpha"), "../../evil.pdf": pdf("evil"), "/etc/b.pdf": pdf("beta"), ".DS_Store": b"1"}
    (docs / "all.zip").write_bytes(zipped(files))
    (docs / "all.tar.gz").write_bytes(tarred(files))
    (docs / "c.pdf").write_bytes(pdf("gamma"))
    skipped = run(docs).other_kinds
    assert [(each.kind, each.advice) for each in skipped] == [
        (".tar.gz", "--archives opens them"),
        (".zip", "--archives opens them"),
    ]
    assert run(docs, archives=True).failed == ()
    names = ("", "/etc/b.pdf", "/evil.pdf", "/in/a.pdf")
    assert paths(docs) == sorted(["c.pdf", *(f"all.{kind}{name}" for kind in ("tar.gz", "zip") for name in names)])
    assert sorted(each.name for each in docs.parent.iterdir()) == ["docs", "index"]


def test_bombs_cost_themselves_only(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (docs / "all.zip").write_bytes(zipped({"bomb.pdf": bytes(40 << 20), "good.pdf": pdf("good")}))
    (docs / "bomb.tgz").write_bytes(tarred({"bomb.pdf": bytes(40 << 20)}))
    report = run(docs, archives=True)
    reasons = {failure.path: failure.reason for failure in report.failed}
    assert "fold, as no document does" in reasons.pop("all.zip/bomb.pdf")
    assert "expands more than 200-fold" in reasons.pop("bomb.tgz")
    assert reasons == {}
    assert "all.zip/good.pdf" in paths(docs)
    monkeypatch.setattr(attached_documents, "FILES_MAX", 1)
    (docs / "many.zip").write_bytes(zipped({f"{number}.pdf": pdf(str(number)) for number in range(3)}))
    run(docs, archives=True)
    assert "many.zip: 2 attached files were not read: 1.pdf, 2.pdf" in unread(docs)


def test_a_damaged_archive_is_a_failure(docs: Path) -> None:
    (docs / "bad.zip").write_bytes(zipped({"a.pdf": pdf("a")})[:-30])
    (docs / "good.pdf").write_bytes(pdf("good"))
    assert [failure.path for failure in run(docs, archives=True).failed] == ["bad.zip"]


def test_an_index_made_before_gets_what_is_attached(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (docs / "mail.eml").write_bytes(mail("costs", {"report.pdf": pdf("engines")}).as_bytes())
    with monkeypatch.context() as patched:
        patched.setattr(attached_documents, "DEPTH_MAX", 0)
        run(docs)
    assert unread(docs) == ["mail.eml: 1 attached file was not read: report.pdf"]
    report = run(docs)
    assert (report.documents, report.skipped, ATTACHMENT in report.unread) == (1, 1, False)
    assert paths(docs) == ["mail.eml", "mail.eml/report.pdf"]


def test_the_file_of_what_is_attached_is_taken_out_again(docs: Path) -> None:
    inner = mail("inner", {"deep.pdf": pdf("deep")})
    content = pdf("engines")
    (docs / "mail.eml").write_bytes(mail("costs", {"report.pdf": content}, (inner,)).as_bytes())
    run(docs)
    index = docs.parent / "index"
    assert source_folders.locate_content(index, "mail.eml/report.pdf").read_bytes() == content
    assert source_folders.locate_content(index, "mail.eml/message.eml/deep.pdf").suffix == ".pdf"
    with pytest.raises(UsageError, match=r"has no gone\.pdf in it now"):
        source_folders.locate_content(index, "mail.eml/gone.pdf")
    (docs / "mail.eml").unlink()
    with pytest.raises(UsageError, match="not where it was indexed"):
        source_folders.locate_content(index, "mail.eml/report.pdf")


def test_no_temporary_file_stays(docs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    (docs / "mail.eml").write_bytes(mail("costs", {f"{n}.pdf": pdf(str(n)) for n in range(4)}).as_bytes())
    run(docs)
    assert list(place.iterdir()) == []


def test_names_are_plain_and_differ() -> None:
    names = ["a/../b.pdf", "b.pdf", "b.pdf", "x\x1b[31m.pdf", "..", "\udcff.pdf", "n" * 300 + ".pdf"]
    plain = unique_names(names)
    assert len(set(plain)) == len(names)
    assert all("\x1b" not in each and ".." not in each.split("/") for each in plain)
    assert all(len(each) <= 150 for each in plain)
    assert plain[:4] == ["a/b.pdf", "b.pdf", "b (2).pdf", "x_[31m.pdf"]


def test_encrypted_files_in_an_archive_say_so(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    file.write_bytes(zipped({"a.pdf": pdf("a")}))
    content = bytearray(file.read_bytes())
    for magic, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(magic) + place] |= 1
    file.write_bytes(content)
    with pytest.raises(archive.DocumentError, match="encrypted in the archive"):
        archive.open_archive(file, ["wrong"]).read(0)


def test_failures_of_attachments_are_listed(docs: Path) -> None:
    (docs / "mail.eml").write_bytes(mail("costs", {"bad.png": b"not a picture"}).as_bytes())
    (failure,) = run(docs).failed
    with open_snapshot(docs.parent / "index") as snapshot:
        assert snapshot.failures() == [Failure("mail.eml/bad.png", None, failure.reason)]


def test_no_temporary_file_has_the_name_of_an_earlier_one(tmp_path: Path) -> None:
    first = new_file(tmp_path, "a.pdf")
    first.unlink()
    assert new_file(tmp_path, "b.pdf").name != first.name
    assert new_file(tmp_path, "b.tar.gz").name.endswith(".tar.gz")
    assert new_file(tmp_path, "b.p/df").suffix == ""


def test_several_processes_render_what_is_attached(docs: Path) -> None:
    """Pages of one attachment are drawn by processes that drew the attachment before it."""
    for number in range(3):
        book = pymupdf.open()
        for page in range(24):
            book.new_page(width=200, height=260).insert_text((20, 40), f"book {number} page {page}", fontsize=14)
        (docs / f"{number}.eml").write_bytes(mail(f"mail {number}", {"book.pdf": book.tobytes()}).as_bytes())
    pipeline.index_documents([docs], docs.parent / "index", encoder=FakeEncoder(), workers=2)
    with open_snapshot(docs.parent / "index") as snapshot:
        for row, ref in enumerate(snapshot.refs(range(len(snapshot)))):
            if ref.path.endswith("book.pdf"):
                assert f"book {ref.path[0]} page {ref.page - 1}" in snapshot.text(row)
