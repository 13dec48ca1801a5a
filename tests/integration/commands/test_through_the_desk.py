"""Commands on the whole way: an event comes in, what is said arrives on the platform."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.testing import ScriptedGenerator
from bot.config import Settings
from bot.desk import Desk
from bot.frontends.base import Form, Press, Response
from bot.frontends.fake import FakeMessage, FakeMessenger
from bot.store.posts import PostBody
from bot.testing import teach
from bot.testing_desk import fake_desk
from bot.texts import say
from bot.types import AnswerKind, Attachment, AttachmentKind, Message, Origin, Place, Role
from knowledge.testing import chunk
from tests.integration.commands.office import PEOPLE, Office, Template
from tests.stores import message

REFUNDS = "Refunds reach your bank within five working days."
Q_REFUND = "When do refunds reach my bank?"
SETTINGS = Settings.model_validate({"answers": {"min_answerability": 0.0}, "serve": {"team": "slack:C9"}})


class Chat:
    """A desk whose commands are the real ones."""

    def __init__(self, office: Office, folder: Path) -> None:
        self.office = office
        self.slack = FakeMessenger("slack")
        self._folder = folder
        self.desk: Desk = self._desk()

    def _desk(self) -> Desk:
        async def sleep(_: float) -> None:
            await asyncio.sleep(0)

        return fake_desk(
            self.office.store,
            self._folder / "desk-index",
            {"slack": self.slack},
            generator=ScriptedGenerator(lambda _: REFUNDS),
            settings=SETTINGS,
            commands=self.office.commands,
            sleep=sleep,
        )

    async def start(self) -> None:
        await self.desk.start()

    async def say(self, text: str, *, command: str = "", role: Role = Role.USER) -> str:
        """Speak in a direct chat; gives what stands in the newest message of the bot."""
        await self.desk.said(self.message(text, command=command, role=role))
        await self.desk.idle()
        return self.last.text

    async def say_in_group(self, text: str, *, command: str = "", role: Role = Role.USER, unseen: bool = False) -> None:
        """Speak where others read."""
        origin = Origin(place=Place.GROUP, command=command, unseen=unseen)
        said = message(text, channel="C1", sender=PEOPLE[role], sender_name=role.value.title(), origin=origin)
        await self.desk.said(said)
        await self.desk.idle()

    def shown(self, channel: str) -> list[str]:
        """What the bot said in a channel."""
        return [one.text for one in self.slack.messages.values() if one.target.channel == channel]

    async def pressed(self, data: str, *, role: Role) -> Response:
        """Press a button in the direct chat, while something else may be under way."""
        return await self.desk.pressed(self._press(data, role))

    async def press(self, data: str, *, role: Role = Role.USER) -> str:
        """Press a button; gives what stands in the newest message of the bot."""
        await self.desk.pressed(self._press(data, role))
        await self.desk.idle()
        return self.last.text

    def _press(self, data: str, role: Role) -> Press:
        return Press(
            platform="slack",
            channel="D1",
            thread="",
            place=Place.DIRECT,
            message_id="m1",
            event_id=f"{data} {len(self.slack.messages)}",
            sender=PEOPLE[role],
            sender_name="",
            data=data,
        )

    async def press_in_team(
        self, data: str, message_id: str, *, role: Role = Role.TRAINER, text: str = "", takes_form: bool = False
    ) -> Response:
        """Press a button in the team's channel, in the thread of what was passed on."""
        press = Press(
            platform="slack",
            channel="C9",
            thread=message_id,
            place=Place.THREAD,
            message_id=message_id,
            event_id=f"{data} {role}",
            sender=PEOPLE[role],
            sender_name="",
            data=data,
            text=text,
            takes_form=takes_form,
        )
        response = await self.desk.pressed(press)
        await self.desk.idle()
        return response

    @staticmethod
    def message(text: str, *, command: str = "", role: Role = Role.USER) -> Message:
        return message(
            text, channel="D1", sender=PEOPLE[role], sender_name="", origin=Origin(place=Place.DIRECT, command=command)
        )

    @property
    def last(self) -> FakeMessage:
        return list(self.slack.messages.values())[-1]


@pytest.fixture
async def chat(tmp_path: Path, template: Template) -> AsyncIterator[Chat]:
    async with AsyncExitStack() as stack:
        office = stack.enter_context(Office.open(tmp_path, SETTINGS, template=template))
        teach(office.store.knowledge, chunk(REFUNDS, title="Refunds"))
        chat = Chat(office, tmp_path)
        await chat.start()
        stack.push_async_callback(chat.desk.stop)
        yield chat


async def test_a_question_given_as_a_command_is_answered_as_a_question(chat: Chat) -> None:
    text = await chat.say(Q_REFUND, command="ask")
    assert text.startswith(f"{REFUNDS} [1]")
    assert chat.last.buttons[0][0].label == "👍"
    stored = chat.office.store.answers.recent(1)[0]
    assert (stored.question, stored.answer.kind) == (Q_REFUND, AnswerKind.GENERATED)
    assert (await chat.say("", command="ask")).startswith("Like this")


async def test_a_question_given_as_a_command_may_not_be_longer_than_any_other(chat: Chat) -> None:
    assert "I read at most" in await chat.say("why " * 2000, command="ask")


async def test_a_command_says_what_it_has_to_say_in_one_message_with_its_buttons(chat: Chat) -> None:
    assert await chat.say("", command="language") == say("language-which", "en")
    assert [button.data for button in chat.last.buttons[0]][1] == "x:language:zh"
    assert await chat.press("x:language:zh") == say("language-set", "zh")
    assert len(chat.slack.messages) == 2


async def test_the_forgotten_are_told_so_though_nothing_is_kept_of_them(chat: Chat) -> None:
    await chat.say(Q_REFUND)
    await chat.say("", command="forget_me")
    erase = chat.last.buttons[0][0]
    text = await chat.press(erase.data)
    assert text == say("forgotten", "en", messages=3, answers=2, ratings=0, corrections=0, handoffs=0)
    assert chat.last.target.channel == "D1"
    assert chat.office.store.people.by_platform("slack", PEOPLE[Role.USER]) is None
    assert chat.office.store.answers.count() == 0
    assert (await chat.say(Q_REFUND)).startswith(REFUNDS), "whoever comes back is new"


async def test_a_crash_halfway_through_forgetting_has_the_rest_done_at_the_next_start(chat: Chat) -> None:
    await chat.say(Q_REFUND)
    store = chat.office.store
    mine = chat.office.person_id(Role.USER)
    stored = store.inbox.accept(chat.message(f"yes {mine}", command="forget_me"), idle_minutes=30)
    assert stored is not None
    # the program was killed between the post and the rest
    store.posts.add(f"forgotten:{stored.id}", PostBody(text="Erased."), platform="slack", channel="D1")
    await chat.desk.start()
    await chat.desk.idle()
    assert store.people.get(mine) is None
    assert [one.text for one in chat.slack.messages.values() if one.text.startswith("Erased")] == ["Erased."]


async def test_an_unanswered_question_is_answered_with_the_next_text_and_live_at_once(chat: Chat) -> None:
    about = chat.office.refused("Who feeds the cat?")
    await chat.say("", command="unanswered", role=Role.TRAINER)
    await chat.press(f"x:unanswered:answer {about.id}", role=Role.TRAINER)
    assert (await chat.say("Everybody, in turn.", role=Role.TRAINER)) == say(
        "taught-now", "en", question="Who feeds the cat?"
    )
    answered = await chat.say("Who feeds the cat?")
    assert answered == "Everybody, in turn.\n\n**Sources**\n1. Who feeds the cat? (an answer of the team)"
    assert await chat.say("", command="unanswered", role=Role.TRAINER) == say("unanswered-none", "en")


async def test_a_button_that_an_admin_got_does_nothing_for_others(chat: Chat) -> None:
    about = chat.office.refused("Who feeds the cat?")
    assert await chat.press(f"x:unanswered:drop {about.id}") == say("not-allowed", "en", role="trainer")
    assert [one.id for one in chat.office.store.answers.unanswered(9)] == [about.id]


async def test_what_is_asked_of_people_reaches_the_team_and_the_bot_is_silent(chat: Chat) -> None:
    await chat.say("My card is gone", command="human")
    texts = {one.target.channel: one.text for one in chat.slack.messages.values()}
    assert texts["D1"] == say("handed-off", "en")
    assert "> My card is gone" in texts["C9"]
    before = len(chat.slack.messages)
    await chat.desk.said(chat.message("Hello?"))
    await chat.desk.idle()
    assert [one.target.channel for one in list(chat.slack.messages.values())[before:]] == ["C9"]


async def test_a_repeated_command_is_carried_out_once(chat: Chat) -> None:
    once = replace(chat.message("How long? | Three days.", command="teach", role=Role.ADMIN), event_id="e1")
    for _ in range(2):
        await chat.desk.said(once)
        await chat.desk.idle()
    assert len(chat.slack.messages) == 1
    assert [entry[1] for entry in chat.office.audit()] == ["teach"]


ASIDE = f"direct-{PEOPLE[Role.TRAINER]}"


@pytest.mark.parametrize("command", ["unanswered", "report"])
async def test_what_shows_peoples_questions_goes_to_whoever_asked_for_it_alone(chat: Chat, command: str) -> None:
    chat.office.refused("Who feeds the cat?")
    await chat.say_in_group("", command=command, role=Role.TRAINER)
    assert chat.shown("C1") == [say("aside", "en")]
    [told] = chat.shown(ASIDE)
    assert told.startswith(("**1 question", "**The last 7 days"))
    await chat.desk.start()
    await chat.desk.idle()
    assert (len(chat.shown("C1")), len(chat.shown(ASIDE))) == (1, 1), "nothing is said again after a restart"


async def test_whoever_cannot_be_reached_alone_is_shown_nothing(chat: Chat) -> None:
    chat.office.refused("Who feeds the cat?")
    chat.slack.shy.add(PEOPLE[Role.TRAINER])
    await chat.say_in_group("", command="unanswered", role=Role.TRAINER)
    assert [one.text for one in chat.slack.messages.values()] == [say("aside-not-reached", "en")]


async def test_who_may_not_see_the_questions_is_told_so_in_the_group(chat: Chat) -> None:
    await chat.say_in_group("", command="unanswered")
    assert chat.shown("C1") == [say("not-allowed", "en", role="trainer")]


async def test_a_question_is_not_taken_up_where_others_read(chat: Chat) -> None:
    about = chat.office.refused("Who feeds the cat?")
    await chat.say_in_group(f"answer {about.id}", command="unanswered", role=Role.TRAINER)
    assert chat.shown(ASIDE) == [say("command-elsewhere", "en", command=f"`/burnish unanswered answer {about.id}`")]


async def test_above_the_answer_to_what_nobody_saw_stands_the_question(chat: Chat) -> None:
    await chat.say_in_group(Q_REFUND, unseen=True)
    [text] = chat.shown("C1")
    assert text.startswith(f"**User** asks:\n> {Q_REFUND}\n\n{REFUNDS}")


async def test_what_the_team_replies_to_a_question_that_nobody_saw_is_for_its_asker_alone(chat: Chat) -> None:
    await chat.say_in_group("My card is gone", command="human", unseen=True)
    assert chat.shown("C1") == [say("handed-off-alone", "en")]
    mine = f"direct-{PEOPLE[Role.USER]}"
    assert chat.shown(mine) == [f"{say('handoff-alone', 'en')}\n\n> My card is gone"]
    root = next(key for key, one in chat.slack.messages.items() if one.target.channel == "C9")
    chat.desk = chat._desk()  # as after a restart
    await chat.start()
    reply = message("It is blocked.", channel="C9", thread=root, sender=PEOPLE[Role.TRAINER], sender_name="Trainer")
    await chat.desk.said(reply)
    await chat.desk.idle()
    assert chat.shown(mine)[1:] == ["**Trainer:** It is blocked."]
    back = message("Thanks!", channel=mine, sender=PEOPLE[Role.USER], sender_name="User")
    await chat.desk.said(back)
    await chat.desk.idle()
    assert chat.shown("C9")[1:] == ["**User:** Thanks!"]
    await chat.press_in_team("v:1", root)
    assert chat.shown(mine)[-1] == say("handoff-resolved", "en")
    assert chat.shown("C1") == [say("handed-off-alone", "en")], "nothing of it is said where others read"
    await chat.desk.said(replace(back, event_id="later", text=Q_REFUND))
    await chat.desk.idle()
    assert chat.shown(mine)[-1].startswith(REFUNDS), "the bot answers there again"


async def test_after_a_crash_an_asker_whom_nobody_saw_is_still_answered_alone(chat: Chat) -> None:
    store, origin = chat.office.store, Origin(place=Place.GROUP, unseen=True)
    asked = store.inbox.accept(message(Q_REFUND, channel="C1", sender=PEOPLE[Role.USER], origin=origin), idle_minutes=9)
    assert asked is not None
    store.inbox.fail(asked.id)
    # the program was killed before anything was said of it
    store.handoffs.open(asked.conversation_id, asked.user_id, Q_REFUND, team_platform="slack", team_channel="C9")
    await chat.start()
    await chat.desk.idle()
    root = next(key for key, one in chat.slack.messages.items() if one.target.channel == "C9")
    reply = message("Tomorrow.", channel="C9", thread=root, sender=PEOPLE[Role.TRAINER], sender_name="Trainer")
    await chat.desk.said(reply)
    await chat.desk.idle()
    assert chat.shown(f"direct-{PEOPLE[Role.USER]}")[-1] == "**Trainer:** Tomorrow."
    assert chat.shown("C1") == []


async def test_what_people_replied_can_be_changed_before_it_is_kept(chat: Chat) -> None:
    await chat.say(Q_REFUND)  # so that the handoff's number is not that of its answer
    await chat.say("My card is gone", command="human")
    root = next(key for key, one in chat.slack.messages.items() if one.target.channel == "C9")
    reply = message("blocked it, ada", channel="C9", thread=root, sender=PEOPLE[Role.TRAINER])
    await chat.desk.said(reply)
    await chat.desk.idle()
    row = (await chat.press_in_team("v:1", root)).buttons
    assert row is not None
    assert [button.data for button in row[0]] == ["k:1", "e:1"]
    refused = await chat.press_in_team("e:1", root, role=Role.USER)
    assert refused.toast == say("not-allowed", "en", role="trainer")
    asked = (await chat.press_in_team("e:1", root, role=Role.TRAINER)).say
    assert asked is not None
    assert "> blocked it, ada" in asked.text
    await chat.desk.said(
        message("Call us, and we block it.", channel="C9", thread=root, sender=PEOPLE[Role.TRAINER], event_id="kept")
    )
    await chat.desk.idle()
    assert chat.last.target.channel == "C9"
    assert chat.last.text == say("taught-now", "en", question="My card is gone")
    assert chat.last.buttons[0][0].data.startswith("x:unteach:"), "it can be taken back"
    answered = await chat.say("My card is gone", role=Role.OWNER)
    assert answered.startswith("Call us, and we block it.")


async def test_a_form_in_which_a_reply_was_changed_is_kept_once_however_often_it_is_sent(chat: Chat) -> None:
    await chat.say("My card is gone", command="human")
    root = next(key for key, one in chat.slack.messages.items() if one.target.channel == "C9")
    await chat.desk.said(message("blocked it", channel="C9", thread=root, sender=PEOPLE[Role.TRAINER]))
    await chat.desk.idle()
    assert (await chat.press_in_team("e:1", root, role=Role.USER, takes_form=True)).form is None
    asked = await chat.press_in_team("e:1", root, takes_form=True)
    assert asked == Response(form=Form(question="My card is gone", answer="blocked it"))
    assert (await chat.press_in_team("e:1", root, role=Role.USER, text="It is free.")).form is None
    for _ in range(2):
        assert (await chat.press_in_team("e:1", root, text="We blocked it.")).buttons == ()
    assert chat.shown("C9")[-1] == say("taught-now", "en", question="My card is gone")
    assert [action for _, action, *_ in chat.office.audit()] == ["refused: keep", "refused: keep", "kept"]
    assert (await chat.say("My card is gone", role=Role.OWNER)).startswith("We blocked it.")


async def test_two_ingests_that_are_stopped_at_once_both_stop(chat: Chat) -> None:
    office = chat.office
    office.files |= {f"F{n}": f"# Page {n}\n\nText {n}.".encode() for n in range(2)}
    waiting = []
    for n in range(2):
        file = Attachment(kind=AttachmentKind.DOCUMENT, file_id=f"F{n}", name=f"page{n}.md")
        said = chat.message("", command="ingest", role=Role.ADMIN)
        said = replace(said, origin=replace(said.origin, attachments=(file,)))
        stored = office.store.inbox.accept(said, idle_minutes=30)
        assert stored is not None
        waiting.append(stored)
    for stored in waiting:
        assert (await chat.pressed(f"z:{stored.id}", role=Role.ADMIN)).toast == say("stopping", "en")
    assert [(await office.commands(stored)).text for stored in waiting] == [say("ingest-stopped", "en")] * 2


async def test_a_file_that_people_send_after_their_answer_does_not_take_its_place(chat: Chat) -> None:
    await chat.say("My card is gone", command="human")
    root = next(key for key, one in chat.slack.messages.items() if one.target.channel == "C9")
    reply = message("We blocked it.", channel="C9", thread=root, sender=PEOPLE[Role.TRAINER])
    file = Attachment(kind=AttachmentKind.IMAGE, file_id="F1", name="screen.png")
    for said in (reply, replace(reply, event_id="file", text="", origin=Origin(attachments=(file,)))):
        await chat.desk.said(said)
        await chat.desk.idle()
    assert "screen.png" in chat.shown("D1")[-1]
    await chat.press_in_team("v:1", root)
    asked = await chat.press_in_team("e:1", root, takes_form=True)
    assert asked.form == Form(question="My card is gone", answer="We blocked it.")


async def test_an_ingest_can_be_stopped_half_way_and_every_document_is_whole(chat: Chat) -> None:
    office, reached, go_on = chat.office, threading.Event(), threading.Event()
    office.files |= {f"F{n}": f"# Page {n}\n\nText {n}.".encode() for n in range(3)}
    files = tuple(Attachment(kind=AttachmentKind.DOCUMENT, file_id=f"F{n}", name=f"page{n}.md") for n in range(3))

    def between() -> None:
        reached.set()
        go_on.wait(10)

    office.between = between
    message = chat.message("", command="ingest", role=Role.ADMIN)
    await chat.desk.said(replace(message, origin=replace(message.origin, attachments=files)))
    await asyncio.to_thread(reached.wait, 10)
    while not (chat.slack.messages and chat.last.buttons):  # noqa: ASYNC110 - what is shown comes when its turn comes
        await asyncio.sleep(0.01)
    [[stop]] = chat.last.buttons
    other = await chat.pressed(stop.data, role=Role.TRAINER)
    assert other.toast == say("not-allowed", "en", role="admin")
    assert (await chat.pressed(stop.data, role=Role.ADMIN)).toast == say("stopping", "en")
    go_on.set()
    await chat.desk.idle()
    assert (chat.last.text, chat.last.buttons) == (say("ingest-stopped", "en"), ())
    taken = [one for one in office.store.knowledge.documents() if one.title.startswith("Page")]
    assert 1 <= len(taken) < len(files)
    assert all(one.chunks == 1 for one in taken)
