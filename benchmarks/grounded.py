"""The message path over a set's documents, asked with and without the document that holds the answer."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.bases import DEFAULT_GENERATOR, fingerprint, resolve
from adapters.encoder.model import SentenceEncoder
from adapters.generator.config import GeneratorSettings
from adapters.generator.model import LocalGenerator
from adapters.generator.shipped import shipped_adapter
from adapters.intent.config import load_definitions
from adapters.types import Generator
from benchmarks.questions import Base, Question, open_base
from bot.confidence import judged_answerability
from bot.config import Settings, folders
from bot.pipeline import Done, Pipeline
from bot.routing import Router
from bot.testing import FixedClassifier
from bot.types import Answer
from knowledge.retrieve import CuratedMatch, KnowledgeBase
from knowledge.types import Passage, Vector

TOGETHER = 8  # questions that are asked at once
LOOK_FURTHER = 20  # passages more that are looked at, so that enough are left without one document
EVERYTHING = Settings.model_validate(
    {"answers": {"min_answerability": 0.0, "max_new_tokens": 96, "max_seconds": 600, "suggestion_similarity": 1.0}}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question and what the path made of it."""

    base: str
    kind: str  # "answerable", "removed" (its document taken out), "adversarial", "refuse" or "foreign"
    dev: bool
    text: str
    answer: Answer

    @property
    def retrieval(self) -> float:
        """Answerability by retrieval, [0, 1]."""
        return self.answer.trace.scores.get("retrieval", 0.0)

    @property
    def head(self) -> float | None:
        """The generator's log odds; None where it was not asked."""
        return self.answer.trace.scores.get("head")

    @property
    def gain(self) -> float | None:
        """By how much the passages make the question likelier, nats a token; None where the generator was not asked."""
        return self.answer.trace.scores.get("likelihood")

    @property
    def score(self) -> float:
        """What the path refuses by, with the constants of today."""
        return self.retrieval if self.head is None else judged_answerability(self.retrieval, self.head, self.gain)


class Without:
    """A knowledge base as it would be without one document."""

    def __init__(self, base: KnowledgeBase, uri: str) -> None:
        self._base = base
        self._uri = uri

    def refresh(self) -> None:
        """Nothing changes while it is measured."""

    def search(
        self, text: str, vector: Vector, *, collections: Sequence[str] | None = None, top_k: int | None = None
    ) -> tuple[Passage, ...]:
        """The passages of the other documents."""
        found = self._base.search(text, vector, collections=collections, top_k=(top_k or 5) + LOOK_FURTHER)
        return tuple(passage for passage in found if passage.stored.uri != self._uri)[:top_k]

    def is_curated(self, text: str, *, collections: Sequence[str] | None = None) -> bool:
        """As in the whole base; without a conversation it decides nothing."""
        return self._base.is_curated(text, collections=collections)

    def curated(
        self, text: str, vector: Vector, *, collections: Sequence[str] | None = None, top_k: int = 3
    ) -> tuple[CuratedMatch, ...]:
        """The curated questions of the other documents."""
        found = self._base.curated(text, vector, collections=collections, top_k=top_k + LOOK_FURTHER)
        return tuple(match for match in found if match.passage.stored.uri != self._uri)[:top_k]


def default_generator(*, adapter: Path | None = None, threads: int = 0) -> LocalGenerator:
    """The default generator with the adapter that ships, or another."""
    folder = resolve(DEFAULT_GENERATOR, cache=folders(os.environ).cache)
    settings = GeneratorSettings(max_batch=TOGETHER, max_waiting=1_000, threads=threads)
    return LocalGenerator(folder, settings, adapter=adapter or shipped_adapter(fingerprint(folder)))


def untuned_generator(*, threads: int = 0) -> LocalGenerator:
    """The default generator without an adapter."""
    settings = GeneratorSettings(max_batch=TOGETHER, max_waiting=1_000, threads=threads)
    return LocalGenerator(resolve(DEFAULT_GENERATOR, cache=folders(os.environ).cache), settings)


@contextmanager
def opened(base: Base, encoder: SentenceEncoder) -> Iterator[KnowledgeBase]:
    """A base's documents, indexed in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield open_base(base, encoder, Path(folder))


async def ask_all(
    base: Base,
    knowledge: KnowledgeBase,
    encoder: SentenceEncoder,
    generator: Generator,
    *,
    settings: Settings = EVERYTHING,
    without_too: bool = True,
) -> list[Asked]:
    """Ask a base's questions, and those with a known document once more without it."""
    todo = [(question, question.kind, "") for question in base.questions]
    if without_too:
        todo += [(question, "removed", question.document) for question in base.questions if question.document]
    limit = asyncio.Semaphore(TOGETHER)
    router = Router(load_definitions(), min_confidence=1.0, match=lambda _: None)

    async def one(question: Question, kind: str, without: str) -> Asked:
        path = Pipeline(
            encoder=encoder,
            classifier=FixedClassifier(),
            router=router,
            knowledge=Without(knowledge, without),
            generator=generator,
            settings=settings,
        )
        async with limit, aclosing(path.answer(question.text)) as events:
            async for event in events:
                if isinstance(event, Done):
                    return Asked(
                        base=base.name, kind=kind, dev=not question.test, text=question.text, answer=event.answer
                    )
        raise RuntimeError(question.text)

    return list(await asyncio.gather(*(one(*item) for item in todo)))
