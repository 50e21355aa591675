"""Half a surrogate pair in what an agent sends gets an answer."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from docsearch.server.mended_input import mended


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (r'"\ud800"', "\ufffd"),
        (r'"\uDFFF\ud800x"', "\ufffd\ufffdx"),
        (r'"\ud83d\ude00"', "😀"),
        (r'"\\ud800 \" \u0041 \n"', '\\ud800 " A \n'),
        (r'"\\\ud800"', "\\\ufffd"),
        ('"naïve"', "naïve"),
    ],
)
def test_only_halves_are_replaced(sent: str, read: str) -> None:
    assert json.loads(mended(sent.encode())) == read


@pytest.mark.slow
def test_a_question_with_half_a_pair_is_answered(sample_index: Path) -> None:
    pytest.importorskip("mcp", reason="needs the extra 'mcp'")
    command = [sys.executable, "-m", "docsearch", "mcp", "--index", str(sample_index)]
    about = {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    call = {"name": "search", "arguments": {"query": "revenue \ud800 chart"}}
    lines = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call},
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        ending = threading.Timer(300, server.kill)
        ending.start()
        for line in lines:
            server.stdin.write(json.dumps(line).encode() + b"\n")
        server.stdin.flush()
        answers = [json.loads(server.stdout.readline() or b"null") for _ in range(2)]
        ending.cancel()
        server.stdin.close()
    assert answers[1] is not None, "no answer within five minutes"
    assert answers[1]["id"] == 2
    assert answers[1]["result"]["structuredContent"]["hits"]
