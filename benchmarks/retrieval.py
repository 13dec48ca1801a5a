"""What retrieval finds on real questions, and which of its settings find most.

    python -m benchmarks.retrieval [--tasks feedbackqa squad ...] [--chunk-tokens 100 200 300] [--output FILE]

The program's own encoders (fetched into its cache), chunker and indexes. The data folder is BURNISH_BENCH_DATA, or
../shared/data beside the project. Questions are split in two by a hash of their text: settings are chosen on the dev
half, and the last lines of each task give the other half for the candidates. A document counts once, at the place of
its best chunk. Nothing is random.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks import encoders
from benchmarks.tasks import Loader, Query, Task, curated_questions, feedbackqa, manual, squad
from knowledge.chunking import chunk
from knowledge.curated import match_strength, normalise, string_similarity
from knowledge.fusion import fuse
from knowledge.index import IndexSettings, VectorIndex
from knowledge.lexical import Analyzer, LexicalIndex, LexicalSettings
from knowledge.types import ChunkIds, Matrix

TASKS = ("feedbackqa", "squad", "syncthing", "letsencrypt", "tidb", "curated")
READ = 200  # places kept of either ranking
METRICS = ("acc@1", "hit@5", "nDCG@10")


class Cached:
    """An encoder that reads the same texts only once: two tasks over the same documents share them."""

    def __init__(self, language: str) -> None:
        self._encoder = encoders.load(language)
        self._known: dict[tuple[str, ...], Matrix] = {}
        self.label = encoders.LABELS[language]

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Encode texts, shape (n, dim)."""
        key = tuple(texts)
        if key not in self._known:
            self._known[key] = self._encoder.encode(texts)
        return self._known[key]

    def count_tokens(self, text: str) -> int:
        """Length in tokens."""
        return self._encoder.count_tokens(text)


def scores(ranked: Sequence[str], relevant: frozenset[str]) -> tuple[float, float, float]:
    """Compute acc@1, hit@5 and nDCG@10 of one ranking of documents."""
    first = list(dict.fromkeys(ranked))[:10]
    gains = [1 / np.log2(place + 2) for place, key in enumerate(first) if key in relevant]
    ideal = sum(1 / np.log2(place + 2) for place in range(min(10, len(relevant))))
    return (
        float(bool(first) and first[0] in relevant),
        float(any(key in relevant for key in first[:5])),
        float(sum(gains) / ideal) if ideal else 0.0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rankings:
    """Both rankings of every query, as chunk ids."""

    vector: tuple[ChunkIds, ...]
    lexical: tuple[ChunkIds, ...]


def allowed_of(found: Task) -> dict[str, ChunkIds | None]:
    """Ids that a query of each collection may find."""
    if not found.per_collection:
        return {query.collection: None for query in found.queries}
    names = np.array(found.collections)
    return {name: np.flatnonzero(names == name).astype(np.int64) for name in set(found.collections)}


def rank(found: Task, vectors: Matrix, queries: Matrix, settings: LexicalSettings) -> Rankings:
    """Search the real indexes."""
    index = VectorIndex(vectors.shape[1], settings=IndexSettings())
    index.add(np.arange(len(vectors), dtype=np.int64), vectors)
    allowed = allowed_of(found)
    close = tuple(
        index.search(row[np.newaxis], READ, allowed[query.collection])[0].ids
        for query, row in zip(found.queries, queries, strict=True)
    )
    return Rankings(vector=close, lexical=rank_words(found, settings))


def rank_words(found: Task, settings: LexicalSettings) -> tuple[ChunkIds, ...]:
    """Search BM25 alone."""
    lexical = LexicalIndex(Analyzer(settings))
    lexical.update(added=((number, piece.lexical_text) for number, piece in enumerate(found.chunks)))
    allowed = allowed_of(found)
    return tuple(lexical.search(query.text, READ, allowed[query.collection]).ids for query in found.queries)


def evaluate(found: Task, ranked: Sequence[Sequence[int]], *, dev: bool) -> tuple[float, ...]:
    """Mean of each metric over one half."""
    figures = [
        scores([found.documents[number] for number in ids], query.relevant)
        for ids, query in zip(ranked, found.queries, strict=True)
        if query.dev is dev
    ]
    return tuple(float(value) for value in np.mean(figures, axis=0)) if figures else (0.0, 0.0, 0.0)


def fused(both: Rankings, *, k: float, depth: int, lexical_weight: float) -> list[list[int]]:
    """Fuse both rankings of every query."""
    return [
        [key for key, _ in fuse([(close[:depth], 1.0), (like[:depth], lexical_weight)], k=k)]
        for close, like in zip(both.vector, both.lexical, strict=True)
    ]


class Table:
    """Prints lines and keeps them."""

    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []

    def add(self, found: Task, setting: str, figures: Sequence[float], *, dev: bool) -> None:
        """Print one line."""
        count = sum(query.dev is dev for query in found.queries)
        half = "dev" if dev else "held"
        self.lines.append(
            {
                "task": found.name,
                "half": half,
                "n": count,
                "setting": setting,
                **dict(zip(METRICS, figures, strict=True)),
            }
        )
        print(
            f"{found.name:<32} {half:<5} {count:>5}  {setting:<38} " + "  ".join(f"{value:.3f}" for value in figures),
            flush=True,
        )


LEXICAL = {
    f"BM25 stem={stem:d} stop={stop:d} k1={k1:g} b={b:g}": LexicalSettings(stem=stem, stopwords=stop, k1=k1, b=b)
    for stem, stop, k1, b in [
        (False, False, 1.5, 0.75), (True, False, 1.5, 0.75), (False, True, 1.5, 0.75), (True, True, 1.5, 0.75),
        (True, True, 0.9, 0.4), (True, True, 1.2, 0.75), (True, True, 1.2, 0.5), (True, True, 2.0, 0.75),
    ]
}  # fmt: skip


def measure(found: Task, encoder: Cached, table: Table, *, sweep: bool) -> None:
    """Print what each setting finds on dev, then the defaults on the other half."""
    started = time.perf_counter()
    vectors = encoder.encode([piece.embedding_text for piece in found.chunks])
    queries = encoder.encode([query.text for query in found.queries])
    print(f"\n{found.name}: {len(found.chunks)} chunks, encoded in {time.perf_counter() - started:.0f} s")
    both = rank(found, vectors, queries, LexicalSettings())
    halves = (True, False) if any(not query.dev for query in found.queries) else (True,)
    if sweep:
        for name, settings in LEXICAL.items():
            table.add(
                found, name, evaluate(found, [ids.tolist() for ids in rank_words(found, settings)], dev=True), dev=True
            )
        for k, depth, weight in [
            *((k, 50, 1.0) for k in (1, 5, 10, 30, 60, 100)),
            *((60, depth, 1.0) for depth in (10, 20, 100, 200)),
            *((k, 50, weight) for k in (10, 60) for weight in (0.25, 0.5, 0.75, 1.5)),
        ]:
            figures = evaluate(found, fused(both, k=k, depth=depth, lexical_weight=weight), dev=True)
            table.add(found, f"hybrid k={k} depth={depth} lexical={weight:g}", figures, dev=True)
    for dev in halves:
        table.add(found, "vector", evaluate(found, [ids.tolist() for ids in both.vector], dev=dev), dev=dev)
        table.add(found, "BM25 default", evaluate(found, [ids.tolist() for ids in both.lexical], dev=dev), dev=dev)
        for k, weight in ((60, 1.0), (10, 1.0), (10, 0.5)):
            figures = evaluate(found, fused(both, k=k, depth=50, lexical_weight=weight), dev=dev)
            table.add(found, f"hybrid k={k} depth=50 lexical={weight:g}", figures, dev=dev)


def curated(encoder: Cached, table: Table) -> None:
    """Which curated question is nearest: by meaning, by letters, or by both."""
    found = curated_questions()
    found = replace(found, name=f"{found.name}, {encoder.label}")
    asked = [query.text for query in found.queries]
    questions = [piece.question for piece in found.chunks]
    close = encoder.encode(asked) @ encoder.encode(questions).T
    plain = [normalise(question) for question in questions]
    like = np.array([[string_similarity(normalise(text), question) for question in plain] for text in asked])
    for setting, matrix in {
        "meaning": close,
        "letters": like,
        "better of both": np.vectorize(match_strength)(close, like),
        "mean of both": (close + like) / 2,
    }.items():
        ranked = [list(np.argsort(-row)[:READ]) for row in matrix]
        for dev in (True, False):
            table.add(found, setting, evaluate(found, ranked, dev=dev), dev=dev)


LANGUAGES = {"feedbackqa": "en", "squad": "en", "syncthing": "en", "letsencrypt": "en", "tidb": "zh"}


def measure_all(arguments: argparse.Namespace, table: Table) -> None:
    """Measure the tasks that were asked for; curated questions with both encoders."""
    loaders: dict[str, Loader] = {
        "feedbackqa": feedbackqa,
        "squad": squad,
        "syncthing": manual("syncthing_docs_en", "text/x-rst", "en", None),
        "letsencrypt": manual("letsencrypt_docs_en_zh", "text/markdown", "en", None),
        "tidb": manual("tidb_docs_zh", "text/markdown", "zh", arguments.pages or None),
    }
    needed = {LANGUAGES[name] for name in arguments.tasks if name != "curated"}
    loaded = {
        language: Cached(language) for language in ("en", "zh") if language in needed or "curated" in arguments.tasks
    }
    if "curated" in arguments.tasks:
        for encoder in loaded.values():
            curated(encoder, table)
    for name, size in product((name for name in arguments.tasks if name != "curated"), arguments.chunk_tokens):
        encoder = loaded[LANGUAGES[name]]
        cut = partial(chunk, count_tokens=encoder.count_tokens, target_tokens=size, max_tokens=round(1.2 * size))
        for found in loaders[name](cut):
            asked = replace(found, name=f"{found.name} @{size}", queries=sample(found.queries, arguments.questions))
            measure(asked, encoder, table, sweep=not arguments.no_sweep)


def sample(queries: Sequence[Query], most: int) -> tuple[Query, ...]:
    """Take the first questions in the order of a hash: the same ones every time."""
    return tuple(sorted(queries, key=lambda query: hashlib.sha256(query.text.encode()).digest()[1:])[:most])


def main() -> None:
    """Print the tables of the chosen tasks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    parser.add_argument("--chunk-tokens", type=int, nargs="+", default=[200])
    parser.add_argument("--pages", type=int, default=60, help="of the Chinese documentation; 0 for all 893")
    parser.add_argument("--questions", type=int, default=2_000, help="of each task at most")
    parser.add_argument("--no-sweep", action="store_true", help="only the defaults")
    parser.add_argument("--output", type=Path, help="write every line there as JSON")
    arguments = parser.parse_args()
    table = Table()
    print(f"{'task':<32} half      n  {'setting':<38} " + "  ".join(METRICS))
    measure_all(arguments, table)
    if arguments.output:
        arguments.output.write_text(json.dumps(table.lines, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
