"""JSON that people and other programs wrote, parsed with errors that say what is wrong with it."""

from __future__ import annotations

import json
from typing import Any


class NotJson(ValueError):
    """Text that cannot be parsed as JSON, in `line`, counting from 1; the message says why."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def parse(text: str) -> Any:
    """The value of a JSON text. Raises NotJson.

    >>> parse('{"query": ')
    Traceback (most recent call last):
    docsearch.engine.json_text.NotJson: not JSON: Expecting value at character 11
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as err:
        raise NotJson(f"not JSON: {err.msg} at character {err.colno}", err.lineno) from err
    except (ValueError, RecursionError) as err:  # numbers of thousands of digits, nesting thousands deep
        raise NotJson(f"not JSON that can be read: {err}", 1) from err
