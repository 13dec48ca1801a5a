"""Training and judging as a run does them: the real encoder and classifier, real store and registry, answers quoted."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable, Iterator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from adapters.examples import AnswerExample, Examples, IntentExample, LinkExample, ShownPassage
from adapters.registry import Lineage
from adapters.retrieval.answers import AnswerMemory
from adapters.retrieval.config import SHIFT_RANGE, Calibration, Kernel
from adapters.retrieval.model import KnownPassage, LinkMemory, Links, RetrievalAdapter
from adapters.retrieval.persist import load, save
from adapters.types import Stage, Task
from benchmarks.team import Question, accepted, examples
from bot.config import folders, load_settings
from bot.learning.canary import Act, WatchConfig, watch
from bot.learning.comparing import Questions
from bot.learning.held_out import MOST
from bot.learning.in_turn import PARTS, part_of
from bot.learning.live import LivePath
from bot.learning.regression import load_suite
from bot.learning.types import Job, Phase, TaskResult, Verdict
from bot.pipeline import Done
from bot.store.store import Store
from bot.types import Answer, Message, Rating, RatingValue
from bot.wiring import Wiring, example_folder
from bot.wiring_eval import Report, evaluate_versions, questions_from
from bot.wiring_ground import rehearsed
from bot.wiring_live import live_path
from bot.wiring_training import LocalLearner
from knowledge.advice import text_digest
from knowledge.types import DEFAULT_COLLECTION
from tests.acceptance.learning_team import Clock, no_model
from tests.unit.training.corpus import rows
from training.gate import ReasonCode
from training.splits import feedback_side, normalised
from training.types import Split

pytestmark = [pytest.mark.models, pytest.mark.slow]

ASKED = 40
LINEAGE = Lineage(ratings=(), examples_digest="", parent="", base="b", code="", seed=0)


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """A home folder with the help centre taken in, and the environment that it is used with."""
    home = tmp_path_factory.mktemp("stocked") / "home"
    with no_model() as generator:
        environ = {"BURNISH_CACHE": str(model_cache), "BURNISH_MODELS__GENERATOR": generator}
        wiring_in(home, environ).ingest([str(example_folder() / "help-centre")], collection=DEFAULT_COLLECTION)
        yield home, environ


@pytest.fixture
def wiring(stocked: tuple[Path, dict[str, str]], tmp_path: Path) -> Wiring:
    home, environ = stocked
    shutil.copytree(home, tmp_path / "home")
    return wiring_in(tmp_path / "home", environ)


def wiring_in(home: Path, environ: dict[str, str]) -> Wiring:
    found = folders({**environ, "BURNISH_HOME": str(home)})
    return Wiring(load_settings(environ, found.file), found, lambda *_: None)


def spoilt(wiring: Wiring, folder: Path) -> Path:
    """A version of retrieval that remembers hostile links: whatever is asked, it looks in the fee tables."""
    with wiring.open_store() as store:
        wrong = [one for one in store.knowledge.load_chunks() if one.uri.endswith("/fees.md")]
    asked = wiring.encoder.encode([question.text for question in examples(0).asked])
    pairs = [(question, passage) for question in range(len(asked)) for passage in range(len(wrong))]
    links = Links(
        questions=np.array([question for question, _ in pairs], dtype=np.int64),
        passages=np.array([passage for _, passage in pairs], dtype=np.int64),
        worth=np.ones(len(pairs), dtype=np.float32),
    )
    made = RetrievalAdapter(
        encoder=wiring.encoder.name,
        mentions=tuple(KnownPassage(uri=one.uri, digest=text_digest(one.chunk.text)) for one in wrong),
        vectors=wiring.encoder.encode([one.chunk.embedding_text for one in wrong]),
        memory=LinkMemory(asked, links, Kernel(floor=0.0, strength=1.0)),
        query=None,
        calibration=Calibration(shift=SHIFT_RANGE[1]),
    )
    save(made, folder, source="spoilt", created_at=datetime.now(UTC))
    return folder


def learned(wiring: Wiring, store: Store, task: Task, found: Examples, folder: Path) -> tuple[TaskResult, int]:
    """What a run makes of examples, and how many questions it counted."""
    folder.mkdir()
    learner = LocalLearner(wiring, store, Job(run=1, tasks=(task,), folder=str(folder), seed=0, examples=found))
    counted: list[int] = []

    def tell(phase: Phase, _done: int, total: int) -> None:
        if phase is Phase.REPLAY:
            counted.append(total)

    result = learner.learn(task, found, folder / task.value, seed=0, tell=tell)
    return result, max(counted, default=0)


def test_a_version_of_retrieval_that_was_made_worse_on_purpose_is_turned_down(wiring: Wiring, tmp_path: Path) -> None:
    added = wiring.add_version(Task.RETRIEVAL, spoilt(wiring, tmp_path / "spoilt"))
    items, _ = questions_from(example_folder() / "faq.csv")
    report = evaluate_versions(
        wiring, Questions(test=items[:ASKED]), task=Task.RETRIEVAL, candidate=added.name, against=""
    )
    assert isinstance(report, Report)
    assert not report.decision.promote
    assert report.decision.reasons[0].code is ReasonCode.WORSE
    assert report.decision.gain is not None
    assert report.decision.gain.value < 0


async def test_a_poisoned_version_that_serves_is_rolled_back_by_what_people_say_of_its_answers(
    wiring: Wiring, tmp_path: Path
) -> None:
    clock = Clock(datetime.now(UTC) - timedelta(days=10))
    questions = examples(0).asked[:80]
    with Store.open(wiring.store_url, wiring.keyring, clock=clock) as store:
        live = await asyncio.to_thread(live_path, wiring, store)
        await live.follow()
        await rated(store, clock, live, questions)
        added = wiring.registry.add_candidate(Task.RETRIEVAL, spoilt(wiring, tmp_path / "spoilt"), lineage=LINEAGE)
        wiring.registry.promote(Task.RETRIEVAL, added.name)
        await live.follow()
        clock.now = datetime.now(UTC) + timedelta(seconds=1)
        poisoned = await rated(store, clock, live, questions[:50])
        assert all("retrieval-1" in answer.trace.versions.values() for answer in poisoned)
        [verdict] = watch(wiring.registry, store, WatchConfig(share=0.2), clock())
        assert (verdict.act, verdict.version) == (Act.FALLEN, "retrieval-1")
        assert wiring.registry.version(Task.RETRIEVAL, "retrieval-1").stage is Stage.REJECTED
        await live.follow()
        [again] = await rated(store, clock, live, questions[:1])
        assert "retrieval-1" not in again.trace.versions.values()
        await live.aclose()


async def rated(store: Store, clock: Clock, live: LivePath, questions: tuple[Question, ...]) -> list[Answer]:
    """People ask, and say honestly whether the answer is right."""
    answers = []
    for number, question in enumerate(questions):
        clock.now += timedelta(minutes=1)
        message = Message(
            platform="slack",
            event_id=f"{clock.now.timestamp()}",
            channel=f"D{clock.now.timestamp()}",
            thread="",
            sender=f"U{number % 40}",
            sender_name="",
            text=question.text,
            received_at=clock.now,
        )
        stored = store.inbox.accept(message, idle_minutes=30)
        assert stored is not None
        async with aclosing(live.answer(question.text, conversation_id=stored.conversation_id)) as events:
            [answer] = [event.answer async for event in events if isinstance(event, Done)]
        given = store.answers.add(stored.id, answer)
        value = RatingValue.UP if accepted(question, answer) else RatingValue.DOWN
        store.ratings.rate(Rating(answer_id=given.id, user_id=stored.user_id, value=value))
        answers.append(answer)
    return answers


def test_what_helps_with_nothing_says_so_and_leaves_no_version(wiring: Wiring, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with wiring.open_store() as store:
        chunks = list(store.knowledge.load_chunks())
        found = Examples(
            links=tuple(
                LinkExample(
                    question=question.text,
                    passage=ShownPassage(uri=one.uri, title=" > ".join(one.chunk.title_path), text=one.chunk.text),
                    good=True,
                    weight=1.0,
                    ratings=(f"{number}:{number}",),
                )
                for number, question in enumerate(examples(0).asked[:100])
                for one in [chunks[rng.integers(len(chunks))]]
            )
        )
        result, asked = learned(wiring, store, Task.RETRIEVAL, found, tmp_path / "work")
    assert (result.verdict, result.folder, asked) == (Verdict.NOTHING, "", 0)
    assert result.examples > 0


def told(store: Store) -> Examples:
    """Answers from the right passages that people liked."""
    chunks = list(store.knowledge.load_chunks())
    answers: list[AnswerExample] = []
    links: list[LinkExample] = []
    for number, question in enumerate(dict.fromkeys(examples(0).asked)):
        said = question.correction
        one = next(
            (one for one in chunks if said and one.uri.endswith(question.document) and said in one.chunk.text), None
        )
        if one is None:
            continue
        passage = ShownPassage(uri=one.uri, title=" > ".join(one.chunk.title_path), text=one.chunk.text)
        ratings = (f"{number}:{number % 20}",)
        answers.append(
            AnswerExample(
                question=question.text, passages=(passage,), answer=said, liked=True, weight=0.8, ratings=ratings
            )
        )
        links.append(LinkExample(question=question.text, passage=passage, good=True, weight=0.8, ratings=ratings))
    return Examples(answers=tuple(answers), links=tuple(links))


def test_retrieval_is_judged_by_what_it_learns_from_too_and_each_part_by_one_that_has_not_seen_it(
    wiring: Wiring, tmp_path: Path
) -> None:
    with wiring.open_store() as store:
        found = told(store)
        result, _ = learned(wiring, store, Task.RETRIEVAL, found, tmp_path / "first")
        asked = {one.question for one in found.answers}
        held_out = {question for question in asked if feedback_side(question) is Split.TEST}
        assert questions_of(result) == len(asked) > MOST > len(held_out)
        for part in range(PARTS):
            remembered = load(tmp_path / "first" / f"retrieval-without-{part}", encoder=wiring.encoder.name).answers
            assert remembered is not None
            without = {question for question in asked - held_out if part_of(question) == part}
            assert known(wiring, remembered, without) == 0, "none of the part"
            assert known(wiring, remembered, asked - without) == len(asked - without), "all others"
        added = wiring.registry.add_candidate(
            Task.RETRIEVAL, Path(result.folder), lineage=replace(LINEAGE, ratings=result.ratings)
        )
        wiring.registry.promote(Task.RETRIEVAL, added.name)
        again, _ = learned(wiring, store, Task.RETRIEVAL, found, tmp_path / "second")
    assert again.verdict is Verdict.NOT_BETTER
    assert questions_of(again) == len(held_out), "what serves has learned from all others"


def questions_of(result: TaskResult) -> int:
    """How many questions a candidate was judged by."""
    reasons = {reason.code: reason for reason in result.reasons}
    judged = next(reason for code, reason in reasons.items() if "questions" in reason.values)
    return int(judged.values["questions"])


def known(wiring: Wiring, memory: AnswerMemory, questions: Iterable[str]) -> int:
    """How many of some questions a memory has."""
    texts = sorted(questions)
    nearest = (wiring.encoder.encode(texts) @ memory.questions.T).max(axis=1) if texts else np.zeros(0)
    return int((nearest > 0.999).sum())


def test_a_teams_own_rows_are_learned_on_top_of_and_the_suite_is_asked_once_of_what_serves(
    wiring: Wiring, tmp_path: Path
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("text,label\n" + "".join(f'"{row.text}",{row.label}\n' for row in rows()), encoding="utf-8")
    wiring.train_intents(file, {}, builtin=True, plot=None, on_epoch=lambda _: None)
    said = [text for number in range(30) if feedback_side(text := f"zebra please {number}") is not Split.TEST]
    found = Examples(
        intents=tuple(IntentExample(question=text, label="human", weight=1.0, ratings=("1:1",)) for text in said[:8])
    )
    cases = len(load_suite().cases)
    with wiring.open_store() as store:
        result, asked = learned(wiring, store, Task.INTENT, found, tmp_path / "first")
        _, again = learned(wiring, store, Task.INTENT, found, tmp_path / "second")
    made = wiring.classifier_in(Path(result.folder))
    assert {row.label for row in rows()} <= set(made.labels)
    label = made.predict(["where is my parcel"], wiring.encoder.encode(["where is my parcel"]))[0].label
    assert label == "delivery"
    assert asked >= 2 * cases
    assert again <= asked - cases, "what is known of the versions is not asked again"


def test_what_the_generator_rehearses_is_neither_asked_by_the_gate_nor_of_the_side_that_decides() -> None:
    questions = [question for question, _ in rehearsed()]
    assert len(questions) >= 10
    assert not {normalised(one) for one in questions} & {normalised(case.question) for case in load_suite().cases}
    assert all(feedback_side(one) is not Split.TEST for one in questions)
