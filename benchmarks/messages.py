"""Messages a second through the whole path with the generator off, against a bare echo bot; time to the first words.

    python -m benchmarks.messages [--messages 300] [--questions 40]

Both bots are processes of their own with the platform's real client library; the platform is on loopback in this one.
"With the generator off": everybody asks curated questions, which are encoded, classified, looked up, stored, answered
word for word with their source and buttons, and delivered; the echo bot sends the text back and stores nothing. Each
message comes from a person of their own, so that no limit to one chat counts. Telegram is measured twice: with its own
limit of 30 messages a second, which both bots keep, and without.

The first words: from the moment an event is there to the first word of its answer on the reader's screen, one
question at a time in a conversation of its own, with the generator on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.echo import PREFIX
from benchmarks.platforms import BURNISH, EXAMPLES, PLACEHOLDER, Side, SlackSide, TelegramSide, bot_environ
from benchmarks.soak import Pair, curated_pairs
from benchmarks.table import QUICK, RESULTS, ROOT, Row, keep
from tests.fakes.slack_server import SlackServer
from tests.fakes.telegram_server import Rate, TelegramServer

GOAL = 0.5  # of the echo bot's messages a second
WARM_UP = 5  # messages before the clock runs
SETTLE = 0.5  # seconds after an answer, for what is still being written down
PATIENCE = 120.0  # seconds until a run is given up
UNLIMITED = "1000"  # messages a second: more than either bot sends
MANY = {
    "BURNISH_SERVE__USER_MESSAGES_PER_MINUTE": "10000",
    "BURNISH_SERVE__CHANNEL_MESSAGES_PER_MINUTE": "100000",
    "BURNISH_MODELS__MAX_QUEUE": "10000",
}


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=300)
    parser.add_argument("--questions", type=int, default=40, help="for the time to the first words")
    parser.add_argument("--quick", action="store_true", help="20 messages, 3 questions; nothing is kept")
    options = parser.parse_args()
    if options.quick:
        options.messages, options.questions = 20, 3
    home = Path(tempfile.mkdtemp(prefix="burnish-messages-"))
    environ = bot_environ(home, [])
    subprocess.run(
        [BURNISH, "ingest", EXAMPLES / "help-centre", EXAMPLES / "faq.csv"],
        env=environ, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    found = asyncio.run(measure(home, options.messages, options.questions))
    keep("messages", found, command="python -m benchmarks.messages", folder=QUICK if options.quick else RESULTS)
    shutil.rmtree(home, ignore_errors=True)


async def measure(home: Path, messages: int, questions: int) -> list[Row]:
    """All rows."""
    rows = []
    for name, limited in (("telegram", True), ("telegram", False), ("slack", False)):
        what = {
            ("telegram", True): "Telegram at its own limit of 30 messages a second",
            ("telegram", False): "Telegram without a limit",
            ("slack", False): "Slack in Socket Mode",
        }[name, limited]
        ours = await rate(name, home, messages, limited=limited, echo=False)
        peer = await rate(name, home, messages, limited=limited, echo=True)
        print(f"{what}: ours {ours:.1f}, echo {peer:.1f} a second", flush=True)
        rows.append(
            Row(area="chat", what=f"{what}: ratio to a bare echo bot, generator off", figure=ours / peer, goal=GOAL,
                n=messages, peer=f"echo bot {peer:.1f} a second, ours", peer_figure=ours, ratio=ours / peer)
        )  # fmt: skip
    for name in ("telegram", "slack"):
        seconds = np.array(await first_words(name, home, questions)) * 1000
        rows += [
            Row(area="chat", what=f"{name.title()}: event to first words, p{share}, generator on",
                figure=float(np.percentile(seconds, share)), unit="ms", n=len(seconds))
            for share in (50, 95)
        ]  # fmt: skip
    return rows


@asynccontextmanager
async def platform(name: str, people: int, *, limited: bool) -> AsyncIterator[Side]:
    """One platform with so many people, each in private."""
    if name == "telegram":
        async with TelegramServer(rate=Rate() if limited else None) as telegram:
            yield TelegramSide(telegram, people)
    else:
        async with SlackServer() as slack:
            yield SlackSide(slack, people)


@asynccontextmanager
async def bot(command: list[str | Path], environ: Mapping[str, str]) -> AsyncIterator[None]:
    """A bot while it is needed."""
    process = await asyncio.create_subprocess_exec(
        *command, env=environ, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
        if process.returncode is not None:
            raise SystemExit(f"{command[0]} ended by itself with {process.returncode}.")
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def rate(name: str, home: Path, messages: int, *, limited: bool, echo: bool) -> float:
    """Messages a second from the first event to the last answer."""
    pairs = curated_pairs()
    with _copy(home) as own:
        return await _rate(name, own, pairs, messages, limited=limited, echo=echo)


async def _rate(name: str, home: Path, pairs: Sequence[Pair], messages: int, *, limited: bool, echo: bool) -> float:
    async with platform(name, messages + WARM_UP, limited=limited) as side:
        environ = bot_environ(home, [side], **MANY)
        if not limited:
            environ |= {"BURNISH_TELEGRAM__MESSAGES_PER_SECOND": UNLIMITED, "UNLIMITED": "1"}
        command: list[str | Path] = [sys.executable, "-m", "benchmarks.echo", name] if echo else [BURNISH, "serve"]
        async with bot(command, environ):
            for person in range(messages, messages + WARM_UP):
                side.ask(person, pairs[person % len(pairs)].question)
            await _until(lambda: all(_is_answered(side, one, echo=echo) for one in range(messages, messages + WARM_UP)))
            started = time.perf_counter()
            for person in range(messages):
                side.ask(person, pairs[person % len(pairs)].question)
            waiting = list(range(messages))

            def done() -> (
                bool
            ):  # looks at one person, mostly: to look at all of them again and again takes a whole core
                while waiting and _is_answered(side, waiting[-1], echo=echo):
                    waiting.pop()
                return not waiting

            await _until(done)
            return messages / (time.perf_counter() - started)


async def first_words(name: str, home: Path, questions: int) -> list[float]:
    """Seconds from each event to the first word of its answer."""
    rows = [json.loads(line) for line in (EXAMPLES / "dev_questions.jsonl").read_text(encoding="utf-8").splitlines()]
    texts = [row["question"] for row in rows if row["expect"] == "answer"][:questions]
    warming = range(len(texts), len(texts) + WARM_UP)
    found = []
    with _copy(home) as own:
        async with platform(name, len(texts) + WARM_UP, limited=False) as side:  # noqa: SIM117 - the bot needs the side
            async with bot([BURNISH, "serve"], bot_environ(own, [side], **MANY)):
                for person in warming:
                    side.ask(person, texts[0])
                await _until(lambda: all(side.finished(one) for one in warming))
                for person, text in enumerate(texts):
                    started = time.perf_counter()
                    side.ask(person, text)
                    await _until(partial(side.seen, person))
                    found.append(time.perf_counter() - started)
                    await _until(lambda: bool(side.shown(person)[-1:]) and side.shown(person)[-1] != PLACEHOLDER)  # noqa: B023 - awaited at once
                    await asyncio.sleep(SETTLE)
    return found


@contextmanager
def _copy(home: Path) -> Iterator[Path]:
    """A home of its own for each run: a new server gives the same numbers to other messages."""
    with tempfile.TemporaryDirectory(prefix="burnish-messages-") as folder:
        shutil.copytree(home, Path(folder) / "home")
        yield Path(folder) / "home"


def _is_answered(side: Side, person: int, *, echo: bool) -> bool:
    """Whether the whole answer is there: ours has its buttons with the last edit."""
    return any(text.startswith(PREFIX) for text in side.shown(person)) if echo else side.finished(person)


async def _until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not done():  # noqa: ASYNC110 - the servers have no event for it
            await asyncio.sleep(0.002)


if __name__ == "__main__":
    main()
