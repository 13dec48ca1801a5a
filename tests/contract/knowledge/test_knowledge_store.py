from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, event

from bot.store.crypto import Keyring
from bot.store.errors import StoreError
from bot.store.store import Store
from knowledge.errors import KnowledgeError
from knowledge.testing import MemoryStore
from knowledge.types import KnowledgeStore, StoredChunk, StoredDocument
from tests.stores import NOON, FakeClock, chunks, document, vectors

REFUSALS = (StoreError, KnowledgeError)  # each package's own


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def knowledge(request: pytest.FixtureRequest, tmp_path: Path, keyring: Keyring) -> Iterator[KnowledgeStore]:
    """The fake and the real store, empty; the annotation is the test that the Protocol is kept."""
    if request.param == "memory":
        yield MemoryStore(clock=FakeClock())
        return
    local = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'store.sqlite3'}" if local else request.getfixturevalue("postgres_url")
    with Store.open(url, keyring, clock=FakeClock()) as store:
        store.migrate()
        yield store.knowledge


def _put(knowledge: KnowledgeStore, uri: str = "/docs/refunds.md", *texts: str, collection: str = "default") -> int:
    pieces = chunks(*(texts or ("One.", "Two.")))
    return knowledge.replace_document(
        document(uri, collection=collection), pieces, vectors(len(pieces)), encoder="mini"
    )


def test_a_document_comes_back_with_its_chunks_and_vectors(knowledge: KnowledgeStore) -> None:
    pieces, made = chunks("One. 一。", "Why?|Because."), vectors(2)
    document_id = knowledge.replace_document(document(), pieces, made, encoder="mini")
    assert knowledge.documents() == (
        StoredDocument(
            id=document_id,
            source="/docs",
            uri="/docs/refunds.md",
            collection="default",
            title="Refunds and 退款",
            language="en",
            media_type="text/markdown",
            digest="d1",
            chunks=2,
            ingested_at=NOON.isoformat(),
        ),
    )
    ids = [chunk_id for chunk_id, _ in knowledge.chunk_ids()]
    assert list(knowledge.load_chunks()) == [
        StoredChunk(
            id=chunk_id,
            document_id=document_id,
            source="/docs",
            uri="/docs/refunds.md",
            collection="default",
            language="en",
            chunk=piece,
        )
        for chunk_id, piece in zip(ids, pieces, strict=True)
    ]
    found, matrix = knowledge.load_vectors(ids)
    assert found.tolist() == ids
    assert found.dtype == np.int64
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix, made)


def test_replacing_keeps_the_document_id_and_never_uses_a_chunk_id_again(knowledge: KnowledgeStore) -> None:
    first = _put(knowledge)
    before = [chunk_id for chunk_id, _ in knowledge.chunk_ids()]
    assert _put(knowledge, "/docs/refunds.md", "New.") == first
    after = [chunk_id for chunk_id, _ in knowledge.chunk_ids()]
    assert len(after) == 1
    assert min(after) > max(before)
    assert [one.chunk.text for one in knowledge.load_chunks()] == ["New."]
    assert [one.chunks for one in knowledge.documents()] == [1]
    knowledge.remove_document(first)
    _put(knowledge)
    assert min(chunk_id for chunk_id, _ in knowledge.chunk_ids()) > max(after)


def test_each_change_and_nothing_else_raises_the_revision(knowledge: KnowledgeStore) -> None:
    seen = [knowledge.revision()]
    document_id = _put(knowledge)
    seen.append(knowledge.revision())
    ids = [chunk_id for chunk_id, _ in knowledge.chunk_ids()]
    knowledge.put_vectors(ids, vectors(2, seed=1), encoder="other")
    seen.append(knowledge.revision())
    knowledge.remove_document(document_id)
    seen.append(knowledge.revision())
    assert seen == sorted(set(seen))
    assert knowledge.remove_document(document_id) is False
    knowledge.put_vectors([], vectors(0), encoder="other")
    assert knowledge.revision() == seen[-1]


def test_changes_by_four_threads_at_once_all_count(knowledge: KnowledgeStore) -> None:
    start = knowledge.revision()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: _put(knowledge, f"/docs/{number % 4}.md"), range(16)))
    assert knowledge.revision() == start + 16
    assert len(knowledge.documents()) == 4
    assert len(knowledge.chunk_ids()) == 8


def test_removing_a_document_removes_its_chunks(knowledge: KnowledgeStore) -> None:
    gone, kept = _put(knowledge, "/a"), _put(knowledge, "/b")
    assert knowledge.remove_document(gone) is True
    assert {one.document_id for one in knowledge.load_chunks()} == {kept}


def test_documents_are_ordered_and_filtered_by_collection(knowledge: KnowledgeStore) -> None:
    for collection, uri in (("team", "/b"), ("default", "/Z"), ("team", "/B"), ("default", "/a")):
        _put(knowledge, uri, collection=collection)
    listed = [(one.collection, one.uri) for one in knowledge.documents()]
    assert listed == [("default", "/Z"), ("default", "/a"), ("team", "/B"), ("team", "/b")]
    assert [one.uri for one in knowledge.documents(collections=["team"])] == ["/B", "/b"]
    assert knowledge.documents(collections=[]) == ()
    assert [collection for _, collection in knowledge.chunk_ids()] == ["team"] * 2 + ["default"] * 2 + ["team"] * 2 + [
        "default"
    ] * 2


def test_digests_are_those_of_one_source_and_collection(knowledge: KnowledgeStore) -> None:
    _put(knowledge, "/a")
    _put(knowledge, "/a", collection="team")
    assert knowledge.document_digests(source="/docs", collection="default") == {"/a": "d1"}
    assert knowledge.document_digests(source="/other", collection="default") == {}


def test_ids_that_are_gone_are_left_out(knowledge: KnowledgeStore) -> None:
    _put(knowledge)
    first, second = (chunk_id for chunk_id, _ in knowledge.chunk_ids())
    assert [one.id for one in knowledge.load_chunks([second, 999, first, first])] == [first, second]
    found, matrix = knowledge.load_vectors([second, 999])
    assert found.tolist() == [second]
    np.testing.assert_array_equal(matrix, vectors(2)[1:])
    assert list(knowledge.load_chunks([])) == []
    nothing, empty = knowledge.load_vectors([])
    assert nothing.shape == (0,)
    assert empty.shape == (0, 0)


def test_vectors_of_another_encoder_are_stale_until_replaced(knowledge: KnowledgeStore) -> None:
    _put(knowledge)
    ids = [chunk_id for chunk_id, _ in knowledge.chunk_ids()]
    assert knowledge.stale_chunk_ids(encoder="mini") == ()
    assert knowledge.stale_chunk_ids(encoder="new") == tuple(ids)
    wider = vectors(2, dimension=8)
    knowledge.put_vectors([ids[1], 999], wider, encoder="new")
    assert knowledge.stale_chunk_ids(encoder="new") == (ids[0],)
    with pytest.raises(REFUSALS, match="one width"):
        knowledge.load_vectors(ids)
    np.testing.assert_array_equal(knowledge.load_vectors(ids[1:])[1], wider[:1])


def test_a_number_of_vectors_that_is_not_that_of_the_chunks_is_refused(knowledge: KnowledgeStore) -> None:
    before = knowledge.revision()
    with pytest.raises(REFUSALS, match="Expected 2 vectors"):
        knowledge.replace_document(document(), chunks("One.", "Two."), vectors(3), encoder="mini")
    with pytest.raises(REFUSALS, match="Expected 1 vectors"):
        knowledge.put_vectors([1], vectors(2), encoder="mini")
    assert knowledge.documents() == ()
    assert knowledge.revision() == before


def test_a_document_without_chunks_is_kept(knowledge: KnowledgeStore) -> None:
    knowledge.replace_document(document(), (), vectors(0), encoder="mini")
    assert [one.chunks for one in knowledge.documents()] == [0]


def test_ten_thousand_chunks_load_whole_and_with_few_statements(knowledge: KnowledgeStore) -> None:
    pieces = chunks(*(f"Passage {number}. {'Some words. ' * 80}" for number in range(10_000)))
    made = vectors(10_000, dimension=384)
    knowledge.replace_document(document(), pieces, made, encoder="mini")
    asked: list[str] = []

    def noted(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", noted)
    try:
        loaded = list(knowledge.load_chunks())
        _, matrix = knowledge.load_vectors([one.id for one in loaded])
    finally:
        event.remove(Engine, "before_cursor_execute", noted)
    assert [one.chunk.ordinal for one in loaded] == list(range(10_000))
    np.testing.assert_array_equal(matrix, made)
    assert len(asked) <= 100, "a hundred rows a statement at least"
