from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from adapters.examples import AnswerExample, ShownPassage
from training.preferences import Objective, choose, drawn, rows, support, usable

FEES = ShownPassage(
    uri="fees.md", title="Fees", text="Cards cost 2 percent. iDEAL costs 32 cents. Refunds are free. Ask us for more."
)
TEAM = ShownPassage(uri="team.md", title="Team", text="Owners invite people. An invitation holds for 7 days.")
LIKED = AnswerExample(
    question="What does iDEAL cost?", passages=(TEAM, FEES), answer="iDEAL costs 32 cents.", liked=True, weight=1.0,
    ratings=("1:ada",),
)  # fmt: skip
CORRECTED = replace(LIKED, liked=False, answer="Cards cost 2 percent.", better="iDEAL costs 32 cents.")
DISLIKED = replace(CORRECTED, better="")


def test_a_row_shows_the_lines_of_the_passage_that_has_the_answer() -> None:
    [row] = rows([LIKED])
    assert row.evidence.title == "Fees"
    assert "iDEAL costs 32 cents." in row.evidence.text
    assert (row.good, row.bad) == ("iDEAL costs 32 cents.", "")


def test_a_correction_is_good_and_what_it_corrects_is_bad() -> None:
    [row] = rows([CORRECTED])
    assert (row.good, row.bad) == ("iDEAL costs 32 cents.", "Cards cost 2 percent.")


def test_lines_are_chosen_by_the_answer_where_the_question_misses_them() -> None:
    [row] = rows([replace(LIKED, question="Is there anything more to ask?", answer="Refunds are free.")])
    assert "Refunds are free." in row.evidence.text


@pytest.mark.parametrize(
    "example",
    [
        replace(LIKED, answer="It is 99 francs, payable by Hugo on Sundays."),
        replace(LIKED, passages=()),
        replace(LIKED, answer=""),
        replace(DISLIKED, answer=""),
        replace(CORRECTED, better="Cards  cost 2 percent."),
    ],
    ids=["not in its passages", "no passage", "a refusal that was liked", "a refusal that was not", "no change"],
)
def test_what_teaches_no_words_is_left_out(example: AnswerExample) -> None:
    assert rows([example]) == ()


def test_each_objective_takes_the_rows_that_it_can_learn_from() -> None:
    found = rows([LIKED, CORRECTED, DISLIKED])
    assert [len(usable(found, objective)) for objective in (Objective.SFT, Objective.KTO, Objective.DPO)] == [2, 3, 1]


def test_good_answers_are_learned_where_there_are_enough_and_thumbs_alone_where_not() -> None:
    found = rows([LIKED, CORRECTED, DISLIKED])
    assert choose(found, need=2) is Objective.SFT
    assert choose(found, need=3) is Objective.KTO
    assert choose(found, need=4) is Objective.SFT  # which then says how many are missing


def test_an_item_is_drawn_as_often_as_its_weight_says() -> None:
    weights = {"a": 1.0, "b": 0.5, "c": 0.1}
    rng = random.Random(3)  # noqa: S311 - draws examples, nothing secret
    counted = Counter(drawn(list(weights), list(weights.values()), 32, rng))
    for item, weight in weights.items():
        assert abs(counted[item] - 32 * weight / 1.6) < 1
    assert counted.total() == 32
    assert drawn(["a"], [1.0], 0, rng) == []


def test_support_is_the_share_of_words_also_in_chinese() -> None:
    assert support("costs 32 euros", "It costs 32 cents.") == pytest.approx(2 / 3)
    assert support("退款五天", "退款需要五天。") == 1.0
    assert support("", "text") == 0.0
