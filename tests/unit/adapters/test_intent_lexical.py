"""Words and pieces of words as features, and the layer over them."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.errors import AdapterError
from adapters.intent.lexical import FEATURES, LexicalLayer, features, weigh

RARITY = np.ones(FEATURES, dtype=np.float32)


def test_case_width_and_punctuation_make_no_difference() -> None:
    assert features("Where is my CARD?") == features("where is my card") == features("ｗｈｅｒｅ is my card!")


def test_the_order_of_words_makes_a_difference() -> None:
    assert features("dog bites man") != features("man bites dog")


def test_a_misspelt_word_shares_most_of_its_pieces() -> None:
    known, misspelt, other = (set(features(word)) for word in ("transfer", "transfre", "balance"))
    assert len(known & misspelt) > 3 * len(known & other)
    assert len(known & misspelt) > len(misspelt) / 3


def test_chinese_is_read_by_the_character() -> None:
    known, near, other = (set(features(text)) for text in ("打开音乐", "打开音量", "天气预报"))
    assert len(known & near) >= 5
    assert not known & other


def test_weights_are_a_unit_vector_in_which_rare_features_weigh_more() -> None:
    rarity = RARITY.copy()
    places, values = weigh("transfer money", rarity)
    assert np.linalg.norm(values) == pytest.approx(1.0)
    rarity[places[0]] = 5.0
    assert weigh("transfer money", rarity)[1][0] > 2 * values[0]


def test_a_text_without_letters_scores_the_bias() -> None:
    layer = LexicalLayer(
        rarity=RARITY, weight=np.ones((FEATURES, 2), dtype=np.float16), bias=np.array([0.5, -1.0], dtype=np.float32)
    )
    np.testing.assert_allclose(layer.logits(["?!", ""]), [[0.5, -1.0]] * 2)
    assert layer.logits([]).shape == (0, 2)


def test_a_layer_that_does_not_fit_together_is_refused() -> None:
    with pytest.raises(AdapterError, match="does not fit together"):
        LexicalLayer(rarity=RARITY, weight=np.ones((FEATURES, 3), dtype=np.float16), bias=np.zeros(2, dtype=np.float32))
