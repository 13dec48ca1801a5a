"""Retrieval learns a team's own words from ratings, keeps what pays, and leaves out what does not."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from adapters.errors import AdapterError
from adapters.examples import AnswerExample, Examples, LinkExample, ShownPassage, VerdictExample
from adapters.layout import read_manifest
from adapters.retrieval.answers import part_of
from adapters.retrieval.config import Calibration
from adapters.retrieval.model import RetrievalAdapter
from adapters.retrieval.persist import load
from adapters.types import Task
from knowledge.advice import AdvisedKnowledge
from knowledge.retrieve import KnowledgeBase
from knowledge.testing import MemoryStore, WordEncoder, chunk, document
from training.errors import TooFewError
from training.feedback_retrieval import train_on_feedback
from training.retrieval_parts import RetrievalTrainConfig
from training.splits import feedback_side
from training.types import Candidate, Split, TrainStep

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def same_answer(answer: str, wanted: str, _question: str) -> bool:
    return answer == wanted


# What the documents say, and what this team's people call it: no word in common.
TOPICS = {
    "refund": "moolah",
    "invoice": "papers",
    "password": "gatekey",
    "delivery": "parcels",
    "account": "profile",
    "voucher": "coupon",
    "contract": "deal",
    "holiday": "leave",
}
ASIDE = ("where", "when", "who", "quickly", "today", "boss", "team", "office", "please", "again", "monday", "abroad")
FILLER = ("oak", "birch", "maple", "cedar", "pine", "elm", "ash", "yew", "fir", "beech", "alder", "larch")


class Encoder(WordEncoder):
    """Wide enough to tell the topics' words apart, and counts as the message path's encoder does."""

    def __init__(self) -> None:
        super().__init__(dimension=96)

    def count_tokens(self, text: str) -> int:
        return len(text.split())


class World:
    """A help centre whose words are not those of the people who ask."""

    def __init__(self, folder: Path) -> None:
        self.store, self.encoder = MemoryStore(), Encoder()
        self.texts = {topic: f"{topic} {topic} is explained here under {topic}" for topic in TOPICS}
        self.texts |= {tree: f"{tree} wood is sold in the shop" for tree in FILLER}
        for key, text in self.texts.items():
            self.put(key, text)
        self.base = KnowledgeBase.open(self.store, self.encoder, folder)

    def put(self, key: str, text: str) -> None:
        piece = chunk(text, title="Help")
        vectors = self.encoder.encode([piece.embedding_text])
        self.store.replace_document(document(f"/{key}.md"), [piece], vectors, encoder=self.encoder.name)

    def shown(self, key: str) -> ShownPassage:
        return ShownPassage(uri=f"/{key}.md", title="Help", text=self.texts[key])

    def first(self, adapter: RetrievalAdapter, question: str) -> str:
        vector = self.encoder.encode([question])[0]
        (passage,) = AdvisedKnowledge(self.base, adapter).search(question, vector, top_k=1)
        return passage.stored.uri.strip("/").removesuffix(".md")

    def right(self, adapter: RetrievalAdapter, asked: Sequence[tuple[str, str]]) -> float:
        return float(np.mean([self.first(adapter, question) == topic for question, topic in asked]))

    def train(self, examples: Examples, folder: Path, **chosen: float) -> tuple[Candidate, RetrievalAdapter]:
        candidate = train_on_feedback(
            examples,
            folder,
            RetrievalTrainConfig(**{"learning_rate": 0.01, **chosen}),  # type: ignore[arg-type]  # numbers all
            knowledge=self.base,
            encoder=self.encoder,
            terms=terms,
            alike=same_answer,
            source="run 1",
            now=NOW,
        )
        return candidate, load(folder, encoder=self.encoder.name)


def terms(scores: Mapping[str, float]) -> tuple[float, float, float]:
    return scores["retrieval"], scores.get("head", 0.0), scores.get("likelihood", 0.0)


def asked(*, test: bool) -> list[tuple[str, str]]:
    """Questions of one side, with their topics."""
    drawn = random.Random(3)  # noqa: S311 - which words, nothing secret
    made = {f"{' '.join(drawn.sample(ASIDE, 2))} {slang}": topic for topic, slang in TOPICS.items() for _ in range(20)}
    return [(question, topic) for question, topic in made.items() if (feedback_side(question) is Split.TEST) == test]


def link(world: World, question: str, key: str, *, good: bool = True, weight: float = 1.0) -> LinkExample:
    return LinkExample(
        question=question, passage=world.shown(key), good=good, weight=weight, ratings=(f"{question}:1",)
    )


def links(world: World) -> tuple[LinkExample, ...]:
    return tuple(link(world, question, topic) for question, topic in asked(test=False))


def nothing(world: World) -> RetrievalAdapter:
    return RetrievalAdapter(
        encoder=world.encoder.name, mentions=(), vectors=np.zeros((0, 96), dtype=np.float32), memory=None, query=None
    )


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "index")


def test_a_teams_own_words_are_learned_for_questions_that_nobody_rated(world: World, tmp_path: Path) -> None:
    held_out = asked(test=True)
    assert len(held_out) > 20
    assert world.right(nothing(world), held_out) < 0.4
    candidate, adapter = world.train(Examples(links=links(world)), tmp_path / "v")
    assert adapter.query is not None
    assert world.right(adapter, held_out) > 0.9
    assert (candidate.task, candidate.folder, candidate.examples) == (Task.RETRIEVAL, tmp_path / "v", len(links(world)))
    assert candidate.metrics["query gain"] > candidate.metrics["query error"] > 0


def test_what_is_kept_has_no_word_of_questions_or_passages(world: World, tmp_path: Path) -> None:
    _, adapter = world.train(Examples(links=links(world)), tmp_path / "v", memory_evidence=-100.0)
    assert adapter.memory is not None
    kept = b"".join(path.read_bytes() for path in (tmp_path / "v").iterdir())
    assert b"is explained here" not in kept
    assert not [question for question, _ in asked(test=False) if question.encode() in kept]


def test_how_near_questions_with_the_same_answer_are_is_learned_from_answers_but_not_of_the_test_side(
    world: World, tmp_path: Path
) -> None:
    def liked(answers: Sequence[tuple[str, str]]) -> tuple[AnswerExample, ...]:
        return tuple(
            AnswerExample(question=question, passages=(), answer=topic, liked=True, weight=1.0, ratings=(f"{n}:1",))
            for n, (question, topic) in enumerate(answers)
        )

    plain = links(world)
    assert world.train(Examples(links=plain), tmp_path / "none")[1].curated is None
    candidate, adapter = world.train(Examples(links=plain, answers=liked(asked(test=False))), tmp_path / "some")
    assert adapter.curated == candidate.metrics["curated from"]
    assert adapter.curated is not None
    lies = liked([(question, f"lie {number}") for number, (question, _) in enumerate(asked(test=True))])
    told = Examples(links=plain, answers=(*liked(asked(test=False)), *lies))
    assert world.train(told, tmp_path / "lied to")[0].metrics == candidate.metrics


def test_liked_answers_are_remembered_but_for_those_of_the_test_side(world: World, tmp_path: Path) -> None:
    def liked(*, test: bool) -> tuple[AnswerExample, ...]:
        return tuple(
            AnswerExample(
                question=question,
                passages=(world.shown(topic),),
                answer=f"explained here under {topic}",
                liked=True,
                weight=1.0,
                ratings=(f"{n}:1",),
            )
            for n, (question, topic) in enumerate(asked(test=test))
        )

    told = Examples(links=links(world), answers=(*liked(test=False), *liked(test=True)))
    known = world.train(told, tmp_path / "v")[1].answers
    assert known is not None
    assert len(known.spans) == len(asked(test=False))
    question, topic = asked(test=False)[0]
    (span, similarity), *_ = known.recall(world.encoder.encode([question])[0], 0.99)
    assert part_of(world.texts[topic], span) == f"explained here under {topic}"
    assert similarity == pytest.approx(1.0, abs=1e-3)
    kept = b"".join(path.read_bytes() for path in (tmp_path / "v").iterdir())
    assert b"explained here" not in kept


def test_the_same_ratings_make_the_same_files(world: World, tmp_path: Path) -> None:
    for name in "ab":
        world.train(Examples(links=links(world)), tmp_path / name)
    first, second = (read_manifest(tmp_path / name) for name in "ab")
    assert first is not None
    assert second is not None
    assert (first.fingerprint, first.base) == (second.fingerprint, world.encoder.name)


def test_questions_of_the_test_side_teach_nothing(world: World, tmp_path: Path) -> None:
    lies = [link(world, question, "oak") for question, _ in asked(test=True)]
    verdicts = [verdict(question, answerable=False) for question, _ in asked(test=True)]
    _, plain = world.train(Examples(links=links(world)), tmp_path / "a")
    _, lied_to = world.train(Examples(links=(*links(world), *lies), verdicts=tuple(verdicts)), tmp_path / "b")
    assert plain.query is not None
    assert lied_to.query is not None
    assert np.array_equal(plain.query.up, lied_to.query.up)
    assert lied_to.calibration == Calibration()


def test_ratings_that_say_nothing_change_nothing(world: World, tmp_path: Path) -> None:
    drawn = random.Random(1)  # noqa: S311 - as above
    noise = tuple(link(world, question, drawn.choice(list(world.texts))) for question, _ in asked(test=False))
    candidate, adapter = world.train(Examples(links=noise), tmp_path / "v", evidence=2.0)
    assert candidate.metrics["parts"] == 0
    assert (adapter.query, adapter.memory, adapter.calibration) == (None, None, Calibration())


def test_a_question_that_comes_again_gets_the_passage_that_was_good(world: World, tmp_path: Path) -> None:
    # Each on a passage of its own that has nothing to do with its words: only remembering helps.
    pairs = [
        (f"{first} {second}", tree) for first, second, tree in zip(ASIDE, (*ASIDE[1:], "abc"), FILLER, strict=True)
    ]
    said = [
        link(world, f"{question}{mark}", tree)
        for question, tree in pairs
        for mark in ("", "?", "!", "??", "...")
        if feedback_side(f"{question}{mark}") is not Split.TEST
    ]
    candidate, adapter = world.train(Examples(links=tuple(said)), tmp_path / "v", query=False)
    assert candidate.metrics["parts"] == 1
    assert adapter.memory is not None
    assert world.right(adapter, pairs) == 1.0
    assert world.right(nothing(world), pairs) < 0.5


def test_a_passage_called_bad_goes_down_for_the_questions_it_was_bad_for(world: World, tmp_path: Path) -> None:
    told = links(world)
    bad = tuple(link(world, one.question, "oak", good=False) for one in told)
    candidate, _ = world.train(Examples(links=(*told, *bad)), tmp_path / "v")
    assert candidate.metrics["links"] == 2 * len(told)


def spoiled(world: World, *, trust: float) -> tuple[LinkExample, ...]:
    """A fifth of the links point anywhere."""
    drawn = random.Random(2)  # noqa: S311 - as above
    return tuple(
        replace(one, passage=world.shown(drawn.choice(FILLER)), weight=trust) if drawn.random() < 0.2 else one
        for one in links(world)
    )


def test_a_fifth_of_hostile_links_from_raters_who_are_little_trusted_does_no_harm(world: World, tmp_path: Path) -> None:
    _, adapter = world.train(Examples(links=spoiled(world, trust=0.05)), tmp_path / "v")
    assert world.right(adapter, asked(test=True)) > 0.9


def test_a_fifth_of_hostile_links_does_not_undo_the_others_even_where_all_are_trusted(
    world: World, tmp_path: Path
) -> None:
    _, adapter = world.train(Examples(links=spoiled(world, trust=1.0)), tmp_path / "v")
    assert world.right(adapter, asked(test=True)) > world.right(nothing(world), asked(test=True)) + 0.3


def test_links_to_passages_that_are_gone_are_left_out(world: World, tmp_path: Path) -> None:
    gone = tuple(
        replace(one, passage=ShownPassage(uri="/gone.md", title="Gone", text="of old")) for one in links(world)
    )
    with pytest.raises(TooFewError) as caught:
        world.train(Examples(links=gone), tmp_path / "v")
    assert (caught.value.have, caught.value.need) == (0, 20)


def test_a_passage_whose_words_changed_since_still_teaches(world: World, tmp_path: Path) -> None:
    told = links(world)
    world.put("refund", world.texts["refund"] + " once")
    world.base.refresh()
    candidate, adapter = world.train(Examples(links=told), tmp_path / "v")
    assert candidate.metrics["links"] == len(told)
    assert world.first(adapter, "please moolah") == "refund"


def test_too_little_to_learn_from_says_how_much_is_missing(world: World, tmp_path: Path) -> None:
    with pytest.raises(TooFewError) as caught:
        world.train(Examples(links=links(world)[:7]), tmp_path / "v")
    assert (caught.value.have, caught.value.need) == (7, 20)
    assert not (tmp_path / "v").exists()


def test_a_folder_in_use_is_not_written_to(world: World, tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "kept").write_text("x")
    with pytest.raises(AdapterError, match="is not empty"):
        world.train(Examples(links=links(world)), tmp_path / "v", epochs=1)


def test_every_pass_is_told(world: World, tmp_path: Path) -> None:
    told: list[TrainStep] = []
    train_on_feedback(
        Examples(links=links(world)),
        tmp_path / "v",
        RetrievalTrainConfig(epochs=2, learning_rate=0.01),
        knowledge=world.base,
        encoder=world.encoder,
        terms=terms,
        alike=same_answer,
        source="run 1",
        now=NOW,
        on_step=told.append,
    )
    assert [one.step for one in told] == list(range(1, len(told) + 1))
    assert {one.steps for one in told} == {12}
    assert all(one.loss > 0 for one in told)


def verdict(question: str, *, answerable: bool, retrieval: float = 0.0, weight: float = 1.0) -> VerdictExample:
    return VerdictExample(
        question=question,
        scores={"retrieval": retrieval},
        answerable=answerable,
        weight=weight,
        ratings=(f"{question}:1",),
    )


def verdicts(likely: float, count: int = 400, seed: int = 5) -> tuple[VerdictExample, ...]:
    """Answers whose log odds by retrieval are off by `likely`."""
    drawn = np.random.default_rng(seed)
    made = []
    for number, logit in enumerate(drawn.normal(0, 1.5, count).tolist()):
        answerable = bool(drawn.random() < 1 / (1 + np.exp(-(logit + likely))))
        made.append(verdict(f"question {number}", answerable=answerable, retrieval=logit))
    return tuple(made)


@pytest.mark.parametrize("likely", [-0.8, 0.8])
def test_refusals_follow_what_the_team_says(world: World, tmp_path: Path, likely: float) -> None:
    candidate, adapter = world.train(Examples(verdicts=verdicts(likely)), tmp_path / "v")
    assert adapter.calibration.shift == pytest.approx(likely, abs=0.35)
    assert candidate.metrics["calibration gain"] > candidate.metrics["calibration error"]
    assert candidate.metrics["parts"] == 1


def test_scores_that_are_right_already_stay(world: World, tmp_path: Path) -> None:
    _, adapter = world.train(Examples(verdicts=verdicts(0.0)), tmp_path / "v")
    assert adapter.calibration == Calibration()


def test_a_few_verdicts_move_less_than_many(world: World, tmp_path: Path) -> None:
    few = verdicts(0.8)[:60]
    shifts = []
    for name, given in (("few", few), ("many", verdicts(0.8))):
        _, adapter = world.train(Examples(verdicts=given), tmp_path / name, evidence=-1e9)
        shifts.append(adapter.calibration.shift)
    assert 0 < shifts[0] < shifts[1] + 0.2


def test_however_people_vote_refusing_stays_on(world: World, tmp_path: Path) -> None:
    cheers = tuple(verdict(f"question {number}", answerable=True, retrieval=-3.0) for number in range(500))
    _, adapter = world.train(Examples(verdicts=cheers), tmp_path / "v")
    logit = adapter.calibration.shift + adapter.calibration.retrieval * np.log(0.05 / 0.95)
    assert 1 / (1 + np.exp(-logit)) < 0.35
