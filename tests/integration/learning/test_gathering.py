"""What the store holds, as examples: through the real message path, the real buttons' store, and the approval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.testing import FakeEncoder, ScriptedGenerator
from adapters.types import Task
from bot.learning.feedback import LeftOut
from bot.learning.gathering import Gathering
from bot.pipeline import Done
from bot.store.crypto import Keyring
from bot.store.store import Store
from bot.teaching import KnowledgeTeacher
from bot.testing import FixedClassifier, fake_pipeline, teach
from bot.types import Correction, Rating, RatingReason, RatingValue, Role, StoredAnswer
from bot.wiring_learning import preview_lines
from knowledge.retrieve import KnowledgeBase
from knowledge.testing import chunk
from knowledge.types import Passage
from tests.pipelines import DEFINITIONS, refusing, settings
from tests.stores import message
from training.splits import feedback_side
from training.types import Split

REFUNDS = "Refunds reach your bank within five working days. Ask Ada Lovelace or help@example.com about delays."
INVOICES = "Invoices are sent by mail on the first day of each month."
QUESTION = "When do refunds reach my bank?"


class Team:
    """A store with two documents, and a bot that answers from them."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self._folder = folder
        self._encoder = FakeEncoder()
        teach(store.knowledge, chunk(REFUNDS, title="Refunds"), chunk(INVOICES, title="Invoices", ordinal=1))
        self._base = KnowledgeBase.open(store.knowledge, self._encoder, folder / "search")
        self.gathering = Gathering(store, search=self._search, labels=lambda: {"question", "greeting", "out_of_scope"})

    def _search(self, text: str) -> Sequence[Passage]:
        self._base.refresh()
        return self._base.search(text, self._encoder.encode([text])[0])

    async def asked(
        self, text: str, *, intent: str = "question", refuses: bool = False, writes: str = REFUNDS
    ) -> StoredAnswer:
        """A question with the answer that the message path gives."""
        path = fake_pipeline(
            self.store.knowledge,
            self._folder / "index",
            generator=ScriptedGenerator([writes]),
            classifier=FixedClassifier(label=intent),
            settings=refusing() if refuses else settings(),
            definitions=DEFINITIONS,
        )
        stored = self.store.inbox.accept(message(text), idle_minutes=30)
        assert stored is not None
        events = [event async for event in path.answer(text)]
        last = events[-1]
        assert isinstance(last, Done)
        return self.store.answers.add(stored.id, last.answer)

    def rate(self, answer: StoredAnswer, reason: RatingReason | None = None) -> None:
        user = self.store.people.by_platform("slack", "U1")
        assert user is not None
        self.store.people.set_role(user.id, Role.TRAINER)
        value = RatingValue.UP if reason is None else RatingValue.DOWN
        self.store.ratings.rate(Rating(answer_id=answer.id, user_id=user.id, value=value, reason=reason))

    def approve(self, answer: StoredAnswer, right: str) -> int:
        number = self.store.ratings.correct(Correction(answer_id=answer.id, user_id=1, text=right))
        KnowledgeTeacher(self.store.knowledge, self._encoder).correct(answer.question, right)
        self.store.ratings.decide(number, approved=True)
        return number


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}", Keyring.generate()) as store:
        store.migrate()
        yield Team(store, tmp_path)


async def test_a_liked_answer_links_the_passage_under_the_name_that_the_search_knows_it_by(team: Team) -> None:
    answer = await team.asked(QUESTION)
    team.rate(answer)
    examples = team.gathering.examples()
    [link] = examples.links
    [stored] = [one for one in team.store.knowledge.load_chunks() if one.chunk.text == REFUNDS]
    assert (link.passage.uri, link.passage.text, link.good) == (stored.uri, REFUNDS, True)
    [written] = examples.answers
    assert written.answer
    assert written.answer in REFUNDS
    assert [one.answerable for one in examples.verdicts] == [True]


async def test_a_refusal_by_the_intent_is_told_from_one_by_the_documents(team: Team) -> None:
    scope = await team.asked("What is the weather?", intent="out_of_scope")
    team.rate(scope, RatingReason.WRONG_TOPIC)
    unsure = await team.asked("What about parcels?", refuses=True)
    team.rate(unsure, RatingReason.WRONG_SOURCE)
    examples = team.gathering.examples()
    assert [(one.question, one.label) for one in examples.intents] == [("What is the weather?", "question")]
    assert [(one.question, one.answerable) for one in examples.verdicts] == [("What about parcels?", True)]


async def test_an_approved_correction_finds_its_passage_and_not_the_entry_that_was_made_of_it(team: Team) -> None:
    wrong = await team.asked("How do I get my invoices?", writes=INVOICES)
    team.rate(wrong, RatingReason.WRONG_SOURCE)
    number = team.approve(wrong, "Refunds reach your bank within five working days.")
    examples = team.gathering.examples()
    [better] = [one for one in examples.answers if one.better]
    assert better.ratings == (f"c:{number}",)
    assert [one.text for one in better.passages] == [REFUNDS]
    assert [one.good for one in examples.links if one.passage.text == REFUNDS] == [True]


async def test_names_of_people_are_masked_but_for_what_the_documents_say(team: Team) -> None:
    team.store.people.meet("slack", "U7", "Grace Hopper")
    answer = await team.asked("When do refunds reach Grace Hopper, grace@example.com?")
    team.rate(answer)
    [link] = team.gathering.examples().links
    assert "Grace" not in link.question
    assert "@" not in link.question
    assert "help@example.com" in link.passage.text


async def test_an_outdated_document_is_named_and_nothing_is_learned(team: Team) -> None:
    answer = await team.asked(QUESTION)
    team.rate(answer, RatingReason.OUT_OF_DATE)
    gathered = team.gathering.gathered()
    assert (len(gathered.examples), gathered.outdated) == (0, (answer.answer.sources[0].uri,))
    assert [one.why for one in gathered.left_out] == [LeftOut.OUT_OF_DATE]
    assert [one.uri for one in team.store.document_tasks.open()] == list(gathered.outdated)


async def test_whoever_is_forgotten_teaches_nothing_any_more(team: Team) -> None:
    answer = await team.asked(QUESTION)
    team.rate(answer)
    assert len(team.gathering.examples()) > 0
    team.store.people.forget(1)
    gathered = team.gathering.gathered()
    assert (len(gathered.examples), gathered.people) == (0, ())


async def test_only_what_can_be_learned_from_counts_as_a_new_rating(team: Team) -> None:
    asked = [f"When do refunds number {number} reach my bank?" for number in range(20)]
    learned = next(one for one in asked if feedback_side(one) is not Split.TEST)
    held_out = next(one for one in asked if feedback_side(one) is Split.TEST)
    for text in (learned, learned, held_out):
        team.rate(await team.asked(text))
    team.rate(await team.asked(f"{learned} And when?"), RatingReason.OUT_OF_DATE)
    assert team.store.feedback.count() == 4
    assert team.gathering.usable(None) == 1, "not the same again, not what is kept back, not what is out of date"
    assert team.gathering.usable(datetime.now(UTC) + timedelta(seconds=1)) == 0


async def test_who_has_no_name_is_told_by_their_id_to_whoever_asks_who_taught_it(team: Team) -> None:
    answer = await team.asked(QUESTION)
    nameless = team.store.people.meet("web", "local")
    team.store.people.set_role(nameless.id, Role.OWNER)
    team.store.ratings.rate(Rating(answer_id=answer.id, user_id=nameless.id, value=RatingValue.UP))
    lines = preview_lines(team.store, team.gathering, "en", in_detail=True, tasks=[Task.RETRIEVAL])
    assert any(line.endswith("(local)") for line in lines)
