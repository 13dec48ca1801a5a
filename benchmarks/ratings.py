"""What retrieval learns from ratings alone: FeedbackQA's rated passages, measured on questions that nobody rated.

    python -m benchmarks.ratings [--vectors FILE] [--quick]
    python -m benchmarks.ratings --encoder [--vectors FILE]        the encoder tuned on both sides, and what that costs

1,929 passages, each with what two or three people said of it as an answer to one of 643 questions. Good: a mean of
"Acceptable" or better; bad: below "Could be Improved"; what lies between is left out. Those of the test side are kept
back as in the product. No question's known answer is trained on: these only measure, on the half of the questions on
which nothing was chosen (the defaults of training.retrieval_parts were chosen on the other half). A file given with
--vectors keeps what the encoder made, for the next run.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from numpy.typing import NDArray

from adapters.bases import resolve
from adapters.encoder.model import SentenceEncoder
from adapters.examples import Examples, LinkExample, ShownPassage
from adapters.retrieval.config import Kernel
from adapters.retrieval.model import KnownPassage, LinkMemory, Links, QueryAdapter, RetrievalAdapter
from adapters.retrieval.persist import load
from benchmarks import encoders
from benchmarks.retrieval import Cached, Keeping, cutter, scores, stored
from benchmarks.table import QUICK, RESULTS, Row, keep
from benchmarks.tasks import Query, Task, feedbackqa, rows
from bot.confidence import terms
from bot.config import folders
from bot.learning.scoring import same_answer
from knowledge.advice import AdvisedKnowledge, text_digest
from knowledge.own import OwnVectors
from knowledge.retrieve import KnowledgeBase
from training.feedback_retrieval import train_on_feedback
from training.retrieval_parts import RetrievalTrainConfig
from training.splits import feedback_side, normalised
from training.types import Split

SEED: Final = 20261126
SEEDS: Final = 5
SIZES: Final = (50, 100, 200)  # ratings that a team has
GOOD, BAD = 2.0, 1.0  # mean scores: from "Acceptable" on, and below "Could be Improved"
GOAL: Final = 0.03  # acc@1 above the untrained hybrid
RESAMPLES: Final = 10_000
HOSTILE: Final = 0.2  # of the raters
FORCED: Final = -1e9  # evidence under which every part is kept
REMEMBERED: Final = (200, 5_000)
PLAIN: Final = RetrievalTrainConfig(encoder=False)
SHARE_SECONDS: Final = 100.0  # of the five minutes that a run of 200 ratings may take: three tasks
TEAM: Final = 200  # ratings of a run whose cost is measured
Hits = NDArray[np.float64]  # 1 where the first passage is right, one a question


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The task, its knowledge base, and the questions that measure."""

    task: Task
    base: KnowledgeBase
    encoder: Cached
    queries: tuple[Query, ...]
    weights: Path  # of the encoder


def rated(bench: Bench) -> tuple[LinkExample, ...]:
    """What people said of passages, as links; a document's nearest chunk is what they would have been shown."""
    chunks: dict[str, list[int]] = {}
    for number, key in enumerate(bench.task.documents):
        chunks.setdefault(key, []).append(number)
    made = []
    for number, row in enumerate(rows("feedbackqa/ratings")):
        mean = float(np.mean(row["scores"]))
        if BAD <= mean < GOOD:
            continue
        asked = bench.encoder.encode([row["question"]])[0]
        vectors = bench.encoder.encode([bench.task.chunks[place].embedding_text for place in chunks[row["doc"]]])
        place = chunks[row["doc"]][int(np.argmax(vectors @ asked))]
        made.append(
            LinkExample(
                question=row["question"],
                passage=shown(bench.task, place),
                good=mean >= GOOD,
                weight=1.0,
                ratings=(f"{number}:1",),
            )
        )
    return tuple(made)


def shown(task: Task, place: int) -> ShownPassage:
    """A chunk as somebody saw it."""
    piece = task.chunks[place]
    return ShownPassage(uri=task.documents[place], title=" > ".join(piece.title_path), text=piece.text)


def trained(
    bench: Bench, links: Sequence[LinkExample], config: RetrievalTrainConfig
) -> tuple[RetrievalAdapter, Mapping[str, float]]:
    """Train as the product does; the adapter, and what was measured while it was trained."""
    started = time.process_time()
    with TemporaryDirectory(prefix="burnish-bench-") as folder:
        candidate = train_on_feedback(
            Examples(links=tuple(links)),
            Path(folder) / "retrieval",
            config,
            knowledge=bench.base,
            encoder=bench.encoder,
            terms=terms,
            alike=same_answer,
            source="benchmarks.ratings",
            now=datetime.now(UTC),
            encoder_folder=bench.weights,
        )
        print("  ", {name: round(value, 4) for name, value in candidate.metrics.items()}, f"{candidate.seconds:.0f} s")
        used = time.process_time() - started
        metrics = {**candidate.metrics, "seconds": candidate.seconds, "core seconds": used}
        return load(Path(folder) / "retrieval", encoder=bench.encoder.name), metrics


def hits(bench: Bench, adapter: RetrievalAdapter | None, *, alone: bool, vectors: OwnVectors | None = None) -> Hits:
    """Search for every question; `alone`: in its own collection."""
    base = bench.base if adapter is None else AdvisedKnowledge(bench.base, adapter, vectors)
    found = []
    for query, vector in zip(bench.queries, bench.encoder.encode([q.text for q in bench.queries]), strict=True):
        passages = base.search(query.text, vector, collections=[query.collection] if alone else None, top_k=1)
        found.append(scores([passage.stored.uri for passage in passages], query.relevant)[0])
    return np.array(found)


def gain(before: Hits, after: Hits) -> tuple[float, float, float]:
    """How much more often the first passage is right, with its 95 % interval: paired bootstrap over questions."""
    differences = after - before
    draws = np.random.default_rng(SEED).integers(0, len(differences), (RESAMPLES, len(differences)), dtype=np.int32)
    means = differences[draws].mean(axis=1)
    return float(differences.mean()), float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def row(what: str, before: Hits, after: Hits, *, note: str = "", goal: float | None = None) -> Row:
    """One figure: the gain in acc@1."""
    value, low, high = gain(before, after)
    was, now = float(before.mean()), float(after.mean())
    return Row(
        area="retrieval", what=f"FeedbackQA, learned from ratings alone: {what}, acc@1 gained", figure=value, low=low,
        high=high, n=len(before), seed=SEED, goal=goal, peer="hybrid untrained", peer_figure=was,
        ratio=now / was if was else None, note=note,
    )  # fmt: skip


def whole(bench: Bench, links: Sequence[LinkExample]) -> list[Row]:
    """All ratings: every part alone and together, and as the product keeps them."""
    before = {alone: hits(bench, None, alone=alone) for alone in (False, True)}
    kept_docs = {one.passage.uri for one in links if one.good and feedback_side(one.question) is not Split.TEST}
    again = np.array([bool(query.relevant & kept_docs) for query in bench.queries])
    ways: Mapping[str, RetrievalTrainConfig] = {
        "as the product keeps parts, no encoder tuned": PLAIN,
        "residual on the query (b), kept in any case": replace(PLAIN, memory=False, evidence=FORCED),
        "link memory (a), kept in any case": replace(PLAIN, query=False, memory_evidence=FORCED),
        "(a) and (b), kept in any case": replace(PLAIN, evidence=FORCED, memory_evidence=FORCED),
    }
    found = []
    for way, config in ways.items():
        print(way)
        adapter, metrics = trained(bench, links, config)
        for alone, name in ((False, "pooled"), (True, "per collection")):
            after = hits(bench, adapter, alone=alone)
            found.append(row(f"{way}, {name}", before[alone], after, note=f"{metrics['seconds']:.0f} s of training"))
            if not alone:
                found.append(row(f"{way}, passages rated before", before[alone][again], after[again]))
                found.append(row(f"{way}, other passages", before[alone][~again], after[~again]))
    return found


def encoder_tuned(bench: Bench, links: Sequence[LinkExample]) -> Iterator[list[Row]]:
    """The encoder tuned on both sides, beside what is learned without; and what it costs."""
    before = {alone: hits(bench, None, alone=alone) for alone in (False, True)}
    adapter, metrics = trained(bench, links, RetrievalTrainConfig())
    with _vectors(bench, adapter) as (vectors, costs):
        found = costs
        for alone, name in ((False, "pooled"), (True, "per collection")):
            after = hits(bench, adapter, alone=alone, vectors=vectors)
            note = f"{metrics['seconds']:.0f} s of training"
            what = f"as the product keeps parts, {name}"
            found.append(row(what, before[alone], after, note=note, goal=None if alone else GOAL))
            for country in sorted({query.collection for query in bench.queries}) if alone else ():
                asked = np.array([query.collection == country for query in bench.queries])
                found.append(row(f"{what}, {country} alone", before[True][asked], after[asked]))
    yield found
    plain, metrics = trained(bench, links, PLAIN)
    after = hits(bench, plain, alone=False)
    note = f"{metrics['seconds']:.0f} s of training"
    yield [row("as the product keeps parts, no encoder tuned, pooled", before[False], after, note=note)]
    learnable = [one for one in links if feedback_side(one.question) is not Split.TEST]
    drawn = random.Random(0).sample(learnable, TEAM)  # noqa: S311 - which ratings, nothing secret
    adapter, metrics = trained(bench, drawn, RetrievalTrainConfig())
    seconds = Row(
        area="retrieval", what=f"training retrieval on {TEAM} ratings, encoder tuned", figure=metrics["core seconds"],
        unit="s", n=1, goal=SHARE_SECONDS, at_least=False, note="time of one core; its share of five minutes",
    )  # fmt: skip
    with _vectors(bench, adapter) as (vectors, _):
        after = hits(bench, adapter, alone=False, vectors=vectors)
        kept = "kept" if adapter.tuned is not None else "not kept"
        yield [seconds, row(f"{TEAM} ratings, as the product keeps parts, pooled", before[False], after, note=kept)]


@contextmanager
def _vectors(bench: Bench, adapter: RetrievalAdapter) -> Iterator[tuple[OwnVectors | None, list[Row]]]:
    """A version's own vectors of every chunk, and what they cost; nothing where it has no encoder of its own."""
    if adapter.tuned is None:
        yield None, []
        return
    encoder = SentenceEncoder(bench.weights, delta=adapter.tuned)
    with TemporaryDirectory(prefix="burnish-bench-") as folder:
        file = Path(folder) / "vectors"
        vectors = OwnVectors(bench.base, encoder, file)
        started = time.process_time()
        vectors.follow()
        seconds, chunks = time.process_time() - started, len(vectors)
        again, restarted = OwnVectors(bench.base, encoder, file), time.perf_counter()
        again.follow()
        ready = time.perf_counter() - restarted
        size = file.stat().st_size / 1e6
        note = f"{chunks:,} chunks in {seconds:.0f} s"
        name = "a version's own vectors, per thousand chunks"
        yield vectors, [
            Row(area="retrieval", what=f"{name}: made", figure=1000 * seconds / chunks, unit="s", n=chunks,
                note=f"time of one core, {note}"),
            Row(area="retrieval", what=f"{name}: read again at a start", figure=1000 * ready / chunks, unit="s",
                n=chunks),
            Row(area="retrieval", what=f"{name}: file", figure=1000 * size / chunks, unit="MB", n=chunks,
                note="in memory twice that, and 45 MB for the encoder"),
        ]  # fmt: skip


def hostile(bench: Bench, links: Sequence[LinkExample]) -> list[Row]:
    """A fifth of the raters call passages good that have nothing to do with the question."""
    rng = random.Random(SEED)  # noqa: S311 - which raters, nothing secret
    places = range(len(bench.task.chunks))
    before = hits(bench, None, alone=False)
    found = []
    for name, trust in (("as trusted as the others", 1.0), ("trusted a tenth", 0.1)):
        spoiled = [
            replace(one, passage=shown(bench.task, rng.choice(places)), good=True, weight=trust)
            if rng.random() < HOSTILE
            else one
            for one in links
        ]
        print("hostile", name)
        config = replace(PLAIN, memory=False, evidence=FORCED)
        adapter, _ = trained(bench, spoiled, config)
        after = hits(bench, adapter, alone=False)
        found.append(row(f"(b), a fifth of the links point anywhere, {name}", before, after))
    return found


def small(bench: Bench, links: Sequence[LinkExample]) -> list[Row]:
    """As many ratings as a team has, drawn anew five times; the questions' mean over the draws."""
    before = hits(bench, None, alone=False)
    learnable = [one for one in links if feedback_side(one.question) is not Split.TEST]
    found = []
    for size in SIZES:
        forced, chosen, kept = [], [], 0
        for seed in range(SEEDS):
            drawn = random.Random(seed).sample(learnable, size)  # noqa: S311 - as above
            config = replace(PLAIN, evidence=FORCED, memory=False, seed=seed, least_questions=15)
            adapter, metrics = trained(bench, drawn, config)
            forced.append(hits(bench, adapter, alone=False))
            pays = metrics["query gain"] > RetrievalTrainConfig().evidence * metrics["query error"]
            kept += pays
            chosen.append(forced[-1] if pays else before)
        for way, after in (("(b) in any case", forced), ("(b) where it pays", chosen)):
            note = f"mean of {SEEDS} draws; it paid in {kept}"
            found.append(row(f"{size} ratings, {way}, pooled", before, np.mean(after, axis=0), note=note))
    return found


def latency(bench: Bench) -> list[Row]:
    """One search with remembered links, beside one without, in turns."""
    texts = [query.text for query in bench.task.queries]
    vectors = bench.encoder.encode(texts)
    rng = np.random.default_rng(SEED)
    residual = rng.standard_normal((2, vectors.shape[1], 64)).astype(np.float32) * 0.02
    found = []
    for count in REMEMBERED:
        places = rng.integers(0, len(bench.task.chunks), count)
        unique, numbers = np.unique(places, return_inverse=True)
        mentions = [
            KnownPassage(uri=bench.task.documents[p], digest=text_digest(bench.task.chunks[p].text)) for p in unique
        ]
        links = Links(
            questions=np.arange(count), passages=numbers.astype(np.int64), worth=np.ones(count, dtype=np.float32)
        )
        adapter = RetrievalAdapter(
            encoder=bench.encoder.name,
            mentions=mentions,
            vectors=bench.encoder.encode([bench.task.chunks[p].embedding_text for p in unique]),
            memory=LinkMemory(vectors[:count], links, Kernel(floor=0.8, strength=0.3)),
            query=QueryAdapter(down=residual[0], up=residual[1].T.copy()),
        )
        with_it = AdvisedKnowledge(bench.base, adapter)
        asked = list(zip(texts[-400:], vectors[-400:], strict=True))
        turned = asked[200:] + asked[:200]  # another question each time: words of the last one are still at hand
        times = np.array(
            [
                [_timed(bench.base, *first), _timed(with_it, *second)]
                for _ in range(3)
                for first, second in zip(asked, turned, strict=True)
            ]
        )
        plain, advised = np.median(times, axis=0).tolist()
        found.append(
            Row(
                area="retrieval", what=f"one search with {count:,} remembered links and a residual", figure=advised,
                unit="ms", n=len(times), peer="without", peer_figure=plain, ratio=advised / plain,
                note="the ratio is to be at most 1.10",
            )
        )  # fmt: skip
    return found


def _timed(base: KnowledgeBase | AdvisedKnowledge, text: str, vector: NDArray[np.float32]) -> float:
    started = time.perf_counter()
    base.search(text, vector)
    return 1000 * (time.perf_counter() - started)  # ms


def main() -> None:
    """Train, measure and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=Path, help="a file that keeps what the encoder made (.npz)")
    parser.add_argument("--encoder", action="store_true", help="only the tuned encoder; takes a quarter of an hour")
    parser.add_argument("--quick", action="store_true", help="few questions; nothing is kept in the project")
    arguments = parser.parse_args()
    encoder = Keeping(arguments.vectors)
    task = next(iter(feedbackqa(cutter(encoder.count_tokens))))
    known = {normalised(one["question"]) for one in rows("feedbackqa/ratings")}
    queries = tuple(query for query in task.queries if not query.dev and normalised(query.text) not in known)
    encoder.encode([query.text for query in task.queries])
    with TemporaryDirectory(prefix="burnish-bench-") as folder:
        base = KnowledgeBase.open(stored(task, encoder), encoder, Path(folder))
        bench = Bench(
            task=task,
            base=base,
            encoder=encoder,
            queries=queries[:100] if arguments.quick else queries,
            weights=resolve(encoders.SOURCES["en"], cache=folders(os.environ).cache),
        )
        links = rated(bench)
        encoder.save()
        print(f"{len(links)} links, {len(bench.queries)} questions")
        if arguments.encoder:
            found = []
            for some in encoder_tuned(bench, links):
                found += some
                keep("ratings-encoder", found, command="python -m benchmarks.ratings --encoder")
            return
        found = latency(bench)
        if not arguments.quick:
            found += whole(bench, links) + hostile(bench, links) + small(bench, links)
    keep("ratings", found, command="python -m benchmarks.ratings", folder=QUICK if arguments.quick else RESULTS)


if __name__ == "__main__":
    main()
