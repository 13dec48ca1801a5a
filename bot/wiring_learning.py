"""The composition root of the learning loop in the program that serves; bot.wiring_training has the rest."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

from adapters.types import Task
from bot.blocking import run_blocking
from bot.commands.learning import Learning, Preview
from bot.frontends.base import Messenger
from bot.learning.asking import Asker
from bot.learning.board import Board
from bot.learning.canary import WatchConfig, watch
from bot.learning.gathering import Gathering
from bot.learning.loop import LearningLoop, Parts
from bot.learning.preview import preview
from bot.learning.replay import READINGS
from bot.learning.report import Reporter
from bot.learning.schedule import Clockwork, Schedule
from bot.learning.supervisor import Limits, Supervisor
from bot.learning.types import ALL_TASKS
from bot.service import Closeable
from bot.store.store import Store
from bot.texts import say
from bot.wiring import Wiring
from knowledge.retrieve import KnowledgeBase
from knowledge.types import Passage
from training.readiness import readiness

WORKER = "train-worker"  # the hidden command of the training process
ROWS = 16  # that it computes together: with 8 its questions take a tenth longer, with 32 as long
THANKED_BACK = timedelta(days=2)  # approvals from before a start that are still worth a word of thanks

Search = Callable[[str], Sequence[Passage]]  # blocks
Speak = Callable[[], Awaitable[None]]


async def silent() -> None:
    """What a program without chat platforms does to have posts said: nothing; the one that serves says them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningSide:
    """The loop with what stands around it."""

    loop: LearningLoop
    board: Board
    commands: Learning
    gathering: Gathering
    schedule: Schedule

    async def start(self) -> None:
        """Finish what the last program left, and begin to look at the plan."""
        await self.loop.start()
        await self.schedule.start()

    async def stop(self) -> None:
        """End a run of this program; another one may lead from now on."""
        await self.schedule.stop()
        await self.loop.stop()
        await self.board.stop()


def learning_side(
    wiring: Wiring,
    store: Store,
    *,
    search: Search,
    messengers: Mapping[str, Messenger] | None = None,
    speak: Speak = silent,
    busy: Callable[[], bool] = lambda: False,
) -> LearningSide:
    """Put the loop together; nothing runs yet.

    Args:
        wiring: Of the settings.
        store: Open.
        search: Finds passages for an approved correction.
        messengers: Of the platforms that this program speaks on.
        speak: Has posts said at once.
        busy: Whether an answer is being written, for which training waits.
    """
    settings = wiring.settings.learning
    reporter = Reporter(store=store, platforms=wiring.settings.serves, language=wiring.settings.bot.language)
    gathering = Gathering(store, search=search, labels=lambda: {one.name for one in wiring.definitions})
    work = replace(supervisor_of(wiring), busy=busy).run
    loop = LearningLoop(
        Parts(
            store=store,
            registry=wiring.registry,
            settings=settings,
            folder=wiring.folders.training,
            trainable=lambda: wiring.followed,
            gather=gathering.examples,
            work=work,
            code=version("burnish"),
            tell=reporter.tell,
            speak=speak,
        )
    )
    board = Board(store, loop, messengers or {})
    commands = Learning(
        loop=loop,
        registry=wiring.registry,
        settings=settings,
        preview=_previewing(wiring, store, gathering),
        board=board,
    )
    besides = _Besides(wiring, store, reporter, speak)
    schedule = Schedule(
        Clockwork(store=store, loop=loop, settings=settings, now=_now, usable=gathering.usable, besides=besides.look)
    )
    return LearningSide(loop=loop, board=board, commands=commands, gathering=gathering, schedule=schedule)


def asker(wiring: Wiring, store: Store) -> Asker:
    """Who decides under which answers people are asked what they think."""
    settings = wiring.settings
    return Asker(
        store,
        wiring.encoder,
        share=settings.learning.ask_share,
        threshold=settings.answers.min_answerability,
        now=_now,
    )


def supervisor_of(wiring: Wiring) -> Supervisor:
    """What starts training processes with these settings."""
    settings = wiring.settings.learning
    named = ["--config", str(wiring.folders.file)] if wiring.folders.file.is_file() else []
    threads = str(settings.threads)
    return Supervisor(
        command=[sys.executable, "-m", "bot", *named, WORKER],
        environ={
            **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads),
            "BURNISH_MODELS__THREADS": "1",  # of each copy of the generator: there are so many copies (bot.wiring_eval)
            "BURNISH_MODELS__MAX_BATCH": str(_rows(wiring)),
            "TOKENIZERS_PARALLELISM": "false",
            "MALLOC_ARENA_MAX": "2",  # glibc's own number keeps memory that other threads have freed
        },
        limits=Limits(
            seconds=60 * settings.max_minutes,
            memory_megabytes=settings.max_memory_megabytes,
            free_megabytes=settings.min_free_megabytes,
        ),
    )


def _rows(wiring: Wiring) -> int:
    """Rows that the training process computes together: more, since nobody waits there; a question is asked as ever."""
    served = wiring.settings.models.max_batch
    return max(served, ROWS) if served >= READINGS and Task.GENERATOR in wiring.followed else served


def _previewing(wiring: Wiring, store: Store, gathering: Gathering) -> Preview:
    def preview_text(language: str, in_detail: bool, tasks: Sequence[Task] = ALL_TASKS) -> str:  # noqa: FBT001 - as Preview has it
        trainable = [task for task in tasks if task in wiring.followed]
        return "\n".join(preview_lines(store, gathering, language, in_detail=in_detail, tasks=trainable))

    return preview_text


def preview_lines(
    store: Store, gathering: Gathering, language: str, *, in_detail: bool, tasks: Sequence[Task]
) -> tuple[str, ...]:
    """What would be learned now, and whether a run would come to anything; blocks.

    Args:
        store: Knows people's names.
        gathering: Reads ratings and corrections.
        language: In which to say it.
        in_detail: Whether with questions and names, for admins alone.
        tasks: That a run would train.
    """
    if not tasks:
        return (say("retrain-elsewhere", language),)
    names = {one.id: one.name or one.platform_user_id for one in store.people.list()} if in_detail else None
    gathered = gathering.gathered()
    lines = preview(gathered, language, names, ready=[readiness(task, gathered.examples) for task in tasks])
    return lines if in_detail else tuple(line for line in lines if not line.startswith(" "))


def searching(wiring: Wiring, store: Store) -> Search:
    """A search for a program that is not the bot; the index is loaded when it is first needed."""
    opened: list[KnowledgeBase] = []

    def search(query: str) -> Sequence[Passage]:
        if not opened:
            opened.append(wiring.open_knowledge(store))
        return opened[0].search(query, wiring.encoder.encode([query])[0])

    return search


class _Besides:
    """What one program does every few seconds beside the plan: it watches versions by their ratings, and thanks."""

    def __init__(self, wiring: Wiring, store: Store, reporter: Reporter, speak: Speak) -> None:
        self._wiring = wiring
        self._store = store
        self._reporter = reporter
        self._speak = speak
        self._since = _now() - THANKED_BACK

    async def look(self) -> None:
        if await run_blocking(self._look, _now()):
            await self._speak()

    def _look(self, now: datetime) -> bool:
        """Whether there is something to say. Blocks."""
        config = WatchConfig(share=self._wiring.settings.learning.canary_share)
        acted = [one for one in watch(self._wiring.registry, self._store, config, now) if one.acted]
        for verdict in acted:
            self._reporter.notify(f"watch:{verdict.version}:{verdict.act.value}", verdict.words)
        thanked = self._reporter.thank(self._since)
        self._since = now
        return bool(acted or thanked)


class Together:
    """Several things to be shut down as one, in their order."""

    def __init__(self, *parts: Callable[[], Awaitable[Any]] | Closeable) -> None:
        self._parts = parts

    async def aclose(self) -> None:
        """Shut all of them down."""
        for part in self._parts:
            await (part() if callable(part) else part.aclose())


def _now() -> datetime:
    return datetime.now(UTC)
