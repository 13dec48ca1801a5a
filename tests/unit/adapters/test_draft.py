"""Guesses from the prompt."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.generator.draft import GRAMS, LONGEST, PromptLookup


def test_what_followed_the_last_three_tokens_is_guessed() -> None:
    assert PromptLookup([1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3]).draft(10) == [4, 5, 6, 7]


def test_two_tokens_are_enough_where_three_stood_nowhere() -> None:
    assert PromptLookup([2, 3, 4, 5, 9, 2, 3]).draft(10) == [4, 5, 9, 2]


def test_the_later_of_two_occurrences_is_followed() -> None:
    assert PromptLookup([1, 2, 7, 1, 2, 8, 1, 2]).draft(1) == [8]


def test_nothing_is_guessed_after_tokens_that_are_new_together() -> None:
    assert PromptLookup([1, 2, 3, 4]).draft(10) == []
    assert PromptLookup([1]).draft(10) == []


def test_the_answers_own_tokens_are_looked_up_too() -> None:
    lookup = PromptLookup([1, 2])
    lookup.extend([5, 6, 7, 8])
    lookup.extend([5, 6])
    assert lookup.draft(2) == [7, 8]


def test_guesses_grow_with_success_and_shrink_with_failure() -> None:
    lookup = PromptLookup([*range(30), 0, 1, 2])
    assert len(lookup.draft(99)) == 4
    lookup.learn(4, 4)
    assert len(lookup.draft(99)) == 7
    lookup.learn(7, 7)
    lookup.learn(10, 10)
    assert len(lookup.draft(99)) == LONGEST
    lookup.learn(10, 3)
    assert len(lookup.draft(99)) == 4
    lookup.learn(4, 0)
    assert len(lookup.draft(99)) == 2
    lookup.learn(0, 0)  # no guess teaches nothing
    assert len(lookup.draft(99)) == 2


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(0, 12))
def test_a_guess_stood_behind_the_same_tokens_before(tokens: list[int], most: int) -> None:
    draft = PromptLookup(tokens).draft(most)
    assert len(draft) <= most
    if draft:
        grams = [[*tokens[-size:], *draft] for size in GRAMS]
        assert any(gram == tokens[start : start + len(gram)] for gram in grams for start in range(len(tokens)))
