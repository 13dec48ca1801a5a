from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.errors import AdapterError
from adapters.layout import (
    MANIFEST_NAME,
    CacheLayout,
    Manifest,
    disk_errors,
    publish,
    read_manifest,
    record_files,
    seal_adapter,
    verify,
    write_manifest,
)


def make_model(folder: Path, weights: bytes = b"weights") -> Manifest:
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "1_Pooling" / "config.json").write_text("{}")
    manifest = Manifest(
        source="path:/m",
        fingerprint="ab" * 32,
        licence="",
        created_at=datetime(2026, 11, 24, tzinfo=UTC).isoformat(),
        base="",
        files=record_files(folder),
    )
    write_manifest(folder, manifest)
    return manifest


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    manifest = make_model(tmp_path / "m")
    assert read_manifest(tmp_path / "m") == manifest
    assert set(manifest.files) == {"model.safetensors", "1_Pooling/config.json"}
    assert verify(tmp_path / "m", full=True) is None


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format": 2}', '{"format": 1}', '{"format": 1, "files": {"a": {}}}']
)
def test_a_folder_with_a_torn_or_foreign_manifest_is_not_complete(tmp_path: Path, content: str) -> None:
    make_model(tmp_path / "m")
    (tmp_path / "m" / MANIFEST_NAME).write_text(content)
    assert read_manifest(tmp_path / "m") is None
    assert "not complete" in (verify(tmp_path / "m") or "")


def test_verify_names_the_file_that_is_missing_cut_or_changed(tmp_path: Path) -> None:
    for name in ("missing", "cut", "changed"):
        make_model(tmp_path / name)
    (tmp_path / "missing" / "model.safetensors").unlink()
    (tmp_path / "cut" / "model.safetensors").write_bytes(b"weigh")
    (tmp_path / "changed" / "model.safetensors").write_bytes(b"wEights")
    assert verify(tmp_path / "missing") == f"{tmp_path / 'missing' / 'model.safetensors'} is missing."
    assert verify(tmp_path / "cut") == f"{tmp_path / 'cut' / 'model.safetensors'} has 5 bytes, expected 7."
    assert verify(tmp_path / "changed") is None  # the quick check looks at sizes only
    assert "SHA-256 differs" in (verify(tmp_path / "changed", full=True) or "")


def test_publish_replaces_a_folder_and_leaves_nothing_else(tmp_path: Path) -> None:
    layout = CacheLayout(root=tmp_path)
    layout.create()
    for weights in (b"first", b"second"):
        staged = layout.new_staging("key") / "ready"
        make_model(staged, weights)
        publish(staged, layout.model("key"))
        staged.parent.rmdir()
    assert (layout.model("key") / "model.safetensors").read_bytes() == b"second"
    assert list(layout.staged()) == []


def test_a_staged_folder_tells_its_key(tmp_path: Path) -> None:
    layout = CacheLayout(root=tmp_path)
    layout.create()
    folder = layout.new_staging("some-model-1.0")
    assert list(layout.staged()) == [("some-model-1.0", folder)]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_one_sentence(tmp_path: Path, code: int) -> None:
    with (
        pytest.raises(AdapterError, match=r"^Could not unpack: the disk under .* is full \(\d+ MB are free\); free"),
        disk_errors("unpack", tmp_path),
    ):
        raise OSError(code, os.strerror(code))


def test_other_refusals_keep_their_reason(tmp_path: Path) -> None:
    with (
        pytest.raises(AdapterError, match=r"^Could not unpack in .*: Permission denied"),
        disk_errors("unpack", tmp_path),
    ):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def test_an_adapter_has_another_fingerprint_on_another_base(tmp_path: Path) -> None:
    prints = set()
    for base in ("aa", "bb"):
        folder = tmp_path / base
        folder.mkdir()
        (folder / "adapter_model.safetensors").write_bytes(b"lora")
        manifest = seal_adapter(folder, source="run 1", base=base, created_at=datetime(2026, 11, 24, tzinfo=UTC))
        assert read_manifest(folder) == manifest
        prints.add(manifest.fingerprint)
    assert len(prints) == 2
