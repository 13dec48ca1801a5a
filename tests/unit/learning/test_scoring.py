"""What an answer to a held-out question is worth."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.examples import ShownPassage
from adapters.types import Intent
from bot.learning.held_out import HeldOut
from bot.learning.scoring import (
    AGAIN,
    AS_WANTED,
    NOT_AGAIN,
    NOT_AS_WANTED,
    NOT_REFUSED,
    PASSAGE_ALONE,
    PASSAGE_WEIGHT,
    REFUSED,
    RIGHTLY_REFUSED,
    SAME,
    SAME_PAGE,
    SHOWN_WRONG,
    UNTOLD,
    agreement,
    bare,
    measure,
)
from bot.types import Answer, AnswerKind, Outcome, Source, Trace

QUESTION = "How long does a refund take?"
RIGHT = "A refund to a card takes five business days."
WRONG = "Instant payouts cost 1 percent."
PASSAGE = ShownPassage(uri="/refunds.md", title="Refunds", text=RIGHT)
OTHER = ShownPassage(uri="/payouts.md", title="Payouts", text=WRONG)


def said(
    text: str,
    kind: AnswerKind = AnswerKind.QUOTED,
    *passages: ShownPassage,
    intent: str = "question",
) -> Answer:
    refused = kind in (AnswerKind.REFUSAL, AnswerKind.CLARIFICATION)
    return Answer(
        text=text,
        kind=kind,
        outcome=Outcome.ABSTAINED if refused else Outcome.ANSWERED,
        sources=tuple(
            Source(number=n, title=one.title, uri=one.uri, anchor="", excerpt=one.text, chunk_id=n)
            for n, one in enumerate(passages, start=1)
        ),
        suggestions=(),
        trace=Trace(
            intent=Intent(label=intent, confidence=1.0, in_scope=1.0),
            passages=(),
            reason="",
            query="",
            draft="",
            versions={},
            timings_ms={},
        ),
    )


REFUSAL = said("I don't know that.", AnswerKind.REFUSAL)


def utility(item: HeldOut, answer: Answer) -> float:
    return measure(item, answer).utility


def test_the_wanted_answer_word_for_word_is_worth_what_a_like_is() -> None:
    item = HeldOut(question=QUESTION, wanted=(RIGHT,), answerable=True)
    found = measure(item, said(f"The documents say: {RIGHT} [1]", AnswerKind.QUOTED, PASSAGE))
    assert (found.utility, found.agreement, found.right_verdict) == (AS_WANTED.unknown, 1.0, True)
    assert found.characters == len(RIGHT)
    assert found.accepted


def test_a_right_answer_is_worth_more_than_a_refusal_and_that_more_than_a_wrong_answer() -> None:
    item = HeldOut(question=QUESTION, wanted=(RIGHT,), answerable=True)
    long = said(f"Ask your bank. {RIGHT} It starts when we send it. Weekends do not count.")
    right, refused, wrong = (utility(item, one) for one in (long, REFUSAL, said(WRONG)))
    assert right > 0.6 > refused == REFUSED > wrong


def test_what_somebody_who_knows_wrote_down_is_certain() -> None:
    item = HeldOut(question=QUESTION, wanted=(RIGHT,), answerable=True, certain=True)
    assert (utility(item, said(RIGHT)), utility(item, said("Ask us."))) == (1.0, 0.0)


def test_what_says_most_of_a_wanted_answer_is_as_good() -> None:
    item = HeldOut(question=QUESTION, wanted=(RIGHT,), answerable=True)
    longer, half = f"{RIGHT} It starts when we send it.", "A refund takes days."
    assert SAME < agreement(longer, RIGHT, QUESTION) < 1
    assert utility(item, said(longer)) == AS_WANTED.unknown > utility(item, said(half)) > NOT_AS_WANTED.unknown


def test_where_the_documents_do_not_tell_a_refusal_is_worth_most() -> None:
    item = HeldOut(question=QUESTION, answerable=False)
    assert (utility(item, REFUSAL), utility(item, said(RIGHT))) == (RIGHTLY_REFUSED, NOT_REFUSED.unknown)
    assert measure(item, said(RIGHT)).right_verdict is False


def test_a_wrong_figure_costs_half() -> None:
    told = agreement("A refund to a card takes nine business days.", RIGHT, QUESTION)
    assert told < 0.5
    assert agreement("A refund to a card takes 5 business days.", RIGHT, QUESTION) == pytest.approx(1.0)


def test_what_is_missing_costs_more_than_what_is_too_much() -> None:
    wanted = "Open Settings and choose Invite member."
    more = f"{wanted} Pick a role, then send the message."
    assert agreement(more, wanted, "") > agreement(wanted, more, "")


def test_chinese_answers_are_compared_by_their_words_too() -> None:
    wanted = "退款到银行卡需要 5 个工作日。"
    assert agreement("银行卡退款需要 5 个工作日到账。", wanted, "") > 0.6
    assert agreement("请联系客服处理账户问题。", wanted, "") < 0.2


def test_another_answer_than_the_disliked_one_gains_nothing_by_itself() -> None:
    item = HeldOut(question=QUESTION, unwanted=(WRONG,))
    assert utility(item, said(f"{WRONG} [1]")) == AGAIN.unknown == utility(item, REFUSAL)
    assert utility(item, said(RIGHT)) == NOT_AGAIN.unknown == AGAIN.unknown
    corrected = replace(item, wanted=(RIGHT,))
    assert utility(corrected, said(f"{WRONG} [1]")) == NOT_AS_WANTED.unknown


def test_where_only_a_refusal_was_turned_down_an_answer_may_be_right() -> None:
    item = HeldOut(question=QUESTION, answerable=True)
    assert utility(item, said(RIGHT)) == UNTOLD.unknown > utility(item, REFUSAL)
    assert utility(replace(item, near=(RIGHT,)), said(RIGHT)) == UNTOLD.same
    assert utility(replace(item, near=(RIGHT,)), said(WRONG)) == UNTOLD.other


def test_an_answer_that_is_both_wanted_and_near_a_disliked_one_counts_as_wanted() -> None:
    item = HeldOut(question=QUESTION, wanted=(RIGHT,), unwanted=("A refund to a card takes business days five.",))
    assert utility(item, said(RIGHT)) == AS_WANTED.unknown


def test_what_answers_a_nearly_same_question_is_worth_more_than_anything_else_where_nothing_is_known() -> None:
    item = HeldOut(question=QUESTION, unwanted=(WRONG,), near=(RIGHT,))
    assert utility(item, said(RIGHT)) == NOT_AGAIN.same
    assert utility(item, said("Ask your bank about the card.")) == NOT_AGAIN.other < NOT_AGAIN.unknown
    assert utility(item, said(WRONG)) == AGAIN.other
    assert utility(replace(item, near=(f"{RIGHT} Weekends do not count.", RIGHT)), said(RIGHT)) == NOT_AGAIN.same


def test_where_a_rating_of_the_question_and_its_neighbours_differ_either_may_be_mistaken() -> None:
    refused = HeldOut(question=QUESTION, answerable=False, near=(RIGHT,))
    assert (utility(refused, REFUSAL), utility(refused, said(RIGHT))) == (RIGHTLY_REFUSED, NOT_REFUSED.same)
    disliked = HeldOut(question=QUESTION, unwanted=(RIGHT,), near=(RIGHT,))
    assert utility(disliked, said(RIGHT)) == AGAIN.same
    bank = "Ask your bank how long."
    liked = HeldOut(question=QUESTION, wanted=(bank,), near=(RIGHT,), answerable=True)
    assert utility(liked, said(bank)) == pytest.approx(AS_WANTED.other)
    assert utility(liked, said(RIGHT)) == pytest.approx(NOT_AS_WANTED.same, abs=0.1)
    agreed = replace(liked, near=(bank,))
    assert utility(agreed, said(bank)) == AS_WANTED.same > utility(agreed, said(RIGHT))


def test_the_right_passage_counts_where_no_answer_is_known() -> None:
    item = HeldOut(question=QUESTION, right=frozenset([PASSAGE.key]), wrong=frozenset([OTHER.key]), answerable=True)
    assert utility(item, said(RIGHT, AnswerKind.QUOTED, PASSAGE)) == PASSAGE_ALONE
    assert utility(item, said(WRONG, AnswerKind.QUOTED, OTHER)) == SHOWN_WRONG.unknown
    only_wrong = HeldOut(question=QUESTION, wrong=frozenset([OTHER.key]))
    assert utility(only_wrong, said(WRONG, AnswerKind.QUOTED, OTHER)) == SHOWN_WRONG.unknown
    assert utility(replace(only_wrong, near=(WRONG,)), said(WRONG, AnswerKind.QUOTED, OTHER)) == SHOWN_WRONG.same
    elsewhere = utility(only_wrong, said(RIGHT, AnswerKind.QUOTED, PASSAGE))
    assert elsewhere == NOT_AGAIN.unknown == utility(only_wrong, REFUSAL), "nothing is gained by any other answer"
    page = replace(item, unwanted=(RIGHT,))
    assert utility(page, said(RIGHT, AnswerKind.QUOTED, PASSAGE)) == AGAIN.unknown, "disliked, if from the right page"
    both = replace(only_wrong, unwanted=(WRONG,))
    assert utility(both, said(WRONG, AnswerKind.QUOTED, OTHER)) == SHOWN_WRONG.unknown


def test_the_right_words_from_the_wrong_passage_lose_the_passages_share() -> None:
    item = HeldOut(question=QUESTION, wanted=(RIGHT,), right=frozenset([PASSAGE.key]), answerable=True)
    right = utility(item, said(RIGHT, AnswerKind.QUOTED, PASSAGE))
    elsewhere = utility(item, said(RIGHT, AnswerKind.QUOTED, OTHER))
    assert right == AS_WANTED.unknown
    assert right - elsewhere == pytest.approx(PASSAGE_WEIGHT * (AS_WANTED.unknown - NOT_AS_WANTED.unknown))


def test_a_passage_that_holds_the_wanted_answer_is_as_right_as_the_one_that_was_liked() -> None:
    item = HeldOut(question=QUESTION, wanted=(RIGHT,), right=frozenset([PASSAGE.key]), answerable=True)
    again = ShownPassage(uri="/faq.md", title="Cards", text=f"Ask your bank first. {RIGHT} Weekends do not count.")
    found = measure(item, said(RIGHT, AnswerKind.CURATED, again))
    assert (found.utility, found.right_passage) == (AS_WANTED.unknown, True)
    longer = replace(item, wanted=("A refund to a debit card or bank account takes five days after approval.",))
    nine = ShownPassage(uri="/faq.md", title="Cards", text=longer.wanted[0].replace("five", "nine"))
    assert measure(longer, said(RIGHT, AnswerKind.CURATED, nine)).right_passage is False


def test_another_part_of_the_right_page_is_worth_half_unless_somebody_called_it_wrong() -> None:
    nearby = ShownPassage(uri=PASSAGE.uri, title="Refunds", text="Refunds can be partial.")
    item = HeldOut(question=QUESTION, right=frozenset([PASSAGE.key]), pages=frozenset([PASSAGE.uri]), answerable=True)
    found = measure(item, said("Refunds can be partial.", AnswerKind.QUOTED, nearby))
    assert (found.utility, found.right_passage) == (SAME_PAGE * PASSAGE_ALONE, False)
    called = replace(item, wrong=frozenset([nearby.key]))
    assert utility(called, said("Refunds can be partial.", AnswerKind.QUOTED, nearby)) == SHOWN_WRONG.unknown


def test_sentences_that_no_passage_backs_halve_what_the_generator_wrote() -> None:
    item = HeldOut(question=QUESTION, wanted=(RIGHT,), answerable=True)
    backed = measure(item, said(RIGHT, AnswerKind.GENERATED, PASSAGE))
    made_up = measure(item, said(RIGHT, AnswerKind.GENERATED, OTHER))
    assert (backed.grounded, made_up.grounded) == (1.0, 0.0)
    assert made_up.utility == pytest.approx(backed.utility / 2)


def test_a_message_taken_for_something_else_is_worth_nothing() -> None:
    hello = HeldOut(question="hi", intent="greeting")
    assert utility(hello, said("Hello!", AnswerKind.CANNED, intent="greeting")) == 1.0
    assert utility(hello, said(RIGHT, AnswerKind.QUOTED, PASSAGE)) == 0.0
    asked = HeldOut(question=QUESTION, intent="question")
    assert utility(asked, said("Hello!", AnswerKind.CANNED, intent="greeting")) == 0.0
    assert utility(asked, said(RIGHT, AnswerKind.QUOTED, intent="greeting")) == 1.0  # the documents had the last word


@pytest.mark.parametrize("text", ["The documents say: A. B. [1]", "The documents say:\nA. B.\n[1]", "A. [1] B. [2]"])
def test_citations_and_the_bots_own_words_are_not_part_of_an_answer(text: str) -> None:
    assert bare(text) == "A. B."
