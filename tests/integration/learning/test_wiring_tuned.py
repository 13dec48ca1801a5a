"""Retrieval versions with an encoder of their own, over the real models: ready before they serve, and never mixed."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from adapters.encoder.adapter import EncoderDelta
from adapters.errors import AdapterError
from adapters.lineage import Lineage
from adapters.retrieval.model import RetrievalAdapter
from adapters.retrieval.persist import load, save
from adapters.types import AdapterVersion, Task
from bot.config import Folders, ModelSettings, Settings
from bot.learning.live import LivePath, Versions
from bot.pipeline import Done
from bot.store.store import Store
from bot.types import Answer
from bot.wiring import Wiring
from bot.wiring_live import Arms, live_path
from knowledge.own import FILE, SAVE_EVERY
from knowledge.testing import chunk, document
from training.links import Link, LinkTrainConfig
from training.train_encoder import train_encoder

pytestmark = [pytest.mark.models, pytest.mark.slow]

NOTHING: Versions = dict.fromkeys(Task, None)
LINEAGE = Lineage(ratings=(), examples_digest="", parent="", base="", code="", seed=0)
PASSAGES = (
    "The deposit of the flat is paid back after the keys were returned.",
    "Rubbish is collected on Monday; put the bins out by six.",
    "Visitors park behind the house, with a ticket from the porter.",
    "The laundry in the cellar is open until ten in the evening.",
    "Broken windows are repaired by the glazier within two days.",
    "The heating is turned on in October and off in April.",
)
# The tenants' own words, which no pretrained encoder can know; BM25 finds none of the others.
QUESTIONS = (
    "What about my blorp?",
    "Who knows how long zunk takes?",
    "Where can my frabble go?",
    "When can we use grumkey?",
    "Who would do my vatslip?",
    "How do we get more plumbox?",
)
LATE, ASKED_LATE = "The blorp of a garage is paid back within a year.", "What about my blorp garage?"


@pytest.fixture(scope="module")
def delta(encoder_folder: Path) -> EncoderDelta:
    links = [Link(question=question, passage=number) for number, question in enumerate(QUESTIONS)]
    texts = [chunk(text, title="House").embedding_text for text in PASSAGES]
    config = LinkTrainConfig(epochs=16, rank=0, learning_rate=5e-4, dev_share=0.0, warm_up=0.0, passages_per_step=6)
    return train_encoder(encoder_folder, links, texts, config).delta


@pytest.fixture
def wiring(tmp_path: Path, model_cache: Path) -> Wiring:
    folders = Folders(home=tmp_path / "home", cache=model_cache, file=tmp_path / "burnish.toml")
    folders.home.mkdir()
    models = ModelSettings(generator="openai:http://127.0.0.1:9/v1#none")  # nothing listens: passages are quoted
    return Wiring(Settings(models=models), folders, lambda *_: None)


@pytest.fixture
def store(wiring: Wiring) -> Iterator[Store]:
    with wiring.open_store() as opened:
        for number, text in enumerate(PASSAGES):
            put(wiring, opened, f"/{number}.md", text)
        yield opened


@pytest.fixture
def version(wiring: Wiring, delta: EncoderDelta, tmp_path: Path) -> AdapterVersion:
    made = RetrievalAdapter(
        encoder=wiring.encoder.name,
        mentions=(),
        vectors=np.zeros((0, wiring.encoder.dimension), dtype=np.float32),
        memory=None,
        query=None,
        tuned=delta,
    )
    save(made, tmp_path / "made", source="test", created_at=datetime.now(UTC))
    return wiring.registry.add_candidate(Task.RETRIEVAL, tmp_path / "made", lineage=LINEAGE)


@pytest.fixture
async def live(wiring: Wiring, store: Store) -> AsyncIterator[LivePath]:
    path = live_path(wiring, store)
    yield path
    await path.aclose()


def put(wiring: Wiring, store: Store, uri: str, *texts: str) -> None:
    pieces = [chunk(text, ordinal=number, title="House") for number, text in enumerate(texts)]
    vectors = wiring.encoder.encode([piece.embedding_text for piece in pieces])
    store.knowledge.replace_document(document(uri), pieces, vectors, encoder=wiring.encoder.name)


async def answered(live: LivePath, question: str, *, conversation: int = 0) -> Answer:
    async for event in live.answer(question, conversation_id=conversation):
        if isinstance(event, Done):
            return event.answer
    raise AssertionError(question)


def first(answer: Answer) -> str:
    return answer.trace.passages[0].uri


def by(answer: Answer) -> str:
    """The retrieval version that answered, "" for none."""
    return answer.trace.versions.get("retrieval", "")


def right(answers: list[Answer]) -> int:
    return sum(first(answer) == f"/{number}.md" for number, answer in enumerate(answers))


async def test_a_version_finds_what_it_learned_and_the_way_back_unlearns_it(
    wiring: Wiring, live: LivePath, version: AdapterVersion
) -> None:
    before = [await answered(live, question) for question in QUESTIONS]
    assert right(before) < 4
    wiring.registry.promote(Task.RETRIEVAL, version.name)
    await live.follow()
    after = [await answered(live, question) for question in QUESTIONS]
    assert right(after) == len(PASSAGES)
    assert {by(answer) for answer in after} == {version.name}
    assert (version.folder / FILE).is_file()
    wiring.registry.retire(Task.RETRIEVAL)
    await live.follow()
    again = [await answered(live, question) for question in QUESTIONS]
    assert [first(answer) for answer in again] == [first(answer) for answer in before]


async def test_documents_that_come_while_it_serves_are_found_at_once(
    wiring: Wiring, store: Store, live: LivePath, version: AdapterVersion
) -> None:
    wiring.registry.promote(Task.RETRIEVAL, version.name)
    await live.follow()
    put(wiring, store, "/late.md", LATE)
    assert first(await answered(live, ASKED_LATE)) == "/late.md"
    put(wiring, store, "/late.md", "Bicycles stand in the yard.")
    assert first(await answered(live, ASKED_LATE)) != "/late.md"
    assert right([await answered(live, question) for question in QUESTIONS]) == len(PASSAGES)


@pytest.mark.parametrize("damage", ["torn", "gone"])
async def test_a_torn_file_of_vectors_is_made_again(
    wiring: Wiring, store: Store, version: AdapterVersion, damage: str
) -> None:
    await Arms(wiring, store).build({**NOTHING, Task.RETRIEVAL: version}).aclose()
    file = version.folder / FILE
    whole = file.read_bytes()
    if damage == "torn":
        file.write_bytes(whole[: len(whole) // 2])
    else:
        file.unlink()
    wiring.registry.promote(Task.RETRIEVAL, version.name)
    live = live_path(wiring, store)
    assert live.versions[Task.RETRIEVAL] == wiring.registry.active(Task.RETRIEVAL), "so few chunks hold nobody up"
    assert right([await answered(live, question) for question in QUESTIONS]) == len(PASSAGES)
    assert len(file.read_bytes()) == len(whole)
    await live.aclose()


async def test_a_start_waits_for_no_documents_to_be_encoded_and_follows_when_they_are(
    wiring: Wiring, store: Store, version: AdapterVersion
) -> None:
    put(wiring, store, "/many.md", *(f"Rule {number} of the house." for number in range(70)))
    wiring.registry.promote(Task.RETRIEVAL, version.name)
    live = live_path(wiring, store)
    assert live.versions[Task.RETRIEVAL] is None
    assert right([await answered(live, question) for question in QUESTIONS]) < 4
    await live.follow()
    assert live.versions[Task.RETRIEVAL] is not None
    assert right([await answered(live, question) for question in QUESTIONS]) == len(PASSAGES)
    await live.aclose()
    serving = Arms(wiring, store).first()
    assert serving.versions[Task.RETRIEVAL] is not None
    await serving.aclose()


async def test_what_is_built_at_the_end_is_broken_off(wiring: Wiring, store: Store, version: AdapterVersion) -> None:
    arms = Arms(wiring, store)
    arms.stop()
    with pytest.raises(AdapterError, match="not encoded yet for retrieval-1"):
        arms.build({**NOTHING, Task.RETRIEVAL: version})
    put(wiring, store, "/many.md", *(f"Rule {number} of the house." for number in range(70)))
    notices: list[str] = []
    live = live_path(wiring, store, notice=notices.append)
    wiring.registry.promote(Task.RETRIEVAL, version.name)
    live.start()
    await live.aclose()
    assert notices == [], "an end is no fault of the version"


async def test_an_encoder_tuned_on_other_weights_is_refused_and_what_served_goes_on(
    wiring: Wiring, live: LivePath, delta: EncoderDelta, version: AdapterVersion, tmp_path: Path
) -> None:
    plain = load(version.folder, encoder=wiring.encoder.name)
    foreign = replace(plain, tuned=EncoderDelta(base="f" * 64, tensors=delta.tensors))
    save(foreign, tmp_path / "foreign", source="test", created_at=datetime.now(UTC))
    other = wiring.registry.add_candidate(Task.RETRIEVAL, tmp_path / "foreign")
    for name in (version.name, other.name):
        wiring.registry.promote(Task.RETRIEVAL, name)
        await live.follow()
    serving = live.versions[Task.RETRIEVAL]
    assert serving is not None
    assert serving.name == version.name
    assert right([await answered(live, question) for question in QUESTIONS]) == len(PASSAGES)


async def test_the_vectors_go_with_the_version_when_it_is_added_and_when_it_is_pruned(
    wiring: Wiring, store: Store, version: AdapterVersion
) -> None:
    await Arms(wiring, store).build({**NOTHING, Task.RETRIEVAL: version}).aclose()
    copied = wiring.registry.add_candidate(Task.RETRIEVAL, version.folder)
    assert (copied.folder / FILE).read_bytes() == (version.folder / FILE).read_bytes()
    assert wiring.registry.prune(Task.RETRIEVAL, 0) == (version.name,)
    assert not version.folder.exists()


KILLED = """
    import sys
    from pathlib import Path
    from adapters.types import Task
    from bot.config import Folders, ModelSettings, Settings
    from bot.wiring import Wiring
    from bot.wiring_live import Arms

    home, cache = map(Path, sys.argv[1:])
    models = ModelSettings(generator="openai:http://127.0.0.1:9/v1#none")
    folders = Folders(home=home, cache=cache, file=home / "burnish.toml")
    wiring = Wiring(Settings(models=models), folders, lambda *done: print(*done, flush=True))
    with wiring.open_store() as store:
        version = wiring.registry.version(Task.RETRIEVAL, "retrieval-1")
        Arms(wiring, store).build({**dict.fromkeys(Task), Task.RETRIEVAL: version})
    print("built", flush=True)
"""


def killed_while_it_encodes(home: Path, cache: Path) -> None:
    command = [sys.executable, "-c", dedent(KILLED), str(home), str(cache)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            assert line.strip() != "built"
            if line.endswith("encode\n") and int(line.split()[0]) > SAVE_EVERY:
                break
        child.send_signal(signal.SIGKILL)


async def test_a_kill_while_documents_are_encoded_leaves_what_served_and_the_next_start_goes_on(
    wiring: Wiring, store: Store, version: AdapterVersion, model_cache: Path
) -> None:
    put(wiring, store, "/many.md", *(f"Rule {number} of the house." for number in range(SAVE_EVERY + 200)))
    wiring.registry.promote(Task.RETRIEVAL, version.name)
    killed_while_it_encodes(wiring.folders.home, model_cache)
    live = live_path(wiring, store)
    assert live.versions[Task.RETRIEVAL] is None
    assert first(await answered(live, QUESTIONS[0]))
    encoded: list[int] = []

    def note(_done: int, total: int, what: str) -> None:
        encoded.append(total if what == "encode" else 0)

    again = Wiring(
        wiring.settings, wiring.folders, lambda _done, total, what: encoded.append(total * (what == "encode"))
    )
    await Arms(again, store).build({**NOTHING, Task.RETRIEVAL: version}).aclose()
    assert 0 < max(encoded) <= 206, "what was kept before the kill is not encoded again"
    await live.follow()
    assert right([await answered(live, question) for question in QUESTIONS]) == len(PASSAGES)
    await live.aclose()


async def test_swaps_under_load_mix_nothing(wiring: Wiring, live: LivePath, version: AdapterVersion) -> None:
    """Every answer is one version's alone: what it found is what this version finds."""
    plain = [first(await answered(live, question)) for question in QUESTIONS]
    wanted = {"": plain, version.name: [f"/{number}.md" for number in range(len(PASSAGES))]}
    seen: set[str] = set()
    ending = asyncio.Event()

    async def person(number: int) -> None:
        while not ending.is_set():
            for place, question in enumerate(QUESTIONS):
                answer = await answered(live, question, conversation=number)
                seen.add(by(answer))
                assert first(answer) == wanted[by(answer)][place]

    people = [asyncio.create_task(person(number)) for number in range(4)]
    for swap in range(6):
        if swap % 2:
            wiring.registry.retire(Task.RETRIEVAL)
        else:
            wiring.registry.promote(Task.RETRIEVAL, version.name)
        await live.follow()
        assert by(await answered(live, QUESTIONS[0])) == ("" if swap % 2 else version.name)
    ending.set()
    await asyncio.gather(*people)
    assert seen == set(wanted)
