"""What a training of the generator stands on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from adapters.generator.prompt import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The model, the version that serves, and what must not be forgotten."""

    base: Path  # the generator's folder, as adapters.bases.resolve gave it
    source: str  # where that came from, for the adapter's card
    parent: Path | None  # folder of the version that serves; None for the bare model
    parent_name: str = ""  # its name
    # Questions with the lines that the bot reads for them; of the regression suite, never those that the gate asks.
    regression: tuple[tuple[str, Evidence], ...] = field(default=(), repr=False)
