"""How the whole message path does on the example knowledge: right answers, wrong ones, refusals.

    python -m benchmarks.dialogue [--questions examples/dev_questions.jsonl] [--show]

Settings can be changed through the environment, such as BURNISH_ANSWERS__PASSAGES=1. Nothing is random: greedy
decoding, no seed. `right` means that every expected string is in the answer and the expected document is its source.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.config import folders, load_settings
from bot.middleware import Handler
from bot.one_shot import request_for
from bot.pipeline import Done
from bot.types import Answer, Outcome, Turn
from bot.wiring import Wiring
from bot.wiring_live import alone, live_path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One question, its answer, and whether that is what was wanted."""

    question: str
    expect: str
    answer: Answer
    verdict: str  # "right", "wrong", "wrong source", "refused"


def judge(entry: dict[str, Any], answer: Answer) -> str:
    """Compare an answer with what the file expects."""
    if answer.outcome is not Outcome.ANSWERED:
        return "refused"
    if entry["expect"] == "refuse":
        return "wrong"
    text = answer.text.lower()
    if not all(any(choice.lower() in text for choice in choices) for choices in entry["must_contain"]):
        return "wrong"
    return "right" if any(source.uri.endswith(entry["source"]) for source in answer.sources) else "wrong source"


async def ask(handler: Handler, question: str, history: Sequence[Turn]) -> Answer:
    """Ask one question."""
    async with aclosing(handler(request_for(question, history=history))) as events:
        async for event in events:
            if isinstance(event, Done):
                return event.answer
    raise RuntimeError(question)


async def run(handler: Handler, entries: Sequence[dict[str, Any]]) -> list[Verdict]:
    """Ask every question, with its history before it."""
    verdicts = []
    for number, entry in enumerate(entries, start=1):
        history: list[Turn] = []
        for earlier in entry.get("history", []):
            history.append(Turn(question=earlier, answer=(await ask(handler, earlier, history)).text))
        answer = await ask(handler, entry["question"], history)
        verdict = judge(entry, answer)
        verdicts.append(Verdict(question=entry["question"], expect=entry["expect"], answer=answer, verdict=verdict))
        print(f"\r{number}/{len(entries)}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return verdicts


def main() -> None:
    """Take the example knowledge in and ask the questions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=Path, default=ROOT / "examples" / "dev_questions.jsonl")
    parser.add_argument("--show", action="store_true", help="print every answer that is not right")
    options = parser.parse_args()
    entries = [json.loads(line) for line in options.questions.read_text(encoding="utf-8").splitlines() if line.strip()]
    with tempfile.TemporaryDirectory() as home:
        found = folders({**os.environ, "BURNISH_HOME": home})
        # The data folder is named in the environment too, and it is no setting.
        environ = {name: value for name, value in os.environ.items() if name != "BENCH_DATA"}
        wiring = Wiring(load_settings(environ, found.file), found, lambda *_: None)
        wiring.ingest_example()
        with wiring.open_store() as store:
            verdicts = asyncio.run(run(alone(wiring, live_path(wiring, store)), entries))
    show(verdicts, details=options.show)


def show(verdicts: Sequence[Verdict], *, details: bool) -> None:
    """Print the table, and what went wrong."""
    for expect in ("answer", "refuse"):
        chosen = [v for v in verdicts if v.expect == expect]
        counts = Counter((v.verdict, v.answer.kind.value) for v in chosen)
        total = Counter(v.verdict for v in chosen)
        print(
            f"to {expect}: n = {len(chosen)}  " + "  ".join(f"{name} {count}" for name, count in sorted(total.items()))
        )
        print("   " + "  ".join(f"{kind} {name} {count}" for (name, kind), count in sorted(counts.items())))
    if details:
        for v in verdicts:
            if v.verdict != ("right" if v.expect == "answer" else "refused"):
                print(f"\n[{v.expect}: {v.verdict}] {v.question}\n  {v.answer.text}\n  ({v.answer.trace.reason})")


if __name__ == "__main__":
    main()
