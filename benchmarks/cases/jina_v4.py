"""jina-embeddings-v4 at full size with random weights on a GPU: embedding pages of 1,024 visual tokens, fine-tuning.

Embedding is compared with plain transformers; fine-tuning trains one adapter on the same pages.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..gpu import device_with
from ..setting import Refused, Row, Setting
from ..timing import summary_ms, timed

if TYPE_CHECKING:
    import torch

    from docsearch.engine.models.jina_v4.encoder import JinaV4
    from docsearch.engine.records import PageImage

PAGES = 32
RUNS = 5
LAUNCHED_PAGES = 8
"""Pages of one batch on a GPU."""
LEARNT_PAGES, QUESTION_TOKENS = 8, 16
"""Pages, and as many questions, in a step of fine-tuning; tokens of a question."""
PAGE_PX = 896
"""A square page of 32 x 32 visual tokens."""
VISUAL_TOKENS, PROMPT_TOKENS = 1024, 11
TEXT_WEIGHTS = 36 * (2048 * (2 * 2048 + 2 * 256) + 3 * 2048 * 11008)
"""Weights of the text layers, applied to each token; the adapters, 2 % more, are not counted."""
PATCH_WEIGHTS = 32 * (4 * 1280**2 + 3 * 1280 * 3420) + 1176 * 1280
"""Weights of the vision blocks, applied to each of a token's four patches."""
MERGER_WEIGHTS = 5120**2 + 5120 * 2048
TEXT_WIDTH, TEXT_LAYERS = 2048, 36
MATMUL, MATMUL_RUNS = 8192, 20
NEEDED_BYTES = 24 << 30
COSINE = 0.98
"""Least cosine between vectors of the two implementations in bfloat16."""
TASK = "retrieval"
SCALE = 0.02
"""Standard deviation of the random weights."""
PUBLISHED: dict[str, Any] = {
    "hidden_size": 2048,
    "num_hidden_layers": 36,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "intermediate_size": 11008,
    "vocab_size": 151936,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1000000.0,
    "rope_scaling": {"mrope_section": [16, 24, 24], "rope_type": "default"},
    "max_position_embeddings": 128000,
    "tie_word_embeddings": True,
    "vision_config": {
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "out_hidden_size": 2048,
        "fullatt_block_indexes": [7, 15, 23, 31],
        "window_size": 112,
        "patch_size": 14,
        "temporal_patch_size": 2,
        "spatial_merge_size": 2,
        "in_channels": 3,
    },
}
ADAPTERS: dict[str, Any] = {
    "r": 32,
    "lora_alpha": 32,
    "target_modules": [
        *(f"{part}_proj" for part in ("q", "k", "v", "o", "gate", "up", "down")),
        "multi_vector_projector",
    ],
    "exclude_modules": ".*visual.*",
}
BEFORE, IMAGE_PAD = (151644, 872, 198, 151652), 151655
AFTER = (151653, 74785, 279, 2168, 13, 151645, 198)
"""The published token ids around a picture, so that the tokenizer is not needed."""


def run(_setting: Setting) -> Iterator[Row]:
    """Build the network on the GPU, compare with plain transformers, and time both. Raises Refused if they differ."""
    import torch

    device = device_with(NEEDED_BYTES, because="at this size a page takes minutes on a CPU")
    peak = matmul_flops(device)
    yield {"what": f"matmul {MATMUL} bfloat16", "tflops": round(peak / 1e12, 1)}
    encoder = random_encoder(PUBLISHED, ADAPTERS, device)
    pages = [page(i) for i in range(PAGES)]
    check(encoder, pages[0])
    ways: dict[str, Callable[[], object]] = {
        "docsearch": lambda: encoder.encode_pages(pages),
        "transformers, page by page": lambda: [plain(encoder, each.pixels) for each in pages],
    }
    for name, work in ways.items():
        work()
        torch.cuda.reset_peak_memory_stats()
        times = [timed(work) for _ in range(RUNS)]
        rate = PAGES / float(np.median(times))
        yield {
            "what": name,
            **summary_ms(times),
            "pages_per_s": round(rate, 2),
            "tokens_per_s": round(rate * (VISUAL_TOKENS + PROMPT_TOKENS)),
            "flop_utilisation": round(rate * page_flops() / peak, 3),
            "gpu_memory_gb": round(torch.cuda.max_memory_allocated() / 1e9, 1),
            "gpu": torch.cuda.get_device_name(device),
        }
    yield launches(encoder, pages[:LAUNCHED_PAGES])
    step = learning_step(encoder, pages[:LEARNT_PAGES])
    first = step()
    torch.cuda.reset_peak_memory_stats()
    times = [timed(step) for _ in range(RUNS)]
    if not (last := step()) < first:
        raise Refused(f"the loss went from {first:.3f} to {last:.3f} in repeated steps on one batch")
    yield {
        "what": f"a step of fine-tuning on {LEARNT_PAGES} pages",
        **summary_ms(times),
        "pages_per_s": round(LEARNT_PAGES / float(np.median(times)), 2),
        "gpu_memory_gb": round(torch.cuda.max_memory_allocated() / 1e9, 1),
        "gpu": torch.cuda.get_device_name(device),
    }
    encoder.network.eval()
    encoder.merges_adapters = True  # last, since these random weights cannot be read again to undo it
    work = lambda: encoder.encode_prepared(encoder.prepare_pages(pages))
    work()
    times = [timed(work) for _ in range(RUNS)]
    rate = PAGES / float(np.median(times))
    yield {
        "what": "docsearch, the adapter merged into the weights",
        **summary_ms(times),
        "pages_per_s": round(rate, 2),
        "flop_utilisation": round(rate * page_flops() / peak, 3),
    }
    yield from compiled_rows(encoder, pages, peak)


def compiled_rows(encoder: JinaV4, pages: Sequence[PageImage], peak: float) -> Iterator[Row]:
    """The same pages with the text layers compiled by torch.compile, in each of its modes: beside the row before.

    Last, since compiling may take longer than all else. A mode that fails gives a row with its error.
    """
    import torch

    from docsearch.engine.models.compiled import MODES, compile_layers
    from docsearch.engine.models.jina_v4.network import text_layers

    plain = encoder.encode_pages(pages[:1]).vectors.vectors.values.astype(np.float32)
    work = lambda: encoder.encode_prepared(encoder.prepare_pages(pages))
    for mode in MODES:
        row: Row = {"what": f"docsearch, adapter merged, text layers compiled (torch.compile, {mode})"}
        torch.compiler.reset()
        try:
            compile_layers(text_layers(encoder.network), mode)
            compiling = timed(work)
            cosine = (encoder.encode_pages(pages[:1]).vectors.vectors.values.astype(np.float32) * plain).sum(1).min()
            times = [timed(work) for _ in range(RUNS)]
        except Exception as err:  # noqa: BLE001 - compilers of any kind fail in ways of their own, and others rows follow
            yield {**row, "error": str(err).partition("\n")[0][:200]}
        else:
            rate = len(pages) / float(np.median(times))
            yield {
                **row,
                **summary_ms(times),
                "pages_per_s": round(rate, 2),
                "flop_utilisation": round(rate * page_flops() / peak, 3),
                "first_run_s": round(compiling, 1),
                "least_cosine": round(float(cosine), 4),
            }
        finally:
            for layer in text_layers(encoder.network):
                layer._compiled_call_impl = None


def launches(encoder: JinaV4, shown: Sequence[PageImage]) -> Row:
    """How many kernels a GPU is given for one batch of pages, how many of them are attention, and calls that wait.

    Copies to the GPU wait for nothing where they come from pinned memory; those from pageable memory do.
    """
    import torch
    from torch.profiler import ProfilerActivity, profile

    encoder.encode_pages(shown)
    activities = [ProfilerActivity.CPU]
    if encoder.device.type == "cuda":
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as profiled:
        encoder.encode_pages(shown)
    events = profiled.key_averages()
    kernels = sum(event.count for event in events if event.device_type == torch.autograd.DeviceType.CUDA)
    by_name = {event.key: event.count for event in events}
    return {
        "what": f"one batch of {len(shown)} pages",
        "kernels": kernels,
        "attention_calls": by_name.get("aten::scaled_dot_product_attention", 0),
        "values_read_back": by_name.get("aten::_local_scalar_dense", 0),
        **{
            f"copies_from_{kind.lower()}": sum(
                n for name, n in by_name.items() if name.startswith(f"Memcpy HtoD ({kind}")
            )
            for kind in ("Pinned", "Pageable")
        },
    }


def page_flops() -> float:
    """Multiply-adds times two of one page: weights, and the text side's causal attention; not the vision side's."""
    tokens = VISUAL_TOKENS + PROMPT_TOKENS
    attention = 2 * TEXT_LAYERS * tokens**2 * TEXT_WIDTH
    vision = 2 * VISUAL_TOKENS * (4 * PATCH_WEIGHTS + MERGER_WEIGHTS)
    return float(2 * TEXT_WEIGHTS * tokens + vision + attention)


def matmul_flops(device: torch.device) -> float:
    """FLOP per second of a large square bfloat16 product on the GPU."""
    import torch

    square = torch.randn(MATMUL, MATMUL, device=device, dtype=torch.bfloat16)
    for _ in range(3):
        square @ square
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(MATMUL_RUNS):
        square @ square
    torch.cuda.synchronize()
    return 2 * MATMUL**3 * MATMUL_RUNS / (time.perf_counter() - start)


def page(seed: int) -> PageImage:
    """A page of noise, in squares of 8 px so that it survives scaling."""
    from docsearch.engine.records import PageImage, PageRef

    small = np.random.default_rng(seed).integers(0, 256, (PAGE_PX // 8, PAGE_PX // 8, 3), dtype=np.uint8)
    return PageImage(PageRef("d", "d.pdf", seed + 1), small.repeat(8, axis=0).repeat(8, axis=1), 100.0)


def random_encoder(config: Mapping[str, Any], adapters: Mapping[str, Any], device: torch.device) -> JinaV4:
    """The encoder with a network of this size and random bfloat16 weights, drawn on the device."""
    import torch
    from accelerate import init_empty_weights
    from tokenizers import Tokenizer, models
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    from docsearch.engine.models.jina_v4 import network, spec
    from docsearch.engine.models.jina_v4.checkpoint import Checkpoint
    from docsearch.engine.models.jina_v4.encoder import JinaV4
    from docsearch.engine.models.jina_v4.inputs import Processor

    checkpoint = Checkpoint(Path(), config, adapters, {})
    with init_empty_weights(include_buffers=False):
        empty = network.JinaV4Network(
            network.network_config(checkpoint), checkpoint.single_dims[-1], checkpoint.projector_dim
        )
    model = network.with_adapters(empty, checkpoint)
    generator = torch.Generator(device).manual_seed(0)
    drawn = {
        name: torch.randn(like.shape, generator=generator, device=device, dtype=torch.bfloat16) * SCALE
        + (1 if like.ndim == 1 and name.endswith("weight") else 0)
        for name, like in empty.state_dict().items()
    }
    empty.load_state_dict(drawn, assign=True)
    empty.to(device)
    encoder = JinaV4(checkpoint, spec.PUBLISHED, spec.Settings(), device=device.type, dtype="bfloat16")
    size = {"shortest_edge": spec.MIN_PIXELS, "longest_edge": spec.MAX_PIXELS}
    ids = np.array(BEFORE, np.int64), np.array(AFTER, np.int64)
    images = Qwen2VLImageProcessorPil(size=size)
    # Stand-ins for what these two read from a checkpoint's folder.
    encoder.__dict__["processor"] = Processor(Tokenizer(models.BPE()), images, ids, IMAGE_PAD, spec.MAX_PIXELS)
    encoder.__dict__["network"] = model.requires_grad_(False).eval()
    return encoder


def learning_step(encoder: JinaV4, shown: Sequence[PageImage]) -> Callable[[], float]:
    """A function that does one step of `docsearch train` and returns the loss.

    Questions are random tokens, each answered by one page.
    """
    import torch

    from docsearch.engine.models.jina_v4.inputs import Item
    from docsearch.training.finetune import gradcache, loop
    from docsearch.training.finetune.jina_v4 import JinaV4Trainee
    from docsearch.training.finetune.objective import Objective, Task

    trainee = JinaV4Trainee(encoder)
    optimizer = torch.optim.AdamW(trainee.parameters.values(), lr=trainee.learning_rate)
    drawn = np.random.default_rng(0)
    positions = np.tile(np.arange(QUESTION_TOKENS), (3, 1))
    questions = [Item(drawn.integers(0, BEFORE[0], QUESTION_TOKENS), positions, (0, QUESTION_TOKENS)) for _ in shown]
    inputs = questions + [trainee.read_page(each.pixels) for each in shown]
    task = Task(torch.arange(len(shown)), torch.zeros(len(shown), len(shown), dtype=torch.bool))

    def step() -> float:
        loss, _ = gradcache.backward(trainee, inputs, loop.loss_of(trainee, task, Objective()))
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if trainee.device.type == "cuda":
            torch.cuda.synchronize()
        return loss

    return step


def plain(encoder: JinaV4, pixels: np.ndarray) -> np.ndarray:
    """The vectors (T, D) float32 of one page by the stock processor and network, as in transformers' documentation."""
    import torch

    model = encoder.network
    model.set_adapter(TASK, inference_mode=True)
    stock = model.get_base_model()
    device = stock.multi_vector_projector.weight.device
    read = encoder.processor.image_processor(pixels, return_tensors="pt", input_data_format="channels_last").to(device)
    tokens = int(read["image_grid_thw"].prod()) // 4
    ids = torch.tensor([[*BEFORE, *[IMAGE_PAD] * tokens, *AFTER]], device=device)
    with torch.inference_mode():
        hidden = stock.vlm(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            pixel_values=read["pixel_values"],
            image_grid_thw=read["image_grid_thw"],
            mm_token_type_ids=(ids == IMAGE_PAD).int(),
        ).last_hidden_state
        units = torch.nn.functional.normalize(stock.multi_vector_projector(hidden)[0].float(), dim=1)
    return units.cpu().numpy()


def check(encoder: JinaV4, shown: PageImage) -> None:
    """Raise Refused unless both implementations give a page the same vectors within bfloat16's rounding."""
    got = encoder.encode_pages([shown]).vectors.vectors.values.astype(np.float32)
    wanted = plain(encoder, shown.pixels)
    if got.shape != wanted.shape:
        raise Refused(f"docsearch returns {got.shape} vectors, transformers {wanted.shape}")
    if not (lowest := float((got * wanted).sum(axis=1).min())) >= COSINE:
        raise Refused(
            f"vectors of docsearch and transformers differ: cosines down to {lowest:.3f}, at least {COSINE} expected"
        )
