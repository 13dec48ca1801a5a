"""What every section of the settings is, and the shapes that several of them share."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


class Section(BaseModel):
    """Frozen; a key that nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


def like(pattern: str, wanted: str) -> AfterValidator:
    """Let through an empty text and what a pattern matches; the error says what is wanted in words."""

    def check(value: str) -> str:
        if value and not re.fullmatch(pattern, value):
            raise ValueError(f"expected {wanted}")
        return value

    return AfterValidator(check)


Address = Annotated[str, like(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}", "HOST:PORT, such as 127.0.0.1:8765")]
Url = Annotated[str, like(r"https?://\S+", "an address that begins with http:// or https://")]
