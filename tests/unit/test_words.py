"""Words of two texts are equal when they say the same."""

from __future__ import annotations

from bot.words import asked_words, content_keys, has_han, words


def test_forms_of_a_word_share_a_stem() -> None:
    assert content_keys("Refunding the customers' refunds") == content_keys("refund customer")


def test_grammar_words_carry_no_claim_but_negations_do() -> None:
    assert content_keys("the of and is not") == {"not"}


def test_number_words_are_figures() -> None:
    assert content_keys("five 5 1,000") == {"5", "1000"}


def test_chinese_becomes_pairs_cut_at_particles() -> None:
    assert [word.key for word in words("账户的冻结")] == ["账户", "冻结"]


def test_a_words_place_is_its_offset_in_the_text() -> None:
    text = "Ask 账户, then 5.5"
    assert all(text.startswith(word.surface, word.start) for word in words(text))
    assert [word.start for word in words(text)] == [0, 4, 8, 13]


def test_latin_text_has_no_han() -> None:
    assert not has_han("café 5")
    assert has_han("a 账")


def test_what_only_asks_is_not_asked_for() -> None:
    assert [word.surface for word in asked_words("Tell me, how long is a long refund?")] == ["long", "refund"]
