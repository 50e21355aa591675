"""Uploads that wait say how many are ahead of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fastapi.testclient import TestClient

from docsearch.server.settings import ServerSettings
from fake_encoder import FakeEncoder
from in_process import served

Followed = Callable[[TestClient, str], list[dict[str, object]]]


def test_an_upload_moves_up_as_those_ahead_end(
    index: Path, make_pdf: Callable[..., Path], tmp_path: Path, followed: Followed
) -> None:
    with served(ServerSettings(index), encoder=FakeEncoder(seconds_per_page=0.4)) as (client, _):
        names = [f"{number}.pdf" for number in range(3)]
        sent = {
            name: client.post(
                "/v1/documents",
                params={"name": name},
                content=make_pdf(tmp_path / name, [f"page of {name}"]).read_bytes(),
            ).json()["upload"]
            for name in names
        }
        listed = {each["name"]: each for each in client.get("/v1/uploads").json()["uploads"]}
        waiting = [each["place"] for each in listed.values() if each["state"] == "waiting"]
        assert waiting == sorted(waiting, reverse=True)
        states = followed(client, sent[names[-1]])
        places = [state["place"] for state in states if state["state"] == "waiting"]
        assert places == sorted(places, reverse=True)
        assert places[0] in (1, 2)
        assert states[-1]["state"] == "done"
        assert states[-1]["place"] == 0
