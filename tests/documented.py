"""What README, docs/ and deploy/ tell readers to type: fenced blocks, and the docsearch commands in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer.main

from docsearch.cli import app

REPOSITORY = Path(__file__).resolve().parents[1]
LOG = REPOSITORY / "docs/log.md"
DOCUMENTS = [
    *(
        REPOSITORY / name
        for name in (
            "README.md",
            "ARCHITECTURE.md",
            "CONTRIBUTING.md",
            "CHANGELOG.md",
            "sample_docs/README.md",
            "benchmarks/README.md",
        )
    ),
    *sorted((REPOSITORY / "docs").rglob("*.md")),
]
# The log and the list of changes tell what was true on the day of an entry; their links are checked all the same.
PRESENT = [document for document in DOCUMENTS if document.name not in ("log.md", "CHANGELOG.md")]
# docs/cli.md is what the commands say of themselves: its examples stand in indented lines, not in fences.
GENERATED = REPOSITORY / "docs/cli.md"
DEPLOYMENT = sorted(file for file in (REPOSITORY / "deploy").rglob("*") if file.is_file() and file.suffix != ".json")

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLE = re.compile(r"^    (docsearch .*)$", re.MULTILINE)
QUOTED = re.compile(r"'(docsearch [^']*)'")
PROMPT = re.compile(r"^(?:\w+)?\$ ")
PROGRAM = "docsearch"
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Block:
    """A fenced block of a document, with the language that its fence names ("" if none)."""

    document: Path
    language: str
    text: str


def name(document: Path) -> str:
    """A document's path in the repository."""
    return document.relative_to(REPOSITORY).as_posix()


def blocks(document: Path, *languages: str) -> list[Block]:
    """The fenced blocks of a document in one of the languages, or all."""
    found = [Block(document, *each) for each in BLOCK.findall(document.read_text("utf-8"))]
    return [block for block in found if not languages or block.language in languages]


def prose(document: Path) -> str:
    """A document without its fenced blocks."""
    return BLOCK.sub("", document.read_text("utf-8"))


def commands(document: Path) -> list[list[str]]:
    """The arguments of every docsearch command that a reader of the document is told to type, in order."""
    if document == GENERATED:
        lines = EXAMPLE.findall(document.read_text("utf-8"))
    elif document.suffix == ".md":
        lines = [line for block in blocks(document, "", "sh", "bash") for line in block.text.splitlines()]
    else:
        # Commands stand in remarks and among settings: what follows the program's name tells them from prose.
        lines = [line.lstrip("# ") for line in document.read_text("utf-8").splitlines()]
        lines += [quoted for line in lines for quoted in QUOTED.findall(line)]  # for a program that runs it elsewhere
        found = [each for line in lines for each in commands_of(line)]
        return [words for words in found if words and words[0] in COMMANDS]
    return [found for line in lines for found in commands_of(line)]


def commands_of(line: str) -> Iterator[list[str]]:
    """The docsearch commands of one line of a shell, wherever in it they stand; none where it is no shell's.

    >>> list(commands_of("0 2 * * *  docsearch update --prune >> log && docsearch info  # every night"))
    [['update', '--prune'], ['info']]
    """
    lexer = shlex.shlex(PROMPT.sub("", line), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        return
    command: list[str] | None = None
    for at, word in enumerate([*words, ";"]):
        if set(word) <= set("();<>|&"):
            if command is not None:
                yield command
            command = None
        elif command is not None:
            command.append(word)
        elif word.rpartition("/")[2] == PROGRAM and (at == 0 or (words[at + 1 : at + 2] and words[at + 1] in COMMANDS)):
            command = []  # as the first word, or else told by what follows
