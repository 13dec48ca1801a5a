"""The soak: people on both platforms, trouble on the way, and the bot killed again and again. Nothing may be lost.

    python -m benchmarks.soak [--messages 2000] [--people 50] [--kills 50] [--seed 0]      (`make soak`)

A real `burnish serve` with the real models answers curated questions, whose answers are known word for word. Both
platforms live on loopback in this process (tests/fakes; the bot's client libraries are the real ones). Events come
twice, calls are told to wait, fail, or lose their connection before or after they were carried out, sockets break, and
the bot gets `kill -9` at random moments, also while it starts or answers. In the end each person must have been given
the answers to their questions in the order in which they asked, each once. What a crash may leave behind is a lone "…".
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.platforms import (
    BURNISH,
    EXAMPLES,
    PLACEHOLDER,
    Side,
    SlackSide,
    TelegramSide,
    bot_environ,
    normal,
)
from benchmarks.table import QUICK, RESULTS, Row, keep
from tests.fakes.slack_server import SlackServer
from tests.fakes.telegram_server import TelegramServer

LIVES = (0.5, 14.0)  # seconds from a start to the kill: the start itself takes several
REPEATED = 0.05  # of the events come twice
QUIET_SECONDS = 240.0  # without any progress after the last kill: given up
KEY_CHARACTERS = 60  # of an answer, letters and digits only, by which it is recognised


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A curated question with what its answer is recognised by."""

    question: str
    key: str


@dataclass(slots=True, kw_only=True)
class Run:
    """What happened."""

    asked: dict[tuple[int, int], list[Pair]] = field(default_factory=dict)  # by side and person
    kills: int = 0
    starts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the people have to show for it."""

    asked: int
    right: int  # answers that came once and in order
    lost: int
    twice: int
    disordered: int
    placeholders: int  # lone "…"


def main() -> None:
    """Run, judge, keep; exit code 1 if anything was lost or answered twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=2_000)
    parser.add_argument("--people", type=int, default=50, help="half of them on each platform")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="60 messages, 6 people, 2 kills; nothing is kept")
    options = parser.parse_args()
    if options.quick:
        options.messages, options.people, options.kills = 60, 6, 2
    started = time.monotonic()
    run, verdict, calls = asyncio.run(soak(options.messages, options.people, options.kills, options.seed))
    minutes = (time.monotonic() - started) / 60
    command = "python -m benchmarks.soak"
    if (options.messages, options.people, options.kills, options.seed) != (2_000, 50, 50, 0):
        command += (
            f" --messages {options.messages} --people {options.people} --kills {options.kills} --seed {options.seed}"
        )
    what = f"{verdict.asked} messages, {options.people} people, both platforms, {run.kills} kill -9"
    rows = [
        _count(f"{what}: lost", verdict.lost, options.seed, verdict.asked),
        _count(f"{what}: answered twice", verdict.twice, options.seed, verdict.asked),
        _count(f"{what}: answered out of order", verdict.disordered, options.seed, verdict.asked),
        Row(area="chat", what=f"{what}: lone placeholders left by crashes and lost connections",
            figure=float(verdict.placeholders), n=verdict.asked, seed=options.seed),
    ]  # fmt: skip
    keep("soak", rows, command=command, folder=QUICK if options.quick else RESULTS)
    print(f"{minutes:.0f} min, {run.starts} starts; calls: {dict(calls.most_common(12))}")
    if verdict.lost or verdict.twice or verdict.disordered:
        sys.exit(1)


def _count(what: str, figure: int, seed: int, n: int) -> Row:
    return Row(area="chat", what=what, figure=float(figure), goal=0.0, at_least=False, n=n, seed=seed)


async def soak(messages: int, people: int, kills: int, seed: int) -> tuple[Run, Verdict, Counter[str]]:
    """Drive everything and judge it."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    pairs = curated_pairs()
    home = Path(tempfile.mkdtemp(prefix="burnish-soak-"))
    async with TelegramServer() as telegram, SlackServer(redeliver_seconds=3.0) as slack:
        half = people // 2
        sides: list[Side] = [
            TelegramSide(telegram, half, grouped=half // 3),
            SlackSide(slack, people - half, grouped=(people - half) // 3),
        ]
        environ = bot_environ(
            home,
            sides,
            BURNISH_SERVE__USER_MESSAGES_PER_MINUTE="10000",
            BURNISH_SERVE__CHANNEL_MESSAGES_PER_MINUTE="10000",
            BURNISH_MODELS__MAX_QUEUE="10000",
        )
        await (
            await asyncio.create_subprocess_exec(
                BURNISH, "ingest", EXAMPLES / "faq.csv", env=environ, stdout=subprocess.DEVNULL
            )
        ).wait()
        run = Run()
        order = [(0, number) for number in range(half)] + [(1, number) for number in range(people - half)]
        pause = max(0.02, kills * sum(LIVES) / 2 / messages)  # over the time that the kills take
        asking = asyncio.create_task(_ask(run, sides, _Script(messages, order, pairs, pause, rng)))
        for side in sides:
            side.disturb(rng)
        process = await _kill_again_and_again(run, environ, kills, rng, asking)
        for side in sides:
            side.calm()
        await asking
        try:
            await _until_done(run, sides)
        finally:
            process.terminate()
            code = await process.wait()
            print(f"the bot ended with {code}")
        verdict = judge(run, sides)
        calls = telegram.calls + slack.calls
    shutil.rmtree(home, ignore_errors=True)
    return run, verdict, calls


@dataclass(frozen=True, slots=True)
class _Script:
    messages: int
    order: Sequence[tuple[int, int]]  # everybody, as (side, person)
    pairs: Sequence[Pair]
    pause: float  # seconds between two questions, on average
    rng: random.Random


async def _ask(run: Run, sides: Sequence[Side], script: _Script) -> None:
    """People ask at random moments; nobody asks the same twice in a row."""
    for count in range(script.messages):
        everybody_first = count < len(script.order)
        side, person = script.order[count] if everybody_first else script.rng.choice(script.order)
        asked = run.asked.setdefault((side, person), [])
        pair = script.rng.choice([one for one in script.pairs if not asked or one is not asked[-1]])
        sides[side].ask(person, pair.question)
        asked.append(pair)
        if script.rng.random() < REPEATED:
            sides[side].repeat()
        await asyncio.sleep(script.rng.expovariate(1 / script.pause))


async def _kill_again_and_again(
    run: Run, environ: dict[str, str], kills: int, rng: random.Random, asking: asyncio.Task[None]
) -> asyncio.subprocess.Process:
    """Start the bot, kill it at a random moment, again and again; the last one lives."""
    while True:
        process = await asyncio.create_subprocess_exec(BURNISH, "serve", env=environ, stderr=subprocess.DEVNULL)
        run.starts += 1
        if run.kills >= kills:
            return process
        await asyncio.sleep(rng.uniform(*LIVES))
        if asking.done() and (error := asking.exception()) is not None:
            process.kill()
            raise error
        if process.returncode is not None:
            raise SystemExit(f"The bot ended by itself with {process.returncode}.")
        process.kill()
        await process.wait()
        run.kills += 1
        print(f"{run.kills} killed, {sum(map(len, run.asked.values()))} asked", flush=True)


async def _until_done(run: Run, sides: Sequence[Side]) -> None:
    """Wait until everybody has as many answers as questions, or nothing moves any more."""
    wanted = sum(map(len, run.asked.values()))
    last, quiet_since = -1, time.monotonic()
    while time.monotonic() - quiet_since < QUIET_SECONDS:
        there = sum(len(_answers(sides[side].shown(person))) for side, person in run.asked)
        if there >= wanted:
            await asyncio.sleep(5)  # for one that might come twice
            return
        if there != last:
            last, quiet_since = there, time.monotonic()
        await asyncio.sleep(0.5)


def judge(run: Run, sides: Sequence[Side]) -> Verdict:
    """Compare what each person was shown with what they asked."""
    right = lost = twice = disordered = placeholders = 0
    for (side, person), asked in run.asked.items():
        shown = sides[side].shown(person)
        placeholders += sum(text == PLACEHOLDER for text in shown)
        answers = [_key_of(text, asked) for text in _answers(shown)]
        wanted = [pair.key for pair in asked]
        if answers == wanted:
            right += len(wanted)
            continue
        missing, extra = Counter(wanted) - Counter(answers), Counter(answers) - Counter(wanted)
        lost += missing.total()
        twice += extra.total()
        if not missing and not extra:
            disordered += sum(one != other for one, other in zip(answers, wanted, strict=True))
        right += (Counter(wanted) & Counter(answers)).total()
        print(f"side {side}, person {person}: {len(wanted)} asked, {missing.total()} lost, {extra.total()} twice")
        for text in extra:
            print("  extra:", text[:100])
    return Verdict(
        asked=sum(map(len, run.asked.values())),
        right=right,
        lost=lost,
        twice=twice,
        disordered=disordered,
        placeholders=placeholders,
    )


def _answers(shown: Sequence[str]) -> list[str]:
    return [text for text in shown if text != PLACEHOLDER]


def _key_of(text: str, asked: Sequence[Pair]) -> str:
    """Which answer a text is; the text itself where it is none that was asked for."""
    plain = normal(text)
    return next((pair.key for pair in asked if plain.startswith(pair.key)), text)


def curated_pairs() -> tuple[Pair, ...]:
    """The example's English questions whose answers begin differently."""
    with (EXAMPLES / "faq.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["language"] == "en"]
    pairs = [Pair(question=row["question"], key=normal(row["answer"])[:KEY_CHARACTERS]) for row in rows]
    once = Counter(pair.key for pair in pairs)
    return tuple(pair for pair in pairs if once[pair.key] == 1)


if __name__ == "__main__":
    main()
