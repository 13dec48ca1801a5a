"""A follow-up becomes a question of its own; passages become a prompt of bounded length."""

from __future__ import annotations

import pytest

from bot.prompts import resolve_follow_up
from bot.types import Turn

REFUND = (Turn(question="How do I get a refund?", answer="Open Settings."),)
REFUND_ZH = (Turn(question="怎么申请退款？", answer="打开设置。"),)


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("and how long does that take?", "How do I get a refund? how long does that take?"),
        ("What about the Team plan?", "How do I get a refund? the Team plan?"),
        ("why?", "How do I get a refund? why?"),
        ("Is it free?", "How do I get a refund? Is it free?"),
        ("And in Germany?", "How do I get a refund? in Germany?"),
        ("Which one is cheaper?", "How do I get a refund? Which one is cheaper?"),
        ("and", "How do I get a refund? and"),
    ],
)
def test_a_follow_up_is_searched_with_the_question_before_it(text: str, resolved: str) -> None:
    assert resolve_follow_up(text, REFUND) == resolved


@pytest.mark.parametrize(
    "text", ["那要多久？", "多久？", "团队版呢？", "它收费吗？", "这个怎么关闭？", "为什么？", "那我可以取消吗"]
)
def test_a_chinese_follow_up_is_searched_with_the_question_before_it(text: str) -> None:
    assert resolve_follow_up(text, REFUND_ZH) == f"怎么申请退款？ {text}"


@pytest.mark.parametrize(
    "text",
    [
        "How do I reset my password?",
        "What plans are there?",
        "Is it possible to export my invoices?",
        "And how do I connect Brassfinch to my Shopify store?",
        "I get an error that says card declined, what should I do?",
        "What happens to my data when I delete my account and can I get it back?",
        "Do you have a webhook that fires when a payment fails?",
        "pricing",
        "我的账户为何被冻结？",
        "这款软件支持哪些浏览器？",
        "退款需要多久？",
        "那不勒斯有办公室吗？",
        "其他支付方式有哪些？",
    ],
)
def test_a_question_that_stands_alone_stays_as_it_is(text: str) -> None:
    assert resolve_follow_up(text, REFUND) == text


def test_without_history_nothing_is_changed() -> None:
    assert resolve_follow_up("and how long does that take?", ()) == "and how long does that take?"


def test_a_chain_of_follow_ups_goes_back_to_the_question_that_stood_alone() -> None:
    history = (*REFUND, Turn(question="And for annual plans?", answer="The same."))
    assert resolve_follow_up("how long does that take?", history) == (
        "How do I get a refund? And for annual plans? how long does that take?"
    )


def test_a_history_of_nothing_but_follow_ups_gives_the_last_one() -> None:
    history = (Turn(question="and that?", answer="Yes."),)
    assert resolve_follow_up("why?", history) == "and that? why?"
