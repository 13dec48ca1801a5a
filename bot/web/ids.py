"""Ids in addresses."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

RowId = Annotated[int, Path(ge=0, le=2**63 - 1)]  # what a database takes; a larger number fails in its driver
