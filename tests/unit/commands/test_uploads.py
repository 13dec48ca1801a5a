"""Uploaded files on their way to the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.commands.knowledge import NAME_BYTES, safe_name, save


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("handbook.pdf", "handbook.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\plan.docx", "plan.docx"),
        ("手册 (新).md", "手册 _新_.md"),
        (".hidden", "hidden"),
        ("..", "document"),
        ("", "document"),
        ("a\x00b\nc.txt", "a_b_c.txt"),
    ],
)
def test_a_name_is_made_safe(name: str, kept: str) -> None:
    assert safe_name(name) == kept


def test_a_long_name_keeps_its_ending_and_whole_characters() -> None:
    kept = safe_name("册" * 300 + ".pdf")
    assert kept.endswith("册.pdf")
    assert NAME_BYTES - 3 < len(kept.encode()) <= NAME_BYTES


def test_the_same_file_is_written_once_and_another_of_its_name_lies_beside_it(tmp_path: Path) -> None:
    first = save(tmp_path, "a.md", b"# One")
    assert save(tmp_path, "a.md", b"# One") == first
    assert first.read_bytes() == b"# One"
    other = save(tmp_path, "a.md", b"# Two")
    assert other != first
    assert other.name == first.name == "a.md"
    assert sorted(one.name for one in tmp_path.rglob("*") if one.is_file()) == ["a.md", "a.md"]
