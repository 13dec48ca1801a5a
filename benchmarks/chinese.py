"""Chinese: curated answers given word for word or quoted, and never English prose.

    python -m benchmarks.chinese [--questions N] [--quick]

A bank's FAQ (esun) with real people's questions, and a policy FAQ (ncp) whose questions are asked with their first two
characters and their last one left out. The Chinese encoder, the shipped adapter, the whole message path.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
from dataclasses import dataclass, replace

import numpy as np

from adapters.bases import DEFAULT_CHINESE_ENCODER, resolve
from adapters.encoder.model import SentenceEncoder
from benchmarks.grounded import ask_all, default_generator, opened
from benchmarks.questions import Base, Question, named
from benchmarks.table import QUICK, RESULTS, Row, keep
from benchmarks.tasks import plain, relevant_of, rows
from bot.config import Settings, folders
from bot.types import Answer, AnswerKind, Outcome
from knowledge.types import Document, QuestionAnswer
from training.metrics import bootstrap_mean

SEED = 0
_ENGLISH = re.compile(r"[A-Za-z]{2,}(?:[ ,]+[A-Za-z]{2,}){4,}")  # five English words in a row


@dataclass(frozen=True, slots=True, kw_only=True)
class Faq:
    """A knowledge base of curated answers, and which answers are right for each question."""

    base: Base
    answers: dict[str, frozenset[str]]  # by question asked


def esun() -> Faq:
    """Taiwanese bank; each document is a topic with several entries."""
    name = "esun_bank_faq_zh"
    entries, relevant = rows(f"{name}/faq"), relevant_of(name)
    asked = rows(f"{name}/queries")
    documents = [
        named(_with_pairs(doc, [(row["question"], row["answer"]) for row in entries if row["doc"] == doc]), doc)
        for doc in dict.fromkeys(row["doc"] for row in entries)
    ]
    return Faq(
        base=Base(name="esun", documents=tuple(documents), questions=tuple(_question(row["text"]) for row in asked)),
        answers={
            row["text"]: frozenset(e["answer"] for e in entries if e["doc"] in relevant[row["id"]]) for row in asked
        },
    )


def ncp(count: int) -> Faq:
    """Chinese government policy; the questions are the entries' own, clipped."""
    entries = rows("ncp_policy_faq_zh/faq")
    long = [row for row in entries if len(row["question"]) > 8]  # enough is left when they are clipped
    drawn = random.Random(SEED).sample(long, count)  # noqa: S311 - draws questions, nothing secret
    documents = [named(_with_pairs(row["id"], [(row["question"], row["answer"])]), row["id"]) for row in entries]
    clipped = {row["question"][2:-1]: row["answer"] for row in drawn}
    return Faq(
        base=Base(name="ncp", documents=tuple(documents), questions=tuple(map(_question, clipped))),
        answers={text: frozenset([answer]) for text, answer in clipped.items()},
    )


def _with_pairs(title: str, pairs: list[tuple[str, str]]) -> Document:
    found = tuple(
        QuestionAnswer(question=question, answer=answer, language="zh", anchor="") for question, answer in pairs
    )
    return replace(plain(title, ""), sections=(), pairs=found)


def _question(text: str) -> Question:
    return Question(text=text, document="", kind="answerable", test=True)


def main() -> None:
    """Ask, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=100, help="of the policy FAQ")
    parser.add_argument("--quick", action="store_true", help="the bank's FAQ only; nothing is kept")
    options = parser.parse_args()
    encoder = SentenceEncoder(resolve(DEFAULT_CHINESE_ENCODER, cache=folders(os.environ).cache))
    found: list[Row] = []
    for faq in [esun(), *([] if options.quick else [ncp(options.questions)])]:
        found += asyncio.run(measure(faq, encoder))
    keep("chinese", found, command="python -m benchmarks.chinese", folder=QUICK if options.quick else RESULTS)


async def measure(faq: Faq, encoder: SentenceEncoder) -> list[Row]:
    """Ask a FAQ's questions at the default settings."""
    generator = default_generator()
    try:
        with opened(faq.base, encoder) as knowledge:
            asked = await ask_all(faq.base, knowledge, encoder, generator, settings=Settings(), without_too=False)
    finally:
        await generator.aclose()
    rng = np.random.default_rng(SEED)
    answered = [one for one in asked if one.answer.outcome is Outcome.ANSWERED]
    exact = bootstrap_mean(np.array([_is_curated(one.answer, faq) for one in answered]), rng)
    right = bootstrap_mean(np.array([_is_right(one.text, one.answer, faq) for one in answered]), rng)
    english = sum(bool(_ENGLISH.search(one.answer.text)) for one in answered if not _is_curated(one.answer, faq))
    name = f"{faq.base.name} (Chinese)"
    return [
        Row(area="answers", what=f"{name}: questions answered", figure=len(answered) / len(asked), n=len(asked)),
        Row(
            area="answers", what=f"{name}: of these, given verbatim or quoted from a curated answer",
            figure=exact.value, goal=1.0, low=exact.low, high=exact.high, n=len(answered),
        ),
        Row(
            area="answers", what=f"{name}: of these, the right entry", figure=right.value, low=right.low,
            high=right.high, n=len(answered),
        ),
        Row(
            area="answers", what=f"{name}: English prose of the model's own", figure=float(english), goal=0.0,
            at_least=False, n=len(answered),
        ),
    ]  # fmt: skip


def _is_curated(answer: Answer, faq: Faq) -> bool:
    known = [pair.answer for document in faq.base.documents for pair in document.pairs]
    said = _bare(answer.text)
    return answer.kind in (AnswerKind.CURATED, AnswerKind.QUOTED) and any(_bare(one) in said for one in known)


def _is_right(text: str, answer: Answer, faq: Faq) -> bool:
    return any(_bare(one) in _bare(answer.text) for one in faq.answers[text])


def _bare(text: str) -> str:
    return re.sub(r"\s+|\[\d+\]$", "", text)


if __name__ == "__main__":
    main()
