"""The page for operators: its restore drill is carried out here, word for word."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.store.crypto import load_key_file
from bot.store.store import Store
from bot.testing import teach
from knowledge.testing import chunk

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
DRILL = re.compile(r"<!-- drill -->\n```console\n(.*?)```", re.DOTALL)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a document in it."""
    folder = tmp_path / "home"
    with Store.open(f"sqlite:///{folder / 'burnish.db'}", load_key_file(folder / "burnish.key")) as store:
        store.migrate()
        teach(store.knowledge, chunk("Refunds take five days.", title="Refunds"), uri="/help/refunds.md")
    return folder


def test_the_restore_drill_brings_everything_back_and_the_backup_is_noted(home: Path, tmp_path: Path) -> None:
    found = DRILL.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None
    script = found[1].replace("/backups", str(tmp_path / "backups")).replace("/tmp/drill", str(tmp_path / "drill"))  # noqa: S108 - as the page has it
    assert str(tmp_path / "drill") in script
    environ = {name: text for name, text in os.environ.items() if not name.startswith("BURNISH_")}
    environ |= {"BURNISH_HOME": str(home), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = ["bash", "-euxo", "pipefail", "-c", script]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "refunds.md" in done.stdout
    assert not (tmp_path / "drill").exists()
    with Store.open(f"sqlite:///{home / 'burnish.db'}", load_key_file(home / "burnish.key")) as store:
        assert store.census.count().backed_up_at is not None
