from __future__ import annotations

from pathlib import Path

from training.preferences import SUPPORTED, support
from training.rehearsal import built_in, example_questions, foreign_prompts, with_foreign_answers


def test_each_built_in_answer_stands_in_its_text() -> None:
    found = built_in()
    assert len(found) >= 20
    assert [row.question for row in found if support(row.good, row.evidence.text) < SUPPORTED] == []


def test_foreign_prompts_hold_no_answer() -> None:
    found = built_in()
    shown = [turns[1].content for turns in foreign_prompts(found)]
    assert len(shown) == len(found)
    assert all(row.question in text and row.evidence.text not in text for row, text in zip(found, shown, strict=True))


def test_the_examples_dev_questions_are_read_with_lines_of_their_pages(tmp_path: Path) -> None:
    examples = Path(__file__).parents[3] / "examples"
    found = example_questions(examples)
    assert len(found) >= 30
    assert all(lines.title and lines.text and "---" not in lines.title for _, lines in found)
    held = (examples / "questions.jsonl").read_text(encoding="utf-8")
    assert [question for question, _ in found if question in held] == []
    assert example_questions(tmp_path) == ()


def test_a_foreign_answer_is_the_bad_one_of_a_pair() -> None:
    assert all(row.bad and row.bad != row.good for row in with_foreign_answers(built_in()))
