"""What people say to the bot in Slack and what it says, through the real client libraries."""

from __future__ import annotations

import pytest

from bot.buttons import command
from bot.cards import Card
from bot.frontends.base import PlatformError, Target
from bot.types import Attachment, AttachmentKind, Button, Place
from tests.fakes.slack_world import TEAM
from tests.integration.frontends.slack.offices import (
    BOT,
    INVOICES,
    Q_INVOICE,
    Q_REFUND,
    REFUNDS,
    TEAM_CHANNEL,
    Office,
)


async def converse(office: Office, channel: str, dialogue: list[tuple[str, str]], thread: str = "") -> None:
    """Say each text and check what comes back; "" for silence."""
    for said, replied in dialogue:
        before = len(office.replies(channel))
        await office.say(said, channel, thread=thread)
        new = office.replies(channel)[before:]
        assert new == ([replied] if replied else []), said


async def test_a_direct_message_is_answered_with_sources_and_buttons(office: Office) -> None:
    await office.say(Q_REFUND)
    [answer] = office.world.of_bot("D1")
    assert answer.shown == f"{REFUNDS} [1]\n\n**Sources**\n1. Refunds (a.md)"
    assert list(answer.buttons) == ["👍", "👎", "↻ Another answer", "🙋 Ask a human"]
    assert answer.text.startswith(REFUNDS), "notifications and screen readers have the words too"
    assert (answer.thread, answer.streaming) == ("", False)
    assert answer.texts[0] == "…", "what is sent first has no content, so that a crash can repeat none"


async def test_a_dialogue_in_a_direct_conversation(office: Office) -> None:
    dialogue = [(Q_REFUND, REFUNDS), (Q_INVOICE, INVOICES), ("/why", "/why"), ("help", "/help")]
    await converse(office, "D1", dialogue)


async def test_a_mention_is_answered_once_in_a_thread_of_its_own(office: Office) -> None:
    ts = await office.say(f"{BOT} {Q_REFUND}", "C1")
    assert office.replies("C1", thread=ts) == [REFUNDS]
    assert office.desk.counts["repeated events"] == 1, "it had come twice: as `message` and as `app_mention`"
    [asked] = [office.store.inbox.by_event("slack", f"C1:{ts}")]
    assert asked is not None
    assert asked.message.text == Q_REFUND


async def test_what_people_say_to_each_other_in_a_channel_is_none_of_the_bots_business(office: Office) -> None:
    await converse(office, "C1", [(Q_REFUND, ""), ("<@U2> do you know?", "")])
    assert office.slack.calls["users.info"] == 0, "nobody is looked up for what is not answered"


async def test_follow_ups_in_a_thread_with_one_person_need_no_mention(office: Office) -> None:
    ts = await office.say(f"{BOT} {Q_REFUND}", "C1")
    await converse(office, "C1", [(Q_INVOICE, INVOICES), (Q_REFUND, REFUNDS)], thread=ts)


async def test_once_somebody_else_speaks_in_a_thread_the_bot_waits_to_be_mentioned(office: Office) -> None:
    ts = await office.say(f"{BOT} {Q_REFUND}", "C1")
    await office.say("I think it was a week.", "C1", user="U2", thread=ts)
    await converse(office, "C1", [(Q_INVOICE, ""), (f"{BOT} {Q_INVOICE}", INVOICES), (Q_REFUND, "")], thread=ts)


async def test_when_two_people_ask_in_a_thread_both_have_to_mention_the_bot(office: Office) -> None:
    ts = await office.say(f"{BOT} {Q_REFUND}", "C1")
    await office.say(f"{BOT} {Q_INVOICE}", "C1", user="U2", thread=ts)
    await converse(office, "C1", [(Q_INVOICE, ""), (f"{BOT} {Q_INVOICE}", INVOICES)], thread=ts)


async def test_in_a_thread_that_somebody_else_began_the_bot_waits_to_be_mentioned(office: Office) -> None:
    ts = await office.say("Who knows about refunds?", "C1", user="U2")
    await converse(office, "C1", [(f"{BOT} {Q_REFUND}", REFUNDS), (Q_INVOICE, "")], thread=ts)


async def test_a_thread_of_a_direct_conversation_is_a_conversation_of_its_own(office: Office) -> None:
    root = await office.say(Q_REFUND)
    await office.say(Q_INVOICE, thread=root)
    assert office.replies("D1", thread=root) == [INVOICES]
    threads = {one.thread: one.texts[0] for one in office.world.of_bot("D1")}
    assert threads == {"": "…", root: ""}, "in the thread it was streamed, outside it grew by edits"


async def test_slack_markup_becomes_plain_text_and_mentions_stay_readable(office: Office) -> None:
    raw = f"{BOT} /teach ask <@U2> in <#C2|billing> &amp; see <https://a.example/x|the site> &lt;now&gt; | yes"
    ts = await office.say(raw, "C1")
    stored = office.store.inbox.by_event("slack", f"C1:{ts}")
    assert stored is not None
    assert stored.message.origin.command == "teach"
    assert stored.message.text == (
        "ask @Bob\N{NO-BREAK SPACE}Stone in #billing & see the site (https://a.example/x) <now> | yes"
    )
    assert stored.message.origin.mentions == ("U2",)
    assert (stored.message.sender_name, stored.message.origin.language) == ("Ada", "en-us")


@pytest.mark.parametrize(
    ("typed", "command", "text"),
    [
        ("", "help", ""),
        ("why", "why", ""),
        ("grant <@U2|bob> trainer", "grant", "@Bob\N{NO-BREAK SPACE}Stone trainer"),
        (Q_INVOICE, "", Q_INVOICE),
        ("wat", "wat", ""),
    ],
)
async def test_a_slash_command_in_a_channel_is_answered_to_the_person_alone_and_a_question_to_all(
    office: Office, typed: str, command: str, text: str
) -> None:
    office.slack.slash("U1", "C1", typed)
    await office.quiet()
    if command:
        assert office.replies("C1") == []
        [told] = office.world.whispers
        assert (told.user, told.shown) == ("U1", f"/{command} {text}".strip())
    else:
        assert office.replies("C1") == [f"**Ada** asks:\n> {Q_INVOICE}\n\n{INVOICES}"]
        assert office.shown("C1").thread == ""


async def test_in_a_direct_conversation_a_slash_command_is_answered_as_any_message(office: Office) -> None:
    office.slack.slash("U1", "D1", "why")
    await office.quiet()
    assert office.replies("D1") == ["/why"]


async def test_a_button_under_what_one_person_sees_leads_to_what_that_person_sees(office: Office) -> None:
    target = Target(channel="C1", place=Place.GROUP, person="U1", team=TEAM)
    await office.front.messenger.tell(target, Card(text="Forget it all?", buttons=((command("Yes", "forget_me"),),)))
    office.slack.press_whispered(office.world.whispers[0], "Yes")
    await office.quiet()
    assert [one.shown for one in office.world.whispers] == ["Forget it all?", "/forget_me"]
    assert list(office.world.of_bot()) == []


async def test_an_edited_question_is_answered_in_the_old_answers_place(office: Office) -> None:
    ts = await office.say(f"{BOT} {Q_REFUND}", "C1")
    office.slack.edit("C1", ts, f"{BOT} {Q_INVOICE}")
    await office.quiet()
    assert office.replies("C1") == [INVOICES]
    office.slack._message_event(
        "C1",
        "message_changed",
        message={**office.world.told(office.world.channels["C1"][ts]), "attachments": [{}]},
        previous_message=office.world.told(office.world.channels["C1"][ts]),
    )
    await office.quiet()
    assert office.store.answers.count() == 2, "a link's preview is no edit"


@pytest.mark.parametrize(
    ("mimetype", "kind", "reply"),
    [
        ("image/png", AttachmentKind.IMAGE, "I cannot look at pictures"),
        ("audio/webm", AttachmentKind.VOICE, "I cannot listen"),
        ("application/pdf", AttachmentKind.DOCUMENT, "I cannot read files"),
    ],
)
async def test_a_file_gets_a_sentence_and_can_be_fetched(
    office: Office, mimetype: str, kind: AttachmentKind, reply: str
) -> None:
    url = office.slack.base_url.removesuffix("/api/") + office.world.file("handbook", b"%PDF")
    file = {"mimetype": mimetype, "url_private_download": url, "name": "handbook", "size": 4}
    ts = await office.say("", files=(file,))
    assert office.replies()[0].startswith(reply)
    stored = office.store.inbox.by_event("slack", f"D1:{ts}")
    assert stored is not None
    assert stored.message.origin.attachments == (Attachment(kind=kind, file_id=url, name="handbook", size=4),)
    assert await office.front.messenger.fetch(url) == b"%PDF"


async def test_the_token_goes_to_slack_only(office: Office) -> None:
    with pytest.raises(PlatformError, match="does not lie with Slack"):
        await office.front.messenger.fetch("http://elsewhere.example/files/handbook")


async def test_a_question_goes_to_the_teams_channel_and_replies_in_its_thread_come_back(office: Office) -> None:
    await office.say(Q_REFUND)
    [answer] = office.world.of_bot("D1")
    await office.press(answer, "🙋 Ask a human")
    assert "passed this on" in office.replies("D1")[-1]
    [root] = office.world.of_bot(TEAM_CHANNEL)
    assert Q_REFUND in root.shown
    await office.say("It is urgent!")
    assert office.replies(TEAM_CHANNEL, thread=root.ts) == ["**Ada:** It is urgent!"]
    await office.say("They come tomorrow.", TEAM_CHANNEL, user="U5", thread=root.ts)
    assert office.replies("D1")[-1] == "**Eve:** They come tomorrow."
    await office.say("Lunch?", TEAM_CHANNEL, user="U5")
    edited = await office.say("They come tomorow.", TEAM_CHANNEL, user="U5", thread=root.ts)
    before = len(list(office.world.of_bot()))
    office.slack.edit(TEAM_CHANNEL, edited, "They come on Monday.")
    await office.quiet()
    assert len(list(office.world.of_bot())) == before, "a team member's edit is no question"
    await office.press(root, "✓ Resolved", user="U5")
    assert list(root.buttons) == ["📌 Keep as a curated answer", "✍️ Change it first"]
    assert "I answer again" in office.replies("D1")[-1]
    await converse(office, "D1", [(Q_INVOICE, INVOICES)])


async def test_a_channels_asker_gets_peoples_replies_in_the_thread(office: Office) -> None:
    ts = await office.say(f"{BOT} {Q_REFUND}", "C1")
    [answer] = office.world.of_bot("C1")
    await office.press(answer, "🙋 Ask a human")
    [told] = office.world.whispers
    assert (told.channel, told.user, told.thread) == ("C1", "U1", ts)
    [root] = office.world.of_bot(TEAM_CHANNEL)
    await office.say("Tomorrow.", TEAM_CHANNEL, user="U5", thread=root.ts)
    assert office.replies("C1", thread=ts)[-1] == "**Eve:** Tomorrow."


async def test_commands_from_buttons_run_where_the_button_stands(office: Office) -> None:
    ts = await office.say(f"{BOT} {Q_REFUND}", "C1")
    target = Target(channel="C1", thread=ts, place=Place.THREAD, person="U1", team=TEAM)
    answer = office.shown("C1")
    await office.front.messenger.set_buttons(target, answer.ts, ((command("Why?", "why"),),))
    assert answer.shown.startswith(REFUNDS), "only the buttons have changed"
    await office.press(answer, "Why?")
    assert office.replies("C1", thread=ts)[-1] == "/why"


async def test_a_message_that_is_edited_to_name_the_bot_is_a_question(office: Office) -> None:
    ts = await office.say(Q_REFUND, "C1")
    office.slack.edit("C1", ts, f"{Q_REFUND} Anybody?")
    await office.quiet()
    assert office.replies("C1") == []
    office.slack.edit("C1", ts, f"{BOT} {Q_REFUND}")
    await office.quiet()
    assert office.replies("C1", ts) == [REFUNDS]
    office.slack.edit("C1", ts, Q_INVOICE)
    await office.quiet()
    assert office.replies("C1", ts) == [INVOICES], "what is known is known without a mention too"


async def test_what_the_team_replies_to_a_slash_commands_question_is_for_its_asker_alone(office: Office) -> None:
    office.slack.slash("U1", "C1", Q_INVOICE)
    await office.quiet()
    await office.press(office.shown("C1"), "🙋 Ask a human")
    [root] = office.world.of_bot(TEAM_CHANNEL)
    before = len(office.replies("C1"))
    await office.say("On Mondays.", TEAM_CHANNEL, user="U5", thread=root.ts)
    assert office.replies("D1")[-1] == "**Eve:** On Mondays."
    assert len(office.replies("C1")) == before
    await office.say("Thank you!", "D1")
    assert office.replies(TEAM_CHANNEL)[-1] == "**Ada:** Thank you!"


async def test_what_can_be_stopped_grows_by_edits_with_its_button(office: Office) -> None:
    root = office.slack.say("U9", "C2", "Anybody?")
    await office.quiet()

    async def noted(_: str) -> None:
        pass

    target = Target(channel="C2", thread=root, place=Place.THREAD, person="U1", team=TEAM)
    live = office.front.messenger.live(target, noted, buttons=((Button(label="Stop", data="z:1"),),))
    await live.show("half")
    assert (office.shown("C2").shown, list(office.shown("C2").buttons)) == ("half", ["Stop"])
    assert office.slack.calls["chat.startStream"] == 0
