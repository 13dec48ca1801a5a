"""Several people of one group who ask for a human: each has their own exchange with the team."""

from __future__ import annotations

from tests.fakes.telegram_world import Chat, Person, Post
from tests.integration.frontends.telegram.helpdesk import (
    ADA,
    EVE,
    INVOICES,
    Q_INVOICE,
    Q_REFUND,
    REFUNDS,
    TEAM,
    Helpdesk,
)

GROUP = -100_200
BOB = Person(id=33, name="Bob")
CAROL = Person(id=44, name="Carol")


async def both_ask(office: Helpdesk) -> tuple[Chat, Chat, list[Post]]:
    """Ada asks of refunds in a group and Bob of invoices, both want a human; the group, the team's, what came there."""
    group, team = office.world.group(GROUP), office.world.group(TEAM, title="Support")
    for person, question in ((ADA, Q_REFUND), (BOB, Q_INVOICE)):
        await office.ask(f"@helper_bot {question}", person, group)
        await office.press("🙋", person, group)
    return group, team, office.world.replies(team)


async def test_the_question_of_each_reaches_the_team(office: Helpdesk) -> None:
    group, _, roots = await both_ask(office)
    ada, bob = roots
    assert "Ada asks for a human" in ada.text
    assert Q_REFUND in ada.text
    assert "Bob asks for a human" in bob.text
    assert Q_INVOICE in bob.text
    assert Q_REFUND not in bob.text, "what somebody else talked of with the bot is not Bob's history"
    assert sum("passed this on" in text for text in office.texts(group)) == 2


async def test_replies_go_to_the_right_asker_and_say_to_whom(office: Helpdesk) -> None:
    group, team, (ada, bob) = await both_ask(office)
    await office.ask("On Mondays.", EVE, team, reply_to=bob.id)
    told = office.newest(group)
    assert told is not None
    assert told.text == "Eve to Bob: On Mondays."
    assert told.reply_to is not None
    assert group.posts[told.reply_to].sender == BOB.id
    await office.restart()
    await office.ask("Tomorrow.", EVE, team, reply_to=ada.id)
    told = office.newest(group)
    assert told is not None
    assert told.text == "Eve to Ada: Tomorrow."
    assert told.reply_to is not None
    assert group.posts[told.reply_to].sender == ADA.id


async def test_the_bot_is_silent_to_whose_question_is_with_people_and_answers_others(office: Helpdesk) -> None:
    group, team, (ada, bob) = await both_ask(office)
    await office.restart()
    before = len(office.texts(group))
    await office.ask("@helper_bot It is urgent!", ADA, group)
    await office.ask("@helper_bot No hurry.", BOB, group)
    assert len(office.texts(group)) == before
    assert [(one.text, one.reply_to) for one in office.world.replies(team)[2:]] == [
        ("Ada: It is urgent!", ada.id),
        ("Bob: No hurry.", bob.id),
    ]
    await office.converse([(f"@helper_bot {Q_REFUND}", REFUNDS)], CAROL, group)


async def test_they_are_resolved_one_after_the_other(office: Helpdesk) -> None:
    group, team, (ada, bob) = await both_ask(office)
    press = office.world.press(EVE, ada.id, "✓ Resolved", team)
    await office.settle()
    assert office.world.toasts[press] == "已结束，机器人恢复回答。"
    assert office.texts(group)[-1].startswith("Ada: the team has closed your question.")
    await office.converse([(f"@helper_bot {Q_REFUND}", REFUNDS)], ADA, group)
    await office.converse([("@helper_bot Hello?", "")], BOB, group)
    assert office.world.replies(team)[-1].reply_to == bob.id
    await office.restart()
    office.world.press(EVE, bob.id, "✓ Resolved", team)
    await office.settle()
    assert office.texts(group)[-1].startswith("Bob: the team has closed your question.")
    await office.converse([(f"@helper_bot {Q_INVOICE}", INVOICES)], BOB, group)


async def test_a_further_question_of_the_same_person_joins_the_first(office: Helpdesk) -> None:
    team = office.world.group(TEAM, title="Support")
    await office.ask(Q_REFUND)
    [first] = office.world.replies(office.world.private(ADA))
    await office.ask(Q_INVOICE)
    second = office.newest(office.world.private(ADA))
    assert second is not None
    for post in (second, first, first):
        office.world.press(ADA, post.id, "🙋")
        await office.settle()
    [root, more] = office.world.replies(team)
    assert Q_INVOICE in root.text
    assert (more.text, more.reply_to) == (f"Ada: {Q_REFUND}", root.id)
