from __future__ import annotations

from dataclasses import replace

import pytest

from knowledge.curated import EARLIER, TAUGHT, CuratedBook, match_strength, normalise, string_similarity
from knowledge.testing import chunk, stored_chunk


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How do I reset my password?", "how do I reset  my password"),
        ("我的账户为何被冻结？", "我的账户为何被冻结?"),
        ("我的账户为何被冻结", " 我的账户为何被冻结。\n"),
        ("ＴｉＤＢ 怎么安装", "tidb 怎么安装！？"),
        ("soft\u00adhyphen and zero\u200bwidth", "softhyphen and zerowidth"),
    ],
)
def test_the_same_wording_is_the_same_question(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Is C++ supported?", "Is C supported?"), ("Is C# there?", "Is C there?"), ("a b", "ab")]
)
def test_what_changes_the_meaning_stays(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


def test_letters_tell_a_chinese_paraphrase_from_another_question() -> None:
    asked = normalise("我的账户为什么被冻结了？")
    assert string_similarity(asked, normalise("我的账户为何被冻结?")) > 0.7
    assert string_similarity(asked, normalise("如何申请退款？")) < 0.3


def test_strength_is_the_better_similarity_within_zero_and_one() -> None:
    assert match_strength(0.4, 0.9) == 0.9
    assert match_strength(-0.2, 0.0) == 0.0
    assert match_strength(1.0000001, 0.3) == 1.0


def test_the_book_follows_additions_and_removals_and_leaves_passages_out() -> None:
    first = CuratedBook().changed(
        added=[
            stored_chunk(1, chunk(question="How long do refunds take?", text="Ten days."), collection="en"),
            stored_chunk(2, chunk(text="A passage."), collection="en"),
            stored_chunk(3, chunk(question="退款要多久？", text="十天。"), collection="zh"),
        ],
        removed=(),
    )
    second = first.changed(added=[], removed={1})
    assert first.visible(None) == {1: "how long do refunds take", 3: "退款要多久"}
    assert first.visible(["zh"]) == {3: "退款要多久"}
    assert second.visible(None) == {3: "退款要多久"}


def test_the_nearest_question_by_letters_comes_first() -> None:
    questions = {5: "how long do refunds take", 6: "how do i invite a colleague", 9: "how long does delivery take"}
    assert CuratedBook.nearest("how long do refunds take in general", questions, 2).tolist() == [5, 9]


def test_what_was_taught_stands_before_the_same_question_of_a_file_and_what_it_replaced_is_hidden() -> None:
    asked = "How long do refunds take?"
    entry = chunk(question=asked, text="Nine days.")
    taught = chunk(question="how long do refunds take", text="Five days.")
    book = CuratedBook().changed(
        added=[
            stored_chunk(1, entry),
            stored_chunk(2, entry, collection="staff"),
            replace(stored_chunk(3, taught), source=TAUGHT),
            replace(stored_chunk(4, replace(taught, anchor=EARLIER)), source=TAUGHT),
        ],
        removed=(),
    )
    assert set(book.visible(None)) == {2, 3}
    assert book.hidden == {1, 4}
    assert set(book.changed(added=[], removed={3, 4}).visible(None)) == {1, 2}
