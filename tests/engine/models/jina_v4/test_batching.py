from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from docsearch.engine.models.jina_v4.batching import pack


@given(lengths=st.lists(st.integers(1, 50), max_size=40), budget=st.integers(1, 200))
def test_every_item_is_in_one_batch_and_no_batch_of_several_is_over_the_budget(lengths: list[int], budget: int) -> None:
    batches = pack(lengths, budget)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= budget
