"""One simulated team in a home folder of its own: it asks, rates and corrects, and the program learns or does not."""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from adapters.examples import Examples
from adapters.intent.classifier import TrainedClassifier
from adapters.layout import read_manifest
from adapters.registry import Lineage
from adapters.types import AdapterVersion, Encoder, Generator, Matrix, Task
from benchmarks.team import Question, Team, accepted
from bot.config import folders, load_settings
from bot.learning.gathering import Gathering
from bot.learning.live import Arm
from bot.learning.quoting import Silent
from bot.learning.types import Job, TaskResult, Verdict
from bot.learning.worker import Tell
from bot.pipeline import Done
from bot.store.migrate import head_revision
from bot.store.store import Store
from bot.teaching import KnowledgeTeacher
from bot.types import (
    Answer,
    AnswerKind,
    Correction,
    Message,
    Outcome,
    Rating,
    RatingReason,
    RatingValue,
    StoredAnswer,
    StoredMessage,
)
from bot.wiring import Wiring
from bot.wiring_live import Arms
from bot.wiring_training import LocalLearner
from knowledge.chunking import chunk
from knowledge.types import Vector
from training.errors import TooFewError

PEOPLE: Final = 25
EVERY: Final = 50  # ratings between two runs
MOST: Final = 200  # ratings
CORRECTING: Final = 0.2  # of those who find an answer wrong
START: Final = datetime(2026, 9, 1, 9, tzinfo=UTC)


class Remembering:
    """An encoder that encodes each text once: the same documents and questions come again in every home."""

    def __init__(self, encoder: Encoder) -> None:
        """Remember nothing yet."""
        self._encoder = encoder
        self._known: dict[str, Vector] = {}
        self.name, self.dimension = encoder.name, encoder.dimension
        self.count_tokens = lru_cache(maxsize=None)(encoder.count_tokens)
        self.reads = encoder.reads

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Encode what is new."""
        if new := [text for text in dict.fromkeys(texts) if text not in self._known]:
            self._known |= zip(new, self._encoder.encode(new), strict=True)
        found = [self._known[text] for text in texts]
        return np.stack(found) if found else self._encoder.encode(())


ENCODERS: Final[dict[str, Remembering]] = {}  # by source
HEADS: Final[dict[str, TrainedClassifier]] = {}


@dataclass(frozen=True)
class Quoting(Wiring):
    """The program without its generator."""

    @cached_property
    def encoder(self) -> Encoder:
        """The sentence encoder."""
        source = self.settings.models.encoder
        if source not in ENCODERS:
            ENCODERS[source] = Remembering(super().encoder)
        return ENCODERS[source]

    def _few_shot_head(self) -> TrainedClassifier:
        """The built-in intents, learned once."""
        source = self.settings.models.encoder
        if source not in HEADS:
            HEADS[source] = super()._few_shot_head()
        return HEADS[source]

    def load_generator(self, version: AdapterVersion | None) -> Generator:  # noqa: ARG002 - of the same shape
        """Load nothing."""
        return Silent()

    @property
    def followed(self) -> tuple[Task, ...]:
        """What can be trained."""
        return (Task.INTENT, Task.RETRIEVAL)


class Ungated(LocalLearner):
    """Lets everything through."""

    def learn(self, task: Task, examples: Examples, folder: Path, *, seed: int, tell: Tell) -> TaskResult:  # noqa: ARG002 - of the same shape
        """Train, and judge nothing."""
        candidate = self._train(task, examples, folder, seed, quiet)
        manifest = read_manifest(candidate.folder)
        changes = candidate.metrics.get("parts") != 0
        return TaskResult(
            task=task,
            verdict=Verdict.BETTER if changes else Verdict.NOTHING,
            examples=candidate.examples,
            folder=str(candidate.folder),
            base=manifest.base if manifest is not None else "",
        )


@dataclass(slots=True)
class Clock:
    """A month in which the team asks."""

    now: datetime = START

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What the held-out questions come to after so many ratings."""

    ratings: int
    accepted: np.ndarray[Any, np.dtype[np.bool_]]  # by held-out question
    promoted: tuple[str, ...] = ()  # versions that the run before brought into service
    parent: np.ndarray[Any, np.dtype[np.bool_]] | None = None  # of what served until then; None: it serves still


@dataclass(slots=True, kw_only=True)
class Simulation:
    """One team in one home folder."""

    team: Team
    wiring: Wiring
    store: Store
    clock: Clock
    rng: random.Random
    options: argparse.Namespace
    learns: bool  # whether there are runs; approved corrections are taken in at once all the same
    naive: bool = False  # 👎 and corrections are thrown away, and whatever was learned of the 👍 serves
    number: int = 0  # of the message

    async def run(self) -> list[Point]:
        """Ask until everything is rated, with a run after each 50 ratings."""
        arms = Arms(self.wiring, self.store)
        arm = await asyncio.to_thread(arms.first)
        points = [Point(ratings=0, accepted=await self._measured(arm))]
        rated = 0
        for question in self._questions():
            self.clock.now += timedelta(hours=3) * self.options.rated
            rated += await self._asked(arm, question)
            if rated == EVERY * len(points):
                points.append(await self._point(arm, rated))
                if points[-1].promoted:
                    await arm.aclose()
                    arm = await asyncio.to_thread(arms.first)
                    points[-1] = replace(points[-1], accepted=await self._measured(arm))
                share = f"{points[-1].accepted.mean():.3f}"
                print(f"  {rated} ratings: {share} {' '.join(points[-1].promoted)}", flush=True)
            if rated == MOST:
                break
        await arm.aclose()
        return points

    async def _point(self, arm: Arm, rated: int) -> Point:
        """Have a run, and measure what served until then."""
        promoted = await asyncio.to_thread(self._learned) if self.learns else ()
        before = await self._measured(arm)
        return Point(ratings=rated, accepted=before, promoted=promoted, parent=before if promoted else None)

    # -- the team

    def _questions(self) -> Iterator[Question]:
        """What is asked, and the same again in other orders as long as somebody asks."""
        asked: Sequence[Question] = self.team.asked
        while True:
            yield from asked
            asked = self.rng.sample(self.team.asked, len(self.team.asked))

    async def _asked(self, arm: Arm, question: Question) -> int:
        """One question, perhaps rated and corrected; 1 if it was rated.

        An answer that nobody rates teaches nothing, so it is not made.
        """
        chance = random.Random(self.rng.random())  # noqa: S311 - the same mistakes whatever is answered
        sender, rated, mistaken, corrects = chance.randrange(PEOPLE), chance.random(), chance.random(), chance.random()
        if rated >= self.options.rated:
            return 0
        stored = self._said(question.text, f"person {sender}")
        answer = await answer_of(arm, question.text)
        given = self.store.answers.add(stored.id, answer)
        good = accepted(question, answer) is (mistaken >= self.options.noise)
        if self.naive and not good:
            return 1
        reason = None if good else why(question, answer, chance)
        value = RatingValue.UP if good else RatingValue.DOWN
        self.store.ratings.rate(Rating(answer_id=given.id, user_id=stored.user_id, value=value, reason=reason))
        if not good and corrects < CORRECTING:
            self._corrected(given, stored, question)
        return 1

    def _said(self, text: str, sender: str) -> StoredMessage:
        self.number += 1
        message = Message(
            platform="console",
            event_id=str(self.number),
            channel=f"chat {self.number}",  # each question a conversation of its own
            thread="",
            sender=sender,
            sender_name="",
            text=text,
            received_at=self.clock.now,
        )
        stored = self.store.inbox.accept(message, idle_minutes=60)
        if stored is None:
            raise RuntimeError(message.event_id)
        return stored

    def _corrected(self, given: StoredAnswer, stored: StoredMessage, question: Question) -> None:
        """What is right, as the person knows it; an admin who knows approves it."""
        if not question.correction:
            return
        correction = Correction(answer_id=given.id, user_id=stored.user_id, text=question.correction)
        number = self.store.ratings.correct(correction)
        teacher = KnowledgeTeacher(self.store.knowledge, self.wiring.encoder)
        teacher.teach(question.text, question.correction)
        self.store.ratings.decide(number, approved=True)

    # -- the loop

    def _learned(self) -> tuple[str, ...]:
        """A run over everything so far; the names of the versions that serve from now on."""
        examples = self._examples()
        promoted: list[str] = []
        with tempfile.TemporaryDirectory() as folder:
            for task in (Task.INTENT, Task.RETRIEVAL, Task.GENERATOR):
                if task not in self.wiring.followed:
                    continue
                job = Job(run=self.number, tasks=(task,), folder=folder, seed=0, examples=examples)
                learner = (Ungated if self.naive else LocalLearner)(self.wiring, self.store, job)
                try:
                    result = learner.learn(task, examples, Path(folder) / task.value, seed=0, tell=quiet)
                except TooFewError:
                    continue
                if result.verdict is Verdict.NOTHING:
                    continue
                added = self._registered(result)
                if result.verdict is Verdict.BETTER:
                    self.wiring.registry.promote(task, added.name)
                    promoted.append(added.name)
        return tuple(promoted)

    def _examples(self) -> Examples:
        knowledge, encoder = self.wiring.open_knowledge(self.store), self.wiring.encoder
        return Gathering(
            self.store,
            search=lambda text: knowledge.search(text, encoder.encode([text])[0]),
            labels=lambda: {one.name for one in self.wiring.definitions},
        ).examples()

    def _registered(self, result: TaskResult) -> AdapterVersion:
        lineage = Lineage(
            ratings=result.ratings,
            examples_digest=result.digest,
            parent=result.parent,
            base=result.base,
            code="",
            seed=0,
        )
        return self.wiring.registry.add_candidate(result.task, Path(result.folder), lineage=lineage)

    async def _measured(self, arm: Arm) -> np.ndarray[Any, np.dtype[np.bool_]]:
        found = [accepted(question, await answer_of(arm, question.text)) for question in self.team.held_out]
        return np.array(found)


async def answer_of(arm: Arm, text: str) -> Answer:
    """One answer."""
    async with aclosing(arm.path.answer(text)) as events:
        async for event in events:
            if isinstance(event, Done):
                return event.answer
    raise RuntimeError(text)


def why(question: Question, answer: Answer, rng: random.Random) -> RatingReason | None:
    """The reason that somebody presses; a third press none."""
    if rng.random() < 1 / 3:
        return None
    if answer.outcome is not Outcome.ANSWERED:
        return RatingReason.WRONG_TOPIC if answer.kind is AnswerKind.CANNED else RatingReason.OTHER
    shown = any(source.uri.endswith(question.document) for source in answer.sources) if question.document else False
    return RatingReason.BAD_WORDING if shown else RatingReason.WRONG_SOURCE


def quiet(*_: object) -> None:
    """Show nothing."""


def stock(wiring: Wiring, store: Store, team: Team) -> None:
    """Take the team's documents in."""
    if team.files:
        wiring.ingest([str(file) for file in team.files], collection="default")
        return
    cut = [(document, chunk(document, count_tokens=wiring.encoder.count_tokens)) for document in team.documents]
    vectors = wiring.encoder.encode([piece.embedding_text for _, pieces in cut for piece in pieces])
    start = 0
    for document, pieces in cut:
        rows = vectors[start : start + len(pieces)]
        store.knowledge.replace_document(document, pieces, rows, encoder=wiring.encoder.name)
        start += len(pieces)


async def simulated(team: Team, seed: int, options: argparse.Namespace, *, learns: bool, naive: bool) -> list[Point]:
    """One team, one seed."""
    with tempfile.TemporaryDirectory() as home:
        found = folders({**os.environ, "BURNISH_HOME": home})
        kind = Wiring if options.generator else Quoting
        wiring = kind(load_settings({}, found.file), found, quiet)
        clock = Clock()
        with Store.open(wiring.store_url, wiring.keyring, clock=clock) as store:
            if store.revision() != head_revision():
                store.migrate()
            stock(wiring, store, team)
            simulation = Simulation(
                team=team,
                wiring=wiring,
                store=store,
                clock=clock,
                rng=random.Random(seed),  # noqa: S311 - draws people and mistakes, nothing secret
                options=options,
                learns=learns,
                naive=naive,
            )
            return await simulation.run()
