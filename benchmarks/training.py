"""How long a run takes with 200 ratings, and what chat feels of it.

    python -m benchmarks.training [--ratings 200] [--most 0] [--quick]

A team with the example knowledge has asked and rated with the real generator (benchmarks/team.py). One run learns
from it undisturbed: gathered, all three parts trained and compared in the program's own training process, registered;
the seconds are counted by phase. Another run on a copy of the same home goes on while people ask through the whole
message path, from the inbox to the stored answer, every few seconds. Each question is asked twice, in a random order:
while the training process works, and while it is stopped from outside (idle), so that both see the same machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import psutil

from benchmarks.table import QUICK, RESULTS, Row, keep
from benchmarks.team import Question, accepted, examples
from bot.config import folders, load_settings
from bot.learning.live import Arm
from bot.learning.loop import LearningLoop
from bot.learning.replay import ask
from bot.learning.supervisor import resident_megabytes
from bot.learning.types import ALL_TASKS, Cause
from bot.learning.yielding import Answering
from bot.middleware import ErrorBoundary, compose, length_limit
from bot.service import Answered, Bot
from bot.serving import conversing
from bot.store.store import Store
from bot.teaching import KnowledgeTeacher
from bot.types import Correction, Message, Rating, RatingReason, RatingValue, StoredMessage
from bot.wiring import Wiring
from bot.wiring_learning import WORKER, learning_side, searching
from bot.wiring_live import Arms, live_path
from knowledge.types import DEFAULT_COLLECTION

SEED: Final = 0
PEOPLE: Final = 25
NOISE: Final = 0.15  # of the ratings are mistaken
CORRECTING: Final = 0.2  # of those who find an answer wrong
MINUTES: Final = 5.0  # that a run may take
SLOWER: Final = 1.5  # chat's p95 while a run trains, to idle
READS: Final = (1.5, 4.0)  # seconds from an answer to the next question
SETTLE: Final = 0.3  # from stopping the training process, or letting it go on, to the question
WARM_UP: Final = 3
RESAMPLES: Final = 2000


@dataclass(slots=True)
class Clock:
    """Ten weeks in which the team asked."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(weeks=10))

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now


@dataclass(slots=True, kw_only=True)
class Past:
    """What a team asked, rated and corrected before."""

    store: Store
    arm: Arm
    teacher: KnowledgeTeacher
    rng: random.Random
    asked: int = 0

    async def ask(self, question: Question) -> None:
        """One question, rated by whoever asked; every fifth wrong answer is corrected, and that is approved."""
        self.asked += 1
        stored = self._said(question.text, f"person {self.rng.randrange(PEOPLE)}")
        answer = await ask(self.arm.path, question.text)
        given = self.store.answers.add(stored.id, answer)
        good = accepted(question, answer) == (self.rng.random() >= NOISE)
        self.store.ratings.rate(
            Rating(
                answer_id=given.id,
                user_id=stored.user_id,
                value=RatingValue.UP if good else RatingValue.DOWN,
                reason=None if good else self.rng.choice((None, RatingReason.WRONG_SOURCE, RatingReason.BAD_WORDING)),
            )
        )
        if not good and question.correction and self.rng.random() < CORRECTING:
            correction = Correction(answer_id=given.id, user_id=stored.user_id, text=question.correction)
            self.teacher.correct(question.text, question.correction)
            self.store.ratings.decide(self.store.ratings.correct(correction), approved=True)

    def _said(self, text: str, sender: str) -> StoredMessage:
        stored = self.store.inbox.accept(said(text, sender, f"past-{self.asked}"), idle_minutes=60)
        if stored is None:
            raise SystemExit("A question was taken for one that had been asked before.")
        return stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """Seconds of the same questions' answers, one by one."""

    idle: list[float]
    training: list[float]


def said(text: str, sender: str, event: str) -> Message:
    """A message in a conversation of its own."""
    return Message(
        platform="benchmark",
        event_id=event,
        channel=event,
        thread="",
        sender=sender,
        sender_name="",
        text=text,
        received_at=datetime.now(UTC),
    )


def quiet(*_: object) -> None:
    """Show no progress."""


def wiring_of(home: Path) -> Wiring:
    """The program with its defaults in a home, its training process, too."""
    os.environ["BURNISH_HOME"] = str(home)
    found = folders(os.environ)
    return Wiring(load_settings(os.environ, found.file), found, quiet)


async def fill(home: Path, ratings: int) -> None:
    """Let a team live in a home."""
    team, wiring, clock = examples(SEED, asked=ratings), wiring_of(home), Clock()
    with Store.open(wiring.store_url, wiring.keyring, clock=clock) as store:
        store.migrate()
        wiring.ingest([str(file) for file in team.files], collection=DEFAULT_COLLECTION)
        arm = await asyncio.to_thread(Arms(wiring, store).first)
        past = Past(
            store=store,
            arm=arm,
            teacher=KnowledgeTeacher(store.knowledge, wiring.encoder),
            rng=random.Random(SEED),  # noqa: S311 - draws people and mistakes, nothing secret
        )
        for question in team.asked:
            clock.now += timedelta(hours=8)
            await past.ask(question)
        await arm.aclose()


@dataclass(slots=True)
class Spent:
    """What a phase of a run took."""

    seconds: float = 0.0
    processor: float = 0.0  # seconds of the training process's
    megabytes: int = 0  # resident at the most, as far as it was looked at


async def phases(loop: LearningLoop) -> tuple[dict[str, Spent], str]:
    """Have everything trained; what it took by phase, and what came of it."""
    run = await loop.retrain(ALL_TASKS, cause=Cause.SERVER)
    spent: defaultdict[str, Spent] = defaultdict(Spent)
    label, since, used = "gathering, and starting the process", time.perf_counter(), 0.0
    while True:
        step = await loop.moved(run.id)
        now, (processor, megabytes) = time.perf_counter(), held()
        phase = spent[label]
        phase.seconds += now - since
        phase.processor += max(0.0, processor - used)
        phase.megabytes = max(phase.megabytes, megabytes)
        since, used = now, max(used, processor)
        if step is None:
            break
        label = "loading" if step.phase.value == "load" else f"{step.task.value}: {step.phase.value}"
    ended = await loop.wait(run.id)
    if ended is None:
        raise SystemExit("The run is gone.")
    outcome = ended[1].sentence or ", ".join(f"{one.task.value}: {one.verdict.value}" for one in ended[1].results)
    return dict(spent), f"{ended[0].state.value}. {outcome}"


def held() -> tuple[float, int]:
    """Seconds of processor time and megabytes of memory of the training process; zeros if there is none."""
    try:
        if (process := training_process()) is None:
            return 0.0, 0
        times = process.cpu_times()
        return times.user + times.system, resident_megabytes(process.pid)
    except psutil.Error:
        return 0.0, 0


async def undisturbed(home: Path) -> dict[str, Spent]:
    """A whole run alone; what it took by phase."""
    wiring = wiring_of(home)
    with wiring.open_store() as store:
        side = learning_side(wiring, store, search=searching(wiring, store))
        spent, outcome = await phases(side.loop)
    print(f"the run alone: {outcome}", flush=True)
    return spent


async def chatting(home: Path, questions: Sequence[str], most: int) -> tuple[Chat, float]:
    """A whole run with people asking meanwhile; their seconds, and how long the run took with all its stops."""
    wiring = wiring_of(home)
    rng = random.Random(SEED)  # noqa: S311 - an order of questions, nothing secret
    chat = Chat(idle=[], training=[])
    with wiring.open_store() as store:
        live, answering = live_path(wiring, store), Answering()
        live.start()
        handler = compose(
            answering.around(conversing(live)), ErrorBoundary(wiring.settings), length_limit(wiring.settings)
        )
        bot = Bot(store=store, handler=handler, settings=wiring.settings, worker=live)
        side = learning_side(wiring, store, search=searching(wiring, store), busy=answering.busy)
        for number, text in enumerate(questions[:WARM_UP]):
            await seconds_of(bot, text, f"warm-{number}")
        began = time.perf_counter()
        run = asyncio.create_task(phases(side.loop))
        number = 0
        while not run.done() and not (most and number >= most):
            text = questions[number % len(questions)]
            for idle in rng.sample((True, False), 2):
                await asyncio.sleep(rng.uniform(*READS))
                if (process := training_process()) is None:
                    break
                with stopped(process, stop=idle):
                    await asyncio.sleep(SETTLE)
                    took = await seconds_of(bot, text, f"{number}-{idle}")
                (chat.idle if idle else chat.training).append(took)
            number += 1
        if most:
            await side.loop.cancel()
        _, outcome = await run
        took = time.perf_counter() - began
        print(f"the run with people asking: {outcome}", flush=True)
        await live.aclose()
    pairs = min(len(chat.idle), len(chat.training))  # the last pair may have met the end of the run
    return Chat(idle=chat.idle[:pairs], training=chat.training[:pairs]), took


def training_process() -> psutil.Process | None:
    """The training process of this program, if there is one."""
    for process in psutil.Process().children(recursive=True):
        try:
            if WORKER in process.cmdline():
                return process
        except psutil.Error:
            continue
    return None


@contextmanager
def stopped(process: psutil.Process, *, stop: bool) -> Iterator[None]:
    """Hold a process still for a while, or do nothing."""
    try:
        if stop:
            process.suspend()
        yield
    finally:
        if stop and process.is_running():
            process.resume()


async def seconds_of(bot: Bot, text: str, event: str) -> float:
    """One question in a conversation of its own, from the inbox to the stored answer."""
    began = time.perf_counter()
    stored = await bot.accept(said(text, "asker", event))
    if stored is None:
        raise SystemExit("A question was taken for one that had been asked before.")
    async for event_of_it in bot.reply(stored, fresh=True):
        if isinstance(event_of_it, Answered):
            return time.perf_counter() - began
    raise SystemExit("A question got no answer.")


def run_rows(phases_of_it: dict[str, Spent], ratings: int) -> list[Row]:
    """How long the undisturbed run took, whole and by phase."""
    what = f"{ratings} ratings, example help centre, two cores: a full run of all parts"
    whole = sum(one.seconds for one in phases_of_it.values())
    rows = [
        Row(
            area="learning",
            what=what,
            figure=whole,
            unit="s",
            goal=60 * MINUTES,
            at_least=False,
            n=ratings,
            seed=SEED,
        )
    ]
    rows += [
        Row(
            area="learning",
            what=f"of it: {label}",
            figure=took.seconds,
            unit="s",
            n=ratings,
            seed=SEED,
            note=f"{took.processor:.0f} s of processor time, {took.megabytes:,} MB",
        )
        for label, took in phases_of_it.items()
        if took.seconds >= 0.5
    ]
    return rows


def chat_rows(chat: Chat) -> list[Row]:
    """What people felt: quantiles of the answers' seconds while training, to those of the same questions idle."""
    idle, training = np.array(chat.idle), np.array(chat.training)
    rng = np.random.default_rng(SEED)
    rows = []
    for share in (50, 95):
        drawn = rng.integers(len(idle), size=(RESAMPLES, len(idle)))  # the same questions on both sides
        ratios = np.percentile(training[drawn], share, axis=1) / np.percentile(idle[drawn], share, axis=1)
        before, after = (float(np.percentile(found, share)) for found in (idle, training))
        rows.append(
            Row(
                area="learning",
                what=f"chat while a run trains, question to stored answer, p{share}: ratio to idle",
                figure=after / before,
                unit="x",
                goal=SLOWER if share == 95 else None,
                at_least=False,
                low=float(np.quantile(ratios, 0.025)),
                high=float(np.quantile(ratios, 0.975)),
                n=len(idle),
                seed=SEED,
                peer=f"idle {before:.2f} s, training",
                peer_figure=after,
            )
        )
    return rows


def main() -> None:
    """Measure, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ratings", type=int, default=200)
    parser.add_argument("--most", type=int, default=0, help="questions that are asked; 0: until the run is through")
    parser.add_argument("--home", type=Path, help="a folder that is kept, so that the team lives there only once")
    parser.add_argument("--only", choices=("run", "chat"), help="one of the two; nothing is kept")
    parser.add_argument("--quick", action="store_true", help="20 ratings, 3 questions; nothing is kept")
    options = parser.parse_args()
    if options.quick:
        options.ratings, options.most = 20, 3
    with tempfile.TemporaryDirectory(prefix="burnish-training-") as folder:
        home = options.home or Path(folder) / "home"
        questions = [one.text for one in examples(SEED, asked=options.ratings).held_out]
        if not home.exists():
            asyncio.run(fill(home, options.ratings))
        rows: list[Row] = []
        if options.only != "chat":
            rows += run_rows(asyncio.run(undisturbed(copied(home, Path(folder) / "alone"))), options.ratings)
        if options.only != "run":
            chat, took = asyncio.run(chatting(copied(home, Path(folder) / "chat"), questions, options.most))
            print(f"with people asking the run took {took:.0f} s, stops included", flush=True)
            rows += chat_rows(chat) if chat.idle else []  # a quick run is through before anybody asks
    trial = options.quick or options.only or options.most
    keep("training", rows, command="python -m benchmarks.training", folder=QUICK if trial else RESULTS)


def copied(home: Path, folder: Path) -> Path:
    """A home of its own for each run: the first would change what the second begins with."""
    shutil.copytree(home, folder)
    return folder


if __name__ == "__main__":
    main()
