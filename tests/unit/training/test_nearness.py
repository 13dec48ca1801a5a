"""From which similarity on the answer of one question answers another."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from training.nearness import GRID, LEAST_PAIRS, learned_nearness, lower_bound


def same(answer: str, wanted: str, _question: str) -> bool:
    return answer == wanted


def pairs_at(similarities: list[float]) -> NDArray[np.float32]:
    """Two unit vectors for each similarity, pairs at right angles to each other."""
    rows = np.zeros((2 * len(similarities), 2 * len(similarities)), dtype=np.float32)
    for number, similarity in enumerate(similarities):
        first, second = 2 * number, 2 * number + 1
        rows[first, first] = 1
        rows[second, first] = similarity
        rows[second, second] = np.sqrt(1 - similarity**2)
    return rows


def asked(answers: list[tuple[str, str]]) -> tuple[list[str], list[str]]:
    told = [answer for pair in answers for answer in pair]
    return [f"question {number}" for number in range(len(told))], told


def test_neighbours_with_the_same_answer_are_trusted_down_to_where_they_lie() -> None:
    vectors = pairs_at([0.75] * 10)
    questions, answers = asked([(f"answer {number}", f"answer {number}") for number in range(10)])
    found = learned_nearness(vectors, questions, answers, same)
    assert (found.similarity, found.pairs, found.right) == (0.74, 20, 20)


def test_nothing_below_a_step_at_which_neighbours_have_other_answers_is_trusted() -> None:
    vectors = pairs_at([0.85] * 10 + [0.71] * 10)
    told = [(f"answer {number}", f"answer {number}") for number in range(10)]
    questions, answers = asked(told + [(f"this {number}", f"that {number}") for number in range(10)])
    found = learned_nearness(vectors, questions, answers, same)
    assert (found.similarity, found.pairs, found.right) == (0.84, 20, 20)


def test_a_few_mistakes_at_the_top_do_not_hide_what_lies_below() -> None:
    vectors = pairs_at([0.9] * 6 + [0.71] * 20)
    mistaken = [(f"this {number}", f"that {number}") for number in range(3)]
    questions, answers = asked(mistaken + [(f"answer {number}", f"answer {number}") for number in range(23)])
    found = learned_nearness(vectors, questions, answers, same)
    assert (found.similarity, found.pairs, found.right) == (0.7, 52, 46)


def test_a_question_without_an_answer_counts_against_whatever_is_near_it() -> None:
    vectors = pairs_at([0.8] * 12)
    told = [(f"answer {number}", "") for number in range(12)]
    assert learned_nearness(vectors, *asked(told), same).similarity is None


def test_a_handful_of_pairs_proves_nothing() -> None:
    few = LEAST_PAIRS // 2 - 1
    questions, answers = asked([(f"answer {number}", f"answer {number}") for number in range(few)])
    assert learned_nearness(pairs_at([0.8] * few), questions, answers, same).similarity is None


def test_no_question_at_all_is_no_evidence() -> None:
    found = learned_nearness(np.zeros((0, 4), dtype=np.float32), [], [], same)
    assert (found.similarity, found.pairs, found.right) == (None, 0, 0)


@pytest.mark.parametrize(("right", "of", "bound"), [(20, 20, 0.9243), (18, 20, 0.7818), (0, 0, 0.0), (0, 10, 0.0)])
def test_the_bound_is_wilsons(right: int, of: int, bound: float) -> None:
    assert lower_bound(right, of) == pytest.approx(bound, abs=5e-4)


def test_the_grid_goes_down_and_stays_above_questions_that_share_a_topic_only() -> None:
    assert list(GRID) == sorted(GRID, reverse=True)
    assert GRID[-1] >= 0.6
