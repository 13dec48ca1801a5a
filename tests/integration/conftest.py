from __future__ import annotations

from tests.terminals import here

__all__ = ["here"]
