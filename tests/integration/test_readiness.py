"""Whether the program that serves can answer people: each part by itself, as it is put together for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from adapters.errors import AdapterError
from adapters.testing import ScriptedGenerator
from bot.deferred import DeferredGenerator
from bot.frontends.base import Frontend
from bot.frontends.fake import FakeMessenger
from bot.learning.schedule import Schedule
from bot.store.crypto import Keyring
from bot.store.store import Store
from bot.web.probes import Readiness
from bot.wiring_live import Arms, Generators
from bot.wiring_web import readiness


@dataclass
class Standing:
    """What readiness looks at, in the state that a test wants."""

    store: Store
    generators: Generators = field(default_factory=Generators)
    is_current: bool = True
    is_alive: bool = True
    problem: str = ""
    listening: set[str] = field(default_factory=lambda: {"slack"})
    messenger: FakeMessenger = field(default_factory=lambda: FakeMessenger("slack"))

    def readiness(self) -> Readiness:
        """As the program puts it together."""

        class Search:
            is_current = staticmethod(lambda: self.is_current)

        return readiness(
            self.store,
            arms=cast("Arms", Search()),
            generators=self.generators,
            frontends=cast("Sequence[Frontend]", [self]),
            listening=self.listening,
            schedule=cast("Schedule", self),
        )

    async def amiss(self) -> dict[str, str]:
        """What is, by name."""
        return {name: words for name, words in (await self.readiness().look()).items() if words != "ok"}


@pytest.fixture
def standing(tmp_path: Path) -> Iterator[Standing]:
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}", Keyring.generate()) as store:
        store.migrate()
        yield Standing(store=store)


@pytest.fixture
async def slow(standing: Standing) -> AsyncIterator[threading.Event]:
    """A generator that is loaded once this is set."""
    loads = threading.Event()

    def load() -> ScriptedGenerator:
        assert loads.wait(30)
        return ScriptedGenerator("Yes.")

    made = standing.generators.take(None, lambda: DeferredGenerator(load))
    yield loads
    loads.set()
    await made.aclose()


async def test_all_is_well(standing: Standing) -> None:
    assert await standing.amiss() == {}


async def test_models_are_loaded_first(standing: Standing, slow: threading.Event) -> None:
    assert await standing.amiss() == {"models": "the language model is being loaded"}
    slow.set()
    async with asyncio.timeout(30):
        while await standing.amiss():  # noqa: ASYNC110 - a thread loads, and tells nobody
            await asyncio.sleep(0.01)


async def test_a_model_that_cannot_be_loaded_is_told(standing: Standing) -> None:
    def load() -> ScriptedGenerator:
        raise AdapterError("/secret/place is torn")

    made = standing.generators.take(None, lambda: DeferredGenerator(load))
    await made.aclose()  # waits for the end of loading
    assert await standing.amiss() == {"models": "the language model could not be loaded"}


async def test_the_index_the_platforms_and_the_plan_are_looked_at(standing: Standing) -> None:
    standing.is_current = standing.is_alive = False
    standing.listening.clear()
    assert set(await standing.amiss()) == {"index", "learning", "platforms"}
    standing.listening.add("slack")
    standing.problem = "the token of https://hooks.example was revoked"
    amiss = await standing.amiss()
    assert amiss["platforms"] == "not connected: slack"


async def test_a_schema_of_another_program_and_a_store_that_is_gone_are_told(standing: Standing) -> None:
    with standing.store.database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    assert "burnish store migrate" in (await standing.amiss())["store"]
    with standing.store.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
    assert "store" in await standing.amiss()


class Counting(DeferredGenerator):
    """A generator that has read and written already."""

    def __init__(self) -> None:
        super().__init__(lambda: ScriptedGenerator("Yes."))

    tokens = {"read": 100, "written": 7}  # noqa: RUF012 - a property there


async def test_tokens_of_generators_that_were_closed_stay_counted() -> None:
    generators = Generators()
    generators.take(None, Counting)
    generators.take(Path("other"), Counting)
    assert generators.tokens() == {"read": 200, "written": 14}
    await generators.release(None)
    assert generators.tokens() == {"read": 200, "written": 14}
    await generators.release(Path("other"))
    assert generators.tokens() == {"read": 200, "written": 14}
