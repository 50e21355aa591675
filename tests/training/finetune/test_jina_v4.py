"""A tiny jina-embeddings-v4 overfits a toy set, killed half-way or not, and the engine opens the result."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import tiny_jina
import toy_rows
from docsearch.engine.errors import UsageError
from docsearch.engine.models.jina_v4.encoder import JinaV4
from docsearch.engine.models.registry import load_encoder
from docsearch.engine.records import PageImage, PageRef
from docsearch.training.finetune import gradcache, rows, schedule
from docsearch.training.finetune.evaluation import metrics
from docsearch.training.finetune.jina_v4 import JinaV4Trainee
from docsearch.training.finetune.loop import Settings, loss_of
from docsearch.training.finetune.objective import Objective
from docsearch.training.finetune.pages import draw
from docsearch.training.finetune.run import fine_tune

STEPS, SAVE_EVERY, KILLED_AT = 60, 20, 31
CHANCE = 1 / 12
KILLED = f"""
import os, signal
from docsearch.__main__ import main
from docsearch.commands import train

def kill(event):
    if event["event"] == "step" and event["step"] == {KILLED_AT}:
        os.kill(os.getpid(), signal.SIGKILL)

train._print_event = kill
main()
"""
"""The command line in a process that kills itself after a step."""
SETTINGS = Settings(steps=STEPS, batch=12, negatives=1, learning_rate=0.003, eval_every=30, save_every=SAVE_EVERY)
OPTIONS = {"--steps": STEPS, "--batch": 12, "--negatives": 1, "--lr": 0.003, "--eval-every": 30, "--save-every": 20}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `tiny`, a checkpoint, and the toy rows."""
    folder = tmp_path_factory.mktemp("toy")
    tiny_jina.write(folder / "tiny")
    toy_rows.write(folder)
    return folder


def named(folder: Path) -> str:
    """The checkpoint's name with settings that give each toy page four visual tokens."""
    return f"{folder},max_pixels=3136"


def learn(toy: Path, out: Path) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    data = toy / "rows.jsonl"
    fine_tune(named(toy / "tiny"), data, out, SETTINGS, measured=data, on_event=lambda e: events.append(dict(e)))
    return events


@pytest.fixture(scope="module")
def trained(toy: Path) -> list[dict[str, Any]]:
    """The events of an uninterrupted run into `whole`."""
    return learn(toy, toy / "whole")


def losses(events: list[dict[str, Any]]) -> dict[int, float]:
    return {event["step"]: event["loss"] for event in events if event["event"] == "step"}


def test_sixty_steps_learn_the_toy_set_by_heart(trained: list[dict[str, Any]]) -> None:
    first, *_, last = [event for event in trained if event["event"] == "evaluation"]
    assert first["recall_at_1"] <= 3 * CHANCE
    assert first["single_recall_at_1"] <= 3 * CHANCE
    assert last["step"] == STEPS
    assert last["recall_at_1"] > 0.95
    assert last["single_recall_at_1"] > 0.95


def test_events_report_saves_and_the_time_left(trained: list[dict[str, Any]]) -> None:
    kinds = [event["event"] for event in trained]
    assert kinds[-1] == "done"
    assert kinds.count("step") == STEPS
    assert [event["step"] for event in trained if event["event"] == "saved"] == [20, 40, 60]
    left = [event["eta_s"] for event in trained if event["event"] == "step"]
    assert left[0] > left[-1] == 0


def test_a_run_killed_half_way_resumes_to_the_same_losses_and_weights(toy: Path, trained: list[dict[str, Any]]) -> None:
    data = toy / "rows.jsonl"
    command = [sys.executable, "-c", KILLED, "train", named(toy / "tiny"), data, "--eval", data]
    options = [part for pair in OPTIONS.items() for part in pair]
    done = subprocess.run(
        [*map(str, [*command, *options]), "-o", str(toy / "killed"), "--json"],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert not (toy / "killed/training.json").exists()
    resumed = learn(toy, toy / "killed")
    assert [event["step"] for event in resumed if event["event"] == "start"] == [SAVE_EVERY]
    assert losses(resumed) == {step: loss for step, loss in losses(trained).items() if step > SAVE_EVERY}
    assert (toy / "killed/adapters/adapter_model.safetensors").read_bytes() == (
        toy / "whole/adapters/adapter_model.safetensors"
    ).read_bytes()
    about = [json.loads((toy / name / "training.json").read_text("utf-8")) for name in ("killed", "whole")]
    assert about[0]["evaluations"] == about[1]["evaluations"]


def test_the_engine_opens_the_trained_model(toy: Path, trained: list[dict[str, Any]]) -> None:
    opened, base = (load_encoder(named(toy / name), device="cpu") for name in ("whole", "tiny"))
    assert opened.spec.revision != base.spec.revision
    queries, pages = encoded(toy, opened)
    scores = [[(q @ page.T).max(axis=1).mean() for page in pages] for q in queries]
    assert np.mean(np.argmax(scores, axis=1) == np.arange(12)) > 0.95


def test_saved_weights_give_the_vectors_that_were_trained(toy: Path, tmp_path: Path) -> None:
    trainee = JinaV4Trainee(JinaV4.open(named(toy / "tiny"), device="cpu", dtype="float32"))
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in trainee.parameters.values():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    trainee.save(tmp_path)
    queries, pages = encoded(toy, JinaV4.open(named(tmp_path), device="cpu", dtype="float32"))
    read = rows.read(toy / "rows.jsonl")[0]
    inputs = [trainee.read_query(row.query) for row in read] + [trainee.read_page(page) for page in pictures(toy)]
    for places, vectors in trainee.embed(inputs):
        for place, each in zip(places, vectors, strict=True):
            found = each.multi.detach().numpy()
            if place < len(queries):
                np.testing.assert_allclose(found, queries[place], atol=1e-5)
            else:
                np.testing.assert_allclose(found, pages[place - len(queries)], atol=1e-3)  # stored in half precision


def pictures(toy: Path) -> list[np.ndarray]:
    read = rows.read(toy / "rows.jsonl")[0]
    spec = JinaV4.open(named(toy / "tiny")).spec
    drawn = draw([(toy / "rows.jsonl", read)], toy / "drawn", spec, renderer="mupdf")
    return [drawn.pixels(row.positive) for row in read]


def encoded(toy: Path, encoder: JinaV4) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The multi-vectors of the toy's questions and pages."""
    queries = encoder.encode_queries([row.query for row in rows.read(toy / "rows.jsonl")[0]])
    pages = encoder.encode_pages([PageImage(PageRef("", "", 1), pixels, 96.0) for pixels in pictures(toy)])
    return [query.vectors for query in queries], [page.astype(np.float32) for page in pages.vectors.vectors]


def test_only_the_adapter_of_the_task_changes(toy: Path, trained: list[dict[str, Any]]) -> None:
    before, after = (load_file(toy / name / "adapters/adapter_model.safetensors") for name in ("tiny", "whole"))
    assert before.keys() == after.keys()
    for key, tensor in before.items():
        assert torch.equal(tensor.float(), after[key].float()) == (".retrieval." not in key), key
    for file in (toy / "tiny").glob("model*"):
        assert (toy / "whole" / file.name).read_bytes() == file.read_bytes()


def test_repeating_a_finished_command_does_nothing(toy: Path, trained: list[dict[str, Any]]) -> None:
    assert learn(toy, toy / "whole") == []


def test_an_output_folder_with_anything_else_is_refused(
    toy: Path, trained: list[dict[str, Any]], tmp_path: Path
) -> None:
    data = toy / "rows.jsonl"
    with pytest.raises(UsageError, match=r"other settings.*steps 60 instead of 3"):
        fine_tune(named(toy / "tiny"), data, toy / "whole", Settings(steps=3, learning_rate=0.003))
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds no run"):
        fine_tune(named(toy / "tiny"), data, tmp_path, SETTINGS)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.fixture(scope="module")
def gradients(toy: Path) -> dict[int, tuple[float, dict[str, torch.Tensor]]]:
    """Loss and gradients of one batch of 6 questions, by `chunk_tokens`; 0 is without GradCache."""
    read = rows.read(toy / "rows.jsonl")[0]
    batch = schedule.batch(read, schedule.answers_by_query(read), 0, size=6, negatives=1, seed=1)
    out = {}
    for tokens in (1, 64, 10_000):
        encoder = JinaV4.open(named(toy / "tiny"), device="cpu", dtype="float32")
        trainee = JinaV4Trainee(encoder, chunk_tokens=tokens)
        drawn = draw([(toy / "rows.jsonl", read)], toy / "drawn", trainee.spec, renderer="mupdf")
        inputs = [trainee.read_query(query) for query in batch.queries]
        inputs += [trainee.read_page(drawn.pixels(page)) for page in batch.pages]
        of_vectors = loss_of(trainee, batch.task, Objective(temperature=0.1))
        loss, _ = gradcache.backward(trainee, inputs, of_vectors)
        found = {name: parameter.grad.clone() for name, parameter in trainee.parameters.items()}
        out[tokens] = loss, found
        if tokens == 10_000:
            for parameter in trainee.parameters.values():
                parameter.grad = None
            vectors = {i: v for places, each in trainee.embed(inputs) for i, v in zip(places, each, strict=True)}
            direct, _ = of_vectors([vectors[i] for i in range(len(inputs))])
            direct.backward()
            out[0] = float(direct.detach()), {name: parameter.grad for name, parameter in trainee.parameters.items()}
    return out


@pytest.mark.parametrize("tokens", [1, 64, 10_000])
def test_gradients_do_not_depend_on_chunk_tokens(gradients: dict, tokens: int) -> None:
    loss, found = gradients[tokens]
    direct, wanted = gradients[0]
    assert loss == pytest.approx(direct, rel=1e-5)
    assert any(grad.abs().max() > 1e-3 for grad in wanted.values())
    for name, grad in wanted.items():
        np.testing.assert_allclose(found[name], grad, atol=2e-5 * float(grad.abs().max()) + 1e-6, err_msg=name)


def test_recall_at_1_and_ndcg_follow_their_definitions() -> None:
    scores = torch.tensor([[0.9, 0.5, 0.1], [0.1, 0.2, 0.3], [0.3, 0.2, 0.1]])
    relevant = torch.tensor([[True, False, True], [False, True, False], [True, False, False]])
    found = metrics(scores, relevant)
    second = 1 / np.log2(3)
    both = (1 + 0.5) / (1 + second)
    assert found["recall_at_1"] == pytest.approx(2 / 3)
    assert found["ndcg_at_5"] == pytest.approx((both + second + 1) / 3)
