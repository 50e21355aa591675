"""Names that source code defines, and those that a question may mean; which files are tests.

A name is compared without case and underscores: "open writer", open_writer and openWriter are one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ..models.pixel.function_words import ENGLISH, by_language

_MODIFIERS = (
    r"(?:(?:export|default|declare|public|private|protected|internal|static|final|abstract|sealed|open|override|async|"
    r"virtual|inline|unsafe|extern|pub(?:\([a-z]+\))?|local|data|suspend)\s+)*"
)
_KEYWORDS = (
    r"(?:def|class|function\*?|func|fn|fun|sub|procedure|interface|type|struct|enum|union|trait|record|object|protocol|"
    r"module|mod|namespace|macro_rules!|typedef|CREATE\s+(?:TABLE|VIEW|FUNCTION))"
)
DEFINITION = re.compile(
    rf"^[ \t]*{_MODIFIERS}{_KEYWORDS}[ \t]+(?:\([^)\n]*\)[ \t]*)?(?P<keyword>[A-Za-z_$][\w$]*)"
    # A constant, variable or arrow function of the module itself, which is not indented.
    rf"|^{_MODIFIERS}(?:const|let|var|val)[ \t]+(?P<variable>[A-Za-z_$][\w$]*)"
    r"|^(?P<assigned>[A-Za-z_]\w*)[ \t]*(?::[^=\n]{1,60})?=(?![=>])"
    # A function of C, Java and their like: types, a name, arguments, an opening brace.
    r"|^[ \t]*(?!(?:else|return|new|throw|case|do|await|yield)\b)(?:[\w<>\[\],:&*.]+[ \t]+){1,6}[*&]*"
    r"(?!(?:if|for|while|switch|catch)\b)(?P<typed>[A-Za-z_]\w*)"
    r"[ \t]*\([^;{}()]{0,500}\)[ \t]*(?:const|override|noexcept|throws [\w., ]+)?[ \t]*\n?\{",
    re.MULTILINE | re.IGNORECASE,
)
"""A line that defines a name, in the commonest programming languages."""
NAME_MIN_CHARS = 3
LONGEST_NAME = 6
"""Most words of a question that are tried together as one name."""
_WORD = re.compile(r"[^\W_]+")
_SEPARATORS = re.compile(r"[\W_]+")
_TEST_FILE = re.compile(
    r"(?:^|/)(?:tests?|__tests__|specs?|testing|testdata|fixtures)/|(?:^|/)(?:test_|conftest\.)[^/]*$"
    r"|[._-](?:test|tests|spec)\.\w+$|\w(?:Test|Tests|Spec)\.\w+$"
)
_ASKS_FOR_TESTS = re.compile(r"(?i:\b(?:tests?|tested|testing|specs?|fixtures?|mock(?:s|ed)?)\b|\btest_)|[a-z]Tests?\b")


class AskedName(NamedTuple):
    """A name that a question may mean, as `defined_names` writes it, and the `share` of the question's words in it."""

    name: str
    share: float


def folded_name(name: str) -> str:
    """A name without case and underscores.

    >>> folded_name("open_writer"), folded_name("openWriter"), folded_name("_WRITER")
    ('openwriter', 'openwriter', 'writer')
    """
    return _SEPARATORS.sub("", name).casefold()


def defined_names(text: str) -> Iterator[tuple[str, int]]:
    r"""Yield each name that a page of source code defines, folded, with the place where its line begins.

    >>> [name for name, _ in defined_names("class PageIndex:\n    def open_writer(self):\n        call(writer)")]
    ['pageindex', 'openwriter']
    >>> [name for name, _ in defined_names("export const usePanZoom = () => 1;\nif (a) {\nfunc (s *Set) Len() {")]
    ['usepanzoom', 'len']
    """
    for match in DEFINITION.finditer(text):
        name = folded_name(match.group(match.lastgroup or 0))
        if len(name) >= NAME_MIN_CHARS:
            yield name, match.start()


def asked_names(question: str) -> list[AskedName]:
    """The names that a question may mean: each of its words, and neighbouring words as one name.

    >>> asked_names("open_writer")
    [AskedName(name='open', share=0.5), AskedName(name='openwriter', share=1.0), AskedName(name='writer', share=0.5)]
    """
    common = by_language()[ENGLISH]
    words = [word.casefold() for word in _WORD.findall(question)]
    telling = [word not in common for word in words]
    shares: dict[str, float] = {}
    for first in range(len(words)):
        for end in range(first + 1, min(first + LONGEST_NAME, len(words)) + 1):
            name, counted = "".join(words[first:end]), sum(telling[first:end])
            if counted and len(name) >= NAME_MIN_CHARS:
                shares[name] = max(shares.get(name, 0.0), counted / sum(telling))
    return [AskedName(name, share) for name, share in shares.items()]


def is_test(path: str) -> bool:
    """Whether a source file is a test, by its path.

    >>> [is_test(path) for path in ("tests/conftest.py", "a/set_test.go", "web/Set.spec.ts", "contest.py", "latest.js")]
    [True, True, True, False, False]
    """
    return _TEST_FILE.search(path) is not None


def asks_for_tests(question: str) -> bool:
    """Whether a question is about tests.

    >>> asks_for_tests("tests of the parser"), asks_for_tests("latest version")
    (True, False)
    """
    return _ASKS_FOR_TESTS.search(question) is not None
