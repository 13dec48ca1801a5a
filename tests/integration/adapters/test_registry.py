"""Adapter versions: added, promoted, rolled back, and what a killed or damaged folder does."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.errors import AdapterError
from adapters.layout import seal_adapter
from adapters.registry import STATE_NAME, Registry
from adapters.types import Stage, Task


def adapter(folder: Path, content: str, *, base: str = "b" * 64) -> Path:
    folder.mkdir(parents=True)
    (folder / "weights.bin").write_text(content)
    seal_adapter(folder, source=f"run {content}", base=base, created_at=datetime(2026, 11, 24, tzinfo=UTC))
    return folder


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "versions")


def test_nothing_is_active_in_an_empty_registry(registry: Registry) -> None:
    assert registry.active(Task.GENERATOR) is None
    assert registry.versions(Task.GENERATOR) == ()


def test_a_candidate_does_not_serve_until_it_is_promoted(registry: Registry, tmp_path: Path) -> None:
    first = registry.add_candidate(Task.GENERATOR, adapter(tmp_path / "a", "one"))
    assert (first.name, first.number, first.stage, first.source) == ("generator-1", 1, Stage.CANDIDATE, "run one")
    assert registry.active(Task.GENERATOR) is None
    assert registry.promote(Task.GENERATOR, first.name).stage is Stage.ACTIVE
    active = registry.active(Task.GENERATOR)
    assert active is not None
    assert (active.folder / "weights.bin").read_text() == "one"


def test_a_rollback_brings_back_the_version_that_served_before(registry: Registry, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        registry.promote(Task.GENERATOR, registry.add_candidate(Task.GENERATOR, adapter(tmp_path / name, name)).name)
    assert registry.rollback(Task.GENERATOR).name == "generator-2"
    assert registry.rollback(Task.GENERATOR).name == "generator-1"
    stages = {version.name: version.stage for version in registry.versions(Task.GENERATOR)}
    assert stages == {"generator-1": Stage.ACTIVE, "generator-2": Stage.RETIRED, "generator-3": Stage.RETIRED}
    with pytest.raises(AdapterError, match="nothing to roll back to"):
        registry.rollback(Task.GENERATOR)


def test_a_name_is_never_given_again(registry: Registry, tmp_path: Path) -> None:
    first = registry.add_candidate(Task.INTENT, adapter(tmp_path / "a", "one"))
    for path in sorted(first.folder.iterdir()):
        path.unlink()
    first.folder.rmdir()
    assert registry.add_candidate(Task.INTENT, adapter(tmp_path / "b", "two")).name == "intent-2"
    assert [version.name for version in registry.versions(Task.INTENT)] == ["intent-2"]


def test_a_damaged_version_is_refused_and_the_old_one_serves(registry: Registry, tmp_path: Path) -> None:
    first = registry.add_candidate(Task.GENERATOR, adapter(tmp_path / "a", "one"))
    registry.promote(Task.GENERATOR, first.name)
    second = registry.add_candidate(Task.GENERATOR, adapter(tmp_path / "b", "two"))
    (second.folder / "weights.bin").write_text("torn off")
    with pytest.raises(AdapterError, match=r"generator-2 cannot serve: .*expected 3"):
        registry.promote(Task.GENERATOR, second.name)
    active = registry.active(Task.GENERATOR)
    assert active is not None
    assert active.name == "generator-1"


def test_an_incomplete_folder_is_not_added(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "half").mkdir()
    with pytest.raises(AdapterError, match="not complete"):
        registry.add_candidate(Task.GENERATOR, tmp_path / "half")
    assert registry.versions(Task.GENERATOR) == ()


def test_an_unknown_version_is_named_with_those_there_are(registry: Registry, tmp_path: Path) -> None:
    registry.add_candidate(Task.GENERATOR, adapter(tmp_path / "a", "one"))
    with pytest.raises(AdapterError, match=r"no generator version 'generator-9'; there are generator-1"):
        registry.promote(Task.GENERATOR, "generator-9")


def test_a_copy_that_was_killed_half_way_is_made_anew(registry: Registry, tmp_path: Path) -> None:
    staged = tmp_path / "versions" / "generator" / "generator-1.staged"
    staged.mkdir(parents=True)
    (staged / "junk").write_text("half")
    added = registry.add_candidate(Task.GENERATOR, adapter(tmp_path / "a", "one"))
    assert not (added.folder / "junk").exists()


def test_an_unreadable_state_is_one_sentence(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "versions" / "generator").mkdir(parents=True)
    (tmp_path / "versions" / "generator" / STATE_NAME).write_text("{")
    with pytest.raises(AdapterError, match="cannot be read; restore it"):
        registry.active(Task.GENERATOR)
