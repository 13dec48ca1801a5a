"""The chat page over real HTTP: what is said reaches the desk, what comes of it reaches the page, and nobody else's."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.testing import ScriptedGenerator
from bot.buttons import Verb, data_of
from bot.middleware import plain_answer
from bot.store.people import WEB
from bot.store.posts import PostBody
from bot.store.store import Store
from bot.types import AnswerKind, Message, Origin, Outcome, Place, RatingReason, RatingValue, Role, StoredAnswer
from tests.integration.commands.office import Template
from tests.integration.web.site import COOKIE, INVOICES, Q_INVOICE, Q_REFUND, REFUNDS, TEAM, Site, written
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


# -- the stream


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


# -- buttons


async def test_a_rating_its_reason_and_a_correction_are_kept_and_shown_again(served: Site) -> None:
    login = served.login()
    async with talking(served, login) as ada:
        await ada.say(Q_REFUND)
        await served.desk.idle()
        stored = last_answer(served.store)
        down = await ada.press(data_of(Verb.RATE, stored.id, "down"), menu=f"a{stored.id}")
        assert down["toast"] == "What was wrong with it?"
        assert "Bad wording" in await ada.page(), "every page of the conversation shows the reasons now"
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


async def test_another_answer_takes_the_place_of_the_first(served: Site) -> None:
    async with talking(served, served.login()) as ada:
        await ada.say(Q_REFUND)
        await ada.say(Q_INVOICE)
        await served.desk.idle()
        before = re.findall(r'class="item" id="([^"]+)"', await ada.page())
        told = await ada.press(data_of(Verb.AGAIN, 1), menu="a1")
        assert told["toast"].startswith("Looking for another answer")
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
        assert "Answer #1" in last_answer(served.store).answer.text


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


# -- documents


async def test_a_document_that_an_admin_drops_is_taken_in_as_with_ingest(served: Site) -> None:
    login = served.login(Role.ADMIN)
    async with talking(served, login) as admin:
        content = b"# Parking\n\nGuests park behind the house."
        response = await admin.client.post(
            "/c/t1/file", params={"id": "drop-0001", "name": "parking.md"}, content=content
        )
        assert response.status_code == 202
        await served.desk.idle()
        [message] = served.store.inbox.named([1])
        [attachment] = message.message.origin.attachments
        assert (message.message.origin.command, attachment.name) == ("ingest", "parking.md")
        assert await served.chat.messenger.fetch(attachment.file_id) == content
        page = await admin.page()
        assert "parking.md" in page
        assert 'id="add"' in page


async def test_only_admins_drop_documents_and_none_that_are_too_large(served: Site) -> None:
    params = {"id": "drop-0001", "name": "a.md"}
    for login in (served.login(Role.TRAINER), served.login(Role.USER), served.visit()):
        async with served.client(login) as client:
            response = await client.post("/c/t1/file", params=params, content=b"x")
            assert response.status_code in {401, 403}
            assert 'id="add"' not in (await client.get("/c/t1", headers=HTML)).text
    async with served.client(served.login(Role.ADMIN)) as admin:
        too_large = b"x" * int(served.parts.documents.max_megabytes * 1_000_000 + 1)
        response = await admin.post("/c/t1/file", params=params, content=too_large)
        assert response.status_code == 413
        assert "a.md" in response.json()["error"]["message"]
        del admin.headers["X-CSRF-Token"]
        assert (await admin.post("/c/t1/file", params=params, content=b"x")).status_code == 403
    assert served.store.inbox.pending(platform=WEB) == ()
    assert not served.chat.files.exists() or not list(served.chat.files.iterdir())


async def test_the_first_questions_that_are_offered_are_in_the_readers_language(served: Site) -> None:
    served.parts.teacher.teach("怎么退款？", "请联系客服。")
    async with talking(served, served.login()) as ada:
        said = re.findall(r'data-say="([^"]+)"', await ada.page())
        assert said == ["Why is my account frozen?", "怎么退款？"]
        await ada.client.post("/language", json={"language": "zh"})
        assert re.findall(r'data-say="([^"]+)"', await ada.page()) == said[::-1]


async def test_earlier_messages_are_shown_when_they_are_asked_for(served: Site) -> None:
    for number in range(70):
        message = Message(
            platform=WEB,
            event_id=f"1-t1-{number}",
            channel=channel("ada"),
            thread="",
            sender="ada",
            sender_name="Ada",
            text=f"Number {number}?",
            received_at=datetime.now(UTC),
            origin=Origin(message_id=f"n{number}"),
        )
        stored = served.store.inbox.accept(message, idle_minutes=30)
        assert stored is not None
        served.store.inbox.fail(stored.id)
    async with talking(served, served.login(name="ada")) as ada:
        page = await ada.page()
        assert "<p>Number 10?</p>" in page
        assert "<p>Number 9?</p>" not in page
        assert 'href="?earlier=true"' in page
        whole = (await ada.client.get("/c/t1?earlier=true", headers=HTML)).text
        assert "<p>Number 0?</p>" in whole
        assert "?earlier=true" not in whole
