from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.frontends.telegram.helpdesk import Helpdesk, helpdesk


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Helpdesk]:
    """A bot that is running."""
    async with helpdesk(tmp_path) as office:
        await office.start()
        yield office
