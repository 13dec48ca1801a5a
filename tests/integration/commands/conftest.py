from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store.crypto import Keyring
from bot.store.store import Store
from tests.integration.commands.office import Office, Template


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """A migrated, empty store."""
    made = Template(file=tmp_path_factory.mktemp("template") / "store.db", keyring=Keyring.generate())
    with Store.open(f"sqlite:///{made.file}", made.keyring) as store:
        store.migrate()
    return made


@pytest.fixture
async def office(tmp_path: Path, template: Template) -> AsyncIterator[Office]:
    """A store with people of every role, and all commands over it."""
    with Office.open(tmp_path, template=template) as opened:
        yield opened
        await opened.loop.stop()
