"""A sentence is sent only if one passage says it."""

from __future__ import annotations

import pytest

from bot.grounding import check_sentence

LIMITS = (
    "API limits\n\nThe API is limited to 120 requests per minute. Higher limits come with the Business plan, which "
    "costs $49 per month. The Team plan costs $12 per month. SSO is not available on the Free plan; it is available "
    "on the Business plan. Call `burn.config.set` or write to api@brassfinch.example."
)
REFUNDS = (
    "Refunds\n\nRefunds reach your bank within five business days. To ask for one:\n\n1. Open Settings.\n2. Click "
    "`Refund payment`.\n3. Confirm with your code.\n\nYou cannot refund a payment after 90 days."
)
FROZEN = "账户冻结\n\n如果您连续三次输入错误密码，账户会被冻结30分钟。冻结期间不能提现。请联系客服解冻。"
PASSAGES = (LIMITS, REFUNDS, FROZEN)


@pytest.mark.parametrize(
    ("sentence", "passage"),
    [
        ("The API is limited to 120 requests per minute.", 1),
        ("The Team plan costs $12 a month.", 1),
        ("According to the text, the Business plan costs $49 per month.", 1),
        ("SSO is available on the Business plan.", 1),
        ("- SSO is not available on the Free plan.", 1),
        ("Refunds take 5 business days to reach your bank.", 2),
        ("2. Click `Refund payment`.", 2),
        ("A payment cannot be refunded after ninety days.", 2),
        ("账户会被冻结30分钟。", 3),
        ("冻结期间不能提现。", 3),
    ],
)
def test_what_a_passage_says_is_supported_by_it(sentence: str, passage: int) -> None:
    support = check_sentence(sentence, PASSAGES, "")
    assert (support.supported, support.passage) == (True, passage)
    assert support.reason == f"passage {passage} says so"


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("The API is limited to 100 requests per minute.", 'number "100" is not in the passages'),
        ("Refunds reach your bank within 5 hours.", 'number "5" is not in the passages'),
        ("The Team plan costs $49 per month.", 'number "$49" belongs to something else in the passage'),
        ("The API does not have a rate limit.", 'about "limit" the passage says the opposite'),
        ("SSO is available on the Free plan.", 'about "Free" the passage says the opposite'),
        ("You can refund a payment after 90 days.", 'about "refund" the passage says the opposite'),
        ("Higher limits come with the Stripe plan.", 'name "Stripe" is not in the passages'),
        ("Call `burn.config.get` for limits.", '"burn.config.get" is not in the passages'),
        ("Write to help@brassfinch.example.", '"help@brassfinch.example" is not in the passages'),
        ("冻结期间可以提现。", 'about "提现" the passage says the opposite'),
        ("账户会被冻结2小时。", 'number "2" is not in the passages'),
        ("Would you like a refund?", "it asks instead of answering"),
        ("Yes.", "it says nothing that could be checked"),
        ("The weather will be sunny all over the coast.", "only 0% of its words stand close together in a passage"),
    ],
)
def test_what_no_passage_says_is_not_supported(sentence: str, reason: str) -> None:
    support = check_sentence(sentence, PASSAGES, "")
    assert (support.supported, support.score, support.passage) == (False, 0.0, None)
    assert support.reason == reason


def test_words_scattered_over_two_passages_support_nothing() -> None:
    halves = ("Cats sleep all day.", "Dogs chase postal vans.")
    assert check_sentence("Cats sleep all day.", halves, "").supported
    assert not check_sentence("Cats chase postal vans all day.", halves, "").supported


def test_without_passages_nothing_is_supported() -> None:
    support = check_sentence("Refunds take a week.", (), "")
    assert (support.supported, support.reason) == (False, "there are no passages")


def test_a_name_from_the_question_may_be_repeated_but_proves_nothing() -> None:
    question = "Does Brassfinch sell gift cards?"
    assert not check_sentence("Brassfinch sells gift cards.", PASSAGES, question).supported


def test_the_minimum_decides() -> None:
    sentence = "Refunds reach your bank quickly within five business days everywhere."
    score = check_sentence(sentence, PASSAGES, "").score
    assert 0.6 < score < 1
    assert check_sentence(sentence, PASSAGES, "", minimum=score).supported
    assert not check_sentence(sentence, PASSAGES, "", minimum=score + 0.01).supported


def test_one_sentence_must_back_a_claim_alone() -> None:
    passage = ("The office in Ghent is open on weekdays from 9 to 17. On Saturdays it is closed.",)
    asked = "Is the office open on Saturday?"
    assert not check_sentence("The office in Ghent is open on Saturdays.", passage, asked).supported
    assert check_sentence("The office in Ghent is open on weekdays.", passage, "When is the office open?").supported


def test_words_that_the_question_does_not_have_weigh_three_times() -> None:
    passage = ("Vaudreuil saw Johnson as the larger threat and sent Dieskau.",)
    sentence = "Vaudreuil, who saw Johnson as the larger threat, reacted negatively."
    asked = check_sentence(sentence, passage, "How did Vaudreuil react when he saw Johnson as the larger threat?")
    assert asked.score < check_sentence(sentence, passage, "").score


@pytest.mark.parametrize(
    ("question", "sentence", "reason"),
    [
        ("What is the API limited to?", "The API is limited.", "it only repeats the question"),
        ("Is the API limited?", "The API is limited.", "passage 1 says so"),
        ("API 有没有限制？", "The API is limited.", "passage 1 says so"),
        (
            "How long until a refund reaches me?",
            "Refunds reach your bank.",
            "it has no figure, and the question asks for one",
        ),
        (
            "How long until a refund reaches me?",
            "Refunds reach your bank within five business days.",
            "passage 2 says so",
        ),
        (
            "How many requests over 120 are possible?",
            "The API is limited to 120 requests.",
            "it has no figure, and the question asks for one",
        ),
    ],
)
def test_a_sentence_must_answer_what_was_asked(question: str, sentence: str, reason: str) -> None:
    assert check_sentence(sentence, PASSAGES, question).reason == reason
