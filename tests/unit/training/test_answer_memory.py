"""Which liked answers are remembered, and by whose question."""

from __future__ import annotations

import numpy as np

from adapters.examples import AnswerExample, ShownPassage
from adapters.retrieval.answers import part_of
from adapters.testing import FakeEncoder
from knowledge.advice import text_digest
from training.answer_memory import remembered_answers

PAGE = ShownPassage(uri="/fees.md", title="Fees", text="Cards cost 2 percent.\nThe fee is taken at once.")
OTHER = ShownPassage(uri="/help.md", title="Help", text="Ask the owner.")


def rated(question: str, answer: str, *, liked: bool = True, better: str = "") -> AnswerExample:
    return AnswerExample(
        question=question,
        passages=(OTHER, PAGE),
        answer=answer,
        liked=liked,
        better=better,
        weight=1.0,
        ratings=("1:1",),
    )


def test_an_answer_is_remembered_by_where_it_stands() -> None:
    encoder = FakeEncoder()
    examples = [rated("When?", "The fee is taken at once."), rated("How much?", "Cards cost 2 percent.", liked=False)]
    known = remembered_answers(examples, encoder)
    assert known is not None
    assert [part_of(PAGE.text, span) for span in known.spans] == ["The fee is taken at once.", "Cards cost 2 percent."]
    assert {span.digest for span in known.spans} == {text_digest(PAGE.text)}
    assert known.liked.tolist() == [True, False]
    assert np.array_equal(known.questions, encoder.encode(["When?", "How much?"]))


def test_words_of_the_generators_own_and_corrections_are_not_remembered() -> None:
    own = rated("When?", "It is taken right away.")
    corrected = rated("Who?", "", liked=False, better="The owner.")
    assert remembered_answers([own, corrected], FakeEncoder()) is None


def test_where_nothing_was_liked_nothing_is_remembered() -> None:
    assert remembered_answers([rated("Who?", "Ask the owner.", liked=False)], FakeEncoder()) is None
    assert remembered_answers([], FakeEncoder()) is None
