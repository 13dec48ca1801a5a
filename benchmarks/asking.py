"""What a request for a rating yields where bot.learning.asking makes it, against requests at random.

    python -m benchmarks.asking [--quick]

A simulated team of 40 asks 1,500 questions in 40 days: FeedbackQA's, by health authority, popular ones often; of each
third question the document that answers it is not in the knowledge base. The bot answers by retrieval as it does,
without a generator: right is an answer whose best passage is from the question's own document. Assumed: 2 % of the
answers are rated by themselves, 25 % of those asked answer, 15 % of all ratings are wrong. Both ways ask at most 5 % of
the answers and nobody twice a day.

A rating is useful when it finds a wrong answer, or is the first about a document. Ten seeds; each counts the ratings
of 100 people asked, so 25 is the most there can be.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from adapters.bases import DEFAULT_ENCODER, resolve
from adapters.encoder.model import SentenceEncoder
from benchmarks.questions import READ, SEED, TOP_K, Base, feedbackqa, line_encoder, nearness, open_base
from benchmarks.table import QUICK as QUICK_RESULTS
from benchmarks.table import RESULTS, Row, keep
from bot.confidence import DEFAULT_ANSWERABILITY, answerability
from bot.config import folders
from bot.learning.asking import Choice, Rated, worth
from knowledge.types import Vector
from training.metrics import bootstrap_mean

PEOPLE: Final = 40
DAYS: Final = 40
ASKED: Final = 1_500  # questions in all
SHARE: Final = 0.05
BY_THEMSELVES: Final = 0.02
WHEN_ASKED: Final = 0.25
NOISE: Final = 0.15
SEEDS: Final = 10
Picks = Callable[["Answered", Sequence[tuple[Vector, bool]]], bool]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answered:
    """A question that the bot answers."""

    document: str  # that answers it, whether or not it is in the knowledge base
    score: float
    right: bool
    vector: Vector


@dataclass(frozen=True, slots=True, kw_only=True)
class Yield:
    """What one simulated team's requests brought."""

    asked: int
    useful: int
    wrong: int  # wrong answers found


def answered(base: Base, encoder: SentenceEncoder, most: int) -> list[Answered]:
    """Ask every question of a base; those that the bot would refuse are left out, since nobody is asked about them."""
    questions = base.questions[:most]
    vectors = encoder.encode([one.text for one in questions])
    found: list[tuple[str, float, bool, Vector]] = []
    with tempfile.TemporaryDirectory() as folder:
        knowledge = open_base(base, encoder, Path(folder))
        encoded = line_encoder(encoder)
        for number, (question, vector) in enumerate(zip(questions, vectors, strict=True)):
            there = knowledge.search(question.text, vector, top_k=READ)
            seen = [one for one in there if number % 3 or one.stored.uri != question.document][:TOP_K]
            score = answerability(question.text, seen, nearness(vector, encoded)(seen))
            if score >= DEFAULT_ANSWERABILITY:
                right = seen[0].stored.uri == question.document
                found.append((question.document, score, right, vector))
    return [Answered(document=one, score=score, right=right, vector=row) for one, score, right, row in found]


def simulate(questions: Sequence[Answered], picks: Picks, seed: int) -> Yield:
    """Let a team ask for some weeks, and count what the requests bring."""
    rng = np.random.default_rng(seed)
    popular = rng.permutation(1 / np.arange(1, len(questions) + 1))
    stream = rng.choice(len(questions), ASKED, p=popular / popular.sum())
    rated: list[tuple[Vector, bool]] = []
    known: set[str] = set()
    last_asked = dict.fromkeys(range(PEOPLE), -1)
    asked = useful = wrong = 0
    for place, row in enumerate(stream):
        one, day, person = questions[row], place * DAYS // ASKED, int(rng.integers(PEOPLE))
        says = one.right is bool(rng.random() >= NOISE)
        free = last_asked[person] < day and asked + 1 <= max(1, SHARE * (place + 1))
        chosen = picks(one, rated) and free
        if chosen:
            asked, last_asked[person] = asked + 1, day
        if rng.random() >= (WHEN_ASKED if chosen else BY_THEMSELVES):
            continue
        if chosen:
            finds = not one.right and not says
            wrong += finds
            useful += finds or one.document not in known
        rated.append((one.vector, says))
        known.add(one.document)
    return Yield(asked=asked, useful=useful, wrong=wrong)


def by_worth() -> Picks:
    """As the program picks."""
    choice = Choice(SHARE)

    def picks(one: Answered, rated: Sequence[tuple[Vector, bool]]) -> bool:
        near = [Rated(similarity=float(vector @ one.vector), good=good) for vector, good in rated]
        return choice.picks(worth(one.score, DEFAULT_ANSWERABILITY, near))

    return picks


def at_random(seed: int) -> Picks:
    """As many, whatever they are."""
    rng = np.random.default_rng([seed, 1])
    return lambda _, __: bool(rng.random() < SHARE)


def table(bases: Sequence[Base], encoder: SentenceEncoder, *, most: int) -> Iterator[Row]:
    """The figures."""
    for base in bases:
        questions = answered(base, encoder, most)
        chosen = [simulate(questions, by_worth(), seed) for seed in range(SEEDS)]
        blind = [simulate(questions, at_random(seed), seed) for seed in range(SEEDS)]
        right = np.mean([one.right for one in questions])
        for what, count in _MEASURES:
            figures = np.array([100 * count(one) / max(1, one.asked) for one in chosen])
            peer = float(np.mean([100 * count(one) / max(1, one.asked) for one in blind]))
            interval = bootstrap_mean(figures, np.random.default_rng(0))
            yield Row(
                area="learning",
                what=f"{base.name}: {what}, of 100 people asked",
                figure=interval.value,
                low=interval.low,
                high=interval.high,
                n=sum(one.asked for one in chosen),
                seed=0,
                peer="asked at random",
                peer_figure=peer,
                ratio=interval.value / peer if peer else None,
                note=f"{right:.2f} of the answers are right",
            )


_MEASURES: Final[tuple[tuple[str, Callable[[Yield], float]], ...]] = (
    ("useful ratings", lambda one: one.useful),
    ("wrong answers found", lambda one: one.wrong),
)


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a sanity check on few questions, not kept")
    options = parser.parse_args()
    rng = random.Random(SEED)  # noqa: S311 - draws questions, no secret
    encoder = SentenceEncoder(resolve(DEFAULT_ENCODER, cache=folders({}).cache))
    bases = [base for base in feedbackqa(rng) if base.name.endswith(("CDC", "UK"))]
    keep(
        "asking",
        list(table(bases[-1:] if options.quick else bases, encoder, most=100 if options.quick else 10_000)),
        command=f"python -m benchmarks.asking{' --quick' if options.quick else ''}",
        folder=QUICK_RESULTS if options.quick else RESULTS,
    )


if __name__ == "__main__":
    main()
