"""Several people who ask for a human in one place: each has their own exchange with the team."""

from __future__ import annotations

from bot.types import Role
from tests.fakes.slack_server import Fault
from tests.fakes.slack_world import Posted
from tests.integration.frontends.slack.offices import (
    BOT,
    INVOICES,
    Q_INVOICE,
    Q_REFUND,
    REFUNDS,
    TEAM_CHANNEL,
    Office,
)

HUMAN, CHANGE = "🙋 Ask a human", "✍️ Change it first"
MINE = {"U1": "D1", "U2": "D2"}  # the direct conversations


async def by_slash(office: Office, user: str, question: str) -> None:
    office.slack.slash(user, "C1", question)
    await office.quiet()


async def both_ask(office: Office) -> list[Posted]:
    """Ada asks of refunds by slash in a channel and Bob of invoices, both want a human; what came to the team."""
    for user, question in (("U1", Q_REFUND), ("U2", Q_INVOICE)):
        await by_slash(office, user, question)
        await office.press(office.shown("C1"), HUMAN, user=user)
    return list(office.world.of_bot(TEAM_CHANNEL))


async def test_what_each_asked_by_slash_reaches_the_team_and_each_hears_their_own_answer(office: Office) -> None:
    ada, bob = await both_ask(office)
    assert "Ada asks for a human" in ada.shown
    assert Q_REFUND in ada.shown
    assert "Bob Stone asks for a human" in bob.shown
    assert Q_INVOICE in bob.shown
    assert Q_REFUND not in bob.shown
    await office.restart()
    await office.say("On Mondays.", TEAM_CHANNEL, user="U5", thread=bob.ts)
    await office.say("Tomorrow.", TEAM_CHANNEL, user="U5", thread=ada.ts)
    assert office.replies(MINE["U1"])[1:] == ["**Eve:** Tomorrow."]
    assert office.replies(MINE["U2"])[1:] == ["**Eve:** On Mondays."]
    await office.say("Thank you!", MINE["U2"], user="U2")
    assert office.replies(TEAM_CHANNEL, thread=bob.ts)[-1] == "**Bob Stone:** Thank you!"


async def test_who_waits_for_the_team_gets_no_answer_of_the_bots_by_slash_and_others_do(office: Office) -> None:
    [ada, bob] = await both_ask(office)
    before = len(office.replies("C1"))
    await by_slash(office, "U1", "Is anybody there?")
    assert len(office.replies("C1")) == before
    assert office.replies(TEAM_CHANNEL, thread=ada.ts) == ["**Ada:** Is anybody there?"]
    assert office.replies(TEAM_CHANNEL, thread=bob.ts) == []
    assert office.replies(MINE["U1"])[-1] == "Passed on to the team:\n\n> Is anybody there?"
    await by_slash(office, "U5", Q_REFUND)
    assert REFUNDS in office.replies("C1")[-1]


async def test_what_was_asked_by_slash_is_resolved_one_after_the_other(office: Office) -> None:
    [ada, bob] = await both_ask(office)
    await office.press(ada, "✓ Resolved", user="U5")
    assert "I answer again" in office.replies(MINE["U1"])[-1]
    await by_slash(office, "U1", Q_REFUND)
    assert REFUNDS in office.replies("C1")[-1]
    before = len(office.replies("C1"))
    await by_slash(office, "U2", "And now?")
    assert len(office.replies("C1")) == before
    await office.restart()
    await office.press(bob, "✓ Resolved", user="U5")
    await by_slash(office, "U2", Q_INVOICE)
    assert INVOICES in office.replies("C1")[-1]


async def test_somebody_with_questions_in_two_channels_answers_each_in_its_thread(office: Office) -> None:
    for channel in ("C1", "C2"):
        office.slack.slash("U1", channel, Q_REFUND)
        await office.quiet()
        await office.press(office.shown(channel), HUMAN)
    [first, second] = office.world.of_bot(TEAM_CHANNEL)
    told = next(iter(office.world.of_bot("D1")))
    await office.say("The first one.", "D1", thread=told.ts)
    assert office.replies(TEAM_CHANNEL, thread=first.ts) == ["**Ada:** The first one."]
    await office.say("The second one.", "D1")
    assert office.replies(TEAM_CHANNEL, thread=second.ts) == ["**Ada:** The second one."]
    await office.press(second, "✓ Resolved", user="U5")
    await office.say("The first one again.", "D1")
    assert office.replies(TEAM_CHANNEL, thread=first.ts)[-1] == "**Ada:** The first one again."


async def test_what_an_asker_says_in_their_thread_reaches_the_team_though_others_speak_there(office: Office) -> None:
    ts = await office.say(f"{BOT} {Q_REFUND}", "C1")
    await office.press(office.shown("C1"), HUMAN)
    [root] = office.world.of_bot(TEAM_CHANNEL)
    await office.say("I wonder, too.", "C1", user="U2", thread=ts)
    await office.say("It is urgent!", "C1", thread=ts)
    assert office.replies(TEAM_CHANNEL, thread=root.ts) == ["**Ada:** It is urgent!"]
    await office.say(f"{BOT} {Q_INVOICE}", "C1", user="U2", thread=ts)
    assert office.replies("C1", thread=ts)[-1] == INVOICES, "Bob asked the bot"
    await office.say("Tomorrow.", TEAM_CHANNEL, user="U5", thread=root.ts)
    assert office.replies("C1", thread=ts)[-1] == "**Eve** to **Ada**: Tomorrow."


async def resolved(office: Office, reply: str = "tmrw, ada") -> Posted:
    """Ada asked people of refunds, Eve, a trainer, replied and closed it; what stands in the team's channel."""
    await office.say(Q_REFUND)
    await office.press(office.shown(), HUMAN)
    [root] = office.world.of_bot(TEAM_CHANNEL)
    await office.say(reply, TEAM_CHANNEL, user="U5", thread=root.ts)
    await office.press(root, "✓ Resolved", user="U5")
    eve = office.store.people.by_platform("slack", "U5")
    assert eve is not None
    office.store.people.set_role(eve.id, Role.TRAINER)
    return root


async def test_what_people_replied_is_changed_in_a_form_before_it_is_kept(office: Office) -> None:
    root = await resolved(office)
    await office.press(root, CHANGE, user="U5")
    [form] = office.world.views
    question, answer = form["blocks"]
    assert question["text"]["text"] == f"Question: {Q_REFUND}"
    assert answer["element"]["initial_value"] == "tmrw, ada"
    assert office.world.whispers == [], "the form says it all"
    envelope = office.slack.submit("U5", form, text="They come tomorrow.")
    await office.quiet()
    assert office.slack.acknowledged[envelope] == {}, "an empty acknowledgement closes the form"
    assert list(root.buttons) == []
    assert office.replies(TEAM_CHANNEL, thread=root.ts)[-1] == "/kept They come tomorrow. 1"
    await office.say("Anything else?", TEAM_CHANNEL, user="U5", thread=root.ts)
    assert office.replies()[-1] == "**Eve:** Anything else?", "no text is waited for in the thread"


async def test_where_no_form_opens_the_changed_reply_is_taken_from_the_thread(office: Office) -> None:
    root = await resolved(office)
    office.slack.plant("views.open", Fault(kind="500"))
    await office.press(root, CHANGE, user="U5")
    assert office.world.views == []
    assert "> tmrw, ada" in office.world.whispers[-1].shown
    await office.say("They come tomorrow.", TEAM_CHANNEL, user="U5", thread=root.ts)
    assert office.replies(TEAM_CHANNEL, thread=root.ts)[-1] == "/kept They come tomorrow. 1"


async def test_a_reply_that_no_field_holds_is_not_cut_by_a_form(office: Office) -> None:
    long = "word " * 700 + "end"
    await office.press(await resolved(office, long), CHANGE, user="U5")
    assert office.world.views == []
    assert any("end" in one.shown for one in office.world.whispers)


async def test_no_form_opens_to_whom_may_not_keep_answers(office: Office) -> None:
    root = await resolved(office)
    await office.press(root, CHANGE, user="U2")
    assert office.world.views == []
    assert "训练员" in office.world.whispers[-1].shown
