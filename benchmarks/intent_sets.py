"""The public sets of intents as the benchmark splits them.

Where a set's folder holds test.jsonl.gz (and oos_test.jsonl.gz), these are the test side and every other row trains.
Else the test side is the share of the rows that `training.splits` puts there by the hash of the text.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from adapters.intent.config import OUT_OF_SCOPE
from adapters.types import LabelledText
from training.splits import fold_order, normalised, split_of
from training.types import Split

DATA: Final = Path(os.environ.get("BENCH_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
SETS: Final = ("clinc150", "banking77", "banking77_oos", "hwu64", "smp_ecdt_zh")
FEW_SHOT_SETS: Final = ("clinc150-10shot", "banking77-10shot")
SHOTS: Final = 10  # training rows a label in the few-shot sets
FEW_SHOT: Final = "-10shot"
QUICK_OUTSIDE: Final = 60  # out-of-scope rows of a set that is cut short
TEST_SHARE: Final = 0.15  # of the visible rows, where there is no test file


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideRow:
    """A text that belongs to no label of its set."""

    text: str
    kind: str  # "near" or "far" where the set says so, else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentSet:
    """One set, split."""

    name: str
    language: str  # "en" or "zh": which encoder reads it
    official: bool  # whether the test side is the set's own
    train: tuple[LabelledText, ...]  # all that may be trained, stopped or calibrated on
    test: tuple[LabelledText, ...]
    outside_train: tuple[OutsideRow, ...]  # out-of-scope rows that may be trained on
    outside_test: tuple[OutsideRow, ...]  # and those that may not
    test_share: float  # of the hash, that `train` has no rows in

    @property
    def side(self) -> str:
        """What the test side is, in words."""
        return "official test" if self.official else "own test side"


def load(name: str, *, limit: int = 0) -> IntentSet:
    """Read a set and split it.

    Args:
        name: One of SETS or FEW_SHOT_SETS.
        limit: Keep only this many of its labels, and few out-of-scope rows; 0 for all.
    """
    folder = DATA / name.removesuffix(FEW_SHOT)
    rows = _rows(folder / "intents.jsonl.gz")
    if limit:
        kept = set(sorted({row.label for row in rows})[:limit])
        rows = tuple(row for row in rows if row.label in kept)
    outside = _outside(folder / "oos.jsonl.gz")
    outside = outside[:: max(1, len(outside) // QUICK_OUTSIDE)] if limit else outside
    official = (folder / "test.jsonl.gz").is_file()
    share = 0.0 if official else TEST_SHARE
    if official:
        labels = {row.label for row in rows}
        test = tuple(row for row in _rows(folder / "test.jsonl.gz", unique=False) if row.label in labels)
        found = IntentSet(
            name=name,
            language="zh" if name.endswith("_zh") else "en",
            official=True,
            train=rows,
            test=test,
            outside_train=outside,
            outside_test=_outside(folder / "oos_test.jsonl.gz"),
            test_share=share,
        )
    else:
        found = IntentSet(
            name=name,
            language="zh" if name.endswith("_zh") else "en",
            official=False,
            train=tuple(row for row in rows if not _is_test(row.text, share)),
            test=tuple(row for row in rows if _is_test(row.text, share)),
            outside_train=tuple(row for row in outside if not _is_test(row.text, share)),
            outside_test=tuple(row for row in outside if _is_test(row.text, share)),
            test_share=share,
        )
    return replace(found, train=few_of_each(found.train, SHOTS)) if name.endswith(FEW_SHOT) else found


def few_of_each(rows: Sequence[LabelledText], count: int) -> tuple[LabelledText, ...]:
    """The first rows of each label in an order that the texts' hashes give."""
    seen: dict[str, int] = {}
    kept: list[LabelledText] = []
    for row in sorted(rows, key=lambda row: fold_order(row.text)):
        seen[row.label] = seen.get(row.label, 0) + 1
        if seen[row.label] <= count:
            kept.append(row)
    return tuple(kept)


def as_rows(outside: Sequence[OutsideRow]) -> tuple[LabelledText, ...]:
    """Out-of-scope rows with their label."""
    return tuple(LabelledText(text=row.text, label=OUT_OF_SCOPE) for row in outside)


def _is_test(text: str, share: float) -> bool:
    return split_of(text, dev_share=0.0, test_share=share) is Split.TEST


def _rows(path: Path, *, unique: bool = True) -> tuple[LabelledText, ...]:
    """Labelled rows; a few texts of the public sets occur twice, with two labels: the first counts."""
    first: dict[str, LabelledText] = {}
    for number, record in enumerate(_records(path)):
        row = LabelledText(text=record["text"], label=record["intent"])
        if row.text.strip():
            first.setdefault(normalised(row.text) if unique else str(number), row)
    return tuple(first.values())


def _outside(path: Path) -> tuple[OutsideRow, ...]:
    kinds = {"id-oos": "near", "ood-oos": "far"}
    if not path.is_file():
        return ()
    return tuple(OutsideRow(text=record["text"], kind=_kind(record, kinds)) for record in _records(path))


def _kind(record: dict[str, str], kinds: dict[str, str]) -> str:
    split = record.get("split", "")
    return next((kind for key, kind in kinds.items() if split.startswith(key)), "")


def _records(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]
