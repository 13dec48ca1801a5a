"""How long it takes to take real documentation in, and to find afterwards that nothing has changed.

    python -m benchmarks.ingest [--corpora syncthing tidb] [--pages N]

Writes the pages of two manuals as files, then ingests each folder twice into a fresh SQLite store, with the real
encoder and the program's own classes. The data folder is BENCH_DATA, or ../shared/data beside the project.
Nothing is random.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks import encoders
from benchmarks.tasks import rows
from bot.config import KnowledgeSettings
from bot.store.crypto import Keyring
from bot.store.store import Store
from knowledge.ingest import IngestOutcome, IngestReport, SourceReader, ingest
from knowledge.retrieve import KnowledgeBase
from knowledge.types import DEFAULT_COLLECTION, Encoder


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """A manual among the benchmark data; its pages' ids are file names."""

    data: str
    encoder: str  # language, as in benchmarks.encoders


CORPORA = {
    "syncthing": Corpus(data="syncthing_docs_en/corpus", encoder="en"),
    "tidb": Corpus(data="tidb_docs_zh/corpus", encoder="zh"),
}


def write_pages(corpus: Corpus, folder: Path, pages: int | None) -> int:
    """Write a manual as files; returns how many."""
    read = rows(corpus.data)[:pages]
    for row in read:
        path = folder / row["id"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(row["text"], encoding="utf-8")
    return len(read)


def measure(name: str, pages: int | None) -> None:
    """Ingest one manual twice, and open the search index over it; prints one line."""
    corpus, settings = CORPORA[name], KnowledgeSettings()
    encoder = encoders.load(corpus.encoder)
    encoder.encode(["the first call is slower"])
    reader = SourceReader(
        collection=DEFAULT_COLLECTION,
        count_tokens=encoder.count_tokens,
        target_tokens=settings.chunk_tokens,
        max_tokens=round(1.2 * settings.chunk_tokens),
    )
    with tempfile.TemporaryDirectory(prefix="burnish-ingest-") as temporary:
        home = Path(temporary)
        files = write_pages(corpus, home / "pages", pages)
        with Store.open(f"sqlite:///{home / 'burnish.db'}", Keyring.generate()) as store:
            store.migrate()
            first, second = (take(home, store, encoder, reader) for _ in range(2))
            started = time.perf_counter()
            base = KnowledgeBase.open(store.knowledge, encoder, home / "index")
            base.save()
            opened = time.perf_counter() - started
    print_line(name, files, first, second, opened)


def take(home: Path, store: Store, encoder: Encoder, reader: SourceReader) -> IngestReport:
    """Run one ingest."""
    return ingest(
        [str(home / "pages")], store=store.knowledge, encoder=encoder, reader=reader, lock_file=home / "ingest.lock"
    )


def print_line(name: str, files: int, first: IngestReport, second: IngestReport, opened: float) -> None:
    """Print one line of the table, and what could not be read."""
    rate = first.chunks_encoded / first.seconds
    print(
        f"{name:<10} {files:>5} {first.counts[IngestOutcome.ADDED]:>9} {first.chunks_encoded:>7} "
        f"{first.seconds:>8.1f} {rate:>8.1f} {second.seconds:>12.2f} {second.counts[IngestOutcome.UNCHANGED]:>9} "
        f"{opened:>10.2f}",
        flush=True,
    )
    for row in first.rows:
        if row.outcome is IngestOutcome.PROBLEM:
            print(f"  not read: {Path(row.uri).name}: {row.problems[-1].reason}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", nargs="+", choices=tuple(CORPORA), default=tuple(CORPORA))
    parser.add_argument("--pages", type=int, help="of each manual; all of them without it")
    arguments = parser.parse_args()
    print(f"{torch.get_num_threads()} threads, chunks of about {KnowledgeSettings().chunk_tokens} tokens")
    print(
        f"{'corpus':<10} {'files':>5} {'documents':>9} {'chunks':>7} {'seconds':>8} {'chunks/s':>8} "
        f"{'unchanged, s':>12} {'documents':>9} {'index, s':>10}"
    )
    for name in arguments.corpora:
        measure(name, arguments.pages)


if __name__ == "__main__":
    main()
