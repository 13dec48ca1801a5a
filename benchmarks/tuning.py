"""Tune the encoder on FeedbackQA's links, as ratings and corrections would, and measure what it then finds.

    python -m benchmarks.tuning FOLDER [--shares half most] [--ratings]       trains; some minutes each
    python -m benchmarks.retrieval --train FOLDER                             measures what lies there

Shares: "half" learns from the dev side of the questions; "most" from four in five; where the set's official test
questions lie beside the others, "all" learns from all others. With --ratings the passages that two people rated well
are links too; --collection WHO takes the smallest of the four collections alone, for a trial in a minute. FeedbackQA
is for measuring: nothing trained here ships.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from adapters.bases import DEFAULT_ENCODER, fingerprint, resolve
from adapters.encoder.adapter import EncoderDelta, load_delta, save_delta
from adapters.encoder.model import SentenceEncoder
from benchmarks import encoders
from benchmarks.retrieval import Cached, Measured, cutter, measure, trained_rows
from benchmarks.table import Row
from benchmarks.tasks import Query, Task, feedbackqa, rows
from bot.config import folders
from knowledge.retrieve import RetrievalMode, RetrievalSettings
from training.links import Link, LinkEpoch, LinkTrainConfig
from training.train_encoder import train_encoder

LEARNS: Final[dict[str, Callable[[Query], bool]]] = {
    "half": lambda query: query.dev,
    "most": lambda query: query.hashed >= 51,
    "all": lambda query: query.dev,
}
GOOD: Final = 2  # "Acceptable"
WAYS: Final = {"hybrid": RetrievalSettings(), "vector": RetrievalSettings(mode=RetrievalMode.VECTOR)}


def links_of(found: Task, learned: Sequence[Query], encoder: Cached, *, ratings: bool) -> list[Link]:
    """Each question with the chunk of its document that is nearest to it: what people would have been shown."""
    chunks: dict[str, list[int]] = {}
    for number, key in enumerate(found.documents):
        chunks.setdefault(key, []).append(number)
    pairs = [(query.text, key) for query in learned for key in sorted(query.relevant)]
    if ratings:
        tested = {query.text for query in found.queries} - {query.text for query in learned}
        pairs += [
            (row["question"], row["doc"])
            for row in rows("feedbackqa/ratings")
            if min(row["scores"]) >= GOOD and row["question"] not in tested and row["doc"] in chunks
        ]
    asked = encoder.encode([text for text, _ in pairs])
    vectors = encoder.encode([piece.embedding_text for piece in found.chunks])
    return [
        Link(question=text, passage=chunks[key][int(np.argmax(vectors[chunks[key]] @ vector))])
        for (text, key), vector in zip(pairs, asked, strict=True)
    ]


def only(found: Task, collection: str) -> Task:
    """One collection with its questions; all for ""."""
    if not collection:
        return found
    places = [place for place, name in enumerate(found.collections) if name == collection]
    return replace(
        found,
        name=f"{found.name}, {collection} alone",
        chunks=tuple(found.chunks[place] for place in places),
        documents=tuple(found.documents[place] for place in places),
        collections=tuple(collection for _ in places),
        queries=tuple(query for query in found.queries if query.collection == collection),
    )


def train(output: Path, share: str, config: LinkTrainConfig, *, ratings: bool, collection: str) -> None:
    """Train on one share and keep the delta."""
    base = resolve(DEFAULT_ENCODER, cache=folders(os.environ).cache)
    encoder = Cached(encoders.load("en"))
    found = only(next(iter(feedbackqa(cutter(encoder.count_tokens)))), collection)
    learned = [query for query in found.queries if LEARNS[share](query)]
    passages = [piece.embedding_text for piece in found.chunks]
    links = links_of(found, learned, encoder, ratings=ratings)
    print(f"{share}: {len(links)} links, {len(passages)} passages, {config}", flush=True)

    name = " ".join(filter(None, (share, "with ratings" if ratings else "", f"of {collection}" if collection else "")))
    now = datetime.now(UTC)

    def tell(epoch: LinkEpoch, delta: Callable[[], EncoderDelta]) -> None:
        if epoch.epoch:  # a run that is cut off leaves what it had
            folder = output / "epochs" / f"{name} {now:%H%M%S} {epoch.epoch}"
            save_delta(delta(), folder, source="benchmarks.tuning", created_at=now)
        print(
            f"epoch {epoch.epoch}: loss {epoch.train_loss:.3f}, dev acc@1 {epoch.dev_accuracy:.3f}, "
            f"dev MRR {epoch.dev_rank:.3f}, {epoch.seconds:.0f} s",
            flush=True,
        )

    done = train_encoder(base, links, passages, config, known=encoder.encode(passages), on_epoch=tell)
    save_delta(done.delta, output / name, source="benchmarks.tuning", created_at=now)
    print(f"{name}: epoch {done.best_epoch} kept, {done.seconds:.0f} s", flush=True)


def measure_tuned(folder: Path) -> tuple[list[Row], list[Measured]]:
    """Measure every tuned encoder in a folder, and the untuned one on the same questions."""
    base = resolve(DEFAULT_ENCODER, cache=folders(os.environ).cache)
    untuned = Cached(encoders.load("en"))
    kept: list[Row] = []
    lines: list[Measured] = []
    for path in sorted(path for path in folder.iterdir() if path.name.split()[0] in LEARNS):
        share = path.name.split()[0]
        tuned = Cached(SentenceEncoder(base, delta=load_delta(path, base=fingerprint(base))))
        collection = path.name.partition(" of ")[2]
        for whole in feedbackqa(cutter(untuned.count_tokens)):
            if collection and not whole.per_collection:
                continue
            found = only(whole, collection)
            queries = [query for query in found.queries if not LEARNS[share](query)]
            links = sum(LEARNS[share](query) for query in found.queries)
            (before,) = measure(found, untuned, {"hybrid": RetrievalSettings()}, queries)
            for line in measure(found, tuned, WAYS, queries, prefix=f"tuned on {path.name} ({links:,} questions), "):
                kept += trained_rows(found.name, line, before)
                # In the picture only what was asked the same questions as the untuned ways.
                lines += [line] if share != "most" and not collection else []
    return kept, lines


def main() -> None:
    """Train on the chosen shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="a folder for the tuned encoders")
    parser.add_argument("--shares", nargs="+", choices=LEARNS, default=["half"])
    parser.add_argument("--ratings", action="store_true")
    parser.add_argument("--collection", default="", help="learn from and among one collection only")
    for field in fields(LinkTrainConfig):
        default = field.default
        if isinstance(default, bool) or not isinstance(default, int | float):
            continue
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(default), default=default)
    arguments = vars(parser.parse_args())
    chosen = {field.name: arguments[field.name] for field in fields(LinkTrainConfig) if field.name in arguments}
    for share in arguments["shares"]:
        train(
            arguments["output"], share, LinkTrainConfig(**chosen),
            ratings=arguments["ratings"], collection=arguments["collection"],
        )  # fmt: skip


if __name__ == "__main__":
    main()
