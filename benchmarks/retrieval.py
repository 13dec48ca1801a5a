"""What retrieval finds on real questions: the product's own knowledge base, by vectors, by BM25, and by both.

    python -m benchmarks.retrieval [--tasks feedbackqa squad ...] [--train FOLDER] [--quick]

The program's own encoders (fetched into its cache), chunker and indexes. The data folder is BENCH_DATA, or
../shared/data beside the project. Where a set's official test questions lie beside the others they are the test and
all others may be learned from; else a hash of their text splits them in two. Settings were chosen on the one side
(benchmarks/ranking.py), the figures are of the other. A document counts once, at the place of its best chunk.

With --train, encoders tuned on FeedbackQA's links by benchmarks/tuning.py are measured too, from the folder given.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from numpy.typing import NDArray

from adapters.types import Encoder
from benchmarks import encoders
from benchmarks.table import PICTURES, QUICK, RESULTS, Row, keep
from benchmarks.tasks import Loader, Query, Task, bank_faq, feedbackqa, manual, policy_faq, squad
from knowledge.chunking import chunk
from knowledge.fusion import BlendWeights
from knowledge.retrieve import Fusion, KnowledgeBase, RetrievalMode, RetrievalSettings
from knowledge.testing import MemoryStore, document
from knowledge.types import Chunk, Matrix
from training.metrics import bootstrap_mean

SEED: Final = 20261124  # of the intervals' resamples
DEPTH: Final = 30  # chunks read for ten documents
METRICS: Final = ("acc@1", "hit@5", "nDCG@10")
CHUNK_TOKENS: Final = 200
LEAST_DRAWN: Final = 10  # questions
QUICK_QUESTIONS: Final = 60
QUICK_DOCUMENTS: Final = 100
GOALS: Final = {"feedbackqa pooled": 0.50}  # acc@1 of hybrid without training
TRAINED_GOALS: Final = {"feedbackqa pooled": 0.64, "feedbackqa per collection": 0.70}
MODES: Final = {
    "vector": RetrievalSettings(mode=RetrievalMode.VECTOR),
    "BM25": RetrievalSettings(mode=RetrievalMode.LEXICAL, weights=BlendWeights(titles=0.0)),
    "hybrid by places": RetrievalSettings(fusion=Fusion.PLACES),
    "hybrid": RetrievalSettings(),
}
LOADERS: Final[dict[str, tuple[str, Loader]]] = {
    "feedbackqa": ("en", feedbackqa),
    "squad": ("en", squad),
    "syncthing": ("en", manual("syncthing_docs_en", "text/x-rst", "en", None)),
    "letsencrypt": ("en", manual("letsencrypt_docs_en_zh", "text/markdown", "en", None)),
    "tidb": ("zh", manual("tidb_docs_zh", "text/markdown", "zh", 100)),
    "esun": ("zh", bank_faq),
    "ncp": ("zh", policy_faq),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How one way of searching did on one task."""

    task: str
    way: str
    figures: NDArray[np.float64]  # (questions, METRICS)
    milliseconds: float  # median of one search, without encoding


class Cached:
    """An encoder that reads the same text only once: tasks over the same documents share the work."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: dict[str, NDArray[np.float32]] = {}
        self.name, self.dimension = encoder.name, encoder.dimension
        self.count_tokens, self.reads = encoder.count_tokens, encoder.reads

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Encode texts, shape (n, dim)."""
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        self._known.update(zip(new, self._encoder.encode(new), strict=True))
        return np.stack([self._known[text] for text in texts])


class Keeping(Cached):
    """Also remembers between runs."""

    def __init__(self, path: Path | None) -> None:
        super().__init__(encoders.load("en"))
        self._path = path
        self._read: dict[str, NDArray[np.float32]] = {}
        if path is not None and path.is_file():
            with np.load(path) as kept:
                self._read = dict(zip(kept["digests"].tolist(), kept["vectors"], strict=True))

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode texts, shape (n, dim)."""
        for text in texts:
            if text not in self._known and _digest(text) in self._read:
                self._known[text] = self._read[_digest(text)]
        return super().encode(texts)

    def save(self) -> None:
        """Keep what was encoded."""
        if self._path is not None:
            digests = np.array([_digest(text) for text in self._known])
            np.savez(self._path, digests=digests, vectors=np.stack(list(self._known.values())))


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


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


def stored(found: Task, encoder: Cached) -> MemoryStore:
    """Fill a store with a task's chunks, as ingest does."""
    groups: dict[tuple[str, str], list[Chunk]] = {}
    for piece, key, collection in zip(found.chunks, found.documents, found.collections, strict=True):
        groups.setdefault((key, collection), []).append(piece)
    store = MemoryStore()
    for (key, collection), pieces in groups.items():
        vectors = encoder.encode([piece.embedding_text for piece in pieces])
        store.replace_document(document(key, collection=collection), pieces, vectors, encoder=encoder.name)
    return store


def measure(
    found: Task, encoder: Cached, ways: dict[str, RetrievalSettings], queries: Sequence[Query], prefix: str = ""
) -> Iterator[Measured]:
    """Search the real knowledge base in each way."""
    vectors = encoder.encode([query.text for query in queries])
    encoder.encode([piece.embedding_text for piece in found.chunks])  # all at once is quicker
    store = stored(found, encoder)
    for way, settings in ways.items():
        figures, times = [], []
        with TemporaryDirectory(prefix="burnish-bench-") as folder:
            base = KnowledgeBase.open(store, encoder, Path(folder), settings)
            for query, vector in zip(queries, vectors, strict=True):
                collections = [query.collection] if found.per_collection else None
                started = time.perf_counter()
                passages = base.search(query.text, vector, collections=collections, top_k=DEPTH)
                times.append(1000 * (time.perf_counter() - started))
                figures.append(scores([passage.stored.uri for passage in passages], query.relevant))
        line = Measured(task=found.name, way=prefix + way, figures=np.array(figures), milliseconds=np.median(times))
        means = "  ".join(f"{value:.3f}" for value in line.figures.mean(axis=0))
        print(f"{line.task:<32} {len(queries):>5}  {line.way:<44} {means}  {line.milliseconds:.1f} ms", flush=True)
        yield line


def rows_of(task: str, lines: Sequence[Measured], count: int) -> list[Row]:
    """The figures of the untrained hybrid search on one task, beside the better of its two halves."""
    by_way = {line.way: line for line in lines}
    hybrid = by_way["hybrid"]
    rows = []
    for column, metric in enumerate(METRICS):
        peers = {way: float(by_way[way].figures[:, column].mean()) for way in ("vector", "BM25")}
        peer = max(peers, key=lambda way: peers[way])
        mean = bootstrap_mean(hybrid.figures[:, column], np.random.default_rng(SEED))
        goal = GOALS.get(task) if metric == "acc@1" else None
        places = by_way["hybrid by places"].figures[:, column].mean()
        rows.append(
            Row(
                area="retrieval", what=f"{task}: hybrid, {metric}", figure=mean.value, low=mean.low, high=mean.high,
                n=count, seed=SEED, goal=goal, peer=peer, peer_figure=peers[peer],
                ratio=mean.value / peers[peer] if peers[peer] else None,
                note=f"vector {peers['vector']:.3f}, BM25 {peers['BM25']:.3f}, rank fusion {places:.3f}",
            )
        )  # fmt: skip
    rows.append(Row(area="retrieval", what=f"{task}: one search", figure=hybrid.milliseconds, unit="ms", n=count))
    return rows


def trained_rows(task: str, line: Measured, untrained: Measured | None) -> list[Row]:
    """The figures of a tuned encoder on one task, beside the untuned one on the same questions."""
    rows = []
    for column, metric in enumerate(METRICS):
        mean = bootstrap_mean(line.figures[:, column], np.random.default_rng(SEED))
        before = float(untrained.figures[:, column].mean()) if untrained else None
        rows.append(
            Row(
                area="retrieval", what=f"{task}: {line.way}, {metric}", figure=mean.value, low=mean.low,
                high=mean.high, n=len(line.figures), seed=SEED,
                goal=TRAINED_GOALS.get(task) if metric == "acc@1" else None,
                peer="hybrid untrained", peer_figure=before, ratio=mean.value / before if before else None,
            )
        )  # fmt: skip
    return rows


def measure_all(names: Sequence[str], *, quick: bool) -> tuple[list[Row], list[Measured]]:
    """Measure the tasks that were asked for with the untuned encoders."""
    rows: list[Row] = []
    lines: list[Measured] = []
    loaded: dict[str, Cached] = {}
    for name in names:
        language, load = LOADERS[name]
        if language not in loaded:
            loaded[language] = Cached(encoders.load(language))
        encoder = loaded[language]
        for found in load(cutter(encoder.count_tokens)):
            task = small(found) if quick else found
            queries = tested(task)
            measured = list(measure(task, encoder, MODES, queries))
            rows += rows_of(task.name, measured, len(queries))
            lines += measured
    return rows, lines


def cutter(count_tokens: Callable[[str], int]) -> Callable[..., tuple[Chunk, ...]]:
    """Cut as ingest does by default."""
    return partial(chunk, count_tokens=count_tokens, target_tokens=CHUNK_TOKENS, max_tokens=round(1.2 * CHUNK_TOKENS))


def tested(found: Task) -> tuple[Query, ...]:
    """The questions that nothing was chosen or trained on; all where there are very few."""
    held = tuple(query for query in found.queries if not query.dev)
    return held if len(held) >= LEAST_DRAWN else found.queries


def small(found: Task) -> Task:
    """A few questions, and few enough documents to encode in seconds, theirs among them."""
    queries = sorted(tested(found), key=lambda query: query.text)[:QUICK_QUESTIONS]
    needed = frozenset().union(*(query.relevant for query in queries))
    others = [key for key in dict.fromkeys(found.documents) if key not in needed]
    kept = needed | frozenset(others[: max(0, QUICK_DOCUMENTS - len(needed))])
    places = [place for place, key in enumerate(found.documents) if key in kept]
    return replace(
        found,
        chunks=tuple(found.chunks[place] for place in places),
        documents=tuple(found.documents[place] for place in places),
        collections=tuple(found.collections[place] for place in places),
        queries=tuple(replace(query, official=True) for query in queries),
    )


def picture(lines: Sequence[Measured], path: Path) -> None:
    """Draw acc@1 of each way on each task as bars; a handful of questions makes none."""
    from matplotlib.figure import Figure

    lines = [line for line in lines if len(line.figures) >= LEAST_DRAWN]
    tasks = list(dict.fromkeys(line.task for line in lines))
    ways = list(dict.fromkeys(line.way for line in lines))
    figure = Figure(figsize=(1.6 + 1.3 * len(tasks), 4.2), dpi=100, layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(ways)
    for number, way in enumerate(ways):
        places = [tasks.index(line.task) + (number - (len(ways) - 1) / 2) * width for line in lines if line.way == way]
        heights = [float(line.figures[:, 0].mean()) for line in lines if line.way == way]
        axes.bar(places, heights, width=0.9 * width, label=way)
    axes.set_xticks(range(len(tasks)), [task.replace(" ", "\n", 1) for task in tasks], fontsize=8)
    axes.set_ylabel("acc@1, held-out questions")
    axes.grid(axis="y", alpha=0.3)
    axes.legend(frameon=False, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def main() -> None:
    """Print the lines of the chosen tasks and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=LOADERS, default=list(LOADERS))
    parser.add_argument("--train", type=Path, help="folder with encoders that benchmarks.tuning has tuned")
    parser.add_argument("--quick", action="store_true", help="a check in seconds; nothing is kept in the project")
    arguments = parser.parse_args()
    print(f"{'task':<32}     n  {'way':<44} " + "  ".join(METRICS))
    names = ["feedbackqa"] if arguments.quick else arguments.tasks
    rows, lines = measure_all(names, quick=arguments.quick)
    if arguments.train:
        from benchmarks.tuning import measure_tuned

        tuned_rows, tuned_lines = measure_tuned(arguments.train)
        rows, lines = rows + tuned_rows, lines + tuned_lines
    command = "python -m benchmarks.retrieval" + (" --train FOLDER" if arguments.train else "")
    picture(lines, (QUICK if arguments.quick else PICTURES) / "retrieval.png")
    keep("retrieval", rows, command=command, folder=QUICK if arguments.quick else RESULTS)


if __name__ == "__main__":
    main()
