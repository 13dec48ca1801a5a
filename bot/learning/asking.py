"""Asking for a rating where it teaches most: rarely, politely, and nobody twice a day."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from adapters.types import Encoder
from bot.blocking import run_blocking
from bot.store.store import Store
from bot.types import AnswerKind, RatingValue, StoredAnswer, StoredMessage
from knowledge.curated import normalise
from knowledge.wording import same_matter

ASKED_KINDS: Final = frozenset({AnswerKind.GENERATED, AnswerKind.QUOTED})  # a curated answer is the team's own
A_DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)  # over which the share of answers is kept
REMEMBERED: Final = 2_000  # rated questions that a new one is compared with
RECENT: Final = 200  # answers among which one must be worth most
FIRST: Final = 30  # of them that are watched before anybody is asked
ALIKE: Final = 0.7  # cosine from which two questions are about the same
FAR: Final = 0.5  # cosine below which a question is about something new
_SURE: Final = 3.0  # log odds from the threshold at which nothing is uncertain any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """A question whose answer was rated, beside one that was not."""

    similarity: float  # of the two questions, cosine, [-1, 1]; by words alone where the encoder does not read this one
    good: bool


def worth(score: float, threshold: float, rated: Sequence[Rated]) -> float:
    """How much a rating of an answer would teach, [0, 1].

    Args:
        score: How surely the documents answer the question, [0, 1].
        threshold: Below it the bot refuses.
        rated: Questions that were rated, those nearest to this one among them.

    Returns:
        The greatest of: how uncertain the bot is, how much like questions are disputed, how new the topic is. A
        rating on ground that is well known and agreed on is worth nothing, however unsure the bot was.
    """
    alike = [one.good for one in rated if one.similarity >= ALIKE]
    nearest = max((one.similarity for one in rated), default=-1.0)
    uncertain = max(0.0, 1 - abs(_logit(score) - _logit(threshold)) / _SURE)
    share = sum(alike) / len(alike) if alike else 0.0
    disputed = 4 * share * (1 - share)
    new = min(1.0, max(0.0, (ALIKE - nearest) / (ALIKE - FAR)))
    settled = len(alike) * (1 - disputed)
    return max(uncertain, disputed, 0.5 * new) / (1 + settled)


def _logit(share: float) -> float:
    clipped = min(max(share, 1e-4), 1 - 1e-4)
    return log(clipped / (1 - clipped))


class Choice:
    """Picks the few that are worth most of a stream, without knowing what comes."""

    def __init__(self, share: float) -> None:
        """Begin.

        Args:
            share: Of the stream that may be picked, [0, 1].
        """
        self._share = share
        self._recent: deque[float] = deque(maxlen=RECENT)

    def picks(self, value: float) -> bool:
        """Whether this one is among the best share of the recent ones."""
        self._recent.append(value)
        if len(self._recent) < FIRST or self._share <= 0:
            return False
        return value > 0 and value >= float(np.quantile(self._recent, 1 - self._share))


class Asker:
    """Decides under which answers the bot asks what people think; what it decided is stored before it is shown."""

    def __init__(
        self, store: Store, encoder: Encoder, *, share: float, threshold: float, now: Callable[[], datetime]
    ) -> None:
        """Keep what is needed.

        Args:
            store: What was rated, and who was asked.
            encoder: Makes unit vectors of questions.
            share: Of the answers under which it may ask, [0, 1].
            threshold: The score below which the bot refuses.
            now: Gives the time, aware.
        """
        self._store = store
        self._share = share
        self._threshold = threshold
        self._now = now
        self._rated = _RatedQuestions(store, encoder)
        self._choice = Choice(share)
        self._turn = Lock()

    async def asks(self, stored: StoredMessage, answer: StoredAnswer, *, fresh: bool) -> bool:
        """Whether to ask for a rating under an answer.

        Args:
            stored: The message that it answers.
            answer: The answer, in the store.
            fresh: It is to be shown for the first time; otherwise what was decided then counts.
        """
        if answer.answer.kind not in ASKED_KINDS:
            return False
        if not fresh:
            return await run_blocking(self._store.asks.has, answer.id)
        origin = stored.message.origin
        if self._share <= 0 or origin.replaces or origin.avoid:  # whoever wants another answer has said what they think
            return False
        return await run_blocking(self._decide, stored, answer)

    def _decide(self, stored: StoredMessage, answer: StoredAnswer) -> bool:
        """Blocks."""
        trace = answer.answer.trace
        near = self._rated.near(trace.query or answer.question)
        value = worth(trace.scores.get("answerable", 1.0), self._threshold, near)
        with self._turn:
            chosen = self._choice.picks(value)
        if not chosen or self._store.asks.follows_command(stored.id):
            return False
        now = self._now()
        answers = sum(self._store.answers.counts(now - WEEK).values())
        if self._store.asks.count(now - WEEK) + 1 > max(1.0, self._share * answers):
            return False
        return self._store.asks.ask(answer.id, stored.user_id, not_since=now - A_DAY)


class _RatedQuestions:
    """The vectors of what was rated; read again when a rating was given."""

    def __init__(self, store: Store, encoder: Encoder) -> None:
        self._store = store
        self._encoder = encoder
        self._known: dict[str, NDArray[np.float32]] = {}
        self._values: tuple[tuple[str, RatingValue], ...] = ()
        self._count = -1
        self._turn = Lock()

    def near(self, question: str) -> list[Rated]:
        """Every rated question, with how near it is to this one."""
        with self._turn:
            self._follow()
            values, known = self._values, self._known
        if not values:
            return []
        if not self._encoder.reads(question):  # to it all of those are the same
            asked = normalise(question)
            return [
                Rated(similarity=same_matter(asked, normalise(text)), good=value is RatingValue.UP)
                for text, value in values
            ]
        vector = self._encoder.encode([question])[0]
        rows = np.stack([known[text] for text, _ in values])  # (n, dim), unit length: a product is a cosine
        return [
            Rated(similarity=float(similarity), good=value is RatingValue.UP)
            for similarity, (_, value) in zip(rows @ vector, values, strict=True)
        ]

    def _follow(self) -> None:
        count = self._store.feedback.count()
        if count == self._count:
            return
        values = self._store.feedback.questions(REMEMBERED)
        texts = list(dict.fromkeys(text for text, _ in values))
        new = [text for text in texts if text not in self._known]
        vectors = dict(zip(new, self._encoder.encode(new), strict=True)) if new else {}
        self._known = {text: vectors[text] if text in vectors else self._known[text] for text in texts}
        self._values, self._count = values, count
