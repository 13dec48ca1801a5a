"""What every section of the settings is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Frozen; a key that nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
