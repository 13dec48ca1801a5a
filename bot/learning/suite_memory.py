"""Remembers what held of the regression suite, so that the same versions are not asked the same again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from adapters.layout import disk_errors

KEPT: Final = 16  # sets of versions: those that serve and served, and the candidates of the last runs
_KNOWN: Final[TypeAdapter[dict[str, tuple[bool, ...]]]] = TypeAdapter(dict[str, tuple[bool, ...]])


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteMemory:
    """A file with whether each case held, by everything that decides about it; no words of anybody are in it."""

    path: Path

    def held(self, key: str, *, cases: int) -> tuple[bool, ...] | None:
        """Whether each case held; None if that is not known."""
        found = self._known().get(key)
        return found if found is not None and len(found) == cases else None

    def keep(self, key: str, held: Iterable[bool]) -> None:
        """Note whether each case held.

        Raises:
            AdapterError: The file cannot be written.
        """
        known = {**self._known(), key: tuple(held)}
        temporary = self.path.with_name(f".{self.path.name}.new")
        with disk_errors("write what the regression suite gave", self.path):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary.write_bytes(_KNOWN.dump_json(dict(list(known.items())[-KEPT:])))
            temporary.replace(self.path)

    def _known(self) -> dict[str, tuple[bool, ...]]:
        try:
            return _KNOWN.validate_json(self.path.read_bytes())
        except (OSError, ValidationError):  # none yet, or torn: it is asked again
            return {}


def key_of(parts: Iterable[object]) -> str:
    """What names everything that decides how the suite is answered."""
    return hashlib.sha256(repr(tuple(parts)).encode()).hexdigest()


def folder_digest(folder: Path) -> str:
    """What is in a folder: names and contents of all files."""
    digest = hashlib.sha256()
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        digest.update(f"{path.relative_to(folder)}\n{path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
