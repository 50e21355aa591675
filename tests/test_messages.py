"""The texts of errors are kept in tests/messages/: a change of wording shows up in review.

`errors.txt` has every message template of an error that a caller may catch, from the source; `commands.txt` what the
command line prints for common mistakes. To accept new texts: DOCSEARCH_UPDATE_MESSAGES=1 pytest tests/test_messages.py
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from docsearch import cli
from docsearch.engine import errors

REPOSITORY = Path(__file__).resolve().parents[1]
MESSAGES = Path(__file__).parent / "messages"
PACKAGES = (
    "cluster", "commands", "engine", "evaluation", "exchange", "indexer", "integrations", "server", "training",
)  # fmt: skip
ERRORS = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
UPDATE = "DOCSEARCH_UPDATE_MESSAGES"
MISTAKES = (
    ["query", "revenue"],
    ["query", ""],
    ["query", "revenue", "--image", "nothing.png"],
    ["index", "nothing"],
    ["index", "empty"],
    ["index", "folder", "--codec", "int2"],
    ["index", "folder", "--codec", "residual", "--model", "folder"],
    ["index", "folder", "--pool", "0"],
    ["index", "folder", "--model", "no-such-model"],
    ["index", "folder", "--device", "cuda"],
    ["batch", "nothing.jsonl", "-o", "out.jsonl"],
    ["batch", "lists/notes.txt", "-o", "lists/notes.txt"],
    ["batch", "lists/notes.txt", "-o", "out.docx"],
    ["remove", "a.pdf"],
    ["compact", "--codec", "int2"],
    ["verify"],
    ["info", "--index", "lists/notes.txt"],
    ["mine", "lists/notes.txt", "-o", "rows.jsonl"],
    ["train", "lists/notes.txt", "-o", "model"],
    ["eval"],
    ["eval", "nothing.jsonl"],
    ["eval", "lists/notes.txt"],
)


def test_message_templates_are_those_that_were_reviewed() -> None:
    compare("errors.txt", "".join(sorted(f"{name}: {text}\n" for name, text in set(templates()))))


def test_common_mistakes_print_what_was_reviewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DOCSEARCH_INDEX", raising=False)
    monkeypatch.setenv("COLUMNS", "80")  # usage is broken into lines
    # Under 'python -m pytest' click would name the program after the package of that main module.
    monkeypatch.setattr(sys.modules["__main__"], "__package__", None, raising=False)
    for folder in ("empty", "folder", "lists"):
        (tmp_path / folder).mkdir()
    (tmp_path / "lists" / "notes.txt").write_text("revenue\n", "utf-8")
    (tmp_path / "folder" / "scene.blend").write_bytes(b"BLENDER")
    out = []
    for arguments in MISTAKES:
        monkeypatch.setattr("sys.argv", ["docsearch", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = "".join(capsys.readouterr())
        assert ended.value.code == 2, (arguments, printed)
        assert "Traceback" not in printed
        shown = " ".join(repr(word) if " " in word or not word else word for word in arguments)
        out.append(f"$ docsearch {shown}\n{printed.replace(str(tmp_path), 'TMP').strip()}\n")
    compare("commands.txt", "\n".join(out))


def compare(name: str, found: str) -> None:
    file = MESSAGES / name
    if os.environ.get(UPDATE) == "1":
        MESSAGES.mkdir(exist_ok=True)
        file.write_text(found, "utf-8")
    assert found == file.read_text("utf-8"), (
        f"a message changed; if that is meant: {UPDATE}=1 pytest tests/test_messages.py"
    )


def templates() -> Iterator[tuple[str, str]]:
    """The class and the text of each error that is made in the package, with {…} for what is filled in."""
    for package in PACKAGES:
        for file in sorted((REPOSITORY / package).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Call) and node.args:
                    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                    text = template(node.args[0])
                    if name in ERRORS and re.search(r"[a-z]{3}", re.sub(r"{[^}]*}", "", text)):
                        yield name, text


def template(node: ast.expr) -> str:
    """A string expression with its holes named: f"{path}: not found" is "{path}: not found"."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = [
            template(each) if isinstance(each, ast.Constant) else "{" + ast.unparse(each.value) + "}"
            for each in node.values
        ]  # type: ignore[attr-defined]
        return "".join(parts)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return template(node.left) + template(node.right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "needs":
        extras = "".join(f" {ast.unparse(each)}" for each in node.args[1:])
        return f"{template(node.args[0])}; in a clone of docsearch: …{extras}"
    return "{" + ast.unparse(node) + "}"
