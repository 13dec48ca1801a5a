"""What people see on Telegram: in private, in groups and in topics."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.testing import ScriptedGenerator
from bot.frontends.base import Target
from bot.testing import teach
from bot.types import Button, RatingValue, Role
from knowledge.testing import chunk
from tests.fakes.telegram_world import Person
from tests.integration.frontends.telegram.helpdesk import (
    ADA,
    EVE,
    INVOICES,
    Q_INVOICE,
    Q_REFUND,
    REFUNDS,
    TEAM,
    Helpdesk,
    until,
)

GROUP = -100_200
REASON_ROWS = [
    *(["Wrong topic"], ["Wrong source"], ["Bad wording"], ["Out of date"], ["Something else"]),
    ["✍️ Give the right answer", "‹ Back"],
]


async def test_a_question_in_private_gets_its_answer_with_sources_and_buttons(office: Helpdesk) -> None:
    shown = await office.ask(Q_REFUND)
    assert shown is not None
    assert shown.text == f"{REFUNDS} [1]\n\nSources\n1. Refunds (a.md)"
    assert shown.formatted("bold") == ["Sources"]
    assert shown.labels == [["👍", "👎"], ["↻ Another answer", "🙋 Ask a human"]]
    assert shown.reply_to is None


async def test_a_dialogue_in_private(office: Helpdesk) -> None:
    await office.converse(
        [
            (Q_REFUND, REFUNDS),
            (Q_INVOICE, INVOICES),
            ("/why", "/why"),
            ("/why@helper_bot", "/why"),
            ("/start invite-7", "/start invite-7"),
            ("/WHY", "/why"),
            ("/wy", "/wy"),
        ]
    )


async def test_in_a_group_only_what_is_addressed_to_the_bot_is_answered(office: Helpdesk) -> None:
    group = office.world.group(GROUP)
    await office.converse(
        [
            (Q_REFUND, ""),
            (f"@helper_bot {Q_REFUND}", REFUNDS),
            (f"Please tell us, @Helper_Bot: {Q_INVOICE}", INVOICES),
            (f"@other_bot {Q_REFUND}", ""),
            ("/why", "/why"),
            ("/why@other_bot", ""),
            ("/unknown_here", ""),
            ("/unknown_here@helper_bot", "/unknown_here"),
        ],
        chat=group,
    )


async def test_in_a_group_an_answer_quotes_its_question_and_a_reply_to_it_is_a_question(office: Helpdesk) -> None:
    group = office.world.group(GROUP)
    question = office.world.say(ADA, f"@helper_bot {Q_REFUND}", group)
    await office.settle()
    [answer] = office.world.replies(group)
    assert answer.reply_to == question
    await office.ask(Q_INVOICE, EVE, group, reply_to=question)
    assert len(office.world.replies(group)) == 1, "a reply to a person is not for the bot"
    shown = await office.ask(Q_INVOICE, EVE, group, reply_to=answer.id)
    assert shown is not None
    assert shown.text.startswith(INVOICES)


async def test_in_a_topic_the_answer_stays_in_the_topic(office: Helpdesk) -> None:
    group = office.world.group(GROUP, topics=[5, 6])
    await office.ask(Q_REFUND, ADA, group, thread=5)
    assert office.world.replies(group) == [], "what replies to nothing in a topic names no bot either"
    shown = await office.ask(f"@helper_bot {Q_REFUND}", ADA, group, thread=6)
    assert shown is not None
    assert (shown.thread, shown.text[: len(REFUNDS)]) == (6, REFUNDS)


async def test_a_channels_posts_and_other_bots_are_ignored(office: Helpdesk) -> None:
    group = office.world.group(GROUP)
    robot = {"from": {"id": 5, "is_bot": True, "first_name": "Robot"}}
    await office.ask(f"@helper_bot {Q_REFUND}", ADA, group, **robot)
    await office.ask(f"@helper_bot {Q_REFUND}", ADA, group, is_automatic_forward=True)
    assert office.world.replies(group) == []


async def test_the_text_grows_as_a_draft_in_private(office: Helpdesk) -> None:
    office.generator = ScriptedGenerator([REFUNDS], seconds_per_word=0.02)
    await office.restart()
    shown = await office.ask(Q_REFUND)
    assert shown is not None
    assert shown.texts == ["…", shown.text]
    [grown] = office.world.private(ADA).drafts.values()
    assert grown[-1].startswith("Refunds reach")
    assert sorted(grown, key=len) == grown


async def test_where_the_server_knows_no_drafts_it_grows_by_edits_from_then_on(office: Helpdesk) -> None:
    office.generator = ScriptedGenerator([REFUNDS, INVOICES], seconds_per_word=0.02)
    office.server.knows_drafts = False
    await office.restart()
    for question in (Q_REFUND, Q_INVOICE):
        shown = await office.ask(question)
        assert shown is not None
        assert shown.texts[0] == "…"
        assert len(shown.texts) > 2
        assert shown.texts[-1].startswith(shown.texts[1])
    assert office.server.calls["sendMessageDraft"] == 1
    assert len(office.texts()) == 2


async def test_in_a_group_it_grows_by_edits(office: Helpdesk) -> None:
    group = office.world.group(GROUP)
    office.generator = ScriptedGenerator([REFUNDS], seconds_per_word=0.02)
    await office.restart()
    shown = await office.ask(f"@helper_bot {Q_REFUND}", ADA, group)
    assert shown is not None
    assert shown.texts[0] == "…"
    assert len(shown.texts) > 2
    assert shown.texts[-1].startswith(f"{REFUNDS} [1]")
    assert len(office.texts(group)) == 1
    assert office.server.calls["sendMessageDraft"] == 0


async def test_a_long_answer_comes_in_several_messages_with_buttons_under_the_last(office: Helpdesk) -> None:
    long = "\n\n".join(f"Step {number}: " + "turn the key. " * 60 for number in range(12))
    teach(office.store.knowledge, chunk(long, question="How does one start the engine?", title="Engine"), uri="/e.md")
    await office.ask("How does one start the engine?")
    shown = office.world.replies(office.world.private(ADA))
    assert len(shown) == 3
    assert [bool(post.buttons) for post in shown] == [False, False, True]
    assert [post.text.startswith("Step ") for post in shown] == [True, True, True]
    assert sum(post.text.count("turn the key") for post in shown) == 720


async def test_ratings_by_button_count_once_and_ask_for_the_reason(office: Helpdesk) -> None:
    await office.ask(Q_REFUND)
    assert await office.press("👍") == "Thank you!"
    assert await office.press("👍") == "Thank you!"
    assert office.store.ratings.tally() == {RatingValue.UP: 1, RatingValue.DOWN: 0}
    assert await office.press("👎", old=True) == "What was wrong with it?"
    assert office.store.ratings.tally() == {RatingValue.UP: 0, RatingValue.DOWN: 1}
    shown = office.newest(office.world.private(ADA))
    assert shown is not None
    assert shown.labels == REASON_ROWS
    assert await office.press("Out of date") == "Thank you, noted. Do you know the right answer?"


async def test_a_repeated_press_counts_once(office: Helpdesk) -> None:
    shown = await office.ask(Q_REFUND)
    assert shown is not None
    office.world.press(ADA, shown.id, "↻ Another answer")
    office.world.repeat()
    await office.settle()
    assert office.store.answers.count() == 2


async def test_ratings_by_reaction_can_be_changed_and_taken_back(office: Helpdesk) -> None:
    shown = await office.ask(Q_REFUND)
    assert shown is not None
    for before, after, up, down in (("", "👍", 1, 0), ("👍", "👎", 0, 1), ("👎", "❤", 0, 0), ("❤", "", 0, 0)):
        office.world.react(ADA, shown.id, before, after)
        await office.settle()
        assert office.store.ratings.tally() == {RatingValue.UP: up, RatingValue.DOWN: down}


async def test_an_edited_question_is_answered_in_the_old_answers_place(office: Helpdesk) -> None:
    question = office.world.say(ADA, Q_REFUND)
    await office.settle()
    office.world.edit(ADA, question, Q_INVOICE)
    office.world.repeat()
    await office.settle()
    [shown] = office.world.replies(office.world.private(ADA))
    assert shown.text.startswith(INVOICES)
    assert shown.labels[0] == ["👍", "👎"]


async def test_the_right_answer_is_asked_for_in_a_group_by_a_reply_to_one_person(office: Helpdesk) -> None:
    group = office.world.group(GROUP)
    strange = Person(id=33, name="[*Zoë*](x)")
    await office.ask(f"@helper_bot {Q_REFUND}", strange, group)
    await office.press("👎", strange, group)
    await office.press("Something else", strange, group)
    await office.press("✍️", strange, group)
    asked = office.newest(group)
    assert asked is not None
    assert asked.force_reply
    assert asked.text.startswith("[*Zoë*](x): What would have been the right answer?")
    assert [one["url"] for one in asked.entities] == ["tg://user?id=33"]
    await office.ask("Within three days.", strange, group)
    assert office.newest(group) == asked, "in a group the reply has to be one"
    shown = await office.ask("Within three days.", strange, group, reply_to=asked.id)
    assert shown is not None
    assert shown.text == "/correction Within three days. 1"


async def test_a_conversation_goes_to_the_team_and_its_replies_come_back(office: Helpdesk) -> None:
    team = office.world.group(TEAM, title="Support")
    private = office.world.private(ADA)
    await office.ask(Q_REFUND)
    await office.press("🙋")
    assert "passed this on" in office.texts()[-1]
    [root] = office.world.replies(team)
    assert Q_REFUND in root.text
    assert root.labels == [["✓ Resolved"]]
    await office.ask("It is <urgent>!")
    assert office.world.replies(team)[-1].text == "Ada: It is <urgent>!"
    assert office.world.replies(team)[-1].reply_to == root.id
    await office.ask("Who takes this?", EVE, team)
    reply = office.world.say(EVE, "They come tomorrow.", team, reply_to=root.id)
    await office.settle()
    assert office.texts()[-1] == "Eve: They come tomorrow."
    office.world.edit(EVE, reply, "They come on Friday.", team)
    await office.settle()
    assert office.texts()[-1] == "Eve: They come tomorrow.", "an edited reply asks the bot nothing"
    assert len(office.world.replies(team)) == 2, "and people's talk is not answered"
    assert await office.press("✓ Resolved", EVE, team) == "已结束，机器人恢复回答。"
    assert "I answer again" in office.texts()[-1]
    await office.ask(Q_INVOICE)
    assert office.world.replies(private)[-1].text.startswith(INVOICES)


async def test_a_reply_to_what_another_account_of_the_bot_posted_reaches_the_asker_too(office: Helpdesk) -> None:
    team = office.world.group(TEAM, title="Support")
    await office.ask(Q_REFUND)
    await office.press("🙋")
    [root] = office.world.replies(team)
    root.sender = 4_321
    await office.ask("They come tomorrow.", EVE, team, reply_to=root.id)
    assert office.texts()[-1] == "Eve: They come tomorrow."


@pytest.mark.parametrize(
    ("sent", "reply"),
    [
        ({"voice": {"file_id": "F", "file_unique_id": "F", "duration": 3}}, "I cannot listen"),
        ({"photo": [{"file_id": "F", "file_unique_id": "F", "width": 9, "height": 9}]}, "I cannot look at pictures"),
        ({"document": {"file_id": "F", "file_unique_id": "F", "file_name": "a.pdf"}}, "I cannot read files"),
    ],
)
async def test_what_cannot_be_read_gets_a_sentence(office: Helpdesk, sent: dict[str, Any], reply: str) -> None:
    shown = await office.ask("", **sent)
    assert shown is not None
    assert shown.text.startswith(reply)


async def test_an_album_is_spoken_to_once(office: Helpdesk) -> None:
    photo: dict[str, Any] = {"photo": [{"file_id": "F", "file_unique_id": "F", "width": 9, "height": 9}]}
    for _ in range(3):
        office.world.say(ADA, "", **photo, media_group_id="A1")
    office.world.say(ADA, "", **photo, media_group_id="A2")
    await office.settle()
    assert len(office.texts()) == 2
    await office.ask("", **photo, media_group_id="A2", caption=Q_REFUND)
    assert len(office.texts()) == 3, "words are always heard"


@pytest.mark.parametrize("captioned", [0, 1, 2])
async def test_an_album_with_ingest_in_one_caption_is_taken_in_whole(office: Helpdesk, captioned: int) -> None:
    for number in range(3):
        name = f"{number}.pdf"
        file: dict[str, Any] = {"document": {"file_id": name, "file_unique_id": name, "file_name": name}}
        if number == captioned:
            file["caption"] = "ingest"
        office.world.say(ADA, "", **file, media_group_id="A1")
    await office.settle()
    taken = [
        (one.message.origin.command, one.message.origin.attachments[0].name)
        for number in (1, 2, 3)
        if (one := office.store.inbox.by_event("telegram", f"{ADA.id}:{number}")) is not None
    ]
    assert taken == [("ingest", "0.pdf"), ("ingest", "1.pdf"), ("ingest", "2.pdf")]
    assert office.texts() == ["/ingest"] * 3, "each says how it went, in the place of what was said of it before"


@pytest.mark.parametrize("captioned", [0, 3])
@pytest.mark.parametrize("stopped", [1, 2, 3])
async def test_an_album_is_taken_in_whole_over_a_restart_in_its_middle(
    office: Helpdesk, captioned: int, stopped: int
) -> None:
    ids = []
    for number in range(4):
        if number == stopped:
            await office.restart()
        name = f"{number}.pdf"
        file: dict[str, Any] = {"document": {"file_id": name, "file_unique_id": name, "file_name": name}}
        if number == captioned:
            file["caption"] = "ingest"
        ids.append(office.world.say(ADA, "", **file, media_group_id="A1"))
        await office.settle()
    taken = [
        (one.message.origin.command, one.message.origin.attachments[0].name)
        for message_id in ids
        if (one := office.store.inbox.by_event("telegram", f"{ADA.id}:{message_id}")) is not None
    ]
    assert taken == [("ingest", f"{number}.pdf") for number in range(4)]
    assert office.texts() == ["/ingest"] * 4


async def test_an_album_is_spoken_to_once_over_a_restart_and_counts_as_one_message(office: Helpdesk) -> None:
    photo: dict[str, Any] = {"photo": [{"file_id": "F", "file_unique_id": "F", "width": 9, "height": 9}]}
    office.serve = {"user_messages_per_minute": 2}
    await office.restart()
    for number in range(6):
        office.world.say(ADA, "", **photo, media_group_id="A1")
        await office.settle()
        if number == 3:
            await office.restart()
    assert len(office.texts()) == 1
    assert office.store.inbox.pending(platform="telegram") == ()
    shown = await office.ask(Q_REFUND)
    assert shown is not None
    assert shown.text.startswith(REFUNDS)


async def test_a_message_that_is_edited_to_name_the_bot_is_a_question(office: Helpdesk) -> None:
    office.world.reads_all = True
    group = office.world.group(GROUP)
    said = office.world.say(ADA, Q_REFUND, group)
    await office.settle()
    assert office.texts(group) == []
    office.world.edit(ADA, said, f"@{office.world.username} {Q_REFUND}", group)
    await office.settle()
    assert [text.partition(" [1]")[0] for text in office.texts(group)] == [REFUNDS]


async def test_a_files_caption_is_its_text_and_it_can_be_fetched(office: Helpdesk) -> None:
    office.world.files["F"] = b"%PDF"
    document: dict[str, Any] = {"document": {"file_id": "F", "file_unique_id": "F", "file_name": "a.pdf"}}
    await office.ask("", **document, caption=Q_REFUND)
    assert office.texts()[-1].startswith(REFUNDS)
    assert await office.frontend.messenger.fetch("F") == b"%PDF"


async def test_a_newcomer_in_a_group_says_how_to_ask(office: Helpdesk) -> None:
    group = office.world.group(GROUP)
    office.world.membership(EVE, group, "left", "member")
    await until(lambda: office.texts(group))
    assert "@helper_bot" in office.texts(group)[0]
    assert "大家好" in office.texts(group)[0]


async def test_the_menu_lists_the_users_commands_in_each_language(office: Helpdesk) -> None:
    await office.frontend.idle()
    menus = office.world.menus
    assert set(menus) == {("default", ""), ("default", "en"), ("default", "zh")}
    assert "why" in menus["default", ""]
    assert "grant" not in menus["default", ""]


async def test_a_chat_of_admins_can_have_their_menu(office: Helpdesk) -> None:
    await office.frontend.set_admin_menu("11", Role.ADMIN)
    assert "grant" in office.world.menus["chat11", ""]


async def test_what_can_be_stopped_grows_as_a_message_with_its_button(office: Helpdesk) -> None:
    chat, placed = office.world.private(ADA), []

    async def noted(message_id: str) -> None:
        placed.append(message_id)

    stop = ((Button(label="Stop", data="z:1"),),)
    live = office.frontend.messenger.live(Target(channel=str(ADA.id)), noted, buttons=stop)
    for text in ("half", "half, whole"):
        await live.show(text)
        post = office.newest(chat)
        assert post is not None
        assert (post.text, post.labels, str(post.id)) == (text, [["Stop"]], placed[0])
    assert chat.drafts == {}
