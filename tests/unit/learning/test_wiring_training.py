"""What a run may learn from and be judged by."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.examples import AnswerExample, Examples
from adapters.generator.shipped import FOLDER
from adapters.registry import Lineage, Registry
from adapters.types import AdapterVersion, Task
from bot.wiring_ground import grown_from, inherited, to_read
from bot.wiring_training import unseen_by, used_for
from knowledge.curated import TAUGHT
from knowledge.types import StoredChunk
from tests.stores import chunks
from training.paired import Measured, Pair, PairedReport
from training.splits import feedback_side

WORSE, BETTER = (Measured(answer="", utility=utility) for utility in (0.2, 0.8))


def stored(number: int, source: str, uri: str, text: str) -> StoredChunk:
    [chunk] = chunks(text)
    return StoredChunk(
        id=number, document_id=number, source=source, uri=uri, collection="default", language="en", chunk=chunk
    )


def test_the_model_reads_files_and_not_what_people_taught_in_chat() -> None:
    found = to_read(
        [
            stored(1, "/docs", "/docs/a.md", "One."),
            stored(2, "/docs", "/docs/a.md", "Two."),
            stored(3, "/docs", "/docs/faq.csv", "Who pays?|We do."),
            stored(4, TAUGHT, "taught:1", "Who is Ada?|Ada is our boss."),
        ]
    )
    assert found == {"/docs/a.md": ["One.", "Two."], "/docs/faq.csv": ["We do."]}


@pytest.mark.parametrize(("task", "questions"), [(Task.GENERATOR, 1), (Task.INTENT, 0), (Task.RETRIEVAL, 0)])
def test_questions_that_a_candidate_learned_do_not_speak_for_it(task: Task, questions: int) -> None:
    pair = Pair(question="Who pays?", before=WORSE, after=BETTER)
    found = unseen_by(task, PairedReport(test=(pair,), dev=(pair,)))
    assert (len(found.test), len(found.dev)) == (1, questions)


def promoted(registry: Registry, parent: str, *ratings: str) -> AdapterVersion:
    """A version that went on from another one and serves."""
    lineage = Lineage(
        ratings=(*ratings, *inherited(registry, parent)), examples_digest="", parent=parent, base="", code="", seed=0
    )
    name = registry.add_candidate(Task.GENERATOR, FOLDER, lineage=lineage).name
    return registry.promote(Task.GENERATOR, name)


def test_whoever_is_forgotten_is_forgotten_by_what_went_on_from_the_weights_that_knew_them(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    first = registry.add_candidate(Task.GENERATOR, FOLDER).name
    registry.promote(Task.GENERATOR, first)
    clean = promoted(registry, first, "1:1")
    promoted(registry, clean.name, "2:2")
    last = promoted(registry, "generator-3", "3:3")
    assert grown_from(registry, last) == last
    assert registry.mark_stale(["2:2"]) == ("generator-3", "generator-4")
    serving = registry.active(Task.GENERATOR)
    assert serving is not None
    found = grown_from(registry, serving)
    assert found is not None
    assert found.name == clean.name, "a run that went on from what serves would learn them again"
    assert grown_from(registry, None) is None


def test_whatever_ratings_a_task_learns_from_are_named_and_none_of_the_side_that_decides() -> None:
    sides = {feedback_side(question): question for question in (f"question {number}" for number in range(40))}
    answers = tuple(
        AnswerExample(question=question, passages=(), answer="a", liked=True, weight=1.0, ratings=(f"{side}:1",))
        for side, question in sides.items()
    )
    examples = Examples(answers=answers)
    # from which similarity on an approved answer answers another question is learned from answers
    for task in (Task.RETRIEVAL, Task.GENERATOR):
        assert {rating for one in used_for(task, examples) for rating in one.ratings} == {"train:1", "dev:1"}
    assert used_for(Task.INTENT, examples) == ()
