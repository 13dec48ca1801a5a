"""A version's own vectors: made once, following the documents, made again where their file is torn, never mixed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from knowledge import own
from knowledge.advice import AdvisedKnowledge
from knowledge.own import FILE, OwnVectors
from knowledge.retrieve import Fusion, KnowledgeBase, RetrievalMode, RetrievalSettings
from knowledge.testing import MemoryStore, WordEncoder, chunk, document
from knowledge.types import Matrix, Vector

PATIENCE = 20.0  # seconds until what a thread does must be done
REFUND, INVOICE, SECRET = "refund reaches the bank", "invoice comes by mail", "salaries are paid on the last day"
SLANG = {"moolah": "refund", "papers": "invoice", "wages": "salaries"}


class Tuned:
    """Reads this team's words as what they stand for; its vectors are not those of the plain encoder."""

    def __init__(self, name: str = "tuned") -> None:
        self.name = name
        self.read: list[str] = []
        self.gate: Event | None = None  # holds encoding of documents up
        self.meanwhile: Callable[[], None] | None = None  # happens once while documents are encoded
        self._plain = WordEncoder()
        self._turn = np.random.default_rng(7).permutation(self._plain.dimension)

    @property
    def dimension(self) -> int:
        return self._plain.dimension

    def reads(self, text: str) -> bool:
        return self._plain.reads(text)

    def encode(self, texts: Sequence[str]) -> Matrix:
        if self.gate is not None and any("\n" in text for text in texts):
            assert self.gate.wait(PATIENCE)
        if self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            happens()
        self.read += [text for text in texts if "\n" in text]
        words = [" ".join(SLANG.get(word, word) for word in text.split()) for text in texts]
        return self._plain.encode(words)[:, self._turn]


class Silent:
    """Advice that says nothing."""

    mentions: Sequence[object] = ()
    vectors = np.zeros((0, WordEncoder().dimension), dtype=np.float32)

    def aim(self, vector: Vector) -> Vector:
        return vector

    def changes(self, _vector: Vector) -> dict[int, float]:
        return {}


class World:
    """A store with a knowledge base, and a version's own vectors of it."""

    def __init__(self, folder: Path, settings: RetrievalSettings | None = None) -> None:
        self.store, self.plain = MemoryStore(), WordEncoder()
        self.file = folder / FILE
        self.put("/a.md", REFUND)
        self.put("/b.md", INVOICE)
        self.put("/c.md", SECRET, collection="staff")
        self.base = KnowledgeBase.open(self.store, self.plain, folder / "index", settings)
        self.made: list[OwnVectors] = []

    def put(self, uri: str, *texts: str, collection: str = "default") -> int:
        pieces = [chunk(text, ordinal=number, title="") for number, text in enumerate(texts)]
        vectors = self.plain.encode([piece.embedding_text for piece in pieces])
        to = document(uri, collection=collection)
        return self.store.replace_document(to, pieces, vectors, encoder=self.plain.name)

    def own(self, encoder: Tuned, *, follow: bool = True) -> OwnVectors:
        self.made.append(OwnVectors(self.base, encoder, self.file))
        if follow:
            assert self.made[-1].follow()
        return self.made[-1]

    def found(self, vectors: OwnVectors | None, text: str, *seen: str) -> list[str]:
        knowledge = AdvisedKnowledge(self.base, Silent(), vectors)  # type: ignore[arg-type]  # it has no mention at all
        knowledge.refresh()
        passages = knowledge.search(text, self.plain.encode([text])[0], collections=list(seen) or None, top_k=3)
        return [passage.stored.chunk.text for passage in passages]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    for vectors in made.made:
        vectors.close()


def wait_until_all_are_there(vectors: OwnVectors) -> None:
    deadline = time.monotonic() + PATIENCE
    while vectors.missing:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("mode", [RetrievalMode.HYBRID, RetrievalMode.VECTOR])
@pytest.mark.parametrize("fusion", list(Fusion))
def test_what_is_near_to_the_tuned_encoder_comes_first(tmp_path: Path, mode: RetrievalMode, fusion: Fusion) -> None:
    world = World(tmp_path, RetrievalSettings(mode=mode, fusion=fusion))
    vectors = world.own(Tuned())
    assert world.found(vectors, "papers please")[0] == INVOICE
    assert world.found(vectors, "moolah please")[0] == REFUND


def test_similarities_are_given_as_the_plain_encoder_has_them(world: World) -> None:
    vectors = world.own(Tuned())
    knowledge = AdvisedKnowledge(world.base, Silent(), vectors)  # type: ignore[arg-type]  # as above
    asked = world.plain.encode(["papers please"])[0]
    plain = {one.stored.id: one.similarity for one in world.base.search("papers please", asked)}
    tuned = {one.stored.id: one.similarity for one in knowledge.search("papers please", asked)}
    assert tuned == pytest.approx(plain)


def test_nobody_finds_what_is_not_for_them(world: World) -> None:
    vectors = world.own(Tuned())
    assert SECRET not in world.found(vectors, "wages", "default")
    assert world.found(vectors, "wages", "staff") == [SECRET]
    world.put("/d.md", "wages rise in spring", collection="staff")
    vectors.close()
    assert sorted(world.found(vectors, "wages rise", "default")) == [INVOICE, REFUND]


def test_a_second_start_encodes_nothing_again(world: World) -> None:
    first = world.own(Tuned())
    again = Tuned()
    second = world.own(again)
    assert again.read == []
    assert world.found(second, "papers please") == world.found(first, "papers please")


def test_only_what_is_new_is_encoded_and_what_is_gone_is_dropped(world: World) -> None:
    encoder = Tuned()
    vectors = world.own(encoder)
    encoder.read.clear()
    world.put("/a.md", "moolah comes on friday")
    world.base.refresh()
    assert vectors.follow()
    assert encoder.read == ["\nmoolah comes on friday"]
    assert len(vectors) == 3
    assert REFUND not in world.found(vectors, "moolah")


def test_nothing_is_kept_of_what_was_taken_out(world: World) -> None:
    vectors = world.own(Tuned())
    secret = hashlib.sha256(f"\n{SECRET}".encode()).digest()
    assert secret in world.file.read_bytes()
    world.store.remove_document(3)
    world.base.refresh()
    assert vectors.follow()
    assert secret not in world.file.read_bytes()


def test_a_document_that_moves_is_not_encoded_again(world: World) -> None:
    encoder = Tuned()
    vectors = world.own(encoder)
    encoder.read.clear()
    world.put("/elsewhere.md", INVOICE)
    world.base.refresh()
    assert vectors.follow()
    assert encoder.read == []


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "gone", "another encoder's"])
def test_a_torn_file_is_made_again(world: World, damage: str) -> None:
    world.own(Tuned("other" if damage == "another encoder's" else "tuned"))
    whole = world.file.read_bytes()
    middle = len(whole) // 2
    contents = {
        "cut": whole[:middle],
        "flipped": whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :],
        "empty": b"",
        "another encoder's": whole,
    }
    if damage == "gone":
        world.file.unlink()
    else:
        world.file.write_bytes(contents[damage])
    encoder = Tuned()
    vectors = world.own(encoder)
    assert len(encoder.read) == 3
    assert world.found(vectors, "papers please")[0] == INVOICE
    last = Tuned()
    world.own(last)
    assert last.read == []


def test_what_was_encoded_before_a_stop_is_not_encoded_again(world: World) -> None:
    for number in range(40):
        world.put(f"/{number}.md", f"page {number}")
    world.base.refresh()
    first = Tuned()
    looks = iter([False, False, True])
    assert not world.own(first, follow=False).follow(stop=lambda: next(looks))
    assert len(first.read) == 2 * own.TOGETHER
    second = Tuned()
    world.own(second)
    assert not set(first.read) & set(second.read)
    assert len({*first.read, *second.read}) == 43


def test_where_too_much_is_missing_nothing_is_encoded(world: World) -> None:
    encoder = Tuned()
    vectors = world.own(encoder, follow=False)
    assert not vectors.follow(most=2)
    assert (encoder.read, vectors.missing) == ([], 3)
    assert vectors.follow(most=3)
    assert vectors.missing == 0


def test_what_is_new_is_found_at_once_by_the_plain_vectors_and_soon_by_its_own(world: World) -> None:
    encoder = Tuned()
    vectors = world.own(encoder)
    encoder.gate = Event()
    world.put("/new.md", "wages rise in spring")
    assert world.found(vectors, "wages rise")[0] == "wages rise in spring"
    assert vectors.missing == 1, "a search waits for no document to be encoded"
    assert world.found(vectors, "papers please")[0] == INVOICE, "the others are searched as before"
    encoder.gate.set()
    wait_until_all_are_there(vectors)
    assert world.found(vectors, "salaries rise")[0] == "wages rise in spring"


def test_changes_that_come_while_a_thread_encodes_are_seen_too(world: World) -> None:
    encoder = Tuned()
    vectors = world.own(encoder)
    encoder.gate = Event()
    for number in range(30):
        world.put(f"/{number}.md", f"page {number}")
        world.found(vectors, "page")
    encoder.gate.set()
    wait_until_all_are_there(vectors)
    assert len(vectors) == 33


def test_what_comes_while_everything_else_is_encoded_is_not_forgotten(world: World) -> None:
    encoder = Tuned()
    vectors = world.own(encoder, follow=False)

    def meanwhile() -> None:
        world.put("/late.md", "late")
        world.base.refresh()

    encoder.meanwhile = meanwhile
    vectors.follow()
    assert vectors.missing == 1
    assert world.found(vectors, "late")[0] == "late"
    wait_until_all_are_there(vectors)


def test_a_version_that_was_pruned_gets_no_folder_again(world: World, tmp_path: Path) -> None:
    vectors = OwnVectors(world.base, Tuned(), tmp_path / "pruned" / FILE)
    assert vectors.follow()
    assert not (tmp_path / "pruned").exists()


def test_closing_waits_for_no_more_than_the_batch_that_is_encoded(world: World) -> None:
    encoder = Tuned()
    vectors = world.own(encoder)
    encoder.read.clear()
    encoder.gate = Event()
    for number in range(100):
        world.put(f"/{number}.md", f"page {number}")
    world.found(vectors, "page")
    closing = Thread(target=vectors.close)
    closing.start()
    encoder.gate.set()
    closing.join(PATIENCE)
    assert not closing.is_alive()
    assert len(encoder.read) <= own.TOGETHER
    world.put("/late.md", "late")
    assert world.found(vectors, "late")[0] == "late"


def test_a_full_disk_costs_only_the_next_start(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.file.with_name(f"{FILE}.partial").mkdir()
    vectors = world.own(Tuned())
    assert world.found(vectors, "papers please")[0] == INVOICE
    assert not world.file.exists()
    assert "own vectors not kept" in caplog.text
