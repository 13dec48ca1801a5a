"""Adapter versions: added, promoted, rolled back, and what a killed or damaged folder does."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.errors import AdapterError
from adapters.layout import seal_adapter, verify
from adapters.registry import STATE_NAME, Lineage, Registry
from adapters.types import AdapterVersion, Stage, Task


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
    for expected in ("generator-2", "generator-1"):
        back = registry.rollback(Task.GENERATOR)
        assert back is not None
        assert back.name == expected
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


NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def lineage(*ratings: str, parent: str = "", seed: int = 3) -> Lineage:
    return Lineage(
        ratings=ratings, examples_digest="e" * 64, parent=parent, base="b" * 64, code="0.1.0", seed=seed, run=7
    )


def trained(registry: Registry, folder: Path, *ratings: str, parent: str = "") -> AdapterVersion:
    return registry.add_candidate(Task.INTENT, adapter(folder, folder.name), lineage=lineage(*ratings, parent=parent))


def stages(registry: Registry, task: Task = Task.INTENT) -> dict[str, str]:
    return {version.name: version.stage.value for version in registry.versions(task)}


def test_lineage_and_report_are_sealed_with_the_version_and_leave_its_fingerprint(
    registry: Registry, tmp_path: Path
) -> None:
    folder = adapter(tmp_path / "a", "one")
    plain = registry.add_candidate(Task.INTENT, folder)
    added = registry.add_candidate(Task.INTENT, folder, lineage=lineage("1:2", "c:4"), report={"gain": 0.1})
    assert registry.lineage(Task.INTENT, plain.name) is None
    assert registry.lineage(Task.INTENT, added.name) == lineage("1:2", "c:4")
    assert registry.report(Task.INTENT, added.name) == {"gain": 0.1}
    assert added.fingerprint == plain.fingerprint
    assert verify(added.folder, full=True) is None
    (added.folder / "lineage.json").write_text("{}")
    assert "lineage.json" in str(verify(added.folder))
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "weights.bin"]


def test_a_report_may_come_after_the_gate_and_takes_the_place_of_the_first(registry: Registry, tmp_path: Path) -> None:
    added = registry.add_candidate(Task.INTENT, adapter(tmp_path / "a", "one"), report={"gain": 0.1})
    registry.add_report(Task.INTENT, added.name, {"gain": 0.2, "decision": {"promote": True}})
    assert registry.report(Task.INTENT, added.name) == {"gain": 0.2, "decision": {"promote": True}}
    assert verify(added.folder, full=True) is None


def test_a_canary_serves_beside_the_active_version_and_its_stage_is_dated(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "versions", clock=lambda: NOW)
    first, second = trained(registry, tmp_path / "a"), trained(registry, tmp_path / "b")
    registry.promote(Task.INTENT, first.name)
    tried = registry.canary(Task.INTENT, second.name)
    assert (tried.stage, tried.since) == (Stage.CANARY, NOW)
    assert registry.canary_of(Task.INTENT) == tried
    assert stages(registry) == {"intent-1": "active", "intent-2": "canary"}
    with pytest.raises(AdapterError, match="intent-1 serves everybody"):
        registry.canary(Task.INTENT, first.name)
    assert registry.promote(Task.INTENT, second.name).stage is Stage.ACTIVE
    assert registry.canary_of(Task.INTENT) is None
    assert stages(registry) == {"intent-1": "retired", "intent-2": "active"}


def test_a_canary_ends_when_what_it_is_compared_with_changes(registry: Registry, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        trained(registry, tmp_path / name)
    registry.promote(Task.INTENT, "intent-1")
    registry.canary(Task.INTENT, "intent-2")
    registry.canary(Task.INTENT, "intent-3")
    assert stages(registry) == {"intent-1": "active", "intent-2": "candidate", "intent-3": "canary"}
    registry.promote(Task.INTENT, "intent-2")
    assert stages(registry) == {"intent-1": "retired", "intent-2": "active", "intent-3": "candidate"}


def test_a_rejected_version_keeps_why(registry: Registry, tmp_path: Path) -> None:
    for name in ("a", "b"):
        trained(registry, tmp_path / name)
    registry.promote(Task.INTENT, "intent-1")
    registry.canary(Task.INTENT, "intent-2")
    rejected = registry.reject(Task.INTENT, "intent-2", "people like it less")
    assert (rejected.stage, rejected.reason) == (Stage.REJECTED, "people like it less")
    assert registry.canary_of(Task.INTENT) is None
    with pytest.raises(AdapterError, match="roll back to the version before it"):
        registry.reject(Task.INTENT, "intent-1", "because")
    assert registry.promote(Task.INTENT, "intent-2").reason == ""


def test_a_rollback_with_a_reason_turns_the_version_down(registry: Registry, tmp_path: Path) -> None:
    for name in ("a", "b"):
        registry.promote(Task.INTENT, trained(registry, tmp_path / name).name)
    assert not registry.came_back(Task.INTENT)
    back = registry.rollback(Task.INTENT, reason="fewer people are content")
    assert back is not None
    assert (back.name, registry.came_back(Task.INTENT)) == ("intent-1", True)
    assert stages(registry) == {"intent-1": "active", "intent-2": "rejected"}
    assert registry.version(Task.INTENT, "intent-2").reason == "fewer people are content"


def test_before_the_first_trained_version_nothing_served_and_that_comes_back(
    registry: Registry, tmp_path: Path
) -> None:
    registry.promote(Task.INTENT, trained(registry, tmp_path / "a").name)
    assert registry.rollback(Task.INTENT) is None
    assert registry.active(Task.INTENT) is None
    with pytest.raises(AdapterError, match="nothing to roll back to"):
        registry.rollback(Task.INTENT)


def test_a_rollback_passes_over_a_damaged_version(registry: Registry, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        registry.promote(Task.INTENT, trained(registry, tmp_path / name).name)
    (registry.version(Task.INTENT, "intent-2").folder / "weights.bin").write_text("x")
    back = registry.rollback(Task.INTENT)
    assert back is not None
    assert back.name == "intent-1"


def test_what_serves_can_be_retired_and_brought_back(registry: Registry, tmp_path: Path) -> None:
    registry.promote(Task.INTENT, trained(registry, tmp_path / "a").name)
    registry.retire(Task.INTENT)
    assert registry.active(Task.INTENT) is None
    back = registry.rollback(Task.INTENT)
    assert back is not None
    assert back.name == "intent-1"


def test_pruning_keeps_what_somebody_may_want_back(registry: Registry, tmp_path: Path) -> None:
    shipped = registry.add_candidate(Task.INTENT, adapter(tmp_path / "shipped", "shipped"))
    registry.promote(Task.INTENT, shipped.name)
    for number in range(2, 7):
        parent = f"intent-{number - 1}"
        registry.promote(Task.INTENT, trained(registry, tmp_path / f"{number}", parent=parent).name)
    for number in range(7, 10):
        trained(registry, tmp_path / f"{number}", parent="intent-2")
    registry.canary(Task.INTENT, "intent-7")
    assert registry.prune(Task.INTENT, 1) == ("intent-3", "intent-8")
    # shipped; parent of the canary; parent of the last that served; that; active; canary; newest candidate
    kept = [f"intent-{number}" for number in (1, 2, 4, 5, 6, 7, 9)]
    assert [version.name for version in registry.versions(Task.INTENT)] == kept
    folder = shipped.folder.parent
    assert sorted(path.name for path in folder.iterdir()) == [*kept, STATE_NAME]
    assert trained(registry, tmp_path / "10").name == "intent-10"
    back = [registry.rollback(Task.INTENT) for _ in range(4)]
    assert [version.name if version else "" for version in back] == ["intent-5", "intent-4", "intent-2", "intent-1"]


def test_forgetting_somebody_marks_what_learned_from_them(registry: Registry, tmp_path: Path) -> None:
    trained(registry, tmp_path / "a", "1:5", "2:6")
    trained(registry, tmp_path / "b", "3:7")
    registry.promote(Task.INTENT, "intent-1")
    assert registry.mark_stale(["1:5", "c:9"]) == ("intent-1",)
    assert {version.name: version.stale for version in registry.versions(Task.INTENT)} == {
        "intent-1": True,
        "intent-2": False,
    }
    assert stages(registry)["intent-1"] == "active"
    assert registry.mark_stale(["1:5"]) == ()
    assert registry.mark_stale([]) == ()
    # a run that was going on meanwhile
    assert trained(registry, tmp_path / "c", "1:5", "8:8").stale
    assert not trained(registry, tmp_path / "d", "8:8").stale


def test_two_versions_are_compared_by_what_they_were_made_of_and_what_the_gate_found(
    registry: Registry, tmp_path: Path
) -> None:
    trained(registry, tmp_path / "a", "1:5", "2:6")
    trained(registry, tmp_path / "b", "2:6", "3:7", "4:8", parent="intent-1")
    registry.add_report(Task.INTENT, "intent-2", {"utility": {"candidate": 0.51234}, "reasons": ["better"]})
    found = {one.what: (one.first, one.second) for one in registry.diff(Task.INTENT, "intent-1", "intent-2")}
    assert found == {
        "ratings": ("2", "3"),
        "parent": ("", "intent-1"),
        "report.utility.candidate": ("", "0.5123"),
        "ratings only here": ("1", "2"),
    }


def test_a_stamp_changes_with_the_state_and_only_then(registry: Registry, tmp_path: Path) -> None:
    assert registry.stamp(Task.INTENT) == ""
    trained(registry, tmp_path / "a")
    before = registry.stamp(Task.INTENT)
    assert registry.stamp(Task.INTENT) == before
    registry.promote(Task.INTENT, "intent-1")
    assert registry.stamp(Task.INTENT) != before


def test_a_state_of_the_first_form_is_read(registry: Registry, tmp_path: Path) -> None:
    added = registry.add_candidate(Task.GENERATOR, adapter(tmp_path / "a", "one"))
    state = {"count": 1, "active": "generator-1", "served": [], "stages": {"generator-1": "active"}}
    (added.folder.parent / STATE_NAME).write_text(json.dumps(state))
    active = registry.active(Task.GENERATOR)
    assert active is not None
    assert (active.name, active.since, active.stale) == ("generator-1", None, False)
    with pytest.raises(AdapterError, match="nothing to roll back to"):
        registry.rollback(Task.GENERATOR)


def test_a_lost_state_gives_no_name_again_and_removes_nothing(registry: Registry, tmp_path: Path) -> None:
    added = registry.add_candidate(Task.GENERATOR, adapter(tmp_path / "a", "one"))
    (added.folder.parent / STATE_NAME).unlink()
    assert registry.add_candidate(Task.GENERATOR, adapter(tmp_path / "b", "two")).name == "generator-2"
    assert verify(added.folder, full=True) is None


def test_it_is_known_when_somebody_was_last_forgotten_also_where_no_version_learned_from_them(tmp_path: Path) -> None:
    now = NOW
    registry = Registry(tmp_path / "versions", clock=lambda: now)
    assert not registry.forgot_since(NOW)
    registry.mark_stale(["1:1"])
    assert registry.forgot_since(NOW)
    assert not registry.forgot_since(NOW + timedelta(seconds=1))
    now += timedelta(hours=1)
    registry.mark_stale([])
    assert not registry.forgot_since(now), "nobody was"
    registry.mark_stale(["1:1"])
    assert registry.forgot_since(now)


def test_what_learned_from_somebody_who_is_forgotten_is_not_gone_back_to_nor_let_serve_again(
    registry: Registry, tmp_path: Path
) -> None:
    for number, ratings in enumerate((("1:1",), ("1:1", "2:2"), ("1:1",)), start=1):
        registry.promote(Task.INTENT, trained(registry, tmp_path / str(number), *ratings).name)
    waiting = trained(registry, tmp_path / "4", "2:2")
    registry.mark_stale(["2:2"])
    assert [one.name for one in registry.served(Task.INTENT)] == ["intent-1"]
    assert registry.version(Task.INTENT, waiting.name).stage is Stage.REJECTED
    for act in (registry.promote, registry.canary):
        with pytest.raises(AdapterError, match="forgotten"):
            act(Task.INTENT, "intent-2")


def test_a_version_that_learned_from_somebody_who_is_forgotten_gives_way_to_the_last_clean_one(
    registry: Registry, tmp_path: Path
) -> None:
    for number, ratings in enumerate((("1:1",), ("2:2",), ("2:2", "3:3")), start=1):
        registry.promote(Task.INTENT, trained(registry, tmp_path / str(number), *ratings).name)
    registry.mark_stale(["2:2"])
    active = registry.active(Task.INTENT)
    assert active is not None
    assert (active.name, active.stale) == ("intent-3", True), "it serves until something takes its place"
    now = registry.renounce(Task.INTENT)
    assert now is not None
    assert (now.name, registry.served(Task.INTENT)) == ("intent-1", ())
    again = registry.renounce(Task.INTENT)
    assert again is not None
    assert again.name == "intent-1", "done twice it changes nothing"
    registry.mark_stale(["1:1"])
    assert registry.renounce(Task.INTENT) is None
    assert registry.active(Task.INTENT) is None
    assert registry.prune(Task.INTENT, 5) == ("intent-1", "intent-2", "intent-3"), "no weights of theirs are left"


def test_a_version_in_a_forgotten_one_s_place_leaves_no_way_back_to_it(registry: Registry, tmp_path: Path) -> None:
    registry.promote(Task.INTENT, trained(registry, tmp_path / "1", "1:1").name)
    registry.promote(Task.INTENT, trained(registry, tmp_path / "2", "2:2").name)
    registry.mark_stale(["2:2"])
    registry.promote(Task.INTENT, trained(registry, tmp_path / "3", "1:1").name)
    back = registry.rollback(Task.INTENT)
    assert back is not None
    assert back.name == "intent-1"


def test_versions_that_were_rolled_back_are_kept_as_long_as_those_that_served(
    registry: Registry, tmp_path: Path
) -> None:
    for number in range(1, 4):
        registry.promote(Task.INTENT, trained(registry, tmp_path / str(number), f"{number}:1").name)
        registry.rollback(Task.INTENT, reason="people liked it less" if number == 3 else "")
    turned_down = trained(registry, tmp_path / "4", "4:1")
    registry.reject(Task.INTENT, turned_down.name, "no better")
    assert registry.prune(Task.INTENT, 2) == ("intent-1", "intent-4")
    registry.promote(Task.INTENT, "intent-2")
    registry.rollback(Task.INTENT)
    assert registry.prune(Task.INTENT, 1) == ("intent-3",), "the one that was rolled back last stays"
    assert registry.prune(Task.INTENT, 0) == ("intent-2",)
