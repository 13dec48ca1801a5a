from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest

from adapters.testing import FakeEncoder
from bot.store.check import check
from bot.store.crypto import Keyring
from bot.store.store import Store
from knowledge.ingest import COMMIT_CHUNKS, IngestReport, SourceReader, ingest
from knowledge.types import Chunk, Found, KnowledgeStore
from tests.stores import keyring

__all__ = ["keyring"]

State: TypeAlias = dict[str, tuple[str, tuple[Chunk, ...]]]  # uri to digest and chunks

ENCODER = FakeEncoder(dimension=32)
READER = SourceReader(collection="default", count_tokens=ENCODER.count_tokens)
CHILD = """
import sys
from pathlib import Path
from bot.store.crypto import Keyring
from bot.store.store import Store
from tests.integration.knowledge.test_kill_ingest import take

with Store.open(sys.argv[1], Keyring.parse(sys.argv[2], origin="argv")) as store:
    print("ready", flush=True)
    take(store.knowledge, Path(sys.argv[3]), progress=lambda *step: print(*step, flush=True))
"""


def take(
    store: KnowledgeStore, folder: Path, *, progress: Callable[[int, int, str], None] | None = None
) -> IngestReport:
    """Run the real ingest."""
    lock_file = folder.with_name("ingest.lock")
    return ingest([str(folder)], store=store, encoder=ENCODER, reader=READER, lock_file=lock_file, progress=progress)


def write_edition(folder: Path, edition: int, rng: random.Random) -> None:
    """Write documents anew: some changed and of another length, some gone, some new, some as before."""
    folder.mkdir(exist_ok=True)
    for number in range(24):
        path = folder / f"{number}.csv"
        if rng.random() < 0.15:
            path.unlink(missing_ok=True)
        elif rng.random() < 0.8 or not path.exists():
            rows = (f"Question {row} of {number} in {edition}?,Answer {row}.\n" for row in range(rng.randint(20, 60)))
            path.write_text("question,answer\n" + "".join(rows))


def wanted(folder: Path) -> State:
    """What the store should hold of the folder in the end."""
    state: State = {}
    for found in READER.discover(str(folder)):
        assert isinstance(found, Found)
        document = READER.parse(found).document
        assert document is not None
        state[found.uri] = (found.digest, READER.chunk(document))
    return state


def held(store: KnowledgeStore) -> State:
    """What the store holds; every document's count of chunks and every vector is right."""
    chunks: dict[int, list[Chunk]] = {}
    for stored in store.load_chunks():
        chunks.setdefault(stored.document_id, []).append(stored.chunk)
    documents = store.documents()
    assert {one.id: one.chunks for one in documents} == {key: len(pieces) for key, pieces in chunks.items()}
    everything = list(store.load_chunks())
    vectors = store.load_vectors([stored.id for stored in everything])[1]
    expected = ENCODER.encode([stored.chunk.embedding_text for stored in everything])
    np.testing.assert_array_equal(vectors.reshape(expected.shape), expected)
    return {one.uri: (one.digest, tuple(chunks[one.id])) for one in documents}


def ingest_until_killed(store_file: Path, keyring: Keyring, folder: Path, *, steps: int, seconds: float) -> None:
    """Start an ingest in a process of its own and kill it after some steps of its progress and some milliseconds."""
    command = [sys.executable, "-c", CHILD, str(store_file), keyring.dump(), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for _ in range(steps):
            process.stdout.readline()
        time.sleep(seconds)
        process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("kills", [8, pytest.param(20, marks=pytest.mark.long)])
def test_an_ingest_killed_at_any_instant_leaves_each_document_old_or_new_and_the_next_run_does_the_rest(
    tmp_path: Path, keyring: Keyring, kills: int
) -> None:
    store_file, folder = tmp_path / "store.sqlite3", tmp_path / "pages"
    rng = random.Random(20261124)  # noqa: S311 - instants to kill at, not a secret
    halfway = 0
    with Store.open(str(store_file), keyring) as store:
        store.migrate()
        before: State = {}
        for edition in range(kills):
            write_edition(folder, edition, rng)
            new = wanted(folder)
            steps = rng.randint(0, 2 * len(new))  # about as many as a whole run has
            ingest_until_killed(store_file, keyring, folder, steps=steps, seconds=rng.uniform(0, 0.02))
            after = held(store.knowledge)
            for uri in before.keys() | new.keys() | after.keys():
                assert after.get(uri) in (before.get(uri), new.get(uri)), f"edition {edition}: {uri}"
            halfway += after not in (before, new)
            before = after
        assert halfway >= 2, "the kills came too early or too late to show anything"
        assert check(store) == ()
        take(store.knowledge, folder)
        assert held(store.knowledge) == wanted(folder)
        assert sum(len(chunks) for _, chunks in wanted(folder).values()) > COMMIT_CHUNKS
        assert check(store) == ()
        finished = held(store.knowledge)
    with Store.open(str(tmp_path / "clean.sqlite3"), keyring) as clean:
        clean.migrate()
        take(clean.knowledge, folder)
        assert held(clean.knowledge) == finished
