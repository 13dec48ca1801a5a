from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.commands.office import Office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A store with people of every role, and all commands over it."""
    with Office.open(tmp_path) as opened:
        yield opened
