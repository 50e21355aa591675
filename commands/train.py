"""`docsearch train`: fine-tunes a model, with progress for people or events for scripts."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from .interrupts import interruptible
from .options import ModelDevice, PageRenderer, Quiet, Renderer
from .output import message, print_json
from .output_files import check_folder
from .progress import ProgressBar, clock, progress_bar

Event = Mapping[str, Any]
MEASURES = re.compile(r"_at_|spearman")
"""What names of figures that are printed have."""
LASTING_EVENTS = ("start", "evaluation")
"""Events that people see as a line of their own; the others move the progress bar."""


def train(
    model: Annotated[str, typer.Argument(help="Model to start from: 'pixel', or one that 'docsearch models' lists.")],
    data: Annotated[
        Path, typer.Argument(metavar="DATA.jsonl", help="Training rows: questions, each with a page that answers it.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Folder for the fine-tuned model.")],
    evaluation: Annotated[
        Path | None, typer.Option("--eval", metavar="FILE.jsonl", help="Rows to evaluate on, in the format of DATA.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Training steps (batches).")] = 500,
    batch: Annotated[int, typer.Option(min=1, help="Questions per batch; memory does not limit it.")] = 32,
    negatives: Annotated[int, typer.Option(min=0, help="Hard negatives per question, from its 'negatives'.")] = 2,
    lr: Annotated[float | None, typer.Option(min=0, help="Peak learning rate. By default the model's.")] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0.001, help="Softmax temperature of the scores. By default the model's.")
    ] = None,
    weights: Annotated[
        tuple[float, float, float],
        typer.Option(help="Weights of the single-vector loss, the multi-vector loss, and the divergence between both."),
    ] = (1.0, 1.0, 1.0),
    eval_every: Annotated[int, typer.Option(min=1, help="Steps between evaluations.")] = 100,
    save_every: Annotated[int, typer.Option(min=1, help="Steps between checkpoints.")] = 50,
    chunk: Annotated[
        int | None,
        typer.Option(min=1, help="Tokens of jina-embeddings-v4 in memory at a time; fewer need less memory."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the order of rows.")] = 1,
    device: ModelDevice = "auto",
    renderer: Renderer = PageRenderer.mupdf,
    as_json: Annotated[bool, typer.Option("--json", help="Print training events as JSON, one per line.")] = False,
    quiet: Quiet = False,
) -> None:
    """Fine-tune a model on your own questions and pages.

    A row of DATA is {"query": "notice period", "image": "contract.pdf", "page": 3, "negatives": ["offer.png"]};
    'docsearch mine' makes rows with hard negatives from an index. For jina-embeddings-v4 a row may have the "text" of a
    passage instead of "image", or be {"pair": ["one text", "another text"], "score": 0.8}.

    Pass the resulting folder to --model. To continue an interrupted run, give the same command again
    (docs/training.md).

    Examples:

        docsearch train pixel triples.jsonl -o models/ours

        docsearch train models/jina-embeddings-v4 triples.jsonl -o models/ours --eval held-out.jsonl --steps 1000

        docsearch index reports/ --index ours.index --model models/ours
    """
    check_folder(out)
    from ..engine.errors import UsageError
    from ..engine.install import needs
    from ..engine.models import extras, registry

    registry.find_spec(model)  # says what other models need
    if not extras.is_installed("torch"):
        raise UsageError(needs("'docsearch train' needs torch", "train"))
    from ..training.finetune.loop import Settings
    from ..training.finetune.objective import Objective
    from ..training.finetune.run import fine_tune, trainable

    if not quiet and (notice := trainable(model).notice):
        message(notice)
    objective = Objective(*weights, temperature=temperature)
    settings = Settings(steps, batch, negatives, lr, objective, eval_every, save_every, seed)
    kept = "the same command continues from the last checkpoint"
    with interruptible(lambda: kept), _event_handler(as_json=as_json, quiet=quiet) as on_event:
        progress = fine_tune(
            model,
            data,
            out,
            settings,
            measured=evaluation,
            device=device,
            renderer=renderer.value,
            chunk=chunk,
            on_event=on_event,
        )
    if not quiet:
        done = "already finished" if progress is None else f"written after {progress.seconds:.0f} s of training"
        message(f"{out}: {done}; use it with 'docsearch index --model {out}'")


@contextmanager
def _event_handler(*, as_json: bool, quiet: bool) -> Iterator[Callable[[Event], None]]:
    """Yield a function that prints events as JSON, shows them as a progress bar or as lines, or drops them."""
    if as_json:
        yield _print_event
    elif quiet:
        yield lambda _event: None
    else:
        with progress_bar("reading rows", lines=True) as bar:
            yield lambda event: _show(bar, event)


def _print_event(event: Event) -> None:
    print_json(event)
    sys.stdout.flush()


def _show(bar: ProgressBar, event: Event) -> None:
    if event["event"] in LASTING_EVENTS:
        bar.print(_line(event))
    elif event["event"] == "page":
        bar.update(event["page"], event["pages"], f"page {event['page']:,}/{event['pages']:,} rendered")
    elif event["event"] == "step":
        bar.update(event["step"], event["steps"], _line(event))


def _line(event: Event) -> str:
    if event["event"] == "start":
        at = f"from step {event['step']}" if event["step"] else "from the start"
        return (
            f"training {event['parameters']:,} parameters on {event['device']}, {at} to step {event['steps']}: "
            f"{event['rows']:,} rows, {event['pages']:,} pages"
        )
    if event["event"] == "evaluation":
        found = " · ".join(f"{name.replace('_', ' ')} {event[name]:.3f}" for name in event if MEASURES.search(name))
        return f"step {event['step']}: {found}"
    return f"step {event['step']}/{event['steps']} · loss {event['loss']:.3f} · ETA {clock(event['eta_s'])}"
