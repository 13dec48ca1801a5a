"""Whether the answers that would be sent are backed by the sources that are shown with them."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.grounded import Asked
from benchmarks.table import Row
from bot.config import Settings
from bot.sentences import split_sentences
from bot.types import AnswerKind
from training.metrics import bootstrap_mean

SEED = 0
READ = 50
_CITATION = re.compile(r"\s*\[\d+\]\s*")
_WORD = re.compile(r"\w+")


def sent(found: Sequence[Asked]) -> list[Asked]:
    """The answers that would be sent at the default threshold."""
    least = Settings().answers.min_answerability
    kinds = (AnswerKind.GENERATED, AnswerKind.QUOTED)
    return [one for one in found if one.answer.kind in kinds and one.score >= least]


def longest_run(sentence: str, source: str) -> float:
    """Share of a sentence's words in the longest run of words that stands in a source too, [0, 1].

    Another judge than the check of the message path, which counts words that stand close together.
    """
    said, text = _WORD.findall(sentence.lower()), f" {' '.join(_WORD.findall(source.lower()))} "
    best = 0
    for start in range(len(said)):
        while start + best < len(said) and f" {' '.join(said[start : start + best + 1])} " in text:
            best += 1
    return best / len(said) if said else 1.0


def supported(one: Asked) -> bool:
    """Whether every sentence of an answer is, nearly word for word, in one of the sources shown."""
    text = _CITATION.sub(" ", one.answer.text.removeprefix("The documents say:"))
    sources = [f"{source.title} {source.excerpt}" for source in one.answer.sources]
    sentences = [sentence for sentence in split_sentences(text) if _WORD.search(sentence)]
    return all(any(longest_run(sentence, source) >= 0.8 for source in sources) for sentence in sentences)


def support_rows(found: Sequence[Asked], *, read: Path | None = None) -> list[Row]:
    """The share of sent answers that are supported, of all and of those that the generator wrote."""
    rng = np.random.default_rng(SEED)
    rows = []
    everything = sent(found)
    for label, chosen in (
        ("answers sent", everything),
        ("answers sent that the generator wrote", [a for a in everything if a.answer.kind is AnswerKind.GENERATED]),
    ):
        if chosen:
            share = bootstrap_mean(np.array([supported(one) for one in chosen]), rng)
            rows.append(
                Row(area="answers", what=f"{label}: supported by the sources shown", figure=share.value, goal=0.95,
                    low=share.low, high=share.high, n=len(chosen), seed=SEED)
            )  # fmt: skip
    if read is not None:
        drawn = random.Random(SEED).sample(everything, min(READ, len(everything)))  # noqa: S311 - nothing secret
        read.write_text("\n\n".join(_shown(one) for one in drawn) + "\n", encoding="utf-8")
    return rows


def _shown(one: Asked) -> str:
    sources = "\n".join(f"    [{source.number}] {source.title}: {source.excerpt}" for source in one.answer.sources)
    return f"{one.base} ({one.kind}) {one.text}\n  -> {one.answer.kind.value}: {one.answer.text}\n{sources}"
