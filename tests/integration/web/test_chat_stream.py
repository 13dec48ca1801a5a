"""The chat page's stream: what is sent, to whom, from where on, and when it ends."""

from __future__ import annotations

import re
from pathlib import Path

from adapters.testing import ScriptedGenerator
from bot.buttons import Verb, data_of
from tests.integration.commands.office import Template
from tests.integration.web.site import INVOICES, Q_INVOICE, Q_REFUND, REFUNDS, TEAM, Site
from tests.integration.web.talking import talking


async def test_a_page_that_is_up_to_date_is_sent_nothing_and_one_that_is_not_everything(served: Site) -> None:
    async with talking(served, served.login()) as ada:
        await ada.say(Q_REFUND)
        await served.desk.idle()
        digest = re.search(r'data-digest="([0-9a-f]+)"', await ada.page())
        assert digest is not None
        async with ada.hearing(known=digest.group(1)) as heard:
            await ada.say(Q_INVOICE)
            await heard.until("state")
            assert not any(REFUNDS in str(data) for _, data in heard.events), "what it has is not sent again"
            await heard.answer(INVOICES)
            await heard.until("state")
            last = heard.id
        async with ada.hearing(**{"Last-Event-ID": last}) as heard:
            await ada.say("/why")
            item = await heard.until("item")
            assert REFUNDS not in item["html"]
        async with ada.hearing(known=digest.group(1)) as heard:  # it missed something
            whole = await heard.until("whole")
            sent = [data["key"] for name, data in heard.events if name == "item"]
            assert sent == whole["keys"]
            assert len(sent) == 3


async def test_two_pages_of_one_conversation_hear_the_same(served: Site) -> None:
    async with talking(served, served.login()) as ada, ada.hearing() as one, ada.hearing() as two:
        await ada.say(Q_REFUND)
        first, second = await one.answer(REFUNDS), await two.answer(REFUNDS)
        assert first == second
        await ada.press(data_of(Verb.RATE, 1, "down"), menu="a1")
        for heard in (one, two):
            await heard.until("item", lambda item: "Wrong topic" in item["html"])


async def test_whoever_logged_out_elsewhere_hears_nothing_more(served: Site) -> None:
    login, other = served.login(name="ada"), served.login(name="ada")
    async with talking(served, login) as ada, talking(served, other) as elsewhere, ada.hearing() as heard:
        await heard.until("state")
        served.store.sessions.end(login.cookie)
        await elsewhere.say(Q_REFUND)
        assert "logged out" in (await heard.until("bye"))["text"]
        await heard.end()
        assert not any(name == "item" for name, _ in heard.events)
        assert (await ada.say("Hello?")).status_code == 401


async def test_whoever_is_forgotten_reads_the_last_words_and_nothing_is_left(served: Site) -> None:
    login = served.login(name="ada")
    async with talking(served, login) as ada, ada.hearing() as heard:
        await ada.say(Q_REFUND)
        await heard.answer(REFUNDS)
        await ada.say("/forget_me")
        item = await heard.until("item", lambda one: "forget_me:yes" in one["html"])
        [data] = re.findall(r'data-press="(x:forget_me:yes \d+)"', item["html"])
        await ada.press(data)
        whole = await heard.until("whole")
        assert len(whole["keys"]) == 1, "the last words alone"
        assert "nothing of the conversation is left" in (await heard.until("bye"))["text"]
        await heard.end()
    assert served.store.people.get(login.person.id) is None


async def test_streams_end_when_the_program_stops(served: Site) -> None:
    async with talking(served, served.login()) as ada, ada.hearing() as heard:
        await heard.until("state")
        assert served.chat.hub.open_pages == 1
        await served.chat.aclose()
        await heard.end()
        async with ada.hearing() as late:
            await late.end()


async def test_those_who_wait_hear_which_in_line_they_are(tmp_path: Path, template: Template) -> None:
    slow = ScriptedGenerator(lambda _: REFUNDS, seconds_per_word=0.4)
    settings = {"serve": {"conversations": 1, "team": f"slack:{TEAM}", "listen": "127.0.0.1:0"}}
    async with Site.open(tmp_path, template, settings=settings, generator=slow) as site:
        logins = [site.login(name=f"p{number}") for number in range(4)]
        for login in logins[:3]:
            async with talking(site, login) as person:
                await person.say(Q_REFUND)
        async with talking(site, logins[3]) as last, last.hearing() as heard:
            await last.say(Q_REFUND)
            line = await heard.until("line")
            assert line["text"] in {"You are third in line.", "You are second in line."}
            await heard.until("line", lambda one: one["text"] == "You are next in line.")
            await heard.answer(REFUNDS)


async def test_an_answer_that_is_not_wanted_any_more_is_stopped(tmp_path: Path, template: Template) -> None:
    slow = ScriptedGenerator(lambda _: "word " * 400, seconds_per_word=0.1)
    async with (
        Site.open(tmp_path, template, generator=slow) as site,
        talking(site, site.login()) as ada,
        ada.hearing() as heard,
    ):
        await ada.say(Q_REFUND)
        item = await heard.until("item", lambda one: "data-stop" in one["html"])
        [event] = re.findall(r'data-stop="([^"]+)"', item["html"])
        await ada.client.post("/c/t1/stop", json={"event": event})
        await heard.until("item", lambda one: "was not answered" in one["html"])
        await site.desk.idle()
        assert site.store.answers.count() == 0


async def test_another_answer_that_is_stopped_brings_the_first_one_back(tmp_path: Path, template: Template) -> None:
    written = iter([REFUNDS, *["word " * 400] * 2])
    slow = ScriptedGenerator(lambda _: next(written), seconds_per_word=0.1)
    async with (
        Site.open(tmp_path, template, generator=slow) as site,
        talking(site, site.login()) as ada,
        ada.hearing() as heard,
    ):
        await ada.say(Q_REFUND)
        await heard.answer(REFUNDS)
        for _ in range(2):  # the button works once more
            await ada.press(data_of(Verb.AGAIN, 1), menu="a1")
            item = await heard.until("item", lambda one: "data-stop" in one["html"])
            [event] = re.findall(r'data-stop="([^"]+)"', item["html"])
            await ada.client.post("/c/t1/stop", json={"event": event})
            await heard.answer(REFUNDS)
        await site.desk.idle()
        assert site.store.answers.count() == 1
