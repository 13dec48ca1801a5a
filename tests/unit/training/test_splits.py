"""The text alone decides the side."""

from __future__ import annotations

from collections import Counter

import pytest

from training.splits import fold_order, normalised, position, split_of
from training.types import Split

TEXTS = [f"question number {number}" for number in range(5_000)]


def test_the_side_of_a_text_is_pinned() -> None:
    assert position("How do I reset my password?") == pytest.approx(0.7128109, abs=1e-6)
    assert split_of("How do I reset my password?", dev_share=0.15, test_share=0.15) is Split.TRAIN
    assert split_of("How do I reset my password?", dev_share=0.49, test_share=0.3) is Split.DEV
    assert split_of("How do I reset my password?", dev_share=0.15, test_share=0.72) is Split.TEST


def test_case_width_and_white_space_do_not_change_the_side() -> None:
    assert normalised("  Ｈow\tDo I\n reset?") == "how do i reset?"
    assert position("HOW do i  reset?") == position("How do I reset?")
    assert fold_order("HOW do i  reset?") == fold_order("How do I reset?")


def test_shares_are_kept_within_chance() -> None:
    sides = Counter(split_of(text, dev_share=0.15, test_share=0.15) for text in TEXTS)
    assert sides[Split.TEST] / 5_000 == pytest.approx(0.15, abs=0.02)
    assert sides[Split.DEV] / 5_000 == pytest.approx(0.15, abs=0.02)


def test_the_test_side_does_not_move_when_the_dev_share_changes() -> None:
    def test_side(dev_share: float) -> set[str]:
        return {text for text in TEXTS if split_of(text, dev_share=dev_share, test_share=0.15) is Split.TEST}

    assert test_side(0.1) == test_side(0.3)


def test_without_a_test_share_nothing_is_kept_back() -> None:
    assert Split.TEST not in {split_of(text, dev_share=0.2, test_share=0.0) for text in TEXTS}
