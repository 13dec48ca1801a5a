"""A simulated team rates the bot, and the bot learns: accepted answers to held-out questions after each run.

    python -m benchmarks.learning_curve [--teams examples feedbackqa squad2_en] [--seeds 5] [--generator] [--quick]

Questions come one after the other; the bot answers; one of the team's people rates the answer (`--rated`, all of them
by default), mistakenly in `--noise` of the cases; a fifth of those who find it wrong say what is right, and an admin
approves that. After each 50 ratings a run learns from everything so far, and the gate decides what
serves. Nothing of the held-out questions is ever asked, rated or corrected before they are measured.

Without `--generator` the lines of the passages are quoted: that measures retrieval, intents, refusing and corrections,
in minutes. Each team and seed is asked twice: "all" learns; "corrections" only takes approved corrections in, as
any bot with an editable FAQ does.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np

from adapters.errors import GenerationError
from adapters.registry import Lineage
from adapters.types import AdapterVersion, Generator, Task
from benchmarks.table import QUICK, RESULTS, Row, keep
from benchmarks.team import Question, Team, accepted, teams
from bot.config import folders, load_settings
from bot.learning.gathering import Gathering
from bot.learning.live import Arm
from bot.learning.types import Job, Verdict
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
from training.errors import TooFewError

PEOPLE: Final = 25
EVERY: Final = 50  # ratings between two runs
CORRECTING: Final = 0.2  # of those who find an answer wrong
START: Final = datetime(2026, 9, 1, 9, tzinfo=UTC)
GOAL: Final = 0.10  # points gained by 200 ratings


class Silent:
    """Stands for a generator that is not there: the lines that were found are quoted."""

    name = "none"
    grounded = False

    def stream(self, *_: Any, **__: Any) -> AsyncGenerator[str, None]:  # noqa: ANN401 - takes what a generator takes
        """Fail at once."""
        return self._fail()

    async def _fail(self) -> AsyncGenerator[str, None]:
        nothing: tuple[str, ...] = ()
        for piece in nothing:
            yield piece
        raise GenerationError("There is no generator.")

    async def aclose(self) -> None:
        """Nothing to stop."""


@dataclass(frozen=True)
class Quoting(Wiring):
    """The program without its generator."""

    def load_generator(self, version: AdapterVersion | None) -> Generator:  # noqa: ARG002 - of the same shape
        """Load nothing."""
        return Silent()

    @property
    def followed(self) -> tuple[Task, ...]:
        """What can be trained."""
        return (Task.INTENT, Task.RETRIEVAL)


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


@dataclass(slots=True, kw_only=True)
class Simulation:
    """One team in one home folder."""

    team: Team
    wiring: Wiring
    store: Store
    clock: Clock
    rng: random.Random
    options: argparse.Namespace
    learns: bool
    number: int = 0  # of the message
    people: dict[str, int] = field(default_factory=dict)

    async def run(self) -> list[Point]:
        """Ask everything, with a run after each 50 ratings."""
        arms = Arms(self.wiring, self.store)
        arm = await asyncio.to_thread(arms.first)
        points = [Point(ratings=0, accepted=await self._measured(arm))]
        rated = 0
        for question in self.team.asked:
            self.clock.now += timedelta(hours=3)
            rated += await self._asked(arm, question)
            if rated == EVERY * len(points):
                promoted = await asyncio.to_thread(self._learned) if self.learns else ()
                if promoted:
                    await arm.aclose()
                    arm = await asyncio.to_thread(arms.first)
                points.append(Point(ratings=rated, accepted=await self._measured(arm), promoted=promoted))
                print(f"  {rated} ratings: {points[-1].accepted.mean():.3f} {' '.join(promoted)}", flush=True)
        await arm.aclose()
        return points

    # -- the team

    async def _asked(self, arm: Arm, question: Question) -> int:
        """One question, perhaps rated and corrected; 1 if it was rated."""
        sender = f"person {self.rng.randrange(PEOPLE)}"
        stored = self._said(question.text, sender)
        answer = await answer_of(arm, question.text)
        given = self.store.answers.add(stored.id, answer)
        if self.rng.random() >= self.options.rated:
            return 0
        right = accepted(question, answer)
        said_right = right if self.rng.random() >= self.options.noise else not right
        reason = None if said_right else why(question, answer, self.rng)
        value = RatingValue.UP if said_right else RatingValue.DOWN
        self.store.ratings.rate(Rating(answer_id=given.id, user_id=stored.user_id, value=value, reason=reason))
        if not said_right and self.rng.random() < CORRECTING:
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
        knowledge = self.wiring.open_knowledge(self.store)
        encoder = self.wiring.encoder
        gathering = Gathering(
            self.store,
            search=lambda text: knowledge.search(text, encoder.encode([text])[0]),
            labels=lambda: {one.name for one in self.wiring.definitions},
        )
        examples = gathering.examples()
        promoted: list[str] = []
        with tempfile.TemporaryDirectory() as folder:
            for task in (Task.INTENT, Task.RETRIEVAL, Task.GENERATOR):
                if task not in self.wiring.followed:
                    continue
                job = Job(run=self.number, tasks=(task,), folder=folder, seed=0, examples=examples)
                learner = LocalLearner(self.wiring, self.store, job)
                try:
                    result = learner.learn(task, examples, Path(folder) / task.value, seed=0, tell=quiet)
                except TooFewError:
                    continue
                lineage = Lineage(
                    ratings=result.ratings,
                    examples_digest=result.digest,
                    parent=result.parent,
                    base=result.base,
                    code="",
                    seed=0,
                )
                added = self.wiring.registry.add_candidate(task, Path(result.folder), lineage=lineage)
                if result.verdict is Verdict.BETTER:
                    self.wiring.registry.promote(task, added.name)
                    promoted.append(added.name)
        return tuple(promoted)

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


async def simulated(
    make: Callable[[int], Team], seed: int, options: argparse.Namespace, *, learns: bool
) -> tuple[Team, list[Point]]:
    """One team, one seed."""
    team = make(seed)
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
            )
            return team, await simulation.run()


def curve_rows(name: str, arms: dict[str, list[list[Point]]], *, generator: bool) -> list[Row]:
    """The figures of one kind of team, over its seeds."""
    note = "with the generator" if generator else "lines quoted"
    rows: list[Row] = []
    for number in range(min(len(points) for found in arms.values() for points in found)):
        own, other = ([points[number].accepted for points in found] for found in (arms["all"], arms["corrections"]))
        what = f"{name}: accepted answers to held-out questions after {EVERY * number} ratings ({note})"
        alone = float(np.concatenate(other).mean())
        rows.append(replace(row(what, own), peer="approved corrections alone", peer_figure=alone))
    gains = [points[-1].accepted.astype(float) - points[0].accepted.astype(float) for points in arms["all"]]
    return [*rows, replace(row(f"{name}: gain of accepted answers by the last run ({note})", gains), goal=GOAL)]


def row(what: str, values: Sequence[np.ndarray[Any, Any]]) -> Row:
    """The mean over all seeds."""
    low, high = interval(values)
    figure = float(np.concatenate(values).mean())
    return Row(area="learning", what=what, figure=figure, low=low, high=high, n=sum(map(len, values)), seed=len(values))


def interval(values: Sequence[np.ndarray[Any, Any]]) -> tuple[float, float]:
    """95 % bootstrap interval of the mean: seeds are drawn first, then questions within each."""
    rng = np.random.default_rng(0)
    means = []
    for _ in range(1000):
        drawn = [values[number] for number in rng.integers(len(values), size=len(values))]
        means.append(np.concatenate([rng.choice(one, size=len(one)) for one in drawn]).mean())
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def main() -> None:
    """Simulate, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teams", nargs="+", default=["examples", "feedbackqa", "squad2_en"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rated", type=float, default=1.0, help="share of the answers that are rated")
    parser.add_argument("--noise", type=float, default=0.15, help="share of the ratings that are mistaken")
    parser.add_argument("--generator", action="store_true", help="with the language model, and its training: hours")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    rows: list[Row] = []
    for name, make in teams(["examples"] if options.quick else options.teams).items():
        arms: dict[str, list[list[Point]]] = {"all": [], "corrections": []}
        for seed in range(1 if options.quick else options.seeds):
            for arm, found in arms.items():
                print(f"{name}, seed {seed}, {arm}", flush=True)
                team, points = asyncio.run(simulated(make, seed, options, learns=arm == "all"))
                print(f"  {team.name}: " + " ".join(f"{point.accepted.mean():.3f}" for point in points), flush=True)
                found.append(points)
        rows += curve_rows(name, arms, generator=options.generator)
    module = "learning_curve_generator" if options.generator else "learning_curve"
    command = f"python -m benchmarks.learning_curve --seeds {options.seeds}" + " --generator" * options.generator
    keep(module, rows, command=command, folder=QUICK if options.quick else RESULTS)


if __name__ == "__main__":
    main()
