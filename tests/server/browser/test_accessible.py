"""axe-core checks every state of the page, light and dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from page_states import STATES

pytest.importorskip("playwright.sync_api", reason="needs playwright: the extra 'browser'")

if TYPE_CHECKING:
    from playwright.sync_api import Page

AXE = Path(__file__).resolve().parents[3] / ".axe/node_modules/axe-core/axe.min.js"
SERIOUS = {"serious", "critical"}
EXPECTED = ("status of 40", "ERR_FAILED")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", STATES)
def test_a_state_has_no_serious_barrier(visit: Callable[..., Page], address: str, name: str, scheme: str) -> None:
    if not AXE.is_file():
        pytest.skip("needs axe-core: make .axe")
    state = STATES[name]
    width, height = state.size
    page = visit(
        address + state.search,
        width=width,
        height=height,
        color_scheme=scheme,
        before=state.before,
        expected=EXPECTED,
        bypass_csp=True,  # axe makes elements from text, as the page itself may not
    )
    state.reach(page)
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run()")
    barriers = [
        f"{violation['id']}: {node['html'][:120]} {node['failureSummary']}"
        for violation in found["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]
    assert not barriers
    assert "color-contrast" in {rule["id"] for rule in found["passes"]}
