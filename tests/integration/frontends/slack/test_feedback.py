"""Ratings, corrections, forms, the assistant's pane and the App Home."""

from __future__ import annotations

import pytest

from bot.frontends.slack.views import HomeFacts
from bot.types import RatingReason, RatingValue
from tests.fakes.slack_server import Fault
from tests.integration.frontends.slack.offices import BOT, INVOICES, Q_INVOICE, Q_REFUND, REFUNDS, Office


async def rated(office: Office, user: str = "U1") -> RatingValue | None:
    person = office.store.people.by_platform("slack", user)
    if person is None:
        return None
    rating = office.store.ratings.of(office.answer().id, person.id)
    return rating.value if rating else None


async def test_slacks_own_feedback_buttons_rate_and_pressing_again_changes_the_rating(office: Office) -> None:
    await office.say(f"{BOT} {Q_REFUND}", "C1")
    answer = office.shown("C1")
    text = answer.shown
    assert [block["type"] for block in answer.blocks] == ["markdown", "context_actions", "actions"]
    await office.press(answer, "👍")
    assert list(answer.buttons)[:2] == ["👍 ✓", "👎"]
    await office.press(answer, "👎")
    assert list(answer.buttons)[:2] == ["Wrong topic", "Wrong source"]
    assert answer.blocks[1]["elements"][0]["text"] == "What was wrong with it?"
    assert office.store.ratings.tally() == {RatingValue.UP: 0, RatingValue.DOWN: 1}
    await office.press(answer, "Out of date")
    person = office.store.people.by_platform("slack", "U1")
    assert person is not None
    rating = office.store.ratings.of(office.answer().id, person.id)
    assert rating is not None
    assert rating.reason is RatingReason.OUT_OF_DATE
    assert answer.shown == text, "only what is under the text has changed"


async def test_buttons_work_after_a_restart(office: Office) -> None:
    await office.say(Q_REFUND)
    await office.restart()
    answer = office.shown()
    await office.press(answer, "👎")
    assert answer.shown.startswith(REFUNDS)
    assert await rated(office) is RatingValue.DOWN


async def test_a_right_answer_is_given_in_a_form(office: Office) -> None:
    await office.say(Q_REFUND)
    answer = office.shown()
    for label in ("👎", "Wrong topic", "✍️ Give the right answer"):
        await office.press(answer, label)
    [form] = office.world.views
    assert form["callback_id"] == "correct"
    envelope = office.slack.submit("U1", form, text="Three days.")
    await office.quiet()
    assert office.slack.acknowledged[envelope] == {}, "an empty acknowledgement closes the form"
    [correction] = office.store.ratings.corrections(office.answer().id)
    assert correction.text == "Three days."
    assert list(answer.buttons)[:2] == ["👍", "👎 ✓"]
    assert answer.blocks[1]["elements"][0]["text"].startswith("Thank you")


async def test_a_form_that_could_not_be_opened_leaves_nothing_unacknowledged(office: Office) -> None:
    await office.say(Q_REFUND)
    answer = office.shown()
    for label in ("👎", "Wrong topic"):
        await office.press(answer, label)
    office.slack.plant("views.open", Fault(kind="500"))
    await office.press(answer, "✍️ Give the right answer")
    assert office.world.views == []


@pytest.mark.parametrize("name", ["+1", "thumbsup", "+1::skin-tone-4"])
async def test_thumbs_as_reactions_are_ratings_and_can_be_taken_back(office: Office, name: str) -> None:
    await office.say(f"{BOT} {Q_REFUND}", "C1")
    answer = office.shown("C1")
    office.slack.react("U2", "C1", answer.ts, "tada")
    office.slack.react("U2", "C1", answer.ts, name)
    await office.quiet()
    assert await rated(office, "U2") is RatingValue.UP
    office.slack.react("U2", "C1", answer.ts, name, take_back=True)
    await office.quiet()
    assert await rated(office, "U2") is None


async def test_another_answer_takes_the_first_ones_place(office: Office) -> None:
    await office.say(f"{BOT} {Q_REFUND}", "C1")
    answer = office.shown("C1")
    await office.press(answer, "↻ Another answer")
    [now] = office.world.of_bot("C1")
    assert INVOICES in now.shown
    assert [one.text for one in office.world.whispers] == ["Looking for another answer …"]


async def test_the_bots_own_words_are_in_the_language_of_the_persons_client(office: Office) -> None:
    root = office.slack.say("U2", "D1", "…")
    office.slack.event(
        {
            "type": "assistant_thread_started",
            "assistant_thread": {"user_id": "U2", "channel_id": "D1", "thread_ts": root},
        }
    )
    await office.quiet()
    [prompts] = office.world.prompts
    assert [one["title"] for one in prompts["prompts"]] == ["你能做什么？", "你会保存我的哪些信息？"]


async def test_the_app_home_shows_ones_language_and_sets_it(office: Office) -> None:
    office.slack.event({"type": "app_home_opened", "user": "U1", "channel": "D1", "tab": "home"})
    await office.quiet()
    home = office.world.homes["U1"]
    choice = home["blocks"][1]["accessory"]
    assert choice["initial_option"]["text"]["text"] == "As I write"
    [chinese] = [one["value"] for one in choice["options"] if one["text"]["text"] == "简体中文"]
    office.slack.choose_language("U1", chinese)
    await office.quiet()
    assert office.replies("D1") == ["/language zh"]


async def test_the_app_home_shows_status_to_whom_it_concerns(office: Office) -> None:
    async def home(person: str) -> HomeFacts:
        return HomeFacts(language="zh", lines=(f"{person}: 12 documents",))

    office._options["home"] = home
    await office.restart()
    office.slack.event({"type": "app_home_opened", "user": "U1", "channel": "D1", "tab": "home"})
    await office.quiet()
    blocks = office.world.homes["U1"]["blocks"]
    assert blocks[-1]["text"]["text"] == "U1: 12 documents"
    assert blocks[1]["text"]["text"] == "我用哪种语言与您交流"


async def test_the_shortcut_offers_a_threads_first_message_and_the_chosen_answer_to_be_kept(office: Office) -> None:
    ts = await office.say(f"{BOT} {Q_REFUND}", "C1")
    office.slack.shortcut("U1", "C1", office.shown("C1").ts)
    await office.quiet()
    [form] = office.world.views
    given = {block["block_id"]: block["element"]["initial_value"] for block in form["blocks"]}
    assert given == {"question": Q_REFUND, "answer": REFUNDS}
    office.slack.submit("U1", form, question="When | how?", answer="In five days.")
    await office.quiet()
    assert office.replies("C1", thread=ts)[-1] == "/teach When / how? | In five days."


async def test_the_shortcut_on_a_persons_message_takes_its_words(office: Office) -> None:
    root = await office.say("How long do refunds take?", "C1", user="U2")
    reply = await office.say("<@U2> five days &amp; a bit", "C1", user="U5", thread=root)
    office.slack.plant("conversations.replies", Fault(kind="500"))
    office.slack.shortcut("U1", "C1", reply)
    await office.quiet()
    [form] = office.world.views
    values = [block["element"].get("initial_value", "") for block in form["blocks"]]
    assert values == ["", "@U2 five days & a bit"], "without the question, which can be typed"


async def test_examples_are_offered_where_a_conversation_begins(office: Office) -> None:
    office._options["examples"] = (Q_REFUND, Q_INVOICE)
    await office.restart()
    root = office.slack.say("U1", "D1", "Hello")
    thread = {"user_id": "U1", "channel_id": "D1", "thread_ts": root}
    office.slack.event({"type": "assistant_thread_started", "assistant_thread": thread})
    await office.quiet()
    [prompts] = office.world.prompts
    assert [one["message"] for one in prompts["prompts"]] == [Q_REFUND, Q_INVOICE, "help", "privacy"]
