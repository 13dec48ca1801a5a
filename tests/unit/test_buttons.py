from __future__ import annotations

from datetime import UTC, datetime

import pytest

from adapters.intent.config import load_definitions
from adapters.types import Intent
from bot.buttons import Verb, below, data_of, read, reasons
from bot.types import Answer, AnswerKind, Outcome, RatingValue, StoredAnswer, Trace, TracedPassage

PASSAGE = TracedPassage(chunk_id=1, title="Refunds", uri="a.md", similarity=0.3, lexical=1.0, fused=0.02, used=False)


def answered(kind: AnswerKind, label: str = "question", *, found: bool = True) -> StoredAnswer:
    trace = Trace(
        intent=Intent(label=label, confidence=1.0, in_scope=1.0),
        passages=(PASSAGE,) if found else (),
        reason="",
        query="",
        draft="",
        versions={},
        timings_ms={},
    )
    answer = Answer(text="So.", kind=kind, outcome=Outcome.ANSWERED, sources=(), suggestions=(), trace=trace)
    return StoredAnswer(
        id=7, message_id=1, conversation_id=1, question="Why?", answer=answer, created_at=datetime.now(UTC)
    )


def labels(kind: AnswerKind, label: str = "question", *, human: bool, found: bool = True) -> list[list[str]]:
    rows = below(answered(kind, label, found=found), "en", human=human)
    return [[button.label for button in row] for row in rows]


def test_a_person_is_promised_to_the_angry_only_where_there_is_one() -> None:
    assert labels(AnswerKind.CANNED, "complaint", human=True) == [["🙋 Ask a human"]]
    assert labels(AnswerKind.CANNED, "complaint", human=False) == []
    assert labels(AnswerKind.CANNED, "greeting", human=True) == []


@pytest.mark.parametrize("word", ["human", "person", "人工", "同事"])
def test_no_built_in_reply_promises_a_person(word: str) -> None:
    replies = [text for one in load_definitions() if one.name != "human" for text in one.reply.values()]
    assert replies
    assert [text for text in replies if word in text] == []


def test_a_refusal_is_rated_in_words_where_something_was_weighed() -> None:
    told = ["👍 That is right", "👎 The documents do tell"]
    assert labels(AnswerKind.REFUSAL, human=False) == [told]
    assert labels(AnswerKind.REFUSAL, human=True) == [told, ["🙋 Ask a human"]]
    assert labels(AnswerKind.REFUSAL, human=True, found=False) == [["🙋 Ask a human"]]
    [[right, wrong]] = below(answered(AnswerKind.REFUSAL), "zh", rated=RatingValue.DOWN, human=False)
    assert (right.label, wrong.label) == ("👍 确实没有", "👎 文档里有 ✓")
    assert (right.data, wrong.data) == (data_of(Verb.RATE, 7, "up"), data_of(Verb.RATE, 7, "down"))


def test_the_right_answer_is_offered_beside_the_reasons() -> None:
    *_, last = reasons(7, "en")
    pressed = [read(button.data) for button in last]
    assert [one.verb for one in pressed if one is not None] == [Verb.CORRECT, Verb.BACK]
