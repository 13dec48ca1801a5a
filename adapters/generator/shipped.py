"""The base adapter that ships with the program: version 1 of the generator."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from adapters.layout import read_manifest

FOLDER: Final = Path(__file__).with_name("base")


def shipped_adapter(base: str) -> Path | None:
    """The shipped adapter's folder, if it was trained on this model.

    Args:
        base: Fingerprint of the generator's weights.
    """
    manifest = read_manifest(FOLDER)
    return FOLDER if manifest is not None and manifest.base == base else None
