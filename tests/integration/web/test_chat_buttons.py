"""The buttons of the chat page: ratings, other answers, people, suggestions, and what is forged."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest_asyncio

from bot.buttons import Verb, data_of
from bot.middleware import plain_answer
from bot.store.people import WEB
from bot.store.store import Store
from bot.types import AnswerKind, Message, Origin, Place, RatingReason, RatingValue, StoredAnswer
from tests.integration.commands.office import Template
from tests.integration.web.site import INVOICES, Q_INVOICE, Q_REFUND, REFUNDS, TEAM, Site
from tests.integration.web.talking import new_id, talking


def channel(site_name: str, talk: str = "t1") -> str:
    return f"{site_name}/{talk}"


def last_answer(store: Store) -> StoredAnswer:
    return store.answers.recent(1)[0]


async def test_a_rating_its_reason_and_a_correction_are_kept_and_shown_again(served: Site) -> None:
    login = served.login()
    async with talking(served, login) as ada:
        await ada.say(Q_REFUND)
        await served.desk.idle()
        stored = last_answer(served.store)
        down = await ada.press(data_of(Verb.RATE, stored.id, "down"), menu=f"a{stored.id}")
        assert (down["toast"], down["spoken"]) == ("", "What was wrong with it?")
        page = await ada.page()
        assert "Bad wording" in page, "every page of the conversation shows the reasons now"
        assert ">What was wrong with it?</p>" in page, "it stands with them"
        assert f'data-press="c:{stored.id}"' in page, "whoever knows what is right can say so at once"
        await ada.press(data_of(Verb.REASON, stored.id, 3), menu=f"a{stored.id}")
        asked = await ada.press(data_of(Verb.CORRECT, stored.id), menu=f"a{stored.id}")
        assert asked["ask"]["label"] == "What would have been the right answer?"
        await ada.say(Q_INVOICE)  # the form was left: this is a question
        given = await ada.press(data_of(Verb.CORRECT, stored.id), menu=f"a{stored.id}", text="Three days.")
        assert "kept for an admin" in given["toast"]
        await served.desk.idle()
        page = await ada.page()
    rating = served.store.ratings.of(stored.id, login.person.id)
    assert rating is not None
    assert (rating.value, rating.reason) == (RatingValue.DOWN, RatingReason.BAD_WORDING)
    assert [one.text for one in served.store.ratings.corrections(stored.id)] == ["Three days."]
    assert INVOICES in page
    assert re.search(rf'data-press="r:{stored.id}:down"[^>]*aria-pressed="true"', page)
    assert re.search(rf'data-press="r:{stored.id}:up"[^>]*aria-pressed="false"', page)


@pytest_asyncio.fixture(loop_scope="session")
async def unsure(tmp_path: Path, template: Template) -> AsyncIterator[Site]:
    """A bot that refuses whatever it is asked."""
    settings = {"answers": {"min_answerability": 1.0, "suggestion_similarity": 1.0}}
    async with Site.open(tmp_path, template, settings=settings) as site:
        yield site


async def test_a_refusal_is_called_right_or_wrong_and_the_answer_given(unsure: Site) -> None:
    login, served = unsure.login(), unsure
    async with talking(served, login) as ada:
        await ada.say(Q_REFUND)
        await served.desk.idle()
        stored = last_answer(served.store)
        assert stored.answer.kind is AnswerKind.REFUSAL
        page = await ada.page()
        assert "👍 That is right</button>" in page
        right = await ada.press(data_of(Verb.RATE, stored.id, "up"), menu=f"a{stored.id}")
        assert right["toast"] == "Thank you!"
        wrong = await ada.press(data_of(Verb.RATE, stored.id, "down"), menu=f"a{stored.id}")
        assert wrong["spoken"] == "Thank you, noted. Do you know the right answer?"
        given = await ada.press(data_of(Verb.CORRECT, stored.id), menu=f"a{stored.id}", text="On the roof.")
        assert "kept for an admin" in given["toast"]
        page = await ada.page()
        assert re.search(rf'data-press="r:{stored.id}:down"[^>]*aria-pressed="true">👎 The documents do tell<', page)
    rating = served.store.ratings.of(stored.id, login.person.id)
    assert rating is not None
    assert (rating.value, rating.reason) == (RatingValue.DOWN, RatingReason.WRONG_SOURCE)
    assert [one.text for one in served.store.ratings.corrections(stored.id)] == ["On the roof."]


async def test_a_correction_whose_reply_was_lost_is_kept_once_however_often_it_is_sent(served: Site) -> None:
    async with talking(served, served.login()) as ada:
        await ada.say(Q_REFUND)
        await served.desk.idle()
        stored = last_answer(served.store)
        for text in ("Three days.", " Three days.\n", "Four days."):
            given = await ada.press(data_of(Verb.CORRECT, stored.id), menu=f"a{stored.id}", text=text)
            assert "kept for an admin" in given["toast"]
    assert [one.text for one in served.store.ratings.corrections(stored.id)] == ["Three days.", "Four days."]


async def test_another_answer_takes_the_place_of_the_first(served: Site) -> None:
    async with talking(served, served.login()) as ada:
        await ada.say(Q_REFUND)
        await ada.say(Q_INVOICE)
        await served.desk.idle()
        before = re.findall(r'class="item" id="([^"]+)"', await ada.page())
        told = await ada.press(data_of(Verb.AGAIN, 1), menu="a1")
        assert told["toast"] == "", "where the answer will be it says that one is coming"
        await served.desk.idle()
        page = await ada.page()
        assert re.findall(r'class="item" id="([^"]+)"', page) == before, "nothing moved, and nothing was added"
        assert page.count(Q_REFUND) == 2, "in the list and once in the conversation"
    assert served.store.answers.count() == 3


async def test_why_is_told_of_the_answer_that_it_is_asked_of(served: Site) -> None:
    async with talking(served, served.login()) as ada:
        await ada.say(Q_REFUND)
        await ada.say(Q_INVOICE)
        await served.desk.idle()
        [first, *_] = re.findall(r'data-about="([^"]+)"', await ada.page())
        await ada.say("/why", about=first)
        await served.desk.idle()
        told = last_answer(served.store).answer.text
        assert f"“{Q_REFUND}”" in told
        assert "Answer #1" not in told, "figures are for admins"


async def test_people_answer_in_the_conversation_and_it_stays_there(served: Site) -> None:
    async with talking(served, served.login(name="ada")) as ada, ada.hearing() as heard:
        await ada.say(Q_REFUND)
        await heard.answer(REFUNDS)
        told = await ada.press(data_of(Verb.HUMAN, 1), menu="a1")
        assert "passed this on to the team" in told["note"]
        await served.desk.idle()
        [root] = [key for key, one in served.slack.messages.items() if one.target.channel == TEAM]
        await ada.say("Is anybody there?")
        await heard.until("item", lambda item: "Passed on to the team" in item["html"])
        served.office.clock.move(minutes=1)
        await served.desk.said(
            Message(
                platform="slack",
                event_id="team-1",
                channel=TEAM,
                thread=root,
                sender="U3",
                sender_name="Grace",
                text="It is <b>on</b> its way.",
                received_at=datetime.now(UTC),
                origin=Origin(place=Place.THREAD, message_id="m-team", reply_to=root),
            )
        )
        item = await heard.until("item", lambda one: "Grace:" in one["html"])
        assert "It is &lt;b&gt;on&lt;/b&gt; its way." in item["html"]
        page = await ada.page()
        assert page.index("Is anybody there?") < page.index("Grace:")


async def test_what_is_passed_on_without_a_word_is_noticed_all_the_same(served: Site) -> None:
    message = Message(
        platform=WEB,
        event_id="1-t1-silent",
        channel=channel("ada"),
        thread="",
        sender="ada",
        sender_name="Ada",
        text="Are you there?",
        received_at=datetime.now(UTC),
        origin=Origin(message_id="silent"),
    )
    stored = served.store.inbox.accept(message, idle_minutes=30)
    assert stored is not None
    async with talking(served, served.login(name="ada")) as ada, ada.hearing() as heard:
        await heard.until("item", lambda item: "aria-busy" in item["html"])
        served.store.answers.add(stored.id, plain_answer("", AnswerKind.RELAYED, "passed on"))
        await heard.until("item", lambda item: "Passed on to the team" in item["html"])


async def test_a_suggestion_that_is_pressed_is_asked(served: Site) -> None:
    async with talking(served, served.login()) as ada:
        await ada.say("/help")
        await served.desk.idle()
        [data] = re.findall(r'data-press="(x:ask:[^"]+)"', await ada.page())
        await ada.press(data)
        await served.desk.idle()
        page = await ada.page()
        assert "Three wrong passwords" in page
        assert page.count("Why is my account frozen?") >= 3, "the question stands in the conversation too"


async def test_a_forged_button_does_nothing(served: Site) -> None:
    async with talking(served, served.login()) as ada:
        for data in ("nonsense", "r:99:up", "x:forget_me:yes 99", "v:1", ""):
            await ada.press(data)
        await served.desk.idle()
        response = await ada.client.post("/c/t1/press", json={"id": new_id(), "data": "x" * 65})
        assert response.status_code == 422
        response = await ada.client.post("/c/t1/press", json={"id": new_id(), "data": "r:1:up", "menu": "<script>"})
        assert response.status_code == 422
