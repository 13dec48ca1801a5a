"""What an admin is shown before anything is learned."""

from __future__ import annotations

from adapters.examples import Examples
from adapters.types import Task
from bot.learning.feedback import Gathered
from bot.learning.preview import preview
from bot.types import AnswerKind, RatingReason, RatingValue
from tests.unit.learning.test_feedback import BOB, DOWN, UP, given, learned, rated, stored
from training.readiness import Readiness
from training.splits import feedback_side
from training.types import Split

NAMES = {1: "Ada", 2: "Bob"}


def everything() -> Gathered:
    return learned(
        rated(stored(number=1), given(UP)),
        rated(
            stored(number=2, question="Who pays?", text="You [1]."), given(DOWN, RatingReason.WRONG_SOURCE, user=BOB)
        ),
        rated(stored(number=3, question="Why?" * 40), right="Because of the fees of the bank."),
        rated(stored(number=4, question="Odd?"), given(UP), given(DOWN, user=BOB)),
        rated(stored(number=5, question="Old?"), given(DOWN, RatingReason.OUT_OF_DATE)),
        rated(
            stored(AnswerKind.CANNED, number=6, question="hi", text="Hello!", intent="greeting"),
            given(RatingValue.UP, user=BOB),
        ),
    )


def test_an_admin_sees_what_is_learned_from_whom_and_what_is_left_out() -> None:
    lines = preview(everything(), "en", NAMES)
    assert lines[0] == "6 examples could be learned from, by 2 people."
    kept = int(feedback_side("hi") is Split.TEST)
    assert f"intent, what questions are about: 1 ({kept} kept back to test with)" in lines
    assert "  “hi”: the intent is greeting (Bob)" in lines
    assert "  “How long does a refund take?”: the passage is the right one (Ada)" in lines
    assert "  “Who pays?”: the passage is a wrong one (Bob)" in lines
    assert any(line.endswith("…”: a better answer was approved (Bob)") for line in lines)
    at = lines.index("Left out: 2 answers")
    assert lines[at + 1 : at + 4] == (
        "  disputed: 1",
        "    “Odd?”",
        "  out of date, which only the document can mend: 1",
    )
    assert lines[-1] == "One document was called out of date; `knowledge outdated` in chat lists it."


def test_nobody_is_named_to_others() -> None:
    text = "\n".join(preview(everything(), "en"))
    assert "Ada" not in text
    assert "Bob" not in text


def test_nothing_to_learn_is_said_in_one_line() -> None:
    nothing = Gathered(examples=Examples())
    assert preview(nothing, "en") == ("There is nothing to learn from yet.",)
    assert preview(nothing, "zh") == ("目前还没有可以学习的内容。",)


def test_it_is_said_in_chinese_too() -> None:
    lines = preview(everything(), "zh", NAMES)
    assert lines[0] == "有 6 条样例可供学习，来自 2 人。"
    assert "  “hi”：意图是 greeting（Bob）" in lines


def test_of_a_run_of_some_parts_it_says_what_it_would_come_to() -> None:
    few = Readiness(task=Task.INTENT, have=1, need=5, enough=False)
    much = Readiness(task=Task.RETRIEVAL, have=30, need=20, enough=True)
    lines = preview(everything(), "en", ready=[few, much])
    assert not any(line.startswith("generator") for line in lines)
    assert lines[-2:] == (
        (
            "intent: too little; without repeats and those kept back (to test with, or to tell when to stop), "
            "one example is there, 5 are needed: 4 are missing."
        ),
        "A run now would train: retrieval.",
    )
    assert preview(everything(), "en", ready=[few])[-1] == "A run now would come to nothing."
