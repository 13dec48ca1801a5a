"""Which settings of retrieval find most, on the dev side of the questions; nothing is kept.

    python -m benchmarks.ranking [--tasks feedbackqa squad ...] [--chunk-tokens 100 200 300] [--questions 1000]

BM25's constants, reciprocal rank fusion's, and the weights of blended scores, over the same rankings; the chosen ones
are the defaults of knowledge.retrieve. For questions to a bank's FAQ: meaning, letters, or both.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np

from benchmarks import encoders
from benchmarks.retrieval import LOADERS, METRICS, Cached, scores
from benchmarks.tasks import Task, bank_faq
from knowledge.chunking import chunk
from knowledge.curated import match_strength, normalise, string_similarity
from knowledge.fusion import BlendWeights, blend, centred, fuse, shares
from knowledge.index import VectorIndex
from knowledge.lexical import Analyzer, LexicalIndex, LexicalSettings
from knowledge.types import ChunkIds, Hits, Matrix

READ = 50  # places kept of each ranking
LEXICAL = {
    f"BM25 stem={stem:d} stop={stop:d} k1={k1:g} b={b:g}": LexicalSettings(stem=stem, stopwords=stop, k1=k1, b=b)
    for stem, stop, k1, b in [
        (False, False, 1.5, 0.75), (True, False, 1.5, 0.75), (False, True, 1.5, 0.75), (True, True, 1.5, 0.75),
        (True, True, 0.9, 0.4), (True, True, 1.2, 0.75), (True, True, 1.2, 0.5), (True, True, 2.0, 0.75),
    ]
}  # fmt: skip
WEIGHTS = [
    BlendWeights(words=words, titles=titles) for words in (0.1, 0.2, 0.3, 0.4, 0.6) for titles in (0.0, 0.1, 0.2, 0.3)
]
PLACES = [(5, 1.0), (10, 1.0), (30, 1.0), (60, 1.0), (10, 0.5), (10, 1.5)]  # constant and weight of BM25


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """One question's hits of every index, and the scores of them all."""

    close: Hits
    like: Hits
    named: Hits
    ids: ChunkIds
    similarities: np.ndarray[tuple[int], np.dtype[np.float32]]
    words: np.ndarray[tuple[int], np.dtype[np.float32]]
    titles: np.ndarray[tuple[int], np.dtype[np.float32]]


def search(found: Task, vectors: Matrix, queries: Matrix) -> list[Searched]:
    """Search the real indexes, as knowledge.retrieve does."""
    index = VectorIndex(vectors.shape[1])
    index.add(np.arange(len(vectors), dtype=np.int64), vectors)
    lexical = filled(found, LexicalSettings())
    titles = LexicalIndex(Analyzer())
    titles.update(added=enumerate(piece.title_text for piece in found.chunks))
    names = np.array(found.collections)
    typical = vectors.mean(axis=0)
    result = []
    for query, vector in zip(found.queries, queries, strict=True):
        allowed = np.flatnonzero(names == query.collection).astype(np.int64) if found.per_collection else None
        close = index.search(vector[np.newaxis], READ, allowed)[0]
        like, named = (lexical.search(query.text, READ, allowed), titles.search(query.text, READ, allowed))
        ids = np.unique(np.concatenate([close.ids, like.ids, named.ids]))
        result.append(
            Searched(
                close=close,
                like=like,
                named=named,
                ids=ids,
                similarities=centred(index.scores(vector, ids), float(typical @ vector)),
                words=shares(lexical.scores(query.text, ids), like),
                titles=shares(titles.scores(query.text, ids), named),
            )
        )
    return result


def filled(found: Task, settings: LexicalSettings) -> LexicalIndex:
    """Make a task's BM25 index."""
    lexical = LexicalIndex(Analyzer(settings))
    lexical.update(added=enumerate(piece.lexical_text for piece in found.chunks))
    return lexical


def show(found: Task, setting: str, ranked: Sequence[Sequence[int]]) -> None:
    """Print the mean of each metric over the dev side."""
    figures = [
        scores([found.documents[number] for number in ids], query.relevant)
        for ids, query in zip(ranked, found.queries, strict=True)
    ]
    means = "  ".join(f"{value:.3f}" for value in np.mean(figures, axis=0))
    print(f"{found.name:<36} {len(figures):>5}  {setting:<44} {means}", flush=True)


def sweep(found: Task, encoder: Cached) -> None:
    """Print what each setting finds."""
    vectors = encoder.encode([piece.embedding_text for piece in found.chunks])
    searched = search(found, vectors, encoder.encode([query.text for query in found.queries]))
    show(found, "vector", [one.close.ids.tolist() for one in searched])
    if not found.per_collection:
        for name, settings in LEXICAL.items():
            lexical = filled(found, settings)
            show(found, name, [lexical.search(query.text, READ).ids.tolist() for query in found.queries])
    for k, weight in PLACES:
        ranked = [[key for key, _ in fuse([(o.close.ids, 1.0), (o.like.ids, weight)], k=k)] for o in searched]
        show(found, f"places k={k} BM25={weight:g}", ranked)
    for weights in WEIGHTS:
        blended = [o.ids[np.argsort(-blend(o.similarities, o.words, o.titles, weights))].tolist() for o in searched]
        show(found, f"scores words={weights.words:g} titles={weights.titles:g}", blended)


def curated(encoder: Cached) -> None:
    """Which curated question is nearest: by meaning, by letters, or by both."""
    found = next(iter(bank_faq(lambda _: ())))
    asked = [query.text for query in found.queries]
    questions = [piece.question for piece in found.chunks]
    close = encoder.encode(asked) @ encoder.encode(questions).T
    plain = [normalise(question) for question in questions]
    like = np.array([[string_similarity(normalise(text), question) for question in plain] for text in asked])
    better = np.vectorize(match_strength)(close, like)
    for setting, matrix in {"meaning": close, "letters": like, "better of both": better}.items():
        show(found, setting, [list(np.argsort(-row)[:READ]) for row in matrix])


def main() -> None:
    """Print the tables of the chosen tasks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=LOADERS, default=["feedbackqa", "squad"])
    parser.add_argument("--chunk-tokens", type=int, nargs="+", default=[200])
    parser.add_argument("--questions", type=int, default=1_000, help="of each task at most, picked by hash")
    arguments = parser.parse_args()
    print(f"{'task':<36}     n  {'setting':<44} " + "  ".join(METRICS))
    loaded: dict[str, Cached] = {}
    for name, size in product(arguments.tasks, arguments.chunk_tokens):
        language, load = LOADERS[name]
        if language not in loaded:
            loaded[language] = Cached(encoders.load(language))
        encoder = loaded[language]
        cut = partial(chunk, count_tokens=encoder.count_tokens, target_tokens=size, max_tokens=round(1.2 * size))
        if name == "esun":
            curated(encoder)
        for found in load(cut):
            dev = sorted(
                (query for query in found.queries if query.dev),
                key=lambda query: hashlib.sha256(query.text.encode()).digest()[1:],
            )
            sweep(replace(found, name=f"{found.name} @{size}", queries=tuple(dev[: arguments.questions])), encoder)


if __name__ == "__main__":
    main()
