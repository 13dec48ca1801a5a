"""A retrieval adapter moves scores and queries as far as it has learned to, and no further."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from adapters.encoder.adapter import DELTA_FILE, EncoderDelta
from adapters.errors import AdapterError
from adapters.layout import read_manifest
from adapters.retrieval.config import Calibration, Kernel
from adapters.retrieval.model import KnownPassage, LinkMemory, Links, QueryAdapter, RetrievalAdapter
from adapters.retrieval.persist import SETTINGS, TENSORS, load, save
from adapters.types import Matrix

NOW = datetime(2026, 11, 26, tzinfo=UTC)
KERNEL = Kernel(floor=0.8, strength=0.3)


def units(count: int, width: int = 64, seed: int = 0) -> Matrix:
    drawn = np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32)
    made: Matrix = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return made


def memory(questions: Matrix, *links: tuple[int, int, float], kernel: Kernel = KERNEL) -> LinkMemory:
    asked, passages, worth = zip(*links, strict=True)
    return LinkMemory(
        questions,
        Links(questions=np.array(asked), passages=np.array(passages), worth=np.array(worth, dtype=np.float32)),
        kernel,
    )


def between(first: Matrix, second: Matrix, cosine: float) -> Matrix:
    """A unit vector at this cosine from the first, on the side of the second."""
    rest = second - (second @ first) * first
    made: Matrix = (cosine * first + np.sqrt(1 - cosine**2) * rest / np.linalg.norm(rest)).astype(np.float32)
    return made


def test_the_same_question_gives_its_passage_the_whole_strength() -> None:
    asked = units(2)
    assert memory(asked, (0, 7, 1.0), (1, 8, 1.0)).changes(asked[0]) == {7: pytest.approx(0.3, abs=1e-3)}


def test_a_similar_question_gives_less_and_one_below_the_floor_nothing() -> None:
    asked = units(2)
    remembered = memory(asked[:1], (0, 7, 1.0))
    assert remembered.changes(between(asked[0], asked[1], 0.9))[7] == pytest.approx(0.15, abs=1e-3)
    assert remembered.changes(between(asked[0], asked[1], 0.79)) == {}


def test_a_passage_called_bad_loses_and_trust_counts() -> None:
    asked = units(1)
    changes = memory(asked, (0, 1, -1.0), (0, 2, 0.2)).changes(asked[0])
    assert changes == {1: pytest.approx(-0.3, abs=1e-3), 2: pytest.approx(0.06, abs=1e-3)}


def test_however_often_something_was_said_it_counts_once() -> None:
    asked = units(1).repeat(50, axis=0)
    assert memory(asked, *((row, 3, 1.0) for row in range(50))).changes(asked[0]) == {3: pytest.approx(0.3)}


def test_no_similar_question_is_missed_for_the_sake_of_speed() -> None:
    asked = units(2_000, width=200, seed=1)  # spread over far more directions than are compared first
    near = np.stack([between(asked[row], asked[row + 1], 0.85) for row in range(200)])
    remembered = memory(asked, *((row, row, 1.0) for row in range(len(asked))))
    for row, vector in enumerate(near):
        wanted = {int(one) for one in np.flatnonzero(asked @ vector > KERNEL.floor)}
        assert set(remembered.changes(vector)) == wanted
        assert row in wanted


def test_a_query_is_turned_and_keeps_its_length() -> None:
    left, right = units(2)
    adapter = QueryAdapter(down=left[:, None], up=right[None, :])
    turned = adapter.aim(left)
    assert turned.dtype == np.float32
    assert np.linalg.norm(turned) == pytest.approx(1.0, abs=1e-6)
    assert turned @ right > left @ right + 0.5
    assert QueryAdapter(down=0 * left[:, None], up=right[None, :]).aim(left) == pytest.approx(left, abs=1e-6)


@pytest.mark.parametrize("off", [{"shift": 1.01}, {"shift": -5.0}, {"retrieval": 0.1}, {"head": 9.0}])
def test_a_calibration_that_would_switch_refusing_off_is_refused(off: dict[str, float]) -> None:
    with pytest.raises(AdapterError, match=f"{next(iter(off))} must be"):
        Calibration(**off)


@pytest.mark.parametrize(("floor", "strength"), [(1.0, 0.3), (-0.1, 0.3), (0.8, 1.1)])
def test_a_kernel_has_bounds(floor: float, strength: float) -> None:
    with pytest.raises(AdapterError, match="floor and strength"):
        Kernel(floor=floor, strength=strength)


def adapter(*, whole: bool = True) -> RetrievalAdapter:
    asked = units(3)
    return RetrievalAdapter(
        encoder="encoder-1",
        mentions=(KnownPassage(uri="/a.md", digest="5f1d0c"),) if whole else (),
        vectors=units(1 if whole else 0, seed=2),
        memory=memory(asked, (0, 0, 1.0), (2, 0, -0.5)) if whole else None,
        query=QueryAdapter(down=units(64)[:, :4], up=units(4)) if whole else None,
        calibration=Calibration(shift=0.25, head=1.1) if whole else Calibration(),
    )


@pytest.mark.parametrize("whole", [True, False])
def test_what_was_written_serves_the_same(tmp_path: Path, whole: bool) -> None:  # noqa: FBT001 - a parameter of the test
    made = adapter(whole=whole)
    save(made, tmp_path / "v", source="run 1", created_at=NOW)
    read = load(tmp_path / "v", encoder="encoder-1")
    query = units(3)[0]
    assert read.aim(query) == pytest.approx(made.aim(query), abs=2e-3)  # 16 bits
    assert dict(read.changes(query)) == pytest.approx(dict(made.changes(query)), abs=2e-3)
    assert (read.calibration, read.mentions) == (made.calibration, made.mentions)


def test_what_tuning_added_to_the_encoder_lies_beside_it(tmp_path: Path) -> None:
    delta = EncoderDelta(base="b" * 64, tensors={"layer.weight": units(2).astype(np.float16)})
    save(replace(adapter(), tuned=delta), tmp_path / "v", source="run 1", created_at=NOW)
    read = load(tmp_path / "v", encoder="encoder-1")
    assert read.tuned is not None
    assert (read.tuned.base, read.tuned.digest) == (delta.base, delta.digest)
    manifest = read_manifest(tmp_path / "v")
    assert manifest is not None
    assert manifest.base == "encoder-1", "a version belongs to the plain encoder"
    assert DELTA_FILE in manifest.files
    (tmp_path / "v" / DELTA_FILE).unlink()
    with pytest.raises(AdapterError, match=r"delta\.safetensors is missing"):
        load(tmp_path / "v", encoder="encoder-1")


def test_an_adapter_of_another_encoder_is_refused(tmp_path: Path) -> None:
    save(adapter(), tmp_path / "v", source="run 1", created_at=NOW)
    with pytest.raises(AdapterError, match="belongs to the encoder encoder-1, not to encoder-2"):
        load(tmp_path / "v", encoder="encoder-2")


@pytest.mark.parametrize("name", [SETTINGS, TENSORS])
def test_a_changed_file_is_noticed(tmp_path: Path, name: str) -> None:
    save(adapter(), tmp_path / "v", source="run 1", created_at=NOW)
    path = tmp_path / "v" / name
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(AdapterError, match="has changed"):
        load(tmp_path / "v", encoder="encoder-1")


def test_a_folder_that_holds_something_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("x")
    with pytest.raises(AdapterError, match="is not empty"):
        save(adapter(), tmp_path, source="run 1", created_at=NOW)


def test_the_numbers_on_disk_are_checked_as_those_in_memory(tmp_path: Path) -> None:
    save(adapter(), tmp_path / "v", source="run 1", created_at=NOW)
    content = json.loads((tmp_path / "v" / SETTINGS).read_text())
    assert content["calibration"] == {"shift": 0.25, "retrieval": 1.0, "head": 1.1, "likelihood": 1.0}
