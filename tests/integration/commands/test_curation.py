"""What the team decides about answers, whoever asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError

import pytest

from adapters.testing import FakeEncoder
from adapters.types import Matrix
from bot.curation import Curation
from bot.teaching import KnowledgeTeacher
from bot.types import Correction, Role
from tests.integration.commands.office import Office, Template


class Noting(FakeEncoder):
    """Notes what it was asked to encode."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> Matrix:
        self.asked += texts
        return super().encode(texts)


@pytest.fixture
def place(tmp_path: Path, template: Template) -> Iterator[Office]:
    """An office without anything in it."""
    with Office.open(tmp_path, template=template) as office:
        yield office


def test_a_question_is_encoded_once_as_long_as_it_is_on_the_list(place: Office) -> None:
    encoder = Noting()
    curation = Curation(place.store, KnowledgeTeacher(place.store.knowledge, FakeEncoder()), encoder)
    first = place.refused("Do you support Klarna?")
    place.refused("Do you support Klarna?")
    assert [len(one.answers) for one in curation.groups()] == [2]
    place.refused("Where is the moon?")
    assert [len(one.answers) for one in curation.groups()] == [2, 1]
    assert encoder.asked == ["Do you support Klarna?", "Where is the moon?"]
    curation.settle(first.id)
    assert [len(one.answers) for one in curation.groups()] == [1]
    place.refused("Do you support Klarna?")
    assert [len(one.answers) for one in curation.groups()] == [1, 1]
    assert encoder.asked[2:] == ["Do you support Klarna?"], "what left the list is forgotten"


class Waiting(KnowledgeTeacher):
    """Teaches, and then waits for a moment in which others could decide."""

    def __init__(self, office: Office, turn: Barrier) -> None:
        super().__init__(office.store.knowledge, FakeEncoder())
        self._turn = turn

    def correct(self, question: str, answer: str) -> int:
        document_id = super().correct(question, answer)
        with suppress(BrokenBarrierError):
            self._turn.wait(timeout=0.5)
        return document_id


def test_of_two_who_approve_a_correction_at_once_one_does_and_what_is_in_force_is_what_is_kept(place: Office) -> None:
    about = place.refused("Do you support Klarna?")
    correction = place.store.ratings.correct(
        Correction(answer_id=about.id, user_id=place.person_id(Role.USER), text="Yes.")
    )
    turn = Barrier(2)
    both = [Curation(place.store, Waiting(place, turn), FakeEncoder()) for _ in range(2)]  # chat's and the dashboard's
    with ThreadPoolExecutor(2) as pool:
        kept = list(pool.map(lambda one, text: one.approve(correction, text), both, ["Yes, in Sweden.", "No."]))
    [done] = [one for one in kept if one is not None]
    [fix] = [one for one in place.store.feedback.rated() if one.stored.id == about.id]
    assert both[0].in_force("Do you support Klarna?") == done.answer
    assert [one.text for one in fix.corrections] == [done.answer]
