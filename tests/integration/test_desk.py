"""The desk: what comes in is stored and answered in order, what goes out arrives exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.testing import ScriptedGenerator
from adapters.types import ChatTurn
from bot.buttons import Verb, data_of
from bot.config import Settings
from bot.desk import Desk
from bot.frontends.base import (
    MarkupError,
    MessageGoneError,
    PlaceGoneError,
    Press,
    Reaction,
    Target,
    ThrottledError,
    UnreachableError,
)
from bot.frontends.fake import FakeMessenger
from bot.growing import HINT_SECONDS
from bot.store.crypto import Keyring
from bot.store.posts import PostBody
from bot.store.store import Store
from bot.testing import FixedClassifier, teach
from bot.testing_desk import fake_desk
from bot.types import (
    AnswerKind,
    Attachment,
    AttachmentKind,
    Message,
    Origin,
    Place,
    RatingReason,
    RatingValue,
    Role,
)
from knowledge.testing import chunk
from tests.stores import message

REFUNDS = "Refunds reach your bank within five working days."
INVOICES = "Invoices are sent by mail on the first day of each month."
Q_REFUND = "When do refunds reach my bank?"
Q_INVOICE = "When are invoices sent?"
TEAM = "TEAM"


def settings(**serve: Any) -> Settings:  # noqa: ANN401 - settings as they come
    return Settings.model_validate({"answers": {"min_answerability": 0.0}, "serve": serve})


def written(turns: Sequence[ChatTurn]) -> str:
    return INVOICES if "nvoices" in turns[-1].content.rpartition("Question:")[2] else REFUNDS


class Office:
    """A desk with one platform in memory; `restart` is a crash and a new start over the same store."""

    def __init__(self, folder: Path, stack: AsyncExitStack, *, finds: bool = False) -> None:
        self._folder = folder
        self._stack = stack
        self._keyring = Keyring.generate()
        self.slept: list[float] = []
        self.chat = FakeMessenger("slack", finds=finds)
        self.generator = ScriptedGenerator(written)
        self.classifier = FixedClassifier()
        self.settings = settings(team=f"slack:{TEAM}")
        self.store: Store
        self.desk: Desk

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    async def restart(self) -> None:
        self.store = self._stack.enter_context(Store.open(f"sqlite:///{self._folder / 'store.db'}", self._keyring))
        if self.store.migrate():
            teach(self.store.knowledge, chunk(REFUNDS, title="Refunds"), chunk(INVOICES, title="Invoices", ordinal=1))
        self.desk = fake_desk(
            self.store,
            self._folder / "index",
            {"slack": self.chat},
            generator=self.generator,
            classifier=self.classifier,
            settings=self.settings,
            sleep=self.sleep,
        )
        await self.desk.start()
        self._stack.push_async_callback(self.desk.stop)

    async def say(self, text: str = Q_REFUND, **fields: Any) -> None:  # noqa: ANN401 - a message's fields
        await self.desk.said(said(text, **fields))
        await self.desk.idle()

    async def press(self, verb: Verb, subject: int, argument: int | str = "", **fields: Any) -> Any:  # noqa: ANN401 - a press's fields
        press = Press(
            **{
                "platform": "slack",
                "channel": "C1",
                "thread": "",
                "place": Place.DIRECT,
                "message_id": "m1",
                "event_id": f"press-{verb}-{subject}-{argument}",
                "sender": "U1",
                "sender_name": "Ada",
                "data": data_of(verb, subject, argument),
                **fields,
            }
        )
        response = await self.desk.pressed(press)
        await self.desk.idle()
        return response

    @property
    def texts(self) -> list[str]:
        return [one.text for one in self.chat.messages.values()]


def said(text: str = Q_REFUND, **fields: Any) -> Message:  # noqa: ANN401 - a message's fields
    return message(text, **{"platform": "slack", **fields})


@pytest.fixture(params=["edits", "finds"])
async def office(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Office]:
    """On a platform where answers are edited into placeholders, and on one where the bot finds its own messages."""
    async with AsyncExitStack() as stack:
        office = Office(tmp_path, stack, finds=request.param == "finds")
        await office.restart()
        yield office


@pytest.fixture
async def finding(tmp_path: Path) -> AsyncIterator[Office]:
    """On a platform where the bot finds its own messages."""
    async with AsyncExitStack() as stack:
        office = Office(tmp_path, stack, finds=True)
        office.generator = ScriptedGenerator([])  # curated answers only, so that nothing grows before it is sent
        await office.restart()
        teach(office.store.knowledge, chunk(REFUNDS, question=Q_REFUND, title="FAQ"), uri="/faq.md")
        yield office


async def test_what_may_have_been_sent_is_looked_for_before_it_is_sent_again(finding: Office) -> None:
    finding.chat.late_faults.append(UnreachableError("its answer got lost"))
    await finding.say()
    assert len(finding.texts) == 1
    [answer] = finding.store.answers.recent(1)
    assert [one.platform_message_id for one in finding.store.answers.deliveries(answer.id)] == list(
        finding.chat.messages
    )


async def test_an_answer_that_was_sent_but_not_noted_is_found_after_a_crash(finding: Office) -> None:
    stored = finding.store.inbox.accept(said(event_id="C1:9"), idle_minutes=30)
    assert stored is not None
    await finding.say(event_id="C1:9")  # taken for a repetition: nothing happens before the restart
    await finding.restart()
    await finding.desk.idle()
    assert len(finding.texts) == 1
    [answer] = finding.store.answers.recent(1)
    with finding.store.database.write() as connection:  # as if the process had died between sending and noting
        connection.exec_driver_sql(
            "UPDATE deliveries SET state = 'pending', platform_message_id = '', delivered_at = NULL"
        )
    await finding.restart()
    await finding.desk.idle()
    assert len(finding.texts) == 1
    assert finding.store.answers.by_message("slack", "C1", next(iter(finding.chat.messages))) == answer


async def test_a_part_whose_markup_is_refused_is_sent_plain(finding: Office) -> None:
    finding.chat.faults.append(MarkupError("no"))
    await finding.say()
    assert len(finding.texts) == 1


async def test_a_question_is_answered_with_its_source_and_buttons(office: Office) -> None:
    await office.say()
    [shown] = office.chat.messages.values()
    assert shown.text == f"{REFUNDS} [1]\n\n**Sources**\n1. Refunds (a.md)"
    assert [[button.label for button in row] for row in shown.buttons] == [
        ["👍", "👎"],
        ["↻ Another answer", "🙋 Ask a human"],
    ]
    assert shown.texts[0] == REFUNDS, "the first words came before the answer was whole"


async def test_a_repeated_event_is_answered_once_also_after_a_restart(office: Office) -> None:
    once = said(event_id="C1:7")
    await asyncio.gather(office.desk.said(once), office.desk.said(once))
    await office.desk.idle()
    await office.restart()
    await office.say(event_id="C1:7")
    assert len(office.chat.messages) == 1


async def test_questions_of_a_conversation_are_answered_in_their_order_and_conversations_side_by_side(
    office: Office,
) -> None:
    held = office.chat.holds["C1"] = asyncio.Event()
    for number in range(3):
        await office.desk.said(said([Q_REFUND, Q_INVOICE, Q_REFUND][number], channel="C1"))
    await office.desk.said(said(Q_INVOICE, channel="C2", sender="U2"))
    async with asyncio.timeout(10):
        while office.store.answers.undelivered("slack", sender="U2") or not office.texts:  # noqa: ASYNC110 - the store has no event
            await asyncio.sleep(0.01)
    held.set()
    await office.desk.idle()
    first = [one.text.partition(" [1]")[0] for one in office.chat.messages.values() if one.target.channel == "C1"]
    assert first == [REFUNDS, INVOICES, REFUNDS]
    places = [one.target.channel for one in office.chat.messages.values()]
    assert places[0] == "C2", "C2 did not wait for C1"


@pytest.mark.parametrize(
    "faults",
    [
        [ThrottledError(33.0)],
        [None, ThrottledError(5.0), ThrottledError(7.0), UnreachableError("502")],
        [None, None, UnreachableError("dropped"), MarkupError("no")],
        [None, MessageGoneError("removed by hand")],
    ],
)
async def test_the_final_text_arrives_through_any_trouble(office: Office, faults: list[Exception | None]) -> None:
    office.chat.faults.extend(faults)
    await office.say()
    assert [text.partition("\n")[0] for text in office.texts if text != "…"][-1] == f"{REFUNDS} [1]"
    for fault in faults:
        if isinstance(fault, ThrottledError):
            assert fault.retry_after in office.slept


async def test_a_long_answer_comes_in_parts_with_buttons_under_the_last(office: Office) -> None:
    long = "\n\n".join(f"Step {number}: " + "turn the key. " * 12 for number in range(6))
    teach(office.store.knowledge, chunk(long, question="How does one start the engine?", title="Engine"), uri="/e.md")
    await office.say("How does one start the engine?")
    shown = list(office.chat.messages.values())
    assert len(shown) > 2
    assert [bool(one.buttons) for one in shown] == [False] * (len(shown) - 1) + [True]
    assert "".join(one.text for one in shown).count("turn the key") == 72
    [answer] = office.store.answers.recent(1)
    assert [state.platform_message_id for state in office.store.answers.deliveries(answer.id)] == list(
        office.chat.messages
    )


async def test_after_a_crash_what_was_not_sent_is_sent_and_what_was_is_not(office: Office) -> None:
    await office.say()
    pending = said(Q_INVOICE, event_id="C1:8")
    office.store.inbox.accept(pending, idle_minutes=30)  # stored, then the crash
    await office.restart()
    await office.desk.idle()
    assert [text.partition(" [1]")[0] for text in office.texts] == [REFUNDS, INVOICES]
    await office.restart()
    await office.desk.idle()
    assert len(office.texts) == 2


async def test_an_answer_whose_placeholder_is_known_is_edited_into_it_after_a_crash(office: Office) -> None:
    stored = office.store.inbox.accept(said(event_id="C1:9"), idle_minutes=30)
    assert stored is not None
    placeholder = await office.chat.send(Target(channel="C1"), "…")
    office.store.inbox.note_reply(stored.id, placeholder)
    await office.restart()
    await office.desk.idle()
    assert list(office.chat.messages) == [placeholder]
    assert office.texts[0].startswith(REFUNDS)


async def test_an_edited_question_is_answered_in_the_old_answers_place(office: Office) -> None:
    await office.say(event_id="C1:1")
    await office.say(Q_INVOICE, event_id="C1:1#2", origin=Origin(replaces="C1:1"))
    [shown] = office.chat.messages.values()
    assert shown.text.startswith(INVOICES)
    await office.say(Q_INVOICE, event_id="C1:1#3", origin=Origin(replaces="C1:1"))
    assert office.store.answers.count() == 2, "the same text again is no edit"


async def test_an_edit_while_the_first_answer_is_made_leaves_one_answer(office: Office) -> None:
    held = office.chat.holds["C1"] = asyncio.Event()
    await office.desk.said(said(event_id="C1:1"))
    await asyncio.sleep(0.05)
    edit = asyncio.create_task(office.desk.said(said(Q_INVOICE, event_id="C1:1#2", origin=Origin(replaces="C1:1"))))
    await asyncio.sleep(0.05)
    held.set()
    await edit
    await office.desk.idle()
    assert [text.partition(" [1]")[0] for text in office.texts if text != "…"] == [INVOICES]


async def test_a_message_that_is_for_the_bot_only_since_it_was_edited_is_a_question(office: Office) -> None:
    await office.say(event_id="C1:1#2", origin=Origin(replaces="C1:1"))
    assert [text.partition(" [1]")[0] for text in office.texts] == [REFUNDS]
    await office.say(event_id="C1:1#2", origin=Origin(replaces="C1:1"))
    assert office.store.answers.count() == 1, "the same edit told again changes nothing"
    await office.say(Q_INVOICE, event_id="C1:1#3", origin=Origin(replaces="C1:1"))
    assert [text.partition(" [1]")[0] for text in office.texts] == [INVOICES]


async def test_a_deleted_questions_answer_is_dropped(office: Office) -> None:
    held = office.chat.holds["C1"] = asyncio.Event()
    await office.desk.said(said(event_id="C1:1"))
    await office.desk.said(said(Q_INVOICE, event_id="C1:2"))
    await office.desk.deleted("slack", "C1", "C1:2")
    held.set()
    await office.desk.idle()
    await office.restart()
    await office.desk.idle()
    assert [text.partition(" [1]")[0] for text in office.texts] == [REFUNDS]


async def test_pressing_again_changes_the_rating_and_never_counts_twice(office: Office) -> None:
    await office.say()
    [answer] = office.store.answers.recent(1)
    await office.press(Verb.RATE, answer.id, "up")
    await office.press(Verb.RATE, answer.id, "up")
    assert office.store.ratings.tally()[RatingValue.UP] == 1
    response = await office.press(Verb.RATE, answer.id, "down")
    assert [row[0].label for row in response.buttons][:5] == [
        "Wrong topic",
        "Wrong source",
        "Bad wording",
        "Out of date",
        "Something else",
    ]
    await office.press(Verb.REASON, answer.id, 4)
    await office.press(Verb.RATE, answer.id, "down")
    assert office.store.ratings.tally() == {RatingValue.UP: 0, RatingValue.DOWN: 1}
    rating = office.store.ratings.of(answer.id, 1)
    assert rating is not None
    assert rating.reason is RatingReason.OUT_OF_DATE, "a 👎 once more does not take back its reason"


async def test_the_right_answer_is_taken_as_text_also_after_a_restart(office: Office) -> None:
    await office.say()
    [answer] = office.store.answers.recent(1)
    response = await office.press(Verb.CORRECT, answer.id)
    assert response.expects_text
    await office.restart()
    await office.say("Within three days.")
    assert office.texts[-1] == f"/correction Within three days. {answer.id}"
    await office.say(Q_INVOICE)
    assert office.texts[-1].startswith(INVOICES), "only the next text is it"


async def test_an_answer_that_takes_a_while_shows_that_it_is_being_made(office: Office) -> None:
    office.generator = ScriptedGenerator(written, seconds_per_word=0.05)
    await office.restart()
    await office.say()
    assert [one.channel for one in office.chat.worked][:1] == ["C1"]
    assert office.slept[0] == HINT_SECONDS, "not before a moment has gone by"


async def test_reactions_are_ratings_and_can_be_taken_back(office: Office) -> None:
    await office.say()
    [answer] = office.store.answers.recent(1)
    up = Reaction(platform="slack", channel="C1", message_id="m1", sender="U9", sender_name="Bob", value=RatingValue.UP)
    await office.desk.reacted(up)
    await office.desk.reacted(up)
    await office.desk.reacted(replace(up, message_id="m77"))
    bob = office.store.people.by_platform("slack", "U9")
    assert bob is not None
    rating = office.store.ratings.of(answer.id, bob.id)
    assert rating is not None
    assert rating.value is RatingValue.UP
    await office.desk.reacted(replace(up, value=RatingValue.DOWN, taken_back=True))
    assert office.store.ratings.of(answer.id, bob.id) == rating, "another emoji was taken back"
    await office.desk.reacted(replace(up, taken_back=True))
    assert office.store.ratings.of(answer.id, bob.id) is None


async def test_another_answer_takes_the_first_ones_place_and_comes_from_elsewhere(office: Office) -> None:
    await office.say(event_id="C1:1")
    [answer] = office.store.answers.recent(1)
    await office.press(Verb.AGAIN, answer.id)
    await office.press(Verb.AGAIN, answer.id)
    assert len(office.chat.messages) == 1
    assert office.store.answers.count() == 2, "pressed twice, it was looked for once"
    [newest] = office.store.answers.recent(1)
    assert newest.answer.sources[0].title == "Invoices"
    await office.press(Verb.AGAIN, newest.id)
    assert office.texts[0].startswith(newest.answer.text[:20])
    assert "found none" in office.texts[0]


async def test_a_conversation_goes_to_people_and_their_replies_come_back(office: Office) -> None:
    await office.say(event_id="C1:1")
    [answer] = office.store.answers.recent(1)
    response = await office.press(Verb.HUMAN, answer.id)
    assert "passed this on" in response.say.text
    await office.press(Verb.HUMAN, answer.id)
    [root_id] = [key for key, one in office.chat.messages.items() if one.target.channel == TEAM]
    root = office.chat.messages[root_id]
    assert Q_REFUND in root.text
    assert REFUNDS in root.text
    assert await office.desk.concerns("slack", TEAM, "", root_id)
    assert not await office.desk.concerns("slack", "C1", "", root_id)
    await office.say("It is urgent!")
    assert office.texts[-1] == "**Ada:** It is urgent!"
    assert list(office.chat.messages.values())[-1].target.reply_to == root_id
    await office.say(
        "They come tomorrow.", channel=TEAM, sender="U5", sender_name="Eve", origin=Origin(reply_to=root_id)
    )
    assert list(office.chat.messages.values())[-1].target.channel == "C1"
    assert office.texts[-1] == "**Eve:** They come tomorrow."
    resolved = await office.press(Verb.RESOLVE, 1, channel=TEAM, sender="U5", message_id=root_id)
    assert [button.label for row in resolved.buttons for button in row] == [
        "📌 Keep as a curated answer",
        "✍️ Change it first",
    ]
    assert "I answer again" in office.texts[-1]
    await office.say(Q_INVOICE)
    assert office.texts[-1].startswith(INVOICES), "the bot answers there again"


async def test_an_edit_of_what_was_said_to_people_goes_to_them_and_asks_the_bot_nothing(office: Office) -> None:
    await office.say()
    [answer] = office.store.answers.recent(1)
    await office.press(Verb.HUMAN, answer.id)
    await office.say("It is urgent", event_id="C1:5")
    await office.say("It is very urgent", event_id="C1:5#2", origin=Origin(replaces="C1:5"))
    assert office.texts[-2:] == ["**Ada:** It is urgent", "**Ada:** It is very urgent"]
    assert {one.target.channel for one in list(office.chat.messages.values())[-2:]} == {TEAM}


async def test_replies_find_the_asker_also_after_the_teams_channel_got_another_id(office: Office) -> None:
    await office.say()
    [answer] = office.store.answers.recent(1)
    await office.press(Verb.HUMAN, answer.id)
    root_id = next(key for key, one in office.chat.messages.items() if one.target.channel == TEAM)
    await office.desk.renamed("slack", TEAM, "TEAM2")
    assert await office.desk.concerns("slack", "TEAM2", "", root_id)
    await office.say("Tomorrow.", channel="TEAM2", sender="U5", sender_name="Eve", origin=Origin(reply_to=root_id))
    assert office.texts[-1] == "**Eve:** Tomorrow."
    await office.say("Thanks!")
    assert list(office.chat.messages.values())[-1].target.channel == "TEAM2"


@pytest.mark.parametrize("caption", ["ingest", "/ingest", "Ingest please"])
async def test_a_document_with_ingest_in_its_caption_is_that_command(office: Office, caption: str) -> None:
    file = Attachment(kind=AttachmentKind.DOCUMENT, file_id="F1", name="handbook.pdf")
    await office.say(caption, origin=Origin(attachments=(file,)))
    assert office.texts[-1].startswith("/ingest")


async def test_a_press_from_another_chat_does_nothing_with_somebody_elses_answer(office: Office) -> None:
    await office.say()
    [answer] = office.store.answers.recent(1)
    for verb, argument in (
        (Verb.RATE, "down"),
        (Verb.REASON, 1),
        (Verb.AGAIN, ""),
        (Verb.HUMAN, ""),
        (Verb.CORRECT, ""),
    ):
        response = await office.press(verb, answer.id, argument, channel="C66", sender="U66")
        assert response.toast == "This button belongs to something that is not there any more."
    assert office.store.ratings.tally() == {RatingValue.UP: 0, RatingValue.DOWN: 0}
    assert office.store.handoffs.waiting() == ()
    assert len(office.texts) == 1
    huge = await office.press(Verb.RATE, 10**30, "up")
    assert "not there any more" in huge.toast


async def test_a_conversation_stays_with_people_however_long_its_asker_is_silent(office: Office) -> None:
    await office.say()
    [answer] = office.store.answers.recent(1)
    await office.press(Verb.HUMAN, answer.id)
    await office.say("Anybody there?", minutes=300)
    assert office.texts[-1] == "**Ada:** Anybody there?"
    await office.restart()
    await office.say("Hello?", minutes=900)
    assert office.texts[-1] == "**Ada:** Hello?"


async def test_what_people_write_is_never_slowed_down(office: Office) -> None:
    office.settings = settings(team=f"slack:{TEAM}", user_messages_per_minute=1)
    await office.restart()
    await office.say()
    [answer] = office.store.answers.recent(1)
    await office.press(Verb.HUMAN, answer.id)
    root_id = next(key for key, one in office.chat.messages.items() if one.target.channel == TEAM)
    for number in range(3):
        await office.say(f"Line {number}", channel=TEAM, sender="U5", origin=Origin(reply_to=root_id))
    assert [text for text in office.texts if "Line" in text] == [f"**Ada:** Line {number}" for number in range(3)]


async def test_a_group_is_not_given_away_as_a_whole(office: Office) -> None:
    group = Origin(place=Place.GROUP)
    await office.say(origin=group)
    [answer] = office.store.answers.recent(1)
    await office.press(Verb.HUMAN, answer.id, place=Place.GROUP)
    await office.say(Q_INVOICE, sender="U2", sender_name="Bob", origin=group)
    assert office.texts[-1].startswith(INVOICES), "Bob asked the bot"
    await office.say("And?", origin=group)
    assert office.texts[-1] == "**Ada:** And?"


async def test_files_sent_to_people_are_named(office: Office) -> None:
    await office.say()
    [answer] = office.store.answers.recent(1)
    await office.press(Verb.HUMAN, answer.id)
    shot = Attachment(kind=AttachmentKind.IMAGE, file_id="F1", name="screen.png")
    await office.say("", origin=Origin(attachments=(shot,)))
    assert "screen.png" in office.texts[-1]


async def test_a_beginning_that_a_crash_kept_from_the_team_is_said_at_the_next_start(office: Office) -> None:
    await office.say()
    [answer] = office.store.answers.recent(1)
    asked = office.store.inbox.get(answer.message_id)
    assert asked is not None
    office.store.handoffs.open(asked.conversation_id, asked.user_id, Q_REFUND, team_platform="slack", team_channel=TEAM)
    await office.restart()
    await office.desk.idle()
    assert [Q_REFUND in one.text for one in office.chat.messages.values() if one.target.channel == TEAM] == [True]


async def test_a_limit_costs_nobody_the_answer_that_is_there(office: Office) -> None:
    office.settings = settings(user_messages_per_minute=1)
    await office.restart()
    await office.say(event_id="C1:1")
    before = office.texts[0]
    [answer] = office.store.answers.recent(1)
    told = await office.press(Verb.AGAIN, answer.id)
    assert "wait a minute and press it again" in told.toast
    await office.say(Q_INVOICE, event_id="C1:1#2", origin=Origin(replaces="C1:1"))
    assert office.texts == [before]


async def test_a_mended_correction_is_still_one(office: Office) -> None:
    await office.say()
    [answer] = office.store.answers.recent(1)
    await office.press(Verb.CORRECT, answer.id)
    await office.say("Within tree days.", event_id="C1:7")
    await office.say("Within three days.", event_id="C1:7#2", origin=Origin(replaces="C1:7"))
    assert office.texts[-1] == f"/correction Within three days. {answer.id}"


async def test_another_command_in_an_edit_counts(office: Office) -> None:
    await office.say("", event_id="C1:8", origin=Origin(command="why"))
    await office.say("", event_id="C1:8#2", origin=Origin(command="sources", replaces="C1:8"))
    assert office.texts == ["/sources"]


async def test_an_answer_to_a_message_that_was_taken_back_meanwhile_is_not_kept(office: Office) -> None:
    stored = office.store.inbox.accept(said(event_id="C1:1"), idle_minutes=30)
    assert stored is not None
    office.store.inbox.fail(stored.id)
    await office.restart()
    await office.desk.idle()
    assert office.texts == []
    assert office.store.answers.count() == 0


async def test_whoever_chose_a_language_is_spoken_to_in_it(office: Office) -> None:
    ada = office.store.people.meet("slack", "U1", "Ada")
    office.store.people.set_language(ada.id, "zh")
    await office.say("look", origin=Origin(attachments=(Attachment(kind=AttachmentKind.IMAGE, file_id="F1"),)))
    assert office.texts == ["我暂时还看不了图片，请用文字描述您看到的内容和想问的问题。"]


async def test_what_cannot_be_edited_is_not_tried_for_ever(office: Office) -> None:
    office.chat.faults.extend([None, *[MessageGoneError("the window is closed"), None] * 8])
    await office.say()
    sent = len(office.chat.messages)
    await office.restart()
    await office.desk.idle()
    assert len(office.chat.messages) == sent


async def test_a_command_that_takes_a_while_says_how_far_it_is(office: Office) -> None:
    await office.say("", origin=Origin(command="ingest"))
    [shown] = office.chat.messages.values()
    assert shown.texts == ["half", "half, whole", "/ingest"]


async def test_what_people_add_after_it_was_closed_goes_to_the_asker_too(office: Office) -> None:
    await office.say()
    [answer] = office.store.answers.recent(1)
    await office.press(Verb.HUMAN, answer.id)
    root_id = next(key for key, one in office.chat.messages.items() if one.target.channel == TEAM)
    await office.press(Verb.RESOLVE, 1, channel=TEAM, sender="U5", message_id=root_id)
    await office.say("One more thing.", channel=TEAM, sender="U5", sender_name="Eve", origin=Origin(reply_to=root_id))
    assert office.texts[-1] == "**Eve:** One more thing."
    await office.say(Q_INVOICE)
    assert office.texts[-1].startswith(INVOICES)


async def test_a_call_for_people_in_words_reaches_them(office: Office) -> None:
    office.classifier = FixedClassifier("human")
    office.settings = Settings.model_validate(
        {"serve": {"team": f"slack:{TEAM}"}, "answers": {"min_answerability": 0.0}}
    )
    await office.restart()
    await office.say("I want to talk to somebody, please connect me now")
    assert office.texts[0].startswith("I have passed this on")
    assert [one.target.channel for one in office.chat.messages.values()] == ["C1", TEAM]
    office.settings = settings()
    await office.restart()
    await office.say("I want to talk to somebody, please connect me now", channel="C2")
    assert office.texts[-1] == "I cannot pass you on to a person from here. Please ask your team directly."


async def test_a_long_message_to_people_loses_nothing(office: Office) -> None:
    await office.say()
    [answer] = office.store.answers.recent(1)
    await office.press(Verb.HUMAN, answer.id)
    await office.say("\n\n".join(f"Line {number} " + "x" * 150 for number in range(7)))
    relayed = [one for one in office.chat.messages.values() if "Line" in one.text]
    assert len(relayed) > 1
    assert [f"Line {number} " in "".join(one.text for one in relayed) for number in range(7)] == [True] * 7
    assert {one.target.channel for one in relayed} == {TEAM}


async def test_a_resolved_pair_becomes_a_curated_answer_only_by_somebody_who_may(office: Office) -> None:
    await office.say()
    [answer] = office.store.answers.recent(1)
    await office.press(Verb.HUMAN, answer.id)
    root_id = next(key for key, one in office.chat.messages.items() if one.target.channel == TEAM)
    await office.say("Tomorrow.", channel=TEAM, sender="U5", origin=Origin(reply_to=root_id))
    await office.press(Verb.RESOLVE, 1, channel=TEAM, sender="U5")
    refused = await office.press(Verb.KEEP, 1, channel=TEAM, sender="U5")
    assert "needs the role trainer" in refused.toast
    eve = office.store.people.by_platform("slack", "U5")
    assert eve is not None
    office.store.people.set_role(eve.id, Role.ADMIN)
    await office.press(Verb.KEEP, 1, channel=TEAM, sender="U5", event_id="again")
    assert [(one.actor, one.action) for one in office.store.audit.tail(5)][1:] == [
        ("slack:U5", "refused: keep"),
        ("slack:U5", "teach"),
    ]
    await office.say(Q_REFUND)
    [newest] = office.store.answers.recent(1)
    assert (newest.answer.kind, newest.answer.text) == (AnswerKind.CURATED, "Tomorrow.")


async def test_too_many_questions_get_one_kind_word_and_do_not_hold_up_others(office: Office) -> None:
    office.settings = settings(user_messages_per_minute=2)
    await office.restart()
    for number in range(6):
        await office.say(event_id=f"C1:{number}")
    await office.say(Q_INVOICE, channel="C2", sender="U2")
    assert [text.partition(" [1]")[0] for text in office.texts] == [
        REFUNDS,
        REFUNDS,
        "That is a lot of questions in one minute. Please wait a minute and send it again then.",
        INVOICES,
    ]
    assert office.store.inbox.pending(platform="slack") == ()


async def test_past_the_queues_length_the_bot_says_that_it_is_busy(office: Office) -> None:
    office.settings = Settings.model_validate(
        {"answers": {"min_answerability": 0.0}, "models": {"max_queue": 2}, "serve": {"conversations": 1}}
    )
    office.generator = ScriptedGenerator(written, seconds_per_word=0.05)
    await office.restart()
    for number in range(5):
        await office.desk.said(said(channel=f"C{number}", sender=f"U{number}"))
        await asyncio.sleep(0.02)
    await office.desk.idle()
    assert sum("answering many people" in text for text in office.texts) == 2
    assert sum(text.startswith(REFUNDS) for text in office.texts) == 3


async def test_a_reader_who_cannot_be_reached_is_given_up(office: Office) -> None:
    office.chat.faults.extend([PlaceGoneError("blocked")] * 2)
    await office.say()
    await office.restart()
    await office.desk.idle()
    assert office.texts == []
    assert office.store.answers.undelivered("slack") == ()


@pytest.mark.parametrize(
    ("kind", "text", "reply"),
    [
        (AttachmentKind.VOICE, "", "I cannot listen"),
        (AttachmentKind.IMAGE, "what is this?", "I cannot look at pictures"),
        (AttachmentKind.DOCUMENT, "", "I cannot read files"),
        (AttachmentKind.DOCUMENT, Q_REFUND, REFUNDS),
    ],
)
async def test_what_cannot_be_read_gets_a_sentence_never_silence(
    office: Office, kind: AttachmentKind, text: str, reply: str
) -> None:
    await office.say(text, origin=Origin(attachments=(Attachment(kind=kind, file_id="F1"),)))
    assert office.texts[0].startswith(reply)


async def test_a_picture_that_is_posted_arrives_once_in_its_readers_own_chat(office: Office, tmp_path: Path) -> None:
    (tmp_path / "curve.png").write_bytes(b"PNG")
    office.chat.faults.append(ThrottledError(1.0))
    body = PostBody(text="+12 %", person="U1", picture=str(tmp_path / "curve.png"))
    office.store.posts.add("run:1:picture", body, platform="slack", channel="U1")
    await office.desk.send_posts()
    await office.desk.idle()
    await office.restart()
    await office.desk.idle()
    [(target, png, caption)] = office.chat.pictures
    assert (target.person, target.place, png, caption) == ("U1", Place.DIRECT, b"PNG", "+12 %")


async def test_a_picture_that_was_cleared_away_is_given_up(office: Office, tmp_path: Path) -> None:
    body = PostBody(text="+12 %", person="U1", picture=str(tmp_path / "gone.png"))
    office.store.posts.add("run:1:picture", body, platform="slack", channel="U1")
    await office.desk.send_posts()
    await office.desk.idle()
    assert office.chat.pictures == []
    assert office.store.posts.pending("slack") == ()


async def test_a_long_post_that_quotes_people_arrives_whole_and_none_of_it_is_kept(office: Office) -> None:
    quotes = "\n\n".join(f"> Question {number}: {'word ' * 60}" for number in range(200))
    office.store.posts.add("run:1:report:1", PostBody(text="Done.", quotes=quotes), platform="slack", channel="C1")
    await office.desk.send_posts()
    for _ in range(60):
        await office.desk.idle()
        if not office.store.posts.pending("slack"):
            break
        await office.desk.send_posts()
    said = "\n".join(office.texts)
    assert "Done." in said
    for number in range(200):
        assert f"Question {number}:" in said
    kept = [office.store.posts.get(number) for number in range(1, 100)]
    assert len([one for one in kept if one is not None]) > 1
    assert not [one for one in kept if one is not None and "Question" in one.body.shown]
