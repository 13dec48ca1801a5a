from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from bot.store.crypto import Keyring
from bot.store.store import Store
from knowledge.errors import KnowledgeError
from knowledge.index import DimensionMismatchError, IndexSettings
from knowledge.retrieve import Fusion, KnowledgeBase, RetrievalMode, RetrievalSettings
from knowledge.testing import MemoryStore, WordEncoder, chunk, document
from knowledge.types import ChunkIds, KnowledgeStore, Matrix, Passage
from tests.stores import keyring

__all__ = ["keyring"]

TOPICS = (
    "refund",
    "invoice",
    "password",
    "delivery",
    "account",
    "voucher",
    "contract",
    "holiday",
    "warranty",
    "parking",
)


@pytest.fixture
def store_file(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite3"


@pytest.fixture
def store(store_file: Path, keyring: Keyring) -> Iterator[KnowledgeStore]:
    with Store.open(str(store_file), keyring) as opened:
        opened.migrate()
        yield opened.knowledge


@pytest.fixture
def encoder() -> WordEncoder:
    return WordEncoder()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


class WatchedStore(MemoryStore):
    """Counts the expensive readings."""

    vectors_read = 0
    listings = 0

    def load_vectors(self, ids: Sequence[int]) -> tuple[ChunkIds, Matrix]:
        self.vectors_read += len(ids)
        return super().load_vectors(ids)

    def chunk_ids(self) -> tuple[tuple[int, str], ...]:
        self.listings += 1
        return super().chunk_ids()


def put(
    store: KnowledgeStore, uri: str, *texts: str, encoder: WordEncoder, collection: str = "default", question: str = ""
) -> int:
    pieces = [chunk(text, ordinal=number, title="", question=question) for number, text in enumerate(texts)]
    vectors = encoder.encode([piece.embedding_text for piece in pieces])
    return store.replace_document(document(uri, collection=collection), pieces, vectors, encoder=encoder.name)


def fill(store: KnowledgeStore, encoder: WordEncoder) -> None:
    for topic in TOPICS:
        put(store, f"/{topic}", f"About the {topic}.", f"More on each {topic} and its rules.", encoder=encoder)


def search(base: KnowledgeBase, text: str, **chosen: object) -> tuple[Passage, ...]:
    return base.search(text, WordEncoder().encode([text])[0], **chosen)  # type: ignore[arg-type]  # passed on as they are


def texts(passages: Sequence[Passage]) -> list[str]:
    return [passage.stored.chunk.text for passage in passages]


def results(base: KnowledgeBase) -> list[tuple[int, float, float, float]]:
    return [
        (passage.stored.id, round(passage.similarity, 5), round(passage.lexical, 5), passage.fused)
        for topic in TOPICS
        for passage in search(base, f"rules for the {topic}", top_k=4)
    ]


def test_hybrid_finds_what_either_side_finds_and_gives_every_score(
    store: KnowledgeStore, encoder: WordEncoder, folder: Path
) -> None:
    fill(store, encoder)
    put(store, "/zebra", "A zebra crossing.", encoder=encoder)
    vector = encoder.encode(["About the refund."])[0]
    found = {
        mode: KnowledgeBase.open(
            store, encoder, folder, RetrievalSettings(mode=mode, fusion=Fusion.PLACES, rrf_k=10)
        ).search("zebra", vector, top_k=2)
        for mode in RetrievalMode
    }
    assert texts(found[RetrievalMode.VECTOR])[0] == "About the refund."
    assert texts(found[RetrievalMode.LEXICAL]) == ["A zebra crossing."]
    assert texts(found[RetrievalMode.HYBRID]) == ["A zebra crossing.", "About the refund."]
    zebra, refund = found[RetrievalMode.HYBRID]
    cosine = float(vector @ encoder.encode([zebra.stored.chunk.embedding_text])[0])
    assert zebra.similarity == pytest.approx(cosine, abs=1e-6)
    assert zebra.lexical > 0 == refund.lexical
    assert refund.similarity > 0.9
    assert zebra.fused > refund.fused == pytest.approx(1 / 11)
    assert [zebra.rank, refund.rank] == [1, 2]


def test_by_scores_a_passage_with_the_words_and_the_title_comes_before_its_equals_in_meaning(
    store: KnowledgeStore, encoder: WordEncoder, folder: Path
) -> None:
    vector = encoder.encode(["nothing in common"])[0]
    for title, text in (("Zebra", "The animal."), ("Lions", "Not a zebra."), ("Lions", "Another animal.")):
        piece = [chunk(text, title=title)]
        store.replace_document(document(f"/{text}"), piece, vector[np.newaxis], encoder=encoder.name)
    found = KnowledgeBase.open(store, encoder, folder).search("zebra", vector)
    assert texts(found) == ["The animal.", "Not a zebra.", "Another animal."]
    titled, worded, neither = (passage.fused for passage in found)
    weights = RetrievalSettings().weights
    total = weights.similarity + weights.words + weights.titles
    assert neither == pytest.approx(0.0, abs=1e-5)  # every passage is as near, so nearness says nothing
    assert titled == pytest.approx((weights.words + weights.titles) / total, abs=1e-5)  # the best by both
    assert neither < worded < titled


@pytest.mark.parametrize("fusion", list(Fusion))
@pytest.mark.parametrize("mode", list(RetrievalMode))
@pytest.mark.parametrize("exact_limit", [1_000, 20])
def test_a_better_forbidden_match_neither_appears_nor_takes_a_place(
    *, mode: RetrievalMode, fusion: Fusion, exact_limit: int, store: KnowledgeStore, encoder: WordEncoder, folder: Path
) -> None:
    for number in range(60):
        put(store, f"/secret/{number}", "How long does a refund take?", encoder=encoder, collection="secret")
    for number in range(8):
        put(store, f"/open/{number}", f"A refund, number {number}, and many other words.", encoder=encoder)
    settings = RetrievalSettings(
        mode=mode, fusion=fusion, depth=5, index=IndexSettings(exact_limit=exact_limit, nprobe=1)
    )
    base = KnowledgeBase.open(store, encoder, folder, settings)
    question = "How long does a refund take?"
    assert {passage.stored.collection for passage in search(base, question)} == {"secret"}
    allowed = search(base, question, collections=["default"])
    assert [passage.stored.collection for passage in allowed] == ["default"] * 5
    assert len(search(base, question, collections=["default"], top_k=20)) == 8
    assert search(base, question, collections=[]) == ()
    assert search(base, question, collections=["no such"]) == ()


def test_forbidden_curated_questions_neither_appear_nor_take_places(
    store: KnowledgeStore, encoder: WordEncoder, folder: Path
) -> None:
    asked, vector = "Do salaries rise?", encoder.encode(["Do salaries rise?"])[0]
    for number in range(25):
        put(store, f"/secret/{number}", "They do.", question=asked, encoder=encoder, collection="secret")
    put(store, "/open", "No.", question="When do the prices fall?", encoder=encoder)
    base = KnowledgeBase.open(store, encoder, folder)
    assert [match.passage.stored.chunk.text for match in base.curated(asked, vector)] == ["They do."] * 3
    allowed = base.curated(asked, vector, collections=["default"])
    assert [match.passage.stored.chunk.text for match in allowed] == ["No."]
    assert base.curated(asked, vector, collections=["other"]) == ()
    assert base.best_curated(asked, vector, ["other"]) is None


def test_the_same_curated_wording_comes_first_whatever_its_width_case_or_punctuation(
    store: KnowledgeStore, encoder: WordEncoder, folder: Path
) -> None:
    put(store, "/1", "By tram.", question="How do I get there by tram?", encoder=encoder)
    put(store, "/2", "因为可疑登录。", question="我的账户为何被冻结?", encoder=encoder)
    base = KnowledgeBase.open(store, encoder, folder)
    for asked, reply in (("HOW  do i get there, by tram?", "By tram."), (" 我的账户为何被冻结？！", "因为可疑登录。")):
        best = base.best_curated(asked, encoder.encode([asked])[0])
        assert best is not None
        assert best.passage.stored.chunk.text == reply
    assert best is not None
    assert (best.exact, best.string_similarity, best.strength) == (True, 1.0, 1.0)
    near = base.best_curated("我的账户为什么被冻结", encoder.encode(["x"])[0])
    assert near is not None
    assert not near.exact
    assert near.string_similarity == pytest.approx(2 * 8 / 19, abs=0.01)  # 8 letters in common of 9 and 10


def test_chinese_words_are_found_where_the_encoder_knows_none(
    store: KnowledgeStore, encoder: WordEncoder, folder: Path
) -> None:
    fill(store, encoder)
    put(store, "/zh", "账户因可疑登录会被冻结。", "退款需要五个工作日。", "发票每月初寄出。", encoder=encoder)
    base = KnowledgeBase.open(store, encoder, folder)
    assert texts(search(base, "我的账户为何被冻结？", top_k=1)) == ["账户因可疑登录会被冻结。"]
    assert texts(search(base, "多久能退款", top_k=1)) == ["退款需要五个工作日。"]


def test_after_a_change_of_encoder_everything_is_encoded_anew_once(
    store: KnowledgeStore, encoder: WordEncoder, folder: Path
) -> None:
    fill(store, encoder)
    KnowledgeBase.open(store, encoder, folder).save()
    other = WordEncoder(name="words-2", dimension=48)
    seen: list[tuple[int, int, str]] = []
    base = KnowledgeBase.open(store, other, folder, progress=lambda *step: seen.append(step))
    assert other.texts_encoded == 20
    assert (20, 20, "encode") in seen
    assert store.stale_chunk_ids(encoder="words-2") == ()
    best = base.search("x", other.encode(["About the voucher."])[0], top_k=1)[0]
    assert (best.stored.chunk.text, best.similarity > 0.9) == ("About the voucher.", True)
    with pytest.raises(DimensionMismatchError):
        search(base, "voucher")
    base.save()
    again = WordEncoder(name="words-2", dimension=48)
    KnowledgeBase.open(store, again, folder)
    assert again.texts_encoded == 0


def _blank(snapshot: Path) -> None:
    file = snapshot / "vectors.faiss"
    content = bytearray(file.read_bytes())
    content[1000:1256] = bytes(256)  # two vectors of 32 numbers
    file.write_bytes(content)


def _cut_off(snapshot: Path) -> None:
    file = snapshot / "vectors.faiss"
    file.write_bytes(file.read_bytes()[:-100])


@pytest.mark.parametrize(
    "harm",
    [
        lambda snapshot: shutil.rmtree(snapshot.parent),
        shutil.rmtree,
        _cut_off,
        _blank,
        lambda snapshot: (snapshot / "vectors.faiss").unlink(),
        lambda snapshot: (snapshot / "manifest.json").unlink(),
        lambda snapshot: (snapshot / "manifest.json").write_text('{"format": 1'),
        lambda snapshot: snapshot.rename(snapshot.with_name(snapshot.name + ".partial")),
    ],
    ids=["no folder", "no snapshot", "cut off", "altered", "no vectors", "no manifest", "torn manifest", "partial"],
)
def test_a_torn_or_missing_snapshot_is_rebuilt_from_the_store_with_equal_results(
    harm: Callable[[Path], object], encoder: WordEncoder, folder: Path
) -> None:
    store = WatchedStore()
    fill(store, encoder)
    whole = KnowledgeBase.open(store, encoder, folder)
    whole.save()
    store.vectors_read = encoder.texts_encoded = 0
    assert results(KnowledgeBase.open(store, encoder, folder)) == results(whole)
    assert store.vectors_read == 0  # a whole snapshot spares the reading
    (snapshot,) = folder.glob("snapshot-*[0-9a-f]")
    harm(snapshot)
    rebuilt = KnowledgeBase.open(store, encoder, folder)
    assert results(rebuilt) == results(whole)
    assert (store.vectors_read, encoder.texts_encoded) == (20, 0)
    rebuilt.save()
    store.vectors_read = 0
    assert results(KnowledgeBase.open(store, encoder, folder)) == results(whole)
    assert store.vectors_read == 0


def test_a_snapshot_that_is_behind_the_store_is_brought_up_to_it(encoder: WordEncoder, folder: Path) -> None:
    store = WatchedStore()
    fill(store, encoder)
    KnowledgeBase.open(store, encoder, folder).save()
    put(store, "/refund", "Refunds take a week now.", encoder=encoder)
    put(store, "/zebra", "A zebra crossing.", encoder=encoder)
    store.vectors_read = 0
    base = KnowledgeBase.open(store, encoder, folder)
    assert store.vectors_read == 2  # only what is new
    assert texts(search(base, "zebra", top_k=1)) == ["A zebra crossing."]
    assert "About the refund." not in texts(search(base, "About the refund.", top_k=30))
    assert len(base) == 20


def test_refreshing_an_unchanged_base_only_asks_for_the_revision(encoder: WordEncoder, folder: Path) -> None:
    store = WatchedStore()
    fill(store, encoder)
    base = KnowledgeBase.open(store, encoder, folder)
    store.vectors_read = store.listings = encoder.texts_encoded = 0
    base.refresh()
    assert (store.vectors_read, store.listings, encoder.texts_encoded) == (0, 0, 0)
    put(store, "/zebra", "A zebra crossing.", encoder=encoder)
    base.refresh()
    assert (store.vectors_read, store.listings) == (1, 1)


OTHER_PROCESS = """
import sys
from bot.store.crypto import Keyring
from bot.store.store import Store
from knowledge.testing import WordEncoder
from tests.integration.knowledge.test_retrieve import put

with Store.open(sys.argv[1], Keyring.parse(sys.argv[2], origin="argv")) as store:
    known = {one.uri: one.id for one in store.knowledge.documents()}
    put(store.knowledge, "/zebra", "A zebra crossing.", encoder=WordEncoder())
    put(store.knowledge, "/refund", "Refunds take a week now.", encoder=WordEncoder())
    store.knowledge.remove_document(known["/invoice"])
"""


def test_what_another_process_ingested_is_found_after_a_refresh(
    store: KnowledgeStore, store_file: Path, keyring: Keyring, encoder: WordEncoder, folder: Path
) -> None:
    fill(store, encoder)
    base = KnowledgeBase.open(store, encoder, folder)
    subprocess.run([sys.executable, "-c", OTHER_PROCESS, str(store_file), keyring.dump()], check=True)
    before = texts(search(base, "About the invoice.", top_k=18))
    assert len(before) == 16  # what is gone from the store is not shown even before the refresh
    assert not any("invoice" in text for text in before)
    base.refresh()
    assert texts(search(base, "zebra", top_k=1)) == ["A zebra crossing."]
    after = texts(search(base, "refund or invoice", top_k=30))
    assert "Refunds take a week now." in after
    assert "About the refund." not in after
    assert len(after) == len(base) == 18
    assert results(base) == results(KnowledgeBase.open(store, encoder, folder))


def repeat(work: Callable[[], None], stop: threading.Event) -> int:
    """Do something again and again; returns how often."""
    times = 0
    while not stop.is_set():
        work()
        times += 1
    return times


def test_searches_go_on_while_documents_change_and_the_base_refreshes(
    store: KnowledgeStore, encoder: WordEncoder, folder: Path
) -> None:
    fill(store, encoder)
    base = KnowledgeBase.open(store, encoder, folder)
    stop = threading.Event()

    def ask() -> None:
        found = search(base, "rules for the refund", collections=["default"], top_k=5)
        assert [passage.rank for passage in found] == [1, 2, 3, 4, 5]
        assert len({passage.stored.id for passage in found}) == 5
        assert np.isfinite([passage.similarity for passage in found]).all()

    with ThreadPoolExecutor(3) as pool:
        loops = [pool.submit(repeat, work, stop) for work in (ask, ask, base.refresh)]
        try:
            for number in range(40):
                topic = TOPICS[number % 5]  # the other five always fill the places, however far the refresh lags
                put(store, f"/{topic}", f"The {topic}, edition {number}.", f"Rules: {topic}.", encoder=encoder)
        finally:
            stop.set()
    assert all(loop.result() > 0 for loop in loops)
    base.refresh()
    newest = {f"The {topic}, edition {35 + number}." for number, topic in enumerate(TOPICS[:5])}
    assert {text for text in texts(search(base, "edition", top_k=30)) if "edition" in text} == newest
    assert results(base) == results(KnowledgeBase.open(store, encoder, folder))


def test_saving_writes_only_what_has_changed(store: KnowledgeStore, encoder: WordEncoder, folder: Path) -> None:
    fill(store, encoder)
    base = KnowledgeBase.open(store, encoder, folder)
    base.save()
    first = sorted(folder.glob("snapshot-*[0-9a-f]"))
    base.save()
    assert sorted(folder.glob("snapshot-*[0-9a-f]")) == first
    put(store, "/zebra", "A zebra crossing.", encoder=encoder)
    base.refresh()
    base.save()
    second = sorted(folder.glob("snapshot-*[0-9a-f]"))
    assert len(second) == 1
    assert second != first


def test_a_folder_that_cannot_be_written_stops_the_saving_but_no_search(
    store: KnowledgeStore, encoder: WordEncoder, folder: Path
) -> None:
    folder.write_text("in the way")
    fill(store, encoder)
    base = KnowledgeBase.open(store, encoder, folder)
    with pytest.raises(KnowledgeError, match="could not be written"):
        base.save()
    assert texts(search(base, "About the parking.", top_k=1)) == ["About the parking."]


def test_an_empty_store_has_nothing_to_find(store: KnowledgeStore, encoder: WordEncoder, folder: Path) -> None:
    base = KnowledgeBase.open(store, encoder, folder)
    assert len(base) == 0
    assert search(base, "refund") == ()
    assert base.best_curated("refund?", encoder.encode(["refund?"])[0]) is None
