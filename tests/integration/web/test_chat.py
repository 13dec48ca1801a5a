"""The chat page over real HTTP: what is said reaches the desk, what comes of it reaches the page, and nobody else's."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.testing import ScriptedGenerator
from bot.buttons import Verb, data_of
from bot.store.people import WEB
from bot.store.posts import PostBody
from bot.store.store import Store
from bot.types import Message, Origin, Outcome, Role, StoredAnswer
from tests.integration.commands.office import Template
from tests.integration.web.site import COOKIE, INVOICES, Q_INVOICE, Q_REFUND, REFUNDS, Site, written
from tests.integration.web.talking import new_id, talking

HTML = {"Accept": "text/html"}


def channel(site_name: str, talk: str = "t1") -> str:
    return f"{site_name}/{talk}"


def last_answer(store: Store) -> StoredAnswer:
    return store.answers.recent(1)[0]


# -- who comes in


async def test_a_new_visitor_of_an_open_page_is_welcomed_and_comes_to_a_conversation(served: Site) -> None:
    async with served.client() as client:
        response = await client.get("/", headers=HTML, follow_redirects=True)
        assert response.status_code == 200
        assert re.fullmatch(r"/c/[0-9a-f]{16}", response.url.path)
        assert COOKIE in client.cookies
        again = await client.get("/", headers=HTML, follow_redirects=True)
        assert again.status_code == 200
    names = [one.platform_user_id for one in served.store.people.list() if one.platform == WEB]
    assert len(names) == 1, "a visitor is one person"
    assert names[0].startswith("visitor-")


async def test_a_browser_that_keeps_no_cookie_is_told_so_and_a_program_makes_no_person(served: Site) -> None:
    async with served.client() as client:
        refused = await client.get("/?hello=1", headers=HTML)
        assert "cookie" in refused.text
        before = len(served.store.people.list())
        await client.get("/", headers={"Accept": "*/*"})
    assert len(served.store.people.list()) == before


async def test_where_people_have_to_log_in_nobody_is_welcomed(tmp_path: Path, template: Template) -> None:
    async with Site.open(tmp_path, template, settings={"web": {"access": "login"}}) as site:
        async with site.client() as client:
            for path in ("/", "/c/t1"):
                response = await client.get(path, headers=HTML)
                assert (response.status_code, response.headers["location"].partition("?")[0]) == (303, "/login")
            assert (await client.get("/c/t1/events")).status_code == 401
        async with site.client(site.login()) as client:
            assert (await client.get("/c/t1", headers=HTML)).status_code == 200


async def test_what_no_conversation_is_called_is_not_there(served: Site) -> None:
    async with served.client(served.login()) as client:
        for talk in ("A", "a" * 33, "a%2Fb", "a.b"):
            assert (await client.get(f"/c/{talk}", headers=HTML)).status_code == 404, talk
            assert (await client.get(f"/c/{talk}/events")).status_code == 404, talk


async def test_nothing_is_done_for_a_request_that_was_forged(served: Site) -> None:
    login = served.login()
    async with served.client(login) as client:
        del client.headers["X-CSRF-Token"]
        for path, body in (
            ("/c/t1/say", {"id": new_id(), "text": "Hi"}),
            ("/c/t1/press", {"id": new_id(), "data": "r:1:up"}),
            ("/c/t1/stop", {"event": "x"}),
            ("/language", {"language": "zh"}),
        ):
            assert (await client.post(path, json=body)).status_code == 403, path
    assert served.store.inbox.pending(platform=WEB) == ()


async def test_scripts_are_not_sent_again_while_they_are_the_same(served: Site) -> None:
    async with served.client() as client:
        for path in ("/static/chat/main.js", "/static/chat.css", "/static/theme.js"):
            first = await client.get(path)
            assert (first.status_code, first.headers["cache-control"]) == (200, "no-cache")
            again = await client.get(path, headers={"If-None-Match": first.headers["etag"]})
            assert again.status_code == 304


# -- asking


async def test_an_answer_comes_through_the_stream_with_its_sources_and_buttons(served: Site) -> None:
    async with talking(served, served.login()) as ada, ada.hearing() as heard:
        assert (await ada.say(Q_REFUND)).status_code == 202
        waits = await heard.until("item", lambda item: "aria-busy" in item["html"])
        assert Q_REFUND in waits["html"]
        item = await heard.answer(REFUNDS)
        assert item["key"] == waits["key"], "it takes the place of what waited"
        assert 'data-opens="s-1-1"' in item["html"], "the source opens"
        assert f'data-press="{data_of(Verb.RATE, 1, "up")}"' in item["html"]
        page = await ada.page()
        assert item["html"] in page, "the page shows the same when it is loaded again"
        assert f'data-version="{item["version"]}"' in page
    assert [one.delivered_at is not None for one in served.store.answers.deliveries(1)] == [True]


async def test_a_growing_answer_is_shown_as_it_grows(tmp_path: Path, template: Template) -> None:
    slow = ScriptedGenerator(written, seconds_per_word=0.15)
    async with (
        Site.open(tmp_path, template, generator=slow) as site,
        talking(site, site.login()) as ada,
        ada.hearing() as heard,
    ):
        await ada.say(Q_REFUND)
        item = await heard.until("item", lambda one: "aria-busy" in one["html"])
        grown = await heard.until("grow")
        assert f'id="{grown["id"]}"' in item["html"]
        await heard.answer(REFUNDS)
        texts = [data["html"] for name, data in heard.events if name == "grow"]
        assert texts == sorted(texts, key=len), "it only grows"


async def test_what_is_told_twice_counts_once(served: Site) -> None:
    async with talking(served, served.login()) as ada:
        same = new_id()
        for _ in range(2):
            assert (await ada.say(Q_REFUND, id=same)).status_code == 202
        await served.desk.idle()
    assert served.store.answers.count() == 1


async def test_an_answer_that_comes_while_no_page_is_open_is_there_when_one_is_opened(served: Site) -> None:
    async with talking(served, served.login()) as ada:
        await ada.say(Q_REFUND)
        await served.desk.idle()
        assert REFUNDS in await ada.page()


async def test_what_was_asked_before_a_crash_is_answered_after_it(tmp_path: Path, template: Template) -> None:
    def ask(store: Store) -> None:
        message = Message(
            platform=WEB,
            event_id="1-t1-before",
            channel=channel("ada"),
            thread="",
            sender="ada",
            sender_name="Ada",
            text=Q_REFUND,
            received_at=datetime.now(UTC),
            origin=Origin(message_id="before"),
        )
        store.inbox.accept(message, idle_minutes=30)

    async with Site.open(tmp_path, template, before=ask) as site, talking(site, site.login(name="ada")) as ada:
        await site.desk.idle()
        assert REFUNDS in await ada.page()


async def test_commands_work_as_everywhere_and_refuse_whoever_may_not(served: Site) -> None:
    async with talking(served, served.login()) as user, talking(served, served.login(Role.ADMIN)) as admin:
        await user.say("/help")
        await user.say("/status")
        await admin.say("/status")
        await served.desk.idle()
        page = await user.page()
        assert "<p>/help</p>" in page
        assert "<code>/why</code>" in page, "help lists commands"
        assert "That needs the role admin" in page
        assert "That needs the role" not in await admin.page()


async def test_what_is_too_long_to_be_taken_or_empty_is_refused_in_words(served: Site) -> None:
    async with talking(served, served.login()) as ada:
        for text in ("", "x" * 20_001):
            response = await ada.say(text)
            assert response.status_code == 422
            assert "text" in response.json()["error"]["message"]
        assert (await ada.say("x" * 15_000)).status_code == 202
        await served.desk.idle()
        assert "15,000" in await ada.page() or "15000" in await ada.page(), "the bot says how long it may be"


# -- conversations


async def test_a_conversation_is_its_owners_alone(served: Site) -> None:
    async with (
        talking(served, served.login(name="ada")) as ada,
        talking(served, served.login(Role.OWNER, name="eve")) as eve,
    ):
        await ada.say(Q_REFUND)
        await served.desk.idle()
        stored = last_answer(served.store)
        assert REFUNDS not in await eve.page(), "the same address is another conversation"
        told = await eve.press(data_of(Verb.RATE, stored.id, "down"))
        assert "not there" in told["toast"]
        event = served.store.inbox.get(stored.message_id)
        assert event is not None
        await eve.client.post("/c/t1/stop", json={"event": event.message.event_id})
        async with eve.hearing() as heard:
            await eve.say(Q_INVOICE)
            await heard.answer(INVOICES)
            assert not any(REFUNDS in str(data) for _, data in heard.events)
        assert REFUNDS in await ada.page()
    assert served.store.ratings.of(stored.id, event.user_id) is None


async def test_conversations_are_listed_by_their_first_question_and_the_last_goes_on(served: Site) -> None:
    async with talking(served, served.login()) as one:
        await one.say(Q_REFUND)
        await served.desk.idle()
        new = await one.client.get("/new")
        assert re.fullmatch(r"/c/[0-9a-f]{16}", new.headers["location"])
        async with talking(served, served.login(), "t2") as two:
            await two.say("/help")
            await served.desk.idle()
            listed = re.findall(r'<a href="(/c/t\d)"( aria-current="page")?>([^<]*)</a>', await one.page())
            assert listed == [("/c/t2", "", "/help"), ("/c/t1", ' aria-current="page"', Q_REFUND)]
        assert (await one.client.get("/", headers=HTML)).headers["location"] == "/c/t2"


async def test_what_somebody_is_told_unasked_stands_in_a_conversation_of_its_own(served: Site) -> None:
    async with talking(served, served.login(name="ada"), "notices") as ada, ada.hearing() as heard:
        served.store.posts.add("n1", PostBody(text="A run **ended**.", person="ada"), platform=WEB, channel="ada")
        await served.desk.send_posts()
        await heard.until("item", lambda item: "<strong>ended</strong>" in item["html"])
        page = await ada.page()
        assert "<strong>ended</strong>" in page
        assert ">Notices</a>" in page


async def test_quotes_that_are_not_kept_are_shown_as_long_as_they_are_remembered(served: Site) -> None:
    async with talking(served, served.login(name="ada"), "notices") as ada:
        body = PostBody(text="", quotes="Somebody said so.", person="ada")
        post = served.store.posts.add("n1", body, platform=WEB, channel="ada")
        await served.desk.send_posts()
        await served.desk.idle()
        kept = served.store.posts.get(post.id)
        assert kept is not None
        assert kept.body.shown == "", "the store keeps no quotes"
        assert "Somebody said so." in await ada.page()
        served.chat.hub.drop("ada", kept.platform_message_id)  # as after a restart
        assert "not kept any longer" in await ada.page()


# -- the rest


async def test_the_language_that_somebody_chooses_is_spoken_to_them(served: Site) -> None:
    async with talking(served, served.login()) as ada:
        assert (await ada.client.post("/language", json={"language": "zh"})).status_code == 200
        page = await ada.page()
        assert '<html lang="zh">' in page
        assert "新对话" in page
        assert (await ada.client.post("/language", json={"language": "xx"})).status_code == 400
        assert (await ada.client.post("/language", json={"language": ""})).status_code == 200
        assert '<html lang="en">' in await ada.page()


async def test_pictures_are_shown_to_whom_they_were_posted(served: Site, tmp_path: Path) -> None:
    png = tmp_path / "curve.png"
    png.write_bytes(b"\x89PNG...")
    body = PostBody(text="The curve", picture=str(png), person="ada")
    post = served.store.posts.add("p1", body, platform=WEB, channel="ada")
    await served.desk.send_posts()
    await served.desk.idle()
    path = f"/c/notices/picture/{post.id}"
    async with talking(served, served.login(name="ada"), "notices") as ada, served.client(served.login()) as other:
        assert f'src="{path}" alt="The curve"' in await ada.page()
        response = await ada.client.get(path)
        assert (response.content, response.headers["content-type"]) == (b"\x89PNG...", "image/png")
        assert (await other.get(path)).status_code == 404
        assert (await ada.client.get(f"/c/t1/picture/{post.id}")).status_code == 404
        png.unlink()
        assert (await ada.client.get(path)).status_code == 404


async def test_who_asks_too_fast_is_told_so_under_every_question(tmp_path: Path, template: Template) -> None:
    settings = {"serve": {"user_messages_per_minute": 1}}
    async with Site.open(tmp_path, template, settings=settings) as site, talking(site, site.login()) as ada:
        for _ in range(4):
            await ada.say(Q_REFUND)
        await site.desk.idle()
        page = await ada.page()
    assert page.count("That is a lot of questions in one minute.") == 3
    assert "This was not answered." not in page


@pytest.mark.parametrize("role", list(Role))
async def test_the_way_to_the_dashboard_is_shown_to_those_who_may_go_there(served: Site, role: Role) -> None:
    async with talking(served, served.login(role)) as somebody, talking(served, served.visit()) as visitor:
        assert ('href="/dashboard"' in await somebody.page()) is (role is not Role.USER)
        assert 'href="/dashboard"' not in await visitor.page()
        assert 'action="/logout"' in await somebody.page()


async def test_what_could_not_be_answered_counts_as_everywhere(tmp_path: Path, template: Template) -> None:
    settings = {"answers": {"min_answerability": 1.0, "suggestion_similarity": 1.0}}
    async with Site.open(tmp_path, template, settings=settings) as site, talking(site, site.login()) as ada:
        await ada.say("What is the meaning of life?")
        await site.desk.idle()
        assert last_answer(site.store).answer.outcome is Outcome.ABSTAINED
        assert len(site.store.answers.unanswered(9)) == 1
