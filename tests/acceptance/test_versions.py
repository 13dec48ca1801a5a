"""`burnish versions` and `burnish train`, as an admin types them."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.conftest import Burnish


def test_before_the_first_start_there_are_no_versions(burnish: Burnish) -> None:
    done = burnish("versions", "list")
    assert (done.code, done.out.strip()) == (0, "No versions yet: the first one is made when the bot starts.")


def test_an_adapter_is_added_promoted_and_rolled_back(burnish: Burnish) -> None:
    from adapters.generator.shipped import FOLDER

    for number in (1, 2):
        added = burnish("versions", "add", str(FOLDER))
        assert (added.code, f"generator-{number} is a candidate" in added.out) == (0, True)
        assert burnish("versions", "promote", f"generator-{number}").code == 0
    assert "generator-1 serves" in burnish("versions", "rollback").out
    listed = burnish("versions", "list").out
    assert "generator-1" in listed
    assert "active" in listed
    again = burnish("versions", "rollback")
    assert (again.code, again.err.strip()) == (
        1,
        "No earlier generator version has served; there is nothing to roll back to.",
    )


def test_what_is_no_adapter_is_refused_with_one_sentence(burnish: Burnish, tmp_path: Path) -> None:
    done = burnish("versions", "add", str(tmp_path))
    assert done.code == 1
    assert done.err.strip().startswith("The adapter cannot be added:")
    assert "Traceback" not in done.err


def test_training_without_its_data_is_one_sentence(burnish: Burnish, tmp_path: Path) -> None:
    done = burnish("train", "base-adapter", "--data", str(tmp_path), "--output", str(tmp_path / "out"))
    assert done.code == 1
    assert "passages.jsonl.gz is missing; name the folder that holds squad2_en with --data." in done.err
    assert not (tmp_path / "out").exists()
