"""Benchmarks on a GPU skip without one; what they compare is checked on the CPU, at small sizes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from accelerate import init_empty_weights

from docsearch.engine.models import compiled
from docsearch.engine.models.jina_v4 import network, spec
from docsearch.engine.models.jina_v4.checkpoint import Checkpoint

pytest.importorskip("benchmarks.registry", reason="run from the repository's root, with 'python -m pytest'")

from benchmarks import gpu
from benchmarks.cases import jina_v4, maxsim_gpu, pixel_gpu
from benchmarks.registry import CASES
from benchmarks.setting import Refused, Setting, Skipped

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", ["jina_v4", "maxsim_gpu", "maxsim_gpu_codecs", "pixel_gpu"])
def test_a_case_is_skipped_without_a_gpu(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Skipped, match="CUDA GPU"):
        next(CASES[name].run(Setting(None)))


def test_a_case_is_skipped_without_enough_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (3 << 30, 8 << 30))
    assert gpu.device_with(3 << 30).type == "cuda"
    with pytest.raises(Skipped, match="needs 4 GiB of free GPU memory"):
        gpu.device_with(4 << 30)


def test_a_wrong_way_to_score_on_the_gpu_is_refused() -> None:
    queries, pages = (maxsim_gpu.drawn(torch.device("cpu"), count, 3) for count in (2, 70))
    right = torch.einsum("mqd,ntd->mnqt", queries.float(), pages.float()).amax(dim=3).sum(dim=2)
    maxsim_gpu.check(maxsim_gpu.Contender("right", lambda: right), queries, pages)
    shifted = right.clone()
    shifted[1, 69] += 0.1  # only the last page of one query
    for wrong in (shifted, right[:, :5], right * torch.nan):
        with pytest.raises(Refused, match="wrong"):
            maxsim_gpu.check(maxsim_gpu.Contender("wrong", lambda w=wrong: w), queries, pages)


def test_jina_v4_compares_docsearch_with_plain_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a tiny size, on a CPU: both ways agree, and another adapter is noticed."""
    vision = {
        **jina_v4.PUBLISHED["vision_config"],
        "depth": 4,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_heads": 2,
    }
    config = {**jina_v4.PUBLISHED, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config |= {"intermediate_size": 96, "rope_scaling": {"mrope_section": [2, 3, 3], "rope_type": "default"}}
    config["vision_config"] = {**vision, "out_hidden_size": 64, "fullatt_block_indexes": [1, 3]}
    monkeypatch.setattr(jina_v4, "SCALE", 0.3)
    monkeypatch.setattr(jina_v4, "PAGE_PX", 224)
    encoder = jina_v4.random_encoder(config, {**jina_v4.ADAPTERS, "r": 4}, torch.device("cpu"))
    jina_v4.check(encoder, jina_v4.page(0))
    monkeypatch.setattr(jina_v4, "TASK", "code")
    with pytest.raises(Refused, match="cosines"):
        jina_v4.check(encoder, jina_v4.page(0))
    step = jina_v4.learning_step(encoder, [jina_v4.page(0), jina_v4.page(1)])
    losses = [step() for _ in range(4)]
    assert losses[-1] < losses[0]
    counts = jina_v4.launches(encoder, [jina_v4.page(0), jina_v4.page(1)])
    assert counts["attention_calls"] == 4 + 2, "a call a layer: four of vision, two of text"
    monkeypatch.setattr(compiled, "BACKEND", "aot_eager")
    monkeypatch.setattr(jina_v4, "RUNS", 1)
    rows = list(jina_v4.compiled_rows(encoder, [jina_v4.page(0)], 1e12))
    assert [row["least_cosine"] for row in rows] == [pytest.approx(1, abs=0.01)] * 2
    monkeypatch.setattr(compiled, "BACKEND", "no such compiler")
    assert all(
        "no such compiler" in str(row["error"]) for row in jina_v4.compiled_rows(encoder, [jina_v4.page(0)], 1e12)
    )


def test_the_network_of_pixel_is_measured_in_three_number_formats() -> None:
    rows = list(pixel_gpu.rows(torch.device("cpu"), 1, (64, 48)))
    assert [str(row["what"]).split()[-1] for row in rows] == ["float32", "float16", "bfloat16"]
    assert all(float(str(row["pages_per_s"])) > 0 for row in rows)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a script of bash")
def test_the_script_for_a_gpu_writes_every_part_on_a_machine_without_one(tmp_path: Path) -> None:
    """Without what a bare machine lacks, too: imports of these packages are refused."""
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "sitecustomize.py").write_text(
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "class Lacking(PathFinder):\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        "        lacks = ('faiss', 'pymupdf', 'fitz', 'typer', 'rich', 'pyarrow', 'sentence_transformers')\n"
        "        return None if name in lacks else super().find_spec(name, path, target)\n"
        "sys.meta_path[sys.meta_path.index(PathFinder)] = Lacking\n",
        "utf-8",
    )
    environment = {**os.environ, "PYTHONPATH": str(blocked), "PYTHON": sys.executable}
    script = [str(REPOSITORY / "benchmarks/gpu.sh"), str(tmp_path / "out"), str(tmp_path / "wheels")]
    done = subprocess.run(script, env=environment, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    summary = (tmp_path / "out/summary.txt").read_text("utf-8")
    for part in ("machine", "kernels", "maxsim_gpu_codecs", "maxsim_gpu", "jina_v4", "gpu_tests", "pixel_gpu"):
        assert f"{part}: " in summary
    if not torch.cuda.is_available():
        assert summary.count("skipped: needs a CUDA GPU") == 4, summary


def test_jina_v4_is_measured_at_its_published_size() -> None:
    checkpoint = Checkpoint(Path(), jina_v4.PUBLISHED, jina_v4.ADAPTERS, {})
    with init_empty_weights(include_buffers=False):
        empty = network.JinaV4Network(network.network_config(checkpoint), 2048, 128)
        network.with_adapters(empty, checkpoint)
    assert sum(tensor.numel() for tensor in empty.state_dict().values()) == spec.PUBLISHED.parameters
