"""The registry of adapter versions: which there are, which one serves, and which served before.

ROOT/TASK/NAME/              a version's folder, sealed by its manifest; never changed, its name never given again
ROOT/TASK/NAME.report.json   what the gate found, where that came after the folder was sealed
ROOT/TASK/state.json         stages and the pointer to the active version; replaced in one rename
ROOT/TASK.lock               held while the state is being changed
ROOT/erased.json             ids of ratings whose people are forgotten; ids are never given again

A name is taken in state.json before its folder is there, and a version is struck out there after its folder is gone; a
version is what stands in both. Killed in between, the rest is cleared away when the next one is added.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from filelock import FileLock

from adapters.errors import AdapterError
from adapters.examples import RatingId
from adapters.layout import disk_errors, publish, read_manifest, verify
from adapters.lineage import (
    REPORT_NAME,
    Difference,
    Lineage,
    differences,
    erased_at,
    json_text,
    read_erased,
    read_json,
    read_lineage,
    remember_erased,
    seal_origin,
)
from adapters.registry_state import STATE_NAME, State, number_in, read_state, state_stamp, write_state, write_whole
from adapters.types import AdapterVersion, Stage, Task

__all__ = ["STATE_NAME", "Difference", "Lineage", "Registry"]

_STAGED: Final = ".staged"  # a folder in the making
_PRUNED: Final = ".pruned"  # one that is being removed


class Registry:
    """Versions of each task's adapter under one folder; safe for several processes."""

    def __init__(self, root: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Keep the folder.

        Args:
            root: Made if need be.
            clock: Dates the stages.
        """
        self._root = root
        self._clock = clock

    # -- what there is

    def versions(self, task: Task) -> tuple[AdapterVersion, ...]:
        """Every version of a task whose folder is complete, oldest first."""
        state = self._read(task)
        found = (self._version(task, name, state) for name in state.stages)
        return tuple(sorted((version for version in found if version), key=lambda version: version.number))

    def active(self, task: Task) -> AdapterVersion | None:
        """The version that serves; None if there is none.

        Raises:
            AdapterError: There is one, and its folder is not complete.
        """
        state = self._read(task)
        return self._known(task, state.active, state) if state.active else None

    def canary_of(self, task: Task) -> AdapterVersion | None:
        """The version that serves a share of the conversations; None if there is none.

        Raises:
            AdapterError: There is one, and its folder is not complete.
        """
        state = self._read(task)
        return self._known(task, state.canary, state) if state.canary else None

    def served(self, task: Task) -> tuple[AdapterVersion, ...]:
        """The versions that a rollback can go back to, the next one first; up to where none served."""
        state = self._read(task)
        found = (self._version(task, name, state) for name in itertools.takewhile(bool, reversed(state.served)))
        return tuple(version for version in found if version)

    def came_back(self, task: Task) -> bool:
        """Whether what serves was brought back by a rollback, and not promoted."""
        return self._read(task).came_back

    def version(self, task: Task, name: str) -> AdapterVersion:
        """One version.

        Raises:
            AdapterError: There is no such version, or its folder is not complete.
        """
        state = self._read(task)
        state.refuse_unknown(task, name)
        return self._known(task, name, state)

    def stamp(self, task: Task) -> str:
        """What changes when a task's state does; cheap to ask for again and again."""
        return state_stamp(self._root / task.value)

    def lineage(self, task: Task, name: str) -> Lineage | None:
        """Where a version came from; None if no run made it."""
        return read_lineage(self.version(task, name).folder)

    def report(self, task: Task, name: str) -> Mapping[str, Any] | None:
        """What the gate found of a version; None if it was never asked."""
        folder = self.version(task, name).folder
        beside = read_json(self._report_beside(task, name))
        return read_json(folder / REPORT_NAME) if beside is None else beside

    def diff(self, task: Task, first: str, second: str) -> tuple[Difference, ...]:
        """In what the lineages and reports of two versions differ."""
        one, two = ((self.lineage(task, name), self.report(task, name)) for name in (first, second))
        return differences(one, two)

    # -- what becomes of them

    def add_candidate(
        self,
        task: Task,
        folder: Path,
        *,
        lineage: Lineage | None = None,
        report: Mapping[str, Any] | None = None,
    ) -> AdapterVersion:
        """Copy a sealed adapter folder in as a new candidate.

        Args:
            task: What the adapter is for.
            folder: As adapters.layout.seal_adapter completed it; it is left as it is.
            lineage: Where it came from; None for one that no run made.
            report: What the gate found, if it is known by now.

        Raises:
            AdapterError: The folder is not complete, or it cannot be copied.
        """
        if (fault := verify(folder, full=True)) is not None:
            raise AdapterError(f"The adapter cannot be added: {fault}")
        with self._changing(task) as state:
            number = 1 + max(state.count, *(number_in(path.name) for path in self._folders(task)), 0)
            name = f"{task.value}-{number}"
            taken = replace(self._swept(task, state), count=number)
            added = taken.with_stage(name, Stage.CANDIDATE, self._clock())
            if lineage is not None and self.has_forgotten(lineage.ratings):
                added = replace(added, stale=(*added.stale, name))
            self._write(task, added)
            staged = self._folder(task, name).with_name(name + _STAGED)
            shutil.copytree(folder, staged)
            seal_origin(staged, lineage, report)
            publish(staged, self._folder(task, name))
        return self._known(task, name, added)

    def add_report(self, task: Task, name: str, report: Mapping[str, Any]) -> None:
        """Keep what the gate found of a version, in place of what it found before.

        Raises:
            AdapterError: There is no such version.
        """
        with self._changing(task) as state:
            state.refuse_unknown(task, name)
            write_whole(self._report_beside(task, name), json_text(report))

    def canary(self, task: Task, name: str, *, was: Stage | None = None) -> AdapterVersion:
        """Let a version serve a share of the conversations; a canary before it is a candidate again.

        Raises:
            AdapterError: There is no such version, its folder is damaged, or it serves everybody.
            MovedError: It is not at the stage any more that it was at.
        """
        with self._changing(task) as state:
            state.refuse_moved(name, was)
            self._refuse_unfit(task, name, state)
            state.refuse_stale(name)
            if name == state.active:
                raise AdapterError(f"{name} serves everybody; only another version can be tried out beside it.")
            changed = state.with_canary(name, self._clock())
            self._write(task, changed)
        return self._known(task, name, changed)

    def promote(self, task: Task, name: str, *, was: Stage | None = None) -> AdapterVersion:
        """Make a version the active one; the one that served until now is retired and can be rolled back to.

        Raises:
            AdapterError: There is no such version, or its folder is damaged.
            MovedError: It is not at the stage any more that it was at.
        """
        with self._changing(task) as state:
            state.refuse_moved(name, was)
            self._refuse_unfit(task, name, state)
            state.refuse_stale(name)
            served = tuple(one for one in state.served if one != name)
            # Before the first version that was trained here nothing served, and that can be gone back to.
            trained = self._lineage(task, name) is not None
            if state.active != name and (state.active or trained) and state.active not in state.stale:
                served = (*served, state.active)
            changed = state.with_active(name, served, self._clock())
            reasons = {key: why for key, why in changed.reasons.items() if key != name}
            changed = replace(changed, reasons=reasons, down=tuple(one for one in changed.down if one != name))
            self._write(task, changed)
        return self._known(task, name, changed)

    def reject(self, task: Task, name: str, reason: str, *, was: Stage | None = None) -> AdapterVersion:
        """Turn a version down that does not serve everybody.

        Args:
            task: What the adapter is for.
            name: A candidate, or the canary.
            reason: In plain words.
            was: The stage that it must still be at; None for any.

        Raises:
            AdapterError: There is no such version, or it serves everybody.
            MovedError: It is not at that stage any more.
        """
        with self._changing(task) as state:
            state.refuse_moved(name, was)
            state.refuse_unknown(task, name)
            if name == state.active:
                raise AdapterError(f"{name} serves; roll back to the version before it instead.")
            kept = "" if state.canary == name else state.canary
            changed = replace(state, canary=kept).with_rejected(name, reason, self._clock())
            self._write(task, changed)
        return self._known(task, name, changed)

    def rollback(self, task: Task, *, reason: str = "", of: str = "") -> AdapterVersion | None:
        """Give the service back to the version that served before.

        Args:
            task: What the adapter is for.
            reason: Why the one that serves is turned down; "" for a change of mind: it is retired.
            of: The version that must still serve; "" for any.

        Returns:
            What serves now; None if nothing did before the first trained version.

        Raises:
            AdapterError: None did, or the folders of those that did are damaged.
            MovedError: Another version serves.
        """
        with self._changing(task) as state:
            state.refuse_moved(of, Stage.ACTIVE if of else None)
            rest = self._sound(task, state.served)
            if not rest:
                raise AdapterError(f"No earlier {task.value} version has served; there is nothing to roll back to.")
            *rest, name = rest
            changed = state.with_active(name, tuple(rest), self._clock())
            down = (*changed.down, state.active) if state.active else changed.down
            changed = replace(changed, came_back=True, down=down)
            if reason and state.active:
                changed = changed.with_rejected(state.active, reason, self._clock())
            self._write(task, changed)
        return self._known(task, name, changed) if name else None

    def renounce(self, task: Task) -> AdapterVersion | None:
        """Let what serves go if it learned from somebody who is forgotten: the last one before it that did not serves.

        Returns:
            What serves then; None if no version does.
        """
        with self._changing(task) as state:
            if state.active not in state.stale:
                return self._known(task, state.active, state) if state.active else None
            rest = self._sound(task, state.served)
            name = rest[-1] if rest else ""
            changed = replace(state.with_active(name, tuple(rest[:-1]), self._clock()), came_back=True)
            self._write(task, changed)
        return self._known(task, name, changed) if name else None

    def retire(self, task: Task) -> None:
        """Let no version serve, as before the first one; a rollback undoes it."""
        with self._changing(task) as state:
            if state.active:
                self._write(task, state.with_active("", (*state.served, state.active), self._clock()))

    def prune(self, task: Task, keep: int | None) -> tuple[str, ...]:
        """Remove versions that nobody will want back.

        Kept are the active one, the canary, the newest candidate, those that served last, those that were rolled back
        last, the parents of all these, and the first version if it was not trained here: it came with the program. What
        learned from somebody who is forgotten goes in any case, unless it still serves.

        Args:
            task: What the adapters are for.
            keep: How many of those that served before, and of those that were rolled back, >= 0; None for all that may.

        Returns:
            Their names.
        """
        with self._changing(task) as found:
            state = self._swept(task, found)
            gone = state.superfluous(keep, {name: self._lineage(task, name) for name in state.stages})
            for name in gone:
                self._folder(task, name).rename(self._folder(task, name).with_name(name + _PRUNED))
            self._write(task, self._swept(task, state))
        return tuple(sorted(gone, key=number_in))

    def mark_stale(self, ratings: Collection[RatingId]) -> tuple[str, ...]:
        """Mark the versions that learned from some ratings, because who gave them is to be forgotten.

        None of them is gone back to or tried out from then on; one that serves everybody does so until `renounce`, or
        until another one is promoted.

        Returns:
            Their names, of all tasks; those that were marked before are not among them.
        """
        marked: list[str] = []
        if not ratings:
            return ()
        erased = frozenset(ratings)
        remember_erased(
            self._root, erased, at=self._clock()
        )  # a run that goes on now may add a version that learned from them
        for task in Task:
            with self._changing(task) as state:
                lineages = ((name, self._lineage(task, name)) for name in state.stages if name not in state.stale)
                names = [name for name, lineage in lineages if lineage and not erased.isdisjoint(lineage.ratings)]
                if names:
                    self._write(task, state.with_stale(names, self._clock()))
                marked += names
        return tuple(marked)

    def has_forgotten(self, ratings: Collection[RatingId]) -> bool:
        """Whether `mark_stale` was told of some of these ratings."""
        return not read_erased(self._root).isdisjoint(ratings)

    def forgot_since(self, moment: datetime) -> bool:
        """Whether `mark_stale` was told of ratings since a time."""
        last = erased_at(self._root)
        return last is not None and last >= moment

    # -- disk

    def _lineage(self, task: Task, name: str) -> Lineage | None:
        return read_lineage(self._folder(task, name))

    def _folder(self, task: Task, name: str) -> Path:
        return self._root / task.value / name

    def _folders(self, task: Task) -> list[Path]:
        return [path for path in (self._root / task.value).iterdir() if path.is_dir()]

    def _report_beside(self, task: Task, name: str) -> Path:
        return self._root / task.value / f"{name}.{REPORT_NAME}"

    def _version(self, task: Task, name: str, state: State) -> AdapterVersion | None:
        folder = self._folder(task, name)
        manifest = read_manifest(folder)
        if manifest is None:
            return None
        since = state.since.get(name)
        return AdapterVersion(
            task=task,
            name=name,
            number=number_in(name),
            stage=Stage(state.stages[name]),
            folder=folder,
            base=manifest.base,
            fingerprint=manifest.fingerprint,
            source=manifest.source,
            created_at=datetime.fromisoformat(manifest.created_at),
            since=datetime.fromisoformat(since) if since else None,
            reason=state.reasons.get(name, ""),
            stale=name in state.stale,
        )

    def _known(self, task: Task, name: str, state: State) -> AdapterVersion:
        version = self._version(task, name, state)
        if version is None:
            raise AdapterError(f"The folder of {name} under {self._root} has no readable manifest; add it again.")
        return version

    def _sound(self, task: Task, served: tuple[str, ...]) -> list[str]:
        """The versions that served, without those whose folders are damaged."""
        return [name for name in served if not name or verify(self._folder(task, name), full=True) is None]

    def _refuse_unfit(self, task: Task, name: str, state: State) -> None:
        state.refuse_unknown(task, name)
        if (fault := verify(self._folder(task, name), full=True)) is not None:
            raise AdapterError(f"{name} cannot serve: {fault}")

    def _read(self, task: Task) -> State:
        return read_state(self._root / task.value)

    def _write(self, task: Task, state: State) -> None:
        write_state(self._root / task.value, state)

    def _swept(self, task: Task, state: State) -> State:
        """Clear away what killed or pruned versions left; gives the state without those that have no folder."""
        there = {path.name for path in self._folders(task)}
        state = state.without(frozenset(state.stages) - there - {state.active, state.canary})
        known = {STATE_NAME, *(f"{name}.{REPORT_NAME}" for name in state.stages)}
        for path in (self._root / task.value).iterdir():
            if path.suffix in {_STAGED, _PRUNED}:
                shutil.rmtree(path)
            elif path.is_file() and path.name not in known:
                path.unlink()
        return state

    @contextmanager
    def _changing(self, task: Task) -> Iterator[State]:
        with disk_errors("change the adapter versions", self._root):
            (self._root / task.value).mkdir(parents=True, exist_ok=True)
            with FileLock(self._root / f"{task.value}.lock"):
                yield self._read(task)
