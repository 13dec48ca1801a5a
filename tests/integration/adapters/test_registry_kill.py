"""A registry whose process is killed at any instant: no half version, and the pointer names a complete folder."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.layout import seal_adapter, verify
from adapters.registry import Registry
from adapters.types import Task

KILLS = 30
SEED = 20_261_126
FILES = 40  # in each version, so that a copy takes a while

# Changes the registry for ever, and says which name it was given only after it was given.
CHANGER = """
import sys
from pathlib import Path
from adapters.registry import Lineage, Registry
from adapters.types import Task

registry, folder, task = Registry(Path(sys.argv[1])), Path(sys.argv[2]), Task.INTENT
lineage = Lineage(ratings=("1:1",), examples_digest="", parent="", base="b", code="", seed=0)
while True:
    added = registry.add_candidate(task, folder, lineage=lineage, report={"gain": 0.1})
    print("added", added.name, flush=True)
    registry.canary(task, added.name)
    registry.promote(task, added.name)
    print("promoted", added.name, flush=True)
    other = registry.add_candidate(task, folder, lineage=lineage)
    print("added", other.name, flush=True)
    registry.promote(task, other.name)
    registry.add_report(task, other.name, {"gain": 0.2})
    registry.rollback(task, reason="worse")
    registry.prune(task, 1)
"""


@pytest.mark.slow
def test_killed_at_any_instant_it_has_no_half_version_and_gives_no_name_again(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for number in range(FILES):
        (source / f"weights-{number}.bin").write_bytes(bytes([number]) * 20_000)
    seal_adapter(source, source="a run", base="b", created_at=datetime(2026, 11, 26, tzinfo=UTC))
    registry, rng = Registry(tmp_path / "versions"), random.Random(SEED)  # noqa: S311 - instants to kill at
    given: list[str] = []
    leftovers = 0
    for _ in range(KILLS):
        said = changed_until_killed(tmp_path / "versions", source, lines=rng.randint(1, 6), wait=rng.uniform(0, 0.03))
        given += [line.split()[1] for line in said if line.startswith("added")]
        leftovers += len(list((tmp_path / "versions" / "intent").glob("*.staged")))
        for version in registry.versions(Task.INTENT):
            assert verify(version.folder, full=True) is None, version
        if any(line.startswith("promoted") for line in said):
            active = registry.active(Task.INTENT)
            assert active is not None
            assert verify(active.folder, full=True) is None
    assert len(given) == len(set(given)) >= KILLS
    assert leftovers, "some instants should fall into a copy"
    assert registry.add_candidate(Task.INTENT, source).name not in given
    folder = tmp_path / "versions" / "intent"
    known = {version.name for version in registry.versions(Task.INTENT)}
    reports = {path.name for path in folder.glob("*.report.json")}
    assert {path.name for path in folder.iterdir()} == {*known, *reports, "state.json"}
    assert {name.partition(".")[0] for name in reports} <= known


def changed_until_killed(root: Path, source: Path, *, lines: int, wait: float) -> list[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", CHANGER, str(root), str(source)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    first = [process.stdout.readline() for _ in range(lines)]
    time.sleep(wait)
    process.kill()
    rest, _ = process.communicate()
    assert all(first), "it ended by itself"
    return [*first, *rest.splitlines()]
