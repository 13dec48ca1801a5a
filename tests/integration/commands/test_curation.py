"""What the team decides about answers, whoever asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from adapters.testing import FakeEncoder
from adapters.types import Matrix
from bot.curation import Curation
from bot.teaching import KnowledgeTeacher
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
