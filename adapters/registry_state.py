"""What state.json of a task says: the stages, and the pointer to what serves."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from adapters.errors import AdapterError, MovedError
from adapters.types import Stage, Task

if TYPE_CHECKING:
    from adapters.lineage import Lineage

STATE_NAME: Final = "state.json"
FORGOTTEN: Final = "learned from somebody who is forgotten since"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A task's versions; a field that an older file lacks has its default."""

    count: int = 0  # names ever given; the next one's number is one more
    active: str = ""  # "" for none
    canary: str = ""  # "" for none
    served: tuple[str, ...] = ()  # those that were active before, oldest first; "" where none was
    stages: Mapping[str, str] = field(default_factory=dict)
    since: Mapping[str, str] = field(default_factory=dict)  # when a version came to its stage, ISO 8601
    reasons: Mapping[str, str] = field(default_factory=dict)  # why a version was turned down
    stale: tuple[str, ...] = ()  # those that learned from somebody who is forgotten
    down: tuple[str, ...] = ()  # those that served and were rolled back, oldest first
    came_back: bool = False  # what serves was brought back by a rollback

    def with_stage(self, name: str, stage: Stage, now: datetime) -> State:
        """The state with a version at another stage."""
        return replace(
            self,
            stages={**self.stages, name: stage.value},
            since={**self.since, name: now.isoformat()},
        )

    def with_canary(self, name: str, now: datetime) -> State:
        """The state with another canary, "" for none; the one before is a candidate again."""
        state = self
        if state.canary and state.canary != name:
            state = state.with_stage(state.canary, Stage.CANDIDATE, now)
        return replace(state.with_stage(name, Stage.CANARY, now) if name else state, canary=name)

    def with_active(self, name: str, served: tuple[str, ...], now: datetime) -> State:
        """The state with another version serving, "" for none.

        No canary outlives the version that it is compared with: it is a candidate again, unless it is the one.
        """
        state = replace(self, canary="") if self.canary == name else self.with_canary("", now)
        if state.active and state.active != name:
            state = state.with_stage(state.active, Stage.RETIRED, now)
        if name:
            state = state.with_stage(name, Stage.ACTIVE, now)
        return replace(state, active=name, served=served, came_back=False)

    def with_rejected(self, name: str, reason: str, now: datetime) -> State:
        """The state with a version turned down, for a reason in plain words."""
        return replace(self.with_stage(name, Stage.REJECTED, now), reasons={**self.reasons, name: reason})

    def with_stale(self, names: Sequence[str], now: datetime) -> State:
        """The state with more versions that learned from somebody who is forgotten.

        None of them is gone back to, tried out, or waits to serve; one that serves everybody still does.
        """
        canary = "" if self.canary in names else self.canary
        served = tuple(one for one in self.served if one not in names)
        state = replace(self, stale=(*self.stale, *names), canary=canary, served=served)
        for name in names:
            if state.stages[name] in {Stage.CANDIDATE, Stage.CANARY}:
                state = state.with_rejected(name, FORGOTTEN, now)
        return state

    def refuse_unknown(self, task: Task, name: str) -> None:
        """Stop where there is no such version.

        Raises:
            AdapterError: There is none.
        """
        if name not in self.stages:
            known = ", ".join(self.stages) or "none"
            raise AdapterError(f"There is no {task.value} version {name!r}; there are {known}.")

    def refuse_stale(self, name: str) -> None:
        """Stop where a version that does not serve is to, and must not any more.

        Raises:
            AdapterError: It must not.
        """
        if name in self.stale and name != self.active:
            raise AdapterError(f"{name} cannot serve: it {FORGOTTEN}.")

    def refuse_moved(self, name: str, was: Stage | None) -> None:
        """Stop where a version is at another stage than it was found at; None for any.

        Raises:
            MovedError: It is.
        """
        if was is not None and self.stages.get(name) != was.value:
            raise MovedError(f"{name} is not {was.value} any more: somebody was quicker.")

    def superfluous(self, keep: int | None, lineages: Mapping[str, Lineage | None]) -> frozenset[str]:
        """The versions that nobody will want back; see Registry.prune.

        Args:
            keep: How many of those that served before, and of those that were rolled back, >= 0; None for all that may.
            lineages: Of all versions; None for one that no run made.
        """
        to_erase = frozenset(self.stale) - {self.active}
        if keep is None:
            return to_erase
        kept = {self.active, self.canary, *(one for past in (self.served, self.down) for one in past[-keep:] if keep)}
        candidates = [name for name, stage in self.stages.items() if stage == Stage.CANDIDATE.value]
        kept |= {max(candidates, key=number_in)} if candidates else set()
        kept |= {lineage.parent for name, lineage in lineages.items() if lineage and name in kept}
        kept |= {name for name, lineage in lineages.items() if lineage is None and number_in(name) == 1}
        return (frozenset(self.stages) - kept) | to_erase

    def without(self, names: frozenset[str]) -> State:
        """The state without some versions."""

        def rest(known: Mapping[str, str]) -> dict[str, str]:
            return {name: value for name, value in known.items() if name not in names}

        return replace(
            self,
            served=tuple(name for name in self.served if name not in names),
            down=tuple(name for name in self.down if name not in names),
            stages=rest(self.stages),
            since=rest(self.since),
            reasons=rest(self.reasons),
            stale=tuple(name for name in self.stale if name not in names),
        )


def number_in(name: str) -> int:
    """The number in a version's name; 0 for another name."""
    number = name.partition(".")[0].rpartition("-")[2]
    return int(number) if number.isdecimal() else 0


def read_state(folder: Path) -> State:
    """Read a task's state; an empty one where there is none yet.

    Raises:
        AdapterError: The file cannot be read.
    """
    path = folder / STATE_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        tuples = {name: tuple(content[name]) for name in ("served", "stale", "down") if name in content}
        return State(**{**content, **tuples})
    except FileNotFoundError:
        return State()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AdapterError(f"{path} cannot be read; restore it from a backup, or remove it to start anew.") from error


def write_state(folder: Path, state: State) -> None:
    """Put a task's state in place in one step."""
    write_whole(folder / STATE_NAME, json.dumps(asdict(state), indent=2))


def state_stamp(folder: Path) -> str:
    """What changes when the state does; "" where there is none."""
    try:
        return hashlib.sha256((folder / STATE_NAME).read_bytes()).hexdigest()
    except OSError:
        return ""


def write_whole(path: Path, text: str) -> None:
    """Put a file in place in one step, on the disk before it has its name."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".tmp", delete=False, encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
