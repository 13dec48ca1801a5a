"""A program that trains, for tests that kill it: the real loop over a real store and registry, scripted learning.

python -m tests.learning_program HOME ADAPTER [busy]    begins a run, says its number, and says "over" at its end

busy: somebody is answered all the time, so that the training process stands still
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from adapters.examples import Examples, IntentExample
from adapters.registry import Registry
from adapters.types import Task
from bot.learning.loop import LearningLoop, Parts
from bot.learning.report import Reporter
from bot.learning.settings import LearningSettings
from bot.learning.supervisor import Limits, Supervisor
from bot.learning.types import ALL_TASKS, Cause
from bot.store.crypto import load_key_file
from bot.store.store import Store

EXAMPLES = Examples(intents=(IntentExample(question="Hi?", label="greeting", weight=1.0, ratings=("7:1",)),))


def opened(home: Path) -> Store:
    """The store of a home."""
    return Store.open(f"sqlite:///{home / 'store.db'}", load_key_file(home / "key"))


def learning(home: Path, store: Store, adapter: Path, *, busy: bool = False) -> LearningLoop:
    """The loop of a home; a better version serves at once."""

    async def speak() -> None:
        await asyncio.sleep(0)

    supervisor = Supervisor(
        command=[sys.executable, "-m", "tests.learning_child", "steady", str(adapter)],
        environ={},
        limits=Limits(seconds=120, memory_megabytes=100_000, free_megabytes=0),
        look_seconds=0.05,
        busy=lambda: busy,
    )
    return LearningLoop(
        Parts(
            store=store,
            registry=Registry(home / "versions"),
            settings=LearningSettings(canary="off", keep_versions=3),
            folder=home / "training",
            trainable=lambda: ALL_TASKS,
            gather=lambda: EXAMPLES,
            work=supervisor.run,
            code="0.1.0",
            tell=Reporter(store=store, platforms=("slack",), language="auto").tell,
            speak=speak,
        )
    )


async def main() -> None:
    """One run."""
    home, adapter = Path(sys.argv[1]), Path(sys.argv[2])
    with opened(home) as store:
        loop = learning(home, store, adapter, busy=sys.argv[3:] == ["busy"])
        await loop.start()
        run = await loop.retrain([Task.GENERATOR], cause=Cause.SERVER)
        print(run.id, flush=True)  # noqa: T201 - for whoever kills
        await loop.wait(run.id)
        print("over", flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    asyncio.run(main())
