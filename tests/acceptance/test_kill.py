"""A chat that is killed at any instant of a turn loses no message and answers none twice."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.config import folders, load_settings
from bot.store.store import Store
from bot.wiring import Wiring
from tests.acceptance.conftest import SECONDS, Burnish
from tests.acceptance.slow_endpoint import SlowEndpoint, slow_endpoint

pytestmark = [pytest.mark.models, pytest.mark.slow]

ANSWER = "Every plan includes support by mail. Every plan includes a backup each night."
STOPPED_BEFORE = "You asked this before I was stopped:\n"
CHAINS = 2  # side by side, each with its own home
SEED = 20_261_124
AFTER_ECHO = 0.15  # seconds in which a message is accepted and its passages are found
AFTER_WRITING = 0.06  # seconds in which an answer is stored, shown and noted as delivered


@dataclass(slots=True, kw_only=True)
class Seen:
    """What one chain of kills saw."""

    waiting: list[int] = field(default_factory=list)  # messages without answer or delivery after each kill
    resumed: list[int] = field(default_factory=list)  # how many of them the next start spoke of


@pytest.mark.parametrize("kills", [4, pytest.param(10, marks=pytest.mark.long)])  # in each chain
def test_every_message_of_a_killed_chat_is_answered_exactly_once(tmp_path: Path, kills: int) -> None:
    with slow_endpoint(ANSWER, seconds_per_word=0.03) as endpoint:
        program = prepared(tmp_path, endpoint)
        chains = [program, Burnish(home=tmp_path / "second", settings=program.settings)]
        shutil.copytree(program.home, chains[1].home)
        with ThreadPoolExecutor(CHAINS) as pool:
            seen = list(pool.map(lambda number: killed(chains[number], endpoint, number, kills), range(CHAINS)))
        for chain in range(CHAINS):
            assert seen[chain].resumed == seen[chain].waiting
            assert_each_answered_once(chains[chain], endpoint, chain, kills)
    waiting = sum(count for one in seen for count in one.waiting)
    assert 0 < waiting < CHAINS * kills, "the instants should fall before and after the end of a turn"


def prepared(folder: Path, endpoint: SlowEndpoint) -> Burnish:
    """A home with one short document, where everything was done once that only a first start does."""
    document = folder / "plans.md"
    document.write_text(f"# Plans\n\n{ANSWER}\n", encoding="utf-8")
    settings = {
        "BURNISH_MODELS__GENERATOR": f"openai:{endpoint.url}#m",
        "BURNISH_MODELS__THREADS": "1",
        "BURNISH_ANSWERS__MIN_ANSWERABILITY": "0",
        "BURNISH_INTENTS__SMALL_TALK_CONFIDENCE": "1",
        "BURNISH_BOT__HISTORY_TURNS": "0",
    }
    program = Burnish(home=folder / "first", settings=settings)
    assert program("ingest", str(document)).code == 0
    program.chat("/help")
    return program


def question(chain: int, kill: int) -> str:
    return f"What does plan {chain}-{kill:02} include?"


def killed(program: Burnish, endpoint: SlowEndpoint, chain: int, kills: int) -> Seen:
    """Ask and kill, again and again; each start first takes up what the kill before left; the last one only that."""
    rng = random.Random(SEED + chain)  # noqa: S311 - instants to kill at, not a secret
    seen = Seen()
    for kill in range(kills):
        with program.start("chat") as process:
            transcript = asked_and_killed(process, endpoint, question(chain, kill), phase=kill % 3, rng=rng)
        note(program, seen, transcript)
    finished = program("chat")
    assert finished.code == 0, finished.err
    seen.resumed.append(finished.out.count(STOPPED_BEFORE))
    assert seen.resumed.pop(0) == 0, "the first start has nothing to take up"
    return seen


def asked_and_killed(
    process: subprocess.Popen[str], endpoint: SlowEndpoint, text: str, *, phase: int, rng: random.Random
) -> str:
    """Kill at a random instant of one phase of the turn; returns what was shown until then."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{text}\n")
    process.stdin.flush()
    shown = ""
    while not shown.endswith(f"> {text}\n"):
        line = process.stdout.readline()
        assert line, f"the chat ended by itself after:\n{shown}"
        shown += line
    if phase == 0:  # before or after the message is accepted, while passages are looked for
        time.sleep(rng.uniform(0, AFTER_ECHO))
    elif phase == 1:  # while the answer is written
        assert endpoint.wait(endpoint.asked, text, seconds=SECONDS)
        time.sleep(rng.uniform(0, endpoint.seconds))
    else:  # before or after it is stored, shown, noted as delivered
        assert endpoint.wait(endpoint.written, text, seconds=SECONDS)
        time.sleep(rng.uniform(0, AFTER_WRITING))
    process.kill()
    rest, _ = process.communicate()
    return shown + rest


def note(program: Burnish, seen: Seen, transcript: str) -> None:
    """Look into the store of a dead program."""
    with opened(program) as store:
        pending, undelivered = store.inbox.pending(platform="console"), store.answers.undelivered("console")
        seen.waiting.append(len(pending) + len(undelivered))
    seen.resumed.append(transcript.count(STOPPED_BEFORE))


def assert_each_answered_once(program: Burnish, endpoint: SlowEndpoint, chain: int, kills: int) -> None:
    with opened(program) as store:
        answers = store.answers.recent(limit=10 * kills)
        assert store.inbox.pending(platform="console") == ()
        assert store.answers.undelivered("console") == ()
        said = store.inbox.said(platform="console", sender=sender(store), limit=10 * kills)
    answered = sorted(answer.question for answer in answers)
    assert answered == sorted(said), "each accepted message has exactly one answer"
    assert len(set(answered)) == len(answered)
    # The generator is asked only after a message was accepted, so whatever it was asked must be there.
    reached = {q for q in (question(chain, kill) for kill in range(kills)) if any(q in turn for turn in endpoint.asked)}
    assert reached <= set(answered)
    assert {answer.answer.text for answer in answers} == {f"{ANSWER} [1]"}


def sender(store: Store) -> str:
    """The only person who wrote."""
    [person] = store.people.list()
    return person.platform_user_id


@contextmanager
def opened(program: Burnish) -> Iterator[Store]:
    """The store of a program that does not run."""
    found = folders(program.environ)
    with Wiring(load_settings(program.environ, found.file), found, lambda *_: None).open_store() as store:
        yield store
