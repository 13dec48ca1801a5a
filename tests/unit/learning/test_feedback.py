"""From ratings to examples: each complaint goes where its cause is, and nothing says more than the rating did."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.examples import AnswerExample, Examples, IntentExample, LinkExample, ShownPassage, VerdictExample
from adapters.types import Intent
from bot.learning.feedback import Gathered, LeftOut, gather
from bot.learning.masking import Masker
from bot.store.feedback import ApprovedCorrection, GivenRating, RatedAnswer, Rater
from bot.types import Answer, AnswerKind, Outcome, RatingReason, RatingValue, Role, Source, StoredAnswer, Trace
from tests.stores import NOON
from training.trust import TrustConfig

UP, DOWN = RatingValue.UP, RatingValue.DOWN
LABELS = ("question", "greeting", "out_of_scope")
TEXT = "Refunds reach your bank within five working days."
PASSAGE = ShownPassage(uri="/docs/refunds.md", title="Refunds", text=TEXT)
SCORES = {"retrieval": 0.6, "answerable": 0.5}
ADA, BOB, EVE = 1, 2, 3


def stored(
    kind: AnswerKind = AnswerKind.GENERATED,
    *,
    number: int = 1,
    question: str = "How long does a refund take?",
    text: str = "It takes five working days [1].",
    intent: str = "question",
    reason: str = "written from the documents",
    query: str = "",
) -> StoredAnswer:
    documents = kind in {AnswerKind.GENERATED, AnswerKind.QUOTED, AnswerKind.CURATED}
    source = Source(number=1, title="Refunds", uri=PASSAGE.uri, anchor="", excerpt=TEXT, chunk_id=7)
    trace = Trace(
        intent=Intent(label=intent, confidence=0.9, in_scope=0.9),
        passages=(),
        reason=reason,
        query=query or question,
        draft="",
        versions={},
        timings_ms={},
        scores=SCORES,
    )
    answer = Answer(
        text=text,
        kind=kind,
        outcome=Outcome.ANSWERED if documents or kind is AnswerKind.CANNED else Outcome.ABSTAINED,
        sources=(source,) if documents else (),
        suggestions=(),
        trace=trace,
    )
    return StoredAnswer(
        id=number, message_id=number, conversation_id=1, question=question, answer=answer, created_at=NOON
    )


def given(value: RatingValue, reason: RatingReason | None = None, *, user: int = ADA, comment: str = "") -> GivenRating:
    at = NOON + timedelta(days=user)
    return GivenRating(user_id=user, value=value, reason=reason, comment=comment, at=at)


def rated(answer: StoredAnswer, *ratings: GivenRating, right: str = "", corrected_by: int = BOB) -> RatedAnswer:
    corrections: tuple[ApprovedCorrection, ...] = ()
    if right:
        corrections = (ApprovedCorrection(id=answer.id + 100, user_id=corrected_by, text=right, at=NOON),)
    return RatedAnswer(stored=answer, ratings=ratings, corrections=corrections)


def person(number: int, role: Role = Role.USER, *, days: float = 100) -> Rater:
    return Rater(id=number, platform="slack", name=f"Person {number}", role=role, since=NOON - timedelta(days=days))


def learned(*answers: RatedAnswer, found: ShownPassage | None = None, users: Collection[int] = ()) -> Gathered:
    """Everything that these ratings teach; everybody is staff but those who are named as users."""
    people = {number: person(number, Role.USER if number in users else Role.ADMIN) for number in range(1, 30)}
    return gather(
        answers,
        people,
        masker=Masker(["Grace Hopper"]),
        search=lambda _: () if found is None else (found,),
        labels=LABELS,
        config=TrustConfig(),
    )


def only(examples: Examples) -> list[str]:
    return [type(one).__name__ for one in examples.all]


# -- praise


def test_a_liked_answer_praises_its_passage_its_words_and_that_it_answered() -> None:
    examples = learned(rated(stored(), given(UP))).examples
    [link], [answer], [verdict] = examples.links, examples.answers, examples.verdicts
    assert (link.question, link.passage, link.good) == ("How long does a refund take?", PASSAGE, True)
    assert (answer.answer, answer.liked, answer.passages) == ("It takes five working days.", True, (PASSAGE,))
    assert (verdict.answerable, verdict.scores) == (True, SCORES)
    assert examples.ratings == ("1:1",)
    assert not examples.intents


def test_a_liked_quotation_is_kept_without_the_bots_own_words() -> None:
    quoted = stored(AnswerKind.QUOTED, text=f"The documents say: {TEXT} [1]")
    [answer] = learned(rated(quoted, given(UP))).examples.answers
    assert answer.answer == TEXT


def test_a_liked_curated_answer_praises_the_entry_and_no_generator() -> None:
    assert only(learned(rated(stored(AnswerKind.CURATED), given(UP))).examples) == ["LinkExample"]


def test_a_liked_greeting_confirms_its_intent() -> None:
    hello = stored(AnswerKind.CANNED, question="hi there", text="Hello!", intent="greeting")
    [example] = learned(rated(hello, given(UP))).examples.all
    assert isinstance(example, IntentExample)
    assert (example.question, example.label) == ("hi there", "greeting")


def test_a_liked_refusal_says_that_the_documents_do_not_tell() -> None:
    refusal = stored(AnswerKind.REFUSAL, text="I do not know.", reason="no passage is good enough")
    [example] = learned(rated(refusal, given(UP))).examples.all
    assert isinstance(example, VerdictExample)
    assert example.answerable is False


# -- complaints


@pytest.mark.parametrize("kind", [AnswerKind.GENERATED, AnswerKind.QUOTED, AnswerKind.CURATED])
def test_a_wrong_source_blames_the_passages_and_neither_words_nor_answerability(kind: AnswerKind) -> None:
    [example] = learned(rated(stored(kind), given(DOWN, RatingReason.WRONG_SOURCE))).examples.all
    assert isinstance(example, LinkExample)
    assert (example.passage, example.good) == (PASSAGE, False)


def test_a_wrong_topic_of_an_answer_from_the_documents_blames_its_passages_half_as_much() -> None:
    [topic] = learned(rated(stored(), given(DOWN, RatingReason.WRONG_TOPIC))).examples.links
    [source] = learned(rated(stored(), given(DOWN, RatingReason.WRONG_SOURCE))).examples.links
    assert topic.good is False
    assert topic.weight == pytest.approx(source.weight / 2)


def test_bad_wording_blames_the_words_and_no_passage() -> None:
    [example] = learned(rated(stored(), given(DOWN, RatingReason.BAD_WORDING))).examples.all
    assert isinstance(example, AnswerExample)
    assert (example.liked, example.answer, example.better) == (False, "It takes five working days.", "")


@pytest.mark.parametrize("reason", [None, RatingReason.OTHER])
def test_a_complaint_without_a_cause_weighs_little_and_blames_no_passage(reason: RatingReason | None) -> None:
    [example] = learned(rated(stored(), given(DOWN, reason))).examples.all
    [clear] = learned(rated(stored(), given(DOWN, RatingReason.BAD_WORDING))).examples.all
    assert isinstance(example, AnswerExample)
    assert example.weight == pytest.approx(0.3 * clear.weight)


def test_an_outdated_document_is_no_example_but_a_task() -> None:
    gathered = learned(rated(stored(), given(DOWN, RatingReason.OUT_OF_DATE)))
    assert len(gathered.examples) == 0
    assert gathered.outdated == ("/docs/refunds.md",)
    assert [one.why for one in gathered.left_out] == [LeftOut.OUT_OF_DATE]


def test_out_of_date_says_nothing_against_those_who_like_the_answer() -> None:
    gathered = learned(rated(stored(), given(UP), given(DOWN, RatingReason.OUT_OF_DATE, user=BOB)))
    assert [one.good for one in gathered.examples.links] == [True]
    assert gathered.outdated == ("/docs/refunds.md",)


def test_small_talk_that_was_none_is_a_question_for_the_documents() -> None:
    hello = stored(AnswerKind.CANNED, question="Hi, where is my refund", text="Hello!", intent="greeting")
    [example] = learned(rated(hello, given(DOWN, RatingReason.WRONG_TOPIC))).examples.all
    assert isinstance(example, IntentExample)
    assert example.label == "question"


@pytest.mark.parametrize("reason", [None, RatingReason.BAD_WORDING, RatingReason.OTHER])
def test_small_talk_that_nobody_likes_is_small_talk_all_the_same(reason: RatingReason | None) -> None:
    hello = stored(AnswerKind.CANNED, question="hi", text="Hello!", intent="greeting")
    gathered = learned(rated(hello, given(DOWN, reason)))
    assert (len(gathered.examples), [one.why for one in gathered.left_out]) == (0, [LeftOut.NO_CAUSE])


def test_a_trainer_names_the_intent_and_nobody_else_does() -> None:
    hello = stored(AnswerKind.CANNED, question="good morning", text="…", intent="out_of_scope")
    named = rated(hello, given(DOWN, RatingReason.WRONG_TOPIC, comment="greeting"))
    assert [one.label for one in learned(named).examples.intents] == ["greeting"]
    crowd = [rated(stored(number=9, question=f"q{user}"), given(UP, user=user)) for user in (4, 5, 6)]
    assert [one.label for one in learned(named, *crowd, users=range(1, 30)).examples.intents] == ["question"]
    unknown = rated(hello, given(DOWN, RatingReason.WRONG_TOPIC, comment="weather"))
    assert [one.label for one in learned(unknown).examples.intents] == ["question"]


# -- refusals


@pytest.mark.parametrize(
    ("reason", "share"),
    [(RatingReason.OTHER, 0.5), (RatingReason.WRONG_SOURCE, 1.0), (RatingReason.WRONG_TOPIC, 1.0)],
)
def test_a_blamed_refusal_should_have_been_an_answer(reason: RatingReason | None, share: float) -> None:
    refusal = stored(AnswerKind.REFUSAL, text="I do not know.", reason="no passage is good enough")
    [example] = learned(rated(refusal, given(DOWN, reason))).examples.all
    [sure] = learned(rated(refusal, given(DOWN, RatingReason.WRONG_SOURCE))).examples.all
    assert isinstance(example, VerdictExample)
    assert example.answerable is True
    assert example.weight == pytest.approx(share * sure.weight)


@pytest.mark.parametrize(
    ("intent", "cause"),
    [("question", "no passage is good enough"), ("out_of_scope", "intent out_of_scope (confidence 0.93)")],
)
def test_a_bare_complaint_about_a_refusal_teaches_nothing_for_the_refusal_may_be_right(intent: str, cause: str) -> None:
    refusal = stored(AnswerKind.REFUSAL, text="I do not know.", intent=intent, reason=cause)
    gathered = learned(rated(refusal, given(DOWN)))
    assert gathered.examples.all == ()
    assert [one.why for one in gathered.left_out] == [LeftOut.NO_CAUSE]


def test_a_badly_worded_refusal_is_a_refusal_all_the_same() -> None:
    refusal = stored(AnswerKind.REFUSAL, text="I do not know.", reason="no passage is good enough")
    gathered = learned(rated(refusal, given(DOWN, RatingReason.BAD_WORDING)))
    assert (len(gathered.examples), [one.why for one in gathered.left_out]) == (0, [LeftOut.NO_CAUSE])


def test_a_refusal_that_came_of_the_intent_blames_the_intent() -> None:
    refusal = stored(
        AnswerKind.REFUSAL, text="Out of scope.", intent="out_of_scope", reason="intent out_of_scope (confidence 0.93)"
    )
    [example] = learned(rated(refusal, given(DOWN, RatingReason.WRONG_TOPIC))).examples.all
    assert isinstance(example, IntentExample)
    assert example.label == "question"
    praised = learned(rated(refusal, given(UP))).examples
    assert [one.label for one in praised.intents] == ["out_of_scope"]
    assert [one.answerable for one in praised.verdicts] == [False]


def test_a_follow_up_teaches_no_intent() -> None:
    hello = stored(AnswerKind.CANNED, question="and there?", text="Hello!", intent="greeting", query="fees and there?")
    assert not learned(rated(hello, given(UP))).examples.intents


# -- corrections


def test_a_correction_whose_words_stand_in_a_passage_links_it() -> None:
    wrong = stored(text="It takes a month [1].")
    right = ShownPassage(uri="/docs/times.md", title="Times", text="A refund takes 3 days with instant payouts.")
    gathered = learned(
        rated(wrong, given(DOWN, RatingReason.WRONG_SOURCE), right="A refund takes 3 days."), found=right
    )
    examples = gathered.examples
    [answer] = examples.answers
    assert (answer.answer, answer.better, answer.passages) == ("It takes a month.", "A refund takes 3 days.", (right,))
    assert answer.ratings == ("c:101",)
    assert {(one.passage, one.good) for one in examples.links} == {(right, True), (PASSAGE, False)}
    assert [one.answerable for one in examples.verdicts] == [True]
    assert gathered.people == (ADA, BOB)
    assert gathered.authors == {"1:1": ADA, "c:101": BOB}


@pytest.mark.parametrize("text", ["A refund takes 4 days with instant payouts.", "Nothing of the kind stands here."])
def test_a_correction_that_no_passage_says_teaches_words_alone(text: str) -> None:
    elsewhere = ShownPassage(uri="/docs/times.md", title="Times", text=text)
    examples = learned(rated(stored(), right="A refund takes 3 days."), found=elsewhere).examples
    [answer] = examples.all
    assert isinstance(answer, AnswerExample)
    assert answer.passages == ()


def test_a_correction_of_a_refusal_has_no_answer_to_prefer_it_to() -> None:
    refusal = stored(AnswerKind.REFUSAL, text="I do not know.", reason="no passage is good enough")
    [answer] = learned(rated(refusal, right="A refund takes 3 days.")).examples.answers
    assert (answer.answer, answer.better) == ("", "A refund takes 3 days.")


def test_the_correction_that_was_approved_last_counts_and_a_like_of_the_wrong_answer_does_not() -> None:
    first = rated(stored(number=1), given(UP), right="A refund takes 9 days.")
    second = replace(
        rated(stored(number=2), right="A refund takes 3 days."),
        corrections=(
            ApprovedCorrection(id=7, user_id=BOB, text="A refund takes 3 days.", at=NOON + timedelta(days=1)),
        ),
    )
    gathered = learned(first, second)
    assert [one.better for one in gathered.examples.answers] == ["A refund takes 3 days."]
    assert [one.why for one in gathered.left_out] == [LeftOut.CORRECTED]


# -- trust, merging, masking


def test_the_same_answer_to_the_same_question_is_one_example_with_all_its_ratings() -> None:
    again = [rated(stored(number=number), given(UP, user=number)) for number in (1, 2, 3)]
    [link] = learned(*again).examples.links
    assert link.ratings == ("1:1", "2:2", "3:3")
    [single] = learned(again[0]).examples.links
    assert link.weight > single.weight


def test_one_person_who_rates_twice_counts_once_by_the_last_word() -> None:
    first = rated(stored(number=1), given(UP))
    later = rated(stored(number=2), replace(given(DOWN, RatingReason.BAD_WORDING), at=NOON + timedelta(days=9)))
    examples = learned(first, later).examples
    assert only(examples) == ["AnswerExample"]
    assert examples.ratings == ("2:1",)


def test_people_against_each_other_are_left_out_as_disputed() -> None:
    gathered = learned(rated(stored(), given(UP), given(DOWN, user=BOB)))
    assert (len(gathered.examples), [one.why for one in gathered.left_out]) == (0, [LeftOut.DISPUTED])


def test_reasons_share_the_weight_of_their_complaint() -> None:
    both = rated(stored(), given(DOWN, RatingReason.WRONG_SOURCE), given(DOWN, RatingReason.BAD_WORDING, user=BOB))
    examples = learned(both).examples
    assert only(examples) == ["LinkExample", "AnswerExample"]
    assert examples.links[0].weight == pytest.approx(examples.answers[0].weight) == pytest.approx(0.5, abs=0.05)


def test_a_passage_that_is_right_for_one_and_wrong_for_another_answer_is_left_out() -> None:
    liked = rated(stored(number=1), given(UP))
    blamed = rated(stored(number=2, text="Soon [1]."), given(DOWN, RatingReason.WRONG_SOURCE, user=BOB))
    gathered = learned(liked, blamed)
    assert gathered.examples.links == ()
    assert [(one.answer_id, one.why) for one in gathered.left_out] == [(1, LeftOut.DISPUTED)]


def test_two_users_alone_teach_nothing_and_staff_do() -> None:
    pair = [rated(stored(number=n, question=f"Question {n}?"), given(UP, user=n)) for n in (1, 2)]
    few = learned(*pair, users=(1, 2))
    assert (len(few.examples), {one.why for one in few.left_out}) == (0, {LeftOut.FEW_PEOPLE})
    assert len(learned(*pair, users=(1,)).examples) > 0


def test_whoever_sits_at_the_server_is_staff() -> None:
    alone = {ADA: replace(person(ADA, Role.USER), platform="console")}
    gathered = gather([rated(stored(), given(UP))], alone, masker=Masker(), search=lambda _: (), labels=LABELS)
    assert len(gathered.examples) > 0


def test_personal_data_is_masked_but_what_the_passage_says_stays() -> None:
    public = ShownPassage(uri="/docs/help.md", title="Help", text="Write to help@example.com about any late refund.")
    wrong = stored(question="I am Grace Hopper, ada@example.com: where is it?", text="Ask Grace Hopper [1].")
    right = "Write to help@example.com about a late refund, not to eve@example.com."
    gathered = learned(rated(wrong, right=right), found=public)
    [answer] = gathered.examples.answers
    assert answer.question.startswith("I am <NAME")
    assert "@" not in answer.question
    assert answer.answer == "Ask <NAME>."
    assert answer.better == "Write to help@example.com about a late refund, not to <EMAIL>."
    assert answer.passages == (public,)


def test_the_same_ratings_make_the_same_examples_in_any_order() -> None:
    every = [
        rated(stored(number=1), given(UP)),
        rated(stored(number=2, question="Who pays?", text="You [1]."), given(DOWN, RatingReason.WRONG_SOURCE)),
        rated(stored(number=3, question="Why?"), right="Because of the fees of the bank."),
    ]
    assert learned(*every).examples.digest == learned(*reversed(every)).examples.digest


def test_commands_and_apologies_are_not_learned_from() -> None:
    gathered = learned(
        *(rated(stored(kind, number=n), given(UP)) for n, kind in enumerate((AnswerKind.COMMAND, AnswerKind.ERROR)))
    )
    assert (len(gathered.examples), gathered.left_out) == (0, ())
