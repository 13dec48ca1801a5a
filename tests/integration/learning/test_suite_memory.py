"""What held of the regression suite, remembered in a file."""

from __future__ import annotations

from pathlib import Path

from bot.learning.suite_memory import KEPT, SuiteMemory, folder_digest, key_of


def test_what_held_is_known_again_by_the_same_key_and_the_same_number_of_cases(tmp_path: Path) -> None:
    memory = SuiteMemory(path=tmp_path / "new" / "suite.json")
    assert memory.held("a", cases=2) is None
    memory.keep("a", [True, False])
    again = SuiteMemory(path=memory.path)
    assert again.held("a", cases=2) == (True, False)
    assert again.held("b", cases=2) is None
    assert again.held("a", cases=3) is None


def test_a_torn_file_is_as_if_nothing_were_known_and_is_written_anew(tmp_path: Path) -> None:
    memory = SuiteMemory(path=tmp_path / "suite.json")
    memory.keep("a", [True])
    memory.path.write_bytes(memory.path.read_bytes()[:-3])
    assert memory.held("a", cases=1) is None
    memory.keep("b", [False])
    assert memory.held("b", cases=1) == (False,)


def test_only_the_last_sets_of_versions_are_remembered(tmp_path: Path) -> None:
    memory = SuiteMemory(path=tmp_path / "suite.json")
    for number in range(KEPT + 1):
        memory.keep(str(number), [True])
    assert memory.held("0", cases=1) is None
    assert memory.held("1", cases=1) == (True,)


def test_the_key_changes_with_every_part_and_a_folders_digest_with_names_and_contents(tmp_path: Path) -> None:
    assert key_of(["a", 1]) == key_of(["a", 1])
    assert len({key_of(["a", 1]), key_of(["a", 2]), key_of(["b", 1]), key_of([1, "a"])}) == 4
    found = []
    for name, text in (("a.md", "x"), ("a.md", "y"), ("b.md", "y")):
        for old in tmp_path.glob("*.md"):
            old.unlink()
        (tmp_path / name).write_text(text)
        found.append(folder_digest(tmp_path))
    assert len(set(found)) == 3
