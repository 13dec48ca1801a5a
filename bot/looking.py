"""What is known of a message before it is decided how to answer it: intent, passages, and the lines that fit best."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

import numpy as np

from adapters.retrieval.answers import AnswerMemory, part_of
from adapters.retrieval.config import Calibration
from adapters.types import Encoder, Intent, IntentClassifier
from bot.blocking import Failed, Together, run_blocking, tried
from bot.confidence import UNCALIBRATED, answerability, judged_answerability
from bot.config import Settings
from bot.extract import Extract, best_extracts, lines
from bot.prompts import resolve_follow_up
from bot.routing import Route, Router
from bot.sentences import unwrapped
from bot.texts import language_of
from bot.types import Turn
from bot.words import has_han
from knowledge.advice import text_digest
from knowledge.retrieve import CuratedMatch
from knowledge.types import Matrix, Passage, Vector

EXTRACT_LINES = 3
READ_PASSAGES = 3  # of the passages found, each judged by itself by a grounded generator
READ_LINES = 2  # of each: with more the generator picks the wrong one more often (docs/experiments.md)
DOCUMENTS_WIN = 0.8  # answerability from which a message is a question whatever the intent head says
SURE = 0.8  # answerability from which a liked answer is given only to a question that is nearer by so much more:
NEARER = 0.05  # what was found by itself is as often right there (docs/experiments-learning.md)
SUGGESTIONS = 3
MOST_TOGETHER = 8  # messages that are encoded together: more are hardly faster, and all wait for the last one
# What every line's similarity counts as where the encoder does not read the question: words alone choose the lines, and
# the score that tells whether they answer stays on its scale (unrelated Chinese lines have .57 by all-MiniLM). Of 100
# questions of cmrc2018_zh 99 pass, and 25 without the right page; with 0 it would be 97 and 15, but of the 10 that the
# example knowledge answers only 6.
UNREAD_SIMILARITY = 0.5
LINES_AT_HAND = 10_000  # lines of documents whose vectors are kept, 1.5 KB each


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a look begins with."""

    text: str
    history: tuple[Turn, ...]  # the conversation's last turns, oldest first
    collections: tuple[str, ...] | None  # that this person may see; None for all
    avoid: frozenset[int]  # ids of chunks that were shown already, where another answer is wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Everything that is known before the answer is decided."""

    text: str
    query: str
    language: str
    history: tuple[Turn, ...]
    intent: Intent
    route: Route
    passages: tuple[Passage, ...]
    curated: tuple[CuratedMatch, ...]
    answerable: float  # [0, 1]
    scores: Mapping[str, float]  # what `answerable` was made of, as in Trace
    extracts: tuple[Extract, ...]  # the lines of each passage that answer best, word for word, best first
    readings: tuple[Extract, ...]  # the same passages with more lines, for a grounded generator
    timings_ms: Mapping[str, float]
    liked: Extract | None = None  # what was liked as an answer to a question as near as `score` says


class Retriever(Protocol):
    """Text and its embedding to passages; knowledge.retrieve.KnowledgeBase is one."""

    def refresh(self) -> None:
        """Take in what has changed in the store; cheap when nothing has."""

    def search(
        self, text: str, vector: Vector, *, collections: Sequence[str] | None = None, top_k: int | None = None
    ) -> tuple[Passage, ...]:
        """Find passages, best first."""

    def is_curated(self, text: str, *, collections: Sequence[str] | None = None) -> bool:
        """Whether a curated question has this very wording; it stands alone then, however it begins."""

    def curated(
        self, text: str, vector: Vector, *, collections: Sequence[str] | None = None, top_k: int = 3
    ) -> tuple[CuratedMatch, ...]:
        """Find the curated questions nearest to this one, best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A look before its passages are read."""

    question: Question
    query: str
    vector: Vector
    intent: Intent
    matched: bool  # the intent comes from an example, nearly word for word
    passages: tuple[Passage, ...]
    curated: tuple[CuratedMatch, ...]
    timings_ms: Mapping[str, float]

    @property
    def exact(self) -> bool:
        """Whether a curated question was asked word for word: it gets its answer, and no line has to be looked for."""
        return bool(self.curated) and self.curated[0].exact


class Looker:
    """Looks at messages; those that come at the same time are encoded together."""

    def __init__(
        self,
        *,
        encoder: Encoder,
        classifier: IntentClassifier,
        router: Router,
        knowledge: Retriever,
        settings: Settings,
        clock: Callable[[], float],
        line_vectors: LineVectors | None = None,
        calibration: Calibration = UNCALIBRATED,
        answers: AnswerMemory | None = None,
        same_from: float | None = None,
    ) -> None:
        self._answers = answers
        self._same_from = same_from
        self._encoder = encoder
        self._classifier = classifier
        self._router = router
        self._knowledge = knowledge
        self._settings = settings
        self._clock = clock
        self._calibration = calibration
        self._line_vectors = line_vectors or LineVectors(encoder)
        self._finding: Together[Question, _Found] = Together(self._find_all, most=MOST_TOGETHER)

    @property
    def versions(self) -> Mapping[str, str]:
        """What looks, by task."""
        return {"encoder": self._encoder.name, "intent": self._classifier.name}

    async def look(self, question: Question) -> Look:
        """Look at one message."""
        found = await self._finding(question)
        if found.exact:
            return self._look(found, (), (), retrieved=1.0, timings_ms=found.timings_ms)
        return await run_blocking(self._read, found)

    def _find_all(self, questions: Sequence[Question]) -> list[_Found | Failed]:
        """Encode, classify, search."""
        started = self._clock()
        self._knowledge.refresh()
        queries = [self._query(question) for question in questions]
        vectors = self._encoder.encode(queries)
        encoded = self._since(started)
        return [
            tried(self._find, question, query, vector, encoded)
            for question, query, vector in zip(questions, queries, vectors, strict=True)
        ]

    def _query(self, question: Question) -> str:
        if self._knowledge.is_curated(question.text, collections=question.collections):
            return question.text
        return resolve_follow_up(question.text, question.history)

    def _find(self, question: Question, query: str, vector: Vector, encoded: float) -> _Found:
        started = self._clock()
        matched = self._router.match(question.text)
        intent = matched or self._classifier.predict([query], vector[np.newaxis, :])[0]
        classified = self._since(started)
        started = self._clock()
        avoid, collections = question.avoid, question.collections
        curated = self._knowledge.curated(query, vector, collections=collections, top_k=SUGGESTIONS + len(avoid))
        top_k = self._settings.knowledge.top_k + len(avoid)
        passages = self._knowledge.search(query, vector, collections=collections, top_k=top_k)
        return _Found(
            question=question,
            query=query,
            vector=vector,
            intent=intent,
            matched=matched is not None,
            passages=tuple(one for one in passages if one.stored.id not in avoid),
            curated=tuple(one for one in curated if one.passage.stored.id not in avoid),
            timings_ms={"encode": encoded, "classify": classified, "retrieve": self._since(started)},
        )

    def _read(self, found: _Found) -> Look:
        """Choose the lines of the passages that answer best."""
        started = self._clock()
        extracts, readings = self._extracts(found.query, found.vector, found.passages)
        retrieved = answerability(found.query, found.passages, extracts[0].nearest) if extracts else 0.0
        timings = {**found.timings_ms, "extract": self._since(started)}
        return self._look(found, extracts, readings, retrieved=retrieved, timings_ms=timings)

    def _look(
        self,
        found: _Found,
        extracts: tuple[Extract, ...],
        readings: tuple[Extract, ...],
        *,
        retrieved: float,
        timings_ms: Mapping[str, float],
    ) -> Look:
        answerable = retrieved
        if 0 < retrieved < 1:
            answerable = judged_answerability(retrieved, None, None, self._calibration)
        route = self._router.route(found.intent)
        if not found.matched and answerable >= DOCUMENTS_WIN:
            route = self._router.as_question(route, answerable)
        return Look(
            text=found.question.text,
            query=found.query,
            language=language_of(found.question.text, setting=self._settings.bot.language),
            history=found.question.history,
            intent=found.intent,
            route=route,
            passages=found.passages,
            curated=found.curated,
            answerable=answerable,
            scores={"retrieval": retrieved, "answerable": answerable},
            extracts=extracts,
            readings=readings,
            timings_ms=timings_ms,
            liked=self._liked(found, answerable),
        )

    def _liked(self, found: _Found, answerable: float) -> Extract | None:
        """The lines that the nearest question got and people liked, if they stand in a passage that was found.

        Nothing for Chinese: the default encoder finds its questions all alike.
        """
        if self._answers is None or self._same_from is None or has_han(found.query):
            return None
        if not self._encoder.reads(found.query):
            return None
        texts = {text_digest(one.stored.chunk.text): number for number, one in enumerate(found.passages, start=1)}
        near = self._same_from + NEARER * (answerable >= SURE)
        for span, similarity in self._answers.recall(found.vector, near):
            number = texts.get(span.digest)
            text = "" if number is None else part_of(unwrapped(found.passages[number - 1].stored.chunk.text), span)
            if number is not None and text:
                return Extract(passage=number, text=text, score=similarity, nearest=similarity)
        return None

    def _extracts(
        self, query: str, vector: Vector, passages: Sequence[Passage]
    ) -> tuple[tuple[Extract, ...], tuple[Extract, ...]]:
        """The lines of the passages that answer the query best; every line is compared with it by meaning.

        Where the encoder does not read the query, words choose them. For Chinese only the first passage is read: what
        put it there were words as much as meaning.
        """
        read = passages[: 1 if has_han(query) else self._settings.answers.passages]
        found = lines(read)
        if not found:
            return (), ()
        similarities, reads = [UNREAD_SIMILARITY] * len(found), self._encoder.reads(query)
        if reads:
            similarities = (self._line_vectors.of([line.embedding_text for line in found]) @ vector).tolist()
        short, long = (
            best_extracts(
                query, read, found, similarities, max_lines=length, most=READ_PASSAGES, in_paragraph=not reads
            )
            for length in (EXTRACT_LINES, READ_LINES)
        )
        return short, long

    def _since(self, started: float) -> float:
        return round((self._clock() - started) * 1000, 2)  # ms


class LineVectors:
    """Vectors of the documents' lines, encoded when they are first read: the same lines are read for many questions.

    Thread-safe.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: OrderedDict[str, Vector] = OrderedDict()
        self._turn = Lock()

    def of(self, texts: Sequence[str]) -> Matrix:
        """One row for each text."""
        with self._turn:
            known = {text: self._known[text] for text in texts if text in self._known}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known |= zip(new, self._encoder.encode(new), strict=True)
        with self._turn:
            for text in texts:
                self._known[text] = known[text]
                self._known.move_to_end(text)
            while len(self._known) > LINES_AT_HAND:
                self._known.popitem(last=False)
        return np.stack([known[text] for text in texts])
