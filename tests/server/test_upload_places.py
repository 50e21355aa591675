"""Uploads that wait say how many are ahead of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from fastapi.testclient import TestClient
from held_encoder import WAIT_S, held

Followed = Callable[[TestClient, str], list[dict[str, object]]]


def test_an_upload_moves_up_as_those_ahead_end(
    index: Path, make_pdf: Callable[..., Path], tmp_path: Path, followed: Followed
) -> None:
    contents = {f"{number}.pdf": make_pdf(tmp_path / f"{number}.pdf", [f"page {number}"]) for number in range(3)}
    states: list[dict[str, object]] = []
    with held(index) as (client, encoder):
        sent = {
            name: client.post("/v1/documents", params={"name": name}, content=file.read_bytes()).json()["upload"]
            for name, file in contents.items()
        }
        assert encoder.began.wait(WAIT_S)
        listed = {each["name"]: each["place"] for each in client.get("/v1/uploads").json()["uploads"]}
        assert listed == {"0.pdf": 0, "1.pdf": 1, "2.pdf": 2}
        following = threading.Thread(target=lambda: states.extend(followed(client, sent["2.pdf"])))
        following.start()
        queue, deadline = client.app.state.collections.first.uploads, time.monotonic() + WAIT_S  # type: ignore[attr-defined]
        while not queue._followers:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        encoder.go.set()
        following.join()
    places = [state["place"] for state in states if state["state"] == "waiting"]
    assert places[0] == 2
    assert places == sorted(places, reverse=True)  # type: ignore[type-var]
    assert (states[-1]["state"], states[-1]["place"]) == ("done", 0)
