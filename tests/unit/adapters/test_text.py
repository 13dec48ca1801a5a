from __future__ import annotations

from collections.abc import Sequence

import pytest

from adapters.generator.text import Detokenizer


def decode_bytes(tokens: Sequence[int]) -> str:
    """The hardest tokenizer: every token is one byte."""
    return bytes(tokens).decode(errors="replace")


def pieces_of(text: str) -> list[str]:
    detokenizer = Detokenizer(decode_bytes)
    pieces = [piece for token in text.encode() if (piece := detokenizer.push(token))]
    return [*pieces, *filter(None, [detokenizer.finish()])]


@pytest.mark.parametrize(
    "text",
    [
        "Hello, world!",
        "a  b\n\nc",
        " leading",
        "trailing ",
        "naïve café",
        "我的账户为何被冻结？",
        "👍🏽 ok 🇩🇪",
        "x" * 200,
        "",
    ],
)
def test_pieces_join_to_the_text(text: str) -> None:
    assert "".join(pieces_of(text)) == text


def test_a_piece_ends_with_a_whole_word() -> None:
    assert pieces_of("The API allows 120/min.") == ["The ", "API ", "allows ", "120/min."]


def test_a_script_without_spaces_comes_character_by_character() -> None:
    assert pieces_of("账户冻结") == ["账", "户", "冻", "结"]


def test_a_very_long_word_does_not_wait_for_its_end() -> None:
    assert max(map(len, pieces_of("x" * 200))) <= 49


def test_bytes_that_never_become_a_character_are_left_out() -> None:
    detokenizer = Detokenizer(decode_bytes)
    assert [detokenizer.push(token) for token in "ok 账".encode()[:-1]] == ["", "", "ok ", "", ""]
    assert detokenizer.finish() == ""


def test_a_decoder_that_drops_a_leading_space_is_given_context() -> None:
    words = ["▁It", "▁is", "▁late"]

    def decode(tokens: Sequence[int]) -> str:
        return "".join(words[token] for token in tokens).replace("▁", " ").removeprefix(" ")

    detokenizer = Detokenizer(decode)
    assert "".join([detokenizer.push(token) for token in range(3)]) + detokenizer.finish() == "It is late"
