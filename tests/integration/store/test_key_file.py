from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bot.store.crypto import load_key_file, rotate_key_file
from bot.store.errors import StoreError

LOAD = (
    "import sys; from pathlib import Path; from bot.store.crypto import *; print(load_key_file(Path(sys.argv[1])).ids)"
)


def test_the_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "store.key"
    made = load_key_file(path)
    assert load_key_file(path).dump() == made.dump()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(one.name for one in path.parent.iterdir() if one.suffix != ".lock") == ["store.key"]


def test_processes_that_start_at_once_end_with_one_key(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LOAD, str(tmp_path / "store.key")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = {process.communicate(timeout=60)[0] for process in running}
    assert said == {f"{load_key_file(tmp_path / 'store.key').ids}\n"}


def test_rotating_the_file_puts_a_new_key_first(tmp_path: Path) -> None:
    path = tmp_path / "store.key"
    before = load_key_file(path)
    rotated = rotate_key_file(path)
    assert rotated.ids[1:] == before.ids
    assert load_key_file(path).ids == rotated.ids
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_emptied_key_file_is_an_error_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "store.key"
    path.touch()
    with pytest.raises(StoreError, match=r"No key was found in the key file .*store\.key"):
        load_key_file(path)
    assert path.read_bytes() == b""


def test_a_key_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read or created"):
        load_key_file(tmp_path)
    with pytest.raises(StoreError, match="cannot be rotated"):
        rotate_key_file(tmp_path / "missing.key")
