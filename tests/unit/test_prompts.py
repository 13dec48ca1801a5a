"""A follow-up becomes a question of its own; passages become a prompt of bounded length."""

from __future__ import annotations

import pytest

from bot.prompts import MAX_CHARACTERS, answer_turns, passage_text, resolve_follow_up
from bot.types import Turn
from knowledge.types import Chunk, ChunkKind, Passage, StoredChunk

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
        (
            "And what do I pay each month in the meantime?",
            "How do I get a refund? what do I pay each month in the meantime?",
        ),
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


def passage(text: str, *, question: str = "") -> Passage:
    kind = ChunkKind.CURATED if question else ChunkKind.PASSAGE
    chunk = Chunk(ordinal=0, kind=kind, title_path=("Help", "Fees"), anchor="", question=question, text=text)
    stored = StoredChunk(id=1, document_id=1, source="", uri="", collection="default", language="en", chunk=chunk)
    return Passage(stored=stored, similarity=0.5, lexical=1.0, fused=0.03, rank=1)


def test_the_prompt_ends_with_text_and_question_after_one_worked_example() -> None:
    turns = answer_turns("What is the fee?", [passage("The fee is 1%.")], ())
    assert [turn.role for turn in turns] == ["user", "assistant", "user"]
    assert turns[-1].content == (
        "Answer the question from the text.\n\nText: The fee is 1%.\n\nQuestion: What is the fee?"
    )


def test_given_extracts_take_the_place_of_the_passages() -> None:
    turns = answer_turns("What is the fee?", [passage("Other.")], (), extracts=["One.", "Two."])
    assert "Text: One.\n\nTwo.\n\nQuestion" in turns[-1].content


def test_the_prompt_reads_no_more_than_the_budget() -> None:
    long = "word " * MAX_CHARACTERS
    turns = answer_turns("What?", [], (), extracts=[long, "left out"])
    assert len(turns[-1].content) < MAX_CHARACTERS + 200
    assert "left out" not in turns[-1].content
    short = answer_turns("What?", [], (), extracts=["first", long, "third"])
    assert "Text: first\n\nQuestion" in short[-1].content


def test_a_follow_up_is_asked_with_the_question_before_it_once() -> None:
    for asked in ("and how long does that take?", "How do I get a refund? how long does that take?"):
        turns = answer_turns(asked, [passage("A week.")], REFUND)
        assert turns[-1].content.endswith("Question: How do I get a refund? how long does that take?")


def test_a_passage_is_read_with_its_titles_and_its_curated_question() -> None:
    assert passage_text(passage("1%.")) == "Help > Fees\n\n1%."
    assert passage_text(passage("1%.", question="What is it?")) == "Help > Fees > What is it?\n\n1%."
