"""`docsearch models`: lists the models that can embed pages."""

from __future__ import annotations

from dataclasses import asdict

from .options import AsJson
from .output import print_json


def models(as_json: AsJson = False) -> None:
    """List the models that can embed pages.

    Shows the licence and size of each, and whether it is on this machine. Model settings follow the name after commas,
    as in jinaai/jina-embeddings-v4,max_pixels=602112,tokens=vision (docs/models.md).

    Examples:

        docsearch models

        docsearch models --json
    """
    from ..engine.models.registry import known_models

    for spec in known_models():
        if as_json:
            facts = asdict(spec)
            print_json({("alike" if name == "match_range" else name): value for name, value in facts.items()})
        else:
            where = "on this machine" if spec.present else "not on this machine"
            single = f", {spec.single_dim} per page" if spec.single_dim else ""
            print(f"{spec.name}: {spec.summary}")
            print(
                f"    {spec.licence}; {spec.parameters / 1e6:,.1f} M parameters, {spec.weights_gb:.2g} GB in bfloat16; "
                f"{spec.dim} dimensions per vector{single}; {where}"
            )
