"""What the base adapter learns from: targets, distractors, corrupted questions, and that nothing changes sides."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from adapters.generator.prompt import Style
from training.base_sets import (
    HELD_OUT_ARTICLES,
    GroundedSampler,
    GroundedSet,
    Neighbours,
    ReadPassage,
    ReadQuestion,
    load_squad,
    nearest_lines,
    sentence_target,
    span_target,
    split_articles,
)
from training.errors import TrainingError

TEXT = (
    "The API takes 120 requests per minute. Ada Lovelace wrote the first program in 1843. "
    "Charles Babbage built the machine in London."
)


def passage(number: int, title: str = "Engines", text: str = TEXT) -> dict[str, Any]:
    return {"id": f"sq:{title}:{number}", "title": title, "text": f"{text} Page {number} ends here.", "lang": "en"}


def question(number: int, title: str = "Engines", *, answers: tuple[str, ...] = ("1843",)) -> dict[str, Any]:
    return {
        "doc": f"sq:{title}:{number}",
        "question": f"When did Ada Lovelace write program {number}?",
        "answers": list(answers),
        "answerable": bool(answers),
    }


@pytest.fixture
def found(tmp_path: Path) -> GroundedSet:
    passages = [passage(n) for n in range(40)] + [passage(n, "Force") for n in range(3)]
    asked = [question(n) for n in range(40)] + [question(n, answers=()) for n in range(40)] + [question(1, "Force")]
    for name, rows in (("passages", passages), ("qa", asked)):
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    return load_squad(tmp_path)


def test_the_short_target_is_the_span_that_most_annotators_gave() -> None:
    assert span_target(["the year 1843", "1843", "1843"]) == "1843"
    assert span_target(["in London", "London"]) == "London"


def test_the_sentence_target_holds_the_span_and_is_copied_word_for_word() -> None:
    assert sentence_target("Who wrote the program?", ["Ada Lovelace"], TEXT) == (
        "Ada Lovelace wrote the first program in 1843."
    )
    assert sentence_target("Who?", ["Grace Hopper"], TEXT) is None


def test_of_two_sentences_with_the_span_the_one_like_the_question_is_taken() -> None:
    text = "London is large. The machine was built in London. London has rain."
    assert sentence_target("Where was the machine built?", ["London"], text) == "The machine was built in London."


def test_held_out_articles_are_never_trained_on(found: GroundedSet) -> None:
    train, dev, test = split_articles(found)
    assert {one.title for one in test.passages.values()} <= HELD_OUT_ARTICLES
    assert not set(train.passages) & (set(dev.passages) | set(test.passages))
    assert len(train.passages) + len(dev.passages) + len(test.passages) == 43
    assert dev.passages


def test_the_same_seed_draws_the_same_groups_and_epochs_differ(found: GroundedSet) -> None:
    train, _, _ = split_articles(found)
    assert GroundedSampler(train, seed=1)(0) == GroundedSampler(train, seed=1)(0)
    assert GroundedSampler(train, seed=1)(0) != GroundedSampler(train, seed=1)(1)


def test_a_question_is_asked_in_both_styles_over_two_epochs(found: GroundedSet) -> None:
    train, _, _ = split_articles(found)
    sampler = GroundedSampler(train, seed=0)
    alone = [
        [q for group in sampler(epoch) if len(group.passages) < 2 for q in group.questions if q.answer]
        for epoch in (0, 1)
    ]
    styles = [{q.text: q.style for q in epoch} for epoch in alone]
    both = styles[0].keys() & styles[1].keys()
    assert len(both) > 10
    assert all(styles[0][text] is not styles[1][text] for text in both)
    answers = {q.style: q.answer for epoch in alone for q in epoch}
    assert answers == {Style.SHORT: "1843", Style.SENTENCES: "Ada Lovelace wrote the first program in 1843."}


def test_a_question_with_lines_of_its_own_is_answered_only_where_they_hold_the_answer() -> None:
    # The year stands in the line that is least like the question: one line alone has lost it, four have it.
    text = "Ada wrote a program for an engine. Ada met an engine in London. An engine was built. It was 1843."
    asked = ReadQuestion(text="When did Ada write a program for an engine in London?", passage="1", answers=("1843",))
    pages = {key: ReadPassage(id=key, title="Engines", text=f"{text} Page {key}.") for key in ("1", "2")}
    sampler = GroundedSampler(GroundedSet(passages=pages, questions={"1": (asked,)}), seed=0)
    clipped = [g for epoch in range(20) for g in sampler(epoch) if not g.passages]
    shown = {(q.passages[0].text.count("."), "1843" in q.passages[0].text, q.answer is not None)
             for group in clipped for q in group.questions}  # fmt: skip
    assert (1, False, False) in shown
    assert (4, True, True) in shown
    assert all(holds == answered for _, holds, answered in shown)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, "Charles Babbage built the machine in London."),
        (2, "Ada Lovelace wrote the first program in 1843. Charles Babbage built the machine in London."),
        (9, TEXT),
    ],
)
def test_the_lines_near_a_question_keep_their_order(count: int, expected: str) -> None:
    assert nearest_lines("Which machine in London ran a program of Babbage?", TEXT, count) == expected


def test_where_the_passage_was_taken_out_nothing_is_answered(found: GroundedSet) -> None:
    train, _, _ = split_articles(found)
    groups = [group for epoch in range(4) for group in GroundedSampler(train, seed=2)(epoch)]
    several = [group for group in groups if len(group.passages) == 3]
    assert several
    for group in several:
        for asked in group.questions:
            number = asked.text.rpartition(" ")[2].rstrip("?")
            holds = any(f"Page {number} ends" in one.text for one in group.passages)
            assert holds or asked.answer is None


def test_a_corrupted_question_names_what_its_passage_does_not_have() -> None:
    one = ReadPassage(id="a", title="Engines", text="It was Ada Lovelace who wrote it.")
    other = ReadPassage(id="b", title="Engines", text="Later came Grace Hopper with it.")
    from training.base_sets import ReadQuestion

    asked = ReadQuestion(text="When did Ada Lovelace write it?", passage="a", answers=("wrote",))
    sampler = GroundedSampler(GroundedSet(passages={"a": one, "b": other}, questions={"a": (asked,)}), seed=0)
    texts = {q.text: q.answer for epoch in range(30) for group in sampler(epoch) for q in group.questions}
    assert texts["When did Grace Hopper write it?"] is None


def test_neighbours_leave_the_passage_itself_out() -> None:
    passages = [ReadPassage(id=str(n), title="T", text=f"alpha beta number{n}") for n in range(5)]
    near = Neighbours(passages).of("alpha number3", leave_out="3", count=2)
    assert len(near) == 2
    assert "3" not in {one.id for one in near}


def test_a_missing_set_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"passages\.jsonl\.gz is missing; name the folder"):
        load_squad(tmp_path)
