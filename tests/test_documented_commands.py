"""Every docsearch command that README, docs/ and deploy/ show is one that this version takes."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from docsearch.cli import app
from documented import COMMANDS, DEPLOYMENT, PRESENT, PROGRAM, blocks, commands, name, prose

SPAN = re.compile(rf"`{PROGRAM}\s+([^`]+)`")
UNFINISHED = ("Missing argument", "Missing option", "requires an argument")
"""What typer says of a command that a sentence names without all that it needs."""
PLACEHOLDER = re.compile(r"(?<==)[A-Z]+$|^[A-Z]+$|…|\.\.\.$")
"""A word that stands for a value: N, FOLDER, …"""


@cache
def parser() -> TyperGroup:
    """The command line without what its commands do."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    for command in group.commands.values():
        command.callback = lambda **values: None
    return group


def wrong_with(words: list[str]) -> str:
    """What typer has against these arguments, without carrying out the command; "" if nothing."""
    try:
        parser().main(args=words, prog_name=PROGRAM, standalone_mode=False)
    except Exception as err:
        if not hasattr(err, "format_message"):
            raise
        return str(err.format_message())
    return ""


@pytest.mark.parametrize("document", [*PRESENT, *DEPLOYMENT], ids=name)
def test_commands_in_blocks_can_be_typed(document: Path) -> None:
    wrong = [(shlex.join(words), said) for words in commands(document) if (said := wrong_with(words))]
    assert wrong == []


@pytest.mark.parametrize("document", PRESENT, ids=name)
def test_commands_in_sentences_exist_with_their_options(document: Path) -> None:
    wrong = []
    for span in SPAN.findall(prose(document)):
        words = [word for word in shlex.split(span) if "…" not in word]
        for each in words[0].split("|") if words else []:
            # A placeholder is any value that the option takes: a number is.
            command = [each, *("1" if PLACEHOLDER.search(word) else word for word in words[1:])]
            said = wrong_with(command)
            if said and not said.startswith(UNFINISHED) and not said.endswith(UNFINISHED[-1] + "."):
                wrong.append((span, said))
    assert wrong == []


def test_the_guides_speak_of_every_command() -> None:
    guides = [document for document in PRESENT if document.name != "cli.md"]
    typed = {words[0] for document in guides for words in commands(document) if words}
    named = {span.split()[0] for document in guides for span in SPAN.findall(prose(document))}
    assert {*COMMANDS} - typed - named == set()


def test_a_command_that_would_be_refused_is_noticed() -> None:
    for refused in (
        ["no-such-command"],
        ["query", "revenue", "--no-such-option"],
        ["query", "revenue", "-k", "many"],
        ["query", "revenue", "--mode", "pictures"],
        ["index", "reports", "--device", "tpu"],
        ["index"],
    ):
        assert wrong_with(refused) != ""
    assert wrong_with(["--log-format", "json", "query", "revenue", "-k", "3", "--open"]) == ""


def test_blocks_are_read_whole() -> None:
    readme = next(document for document in PRESENT if document.name == "README.md")
    text = "".join(block.text for block in blocks(readme))
    assert [" ".join(words) for words in commands(readme)][:2] == [
        "index sample_docs",
        "query revenue chart 2023 -k 5",
    ]
    assert len(commands(readme)) == len(re.findall(r"^docsearch ", text, re.MULTILINE))
