"""Where an adapter version came from: kept in its folder, sealed with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from filelock import FileLock

from adapters.errors import AdapterError
from adapters.examples import RatingId
from adapters.layout import disk_errors, read_manifest, record_files, write_manifest
from adapters.registry_state import write_whole

LINEAGE_NAME: Final = "lineage.json"
REPORT_NAME: Final = "report.json"
ERASED_NAME: Final = "erased.json"  # in the registry's folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """What a version was made of."""

    ratings: tuple[RatingId, ...] = field(repr=False)  # that it learned from, sorted
    examples_digest: str  # adapters.examples.Examples.digest
    parent: str  # name of the version that it went on from; "" for none
    base: str  # fingerprint of the model below
    code: str  # version of the program that trained it
    seed: int
    run: int = 0  # id of the run that made it; 0 for none


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something in which two versions differ, as text."""

    what: str  # "parent", "ratings only here", "report.gain"
    first: str  # "" where the first version has no such thing
    second: str


def read_lineage(folder: Path) -> Lineage | None:
    """Read a version's lineage; None for one that no run made.

    Raises:
        AdapterError: It cannot be read.
    """
    content = read_json(folder / LINEAGE_NAME)
    if content is None:
        return None
    try:
        return Lineage(**{**content, "ratings": tuple(content["ratings"])})
    except (KeyError, TypeError) as error:
        raise AdapterError(f"{folder / LINEAGE_NAME} is not of a form that this version of Burnish knows.") from error


def seal_origin(folder: Path, lineage: Lineage | None, report: Mapping[str, Any] | None) -> None:
    """Put lineage and report into a sealed folder of which nobody knows yet; its fingerprint stays that of the weights.

    Args:
        folder: A copy in the making.
        lineage: None to leave it out.
        report: None to leave it out.
    """
    manifest = read_manifest(folder)
    if manifest is None or (lineage is None and report is None):
        return
    if lineage is not None:
        (folder / LINEAGE_NAME).write_text(json_text(asdict(lineage)), encoding="utf-8")
    if report is not None:
        (folder / REPORT_NAME).write_text(json_text(report), encoding="utf-8")
    write_manifest(folder, replace(manifest, files=record_files(folder)))


def read_erased(root: Path) -> frozenset[RatingId]:
    """Ids of the ratings that versions must not have learned from any more."""
    content = read_json(root / ERASED_NAME)
    return frozenset(content["ratings"]) if content else frozenset()


def erased_at(root: Path) -> datetime | None:
    """When ratings were last added to those; None if none ever were, or an older program did not note it."""
    content = read_json(root / ERASED_NAME) or {}
    return datetime.fromisoformat(content["at"]) if "at" in content else None


def remember_erased(root: Path, ratings: frozenset[RatingId], *, at: datetime) -> None:
    """Add to the ratings that versions must not have learned from any more.

    Args:
        root: The registry's folder.
        ratings: Those of somebody who is forgotten.
        at: Now, aware.

    Raises:
        AdapterError: The disk is full, or the folder cannot be written.
    """
    with disk_errors("change the adapter versions", root):
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / "erased.lock"):
            known = sorted(read_erased(root) | ratings)
            write_whole(root / ERASED_NAME, json_text({"ratings": known, "at": at.isoformat()}))


def json_text(content: Mapping[str, Any]) -> str:
    """An object as it stands on the disk."""
    return json.dumps(dict(content), ensure_ascii=False, indent=2) + "\n"


def read_json(path: Path) -> dict[str, Any] | None:
    """Read a JSON object; None where there is no such file.

    Raises:
        AdapterError: It cannot be read, or is something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise AdapterError(f"{path} cannot be read.") from error
    if not isinstance(content, dict):
        raise AdapterError(f"{path} holds no JSON object.")
    return content


def differences(
    first: tuple[Lineage | None, Mapping[str, Any] | None], second: tuple[Lineage | None, Mapping[str, Any] | None]
) -> tuple[Difference, ...]:
    """In what two versions' lineages and reports differ, in the order of their fields."""
    one, two = _facts(*first), _facts(*second)
    there = [set(lineage.ratings) if lineage else set() for lineage in (first[0], second[0])]
    only = Difference(
        what="ratings only here", first=str(len(there[0] - there[1])), second=str(len(there[1] - there[0]))
    )
    found = [
        Difference(what=what, first=one.get(what, ""), second=two.get(what, ""))
        for what in dict.fromkeys([*one, *two])
        if one.get(what) != two.get(what)
    ]
    return tuple(found if there[0] == there[1] else [*found, only])


def _facts(lineage: Lineage | None, report: Mapping[str, Any] | None) -> dict[str, str]:
    facts = {} if lineage is None else {**asdict(lineage), "ratings": len(lineage.ratings)}
    return {name: str(value) for name, value in facts.items()} | dict(_leaves("report", report or {}))


def _leaves(name: str, content: object) -> list[tuple[str, str]]:
    """The numbers and truth values of a report, by their dotted names; texts and lists are left out."""
    if isinstance(content, Mapping):
        return [leaf for key, value in content.items() for leaf in _leaves(f"{name}.{key}", value)]
    if isinstance(content, float):
        return [(name, f"{content:.4g}")]
    return [(name, str(content))] if isinstance(content, bool | int) else []
