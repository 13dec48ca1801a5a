"""Labelled rows from a file: TOML definitions, CSV, or JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from adapters.errors import AdapterError
from adapters.intent.config import MAX_TEXT_CHARS, parse_definitions, read_intents_file, training_rows
from adapters.types import LabelledText
from training.errors import TrainingError
from training.splits import normalised

LABEL_KEYS: Final = ("label", "intent")
SHOWN_CONFLICTS: Final = 5
SUFFIXES: Final = (".toml", ".csv", ".jsonl", ".ndjson")


def load_rows(path: Path) -> tuple[LabelledText, ...]:
    """Read labelled texts; the same text twice with one label counts once.

    Args:
        path: A .toml file of intent definitions, or a .csv or .jsonl file with the columns text and label
            (or intent).

    Returns:
        The rows in the order of the file.

    Raises:
        TrainingError: The file cannot be read or a row is not what it should be; the sentence names the line.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise TrainingError(f"{path} is not a file of examples; give one that ends in {', '.join(SUFFIXES)}.")
    try:
        text = read_intents_file(path)
        if suffix == ".toml":
            rows = training_rows(parse_definitions(text, origin=str(path)))
            return unique_rows(enumerate(rows, start=1), f"{path}, example")
    except AdapterError as error:
        raise TrainingError(str(error)) from error
    numbered = _csv_rows(text, path) if suffix == ".csv" else _json_rows(text, path)
    return unique_rows(numbered, f"{path}, line")


def unique_rows(numbered: Iterable[tuple[int, LabelledText]], where: str) -> tuple[LabelledText, ...]:
    """Leave out repetitions.

    Raises:
        TrainingError: Some texts have two labels; the first few are named.
    """
    first: dict[str, tuple[int, LabelledText]] = {}
    conflicts: list[str] = []
    for number, row in numbered:
        before, known = first.setdefault(normalised(row.text), (number, row))
        if known.label != row.label:
            conflicts.append(f'{before} "{known.label}" but {number} "{row.label}"')
    if conflicts:
        more = f" and {len(conflicts) - SHOWN_CONFLICTS} more" if len(conflicts) > SHOWN_CONFLICTS else ""
        shown = "; ".join(conflicts[:SHOWN_CONFLICTS])
        raise TrainingError(f"{where}s with the same text have different labels: {shown}{more}; keep one of each.")
    return tuple(row for _, row in first.values())


def _csv_rows(text: str, path: Path) -> Iterator[tuple[int, LabelledText]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        label_key = _label_key(reader.fieldnames or (), f"{path}, line 1")
        for record in reader:
            where = f"{path}, line {reader.line_num}"
            yield reader.line_num, _row(record.get("text"), record.get(label_key), where)
    except csv.Error as error:
        raise TrainingError(f"{path}, line {reader.line_num}: not valid CSV ({error}).") from error


def _json_rows(text: str, path: Path) -> Iterator[tuple[int, LabelledText]]:
    for number, line in enumerate(text.splitlines(), start=1):
        where = f"{path}, line {number}"
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise TrainingError(f"{where}: not valid JSON; write one object a line.") from error
        if not isinstance(record, dict):
            raise TrainingError(f'{where}: expected an object such as {{"text": "…", "label": "…"}}.')
        yield number, _row(record.get("text"), record.get(_label_key(record, where)), where)


def _label_key(keys: Iterable[str], where: str) -> str:
    names = list(keys)
    label = next((key for key in LABEL_KEYS if key in names), None)
    if label is None or "text" not in names:
        found = ", ".join(str(name) for name in names[:6]) or "none"
        raise TrainingError(f"{where}: expected the columns text and label (or intent), found {found}.")
    return label


def _row(text: object, label: object, where: str) -> LabelledText:
    if not isinstance(text, str) or not text.strip() or len(text) > MAX_TEXT_CHARS:
        raise TrainingError(f"{where}: text must be 1 to {MAX_TEXT_CHARS:,} characters.")
    if not isinstance(label, str) or not label.strip():
        raise TrainingError(f"{where}: label is empty; name the intent of this text.")
    return LabelledText(text=text.strip(), label=label.strip())


def counts(rows: Sequence[LabelledText]) -> dict[str, int]:
    """How many rows each label has, in the order of the labels' first rows."""
    found: dict[str, int] = {}
    for row in rows:
        found[row.label] = found.get(row.label, 0) + 1
    return found
