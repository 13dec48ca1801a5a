"""The registry of adapter versions: which there are, which one serves, and which served before.

ROOT/TASK/NAME/        a version's folder, sealed by its manifest; never changed, its name never given again
ROOT/TASK/state.json   stages and the pointer to the active version; replaced in one rename
ROOT/TASK.lock         held while the state is being changed
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from filelock import FileLock

from adapters.errors import AdapterError
from adapters.layout import disk_errors, publish, read_manifest, verify
from adapters.types import AdapterVersion, Stage, Task

STATE_NAME: Final = "state.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """What state.json says."""

    count: int = 0  # versions ever added; the next one's number is one more
    active: str = ""  # "" for none
    served: tuple[str, ...] = ()  # those that were active before, oldest first
    stages: Mapping[str, str] = field(default_factory=dict)


class Registry:
    """Versions of each task's adapter under one folder; safe for several processes."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def versions(self, task: Task) -> tuple[AdapterVersion, ...]:
        """Every version of a task whose folder is complete, oldest first."""
        state = self._read(task)
        found = (self._version(task, name, state) for name in state.stages)
        return tuple(sorted((version for version in found if version), key=lambda version: version.number))

    def active(self, task: Task) -> AdapterVersion | None:
        """The version that serves; None if there is none."""
        state = self._read(task)
        return self._version(task, state.active, state) if state.active else None

    def add_candidate(self, task: Task, folder: Path) -> AdapterVersion:
        """Copy a sealed adapter folder in as a new candidate.

        Args:
            task: What the adapter is for.
            folder: As adapters.layout.seal_adapter completed it; it is left as it is.

        Raises:
            AdapterError: The folder is not complete, or it cannot be copied.
        """
        if (fault := verify(folder, full=True)) is not None:
            raise AdapterError(f"The adapter cannot be added: {fault}")
        with self._changing(task) as state:
            number = state.count + 1
            name = f"{task.value}-{number}"
            self._copy(folder, self._folder(task, name))
            added = replace(state, count=number, stages={**state.stages, name: Stage.CANDIDATE.value})
            self._write(task, added)
        return self._known(task, name)

    def promote(self, task: Task, name: str) -> AdapterVersion:
        """Make a version the active one; the one that served until now is retired and can be rolled back to.

        Raises:
            AdapterError: There is no such version, or its folder is damaged.
        """
        with self._changing(task) as state:
            if name not in state.stages:
                raise AdapterError(
                    f"There is no {task.value} version {name!r}; there are {', '.join(state.stages) or 'none'}."
                )
            if (fault := verify(self._folder(task, name))) is not None:
                raise AdapterError(f"{name} cannot serve: {fault}")
            served = tuple(one for one in state.served if one != name)
            if state.active and state.active != name:
                served = (*served, state.active)
            self._write(task, _with_active(state, name, served))
        return self._known(task, name)

    def rollback(self, task: Task) -> AdapterVersion:
        """Give the service back to the version that served before.

        Raises:
            AdapterError: None did.
        """
        with self._changing(task) as state:
            if not state.served:
                raise AdapterError(f"No earlier {task.value} version has served; there is nothing to roll back to.")
            *rest, name = state.served
            if (fault := verify(self._folder(task, name))) is not None:
                raise AdapterError(f"{name} cannot serve: {fault}")
            self._write(task, _with_active(state, name, tuple(rest)))
        return self._known(task, name)

    # -- disk

    def _folder(self, task: Task, name: str) -> Path:
        return self._root / task.value / name

    def _version(self, task: Task, name: str, state: _State) -> AdapterVersion | None:
        folder = self._folder(task, name)
        manifest = read_manifest(folder)
        if manifest is None:
            return None
        return AdapterVersion(
            task=task,
            name=name,
            number=int(name.rpartition("-")[2]),
            stage=Stage(state.stages[name]),
            folder=folder,
            base=manifest.base,
            fingerprint=manifest.fingerprint,
            source=manifest.source,
            created_at=datetime.fromisoformat(manifest.created_at),
        )

    def _known(self, task: Task, name: str) -> AdapterVersion:
        version = self._version(task, name, self._read(task))
        if version is None:
            raise AdapterError(f"The folder of {name} under {self._root} has no readable manifest; add it again.")
        return version

    def _read(self, task: Task) -> _State:
        path = self._root / task.value / STATE_NAME
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return _State(**{**content, "served": tuple(content["served"])})
        except FileNotFoundError:
            return _State()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise AdapterError(
                f"{path} cannot be read; restore it from a backup, or remove it to start anew."
            ) from error

    def _write(self, task: Task, state: _State) -> None:
        content = {"count": state.count, "active": state.active, "served": state.served, "stages": dict(state.stages)}
        folder = self._root / task.value
        with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".tmp", delete=False, encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(folder / STATE_NAME)

    def _copy(self, source: Path, target: Path) -> None:
        """A copy in a temporary folder, then one rename; what a killed run left there is removed first."""
        staged = target.with_name(f"{target.name}.staged")
        shutil.rmtree(staged, ignore_errors=True)
        shutil.copytree(source, staged)
        publish(staged, target)

    @contextmanager
    def _changing(self, task: Task) -> Iterator[_State]:
        with disk_errors("change the adapter versions", self._root):
            (self._root / task.value).mkdir(parents=True, exist_ok=True)
            with FileLock(self._root / f"{task.value}.lock"):
                yield self._read(task)


def _with_active(state: _State, name: str, served: tuple[str, ...]) -> _State:
    stages = {**state.stages, name: Stage.ACTIVE.value}
    if state.active and state.active != name:
        stages[state.active] = Stage.RETIRED.value
    return replace(state, active=name, served=served, stages=stages)
