"""Several people who ask for a human in one place: each has their own exchange with the team."""

from __future__ import annotations

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

HUMAN = "🙋 Ask a human"
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
