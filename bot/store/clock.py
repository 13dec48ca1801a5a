"""The time, as an argument."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]  # gives an aware time


def utc_now() -> datetime:
    """The time of this machine, in UTC."""
    return datetime.now(tz=UTC)
