"""Names that source code defines, in many languages, and those that a question may mean."""

from __future__ import annotations

import pytest

from docsearch.engine.query.definitions import asked_names, asks_for_tests, defined_names, is_test

DEFINITIONS = {
    "def open_writer(path):": "openwriter",
    "    async def open_writer(self):": "openwriter",
    "class PageIndex(Base):": "pageindex",
    "BATCH_PAGES = 16": "batchpages",
    "BATCH_PAGES: int = 16": "batchpages",
    "export default function PlainButton(props) {": "plainbutton",
    "export const usePanZoom = () => {": "usepanzoom",
    "interface PlainButtonProps extends Other {": "plainbuttonprops",
    "export type Where = string;": "where",
    "func (set *Set) Len() int {": "len",
    "type Set struct {": "set",
    "pub(crate) fn open_writer<T>(path: &Path) -> Writer {": "openwriter",
    "pub struct PageIndex {": "pageindex",
    "int main(int argc, char **argv) {": "main",
    "static void scan_lists(const uint8_t *lists,\n                       size_t n)\n{": "scanlists",
    "public static List<String> names(int count) throws IOException {": "name",
    "fun openWriter(path: Path): Writer {": "openwriter",
    "CREATE TABLE page_labels (page INTEGER)": "pagelabel",
    "module Search": "search",
}
NO_DEFINITIONS = (
    "return open_writer(path)",
    "    x = open_writer(path)",
    "if (open_writer) {",
    "} else if (open_writer(path)) {",
    "else if (open_writer(path)) {",
    "for (const page of pages) {",
    "while (is_open()) {",
    "a == b",
    "self.writer = writer",
    "import open_writer from './writer'",
)


@pytest.mark.parametrize("line", DEFINITIONS)
def test_what_a_line_defines_is_told(line: str) -> None:
    wanted = DEFINITIONS[line]
    assert [name for name, _ in defined_names(f"first line\n{line}\n") if name.startswith(wanted)]


@pytest.mark.parametrize("line", NO_DEFINITIONS)
def test_uses_define_nothing(line: str) -> None:
    assert list(defined_names(f"{line}\n")) == []


def test_a_long_line_of_data_takes_no_time() -> None:
    assert list(defined_names("a " * 100_000 + "\n" + "[1, 2], " * 100_000)) == []


@pytest.mark.parametrize("question", ["openWriter", "open_writer", "open writer", "OPEN-WRITER"])
def test_a_question_means_a_name_in_any_spelling(question: str) -> None:
    assert [each.share for each in asked_names(question) if each.name == "openwriter"] == [1.0]


def test_a_name_counts_by_its_share_of_the_question() -> None:
    shares = {each.name: each.share for each in asked_names("what is the page index written")}
    assert shares["pageindex"] == pytest.approx(2 / 3)
    assert shares["index"] == pytest.approx(1 / 3)
    assert "the" not in shares


def test_tests_are_told_by_their_paths() -> None:
    tests = (
        "tests/a.py",
        "web/__tests__/a.js",
        "src/test/java/A.java",
        "test_a.py",
        "a_test.go",
        "a.spec.ts",
        "ATest.kt",
    )
    others = ("latest/a.py", "src/contest.py", "attest.go", "inspector.ts", "src/protest/a.java")
    assert [is_test(path) for path in (*tests, *others)] == [True] * len(tests) + [False] * len(others)


@pytest.mark.parametrize(
    ("question", "asks"),
    [("tests of open_writer", True), ("test_open_writer", True), ("WriterTest", True), ("latest contest", False)],
)
def test_a_question_may_ask_for_tests(question: str, asks: bool) -> None:
    assert asks_for_tests(question) is asks
