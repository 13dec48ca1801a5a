"""The rows that the intent classifier in force was trained on, kept beside it: ratings are learned on top of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from adapters.layout import disk_errors
from adapters.types import LabelledText

FILE: Final = "trained-rows.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedRows:
    """A team's own rows."""

    classifier: str  # name of the one that was trained on them
    builtin: bool  # whether on the built-in examples, too
    rows: tuple[LabelledText, ...] = field(repr=False)


_ROWS: Final = TypeAdapter(TrainedRows)


def keep_rows(folder: Path, trained: TrainedRows) -> None:
    """Keep the rows of a classifier.

    Raises:
        AdapterError: They cannot be written.
    """
    temporary = folder / f".{FILE}.new"
    with disk_errors("write the rows", folder / FILE):
        folder.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(_ROWS.dump_json(trained))
        temporary.chmod(0o600)
        temporary.replace(folder / FILE)


def kept_rows(folder: Path, classifier: str) -> TrainedRows | None:
    """The rows that a classifier was trained on; None where they are not known."""
    try:
        found = _ROWS.validate_json((folder / FILE).read_bytes())
    except (OSError, ValidationError):
        return None
    return found if found.classifier == classifier else None
