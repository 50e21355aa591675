"""`docsearch train`: questions with their pages in, a fine-tuned model out, with progress for people and scripts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from .index import PageRenderer
from .options import Device, note, print_json

INTERRUPTED = 130


def train(
    model: Annotated[str, typer.Argument(help="Model to start from: 'pixel', or one that 'docsearch models' lists.")],
    data: Annotated[Path, typer.Argument(metavar="DATA.jsonl", help="Questions, each with a page that answers it.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Folder of the fine-tuned model.")],
    measured: Annotated[
        Path | None, typer.Option("--eval", metavar="FILE.jsonl", help="Questions to measure on, as in DATA.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Batches to learn from.")] = 500,
    batch: Annotated[int, typer.Option(min=1, help="Questions in a batch; memory does not limit it.")] = 32,
    negatives: Annotated[int, typer.Option(min=0, help="Pages of its 'negatives' that stand beside a question.")] = 2,
    lr: Annotated[float | None, typer.Option(min=0, help="Highest learning rate; by default the model's.")] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0.001, help="Divides scores before the softmax; by default the model's.")
    ] = None,
    weights: Annotated[
        tuple[float, float, float],
        typer.Option(help="Weights of the losses on single vectors, on multi-vectors, and on where the two differ."),
    ] = (1.0, 1.0, 1.0),
    eval_every: Annotated[int, typer.Option(min=1, help="Steps between measurements.")] = 100,
    save_every: Annotated[int, typer.Option(min=1, help="Steps between states that a killed run goes on from.")] = 50,
    chunk: Annotated[
        int | None, typer.Option(min=1, help="Tokens of jina-embeddings-v4 in memory at a time; fewer need less.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another order of rows.")] = 1,
    device: Annotated[Device, typer.Option(help="Where the model runs.")] = Device.auto,
    renderer: Annotated[
        PageRenderer, typer.Option(help="What draws the pages: MuPDF (AGPL), or PDFium (the extra 'pdfium').")
    ] = PageRenderer.mupdf,
    as_json: Annotated[bool, typer.Option("--json", help="Print what happens as JSON, one event a line.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Fine-tune a model on your own questions and pages.

    A row of DATA is {"query": "notice period", "image": "contract.pdf", "page": 3, "negatives": ["offer.png"]};
    'docsearch mine' makes rows with hard negatives from an index. The folder is a model for --model. A run that was
    stopped goes on when the same command is given again (docs/training.md).

    Examples:

        docsearch train pixel triples.jsonl -o models/ours

        docsearch train models/jina-embeddings-v4 triples.jsonl -o models/ours --eval held-out.jsonl --steps 1000

        docsearch index reports/ --index ours.index --model models/ours
    """
    from ..training.finetune.loop import Settings
    from ..training.finetune.objective import Objective
    from ..training.finetune.run import fine_tune, trainable

    if not quiet and (notice := trainable(model).notice):
        note(notice)
    objective = Objective(*weights, temperature=temperature)
    settings = Settings(steps, batch, negatives, lr, objective, eval_every, save_every, seed)
    with _shown(as_json=as_json, quiet=quiet) as on_event:
        try:
            progress = fine_tune(
                model,
                data,
                out,
                settings,
                measured=measured,
                device=device.value,
                renderer=renderer.value,
                chunk=chunk,
                on_event=on_event,
            )
        except KeyboardInterrupt:
            note("docsearch: interrupted; the same command goes on from the last saved state")
            raise typer.Exit(INTERRUPTED) from None
    if not quiet:
        done = "was there already" if progress is None else f"written after {progress.seconds:.0f} s of training"
        note(f"{out}: {done}; give it to 'docsearch index' as --model {out}")


@contextmanager
def _shown(*, as_json: bool, quiet: bool) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Yield what events are told to: lines of JSON on stdout, a bar and lines on stderr, or nothing."""
    if as_json:
        yield lambda event: _print_flushed(event)
        return
    if quiet:
        yield lambda _event: None
        return
    if not sys.stderr.isatty():
        yield lambda event: note(_line(event)) if event["event"] in ("start", "evaluation") else None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True)
    with Progress(BarColumn(), TextColumn("{task.description}"), console=console, transient=True) as bar:
        task = bar.add_task("reading the rows", total=None)

        def show(event: Mapping[str, Any]) -> None:
            if event["event"] in ("start", "evaluation"):
                console.print(_line(event), highlight=False)
            elif event["event"] == "page":
                bar.update(task, completed=event["page"], total=event["pages"], description="drawing the pages")
            elif event["event"] == "step":
                bar.update(task, completed=event["step"], total=event["steps"], description=_line(event))

        yield show


def _print_flushed(event: Mapping[str, Any]) -> None:
    print_json(event)
    sys.stdout.flush()


def _line(event: Mapping[str, Any]) -> str:
    if event["event"] == "start":
        at = f"from step {event['step']}" if event["step"] else "from the start"
        return (
            f"training {event['parameters']:,} parameters on {event['device']}, {at} to step {event['steps']}: "
            f"{event['rows']:,} rows, {event['pages']:,} pages"
        )
    if event["event"] == "evaluation":
        found = " · ".join(f"{name.replace('_', ' ')} {event[name]:.3f}" for name in event if "_at_" in name)
        return f"step {event['step']}: {found}"
    minutes, seconds = divmod(round(event["eta_s"]), 60)
    return f"step {event['step']}/{event['steps']} · loss {event['loss']:.3f} · ETA {minutes}:{seconds:02}"
