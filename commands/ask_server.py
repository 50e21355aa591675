"""Asks a running `docsearch serve` instead of opening the index: the same hits, without loading anything.

An answer counts only if it is of the index's last commit. Whatever is in the way, `answer` raises NotAnswered, and the
question is answered in this process.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from ..engine.store import currency, layout

AUTO = "auto"
"""The server that the index names, on this machine."""
TIMEOUT_S = 10.0
ANNOUNCEMENT_MAX_BYTES = 4096
ANSWER_MAX_BYTES = 16 << 20
HIT_KEYS = ("rank", "score", "path", "page", "doc_id", "also")
LINES_KEY, OCR_ENGINE_KEY = "lines", "ocr_engine"
"""Of hits in text files, and of those whose text OCR read; earlier versions do not send them."""
DETAIL_KEYS = ("label", "title", "modified", "snippet", "recognised")
ANSWER_KEYS = ("confidence", "no_good_match", "unread_letters", "mode", "corrections", "missing_phrases")
OPTIONAL_KEYS = ("missing_shards", "missing_pages", "try_mode")


class NotAnswered(Exception):
    """The server did not answer; the message says why."""


@dataclass(frozen=True, slots=True)
class ServedAnswer:
    """The `hits` of one question as `Hit.as_dict` has them, what is known `about` the answer as `Hits.as_dict` has it,
    and the name of the `model`.
    """

    hits: Sequence[Mapping[str, Any]]
    about: Mapping[str, Any]
    model: str


def answer(
    server: str,
    directory: Path,
    text: str,
    *,
    k: int,
    candidates: int | None,
    exact: bool,
    path: str | None,
    all_copies: bool = False,
    mode: str | None = None,
    details: bool = False,
    where: str | None = None,
) -> ServedAnswer:
    """The answer to one question from the server at the URL `server`, or AUTO; with the `details` of hits.

    The token for a server that asks for one is taken from DOCSEARCH_TOKEN. Raises NotAnswered.
    """
    url, collection = announced(directory) if server == AUTO else (server, "")
    options = {
        "k": k,
        "candidates": candidates,
        "exact": exact,
        "path": path,
        "all_copies": all_copies,
        "mode": mode,
        "details": details or None,
        "where": where,
    }
    body = {"queries": [text], **{name: value for name, value in options.items() if value is not None}}
    try:
        (found,) = _post(url, body, collection)["answers"]
        keys = (*HIT_KEYS, *DETAIL_KEYS) if details else HIT_KEYS
        hits = [{name: hit[name] for name in keys} | _lines(hit) | _ocr_engine(hit) for hit in found["hits"]]
        optional = {name: found[name] for name in OPTIONAL_KEYS if found.get(name)}
        about, model = {name: found[name] for name in ANSWER_KEYS} | optional, str(found["model"])
        paths, generation = {hit["doc_id"]: hit["path"] for hit in hits}, found["snapshot"]
        columns = None if where is None else str(found["columns"])
    except (KeyError, TypeError, ValueError) as err:
        raise NotAnswered(f"{url} sent no answer of docsearch") from err
    if not hits:
        raise NotAnswered(f"{url} found nothing")
    if not currency.is_current(directory, generation, paths, columns):
        raise NotAnswered(f"{url} serves another index than {directory}, or an earlier state of it")
    return ServedAnswer(hits, about, model)


def _lines(hit: Mapping[str, Any]) -> dict[str, list[int]]:
    """The lines of a hit, where it has some. Raises ValueError where they are none."""
    if not hit.get(LINES_KEY):
        return {}
    first, last = hit[LINES_KEY]
    return {LINES_KEY: [int(first), int(last)]}


def _ocr_engine(hit: Mapping[str, Any]) -> dict[str, str]:
    """The program that read the text of a hit by OCR, if one did and details were asked for."""
    return {OCR_ENGINE_KEY: str(hit[OCR_ENGINE_KEY])} if hit.get(OCR_ENGINE_KEY) else {}


def announced(directory: Path) -> tuple[str, str]:
    """The address of the server that runs on an index, on this machine, and the index's collection there, "" where the
    server has no other. Raises NotAnswered.
    """
    try:
        with layout.server_file(directory).open("rb") as opened:
            named = json.loads(opened.read(ANNOUNCEMENT_MAX_BYTES))
        url, collection = str(named["url"]), str(named.get("collection", ""))
    except OSError:
        raise NotAnswered(f"no server runs on {directory}") from None
    except (KeyError, TypeError, ValueError) as err:
        raise NotAnswered(f"{layout.server_file(directory)} names no server") from err
    if not _is_of_this_machine(url):
        # The file may come from somebody else, as the index may: questions do not leave this machine because of it.
        raise NotAnswered(f"{layout.server_file(directory)} names a server of another machine")
    return url, collection


def _is_of_this_machine(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme == "http" and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


def _post(url: str, body: Mapping[str, object], collection: str) -> Mapping[str, Any]:
    """The parsed response of a search, in a `collection` unless that is "". Raises NotAnswered, or ValueError where it
    is no JSON object.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise NotAnswered(f"{url} is no address of a server, such as http://127.0.0.1:8750/")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname, parts.port, timeout=TIMEOUT_S)
    except ValueError as err:
        raise NotAnswered(f"{url} is no address of a server: {err}") from err
    headers = {"Content-Type": "application/json"}
    if token := os.environ.get("DOCSEARCH_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    try:
        query = f"?{urlencode({'collection': collection})}" if collection else ""
        connection.request("POST", f"{parts.path.rstrip('/')}/v1/search{query}", json.dumps(body).encode(), headers)
        response = connection.getresponse()
        content = response.read(ANSWER_MAX_BYTES)
    except (OSError, http.client.HTTPException, UnicodeError, ValueError) as err:
        raise NotAnswered(f"{url} does not answer ({err or type(err).__name__})") from err
    finally:
        connection.close()
    found = json.loads(content)
    if not isinstance(found, dict):
        raise NotAnswered(f"{url} sent no answer of docsearch")
    if response.status != 200:
        raise NotAnswered(f"{url} answered {response.status}: {found.get('error', response.reason)}")
    return found
