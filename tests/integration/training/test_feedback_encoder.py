"""An encoder is tuned on ratings: it finds what it did not, obeys the rules of the sides, and is kept where it pays."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from adapters.bases import fingerprint
from adapters.encoder.model import SentenceEncoder
from adapters.examples import Examples, LinkExample, ShownPassage
from adapters.layout import read_manifest
from adapters.retrieval.model import RetrievalAdapter
from adapters.retrieval.persist import load
from knowledge.advice import AdvisedKnowledge
from knowledge.own import OwnVectors
from knowledge.retrieve import KnowledgeBase
from knowledge.testing import MemoryStore, chunk, document
from training.feedback_retrieval import train_on_feedback
from training.retrieval_parts import RetrievalTrainConfig
from training.splits import feedback_side
from training.types import Candidate, Split

pytestmark = [pytest.mark.models, pytest.mark.slow]

NOW = datetime(2026, 11, 26, tzinfo=UTC)
# What the documents say, and what this team's people call it.
TOPICS = {
    "The deposit of the flat is paid back after the keys were returned.": "the mossy jar",
    "Rubbish is collected on Monday; put the bins out by six.": "the green parade",
    "Visitors park behind the house, with a ticket from the porter.": "the tin garden",
    "The laundry in the cellar is open until ten in the evening.": "the foam room",
}
ASIDE = ("where is", "when comes", "who knows of", "please tell me of", "how about", "what is with", "I need", "again")
MORE = ("today", "for my flat", "quickly", "this week", "for a friend", "as a tenant", "at night", "on Sunday")
FILLER = [f"{number}. House rule: {rule}." for number, rule in enumerate((
    "dogs are welcome", "no barbecue on the balcony", "bicycles stand in the yard", "music ends at ten",
    "the lift carries six people", "shoes stay inside", "the roof is closed", "parcels wait at the porter's",
))]  # fmt: skip


class World:
    """A house's rules, and people who call things by other names."""

    def __init__(self, folder: Path, encoder: SentenceEncoder, weights: Path, *others: str) -> None:
        self.store, self.encoder, self.weights = MemoryStore(), encoder, weights
        for text in (*TOPICS, *FILLER, *others):
            piece = chunk(text, title="House")
            vectors = encoder.encode([piece.embedding_text])
            self.store.replace_document(document(uri_of(text)), [piece], vectors, encoder=encoder.name)
        self.base = KnowledgeBase.open(self.store, encoder, folder)

    def train(self, links: Sequence[LinkExample], folder: Path, **chosen: float) -> tuple[Candidate, RetrievalAdapter]:
        numbers = {"encoder_epochs": 5, "encoder_rate": 4e-3, "encoder_batch": 6, "encoder_folds": 2}
        candidate = train_on_feedback(
            Examples(links=tuple(links)),
            folder,
            RetrievalTrainConfig(query=False, memory=False, least_encoder_questions=20, **{**numbers, **chosen}),  # type: ignore[arg-type]  # numbers
            knowledge=self.base,
            encoder=self.encoder,
            terms=no_terms,
            alike=lambda *_: False,
            source="run 1",
            now=NOW,
            encoder_folder=self.weights,
        )
        return candidate, load(folder, encoder=self.encoder.name)

    def right(self, adapter: RetrievalAdapter, asked: Mapping[str, str]) -> float:
        vectors = None
        if adapter.tuned is not None:
            vectors = OwnVectors(self.base, SentenceEncoder(self.weights, delta=adapter.tuned), None)
            assert vectors.follow()
        knowledge = AdvisedKnowledge(self.base, adapter, vectors)
        found = [
            knowledge.search(question, self.encoder.encode([question])[0], top_k=1)[0].stored.chunk.text == text
            for question, text in asked.items()
        ]
        return float(np.mean(found))


def no_terms(_scores: Mapping[str, float]) -> tuple[float, float, float]:
    return 0.0, 0.0, 0.0


def uri_of(text: str) -> str:
    return f"/{text[:14].replace(' ', '-')}.md"


def asked(*, test: bool) -> dict[str, str]:
    """Questions of one side, with the passages that answer them."""
    drawn = random.Random(3)  # noqa: S311 - which words, nothing secret
    made = {
        f"{drawn.choice(ASIDE)} {name} {drawn.choice(MORE)}?": text for text, name in TOPICS.items() for _ in range(12)
    }
    return {question: text for question, text in made.items() if (feedback_side(question) is Split.TEST) == test}


def link(question: str, text: str, *, good: bool = True) -> LinkExample:
    passage = ShownPassage(uri=uri_of(text), title="House", text=text)
    return LinkExample(question=question, passage=passage, good=good, weight=1.0, ratings=(f"{question}:1",))


def links() -> list[LinkExample]:
    return [link(question, text) for question, text in asked(test=False).items()]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, encoder: SentenceEncoder, encoder_folder: Path) -> World:
    return World(tmp_path_factory.mktemp("index"), encoder, encoder_folder)


@pytest.fixture(scope="module")
def learned(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Candidate, RetrievalAdapter]:
    return world.train(links(), tmp_path_factory.mktemp("versions") / "a")


def test_a_teams_own_names_are_found_in_questions_that_nobody_rated(
    world: World, learned: tuple[Candidate, RetrievalAdapter], encoder_folder: Path
) -> None:
    candidate, adapter = learned
    held_out = asked(test=True)
    assert len(held_out) > 8
    nothing = RetrievalAdapter(
        encoder=world.encoder.name, mentions=(), vectors=adapter.vectors, memory=None, query=None
    )
    assert world.right(nothing, held_out) < 0.4
    assert world.right(adapter, held_out) > 0.9
    assert adapter.tuned is not None
    assert adapter.tuned.base == fingerprint(encoder_folder)
    assert candidate.metrics["encoder gain"] > candidate.metrics["encoder error"] > 0
    assert candidate.metrics["parts"] == 1
    assert [step.step for step in candidate.curve] == list(range(1, len(candidate.curve) + 1))


def test_the_same_ratings_make_the_same_weights(
    world: World, learned: tuple[Candidate, RetrievalAdapter], tmp_path: Path
) -> None:
    again, _ = world.train(links(), tmp_path / "b")
    first, second = read_manifest(learned[0].folder), read_manifest(again.folder)
    assert first is not None
    assert second is not None
    assert first.fingerprint == second.fingerprint


def test_questions_of_the_test_side_move_no_weight(
    world: World, learned: tuple[Candidate, RetrievalAdapter], tmp_path: Path
) -> None:
    lies = [link(question, FILLER[0]) for question in asked(test=True)]
    _, lied_to = world.train([*links(), *lies], tmp_path / "b")
    assert learned[1].tuned is not None
    assert lied_to.tuned is not None
    assert lied_to.tuned.digest == learned[1].tuned.digest


def test_ratings_that_say_nothing_tune_nothing(world: World, tmp_path: Path) -> None:
    drawn = random.Random(1)  # noqa: S311 - as above
    noise = [link(question, drawn.choice([*TOPICS, *FILLER])) for question in asked(test=False)]
    candidate, adapter = world.train(noise, tmp_path / "b", evidence=2.0)
    assert adapter.tuned is None
    assert candidate.metrics["parts"] == 0


def test_what_was_called_wrong_gives_way(tmp_path: Path, encoder: SentenceEncoder, encoder_folder: Path) -> None:
    text, trap = next(iter(TOPICS)), "The mossy jar of the porter stands in the yard."
    world = World(tmp_path / "index", encoder, encoder_folder, trap)
    wrong = [link(question, trap, good=False) for question, right in asked(test=False).items() if right == text]
    held_out = {question: right for question, right in asked(test=True).items() if right == text}
    _, liked_alone = world.train(links(), tmp_path / "a", evidence=-9.0)
    assert world.right(liked_alone, held_out) < 0.5
    _, both = world.train([*links(), *wrong], tmp_path / "b", evidence=-9.0)
    assert world.right(both, held_out) > 0.9


def test_above_a_number_of_chunks_no_encoder_is_tuned_and_it_is_said(world: World, tmp_path: Path) -> None:
    candidate, adapter = world.train(links(), tmp_path / "a", most_encoded=len(world.base) - 1)
    assert adapter.tuned is None
    assert candidate.metrics["chunks too many"] == len(world.base)
    assert "encoder gain" not in candidate.metrics
