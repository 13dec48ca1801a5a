"""Rows from files, and sentences about files that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.types import LabelledText
from training.dataset import load_rows
from training.errors import TrainingError

EXPECTED = (LabelledText(text="where is my card?", label="card"), LabelledText(text="你好, 在吗", label="greeting"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'text,label\nwhere is my card?,card\n"你好, 在吗",greeting\n'),
        ("b.CSV", '\ufeffid,intent,text\r\n1,card,where is my card?\r\n2,greeting,"你好, 在吗"\r\n'),
        ("c.jsonl", '{"text": "where is my card?", "label": "card"}\n\n{"text": "你好, 在吗", "intent": "greeting"}\n'),
        (
            "d.toml",
            (
                '[[intent]]\nname="card"\nexamples=["where is my card?"]\n'
                '[[intent]]\nname="greeting"\nexamples=["你好, 在吗"]'
            ),
        ),
    ],
)
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8", newline="")
    assert load_rows(path) == EXPECTED


def test_the_same_text_with_the_same_label_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,label\nWhere is my card?,card\nwhere is  my card?,card\n")
    assert len(load_rows(path)) == 1


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.xlsx", "", "a.xlsx is not a file of examples; give one that ends in .toml, .csv, .jsonl, .ndjson."),
        ("a.csv", "", "a.csv, line 1: expected the columns text and label (or intent), found none."),
        ("a.csv", "question,label\nx,y\n", "line 1: expected the columns text and label (or intent), found question"),
        ("a.csv", "text,label\nx,y\n,z\n", "a.csv, line 3: text must be 1 to 2,000 characters."),
        ("a.csv", "text,label\nx,\n", "a.csv, line 2: label is empty; name the intent of this text."),
        ("a.csv", "text,label\nx\n", "a.csv, line 2: label is empty; name the intent of this text."),
        ("a.csv", 'text,label\n"x,y\n', "not valid CSV"),
        (
            "a.csv",
            "text,label\nx,a\nX,b\n",
            'a.csv, lines with the same text have different labels: 2 "a" but 3 "b"; keep',
        ),
        ("a.jsonl", '{"text": "x", "label": "y"}\n{"text": ', "a.jsonl, line 2: not valid JSON"),
        ("a.jsonl", '["x", "y"]', 'a.jsonl, line 1: expected an object such as {"text": "…", "label": "…"}.'),
        ("a.jsonl", '{"text": 3, "label": "y"}', "a.jsonl, line 1: text must be 1 to 2,000 characters."),
        ("a.toml", '[[intent]]\nname = "A"', "a.toml, intent 1: name must be"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, name: str, content: str, sentence: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(TrainingError) as caught:
        load_rows(path)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_of_many_contradictions_the_first_are_named_and_the_others_counted(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "".join(f"x{n},a\nx{n},b\n" for n in range(8)))
    with pytest.raises(TrainingError, match=r'2 "a" but 3 "b"; .*10 "a" but 11 "b" and 3 more; keep one of each'):
        load_rows(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"none.csv cannot be read"):
        load_rows(tmp_path / "none.csv")
