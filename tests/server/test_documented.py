"""docs/server.md: its requests are those of the API, its fields are sent, and its examples with curl work."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from fastapi.testclient import TestClient
from httpx2 import Response

from documented import REPOSITORY, blocks, prose

GUIDE = REPOSITORY / "docs/server.md"
REQUEST = re.compile(r"`((?:GET|POST|PUT|DELETE) [^`]+|/[\w/{}.?=&]+)`")
"""A request in the table; the method of the one before counts where there is none."""
FIELD = re.compile(r"`([a-z]{2,}[a-z_0-9]*)`")
EXAMPLE_UPLOAD = re.compile(r"/v1/uploads/([0-9a-f]{16})/")
BESIDES = {"auto", "deploy", "docsearch", "localhost", "true", "false", "null", "otel", "traceparent", "watch"}
"""What the guide writes like a field and is none."""

Follow = Callable[[TestClient, str], list[dict[str, object]]]


def requests() -> Iterator[str]:
    """The requests of the table as "METHOD path?query", with every {parameter} written as {}."""
    method = ""
    for row in re.findall(r"^\| (`(?:GET|POST|PUT|DELETE) .*?) \|", prose(GUIDE), re.MULTILINE):
        for found in REQUEST.findall(row):
            method, _, address = found.rpartition(" ") if " " in found else (method, "", found)
            yield f"{method} {address}"


def without_names(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path)


def test_the_table_has_every_route_with_its_parameters(client: TestClient) -> None:
    described = {
        f"{method.upper()} {without_names(path)}": {each["name"] for each in operation.get("parameters", [])}
        for path, methods in client.get("/openapi.json").json()["paths"].items()
        for method, operation in methods.items()
    }
    documented = {}
    for request in requests():
        path, _, query = request.partition("?")
        asked = set(parse_qs(query.replace("…", ""), keep_blank_values=True)) - {""}
        documented[without_names(path)] = asked
    assert set(documented) == set(described)
    assert {path: asked - described[path] for path, asked in documented.items() if asked - described[path]} == {}


def test_fields_of_the_guide_are_fields_of_the_api(client: TestClient) -> None:
    known: set[str] = set()

    def collect(part: object) -> None:
        if isinstance(part, dict):
            known.update(part.get("properties", {}))
            known.update(value for value in part.get("enum", []) if isinstance(value, str))
            known.update(example for example in part.get("examples", []) if isinstance(example, str))
            if "in" in part:
                known.add(part["name"])
        for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            collect(each)

    collect(client.get("/openapi.json").json())
    known |= set(re.findall(r"^# TYPE (\w+)", client.get("/metrics").text, re.MULTILINE))
    text = prose(GUIDE)
    quoted = re.findall(r'{"(\w+)"|, "(\w+)"(?=[,}:])', text)
    named = {*FIELD.findall(text), *(first or second for first, second in quoted)}
    sent_as_events = {"pages", "piece", "citations", "number", "found", "error"}
    assert named - known - BESIDES - sent_as_events == set()


def test_examples_with_curl_work(client: TestClient, index: Path, followed: Follow) -> None:
    report = (index.parent / "docs/a.pdf").read_bytes() + b"\n"
    uploads: list[str] = []
    answers: list[Response] = []
    for block in blocks(GUIDE, "", "sh", "bash"):
        for line in block.text.splitlines():
            words = shlex.split(line)
            if words[:1] != ["curl"]:
                continue
            address = next(urlsplit(word) for word in words if word.startswith("http://"))
            assert address.netloc == str(client.base_url.netloc, "ascii")
            target = f"{address.path}?{address.query}"
            if EXAMPLE_UPLOAD.search(target):  # the id that a reader was given
                target = EXAMPLE_UPLOAD.sub(f"/v1/uploads/{uploads[-1]}/", target)
            given = [words[at + 1] for at, word in enumerate(words) if word in ("-d", "--data-binary")]
            headers = dict(words[at + 1].split(": ") for at, word in enumerate(words) if word == "-H")
            content = report if given == ["@report.pdf"] else "".join(given).encode()
            answers.append(client.request("POST" if given else "GET", target, content=content, headers=headers))
            if address.path == "/v1/documents":
                uploads.append(answers[-1].json()["upload"])
    assert [answer.status_code for answer in answers] == [200, 202, 200]
    assert answers[0].json()["answers"][0]["hits"] != []
    events = [json.loads(line[6:]) for line in answers[2].text.splitlines() if line.startswith("data: ")]
    assert events[-1]["state"] == "done"
    (documented,) = re.findall(r"Each event is `{(.*?)}`", prose(GUIDE))
    assert set(re.findall(r'"(\w+)"', documented)) == set(events[-1])
