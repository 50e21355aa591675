"""Mends what an agent's program sends on stdin: halves of surrogate pairs, which the protocol's SDK cannot read.

The SDK drops such a line without an answer, and the agent waits for ever. Each half becomes U+FFFD instead.
"""

from __future__ import annotations

import os
import re
import threading

STDIN = 0
ESCAPE = re.compile(
    rb"\\(?:(?P<pair>u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
"""An escape in a string of JSON: a whole surrogate pair, half a one, or any other."""
REPLACEMENT = rb"\ufffd"


def mended(line: bytes) -> bytes:
    r"""A line of JSON with each half of a surrogate pair replaced.

    >>> mended(rb'{"query": "a \ud83d\ude00 b \ud83d c \\ud83d"}').decode()
    '{"query": "a \\ud83d\\ude00 b \\ufffd c \\\\ud83d"}'
    """
    return ESCAPE.sub(lambda found: REPLACEMENT if found["half"] else found[0], line)


def mend_stdin() -> None:
    """Let this process read its standard input mended from here on. The thread that does so ends with the input."""
    source = os.dup(STDIN)
    readable, writable = os.pipe()
    os.dup2(readable, STDIN)
    os.close(readable)

    def copy() -> None:
        try:
            with os.fdopen(source, "rb") as lines, os.fdopen(writable, "wb", buffering=0) as out:
                for line in lines:
                    out.write(mended(line))
        except OSError:  # nobody reads any more: the server has ended
            pass

    threading.Thread(target=copy, name="docsearch-stdin", daemon=True).start()
