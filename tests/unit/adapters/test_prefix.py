"""Which kept prompt a new one begins like."""

from __future__ import annotations

import torch

from adapters.generator.prefix import SHORTEST, PrefixStore

A = list(range(20))


def states(number: float) -> torch.Tensor:
    return torch.tensor([number])


def found(store: PrefixStore, prompt: list[int]) -> tuple[int, float | None]:
    shared, kept = store.find(prompt)
    return shared, None if kept is None else kept.item()


def test_the_prompt_with_most_in_common_is_found() -> None:
    store = PrefixStore()
    store.keep([*A[:12], 99], states(1))
    store.keep(A, states(2))
    assert found(store, [*A[:15], 77]) == (15, 2)
    assert found(store, [*A[:12], 99, 5]) == (13, 1)


def test_the_last_token_is_always_left_to_compute() -> None:
    store = PrefixStore()
    store.keep(A, states(1))
    assert found(store, A) == (len(A) - 1, 1)
    assert found(store, A[:10]) == (9, 1)


def test_few_tokens_are_not_worth_a_copy() -> None:
    store = PrefixStore()
    store.keep(A, states(1))
    assert found(store, [*A[: SHORTEST - 1], 99, 99]) == (0, None)
    assert found(store, [*A[:SHORTEST], 99]) == (SHORTEST, 1)
    assert found(PrefixStore(), A) == (0, None)


def test_the_least_recently_used_is_forgotten_first() -> None:
    store = PrefixStore(most_tokens=40)
    store.keep(A, states(1))
    store.keep([*range(50, 70)], states(2))
    assert found(store, A)[1] == 1  # used again
    store.keep([*range(80, 90)], states(3))
    assert found(store, [*range(50, 70)]) == (0, None)
    assert found(store, A)[1] == 1


def test_a_prompt_that_would_fill_the_store_alone_is_not_kept() -> None:
    store = PrefixStore(most_tokens=19)
    store.keep(A, states(1))
    assert found(store, A) == (0, None)


def test_clearing_forgets_all() -> None:
    store = PrefixStore()
    store.keep(A, states(1))
    store.clear()
    assert found(store, A) == (0, None)
