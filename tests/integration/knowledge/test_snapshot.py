from __future__ import annotations

import json
import logging
import multiprocessing
import threading
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
import pytest
from filelock import FileLock

from knowledge import snapshot
from knowledge.errors import KnowledgeError
from knowledge.index import VectorIndex

DIMENSION = 8


def made(count: int) -> VectorIndex:
    index = VectorIndex(DIMENSION)
    rows = np.random.default_rng(count).standard_normal((count, DIMENSION)).astype(np.float32)
    index.add(np.arange(count, dtype=np.int64) * 7, rows)
    return index


def load(folder: Path, *, encoder: str = "mini", dimension: int = DIMENSION) -> VectorIndex | None:
    return snapshot.load(folder, encoder=encoder, dimension=dimension)


def test_a_saved_index_loads_equal(tmp_path: Path) -> None:
    index = made(20)
    snapshot.save(tmp_path / "index", index, encoder="mini")
    loaded = load(tmp_path / "index")
    assert loaded is not None
    assert loaded.ids.tolist() == index.ids.tolist()
    query = np.ones(DIMENSION, dtype=np.float32)
    np.testing.assert_array_equal(loaded.scores(query, index.ids), index.scores(query, index.ids))


def test_a_snapshot_with_the_8_bit_codes_of_an_older_version_is_rebuilt_not_loaded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    index = made(200)
    older = faiss.index_factory(DIMENSION, "IVF2,SQ8", faiss.METRIC_INNER_PRODUCT)
    vectors = np.random.default_rng(0).standard_normal((200, DIMENSION)).astype(np.float32)
    older.train(vectors)
    older.add_with_ids(vectors, index.ids)
    index._faiss = older
    snapshot.save(tmp_path, index, encoder="mini")
    assert load(tmp_path) is None
    assert "another kind of index" in caplog.text


def test_only_the_newest_snapshot_stays(tmp_path: Path) -> None:
    for count in (3, 5, 4):
        newest = snapshot.save(tmp_path, made(count), encoder="mini")
    assert [path.name for path in tmp_path.glob("snapshot-*")] == [newest.name]
    loaded = load(tmp_path)
    assert loaded is not None
    assert len(loaded) == 4


def test_the_tenth_snapshot_is_newer_than_the_ninth(tmp_path: Path) -> None:
    for count in range(1, 12):
        snapshot.save(tmp_path, made(count), encoder="mini")
    loaded = load(tmp_path)
    assert loaded is not None
    assert len(loaded) == 11


def test_an_empty_or_missing_folder_holds_no_snapshot(tmp_path: Path) -> None:
    assert load(tmp_path) is None
    assert load(tmp_path / "missing") is None


def test_a_snapshot_of_another_encoder_or_width_is_not_used(tmp_path: Path) -> None:
    snapshot.save(tmp_path, made(3), encoder="mini")
    assert load(tmp_path, encoder="other") is None
    assert load(tmp_path, dimension=9) is None
    assert load(tmp_path) is not None


def cut_index(folder: Path) -> None:
    file = folder / snapshot.INDEX_FILE
    file.write_bytes(file.read_bytes()[:-10])


def flip_byte(folder: Path) -> None:
    file = folder / snapshot.INDEX_FILE
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def no_index(folder: Path) -> None:
    (folder / snapshot.INDEX_FILE).unlink()


def no_manifest(folder: Path) -> None:
    (folder / snapshot.MANIFEST_FILE).unlink()


def cut_manifest(folder: Path) -> None:
    file = folder / snapshot.MANIFEST_FILE
    file.write_text(file.read_text(encoding="utf-8")[:40], encoding="utf-8")


def change(folder: Path, **fields: object) -> None:
    file = folder / snapshot.MANIFEST_FILE
    manifest = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**manifest, **fields}), encoding="utf-8")


def newer_format(folder: Path) -> None:
    change(folder, format=99, shards=3)


def other_ids(folder: Path) -> None:
    change(folder, ids_digest="0" * 64)


def not_an_object(folder: Path) -> None:
    (folder / snapshot.MANIFEST_FILE).write_text("[1]", encoding="utf-8")


def not_an_index(folder: Path) -> None:
    (folder / snapshot.INDEX_FILE).write_bytes(b"nothing that faiss knows")
    change(folder, files={snapshot.INDEX_FILE: snapshot._digest_of_file(folder / snapshot.INDEX_FILE)})


@pytest.mark.parametrize(
    "spoil",
    [
        cut_index,
        flip_byte,
        no_index,
        no_manifest,
        cut_manifest,
        newer_format,
        other_ids,
        not_an_object,
        not_an_index,
    ],
)
def test_a_spoilt_snapshot_is_passed_over_with_a_line_in_the_log(
    spoil: Callable[[Path], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spoil(snapshot.save(tmp_path, made(20), encoder="mini"))
    with caplog.at_level(logging.WARNING):
        assert load(tmp_path) is None
    assert "not used" in caplog.text
    snapshot.save(tmp_path, made(20), encoder="mini")
    assert load(tmp_path) is not None


def test_what_a_killed_save_left_is_neither_loaded_nor_kept(tmp_path: Path) -> None:
    kept = snapshot.save(tmp_path, made(5), encoder="mini")
    partial = tmp_path / "snapshot-00000099-aa.partial"
    kept.rename(partial)
    assert load(tmp_path) is None
    snapshot.save(tmp_path, made(5), encoder="mini")
    assert not partial.exists()


def test_files_of_others_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "jieba").mkdir()
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    snapshot.save(tmp_path, made(5), encoder="mini")
    snapshot.save(tmp_path, made(6), encoder="mini")
    assert {"jieba", "notes.txt"} <= {path.name for path in tmp_path.iterdir()}


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(KnowledgeError, match="could not be written"):
        snapshot.save(tmp_path / "file", made(2), encoder="mini")


def save_often(folder: Path, start: int) -> None:
    for count in range(start, start + 20, 2):
        snapshot.save(folder, made(count), encoder="mini")


def test_two_processes_saving_at_once_leave_one_whole_snapshot(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=save_often, args=(tmp_path, start)) for start in (1, 2)]
    for process in processes:
        process.start()
    while any(process.is_alive() for process in processes):
        loaded = load(tmp_path)
        assert loaded is None or loaded.ids.tolist() == made(len(loaded)).ids.tolist()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert len(list(tmp_path.glob("snapshot-*"))) == 1
    loaded = load(tmp_path)
    assert loaded is not None
    assert len(loaded) in {19, 20}


def test_loading_waits_for_a_save_in_another_process(tmp_path: Path) -> None:
    snapshot.save(tmp_path, made(5), encoder="mini")
    found: list[VectorIndex | None] = []
    thread = threading.Thread(target=lambda: found.append(load(tmp_path)))
    with FileLock(tmp_path / snapshot.LOCK_FILE):
        thread.start()
        thread.join(0.2)
        assert found == []
    thread.join(10)
    assert [index is not None for index in found] == [True]
