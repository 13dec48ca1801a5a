"""The chat page under load: 200 people with the generator stubbed; with the real one, whether all get their turn.

    python -m benchmarks.web_load [--people 200] [--rounds 2] [--quick]

The program is the real one in a process of its own, with HTTP, server-sent events, SQLite, encoder, classifier and
search; in the first part an endpoint on loopback stands in the language model's place and writes at once. Everybody
opens the page, and then all ask at the same moment; again as soon as they have their answer. The same people then talk
to a bare echo of Starlette under the same server: times are ratios to it, since this process, which plays the people,
shares the cores.

In the second part the real generator writes: eight people ask three questions each at the same moment. Fair is who is
served in turn; honest is a place in line that comes true.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import pairwise
from pathlib import Path

import httpx
import numpy as np

from benchmarks.platforms import BURNISH, EXAMPLES, bot_environ
from benchmarks.table import QUICK, RESULTS, ROOT, Row, keep
from benchmarks.web_clients import Reader, Seen

HTTP_TROUBLE = 500
STARTING = 300.0  # seconds until a server has to answer
FAIR_PEOPLE, FAIR_QUESTIONS = 8, 3
MANY = {"BURNISH_MODELS__MAX_QUEUE": "10000", "BURNISH_SERVE__USER_MESSAGES_PER_MINUTE": "10000"}


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--part", choices=("load", "fair"), help="one of the two alone; nothing is kept")
    parser.add_argument("--quick", action="store_true", help="five people, one round, no real generator; nothing kept")
    options = parser.parse_args()
    if options.quick:
        options.people, options.rounds = 5, 1
    folder = QUICK if options.quick or options.part else RESULTS
    home = Path(tempfile.mkdtemp(prefix="burnish-web-"))
    try:
        sources = [EXAMPLES / "help-centre", EXAMPLES / "faq.csv"]
        subprocess.run([BURNISH, "ingest", *sources], env=bot_environ(home, []), check=True, stdout=subprocess.DEVNULL)
        rows = asyncio.run(loaded(home, options.people, options.rounds)) if options.part != "fair" else []
        if not options.quick and options.part != "load":
            rows += asyncio.run(fair(home))
        keep("web_load", rows, command="python -m benchmarks.web_load", folder=folder)
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def loaded(home: Path, people: int, rounds: int) -> list[Row]:
    """Everybody at once, with the generator stubbed."""
    async with served([sys.executable, "-m", "benchmarks.web_load_peers", "stub"], {}, "/") as stub:
        generator = {"BURNISH_MODELS__GENERATOR": f"openai:{stub}/v1#stub"}
        environ = bot_environ(home, [], **MANY, **generator)
        async with served([BURNISH, "serve"], environ, "/readyz") as base:
            await crowd(base, 1, len(questions()))  # whoever asks first waits until the documents' lines are encoded
            before = await spent(base)
            ours = await crowd(base, people, rounds)
            each = (await spent(base) - before) / (people * rounds)
            await no_apology(base, people * rounds)
    async with served([sys.executable, "-m", "benchmarks.web_load_peers", "echo"], {}, "/") as base:
        peer = await crowd(base, people, rounds)
    rows = []
    for what, name in (("page to its first byte", "opened"), ("question to the first words", "words"),
                       ("question to the whole answer", "whole")):  # fmt: skip
        for share in (50, 95):
            mine, theirs = (float(np.percentile(found[name], share)) for found in (ours, peer))
            print(f"{what}, p{share}: {mine * 1000:.0f} ms, echo {theirs * 1000:.0f} ms", flush=True)
            rows.append(
                Row(area="web", what=f"{people} people at the chat page at once: {what}, p{share}, generator stubbed",
                    figure=mine * 1000, unit="ms", n=len(ours[name]), peer="bare Starlette echo",
                    peer_figure=theirs * 1000, ratio=mine / theirs)
            )  # fmt: skip
    errors = Row(area="web", what=f"{people} people at the chat page at once: errors", figure=len(ours["errors"]),
                 unit="errors", goal=0, at_least=False, n=people * rounds)  # fmt: skip
    cost = Row(area="web", what=f"{people} people at the chat page at once: processor time of the program an answer",
               figure=each * 1000, unit="ms", n=people * rounds,
               note="pages, streams, encoder and search included; the generator stubbed")  # fmt: skip
    return [*rows, cost, errors]


async def spent(base: str) -> float:
    """The program's processor time, seconds."""
    async with httpx.AsyncClient(trust_env=False) as client:
        found = re.search(
            r"^process_cpu_seconds_total ([\d.e+]+)", (await client.get(f"{base}/metrics")).text, re.MULTILINE
        )
    return float(found[1]) if found else 0.0


async def crowd(base: str, people: int, rounds: int) -> Mapping[str, list[float]]:
    """What so many people see; seconds."""
    asked = questions()
    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(Reader(base, number)) for number in range(people)]
        await asyncio.gather(*(reader.open() for reader in readers))

        async def talk(number: int, reader: Reader) -> None:
            for turn in range(rounds):
                await reader.answered(await reader.ask(asked[(number * rounds + turn) % len(asked)]))

        await asyncio.gather(*(talk(number, reader) for number, reader in enumerate(readers)))
        seen = [one for reader in readers for one in reader.seen.values() if one.whole]
        return {
            "opened": [reader.opened for reader in readers],
            "words": [one.words - one.asked for one in seen],
            "whole": [one.whole - one.asked for one in seen],
            "errors": [0.0 for reader in readers for _ in reader.errors],
        }


async def no_apology(base: str, answers: int) -> None:
    """Make sure that what was counted were answers."""
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"{base}/metrics")).text
    kinds = {kind: float(n) for kind, n in re.findall(r'burnish_answers_total\{kind="(\w+)".*\} ([\d.]+)', text)}
    busy = re.search(r'burnish_desk_events_total\{event="busy"\} ([\d.]+)', text)
    if kinds.get("error") or busy or sum(kinds.values()) < answers:
        raise SystemExit(f"Not everybody got an answer: {kinds}, busy: {busy and busy[1]}.")
    print(f"answers by kind: {kinds}", flush=True)


async def fair(home: Path) -> list[Row]:
    """Some people with several questions each, and the real generator."""
    asked, people = questions(), range(FAIR_PEOPLE)

    def questions_of(number: int) -> list[str]:
        return [asked[(number * FAIR_QUESTIONS + turn) % len(asked)] for turn in range(FAIR_QUESTIONS)]

    async with served([BURNISH, "serve"], bot_environ(home, [], **MANY), "/readyz") as base, AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(Reader(base, number)) for number in people]
        await asyncio.gather(*(reader.open() for reader in readers))

        async def say(number: int) -> list[Seen]:
            return [await readers[number].ask(one) for one in questions_of(number)]

        found = await asyncio.gather(*(say(number) for number in people))
        since = time.perf_counter()  # from here on nobody comes in between
        await asyncio.gather(*(readers[number].answered(one) for number in people for one in found[number]))
    return turns_taken(found, since)


def turns_taken(found: Sequence[Sequence[Seen]], since: float) -> list[Row]:
    """Who had their turn when, and what they were told of it after a moment."""
    seen = [one for said in found for one in said]
    waited = [float(np.mean([one.whole - one.asked for one in said])) for said in found]
    turns = [(number, one.begun) for said in found for number, one in enumerate(said)]
    pairs = [(one, other) for one in turns for other in turns if one[0] < other[0]]
    told = [(place, taken(one, at, seen)) for one in seen for at, place in one.places if place and at > since]
    off = [abs(place - 1 - before) for place, before in told]
    steps = [pair for one in seen for pair in pairwise(place for at, place in one.places if at > since)]
    n, who = FAIR_PEOPLE * FAIR_QUESTIONS, f"{FAIR_PEOPLE} people with {FAIR_QUESTIONS} questions each, real generator"
    return [
        Row(area="web", what=f"{who}: turns that go round (a first question before anybody's second, and so on)",
            figure=float(np.mean([one[1] <= other[1] for one, other in pairs])), n=len(pairs)),
        Row(area="web", what=f"{who}: longest mean wait / shortest", figure=max(waited) / min(waited), unit="x", n=n,
            note="1.3 where turns go round and four are served at a time"),
        Row(area="web", what=f"{who}: question to the whole answer, mean", figure=float(np.mean(waited)), unit="s",
            n=n),
        Row(area="web", what=f"{who}: place in line as told, away from the turns that came first (median)",
            figure=float(np.median(off)) if off else 0.0, unit="turns", n=len(off),
            note=f"four are served side by side; {np.mean([one <= 1 for one in off]):.0%} within one turn"),
        Row(area="web", what=f"{who}: times that somebody was told a later place than before", unit="times",
            figure=float(sum(later > earlier for earlier, later in steps)), n=len(steps)),
    ]  # fmt: skip


def taken(one: Seen, at: float, everybody: Sequence[Seen]) -> int:
    """How many turns were taken between a moment and somebody's own turn."""
    return sum(at < other.begun < one.begun for other in everybody if other is not one)


def questions() -> list[str]:
    """What the example's documents answer."""
    lines = (EXAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [row["question"] for row in rows if row["expect"] == "answer" and row["question"].isascii()]


@asynccontextmanager
async def served(command: Sequence[str | Path], environ: Mapping[str, str], probe: str) -> AsyncIterator[str]:
    """A server on a free port while it is needed; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    given = {**(environ or bot_environ(Path(tempfile.gettempdir()), [])), "BURNISH_SERVE__LISTEN": f"127.0.0.1:{port}"}
    process = await asyncio.create_subprocess_exec(
        *map(str, command), env=given, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        await _until(f"{base}{probe}", process)
        yield base
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def _until(url: str, process: asyncio.subprocess.Process) -> None:
    end = time.monotonic() + STARTING
    async with httpx.AsyncClient(trust_env=False) as client:
        while time.monotonic() < end and process.returncode is None:
            with suppress(httpx.HTTPError):
                if (await client.get(url)).status_code < HTTP_TROUBLE:
                    return
            await asyncio.sleep(0.1)
    raise SystemExit(f"{url} did not come up.")


if __name__ == "__main__":
    main()
