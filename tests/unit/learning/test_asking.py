"""What a rating would teach, and which few of a stream are picked."""

from __future__ import annotations

import numpy as np
import pytest

from bot.learning.asking import FIRST, Choice, Rated, worth

THRESHOLD = 0.35
FAR_AWAY = [Rated(similarity=0.6, good=True)]  # neither alike nor far


def test_an_answer_near_the_threshold_is_worth_most() -> None:
    values = [worth(score, THRESHOLD, FAR_AWAY) for score in (0.36, 0.5, 0.7, 0.9, 0.99)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.95
    assert values[-1] == worth(0.999, THRESHOLD, FAR_AWAY)


def test_a_disputed_question_is_worth_asking_about_and_a_settled_one_is_not() -> None:
    agreed = [Rated(similarity=0.9, good=True)] * 4
    disputed = [Rated(similarity=0.9, good=number % 2 == 0) for number in range(4)]
    sure = 0.97
    assert worth(sure, THRESHOLD, disputed) > 0.9
    assert worth(sure, THRESHOLD, agreed) < 0.1
    assert worth(0.36, THRESHOLD, agreed) < 0.25  # unsure, but four people have said so already


def test_a_new_topic_is_worth_more_than_a_known_one() -> None:
    sure = 0.97
    new, known = [Rated(similarity=0.2, good=True)], [Rated(similarity=0.75, good=True)]
    assert worth(sure, THRESHOLD, new) > worth(sure, THRESHOLD, FAR_AWAY) > worth(sure, THRESHOLD, known)
    assert worth(sure, THRESHOLD, []) == worth(sure, THRESHOLD, new)


@pytest.mark.parametrize("share", [0.02, 0.1])
def test_a_small_share_of_a_stream_is_picked_and_it_is_the_best(share: float) -> None:
    rng = np.random.default_rng(0)
    values = rng.random(3000).tolist()
    choice = Choice(share)
    picked = [value for value in values if choice.picks(value)]
    assert share / 2 < len(picked) / len(values) < 1.5 * share
    assert min(picked) > 1 - 3 * share


def test_nobody_is_asked_at_first_nor_where_it_is_switched_off_nor_for_nothing() -> None:
    first = Choice(0.5)
    assert not any(first.picks(1.0) for _ in range(FIRST - 1))
    assert first.picks(1.0)
    off, nothing = Choice(0.0), Choice(0.5)
    assert not any(off.picks(1.0) for _ in range(2 * FIRST))
    assert not any(nothing.picks(0.0) for _ in range(2 * FIRST))
