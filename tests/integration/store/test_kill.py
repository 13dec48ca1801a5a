from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from bot.store.check import check
from bot.store.crypto import Keyring
from bot.store.store import Store
from bot.types import Turn
from tests.stores import message

# Writes for ever, and says what it wrote only after the store said that it is kept.
WRITER = """
import sys
from bot.store.crypto import Keyring
from bot.store.store import Store
from tests.stores import answer, chunks, document, message, vectors

with Store.open(sys.argv[1], Keyring.parse(sys.argv[2], origin="argv")) as store:
    number = int(sys.argv[3])
    while True:
        stored = store.inbox.accept(message(f"question {number}", event_id=f"E{number}"), idle_minutes=30)
        if stored is not None:
            print("accepted", number, flush=True)
            store.answers.add(stored.id, answer(f"answer {number}"))
            print("answered", number, flush=True)
            store.knowledge.replace_document(document(f"/{number % 3}"), chunks("a", "b"), vectors(2), encoder="e")
        number += 1
"""


def test_a_writer_killed_at_any_instant_loses_nothing_that_it_was_promised(tmp_path: Path, keyring: Keyring) -> None:
    path = tmp_path / "store.sqlite3"
    with Store.open(str(path), keyring) as store:
        store.migrate()
    accepted: set[str] = set()
    answered: set[str] = set()
    rng = random.Random(7)  # noqa: S311 - instants to kill at, not a secret
    for run in range(5):
        said = _write_until_killed(
            path, keyring, start=run * 10_000, lines=rng.randint(1, 20), seconds=rng.uniform(0, 0.03)
        )
        accepted |= {line.split()[1] for line in said if line.startswith("accepted")}
        answered |= {line.split()[1] for line in said if line.startswith("answered")}
    assert len(answered) >= 5
    with Store.open(str(path), keyring) as store:
        assert check(store) == ()
        for number in accepted:
            assert store.inbox.accept(message(event_id=f"E{number}"), idle_minutes=30) is None, number
        kept = store.inbox.history(1, before_message_id=10**9, turns=10**6)
        assert {Turn(question=f"question {number}", answer=f"answer {number}") for number in answered} <= set(kept)


def _write_until_killed(path: Path, keyring: Keyring, *, start: int, lines: int, seconds: float) -> list[str]:
    command = [sys.executable, "-c", WRITER, str(path), keyring.dump(), str(start)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    first = [process.stdout.readline() for _ in range(lines)]
    time.sleep(seconds)
    process.kill()
    rest, _ = process.communicate()
    return [*first, *rest.splitlines()]
