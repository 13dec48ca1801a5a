"""How fast and how complete the vector index is, beside raw FAISS on the same index, one thread.

    python -m benchmarks.index [--sizes 10000 100000 1000000] [--nprobe 2 8] [--quick]

Chunks of documents lie in topics within themes, so vectors are drawn the same way: 384 numbers, themes, topics around
them, chunks around those. They are added in batches, as ingest does, and the index changes its form by itself. Queries
are chunks moved a little, so that the nearest is not the query itself. Every query is asked of our index and of the
FAISS index within it, in turn. With --sentences N the same is measured on N sentences of real documents and real
questions, through the default encoder; the data folder is BENCH_DATA, or ../shared/data beside the project.
One million needs 4 GB and some minutes.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import faiss as faiss_untyped
import numpy as np
from numpy.typing import NDArray

from benchmarks.table import PICTURES, QUICK, RESULTS, Row, keep
from benchmarks.tasks import rows as read_rows
from knowledge.index import IndexSettings, VectorIndex
from knowledge.types import ChunkIds, Matrix
from training.metrics import bootstrap_mean

faiss: Any = faiss_untyped  # as in knowledge.index

DIMENSION: Final = 384
TOP_K: Final = 10
QUERIES: Final = 400
ROUNDS: Final = 3  # each query is asked so often; its fastest time counts on either side
CHUNKS_PER_TOPIC: Final = 40
TOPICS_PER_THEME: Final = 20
CORPORA: Final = (
    "feedbackqa/corpus",
    "squad2_en/passages",
    "syncthing_docs_en/corpus",
    "letsencrypt_docs_en_zh/corpus",
)
SHORTEST: Final = 30  # characters of a sentence; shorter ones are headings and leftovers of markup
CHANGED: Final = 500  # vectors added and deleted: a large document
BLOCK: Final = 50_000  # vectors compared at once
GOAL_MS: Final = 2.0  # of the median query of a million
GOAL_RECALL: Final = 0.98
GOAL_RATIO: Final = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One index as measured; times in ms unless the name says seconds."""

    vectors: int
    form: str
    build_s: float
    ours: NDArray[np.float64]  # of each query
    raw: NDArray[np.float64]
    recalls: NDArray[np.float64]  # share of the true nearest found, of each query
    hundredth_ms: float  # median with one in a hundred allowed
    hundredth_recall: float
    add_ms: float  # CHANGED vectors
    delete_ms: float
    file_mb: float
    memory_mb: float  # what the process grew by while it was built


def clustered(count: int, rng: np.random.Generator) -> Matrix:
    """Draw unit vectors, shape (count, DIMENSION); cosine about .3 in a theme and .6 in a topic."""
    topics = max(1, count // CHUNKS_PER_TOPIC)
    themes = rng.standard_normal((max(1, topics // TOPICS_PER_THEME), DIMENSION), dtype=np.float32)
    centres = themes[rng.integers(len(themes), size=topics)]
    centres += rng.standard_normal((topics, DIMENSION), dtype=np.float32)
    points = np.empty((count, DIMENSION), dtype=np.float32)
    for start in range(0, count, BLOCK):
        part = points[start : start + BLOCK]
        part[:] = 1.15 * rng.standard_normal(part.shape, dtype=np.float32)
        part += centres[rng.integers(topics, size=len(part))]
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return points


def drawn(count: int, rng: np.random.Generator) -> tuple[Matrix, Matrix]:
    """Draw vectors, CHANGED more than asked for, and queries near to some of them."""
    vectors = clustered(count + CHANGED, rng)
    picked = vectors[rng.choice(count, min(QUERIES, count), replace=False)]
    return vectors, unit(picked + 0.6 * unit(rng.standard_normal(picked.shape).astype(np.float32)))


def real(count: int) -> tuple[Matrix, Matrix]:
    """Encode sentences of real documents, CHANGED more than asked for, and real questions; picked by their hash."""
    from benchmarks import encoders
    from knowledge.chunking import sentences

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


def nearest(vectors: Matrix, ids: ChunkIds, queries: Matrix) -> ChunkIds:
    """The true nearest of each query, shape (queries, TOP_K), block by block."""
    best = np.full((len(queries), TOP_K), -np.inf, dtype=np.float32)
    names = np.zeros((len(queries), TOP_K), dtype=np.int64)
    for start in range(0, len(vectors), BLOCK):
        scores = queries @ vectors[start : start + BLOCK].T
        places = np.argpartition(-scores, min(TOP_K, scores.shape[1]) - 1, axis=1)[:, :TOP_K]
        best = np.concatenate([best, np.take_along_axis(scores, places, axis=1)], axis=1)
        names = np.concatenate([names, ids[start + places]], axis=1)
        order = np.argsort(-best, axis=1)[:, :TOP_K]
        best, names = np.take_along_axis(best, order, axis=1), np.take_along_axis(names, order, axis=1)
    return names


def in_turn(
    index: VectorIndex,
    raw: Any,  # noqa: ANN401 - faiss ships no types
    queries: Matrix,
    nprobe: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[ChunkIds]]:
    """Ask both query by query, as a chat does; milliseconds of ours and of FAISS, and our hits."""
    ours, theirs = np.full((2, len(queries)), np.inf)
    hits: list[ChunkIds] = []
    inverted = hasattr(raw, "nlist")
    for turn in range(ROUNDS):
        for place, query in enumerate(queries):
            row = query[np.newaxis, :]
            params = faiss.SearchParametersIVF(nprobe=min(nprobe, raw.nlist)) if inverted else None
            for us in (True, False) if (place + turn) % 2 else (False, True):
                started = time.perf_counter()
                if us:
                    found = index.search(row, TOP_K)[0].ids
                else:
                    raw.search(row, TOP_K, params=params)
                spent = 1000 * (time.perf_counter() - started)
                times = ours if us else theirs
                times[place] = min(times[place], spent)
            if turn == 0:
                hits.append(found)
    return ours, theirs, hits


def recalls(truth: ChunkIds, hits: Sequence[ChunkIds]) -> NDArray[np.float64]:
    """Share of the true nearest that were found, of each query."""
    return np.array([np.isin(want, got).mean() for want, got in zip(truth, hits, strict=True)])


def resident_mb() -> float:
    """Memory of this process; 0 where the system does not tell."""
    status = Path("/proc/self/statm")
    return int(status.read_text(encoding="ascii").split()[1]) * 4096 / 1e6 if status.exists() else 0.0


def measure(
    vectors: Matrix, queries: Matrix, settings: IndexSettings, probes: Sequence[int], rng: np.random.Generator
) -> list[Line]:
    """Build an index of all vectors but the last CHANGED, and measure it; an inverted one also with other probes."""
    count = len(vectors) - CHANGED
    extra, vectors = vectors[count:], vectors[:count]
    ids = np.arange(count, dtype=np.int64) * 2 + 1  # gaps, as deletions leave them
    few = np.sort(rng.choice(count, max(TOP_K, count // 100), replace=False))
    index = VectorIndex(DIMENSION, settings=settings, originals=lambda wanted: read(vectors, wanted))
    before = resident_mb()
    build = sum(timed(index.add, ids[at : at + BLOCK], vectors[at : at + BLOCK]) for at in range(0, count, BLOCK))
    memory = resident_mb() - before
    truth = nearest(vectors, ids, queries)
    some = queries[:100]
    truth_few = nearest(vectors[few], ids[few], some)
    lines: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="burnish-index-") as folder:
        path = Path(folder) / "measured.faiss"
        index.write(path)
        for nprobe in (settings.nprobe, *(() if index.exact else probes)):
            tried = index
            if nprobe != settings.nprobe:
                tried = VectorIndex.read(path, settings=replace(settings, nprobe=nprobe))
            raw = tried._faiss  # noqa: SLF001 - the same index in the same memory, not a copy of it
            ours, theirs, hits = in_turn(tried, raw, queries, nprobe)
            hits_few, times = one_by_one(tried, some, ids[few])
            fresh = np.arange(CHANGED, dtype=np.int64) * 2 + 2 * count + 1
            lines.append(
                Line(
                    vectors=count,
                    form="exact" if index.exact else f"inverted, nprobe {nprobe}",
                    build_s=build,
                    ours=ours,
                    raw=theirs,
                    recalls=recalls(truth, hits),
                    hundredth_ms=float(np.median(times)),
                    hundredth_recall=float(recalls(truth_few, hits_few).mean()),
                    add_ms=1000 * timed(tried.add, fresh, extra),
                    delete_ms=1000 * timed(tried.remove, fresh),
                    file_mb=path.stat().st_size / 1e6,
                    memory_mb=memory,
                )
            )
            show(lines[-1])
    return lines


def read(vectors: Matrix, wanted: Sequence[int]) -> tuple[ChunkIds, Matrix]:
    """Read vectors by id, as the store does."""
    ids = np.array(wanted, dtype=np.int64)
    return ids, vectors[(ids - 1) // 2]


def one_by_one(index: VectorIndex, queries: Matrix, allowed: ChunkIds) -> tuple[list[ChunkIds], NDArray[np.float64]]:
    """Ask query by query with access restricted; hits and milliseconds."""
    hits, times = list[ChunkIds](), list[float]()
    for query in queries:
        started = time.perf_counter()
        hits.append(index.search(query[np.newaxis, :], TOP_K, allowed)[0].ids)
        times.append(1000 * (time.perf_counter() - started))
    return hits, np.array(times)


HEAD: Final = (
    f"{'vectors':>8} {'form':<22} {'build s':>7} {'p50 ms':>7} {'p95 ms':>7} {'FAISS':>7} {'ratio':>6} {'recall':>6} "
    f"{'1/100 ms':>8} {'recall':>6} {'add500':>7} {'del500':>7} {'file MB':>7} {'MB':>6}"
)


def show(line: Line) -> None:
    """Print one line of the table."""
    p50, p95, raw = np.median(line.ours), np.percentile(line.ours, 95), np.median(line.raw)
    print(
        f"{line.vectors:>8} {line.form:<22} {line.build_s:>7.1f} {p50:>7.3f} {p95:>7.3f} {raw:>7.3f} {p50 / raw:>6.3f} "
        f"{line.recalls.mean():>6.4f} {line.hundredth_ms:>8.2f} {line.hundredth_recall:>6.3f} {line.add_ms:>7.1f} "
        f"{line.delete_ms:>7.1f} {line.file_mb:>7.0f} {line.memory_mb:>6.0f}",
        flush=True,
    )


def rows_of(line: Line, seed: int) -> list[Row]:
    """The figures of one index for the table."""
    rng = np.random.default_rng(seed)
    name, queries, million = f"{line.vectors:,} chunks, {line.form}", len(line.ours), line.vectors >= 1_000_000
    p50, raw = float(np.median(line.ours)), float(np.median(line.raw))
    found = bootstrap_mean(line.recalls, rng)
    return [
        Row(
            area="index", what=f"{name}: median query", figure=p50, unit="ms", goal=GOAL_MS if million else None,
            at_least=False, n=queries, seed=seed, peer="FAISS, same index", peer_figure=raw, ratio=p50 / raw,
        ),
        Row(
            area="index", what=f"{name}: our time against FAISS", figure=p50 / raw, unit="x", goal=GOAL_RATIO,
            at_least=False, n=queries, seed=seed,
        ),
        Row(
            area="index", what=f"{name}: 95th percentile", figure=float(np.percentile(line.ours, 95)), unit="ms",
            n=queries, seed=seed, peer="FAISS, same index", peer_figure=float(np.percentile(line.raw, 95)),
        ),
        Row(
            area="index", what=f"{name}: recall@10 against exact", figure=found.value, low=found.low, high=found.high,
            goal=GOAL_RECALL, n=queries, seed=seed,
        ),
        Row(area="index", what=f"{name}: build", figure=line.build_s, unit="s", seed=seed),
        Row(area="index", what=f"{name}: add {CHANGED}", figure=line.add_ms, unit="ms", seed=seed),
        Row(area="index", what=f"{name}: delete {CHANGED}", figure=line.delete_ms, unit="ms", seed=seed),
        Row(area="index", what=f"{name}: memory", figure=line.memory_mb, unit="MB", seed=seed),
        Row(
            area="index", what=f"{name}: median query with 1 % of the chunks allowed", figure=line.hundredth_ms,
            unit="ms", seed=seed, note=f"recall@10 {line.hundredth_recall:.3f}",
        ),
    ]  # fmt: skip


def picture(lines: Sequence[Line], path: Path) -> None:
    """Draw recall over latency, one curve for each size."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 4.0), dpi=110)
    for count in sorted({line.vectors for line in lines}):
        points = sorted(
            (float(np.median(line.ours)), float(line.recalls.mean())) for line in lines if line.vectors == count
        )
        axes.plot(*zip(*points, strict=True), marker="o", label=f"{count:,} chunks")
    axes.set_xscale("log")
    axes.set_xlabel("median query, ms, one thread")
    axes.set_ylabel("recall@10 against exact")
    axes.set_ylim(min(0.95, *(float(line.recalls.mean()) for line in lines)) - 0.01, 1.005)
    axes.axhline(GOAL_RECALL, linestyle=":", color="grey", linewidth=1)
    axes.axvline(GOAL_MS, linestyle=":", color="grey", linewidth=1)
    axes.legend(frameon=False)
    axes.grid(alpha=0.2)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    plt.close(figure)


def main() -> None:
    """Print the table and keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument(
        "--nprobe", type=int, nargs="*", default=[2, 8], help="other numbers of lists read, for the curve"
    )
    parser.add_argument("--exact-limit", type=int, default=IndexSettings().exact_limit)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--sentences", type=int, default=0, help="real ones to encode; 0 for none")
    parser.add_argument("--quick", action="store_true", help="a check in seconds; nothing is kept in the project")
    arguments = parser.parse_args()
    faiss.omp_set_num_threads(arguments.threads)
    sizes, limit = ([2_000, 8_000], 5_000) if arguments.quick else (arguments.sizes, arguments.exact_limit)
    default = IndexSettings(exact_limit=limit)
    print(f"{DIMENSION} numbers, top {TOP_K}, {arguments.threads} thread(s), seed {arguments.seed}\n{HEAD}")
    kept: list[Row] = []
    lines: list[Line] = []
    if arguments.sentences:
        measure(*real(arguments.sentences), default, arguments.nprobe, np.random.default_rng(arguments.seed))
    for size in sizes:
        rng = np.random.default_rng(arguments.seed)
        found = measure(*drawn(size, rng), default, arguments.nprobe, rng)
        kept += rows_of(found[0], arguments.seed)
        lines += found
    picture(lines, (QUICK if arguments.quick else PICTURES) / "index-latency.png")
    keep("index", kept, command="python -m benchmarks.index", folder=QUICK if arguments.quick else RESULTS)


if __name__ == "__main__":
    main()
