"""The text side of other scripts in numpy is that which is trained."""

from __future__ import annotations

import numpy as np
import torch
from safetensors.numpy import load_file

from docsearch.engine.compression import codecs
from docsearch.engine.models.pixel import spec
from docsearch.engine.models.pixel.text import PixelText
from docsearch.engine.models.pixel.unit_text import UnitText
from docsearch.engine.models.pixel.units import BUCKETS, unit_features
from docsearch.training.pixel.export import CENTRE_EPS, TEXT_LAYERS
from docsearch.training.pixel.text_tower import UNIT_BAG_DIM, TextTower

UNITS = ["東京", "年", "대한", "น้ำเย็", "المدرسه", "שלום", "हिन्दी", "বাংলা", "தமிழ்"]


def shipped_tower() -> TextTower:
    """The trained network with the weights that ship."""
    stored = load_file(spec.SCRIPT_TEXT_FILE)
    state = {f"{layer}.{part}": stored[f"{layer}.{part}"] for layer in TEXT_LAYERS for part in ("weight", "bias")}
    coded = codecs.Coded("int8", stored["bag"], stored["bag_scales"], UNIT_BAG_DIM)
    state["bag.weight"] = codecs.decode(coded)
    state["centre.running_mean"] = np.zeros(spec.DIM, np.float32)
    state["centre.running_var"] = np.full(spec.DIM, 1 - CENTRE_EPS, np.float32)
    state["centre.num_batches_tracked"] = np.array(0)
    tower = TextTower(unit_features, BUCKETS, UNIT_BAG_DIM)
    tower.load_state_dict({name: torch.from_numpy(value).float() for name, value in state.items()})
    return tower.eval()


def test_numpy_computes_what_was_trained() -> None:
    with torch.inference_mode():
        vectors, rarities = (part.numpy() for part in shipped_tower()(UNITS))
    found = [UnitText.load(spec.SCRIPT_TEXT_FILE).embed(unit) for unit in UNITS]
    np.testing.assert_allclose(np.stack([vector for vector, _ in found]), vectors, atol=2e-5)
    np.testing.assert_allclose([rarity for _, rarity in found], rarities, atol=2e-3)


def test_a_query_has_vectors_of_both_networks() -> None:
    text, units = PixelText.load(), UnitText.load(spec.SCRIPT_TEXT_FILE)
    query = text.encode_query("Toyota 東京都")
    assert query.tokens == ("toyota", "東京", "京都")
    np.testing.assert_array_equal(query.vectors[1:], [units.embed("東京")[0], units.embed("京都")[0]])
    np.testing.assert_array_equal(query.vectors[:1], text.embed(["toyota"])[0])
    np.testing.assert_allclose(np.linalg.norm(query.vectors, axis=1), 1, atol=1e-5)
    assert query.pairs.tolist() == [[0, 1], [1, 2]]


def test_pairs_are_in_the_order_of_print() -> None:
    text = PixelText.load()
    for question, pairs in (("revenue growth", [[0, 1]]), ("الشركة العالمية", [[1, 0]]), ("הכנסות 2023", [[1, 0]])):
        assert text.encode_tokens(question).pairs.tolist() == pairs


def test_questions_to_an_index_of_the_first_network_alone() -> None:
    now, before = PixelText.load(), PixelText.load(revision="8")
    assert before.spec.unread_letters("東京 tower") == "東京"
    assert now.spec.unread_letters("東京 tower") == ""
    assert before.encode_tokens("東京都 tower").tokens == ("東京都", "tower")
    assert len(before.visual_words.centroids) == before.spec.vocabulary == spec.FIRST_SCRIPT_WORD
    first, second = (each.encode_query("harbour dues 2023") for each in (now, before))
    np.testing.assert_array_equal(first.vectors, second.vectors)
    np.testing.assert_array_equal(now.visual_words.centroids[: spec.FIRST_SCRIPT_WORD], before.visual_words.centroids)
    words = np.arange(9)
    np.testing.assert_array_equal(now.visual_words.signs(words), before.visual_words.signs(words))
