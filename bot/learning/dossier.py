"""What is known of a version, put together for whoever decides about it. Blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from adapters.errors import AdapterError
from adapters.lineage import Lineage
from adapters.registry import Registry
from adapters.types import AdapterVersion, Task
from bot.learning.held_out import rater_of
from bot.learning.types import task_of
from bot.learning.verdicts import reason_lines
from training.report import Report, from_json

TRAINING = "training"  # the part of a report that says how training went


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """A version with where it came from and what was found of it."""

    version: AdapterVersion
    lineage: Lineage | None = None  # None: no run here made it
    report: Report | None = None  # None: it was compared with nothing, or its report is of another form
    numbers: tuple[tuple[str, str], ...] = ()  # what else was measured, by dotted names
    torn: bool = False  # its origin or its report cannot be read

    @property
    def ratings(self) -> int:
        """How many ratings it learned from."""
        return 0 if self.lineage is None else len(self.lineage.ratings)

    @property
    def people(self) -> int:
        """From how many people those are."""
        return 0 if self.lineage is None else len({rater_of(one) for one in self.lineage.ratings})

    def reasons(self, language: str) -> tuple[str, ...]:
        """Why the gate decided as it did, in sentences."""
        return () if self.report is None else reason_lines(self.report.decision.reasons, language)


def dossier(registry: Registry, name: str) -> Dossier:
    """Read all about one version.

    Raises:
        LearningError: No version is called so.
        AdapterError: There is no such version.
    """
    return _read(registry, registry.version(task_of(name), name))


def dossiers(registry: Registry, task: Task) -> tuple[Dossier, ...]:
    """Read all about every version of a task, the newest first."""
    return tuple(_read(registry, one) for one in reversed(registry.versions(task)))


def can_go_back(registry: Registry, task: Task) -> bool:
    """Whether a version served before, or what came with the program did."""
    if registry.served(task):
        return True
    try:
        active = registry.active(task)
        return active is not None and registry.lineage(task, active.name) is not None
    except AdapterError:  # what should serve is torn: all the more reason to go back
        return True


def serves(registry: Registry, name: str) -> bool:
    """Whether a version serves everybody; one that should and is torn does not.

    Raises:
        LearningError: No version is called so.
    """
    task = task_of(name)
    try:
        active = registry.active(task)
    except AdapterError:
        return False
    return active is not None and active.name == name


def numbers_of(content: Mapping[str, Any], name: str = "") -> list[tuple[str, str]]:
    """The numbers of a report by their dotted names; never its texts, which may be people's."""
    found: list[tuple[str, str]] = []
    for key, value in content.items():
        dotted = f"{name}.{key}" if name else key
        if isinstance(value, Mapping):
            found += numbers_of(value, dotted)
        elif isinstance(value, int | float):
            found.append((dotted, f"{value:.4g}" if isinstance(value, float) else str(value)))
    return found


def _read(registry: Registry, version: AdapterVersion) -> Dossier:
    try:
        lineage = registry.lineage(version.task, version.name)
        content = registry.report(version.task, version.name) or {}
    except AdapterError:
        return Dossier(version=version, torn=True)
    report = _report(content)
    shown = content if report is None else content.get(TRAINING, {})
    return Dossier(version=version, lineage=lineage, report=report, numbers=tuple(numbers_of(shown)))


def _report(content: Mapping[str, Any]) -> Report | None:
    try:
        return from_json(content) if content else None
    except ValidationError:  # written by hand, or by an older program
        return None
