"""A server on this machine that speaks vLLM's, Infinity's and TEI's formats, with vectors that are hashes of words."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image

DIM = 32


class EmbeddingServer(ThreadingHTTPServer):
    """Answers POST requests. `failures` are statuses that it answers first; `requests` are the bodies that it got."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.failures: list[int] = []
        self.requests: list[dict[str, Any]] = []
        self.headers_seen: list[dict[str, str]] = []
        self.seed = "weights 1"
        self.noise = 0.0
        self.one_vector = False
        self.spoiled: Any = None
        self.picture_status = 200

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def of_text(self, text: str) -> np.ndarray:
        """A vector for each word of a text."""
        return np.stack([self._direction(word) for word in text.lower().split()])

    def of_picture(self, link: str) -> np.ndarray:
        """A vector for each of four strips of a picture in a data URI."""
        head, _, content = link.partition(",")
        assert head == "data:image/png;base64"
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB"))
        return np.stack([self._direction(strip.tobytes().hex()) for strip in np.array_split(pixels, 4)])

    def shaped(self, vectors: np.ndarray) -> list[Any]:
        rng = np.random.default_rng(int.from_bytes(hashlib.sha256(vectors.tobytes()).digest()[:8], "big"))
        noisy = vectors + rng.normal(0, self.noise, vectors.shape)
        found: list[Any] = (noisy.mean(axis=0) if self.one_vector else noisy).tolist()
        return found

    def _direction(self, what: str) -> np.ndarray:
        number = int.from_bytes(hashlib.sha256((self.seed + what).encode()).digest()[:8], "big")
        vector = np.random.default_rng(number).normal(size=DIM)
        return vector / np.linalg.norm(vector)


class Handler(BaseHTTPRequestHandler):
    server: EmbeddingServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.failures:
            status = self.server.failures.pop(0)
            self._answer(status, {"error": "overloaded"})
            return
        if "messages" in body and self.server.picture_status != 200:
            self._answer(self.server.picture_status, {"error": "out of memory"})
            return
        self.server.requests.append(body)
        self.server.headers_seen.append(dict(self.headers))
        answer = getattr(self, f"_{self.path.strip('/').replace('/', '_')}")(body)
        self._answer(200, self.server.spoiled if self.server.spoiled is not None else answer)

    def _pooling(self, body: dict[str, Any]) -> Any:
        """vLLM: texts, or one picture in a message."""
        if "messages" in body:
            ((message,), image) = (body["messages"], body["messages"][0]["content"][0])
            assert message["role"] == "user"
            assert image["type"] == "image_url"
            found = [self.server.of_picture(image["image_url"]["url"])]
        else:
            found = [self.server.of_text(text) for text in body["input"]]
        rows = [{"index": i, "object": "pooling", "data": self.server.shaped(each)} for i, each in enumerate(found)]
        return {"object": "list", "model": body.get("model"), "data": rows[::-1]}

    def _embeddings(self, body: dict[str, Any]) -> Any:
        """Infinity: texts, or pictures."""
        assert body["encoding_format"] == "float"
        embed = self.server.of_picture if body["modality"] == "image" else self.server.of_text
        found = [self.server.shaped(embed(each)) for each in body["input"]]
        return {"data": [{"index": i, "object": "embedding", "embedding": each} for i, each in enumerate(found)]}

    def _embed(self, body: dict[str, Any]) -> Any:
        """TEI: one vector for each text."""
        assert body["truncate"] is True
        return [self.server.of_text(text).mean(axis=0).tolist() for text in body["inputs"]]

    def _embed_all(self, body: dict[str, Any]) -> Any:
        """TEI: a vector for each token of each text."""
        return [self.server.of_text(text).tolist() for text in body["inputs"]]

    def _answer(self, status: int, content: Any) -> None:
        payload = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""


@contextmanager
def running() -> Iterator[EmbeddingServer]:
    with EmbeddingServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
