"""The line chooser's weights (bot.extract), chosen in seconds on questions whose answers are known.

    python -m benchmarks.lines --store FILE [--questions 600]   search, encode and keep it all; minutes
    python -m benchmarks.lines --again FILE [--sweep]           measure or choose weights with what was kept; seconds

Sets: the example knowledge's dev questions and squad2_en without the held-out articles, to choose by; its acceptance
questions and squad2_en's held-out articles are only reported. Every question is searched for in the whole set, by both
ways of fusing. Right: the lines that would be quoted hold an answer (every expected string in the examples) and come
from the right document. Seed 3 draws the questions.
"""

from __future__ import annotations

import argparse
import itertools
import os
import pickle
import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from adapters.bases import DEFAULT_ENCODER, resolve
from adapters.encoder.model import SentenceEncoder
from benchmarks.questions import SEED, Base, as_searched, example_questions, examples, squad
from benchmarks.tasks import rows
from bot.config import folders
from bot.extract import LINE_WEIGHTS, Line, LineFeatures, extracts, line_features, lines
from bot.words import has_han
from knowledge.chunking import chunk
from knowledge.retrieve import Fusion, KnowledgeBase, RetrievalSettings
from knowledge.testing import MemoryStore
from knowledge.types import Passage, Vector
from training.base_sets import HELD_OUT_ARTICLES

CHOSEN_BY: Final = ("examples, dev", "squad2_en, dev")
READ: Final = 5  # passages, as answers.passages
LINES: Final = 3  # as bot.looking.EXTRACT_LINES
GRID: Final = {"words": (0.0, 0.15, 0.3, 0.45), "titled": (0.0, 0.3, 0.6), "passage": (0.3, 0.6, 1.0),
               "figure": (0.2, 0.4)}  # beside a meaning of 1  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with a known answer."""

    set: str
    text: str
    document: str  # how the uri of the right document ends
    gold: tuple[tuple[str, ...], ...]  # one of each must be in the lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What one way of searching found for a question."""

    asked: Asked
    fusion: str
    vector: Vector
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A case with its lines, ready to be scored with any weights."""

    case: Case
    found: tuple[Line, ...]
    similarities: list[float]
    features: NDArray[np.float64]  # (lines, features)


def asked_squad(rng: random.Random, size: int) -> list[Asked]:
    """Answerable questions, twice as many of other articles as of the held-out ones."""
    titles = {row["id"]: row["title"] for row in rows("squad2_en/passages")}
    halves: dict[bool, list[Asked]] = {False: [], True: []}
    for row in rows("squad2_en/qa"):
        if row["answerable"]:
            held = titles[row["doc"]] in HELD_OUT_ARTICLES
            name = "squad2_en, held-out articles" if held else "squad2_en, dev"
            halves[held].append(
                Asked(set=name, text=row["question"].strip(), document=row["doc"], gold=(tuple(row["answers"]),))
            )
    dev, held_out = halves[False], halves[True]
    return rng.sample(dev, min(size, len(dev))) + rng.sample(held_out, min(size // 2, len(held_out)))


def asked_examples() -> list[Asked]:
    """The example knowledge's questions that it answers."""
    return [
        Asked(set=name, text=as_searched(row), document=row["source"], gold=tuple(map(tuple, row["must_contain"])))
        for file, name in (("dev_questions", "examples, dev"), ("questions", "examples, acceptance"))
        for row in example_questions(file)
        if row["expect"] == "answer"
    ]


def search(base: Base, asked: Sequence[Asked], encoder: SentenceEncoder) -> Iterator[Case]:
    """Ask a base every question in both ways; its documents are encoded once."""
    store = MemoryStore()
    for document in base.documents:
        pieces = chunk(document, count_tokens=encoder.count_tokens)
        vectors = encoder.encode([piece.embedding_text for piece in pieces])
        store.replace_document(document, pieces, vectors, encoder=encoder.name)
    questions = encoder.encode([one.text for one in asked])
    for fusion in Fusion:
        with tempfile.TemporaryDirectory() as folder:
            knowledge = KnowledgeBase.open(store, encoder, Path(folder), RetrievalSettings(fusion=fusion))
            for one, vector in zip(asked, questions, strict=True):
                passages = knowledge.search(one.text, vector, top_k=READ)
                read = passages[: 1 if has_han(one.text) else READ]  # as the pipeline reads them
                yield Case(asked=one, fusion=fusion.value, vector=vector, passages=read)


def encode_new(cases: Sequence[Case], known: dict[str, Vector], encoder: SentenceEncoder) -> None:
    """Encode the lines that have no vector yet: after a change of how lines are cut only the changed ones."""
    texts = (line.embedding_text for case in cases for line in lines(case.passages))
    new = [text for text in dict.fromkeys(texts) if text not in known]
    known.update(zip(new, encoder.encode(new), strict=True))


def measure(case: Case, known: Mapping[str, Vector]) -> Measured:
    """Measure every line of a case."""
    found = lines(case.passages)
    similarities = [float(known[line.embedding_text] @ case.vector) for line in found]
    measured = line_features(case.asked.text, case.passages, found, similarities)
    return Measured(
        case=case,
        found=found,
        similarities=similarities,
        features=np.array([astuple(one) for one in measured]).reshape(len(found), len(fields(LineFeatures))),
    )


def right(one: Measured, weights: LineFeatures) -> bool:
    """Whether the lines chosen with some weights hold the answer."""
    asked = one.case.asked
    if not one.found:
        return False
    [chosen] = extracts(
        one.found, (one.features @ np.array(astuple(weights))).tolist(), one.similarities, max_lines=LINES, most=1
    )
    stored = one.case.passages[chosen.passage - 1].stored
    text = (stored.chunk.text if stored.chunk.question else chosen.text).lower()  # a curated answer is given whole
    holds = all(any(choice.lower() in text for choice in choices) for choices in asked.gold)
    return holds and stored.uri.endswith(asked.document)


def shares(measured: Sequence[Measured], weights: LineFeatures) -> dict[tuple[str, str], float]:
    """Share of right answers by fusion and set."""
    groups: defaultdict[tuple[str, str], list[bool]] = defaultdict(list)
    for one in measured:
        groups[one.case.fusion, one.case.asked.set].append(right(one, weights))
    return {key: float(np.mean(values)) for key, values in groups.items()}


def choose(measured: Sequence[Measured]) -> list[tuple[float, LineFeatures]]:
    """Score the grid of weights by the mean over the sets to choose by, both fusions; the best first."""
    used = [one for one in measured if one.case.asked.set in CHOSEN_BY]
    scored = []
    for values in itertools.product(*GRID.values()):
        weights = replace(LINE_WEIGHTS, meaning=1.0, **dict(zip(GRID, values, strict=True)))
        scored.append((float(np.mean(list(shares(used, weights).values()))), weights))
    return sorted(scored, key=lambda item: -item[0])


def show(measured: Sequence[Measured], weights: LineFeatures) -> None:
    """Print the shares of some weights."""
    print(weights)
    sizes = Counter((one.case.fusion, one.case.asked.set) for one in measured)
    for (fusion, name), share in shares(measured, weights).items():
        print(f"  {fusion:7} {name:30} n = {sizes[fusion, name]:4}  right {share:.3f}")


def main() -> None:
    """Search or read what was kept; measure; choose."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--store", type=Path, help="search and encode anew, and keep it there")
    source.add_argument("--again", type=Path, help="read what --store kept")
    parser.add_argument("--questions", type=int, default=600, help="of squad2_en's dev articles")
    parser.add_argument("--sweep", action="store_true", help="try a grid of weights")
    options = parser.parse_args()
    encoder = SentenceEncoder(resolve(DEFAULT_ENCODER, cache=folders(os.environ).cache))
    known: dict[str, Vector] = {}
    if options.again:
        cases, known = pickle.loads(options.again.read_bytes())  # noqa: S301 - written by the line below
    else:
        rng = random.Random(SEED)  # noqa: S311 - draws questions, nothing secret
        cases = [*search(examples(encoder), asked_examples(), encoder)]
        cases += search(squad(rng, 0), asked_squad(rng, options.questions), encoder)
    encode_new(cases, known, encoder)
    (options.store or options.again).write_bytes(pickle.dumps((cases, known)))
    measured = [measure(case, known) for case in cases]
    show(measured, LINE_WEIGHTS)
    if options.sweep:
        for share, weights in choose(measured)[:5]:
            print(f"\nmean of what is chosen by: {share:.4f}")
            show(measured, weights)


if __name__ == "__main__":
    main()
