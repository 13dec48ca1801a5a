"""The generator on prepared passages, and what the groundedness check leaves of it; not part of the project."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from adapters.encoder.model import SentenceEncoder
from adapters.generator.config import GeneratorSettings
from adapters.generator.model import LocalGenerator
from adapters.types import GenerationLimits
from bot.extract import best_extract, lines
from bot.grounding import Support, check_sentence
from bot.prompts import answer_turns, passage_text
from bot.sentences import split_sentences
from bot.words import has_han
from knowledge.types import Chunk, ChunkKind, Passage, StoredChunk

LIMITS = GenerationLimits(max_new_tokens=64, seconds=3_600)
SETTINGS = GeneratorSettings(max_batch=16, max_waiting=1_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A question, the passages it is to be answered from, and what a right answer contains."""

    question: str
    passages: tuple[Passage, ...]
    extracts: tuple[str, ...]  # what the model reads of them
    right: tuple[tuple[str, ...], ...]  # of each group one; () if the passages do not have the answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What the generator made of a task, sentence by sentence."""

    task: Task
    sentences: tuple[str, ...]
    supports: tuple[Support, ...]

    def passed(self, minimum: float) -> str:
        """What the user would see: the sentences before the first that is not supported."""
        kept: list[str] = []
        for sentence, support in zip(self.sentences, self.supports, strict=True):
            if support.score < max(minimum, 1e-9):
                break
            kept.append(sentence)
        return "".join(kept).strip()


def as_passage(title: str, text: str) -> Passage:
    """A passage that no search has found."""
    chunk = Chunk(ordinal=0, kind=ChunkKind.PASSAGE, title_path=(title,), anchor="", question="", text=text)
    stored = StoredChunk(
        id=1, document_id=1, source="", uri="", collection="default", language="en", chunk=chunk
    )  # fmt: skip
    return Passage(stored=stored, similarity=1.0, lexical=1.0, fused=1.0, rank=1)


def extract(question: str, passages: Sequence[Passage], encoder: SentenceEncoder, *, length: int = 3) -> str:
    """The best extract, chosen as the bot does."""
    found = lines(passages)
    vectors = encoder.encode([question, *(line.embedding_text for line in found)])
    best = best_extract(question, passages, found, (vectors[1:] @ vectors[0]).tolist(), max_lines=length)
    return best.text if best else ""


def contains(answer: str, right: Sequence[Sequence[str]]) -> bool:
    """Whether an answer has one of each group, case, articles and punctuation apart."""
    bare = _bare(answer)
    return all(any(_bare(wish) in bare or (has_han(wish) and wish in answer) for wish in group) for group in right)


def _bare(text: str) -> str:
    words = re.sub(r"[^\w\s]", " ", text.lower()).split()
    return f" {' '.join(word for word in words if word not in ('a', 'an', 'the'))} "


async def write_all(generator: LocalGenerator, tasks: Sequence[Task]) -> list[Written]:
    """Answer every task; they are computed together."""
    answers = await asyncio.gather(*(_write(generator, task) for task in tasks))
    return [judged(task, answer) for task, answer in zip(tasks, answers, strict=True)]


def judged(task: Task, answer: str) -> Written:
    """Check each sentence of an answer."""
    texts = [passage_text(passage) for passage in task.passages]
    sentences = split_sentences(answer)
    supports = tuple(check_sentence(sentence, texts, task.question) for sentence in sentences)
    return Written(task=task, sentences=sentences, supports=supports)


async def _write(generator: LocalGenerator, task: Task) -> str:
    async with aclosing(
        generator.stream(answer_turns(task.question, task.passages, (), extracts=task.extracts), LIMITS)
    ) as pieces:
        return "".join([piece async for piece in pieces])
