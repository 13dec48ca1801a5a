"""Where the vector index should change its form: exact against IVF-SQ8, one thread.

    python -m benchmarks.index [--sizes 10000 50000 100000] [--sentences 12000] [--output FILE]

First on real vectors: sentences of four collections of documents and real questions, through the default encoder.
Then on larger drawn ones: chunks of documents lie in topics within themes, so the vectors are drawn the same way, 384
numbers, themes, topics around them, chunks around those; queries are chunks moved a little, so that the nearest is not
the query itself. The data folder is BURNISH_BENCH_DATA, or ../shared/data beside the project.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import faiss as faiss_untyped
import numpy as np
from numpy.typing import NDArray

from benchmarks import encoders
from benchmarks.tasks import rows as read_rows
from knowledge.chunking import sentences
from knowledge.index import IndexSettings, VectorIndex
from knowledge.types import ChunkIds, Hits, Matrix

faiss: Any = faiss_untyped  # as in knowledge.index

DIMENSION = 384
TOP_K = 10
QUERIES = 200
CHUNKS_PER_TOPIC = 40
TOPICS_PER_THEME = 20
CORPORA = ("feedbackqa/corpus", "squad2_en/passages", "syncthing_docs_en/corpus", "letsencrypt_docs_en_zh/corpus")
SHORTEST = 30  # characters of a sentence; shorter ones are headings and leftovers of markup
CHANGED = 500  # vectors added and deleted: a large document


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table; times in ms unless the name says seconds."""

    vectors: int
    form: str
    build_s: float
    query_ms: float
    p95_ms: float
    recall_at_10: float
    half_ms: float  # half of the ids allowed
    hundredth_ms: float  # one in a hundred allowed
    hundredth_recall: float
    add_ms: float  # CHANGED vectors
    delete_ms: float
    megabytes: float


def clustered(count: int, rng: np.random.Generator) -> Matrix:
    """Draw unit vectors, shape (count, DIMENSION); cosine about .3 in a theme and .6 in a topic."""
    topics = max(1, count // CHUNKS_PER_TOPIC)
    themes = rng.standard_normal((max(1, topics // TOPICS_PER_THEME), DIMENSION))
    centres = themes[rng.integers(len(themes), size=topics)] + rng.standard_normal((topics, DIMENSION))
    points = centres[rng.integers(topics, size=count)] + 1.15 * rng.standard_normal((count, DIMENSION))
    return unit(points.astype(np.float32))


def drawn(count: int, rng: np.random.Generator) -> tuple[Matrix, Matrix]:
    """Draw vectors, CHANGED more than asked for, and queries near to some of them."""
    vectors = clustered(count + CHANGED, rng)
    picked = vectors[rng.choice(count, QUERIES, replace=False)]
    return vectors, unit(picked + 0.6 * unit(rng.standard_normal(picked.shape).astype(np.float32)))


def real(count: int) -> tuple[Matrix, Matrix]:
    """Encode sentences of real documents, CHANGED more than asked for, and real questions; picked by their hash."""
    encoder = encoders.load("en")
    english = (row["text"] for name in CORPORA for row in read_rows(name) if row.get("lang", "en") == "en")
    pieces = {" ".join(piece.split()) for text in english for piece in sentences(text)}
    asked = {row["text"] for row in read_rows("feedbackqa/queries")}
    chosen = by_hash(piece for piece in pieces if len(piece) >= SHORTEST)[: count + CHANGED]
    return encoder.encode(chosen), encoder.encode(by_hash(asked)[:QUERIES])


def by_hash(texts: Iterable[str]) -> list[str]:
    """Put texts into an order that has nothing to do with what they say."""
    return sorted(texts, key=lambda text: hashlib.sha256(text.encode()).digest())


def unit(vectors: Matrix) -> Matrix:
    """Scale rows to length 1."""
    scaled: Matrix = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return scaled


def timed(work: Callable[..., object], *arguments: object) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - started


def one_by_one(
    index: VectorIndex, queries: Matrix, allowed: ChunkIds | None = None
) -> tuple[list[Hits], NDArray[np.float64]]:
    """Search query by query, as a chat does; hits and milliseconds of each."""
    hits: list[Hits] = []
    times: list[float] = []
    for row in queries:
        started = time.perf_counter()
        hits += index.search(row[np.newaxis, :], TOP_K, allowed)
        times.append((time.perf_counter() - started) * 1000)
    return hits, np.array(times)


def recall(found: Sequence[Hits], truth: Sequence[Hits]) -> float:
    """Share of the true nearest that were found."""
    return float(np.mean([np.isin(want.ids, got.ids).mean() for got, want in zip(found, truth, strict=True)]))


def measure(
    vectors: Matrix, queries: Matrix, settings: Sequence[tuple[str, IndexSettings]], rng: np.random.Generator
) -> list[Row]:
    """Build every form over the same vectors, the last CHANGED kept back, and measure it."""
    count = len(vectors) - CHANGED
    extra, vectors = vectors[count:], vectors[:count]
    ids = np.arange(count, dtype=np.int64) * 2 + 1  # gaps, as deletions leave them
    few = np.sort(rng.choice(ids, count // 100, replace=False))
    rows: list[Row] = []
    truth: list[Hits] = []
    truth_few: list[Hits] = []
    for name, chosen in settings:
        index = VectorIndex(DIMENSION, settings=chosen)
        build = timed(index.add, ids, vectors)
        hits, times = one_by_one(index, queries)
        hits_few, times_few = one_by_one(index, queries, few)
        truth, truth_few = truth or hits, truth_few or hits_few  # the first form is the exact one
        fresh = np.arange(CHANGED, dtype=np.int64) * 2 + 2 * count + 1
        rows.append(
            Row(
                vectors=count,
                form=name,
                build_s=build,
                query_ms=float(np.median(times)),
                p95_ms=float(np.percentile(times, 95)),
                recall_at_10=recall(hits, truth),
                half_ms=float(np.median(one_by_one(index, queries, ids[::2])[1])),
                hundredth_ms=float(np.median(times_few)),
                hundredth_recall=recall(hits_few, truth_few),
                add_ms=1000 * timed(index.add, fresh, extra),
                delete_ms=1000 * timed(index.remove, fresh),
                megabytes=size_of(index),
            )
        )
        print(line(rows[-1]), flush=True)
    return rows


def size_of(index: VectorIndex) -> float:
    """Megabytes of the written index."""
    with tempfile.TemporaryDirectory(prefix="burnish-index-") as folder:
        path = Path(folder) / "measured.faiss"
        index.write(path)
        return path.stat().st_size / 1e6


def selectors(count: int, seed: int) -> None:
    """Compare the kinds of access test: time to make one and to search an exact index with it."""
    rng = np.random.default_rng(seed)
    vectors = clustered(count, rng)
    ids = np.arange(count, dtype=np.int64) * 2 + 1
    flat = faiss.IndexIDMap2(faiss.IndexFlatIP(DIMENSION))
    flat.add_with_ids(vectors, ids)
    print(f"\nselectors on {count} vectors, exact; ms to make + to search")
    for share in (0.001, 0.01, 0.1, 0.5, 1.0):
        allowed = np.sort(rng.choice(ids, max(1, int(count * share)), replace=False))
        kinds: dict[str, Callable[[ChunkIds], object]] = {"batch": faiss.IDSelectorBatch, "bitmap": bitmap}
        if share <= 0.01:
            kinds["array"] = faiss.IDSelectorArray
        cells = []
        for name, make in kinds.items():
            makes = np.median([timed(make, allowed) for _ in range(9)])
            params = faiss.SearchParameters(sel=make(allowed))
            search = np.median(
                [timed(partial(flat.search, params=params), row[np.newaxis], TOP_K) for row in vectors[:9]]
            )
            cells.append(f"{name} {makes * 1000:.2f} + {search * 1000:.2f}")
        print(f"  {share:>6.1%} allowed   " + "   ".join(cells))


def bitmap(allowed: ChunkIds) -> object:
    """Make the access test that knowledge.index makes."""
    mask = np.zeros(int(allowed.max()) + 1, dtype=bool)
    mask[allowed] = True
    return faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))


def line(row: Row) -> str:
    """One line of the table."""
    return (
        f"{row.vectors:>8} {row.form:<24} {row.build_s:>7.1f} {row.query_ms:>8.3f} {row.p95_ms:>8.3f} "
        f"{row.recall_at_10:>7.3f} {row.half_ms:>8.2f} {row.hundredth_ms:>8.2f} {row.hundredth_recall:>7.3f} "
        f"{row.add_ms:>8.1f} {row.delete_ms:>8.1f} {row.megabytes:>7.0f}"
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 50_000, 100_000])
    parser.add_argument("--nprobe", type=int, nargs="+", default=[8, 16, 32, 64])
    parser.add_argument("--lists-factor", type=float, nargs="+", default=[4.0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--sentences", type=int, default=12_000, help="real ones to encode; 0 for none")
    parser.add_argument("--output", type=Path, help="write the rows there as JSON")
    arguments = parser.parse_args()
    faiss.omp_set_num_threads(arguments.threads)
    print(f"{DIMENSION} numbers, {QUERIES} queries, top {TOP_K}, {arguments.threads} thread(s), seed {arguments.seed}")
    print(
        f"{'vectors':>8} {'form':<24} {'build s':>7} {'ms':>8} {'p95':>8} {'recall':>7} "
        f"{'1/2 ms':>8} {'1/100 ms':>8} {'recall':>7} {'add500':>8} {'del500':>8} {'MB':>7}"
    )
    forms = [("exact", IndexSettings(exact_limit=10**9))]
    forms += [
        (f"IVF-SQ8 {factor:g}*sqrt nprobe {probe}", IndexSettings(exact_limit=0, nprobe=probe, lists_factor=factor))
        for factor in arguments.lists_factor
        for probe in arguments.nprobe
    ]
    rows: list[Row] = []
    if arguments.sentences:
        rows += measure(*real(arguments.sentences), forms, np.random.default_rng(arguments.seed))
    for size in arguments.sizes:
        rng = np.random.default_rng(arguments.seed)
        rows += measure(*drawn(size, rng), forms, rng)
    selectors(max(arguments.sizes[:3]), arguments.seed)
    if arguments.output:
        arguments.output.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
